"""Brute force, the pools, the joint program and the evaluator agree on generated problems, infeasible ones included."""

from __future__ import annotations

import strategies
from agreement import disagreements
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from optcomp.problem import Problem
from optcomp.solve import Engines

# The same examples in every run, so that CI does not fail by chance; time is not what is tested.
tried = hypothesis_settings(
    max_examples=45,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


@tried
@given(problem=strategies.problems())
def test_any_rules_agree(problem: Problem, engines: Engines) -> None:
    """Whatever rules are on together."""
    assert not disagreements(problem, engines)


@tried
@given(problem=strategies.problems(strategies.LIMIT_RULES))
def test_limits_on_books_agree(problem: Problem, engines: Engines) -> None:
    """Hours, counts, ARR, spread, families and moves."""
    assert not disagreements(problem, engines)


@tried
@given(problem=strategies.problems(strategies.CHANCE_RULES))
def test_equal_chance_and_renewals_due_agree(problem: Problem, engines: Engines) -> None:
    """What makes pay fair, with open positions and families about."""
    assert not disagreements(problem, engines)


@tried
@given(problem=strategies.problems(strategies.MONEY_RULES))
def test_money_agrees(problem: Problem, engines: Engines) -> None:
    """Budget, worst case and open positions."""
    assert not disagreements(problem, engines)


@tried
@given(problem=strategies.problems((*strategies.PLAN_RULES, *strategies.PAIR_RULES)))
def test_plans_and_pairs_agree(problem: Problem, engines: Engines) -> None:
    """Which plans there are, who may look after whom, and what soft ones cost."""
    assert not disagreements(problem, engines)
