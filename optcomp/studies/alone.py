"""Steps that are solved one by one, and what holds from one step to the next."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

from optcomp.decompose.search import Target
from optcomp.evaluate import evaluate
from optcomp.problem import Problem
from optcomp.solve import Engines, solve
from optcomp.solve import Settings as SolveSettings
from optcomp.studies.points import Point, Settings, point


def solve_alone(
    steps: Sequence[tuple[float, Problem]], settings: Settings, target: Target, engines: Engines, *, direction: int
) -> tuple[Point, ...]:
    """The best of every step, in the order of the values.

    direction : 1 where a higher value never hurts, -1 where it never helps, 0 where nothing is known
    """
    points: list[Point] = []
    for k, (value, problem) in enumerate(steps):
        if target.is_over() and points:
            break
        left = max(target.deadline - time.monotonic(), 0.0) / (len(steps) - k)
        settings.tell(f"step {k + 1} of {len(steps)}")
        solving = SolveSettings(time_limit_seconds=left, gap_pp=settings.gap_pp, seed=settings.seed)
        result = solve(problem, solving, engines=engines)
        points.append(point(value, problem, result.objective_bound, result.solution, result.evaluation))
        if result.signal:
            break
    return tied(shared(points), direction)


def shared(points: Sequence[Point]) -> list[Point]:
    """Every point with the best solution of any step that holds up there."""
    return [_best_of(here, points) for here in points]


def _best_of(here: Point, points: Sequence[Point]) -> Point:
    best = here
    for other in points:
        if other is here or other.solution is None or not _is_on_menu(here.problem, other):
            continue
        found = evaluate(here.problem, other.solution)
        if not found.violations and (best.objective is None or found.objective > best.objective):
            best = point(here.value, here.problem, here.bound, other.solution, found)
    return best


def _is_on_menu(problem: Problem, other: Point) -> bool:
    """Its plans may be chosen here, at the same levels: today's share can move with what is varied."""
    return all(plan in problem.plans[s] for s, plan in enumerate(other.plans))


def tied(points: Sequence[Point], direction: int) -> tuple[Point, ...]:
    """Points whose bounds follow the direction: what a wider choice cannot exceed, a narrower one cannot either."""
    order = list(points)[::-1] if direction > 0 else list(points)
    if direction == 0:
        return tuple(order)
    lowest, made = math.inf, []
    for here in order:
        lowest = min(lowest, here.bound)
        made.append(replace(here, bound=max(lowest, here.objective if here.objective is not None else -math.inf)))
    return tuple(made[::-1] if direction > 0 else made)
