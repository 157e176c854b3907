"""Pay against adjusted performance: do the best of a team sit in the best-paid quarter of it (000-18)?

Pay of every other quarter is held against performance in the quarters between, and the other way round: in the same
quarter pay and result share their luck, and would agree even if pay were a lottery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.inference import ranks
from optcomp.learn.audit.payline import Line, total_multiple
from optcomp.learn.audit.scores import Cells, score
from optcomp.learn.history import History
from optcomp.model_files import NORMAL_90
from optcomp.types import FloatArray, IntArray, sum_by

QUARTILES = 4
# Variance of Fisher's z of a rank correlation, times n - 3 (Fieller, Hartley and Pearson 1957).
_SPEARMAN = 1.06


@dataclass(frozen=True)
class Quartiles:
    """CSMs by quarter of adjusted NRR performance, the best first; rows of the arrays are these quarters.

    score : mean points of ARR a year against the book, shrunk; pay : mean payout over target in the other quarters
    best_paid : share that sits in the best-paid quarter; luck alone makes it a quarter
    correlation : of ranks, with its 90 % interval; NaN below 5 CSMs
    """

    score: FloatArray
    pay: FloatArray
    best_paid: FloatArray
    people: int
    correlation: float
    low: float
    high: float


def quartiles(history: History, cells: Cells, paid: tuple[Line, ...]) -> Quartiles:
    """Quarters by performance against quarters by pay."""
    halves = [_half(history, cells, paid, parity) for parity in (0, 1)]
    value, pay, segment, csm = (np.concatenate(parts) for parts in zip(*halves, strict=True))
    half = np.repeat([0, 1], [len(h[0]) for h in halves])
    # Segments have pay levels and luck of their own: everybody is compared with the segment, in the same half.
    group = segment * 2 + half
    performance, earned = _within(value, group), _within(pay, group)
    own, top = _quarter(performance), _quarter(earned)
    people = len(np.unique(csm))
    r, low, high = _correlation(performance, earned, people)
    rows = [np.flatnonzero(own == q) for q in range(QUARTILES)]
    return Quartiles(
        score=np.array([_mean(value[g]) for g in rows]),
        pay=np.array([_mean(pay[g]) for g in rows]),
        best_paid=np.array([_mean((top[g] == 0).astype(float)) for g in rows]),
        people=people, correlation=r, low=low, high=high,
    )  # fmt: skip


def _half(
    history: History, cells: Cells, paid: tuple[Line, ...], parity: int
) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Performance in the quarters of a parity, payout over target in the others, segment and CSM."""
    people, count = history.csm_quarters, len(history.csm_ids)
    is_here = people.quarter % 2 == parity
    scores = score(history, cells, is_here)
    multiple = total_multiple(history, paid)
    used = ~is_here & ~np.isnan(multiple)
    number = sum_by(people.csm[used], np.ones(int(used.sum())), count)
    total = sum_by(people.csm[used], multiple[used], count)
    known = number[scores.csm] > 0.0
    who = scores.csm[known]
    return scores.shrunk["NRR"].value[known], np.asarray(total[who] / number[who]), scores.segment[known], who


def _within(values: FloatArray, group: IntArray) -> FloatArray:
    if not len(values):
        return values
    count = int(group.max()) + 1
    mean = sum_by(group, values, count) / np.maximum(sum_by(group, np.ones(len(values)), count), 1.0)
    return np.asarray(values - mean[group])


def _quarter(values: FloatArray) -> IntArray:
    """0 for the best quarter; equal values go the same way whatever their order."""
    place = (len(values) - 1) - ranks(values)
    return np.asarray(np.clip(np.floor(place * QUARTILES / max(len(values), 1)), 0, QUARTILES - 1), dtype=np.int64)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _correlation(one: FloatArray, other: FloatArray, people: int) -> tuple[float, float, float]:
    """Rank correlation; its interval counts people, not halves."""
    if people <= QUARTILES or one.std() == 0.0 or other.std() == 0.0:
        return (float("nan"),) * 3
    r = float(np.corrcoef(ranks(one), ranks(other))[0, 1])
    z, half = np.arctanh(np.clip(r, -0.999, 0.999)), NORMAL_90 * np.sqrt(_SPEARMAN / (people - 3.0))
    return r, float(np.tanh(z - half)), float(np.tanh(z + half))
