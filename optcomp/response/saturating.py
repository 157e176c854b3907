r"""The second map of a pay plan: one saturating term a component, beside the effort index.

.. math:: h_c(p) = \tilde d_c / (\tilde d_c + \kappa)

with the same dollars :math:`\tilde d_c` as the effort index. Source: SCIENCE 1.5.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optcomp.plan import METRICS, Plan
from optcomp.response.effort import mix_arrays
from optcomp.response.parameters import Response
from optcomp.types import FloatArray

#: Components of the map; logo retention counts as renewals, as it does in the effort index.
COMPONENTS = ("GRR", "EXP", "CSAT", "ACT", "RES", "TEAM")
_SAME_AS = {"LOGO": "GRR"}


def saturating_features(
    plans: Sequence[Plan], *, mean_base: float, heads: int, response: Response, kappa: float
) -> FloatArray:
    """Features of plans in a segment of `heads` declared CSMs with this mean base, shape (plans, components)."""
    arrays = mix_arrays([p.mix for p in plans], heads=heads, effort=response.effort, attainment=response.attainment)
    variable = np.array([mean_base * p.base_factor * p.variable_per_base for p in plans], dtype=float)
    dollars = variable[:, None] * arrays.pull
    merged = np.zeros((len(plans), len(COMPONENTS)))
    for column, metric in enumerate(METRICS):
        merged[:, COMPONENTS.index(_SAME_AS.get(metric, metric))] += dollars[:, column]
    return np.asarray(merged / (merged + kappa))
