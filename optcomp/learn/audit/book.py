r"""What the book, and not the work, is worth in pay: dollars by CSM.

The index of a component is what the book as dealt led to expect of its metric. Its slope on the payout multiple is
shrunk by :math:`1 - 1/t^2` (0 for :math:`|t| < 1`; James and Stein), so that luck alone moves no dollar.
Source: SCIENCE 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.inference import Slope, clustered_slope, without
from optcomp.learn.audit.payline import QUARTERS, Line, dummies
from optcomp.learn.audit.scores import Cells
from optcomp.learn.history import History
from optcomp.types import FloatArray, IntArray, sum_by

# Fair targets leave at most this share of the differences in pay to the book (SCIENCE 5.3).
FAIR_R2 = 0.10


@dataclass(frozen=True)
class Index:
    """Slope of a component's payout multiple on its book index, and the index less the mean of segment and quarter.

    shrunk : the slope as far as it is not luck; gap : shape (CSM-quarters,), 0 where not known
    share : of the differences in a quarter's pay, how much the index explains
    """

    slope: Slope
    shrunk: float
    gap: FloatArray
    share: float


def index_of(metric: str, cells: Cells) -> FloatArray:
    """What the book as dealt led to expect of a metric, by CSM-quarter; NaN where nothing."""
    nothing = np.full(len(cells.arr), np.nan)
    if metric in ("GRR", "LOGO"):
        return np.asarray(np.divide(cells.expected_renewals, cells.due, out=nothing, where=cells.due > 0.0))
    if metric == "EXP":
        return np.asarray(np.divide(cells.expected["EXP"], cells.arr, out=nothing, where=cells.arr > 0.0))
    return nothing if metric == "TEAM" else cells.health


def book_index(history: History, cells: Cells, line: Line, seed: int) -> Index | None:
    """The book's pull on the payout of a component; None where it cannot be told."""
    people, index = history.csm_quarters, index_of(line.metric, cells)
    known = ~np.isnan(index) & ~np.isnan(line.multiple)
    if line.is_team or not known.any():
        return None
    z = dummies(people.segment[known], people.quarter[known])
    slope = clustered_slope(line.multiple[known], index[known], z, people.csm[known], seed)
    if slope is None:
        return None
    both = np.column_stack([index[known], line.multiple[known]])
    left = without(both, z)
    gap = np.zeros(len(index))
    gap[known] = left[:, 0]
    shrunk = without_luck(slope)
    share = shrunk**2 * float((left[:, 0] ** 2).sum()) / max(float((left[:, 1] ** 2).sum()), 1e-12)
    return Index(slope, shrunk, gap, min(share, 1.0))


def without_luck(slope: Slope) -> float:
    """The slope as far as it is not luck."""
    return slope.value * max(1.0 - 1.0 / max((slope.value / slope.se) ** 2, 1e-12), 0.0)


@dataclass(frozen=True, slots=True)
class BookPay:
    """USD a year that each CSM got for the book rather than the work, against the segment; 90 % interval.

    csm : index in the history; paid, target : USD a year of variable pay
    """

    csm: IntArray
    usd: FloatArray
    low: FloatArray
    high: FloatArray
    paid: FloatArray
    target: FloatArray


def book_pay(history: History, paid: Sequence[Line], books: Sequence[Index | None], csm: IntArray) -> BookPay:
    """Over- and underpayment by the book of these CSMs, averaged over the quarters that they were there."""
    people, count = history.csm_quarters, len(history.csm_ids)
    there = np.maximum(sum_by(people.csm, np.ones(len(people.csm)), count), 1.0) / QUARTERS

    def a_year(values: FloatArray) -> FloatArray:
        return np.asarray((sum_by(people.csm, values, count) / there)[csm])

    usd, half = np.zeros(len(csm)), np.zeros(len(csm))
    for line, book in zip(paid, books, strict=True):
        if book is None:
            continue
        dollars = a_year(np.nan_to_num(line.target) * book.gap)
        usd += dollars * book.shrunk
        half = np.hypot(half, np.abs(dollars) * (book.slope.high - book.slope.low) / 2.0)
    total = np.sum([line.paid for line in paid] or [np.zeros(len(people.csm))], axis=0)
    return BookPay(csm, usd, usd - half, usd + half, a_year(total), a_year(people.variable / QUARTERS))
