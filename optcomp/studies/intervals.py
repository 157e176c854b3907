"""How sure a study is: its points under every draw of a fitted response (000-34).

The decisions stay those of the middle of the response; what they are worth is worked out again under each draw. Points
share draws, so that what they have in common cancels in every difference.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optcomp.evaluate import nrr_by_draw
from optcomp.problem import Problem
from optcomp.studies.findings import ASKED, at, concave_hull
from optcomp.studies.points import POINTS, Interval, Intervals, Point, Study
from optcomp.types import FloatArray
from optcomp.uncertain import today_by_draw

# Ends of the 90 % interval that everything is shown with.
LOW, HIGH = 0.05, 0.95


def budget_intervals(study: Study) -> Intervals:
    """Intervals of a budget curve: of the gain over today, of the last dollar, and of the increase asked about."""
    points = study.best.solved
    if study.base.belief is None or not points:
        return Intervals()
    where = points[-1].problem  # nothing but the budget differs between steps, and no worth reads it
    worth = np.array([_net(where, p) for p in points])
    uplift = POINTS * (worth - today_by_draw(study.base))
    arr = worth * study.base.total_arr
    return Intervals(
        num_draws=worth.shape[1],
        uplift={p.value: _interval(line) for p, line in zip(points, uplift, strict=True)},
        marginal=_marginal(points, arr),
        asked=_asked(points, arr),
    )


def other_intervals(study: Study) -> Intervals:
    """Intervals of the gain over today where another number varies; every step has draws of its own problem."""
    points = study.best.solved
    if study.base.belief is None or not points:
        return Intervals()
    uplift = {p.value: POINTS * (_net(p.problem, p) - today_by_draw(p.problem)) for p in points}
    first = next(iter(uplift.values()))
    return Intervals(len(first), {value: _interval(line) for value, line in uplift.items()})


def _net(problem: Problem, here: Point) -> FloatArray:
    """NRR net of the prices of bent rules in every draw, a ratio."""
    if here.solution is None or here.evaluation is None:
        raise ValueError("a point without a solution is worth nothing")
    return nrr_by_draw(problem, here.solution) - here.evaluation.soft_cost


def _marginal(points: Sequence[Point], arr: FloatArray) -> dict[float, Interval]:
    """The slope of each draw's own concave hull."""
    budget = np.array([p.budget for p in points])
    hulls = np.array([concave_hull(budget, line) for line in arr.T])
    slopes = np.diff(hulls, axis=1) / np.diff(budget)
    return {p.value: _interval(slopes[:, k]) for k, p in enumerate(points[1:])}


def _asked(points: Sequence[Point], arr: FloatArray) -> Interval | None:
    start, here = at(points, 0.0), at(points, ASKED)
    if start is None or here is None:
        return None
    place = {p.value: k for k, p in enumerate(points)}
    gain = arr[place[here.value]] - arr[place[start.value]]
    return _interval(gain / (here.budget - start.budget))


def _interval(values: FloatArray) -> Interval:
    return Interval(float(np.quantile(values, LOW)), float(np.quantile(values, HIGH)))
