"""What each component paid: multiples of its target dollars by CSM-quarter, with the plan that was in force."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from optcomp.learn.history import History
from optcomp.plan import METRICS, Component
from optcomp.types import BoolArray, FloatArray, IntArray

QUARTERS = 4.0


@dataclass(frozen=True)
class Line:
    """One metric that was ever paid; arrays over CSM-quarters, NaN where its plan did not pay it.

    attainment : as reached; multiple : paid over the component's target dollars of the quarter
    target : those dollars, USD; number : index of the component among `components`, -1 where not paid
    """

    metric: str
    attainment: FloatArray
    multiple: FloatArray
    target: FloatArray
    components: tuple[Component, ...]
    number: IntArray

    @property
    def is_team(self) -> bool:
        """Everybody of a segment has the same result."""
        return self.metric == "TEAM" or all(c.scope == "team" for c in self.components)

    @property
    def paid(self) -> FloatArray:
        """USD for the quarter, 0 where nothing is known."""
        return np.asarray(np.nan_to_num(self.multiple * self.target))


def lines(history: History) -> tuple[Line, ...]:
    """Every component that the history has payouts or attainments of, in the order of the metrics."""
    return tuple(_lines(history))


def _lines(history: History) -> Iterator[Line]:
    people, plans = history.csm_quarters, history.plans.plans
    blank = np.full(len(people.csm), np.nan)
    for metric in METRICS:
        reached, paid = people.attainment.get(metric, blank), people.payout.get(metric, blank)
        found = [next((c for c in p.mix.components if c.metric == metric), None) for p in plans]
        if not any(found) or (np.isnan(reached).all() and np.isnan(paid).all()):
            continue
        kinds = tuple(dict.fromkeys(c for c in found if c))
        by_plan = np.array([kinds.index(c) if c else -1 for c in found] + [-1])  # -1 is also "no plan"
        number = by_plan[history.csm_plan]
        weight = np.array([*(c.weight for c in kinds), np.nan])[number]
        target = people.variable / QUARTERS * weight
        multiple = np.divide(paid, target, out=blank.copy(), where=target > 0.0)
        yield Line(metric, np.where(number >= 0, reached, np.nan), multiple, target, kinds, number)


def total_multiple(history: History, paid: tuple[Line, ...]) -> FloatArray:
    """All variable pay over the variable at target; NaN where a payout of the plan is not known."""
    target = history.csm_quarters.variable / QUARTERS
    if not paid:
        return np.full(len(target), np.nan)
    belongs = np.array([line.number >= 0 for line in paid])
    missing = np.array([np.isnan(line.multiple) for line in paid]) & belongs
    known = belongs.any(axis=0) & ~missing.any(axis=0)
    usd = np.sum([line.paid for line in paid], axis=0)
    return np.asarray(np.divide(usd, target, out=np.full(len(target), np.nan), where=known & (target > 0.0)))


def dummies(*labels: IntArray) -> FloatArray:
    """Dummy columns of labels, one for each value that occurs."""
    parts = [(label[:, None] == np.unique(label)[None, :]).astype(float) for label in labels]
    return np.column_stack(parts)


def clipped(values: FloatArray, known: BoolArray) -> FloatArray:
    """Values within their middle 95 %: one expansion of twenty times the target is not twenty times the signal."""
    low, high = np.quantile(values[known], [0.025, 0.975])
    return np.asarray(np.clip(values, low, high))
