"""The bound that needs no solver: never below the best there is, and there from the first moment on."""

from __future__ import annotations

import math
from pathlib import Path

import brute_force
import pytest
from builders import account, csm, problem
from hypothesis import given, settings
from strategies import problems

from optcomp.assemble import read
from optcomp.formulation.build import formulate
from optcomp.formulation.compile import compile_model
from optcomp.formulation.scope import Tables, whole_scope
from optcomp.formulation.simple_bound import simple_bound
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve


def bound_of(where: Problem) -> float:
    frame = formulate(where, whole_scope(where))
    return simple_bound(frame, compile_model(frame.model))


@settings(max_examples=40, deadline=None)
@given(where=problems())
def test_nothing_is_worth_more(where: Problem) -> None:
    best = brute_force.best(where)
    if best is not None:
        assert bound_of(where) >= 100.0 * best[1].objective - 1e-9


def test_every_account_counts_once_with_its_best_plan() -> None:
    """Two accounts, each with the best of two CSMs and two plans; and what an empty book saves at most."""
    where = problem([account("A"), account("B", arr=50_000.0)], [csm("C1"), csm("C2")])
    tables = Tables(where, whole_scope(where))
    best = [max(float(v[tables.pair_unit == u].max()) for v in tables.value.values()) for u in (0, 1)]
    saved = sum(float(where.kappa[0] * hours) / math.e for hours in where.csms.hours) * tables.points_per_usd

    assert bound_of(where) == pytest.approx(sum(best) + saved, abs=1e-9)


def test_a_joint_solve_without_time_has_a_bound_near_what_there_is(engines: Engines) -> None:
    """Half of what books are worth, and not a hundred times: no relaxation is solved in so short a time."""
    where = read(Path(__file__).parents[1] / "instances" / "team-of-15")

    result = solve(where, Settings(method="joint", time_limit_seconds=0.01), engines=engines)

    assert 1.0 < result.objective_bound < 1.5
