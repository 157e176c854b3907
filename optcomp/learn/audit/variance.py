r"""How much of the difference in pay would not come again: luck, by the analysis of variance.

With mean squares between CSMs (B) and within (W) and n quarters each, :math:`F = B/W` and the variance of people over
that of a quarter's luck is :math:`\theta = (F - 1)/n`. A year's pay averages four quarters, so luck is
:math:`1 / (1 + 4\theta)` of it. The interval divides F by its own quantiles. Source: SCIENCE 1.2, 5.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import f as f_distribution

from optcomp.learn.audit.payline import QUARTERS
from optcomp.types import FloatArray, IntArray, sum_by

# Of the variance that a column had before segments and quarters were taken out; below it everybody is paid the same.
_SMALLEST = 1e-12


@dataclass(frozen=True, slots=True)
class Luck:
    """Share of the differences in a year's pay that is luck, with its 90 % interval.

    controllable : share of the variance of one quarter that lies between people (the intraclass correlation)
    """

    share: float
    low: float
    high: float
    controllable: float


def luck_share(values: FloatArray, csm: IntArray, z: FloatArray) -> Luck | None:
    """Luck in values by CSM-quarter beside the columns z; None where everybody is paid the same, or once only."""
    squares = _mean_squares(values, csm, z)
    if squares is None or squares.between + squares.within <= _SMALLEST:
        return None
    ratio = squares.between / max(squares.within, _SMALLEST)
    low, high = (float(q) for q in f_distribution.ppf([0.05, 0.95], *squares.freedom))
    theta = [max((ratio / by - 1.0) / squares.quarters, 0.0) for by in (1.0, high, low)]
    luck = [1.0 / (1.0 + QUARTERS * t) for t in theta]
    return Luck(luck[0], luck[2], luck[1], theta[0] / (1.0 + theta[0]))


def spreads(values: FloatArray, csm: IntArray, z: FloatArray) -> tuple[float, float]:
    """Standard deviations of people and of a quarter's luck, beside the columns z; with too few people all is luck."""
    squares = _mean_squares(values, csm, z)
    if squares is None:
        left = values - z @ np.linalg.lstsq(z, values, rcond=1e-10)[0]
        return 0.0, float(left.std())
    people = max(squares.between - squares.within, 0.0) / squares.quarters
    return float(np.sqrt(people)), float(np.sqrt(squares.within))


@dataclass(frozen=True, slots=True)
class _Squares:
    """Mean squares between and within CSMs, their degrees of freedom, and the typical number of quarters."""

    between: float
    within: float
    freedom: tuple[int, int]
    quarters: float


def _mean_squares(values: FloatArray, csm: IntArray, z: FloatArray) -> _Squares | None:
    left = values - z @ np.linalg.lstsq(z, values, rcond=1e-10)[0]
    label = np.unique(csm, return_inverse=True)[1].reshape(-1)
    count = int(label.max(initial=-1)) + 1
    number = np.maximum(sum_by(label, np.ones(len(label)), count), 1.0)
    mean = sum_by(label, left, count) / number
    rank = int(np.linalg.matrix_rank(z)) if z.shape[1] else 0
    between_df, within_df = count - 1, len(left) - count - rank
    if between_df < 1 or within_df < 1:
        return None
    within = float(((left - mean[label]) ** 2).sum()) / within_df
    between = float((number * mean**2).sum()) / between_df
    quarters = (len(left) - float((number**2).sum()) / len(left)) / between_df
    return _Squares(between, within, (between_df, within_df), quarters)
