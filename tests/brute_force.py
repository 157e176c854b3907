"""The best solution by trying every one. Calls `evaluate` only, never a coefficient of a program."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from optcomp.evaluate import Evaluation, evaluate
from optcomp.problem import Problem
from optcomp.solution import Solution


def every_solution(problem: Problem) -> Iterator[Solution]:
    """Every plan of every segment × every CSM of every account × every set of filled positions."""
    names = [s.name for s in problem.segments]
    open_positions = [c for c, is_open in zip(problem.csms.ids, problem.csms.is_open, strict=True) if is_open]
    subsets = [frozenset(s) for n in range(len(open_positions) + 1) for s in itertools.combinations(open_positions, n)]
    for plans in itertools.product(*[[p.plan_id for p in plans] for plans in problem.plans]):
        for owners in itertools.product(problem.csms.ids, repeat=len(problem.accounts.ids)):
            for filled in subsets:
                owner = dict(zip(problem.accounts.ids, owners, strict=True))
                yield Solution(dict(zip(names, plans, strict=True)), owner, filled)


def best(problem: Problem) -> tuple[Solution, Evaluation] | None:
    """The solution with the highest objective among those that break no hard rule, or None."""
    top: tuple[Solution, Evaluation] | None = None
    for solution in every_solution(problem):
        result = evaluate(problem, solution)
        if not result.violations and (top is None or result.objective > top[1].objective):
            top = solution, result
    return top
