r"""Chance that a CSM leaves within the year, from pay against the market and the share of pay at risk.

.. math::
    \operatorname{logit} h = \nu - \epsilon \log(\mathrm{OTE}/\mathrm{market}) + \nu_v (v - v_0) +
    \nu_t\,\mathrm{tenure}, \qquad q = 1 - (1 - h)^4

with quarterly hazard h, and :math:`\nu` such that q is `base_quit` at market pay. Load is taken at 1 (DESIGN 3.3).
Source: SCIENCE 1.6, 2.2.
"""

from __future__ import annotations

import numpy as np

from optcomp.response.parameters import Turnover
from optcomp.types import FloatArray

QUARTERS = 4


def quit_probability(
    ote: FloatArray,
    market: FloatArray,
    variable_share: FloatArray,
    tenure: FloatArray,
    turnover: Turnover,
    overload: FloatArray | float = 0.0,
) -> FloatArray:
    """Yearly quit probability; arrays broadcast, `overload` is load above 1 (0 where the load is taken at 1)."""
    hazard = 1.0 - (1.0 - turnover.base_quit) ** (1.0 / QUARTERS)
    log_odds = (
        np.log(hazard / (1.0 - hazard))
        - turnover.pay * np.log(ote / market)
        + turnover.variable * (variable_share - turnover.variable_reference)
        + turnover.tenure * tenure
        + turnover.overload * overload
    )
    quarterly = 1.0 / (1.0 + np.exp(-log_odds))
    return np.asarray(1.0 - (1.0 - quarterly) ** QUARTERS)
