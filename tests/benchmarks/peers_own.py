"""Peers made of optcomp itself: the decomposition, the joint path, and pay first, then books."""

from __future__ import annotations

import math
import time

import numpy as np

from optcomp.decompose.search import Found, Search, Target
from optcomp.engine import Engine
from optcomp.formulation.scope import POINTS
from optcomp.pay_first import plans_at_books
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.solve import Progress, Settings, solve
from tests.benchmarks.peers_log import Log
from tests.benchmarks.peers_program import Choices

WORKERS = 2


class _Kept:
    """Writes down every improvement of a solve."""

    start: Solution | None = None

    def __init__(self, choices: Choices, log: Log) -> None:
        self.choices, self.log = choices, log

    def keep(self, solution: Solution, objective: float) -> None:
        """Called by `solve`."""
        del objective
        self.log.found(*self.choices.choice(solution))


def whole(problem: Problem, log: Log, *, method: str, seconds: float, gap_pp: float) -> None:
    """`solve` by a method, all of its own phases included."""
    choices = Choices.of(problem)
    log.begin()

    def tell(progress: Progress) -> None:
        if progress.bound is not None:
            log.bound(POINTS * progress.bound)

    settings = Settings(time_limit_seconds=seconds, gap_pp=gap_pp, method=method, workers=WORKERS)
    result = solve(problem, settings, tell, keeper=_Kept(choices, log))
    if math.isfinite(result.objective_bound):
        log.bound(POINTS * result.objective_bound)
    log.ended(str(result.status))


def pay_first(problem: Problem, log: Log, *, seconds: float, gap_pp: float) -> None:
    """The plans that are best for today's books, then the best books under them; says nothing of better plans."""
    choices = Choices.of(problem)
    log.begin()
    deadline = time.monotonic() + seconds
    target = Target(gap=gap_pp, deadline=deadline, seed=0, is_over=lambda: time.monotonic() >= deadline)

    def tell(search: Search, found: Found) -> None:
        if found.best is not None:
            log.found(*choices.choice(search.solution(found.best)))

    with Engine(WORKERS) as engine, Engine(1) as helper:
        plans = plans_at_books(problem, helper)
        if plans is None:
            log.ended("no plans fit the budget")
            return
        search = Search(problem, engine, helper, target, tell)
        tell(search, search.run([np.array([p]) for p in plans]))
    log.ended("time limit" if target.is_over() else "done")
