"""What a study says: marginal returns, the knee, and what +15 % buys."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.studies.points import Curve, Money, Point, Study
from optcomp.types import FloatArray

# The increase that the guide asks about (000-31).
ASKED = 0.15
# An extra dollar of pay a year that brings less than this in ARR does not pay for itself within the year.
WORTH_A_DOLLAR = 1.0
# Rows of the table of where extra pay goes, besides +15 %; the CSV file has every step.
MOST_MILESTONES = 6
# Segments with a column of their own in that table; the rest are added up.
MOST_SEGMENTS = 4

KNEE = (
    "The knee is the budget at which the curve, smoothed to its concave hull, lies farthest above the straight line "
    "from its first to its last step: up to it a dollar brings more than the average over the range, beyond it less."
)
MARGINAL = (
    "The marginal return is the slope of the concave hull of ARR (net of the prices of bent rules) over the pay "
    "budget: what the last dollar of a step brings. Plans come in levels, so that ARR itself rises in stairs."
)


@dataclass(frozen=True)
class Returns:
    """Figures of a budget curve; arrays have an entry for every point that has a solution.

    value : ARR net of the prices of bent rules, USD; hull : the same smoothed; marginal : USD of ARR for the last
        dollar of budget up to the point, NaN at the first
    knee : position of the knee, None where the curve is straight within its proof
    pays_up_to : position of the last point whose marginal dollar brings a dollar, None where none does
    """

    points: tuple[Point, ...]
    value: FloatArray
    hull: FloatArray
    marginal: FloatArray
    knee: int | None
    pays_up_to: int | None


def returns(curve: Curve) -> Returns | None:
    """Returns of a budget curve; None where fewer than two points have a solution."""
    points = curve.solved
    if len(points) < 2:
        return None
    budget = np.array([p.budget for p in points])
    value = np.array([(p.objective or 0.0) * p.problem.total_arr for p in points])
    hull = concave_hull(budget, value)
    marginal = np.append(np.nan, np.diff(hull) / np.diff(budget))
    doubt = max((p.gap_pp or 0.0) for p in points) / 100.0 * points[0].problem.total_arr
    worth = np.flatnonzero(np.nan_to_num(marginal) >= WORTH_A_DOLLAR)
    return Returns(points, value, hull, marginal, _knee(budget, hull, doubt), int(worth[-1]) if len(worth) else None)


def concave_hull(x: FloatArray, y: FloatArray) -> FloatArray:
    """The lowest concave curve on or above the points, at their own x (increasing)."""
    corners: list[int] = []
    for k in range(len(x)):
        while len(corners) >= 2 and _is_below(x, y, corners[-2], corners[-1], k):
            corners.pop()
        corners.append(k)
    return np.asarray(np.interp(x, x[corners], y[corners]))


def _is_below(x: FloatArray, y: FloatArray, a: int, b: int, c: int) -> bool:
    """Point b lies on or below the line from a to c."""
    return bool((y[b] - y[a]) * (x[c] - x[a]) <= (y[c] - y[a]) * (x[b] - x[a]))


def _knee(x: FloatArray, hull: FloatArray, doubt: float) -> int | None:
    """Position of the point farthest above the chord; None where that is no more than what is not proved."""
    above = hull - np.interp(x, x[[0, -1]], hull[[0, -1]])
    top = int(above.argmax())
    return top if above[top] > max(doubt, 1e-6 * abs(hull[top])) else None


def at(points: Sequence[Point], value: float) -> Point | None:
    """The point of that value."""
    return next((p for p in points if math.isclose(p.value, value, abs_tol=1e-9)), None)


@dataclass(frozen=True)
class Bought:
    """What a step buys against the first one with a solution.

    pay, arr : extra pay budget and extra year-end ARR net of the prices of bent rules, USD a year
    points : of NRR less prices; doubt_pp : points by which either end may be better than found
    money : extra pay by segment
    """

    point: Point
    start: Point
    pay: float
    arr: float
    points: float
    doubt_pp: float
    money: tuple[Money, ...]

    @property
    def total(self) -> Money:
        """Extra pay of everybody."""
        total = Money()
        for part in self.money:
            total = total.plus(part)
        return total

    @property
    def per_dollar(self) -> float | None:
        """ARR for every extra dollar of budget."""
        return self.arr / self.pay if self.pay > 0.0 else None


def bought(curve: Curve, value: float = ASKED) -> Bought | None:
    """What the step of that value buys; None where it or a smaller one has no solution."""
    here = at(curve.solved, value)
    start = at(curve.solved, 0.0) or (curve.solved[0] if curve.solved else None)
    if here is None or start is None or start.value >= here.value:
        return None
    gain = (here.objective or 0.0) - (start.objective or 0.0)
    return Bought(
        here,
        start,
        pay=here.budget - start.budget,
        arr=gain * here.problem.total_arr,
        points=100.0 * gain,
        doubt_pp=max(here.gap_pp or 0.0, start.gap_pp or 0.0),
        money=tuple(a.minus(b) for a, b in zip(here.money, start.money, strict=True)),
    )


def forced_gain(study: Study, name: str, value: float = ASKED) -> float | None:
    """Points by which a forced strategy at a step lies above the best mix at +0 %; None where either is missing."""
    curve = next((c for c in study.curves if c.name == name), None)
    start = at(study.best.solved, 0.0)
    here = at(curve.solved, value) if curve else None
    if start is None or here is None:
        return None
    return 100.0 * ((here.objective or 0.0) - (start.objective or 0.0))


# ---- where extra pay goes -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spent:
    """Extra pay at a step, USD a year: base, variable and heads; and by segment, the others last where there are."""

    point: Point
    kinds: tuple[float, float, float]
    places: tuple[float, ...]


@dataclass(frozen=True)
class Spending:
    """Where extra pay goes from step to step; `segments` are rows of those that are named."""

    start: Point
    segments: tuple[int, ...]
    has_others: bool
    rows: tuple[Spent, ...]


def spending(study: Study) -> Spending | None:
    """Where every extra dollar goes, against +0 % or the first step with a solution; None without two of them."""
    solved = study.best.solved
    if len(solved) < 2:
        return None
    start = at(solved, 0.0) or solved[0]
    order = sorted(range(len(start.money)), key=lambda s: -max(p.money[s].total for p in solved))
    named, others = sorted(order[:MOST_SEGMENTS]), order[MOST_SEGMENTS:]
    rows = []
    for here in _milestones([p for p in solved if p.value > start.value]):
        more = [a.minus(b) for a, b in zip(here.money, start.money, strict=True)]
        kinds = sum(m.base for m in more), sum(m.variable for m in more), sum(m.heads for m in more)
        places = [more[s].total for s in named] + ([sum(more[s].total for s in others)] if others else [])
        rows.append(Spent(here, kinds, tuple(places)))
    return Spending(start, tuple(named), bool(others), tuple(rows))


def _milestones(solved: Sequence[Point]) -> list[Point]:
    """Some steps at equal distances counted from the last one, and +15 %."""
    stride = max(1, -(-len(solved) // MOST_MILESTONES))
    asked = [k for k, p in enumerate(solved) if math.isclose(p.value, ASKED)]
    return [solved[k] for k in sorted({*range(len(solved) - 1, -1, -stride), *asked})]
