"""The budget curve: what every budget buys, proved, from one search whose knowledge does not depend on the budget.

What a pool of books is worth under a plan has nothing to do with the budget; only the choice of plans has (DESIGN 4.2).
So one search is run at the largest budget, every other budget is read off what it knows (`Frontier`), and only where
the proof of a step is not good enough the search goes on at that step. All steps are read at the end from the same
knowledge, so that more budget never buys less, and no bound lies below that of a smaller budget.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace

import numpy as np

from optcomp.best import Best, checked
from optcomp.decompose.master import Master, Pick
from optcomp.decompose.pools import why_joint
from optcomp.decompose.search import Found, Search, Target
from optcomp.engine import Engine, interruptible
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.problem import Problem
from optcomp.solve import Engines
from optcomp.studies.alone import solve_alone
from optcomp.studies.frontier import Frontier
from optcomp.studies.intervals import budget_intervals
from optcomp.studies.menus import strategy_of, wider_menus, with_forced
from optcomp.studies.points import BEST, POINTS, Curve, Point, Settings, Study, point
from optcomp.types import IntArray

BUDGET = "budget"


def budget_curve(
    problem: Problem,
    rises: Sequence[float],
    settings: Settings | None = None,
    *,
    is_extended: bool = True,
    engines: Engines | None = None,
) -> Study:
    """The best mix and the three forced strategies at the pay budget and with more of it.

    rises : shares by which the budget rises, e.g. 0.15 for +15 %
    is_extended : more levels are added to the menus, so that more money has somewhere to go
    engines : the caller's own, left open

    Raises
    ------
    SolverError
        When the solver contradicts the evaluator, which would be a bug.
    """
    settings, started = settings or Settings(), time.monotonic()
    highest = max(rises)
    wide = wider_menus(problem, highest) if is_extended else problem
    if settings.strategies:
        wide = with_forced(wide, problem.instance.pay_budget * (1.0 + highest))
    wide = at_budget(wide, problem.instance.pay_budget * (1.0 + highest))
    budgets = [(r, problem.instance.pay_budget * (1.0 + r)) for r in sorted(set(rises))]
    curves, signal = _curves(wide, budgets, settings, engines, deadline=started + settings.time_limit_seconds)
    staying = problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem
    study = Study(
        key=BUDGET,
        unit="share of the pay budget",
        base=problem,
        current=evaluate(staying, current_solution(staying)),
        curves=curves,
        seconds=time.monotonic() - started,
        why_alone=why_alone(wide),
        signal=signal,
        extended=is_extended,
    )
    return replace(study, intervals=budget_intervals(study))


def _curves(
    wide: Problem,
    budgets: Sequence[tuple[float, float]],
    settings: Settings,
    engines: Engines | None,
    *,
    deadline: float,
) -> tuple[tuple[Curve, ...], int]:
    """The curves, and the signal that ended them early."""
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        interruption = stack.enter_context(interruptible(engines.main))
        target = Target(
            gap=settings.gap_pp,
            deadline=deadline,
            seed=settings.seed,
            is_over=lambda: interruption.received is not None or time.monotonic() >= deadline,
        )
        if why_alone(wide):
            steps = [(r, at_budget(wide, usd)) for r, usd in budgets]
            return (
                Curve(BEST, solve_alone(steps, settings, target, engines, direction=1)),
            ), interruption.received or 0
        return _shared(wide, budgets, settings, target, engines), interruption.received or 0


def why_alone(problem: Problem) -> str:
    """Why steps cannot share what is known of the pools; empty where they can."""
    if problem.rules["exposure"].is_on:
        return "the rule on worst-case pay reads the budget too"
    moves = problem.rules["moves"]
    if moves.is_hard or (moves.is_soft and moves["max"] > 0):
        return "the limit on moves couples all books"
    return why_joint(problem)


def at_budget(problem: Problem, pay_budget: float) -> Problem:
    """The same problem at another pay budget, with everything that is computed already: none of it reads the budget."""
    other = replace(problem, instance=replace(problem.instance, pay_budget=pay_budget))
    stated = {f.name for f in fields(problem)}
    vars(other).update({name: value for name, value in vars(problem).items() if name not in stated})
    return other


def plans_of(problem: Problem, name: str) -> list[IntArray]:
    """Plan rows of every segment that a curve may choose: the menu, or today's plan and those of a forced strategy."""
    wanted = "" if name == BEST else name
    return [
        np.array([k for k, p in enumerate(plans) if strategy_of(p) == wanted or p.is_today], dtype=np.int64)
        for plans in problem.plans
    ]


# ---- all steps from one search ------------------------------------------------------------------------------------


def _shared(
    wide: Problem, budgets: Sequence[tuple[float, float]], settings: Settings, target: Target, engines: Engines
) -> tuple[Curve, ...]:
    search = Search(wide, engines.main, engines.helper, target, lambda search, found: None)
    curves = []
    for name in (BEST, *settings.strategies):
        sweep = Sweep(search, budgets, plans_of(wide, name))
        sweep.run(name, settings.tell)
        curves.append(Curve(name, sweep.points()))
    return tuple(curves)


@dataclass
class Sweep:
    """One curve: refines the step whose proof is worst until all are within the gap, then reads every step.

    budgets : the share by which the budget rises, and the budget in USD
    """

    search: Search
    budgets: Sequence[tuple[float, float]]
    plans: Sequence[IntArray]

    def run(self, name: str, tell: Callable[[str], None]) -> None:
        """Refine. A step is searched once: what the search cannot close then, it cannot close."""
        tried: set[int] = set()
        step: int | None = len(self.budgets) - 1  # the largest budget meets the most plans
        while step is not None and not (tried and self.search.target.is_over()):
            tell(f"{name}, budget {self.budgets[step][0]:+.1%}")
            self._search(step)
            tried.add(step)
            step = self._widest(tried)

    def _search(self, step: int) -> Found:
        problem = at_budget(self.search.problem, self.budgets[step][1])
        self.search.master = Master(problem, self.search.pools, self.search.helper)
        return self.search.run(self.plans)

    def _widest(self, tried: set[int]) -> int | None:
        uppers, lowers = self._read("upper"), self._read("lower")
        gaps = {k: _gap(uppers[k], lowers[k]) for k in range(len(self.budgets)) if k not in tried}
        widest = max(gaps, key=lambda k: (gaps[k], k), default=None)
        return widest if widest is not None and gaps[widest] > self.search.target.gap else None

    def _read(self, side: str) -> list[Pick | None]:
        frontier = Frontier(self.search, side, self.plans)
        return [frontier.pick(usd) for _, usd in self.budgets]

    def points(self) -> tuple[Point, ...]:
        """Every step, its solution judged by `evaluate`."""
        uppers, lowers = self._read("upper"), self._read("lower")
        made: list[Point] = []
        today: Evaluation | None = None
        is_possible = self._may_keep_today()
        for (value, usd), upper, lower in zip(self.budgets, uppers, lowers, strict=True):
            problem = at_budget(self.search.problem, usd)
            bound = -math.inf if upper is None else upper.value
            best = Best(problem, ())
            if lower is not None:
                best.offer(self.search.solution(lower), lower.value)
            is_below = best.evaluation is None or today is None or best.evaluation.objective < today.objective
            if is_possible and is_below:
                today = best.offer(current_solution(problem)) or today
            # More budget makes today's books worth no less, so a bound below what they were worth before is wrong, too.
            bound = checked(checked(bound, today), best.evaluation)
            made.append(point(value, problem, bound / POINTS, best.solution, best.evaluation))
        return tuple(made)

    def _may_keep_today(self) -> bool:
        """Whether the largest budget allows today's plans and books: they are offered, to show a bound below them."""
        problem = self.search.problem  # at that budget
        if (problem.accounts.csm < 0).any():
            return False
        return not evaluate(problem, current_solution(problem)).violations


def _gap(upper: Pick | None, lower: Pick | None) -> float:
    if upper is None:
        return 0.0
    return math.inf if lower is None else upper.value - lower.value
