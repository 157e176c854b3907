r"""What too much, or little, work costs: ARR at risk as a convex function of the hours of a book.

.. math:: c(L) = \kappa \, L \log(g L / H)

L = hours of the book without a plan's extra hours, g = the plan's hours factor, H = hours the CSM has, :math:`\kappa` =
ARR at risk per hour of the segment. With load :math:`\rho = gL/H` and g = 1 this is
:math:`\kappa H \rho \log \rho`: 0 at a load of 1, negative (a gain) below. Source: DESIGN 3.3, SCIENCE 1.8.
"""

from __future__ import annotations

import numpy as np

from optcomp.response.outcome import PairTable, sigmoid
from optcomp.response.parameters import Outcome
from optcomp.types import FloatArray

QUARTERS = 4


def load_cost(
    kappa: FloatArray | float, hours: FloatArray, available: FloatArray, hours_factor: FloatArray | float
) -> FloatArray:
    """ARR at risk in USD of books that need `hours` (without the plan's extra) of `available`; 0 for an empty book."""
    ratio = np.asarray(hours_factor) * hours / np.where(available > 0.0, available, 1.0)
    return np.asarray(np.where(hours > 0.0, kappa * hours * np.log(np.where(ratio > 0.0, ratio, 1.0)), 0.0))


def arr_at_risk(pairs: PairTable, outcome: Outcome, leak: FloatArray | float) -> FloatArray:
    """USD of year-end ARR lost per unit of log load, for each pair at the baseline (the numerator of kappa)."""
    renewed = sigmoid(pairs.renew)
    expands = sigmoid(pairs.expand)
    lost = pairs.depth * sigmoid(pairs.contract)
    alive = pairs.due * (1.0 + renewed) / 2.0 + (1.0 - pairs.due)
    bookings = pairs.size * (1.0 - leak)
    renewal_slope = pairs.due * renewed * (1.0 - renewed) * (1.0 - lost + 2.0 * expands * bookings)
    expansion_slope = alive * QUARTERS * expands * (1.0 - expands) * bookings
    return np.asarray(pairs.arr * (outcome.load_renew * renewal_slope + outcome.load_expand * expansion_slope))
