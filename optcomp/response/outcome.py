r"""What happens to accounts: renewal, contraction, expansion, as year-end ARR of account × CSM pairs.

With log-odds :math:`r, x, k` of renewal, expansion and contraction of a pair,

.. math::
    v = p_R (1 - p_C d) + \tfrac{1 + p_R}{2} \, 4 p_X g (1 - \ell), \qquad
    E = A \left[(1 - q)\, v(o_{stay}) + q\, v(o_{leave})\right]

for an account whose renewal falls due in the plan year; otherwise :math:`p_R = 1` and nothing contracts.
A = ARR, d = share lost by an account that contracts, g = size of an expansion, l = gaming leak, q = chance that the
CSM leaves, o = hand-over. Shapes: everything is (pairs,) or broadcasts to it. Source: DESIGN 3.2, SCIENCE 1.7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.types import FloatArray, IntArray

QUARTERS = 4


@dataclass(frozen=True, slots=True)
class PairTable:
    """Account × CSM pairs with everything about them that does not depend on the plan.

    renew, expand, contract : log-odds at today's plan, hand-over by the move itself included
    leave_renew, leave_expand : log-odds that come on top if the CSM leaves in the year
    due : share of the account that is up for renewal in the plan year; omega : exposure of that renewal to a new plan
    known : predicted year-end ARR where the user gave it, else NaN
    """

    account: IntArray
    csm: IntArray
    arr: FloatArray
    hours: FloatArray
    due: FloatArray
    omega: FloatArray
    renew: FloatArray
    expand: FloatArray
    contract: FloatArray
    depth: FloatArray
    size: FloatArray
    leave_renew: FloatArray
    leave_expand: FloatArray
    known: FloatArray


@dataclass(frozen=True, slots=True)
class Shift:
    """Log-odds by which a plan (against today's) and anything else moves pairs; `leak` is the plan's gaming leak."""

    renew: FloatArray | float
    expand: FloatArray | float
    contract: FloatArray | float
    leak: FloatArray | float


@dataclass(frozen=True, slots=True)
class Predicted:
    """Year-end ARR of pairs in USD: kept from today's contracts, and added by expansion."""

    kept: FloatArray
    expanded: FloatArray

    @property
    def total(self) -> FloatArray:
        """Year-end ARR."""
        return self.kept + self.expanded


def predict(pairs: PairTable, shift: Shift, quit_chance: FloatArray | float) -> Predicted:
    """Year-end ARR of pairs under a plan, averaged over the CSM staying and leaving."""
    contracted = 1.0 - pairs.depth * sigmoid(pairs.contract + shift.contract)
    added = QUARTERS * pairs.size * (1.0 - shift.leak)
    stay = _one_case(pairs, pairs.renew + shift.renew, pairs.expand + shift.expand, contracted)
    leave = _one_case(
        pairs,
        pairs.renew + pairs.leave_renew + shift.renew,
        pairs.expand + pairs.leave_expand + shift.expand,
        contracted,
    )
    kept = pairs.arr * ((1.0 - quit_chance) * stay[0] + quit_chance * leave[0])
    expanded = pairs.arr * added * ((1.0 - quit_chance) * stay[1] + quit_chance * leave[1])
    is_known = ~np.isnan(pairs.known)
    if not is_known.any():
        return Predicted(kept, expanded)
    return Predicted(
        kept=np.where(is_known, np.minimum(pairs.known, pairs.arr), kept),
        expanded=np.where(is_known, np.maximum(pairs.known - pairs.arr, 0.0), expanded),
    )


def _one_case(
    pairs: PairTable, renew: FloatArray, expand: FloatArray, contracted: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Share of ARR kept, and probability of being there and expanding in a quarter, at these log-odds."""
    renewed = sigmoid(renew)
    kept = pairs.due * renewed * contracted + (1.0 - pairs.due)
    alive = pairs.due * (1.0 + renewed) / 2.0 + (1.0 - pairs.due)
    return kept, alive * sigmoid(expand)


def sigmoid(log_odds: FloatArray | float) -> FloatArray:
    """Probability of log-odds."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.asarray(log_odds, dtype=float))))


def logit(probability: FloatArray | float) -> FloatArray:
    """Log-odds of a probability, kept finite: 0 and 1 become 1e-12 away from the edge."""
    p = np.clip(np.asarray(probability, dtype=float), 1e-12, 1.0 - 1e-12)
    return np.asarray(np.log(p / (1.0 - p)))
