r"""What a plan does to effort: the multitask effort index, for many plans at once.

.. math::
    z_t = b_t + s_0 \sum_c J_{ct} \tilde d_c / 10^4, \quad Z = \sum_t z_t, \quad
    \phi_t = \log\left[(Z/Z_{ref})^\eta \, z_t / Z\right] - \log(b_t / \textstyle\sum b)

:math:`\tilde d_c` are dollars a year at target on component c: variable at the segment's mean base × weight, diluted by
:math:`n^{-\psi}` where the team's result is paid, and by .67 for a cliff target.

Source: DESIGN 3.1, SCIENCE 1.4 (Holmström & Milgrom 1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.plan import METRICS, Component, Plan
from optcomp.response.parameters import Attainment, Effort
from optcomp.types import BoolArray, FloatArray

DOLLARS = 10_000.0  # the effort index counts incentive pay in units of 10,000 USD


@dataclass(frozen=True, slots=True)
class PlanEffects:
    """What each plan of one segment does, one row a plan.

    phi : shape (plans, 3), log effort on (retain, expand, playbook) against no incentive
    leak : share of expansion ARR lost again to gaming; hours_factor : service hours needed under the plan over
        without it
    """

    phi: FloatArray
    leak: FloatArray
    hours_factor: FloatArray
    pays_renewals_quarterly: BoolArray


def plan_effects(
    plans: Sequence[Plan], *, mean_base: float, heads: int, effort: Effort, attainment: Attainment
) -> PlanEffects:
    """Effects of plans on a segment whose `heads` declared CSMs have this mean base (USD a year)."""
    dollars = np.array([_component_dollars(p, mean_base, heads, effort) for p in plans])
    leaks = np.array([[_leak_of(p, metric, attainment) for metric in METRICS] for p in plans])
    loading = np.array([effort.loading[metric] for metric in METRICS])
    base = np.array(effort.base)

    pull = effort.pull * dollars / DOLLARS
    z = base + pull @ loading
    total = z.sum(axis=1, keepdims=True)
    phi = np.log((total / effort.reference) ** effort.elasticity * z / total) - np.log(base / base.sum())
    # Gaming takes its share of the expansion that is driven by the incentive, not of what would have come anyway.
    leak = (pull * loading[:, 1] * leaks).sum(axis=1) / z[:, 1]
    activity = np.array([sum(c.weight for c in p.mix.components if c.metric == "ACT") for p in plans])
    return PlanEffects(
        phi=phi,
        leak=leak,
        hours_factor=1.0 + effort.activity_hours * activity * (dollars.sum(axis=1) > 0.0),
        pays_renewals_quarterly=np.array([p.pays_renewals_quarterly for p in plans], dtype=bool),
    )


def _component_dollars(plan: Plan, mean_base: float, heads: int, effort: Effort) -> list[float]:
    variable = mean_base * plan.base_factor * plan.variable_per_base
    return [
        sum(variable * c.weight * _strength(c, heads, effort) for c in plan.mix.components if c.metric == metric)
        for metric in METRICS
    ]


def _strength(component: Component, heads: int, effort: Effort) -> float:
    is_team = component.scope == "team" or component.metric == "TEAM"
    dilution = max(heads, 1) ** -effort.team_dilution if is_team else 1.0
    return dilution * (effort.all_or_nothing if component.curve.kind == "all-or-nothing" else 1.0)


def _leak_of(plan: Plan, metric: str, attainment: Attainment) -> float:
    steep = any(
        c.curve.kind == "all-or-nothing" or c.curve.accelerator > 1.0 for c in plan.mix.components if c.metric == metric
    )
    return attainment.leak_steep if steep else attainment.leak_linear
