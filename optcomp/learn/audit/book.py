r"""What the book, and not the work, is worth in pay: dollars by CSM, and how well the book as dealt predicts payouts.

The index of a component is what the book as dealt led to expect of its metric. Its slope on the payout multiple is
shrunk by :math:`1 - 1/t^2` (0 for :math:`|t| < 1`; James and Stein), so that luck alone moves no dollar.
Source: SCIENCE 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.inference import Slope, clustered_slope
from optcomp.learn.audit.payline import QUARTERS, Line, dummies, total_multiple
from optcomp.learn.audit.scores import Cells
from optcomp.learn.history import History
from optcomp.payout import curve_value
from optcomp.types import FloatArray, IntArray, sum_by

# Fair targets leave at most this to the book (SCIENCE 5.3).
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
    left = both - z @ np.linalg.lstsq(z, both, rcond=1e-10)[0]
    gap = np.zeros(len(index))
    gap[known] = left[:, 0]
    shrunk = slope.value * max(1.0 - 1.0 / max((slope.value / slope.se) ** 2, 1e-12), 0.0)
    share = shrunk**2 * float((left[:, 0] ** 2).sum()) / max(float((left[:, 1] ** 2).sum()), 1e-12)
    return Index(slope, shrunk, gap, min(share, 1.0))


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


@dataclass(frozen=True, slots=True)
class Fairness:
    """Share of the differences in a year's payout that the book as dealt predicts, adjusted for the number of columns.

    before : as paid; after : with every target set to what the book led to expect; NaN where there are too few years
    """

    before: float
    after: float
    years: int


def fairness(history: History, cells: Cells, paid: Sequence[Line]) -> Fairness:
    """R² of payouts on the book before and after fair targets, over CSM-years, within segments."""
    fair = tuple(_normalised(line, cells, history) for line in paid)
    before, years = _r2(history, cells, total_multiple(history, tuple(paid)))
    after, _ = _r2(history, cells, total_multiple(history, fair))
    return Fairness(before, after, years)


def _normalised(line: Line, cells: Cells, history: History) -> Line:
    """The component as it would have paid with the target at what the book led to expect."""
    index = index_of(line.metric, cells)
    if line.metric not in ("GRR", "LOGO", "EXP"):
        return line
    segment = history.csm_quarters.segment
    multiple = line.multiple.copy()
    for s in range(len(history.segments)):
        rows = np.flatnonzero((segment == s) & ~np.isnan(index) & ~np.isnan(line.attainment) & (line.number >= 0))
        usual = float(index[rows].mean()) if len(rows) else 0.0
        for row in rows.tolist():
            fair = float(line.attainment[row]) * usual / max(float(index[row]), 1e-9)
            kept = multiple[row] / max(_pays(line, row, float(line.attainment[row])), 1e-9)
            # The gate, and whatever else payroll did, stays as it was; where nothing was paid it is not known.
            multiple[row] = _pays(line, row, fair) * (kept if multiple[row] > 0.0 else 1.0)
    return Line(line.metric, line.attainment, multiple, line.target, line.components, line.number)


def _pays(line: Line, row: int, attainment: float) -> float:
    return curve_value(line.components[int(line.number[row])].curve, attainment)


def _r2(history: History, cells: Cells, multiple: FloatArray) -> tuple[float, int]:
    """Adjusted R² over CSM-years; a year counts where three quarters of it are known."""
    people = history.csm_quarters
    covariates = np.column_stack([index_of("GRR", cells), index_of("EXP", cells), cells.inherited, cells.health])
    known = ~np.isnan(multiple)
    back = (len(history.quarters) - 1 - people.quarter) // int(QUARTERS)
    label = people.csm * (int(back.max(initial=0)) + 1) + back
    rows = [np.flatnonzero(known & (label == v)) for v in np.unique(label)]
    rows = [r for r in rows if len(r) >= 3]
    x = np.array([_means(covariates[r]) for r in rows]).reshape(-1, covariates.shape[1])
    y = np.array([multiple[r].mean() for r in rows])
    segment = np.array([people.segment[r[-1]] for r in rows], dtype=np.int64)
    if len(y) < covariates.shape[1] + len(history.segments) + 3:
        return float("nan"), len(y)
    z = dummies(segment)
    left = np.column_stack([y, np.nan_to_num(x)])
    left = left - z @ np.linalg.lstsq(z, left, rcond=1e-10)[0]
    residual = left[:, 0] - left[:, 1:] @ np.linalg.lstsq(left[:, 1:], left[:, 0], rcond=1e-8)[0]
    whole, free = float((left[:, 0] ** 2).sum()), len(y) - z.shape[1]
    if whole <= 1e-12:
        return float("nan"), len(y)
    return 1.0 - (float((residual**2).sum()) / (free - x.shape[1])) / (whole / free), len(y)


def _means(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
