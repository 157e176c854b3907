"""Pay at equal effort: how far the pay of people of the same skill would differ for the book, and by how much for luck.

The history is played again (`replay`) with everybody of average skill; results that do not follow from accounts
(satisfaction, activities) count as everybody's in the segment and quarter. Source: SCIENCE 5.3 (spread of 15 % of the
target variable or less).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.fairness import fair_attainment
from optcomp.learn.audit.payline import QUARTERS, Line
from optcomp.learn.audit.replay import AVERAGE, Replay, curve_values
from optcomp.learn.audit.scores import Cells
from optcomp.learn.history import History
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# Of the target variable: what the book may move pay at equal effort (SCIENCE 5.3).
FAIR_SPREAD = 0.15
FEWEST_PEOPLE = 5  # with a year or more; the spread of fewer says nothing


@dataclass(frozen=True, slots=True)
class EqualEffort:
    """A year's pay of people of average skill, in units of the variable at target.

    book, book_after : between the worst and the best dealt tenth of CSMs, against their segment, as paid and with
    targets from the book; luck : standard deviation of one person's year with the same book; NaN with too few people
    """

    book: float
    book_after: float
    luck: float
    people: int


def equal_effort(
    history: History, cells: Cells, paid: Sequence[Line], again: Replay, *, seed: int = 0
) -> EqualEffort:  # fmt: skip
    """The spread of pay that is not work."""
    if not paid:
        return EqualEffort(float("nan"), float("nan"), float("nan"), 0)
    as_paid = _total(history, cells, paid, again, None)
    fair = _total(history, cells, paid, again, seed)
    mean, sd, people = _years(history, as_paid)
    if len(people) < FEWEST_PEOPLE:
        return EqualEffort(float("nan"), float("nan"), float("nan"), len(people))
    segment = _segments(history)[people]
    after, sd_after, _ = _years(history, fair)
    luck = float(np.sqrt((sd**2).mean()))
    quarters = np.bincount(history.csm_quarters.csm, minlength=len(history.csm_ids))[people]
    error, error_after = (s / np.sqrt(len(as_paid) * quarters / QUARTERS) for s in (sd, sd_after))
    return EqualEffort(_range(mean, segment, error), _range(after, segment, error_after), luck, len(people))


def _total(
    history: History, cells: Cells, paid: Sequence[Line], again: Replay, fair_seed: int | None
) -> FloatArray:  # fmt: skip
    """All variable pay over the variable at target, shape (draws, CSM-quarters); with fair targets where a seed is."""
    people, parts = history.csm_quarters, []
    for line in paid:
        weight = np.nan_to_num(np.divide(line.target, people.variable / QUARTERS, where=people.variable > 0.0,
                                         out=np.zeros(len(line.target))))  # fmt: skip
        if line.metric in again.attainment:
            reached = again.attainment[line.metric][AVERAGE]
            if fair_seed is not None:
                reached = fair_attainment(line, cells, history, reached, fair_seed)
            multiple = _multiples(history, line, reached)
        else:
            multiple = _usual(history, line.multiple)[None, :]
        parts.append(np.nan_to_num(weight * multiple))
    count = max(len(p) for p in parts)
    return np.asarray(np.sum([np.broadcast_to(p, (count, len(people.csm))) for p in parts], axis=0))


def _multiples(history: History, line: Line, reached: FloatArray) -> FloatArray:
    """What the curves pay for attainments of shape (draws, CSM-quarters), less what gates usually take in a segment."""
    result = np.full(reached.shape, np.nan)
    usual = np.full(len(line.number), np.nan)
    for number, component in enumerate(line.components):
        mine = line.number == number
        result[:, mine] = curve_values(component.curve, reached[:, mine])
        usual[mine] = curve_values(component.curve, line.attainment[mine])
    known = ~np.isnan(usual) & ~np.isnan(line.multiple)
    segment, count = history.csm_quarters.segment, len(history.segments)
    on_curve = sum_by(segment[known], usual[known], count)
    kept = np.divide(sum_by(segment[known], line.multiple[known], count), on_curve, out=np.ones(count),
                     where=on_curve > 0.0)  # fmt: skip
    # With nothing due payroll has a rule of its own; it pays what it paid.
    return np.where(np.isnan(result), line.multiple, result * kept[segment])


def _usual(history: History, multiple: FloatArray) -> FloatArray:
    """Mean of the segment in the quarter: what equal effort would be paid."""
    people, known = history.csm_quarters, ~np.isnan(multiple)
    pool, count = people.segment * len(history.quarters) + people.quarter, len(history.segments) * len(history.quarters)
    number = np.maximum(sum_by(pool[known], np.ones(int(known.sum())), count), 1.0)
    return np.asarray((sum_by(pool[known], multiple[known], count) / number)[pool])


def _years(history: History, total: FloatArray) -> tuple[FloatArray, FloatArray, IntArray]:
    """Mean and luck of a year's pay of everybody who was there for a year, and who that is."""
    csm, count = history.csm_quarters.csm, len(history.csm_ids)
    quarters = sum_by(csm, np.ones(len(csm)), count)
    people = np.flatnonzero(quarters >= QUARTERS)
    own = np.array([sum_by(csm, row, count)[people] / quarters[people] for row in total])
    return own.mean(axis=0), own.std(axis=0) * np.sqrt(quarters[people] / QUARTERS), people


def _segments(history: History) -> IntArray:
    last = np.zeros(len(history.csm_ids), dtype=np.int64)
    last[history.csm_quarters.csm] = history.csm_quarters.segment
    return last


def _range(mean: FloatArray, segment: IntArray, error: FloatArray) -> float:
    """From the first to the last tenth of people, each against the mean of the segment.

    error : standard deviation that so few draws leave in each mean; its part of the spread is taken out
    """
    gap = mean.copy()
    for s in np.unique(segment):
        mine: BoolArray = segment == s
        gap[mine] -= mean[mine].mean()
    low, high = np.quantile(gap, [0.1, 0.9])
    seen = float((gap**2).mean())
    return float(high - low) * float(np.sqrt(max(1.0 - float((error**2).mean()) / seen, 0.0))) if seen > 0.0 else 0.0
