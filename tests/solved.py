"""A small result for the tests of what comes out: solved once, by trying every solution, without any solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import brute_force
from builders import account, csm, problem, segment

from optcomp.evaluate import current_solution, evaluate
from optcomp.instance import Csm
from optcomp.manifest import Origin
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.solve import Result, Settings, Status

TINY = Path(__file__).parents[1] / "instances" / "tiny"
ORIGIN = Origin(TINY, sorted(TINY.glob("*.csv")))
SETTINGS = Settings()


def small_problem(csms: Sequence[Csm] = (), **more: object) -> Problem:
    """Three accounts, two CSMs, today's cliff or the balanced plan."""
    accounts = (replace(account("A1"), name="Acme"), account("A2", arr=50_000.0), account("A3", "C2"))
    people = csms or (replace(csm("C1"), name="CSM one"), replace(csm("C2"), name="CSM two"))
    return problem(accounts, people, **more)  # type: ignore[arg-type]


def result_of(where: Problem, solution: Solution | None = None, *, bound: float | None = None) -> Result:
    """A result with this solution, or with the best there is."""
    if solution is None:
        best = brute_force.best(where)
        assert best is not None
        solution = best[0]
    staying = where.as_if_nobody_leaves() if where.has_leavers_with_books else where
    evaluation = evaluate(where, solution)
    return Result(
        problem=where,
        status=Status.OPTIMAL,
        solution=solution,
        evaluation=evaluation,
        current=evaluate(staying, current_solution(staying)),
        current_is_counterfactual=where.has_leavers_with_books,
        objective_bound=evaluation.objective if bound is None else bound,
        seconds=1.0,
        method="decomposed",
        why_joint="",
    )


def with_plan(where: Problem, plan_id: str) -> Solution:
    """Every segment paid by one plan, today's books."""
    return replace(current_solution(where), plan_by_segment={s.name: plan_id for s in where.segments})


__all__ = ["ORIGIN", "SETTINGS", "TINY", "current_solution", "result_of", "segment", "small_problem", "with_plan"]
