r"""What a history can tell at all: variation left over once segments, quarters and CSMs are taken out.

With Z the dummies of segment, quarter and CSM, :math:`M_Z = I - Z (Z^\top Z)^{+} Z^\top`, plan effects are identified
only in the directions in which :math:`M_Z \Phi` has full rank. Source: SCIENCE 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array, hstack

from optcomp.types import FloatArray, IntArray, sum_by

# Root mean square of what is left, in units of the feature: a plan that moves effort by 1 % in one row of a hundred
# leaves 1e-3. Below 1e-4 nothing can be told from it with any number of accounts.
SMALLEST_VARIATION = 1e-4
# Six weights of mean 0 and variance 1 (Webb 2014): two would give only 2^G different samples.
_WEBB = np.sqrt([0.5, 1.0, 1.5]).repeat(2) * np.array([1.0, -1.0] * 3)
# The error of a p-value of 0.10 is then 0.01.
BOOTSTRAPS = 999
FEWEST_CLUSTERS = 5


@dataclass(frozen=True)
class Nuisance:
    """Dummies of several labels, each 0 to its maximum; rows × all labels."""

    dummies: csr_array

    def residual(self, columns: FloatArray) -> FloatArray:
        """Columns with everything that the labels explain taken out; shape as given."""
        if not len(columns):
            return columns
        fitted = np.linalg.lstsq(self._inner, self.dummies.T @ columns, rcond=1e-10)[0]
        return np.asarray(columns - self.dummies @ fitted)

    @cached_property
    def _inner(self) -> FloatArray:
        return np.asarray((self.dummies.T @ self.dummies).toarray())

    def taken_up(self, x: FloatArray, y: FloatArray, members: csr_array) -> FloatArray:
        r"""What the labels take out of a cluster's moment when another cluster's outcomes come in.

        :math:`D_{gh} = x_g^\top Z_g (Z^\top Z)^{+} Z_h^\top y_h`, shape (clusters, clusters); members : clusters × rows
        """
        by_x, by_y = (members @ self.dummies.multiply(column[:, None]).tocsr() for column in (x, y))
        return np.asarray(by_x @ np.linalg.lstsq(self._inner, by_y.toarray().T, rcond=1e-10)[0])


def nuisance(*labels: IntArray) -> Nuisance:
    """Dummies of these labels."""
    count = len(labels[0])
    parts = [
        csr_array((np.ones(count), (np.arange(count), label)), shape=(count, int(label.max(initial=0)) + 1))
        for label in labels
    ]
    return Nuisance(csr_array(hstack(parts)))


def rank(residual: FloatArray) -> int:
    """Number of directions in which columns vary."""
    if not len(residual):
        return 0
    sizes = np.linalg.svd(residual / np.sqrt(len(residual)), compute_uv=False)
    return int((sizes > SMALLEST_VARIATION).sum())


def varies(column: FloatArray, residual: FloatArray) -> bool:
    """A single column has variation of its own left."""
    if not len(column):
        return False
    size = float(np.sqrt((residual**2).mean()))
    # A column in large units keeps rounding errors of its own size.
    return size > SMALLEST_VARIATION and size > 1e-8 * float(np.abs(column).max())


@dataclass(frozen=True, slots=True)
class Slope:
    """A regression slope with its standard error clustered by CSM and its two-sided p-value."""

    value: float
    se: float
    p: float
    rows: int


def clustered_slope(y: FloatArray, x: FloatArray, taken_out: Nuisance, cluster: IntArray) -> Slope | None:
    """Slope of y on x once labels are taken out of both; None where x has no variation left or clusters are too few.

    The p-value is that of the wild cluster bootstrap with the null imposed and Webb's six weights: with 15 clusters
    the usual t-test cries wolf twice as often as it says. Labels are taken out of every sample as they are of the data.
    """
    left_x, left_y = taken_out.residual(x[:, None])[:, 0], taken_out.residual(y[:, None])[:, 0]
    label = np.unique(cluster, return_inverse=True)[1].reshape(-1)
    clusters = int(label.max(initial=-1)) + 1
    if clusters < FEWEST_CLUSTERS or not varies(x, left_x):
        return None
    power, moment = sum_by(label, left_x**2, clusters), sum_by(label, left_x * left_y, clusters)

    rows = np.arange(len(label))
    members = csr_array((np.ones(len(label)), (label, rows)), shape=(clusters, len(label)))
    taken_up = taken_out.taken_up(left_x, left_y, members)

    def studentised(moments: FloatArray) -> tuple[FloatArray, FloatArray]:
        value = moments.sum(axis=1) / power.sum()
        scores = moments - value[:, None] * power
        return value, np.sqrt((scores**2).sum(axis=1) * clusters / (clusters - 1)) / power.sum()

    value, se = studentised(moment[None, :])
    if se[0] <= 0.0:
        return None
    weights = np.random.default_rng(0).choice(_WEBB, size=(BOOTSTRAPS, clusters))
    values, ses = studentised(weights * moment - weights @ taken_up.T)
    beyond = np.abs(values) * se[0] >= np.abs(value[0]) * ses
    return Slope(float(value[0]), float(se[0]), float((1 + beyond.sum()) / (1 + BOOTSTRAPS)), len(y))
