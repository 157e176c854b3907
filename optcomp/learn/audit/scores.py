"""How every CSM did against the book as dealt: observed minus expected, shrunk by reliability, reliability shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.learn.audit.expected import OUTCOMES, Outcomes
from optcomp.learn.audit.inference import Shrunk, shrink
from optcomp.learn.history import History
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# Share of a typical CSM's ARR × years below which there is nothing to judge: a quarter of two years.
_SMALLEST_YEARS = 0.125
POINTS = 100.0
# Scale of the spread between CSMs in points of ARR a year: 0.3 log-odds (SCIENCE 2.2) at 90 % renewed are 2.7.
SPREAD = 3.0
# Luck, in points, of somebody who had nothing due: so large that nothing is said of the person.
_NOTHING_SEEN = 1e4


@dataclass(frozen=True)
class Cells:
    """CSM-quarters: sums over the accounts that each had, in the order of `History.csm_quarters`.

    arr : ARR under care on the first day, USD; accounts, due : numbers; expected_renewals : of those due
    inherited : share of the ARR that was taken over in this quarter or the one before
    observed, expected, variance : by outcome, USD of ARR
    """

    arr: FloatArray
    accounts: FloatArray
    due: FloatArray
    expected_renewals: FloatArray
    inherited: FloatArray
    health: FloatArray
    observed: Mapping[str, FloatArray]
    expected: Mapping[str, FloatArray]
    variance: Mapping[str, FloatArray]

    def residual(self, outcome: str) -> FloatArray:
        """Observed minus expected in points of the ARR under care; NaN where there is none."""
        return POINTS * _over(self.observed[outcome] - self.expected[outcome], self.arr)

    def noise(self, outcome: str) -> FloatArray:
        """Standard deviation of luck in the same unit."""
        return POINTS * np.sqrt(_over(self.variance[outcome], self.arr**2))


def _over(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0.0))


def cells_of(history: History, outcomes: Outcomes, health: FloatArray) -> Cells:
    """Sums by CSM-quarter; health is that of each account-quarter as dealt."""
    people, rows = history.csm_quarters, history.account_quarters
    place = np.full((len(history.csm_ids), len(history.quarters)), -1)
    place[people.csm, people.quarter] = np.arange(len(people.csm))
    label = place[rows.csm[outcomes.rows], rows.quarter[outcomes.rows]]
    there = label >= 0
    label = label[there]

    def total(values: FloatArray) -> FloatArray:
        return sum_by(label, np.asarray(values, dtype=float)[there], len(people.csm))

    arr, due = rows.arr_start[outcomes.rows], rows.due[outcomes.rows].astype(float)
    own_health, dollars = health[outcomes.rows], total(arr)
    scored = ~np.isnan(own_health)
    return Cells(
        arr=dollars,
        accounts=total(np.ones(len(arr))),
        due=total(due),
        expected_renewals=total(due * outcomes.renew),
        inherited=np.nan_to_num(_over(total(arr * rows.hand_over[outcomes.rows]), dollars)),
        health=_over(total(np.where(scored, own_health, 0.0)), total(scored.astype(float))),
        observed={k: total(v) for k, v in outcomes.observed.items()},
        expected={k: total(v) for k, v in outcomes.expected.items()},
        variance={k: total(v) for k, v in outcomes.variance.items()},
    )


@dataclass(frozen=True)
class Scores:
    """Every CSM against the book as dealt, in points of ARR a year; those with next to no book are left out.

    csm : index in the history; segment : that of the last quarter; years : ARR under care × years, USD
    raw, luck : by outcome, observed minus expected and the standard deviation that luck alone gives
    """

    csm: IntArray
    segment: IntArray
    years: FloatArray
    raw: Mapping[str, FloatArray]
    luck: Mapping[str, FloatArray]

    @cached_property
    def shrunk(self) -> Mapping[str, Shrunk]:
        """Scores drawn to 0, as far as luck explains how they differ."""
        return {k: shrink(self.raw[k], self.luck[k], SPREAD, mean=0.0) for k in OUTCOMES}


def score(history: History, cells: Cells, among: BoolArray | None = None) -> Scores:
    """Scores over the whole history, or over some CSM-quarters."""
    people, count = history.csm_quarters, len(history.csm_ids)
    used = np.ones(len(people.csm)) if among is None else among.astype(float)
    years = sum_by(people.csm, cells.arr * used, count) / 4.0
    last = np.zeros(count, dtype=np.int64)
    last[people.csm] = people.segment
    typical = float(np.median(years[years > 0.0])) if (years > 0.0).any() else 0.0
    kept = np.flatnonzero(years > _SMALLEST_YEARS * typical)
    raw, luck = {}, {}
    for k in OUTCOMES:
        gap = (cells.observed[k] - cells.expected[k]) * used
        raw[k] = POINTS * sum_by(people.csm, gap, count)[kept] / years[kept]
        noise = POINTS * np.sqrt(sum_by(people.csm, cells.variance[k] * used, count)[kept]) / years[kept]
        luck[k] = np.where(noise > 0.0, noise, _NOTHING_SEEN)
    return Scores(kept, last[kept], years[kept], raw, luck)
