"""Breaking any one rule or term on purpose, in the program or in the evaluator, is noticed by the other side."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from agreement import disagreements
from planted import SETTINGS, busy, heavy, planted

from optcomp import judge
from optcomp.eligibility import PAIR_RULES, PairSet
from optcomp.errors import SolverError
from optcomp.formulation import build, outcome, scope
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solve import Engines

evaluator = importlib.import_module("optcomp.evaluate")  # the package has a function of that name
BUILDERS = {**build.BOOK_RULES, **build.GLOBAL_RULES}
PLAN_RULES = [name for name, spec in SPECS.items() if spec.stage == "plan"]


def is_noticed(problem: Problem, engines: Engines) -> bool:
    """Some path disagrees with brute force, or solve itself refuses what the evaluator says."""
    try:
        return bool(disagreements(problem, engines))
    except SolverError as error:
        return "disagree" in str(error) or "lies below" in str(error)


def every_pair(problem: Problem) -> PairSet:
    """Every account with every CSM, whatever the rules say."""
    shape = (len(problem.accounts.ids), len(problem.csms.ids))
    return PairSet(np.arange(shape[0] * shape[1]), shape)


def nothing(*_: object, **__: object) -> None:
    """A builder that adds no row."""


@pytest.mark.parametrize("rule_id", sorted(set(BUILDERS) - {"families"}))
def test_a_builder_that_does_nothing_is_noticed(
    rule_id: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program then promises what the evaluator refuses."""
    rules = build.BOOK_RULES if rule_id in build.BOOK_RULES else build.GLOBAL_RULES
    problem = planted(rule_id)
    # Along the joint path every builder is used; by pools the master has the money rules.
    monkeypatch.setattr("agreement.methods", lambda problem: ["joint"])

    assert not is_noticed(problem, engines)
    monkeypatch.setitem(rules, rule_id, nothing)
    assert is_noticed(problem, engines)


def test_families_that_are_not_kept_together_are_noticed(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hard families are units, soft ones have rows."""
    monkeypatch.setitem(build.BOOK_RULES, "families", nothing)
    assert is_noticed(planted("families", "soft"), engines)
    monkeypatch.setattr(scope, "unit_of_account", lambda problem: np.arange(len(problem.accounts.ids)))
    assert is_noticed(planted("families"), engines)


@pytest.mark.parametrize("rule_id", ["budget", "exposure"])
def test_a_master_without_a_money_rule_is_noticed(
    rule_id: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pools find the same limit by other code than the joint program."""
    master = importlib.import_module("optcomp.decompose.master")
    original = master.Master.__init__

    def forgetful(self: Any, problem: Problem, *rest: Any) -> None:
        original(self, problem, *rest)
        keep = [k for k, (rule, *_) in enumerate(self.money_rules) if rule.rule_id != rule_id]
        self.money_rules = [self.money_rules[k] for k in keep]
        self.always = [self.always[k] for k in keep]

    monkeypatch.setattr("agreement.methods", lambda problem: ["decomposed"])
    assert not is_noticed(planted(rule_id), engines)
    monkeypatch.setattr(master.Master, "__init__", forgetful)
    assert is_noticed(planted(rule_id), engines)


# A hard plan rule keeps its plans off the menu, where nobody can choose one: `test_a_menu_that...` sees to those.
@pytest.mark.parametrize(
    ("rule_id", "state"),
    [(r, s) for r, spec in SPECS.items() for s in spec.states if s == "soft" or (s == "hard" and r not in PLAN_RULES)],
)
def test_a_check_that_sees_nothing_is_noticed(
    rule_id: str, state: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Brute force believes the evaluator, and the program knows better."""
    original = judge._amounts

    def blind(problem: Problem, decision: judge.Decision, name: str, *rest: Any) -> Iterator[tuple[str, float, float]]:
        return iter(()) if name == rule_id else original(problem, decision, name, *rest)

    monkeypatch.setattr(judge, "_amounts", blind)
    assert is_noticed(planted(rule_id, state), engines)


@pytest.mark.parametrize("rule_id", PLAN_RULES)
def test_a_menu_that_ignores_a_plan_rule_is_noticed(
    rule_id: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The evaluator judges the plan all the same, and asks the soft one's price."""
    monkeypatch.setattr(Problem, "_design_price", lambda self, plan, segment: 0.0)
    assert is_noticed(planted(rule_id, "soft"), engines)

    # The price alone would keep the program from most plans, so it stays away.
    monkeypatch.setattr(Problem, "_breaks_hard_design", lambda self, plan, segment: False)
    assert is_noticed(planted(rule_id), engines)


@pytest.mark.parametrize("rule_id", sorted(set(PAIR_RULES) - {"leavers"}))
def test_soft_pairs_without_a_price_are_noticed(
    rule_id: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's price of a pair and the evaluator's are counted apart."""
    monkeypatch.setattr(scope, "broken_pairs", lambda problem, name, account, csm: np.zeros(len(account), dtype=bool))
    assert is_noticed(planted(rule_id, "soft"), engines)


@pytest.mark.parametrize("rule_id", sorted(set(PAIR_RULES) - {"leavers"}))  # scopes leave leavers out anyway
def test_pairs_that_a_hard_rule_forgot_are_noticed(
    rule_id: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program offers every pair, and the evaluator refuses the one that is used."""
    monkeypatch.setattr("optcomp.problem.allowed_pairs", every_pair)
    assert is_noticed(planted(rule_id), engines)


@pytest.mark.parametrize("factor", [0.0, 1.1])
@pytest.mark.parametrize("term", ["load in the program", "load in the evaluator", "value in the evaluator"])
def test_a_term_that_is_missing_or_a_tenth_too_large_is_noticed(
    term: str, factor: float, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each term of the value is computed twice, or changed on one side only."""
    problem = heavy()
    if term == "load in the program":
        add_load = outcome.add_load

        def scaled(frame: Any, tangents: Any) -> None:
            start = len(frame.objective)
            add_load(frame, tangents)
            frame.objective[start:] = [(factor * c, v) for c, v in frame.objective[start:]]

        monkeypatch.setattr(outcome, "add_load", scaled)
    elif term == "load in the evaluator":
        load_cost = evaluator.load_cost
        monkeypatch.setattr(evaluator, "load_cost", lambda *a: factor * load_cost(*a))
    else:
        predict = evaluator._predict
        monkeypatch.setattr(
            evaluator, "_predict", lambda *a: evaluator.Predicted(predict(*a).kept, factor * predict(*a).expanded)
        )
    assert is_noticed(problem, engines)


def test_a_plan_whose_activities_take_no_hours_is_noticed(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra hours are a linear term of the program, and a factor inside the evaluator's logarithm."""
    monkeypatch.setattr(judge.Decision, "hours_factor", property(lambda self: np.ones(len(self.problem.csms.ids))))
    assert is_noticed(busy(), engines)


def test_every_rule_is_broken_on_purpose() -> None:
    """The lists above leave no rule out."""
    assert {*BUILDERS, *PLAN_RULES, *PAIR_RULES} == set(SPECS) == set(SETTINGS)
