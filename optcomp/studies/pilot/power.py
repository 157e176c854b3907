r"""What an experiment can see: chances of detection, smallest effects, and what follows from a result.

Renewals: two proportions, normal approximation, two-sided 5 %, 80 % power, times the design effect
:math:`1 + (m - 1)\,\mathrm{ICC}` of m renewals per CSM. Expansions: two Poisson counts. Source: SCIENCE 3.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

ALPHA, POWER = 0.05, 0.80
Z_ALPHA, Z_POWER = float(ndtri(1.0 - ALPHA / 2.0)), float(ndtri(POWER))
# A change is adopted when it is better with this posterior probability, and dropped when it is with at most the rest.
SURE = 0.80
# Variance of the standard logistic distribution, against which a CSM effect in log-odds is a share.
LOGISTIC_VARIANCE = math.pi**2 / 3.0


def intraclass(sigma: float) -> float:
    """Share of the variance of log-odds that lies between CSMs whose effects have this sd."""
    return sigma**2 / (sigma**2 + LOGISTIC_VARIANCE)


def design_effect(per_csm: float, icc: float) -> float:
    """How many times more renewals are needed because those of one CSM are alike."""
    return 1.0 + max(per_csm - 1.0, 0.0) * icc


def renewals_per_arm(churn: float, odds_ratio: float) -> float:
    """Renewals an arm needs, before clustering, to show that churn falls by this odds ratio."""
    odds = churn / (1.0 - churn) * odds_ratio
    other = odds / (1.0 + odds)
    mean = (churn + other) / 2.0
    root = Z_ALPHA * math.sqrt(2.0 * mean * (1.0 - mean))
    root += Z_POWER * math.sqrt(churn * (1.0 - churn) + other * (1.0 - other))
    return root**2 / (churn - other) ** 2


def smallest_odds_ratio(churn: float, renewals: float) -> float | None:
    """The weakest fall in churn (largest odds ratio below 1) that so many renewals an arm show, or None."""
    if renewals <= 0.0 or renewals_per_arm(churn, 1e-3) > renewals:
        return None
    return float(brentq(lambda ratio: renewals_per_arm(churn, ratio) - renewals, 1e-3, 0.9999))


def events_per_arm(rise: float) -> float:
    """Expansion events an arm needs to show that their rate rises by this share."""
    return 2.0 * (Z_ALPHA + Z_POWER) ** 2 / math.log1p(rise) ** 2


def smallest_rise(events: float) -> float | None:
    """The smallest rise of expansions, a share, that so many events an arm show; None where there are none."""
    return None if events <= 0.0 else math.expm1((Z_ALPHA + Z_POWER) * math.sqrt(2.0 / events))


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a measured difference, in points of NRR.

    adopt_from, drop_below : measured differences from which the plan is adopted, and below which it is dropped
    adopts, drops : their chances, by what is believed today; power : of a two-sided test for the expected difference
    """

    adopt_from: float
    drop_below: float
    adopts: float
    drops: float
    power: float

    @property
    def settles(self) -> float:
        """Chance that the result decides."""
        return self.adopts + self.drops


def decision(mean: float, sd: float, error: float) -> Decision:
    r"""What an experiment with this standard error decides, when the gain is believed to be N(mean, sd²).

    The decision must rest on the result and not on the hope that led to it: it starts from a gain of 0 with the same
    doubt, under which a measured y is better with probability `SURE` from :math:`y = z \, e \sqrt{1 + e^2/s^2}` on.
    """
    needed = float(ndtri(SURE)) * error * math.sqrt(1.0 + (error / sd) ** 2)
    spread = math.hypot(sd, error)
    return Decision(
        adopt_from=needed,
        drop_below=-needed,
        adopts=float(ndtr((mean - needed) / spread)),
        drops=float(ndtr((-needed - mean) / spread)),
        power=float(ndtr(abs(mean) / error - Z_ALPHA)),
    )
