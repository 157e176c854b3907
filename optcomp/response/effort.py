r"""What a plan does to effort: the multitask effort index, for many plans at once.

.. math::
    z_t = b_t + s_0 \sum_c J_{ct} \tilde d_c / 10^4, \quad Z = \sum_t z_t, \quad
    \phi_t = \log\left[(Z/Z_{ref})^\eta \, z_t / Z\right] - \log\left(b_t / {\textstyle \sum b}\right)

:math:`\tilde d_c` are dollars a year at target on component c: variable at the segment's mean base × weight, diluted by
:math:`n^{-\psi}` where the team's result is paid, and by .67 for a cliff target. A CSAT gate that puts the share
:math:`\gamma` of the variable at risk counts as :math:`\gamma V E[\pi] \varphi(z)/s` dollars on CSAT, with
:math:`z = (\mu_c - c)/s` the distance of the mean score from the gate in standard deviations.

Source: DESIGN 3.1, SCIENCE 1.3, 1.4 (Holmström & Milgrom 1991).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.payout import expected_curve, normal_pdf
from optcomp.plan import METRICS, Component, Mix, Plan
from optcomp.response.parameters import Attainment, Effort
from optcomp.types import BoolArray, FloatArray, IntArray

DOLLARS = 10_000.0  # the effort index counts incentive pay in units of 10,000 USD
_COLUMN = {metric: column for column, metric in enumerate(METRICS)}


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


@dataclass(frozen=True, slots=True)
class MixArrays:
    """What mixes do per dollar of variable, one row a mix.

    pull : shape (mixes, metrics), effective dollars on each metric per dollar of variable at target
    leak : shape (mixes, metrics), gaming leak of each metric's curve; activity : weight on key activities
    """

    pull: FloatArray
    leak: FloatArray
    activity: FloatArray
    pays_renewals_quarterly: BoolArray


def mix_arrays(mixes: Sequence[Mix], *, heads: int, effort: Effort, attainment: Attainment) -> MixArrays:
    """Arrays of mixes in a segment of `heads` declared CSMs."""
    pull = np.zeros((len(mixes), len(METRICS)))
    leak = np.full((len(mixes), len(METRICS)), attainment.leak_linear)
    activity = np.zeros(len(mixes))
    quarterly = np.zeros(len(mixes), dtype=bool)
    for row, mix in enumerate(mixes):
        for c in mix.components:
            column = _COLUMN[c.metric]
            pull[row, column] += c.weight * _strength(c, heads, effort)
            if c.curve.kind == "all-or-nothing" or c.curve.accelerator > 1.0:
                leak[row, column] = attainment.leak_steep
            activity[row] += c.weight * (c.metric == "ACT")
            quarterly[row] |= c.metric in ("GRR", "LOGO") and c.period == "quarter"
        pull[row, _COLUMN["CSAT"]] += _gate_pull(mix, attainment)
    return MixArrays(pull, leak, activity, quarterly)


def effects_of_mixes(arrays: MixArrays, mix: IntArray, variable: FloatArray, effort: Effort) -> PlanEffects:
    """Effects of plans, each a row of `arrays` at a variable in USD a year at target; shapes (plans,)."""
    loading = np.array([effort.loading[metric] for metric in METRICS])
    base = np.array(effort.base)
    pull = arrays.pull @ (effort.pull / DOLLARS * loading)
    # Gaming takes its share of the expansion that is driven by the incentive, not of what would have come anyway.
    leaking = (arrays.pull * arrays.leak) @ (effort.pull / DOLLARS * loading[:, 1])
    z = base + variable[:, None] * pull[mix]
    total = z.sum(axis=1, keepdims=True)
    return PlanEffects(
        phi=np.log((total / effort.reference) ** effort.elasticity * z / total) - np.log(base / base.sum()),
        leak=variable * leaking[mix] / z[:, 1],
        hours_factor=1.0 + effort.activity_hours * arrays.activity[mix] * (variable > 0.0),
        pays_renewals_quarterly=arrays.pays_renewals_quarterly[mix],
    )


def plan_effects(
    plans: Sequence[Plan], *, mean_base: float, heads: int, effort: Effort, attainment: Attainment
) -> PlanEffects:
    """Effects of plans on a segment whose `heads` declared CSMs have this mean base (USD a year)."""
    mixes = list({id(p.mix): p.mix for p in plans}.values())
    row = {id(mix): k for k, mix in enumerate(mixes)}
    arrays = mix_arrays(mixes, heads=heads, effort=effort, attainment=attainment)
    variable = np.array([mean_base * p.base_factor * p.variable_per_base for p in plans], dtype=float)
    return effects_of_mixes(arrays, np.array([row[id(p.mix)] for p in plans], dtype=np.int64), variable, effort)


def _strength(component: Component, heads: int, effort: Effort) -> float:
    is_team = component.scope == "team" or component.metric == "TEAM"
    dilution = float(max(heads, 1) ** -effort.team_dilution) if is_team else 1.0
    return dilution * (effort.all_or_nothing if component.curve.kind == "all-or-nothing" else 1.0)


def _gate_pull(mix: Mix, attainment: Attainment) -> float:
    """Dollars on CSAT per dollar of variable that a gate is worth to the CSM; 0 where scores never vary."""
    if mix.gate is None or attainment.csat_sd <= 0.0:
        return 0.0
    z = (attainment.csat_mean - mix.gate.target) / attainment.csat_sd
    return mix.gate.at_risk * expected_without_gate(mix, attainment) * normal_pdf(z) / attainment.csat_sd


def expected_without_gate(mix: Mix, attainment: Attainment) -> float:
    """Expected payout over variable at target before the gate; a fixed threshold is taken as met."""
    return sum(
        c.weight * (1.0 if c.curve.absolute else expected_curve(c.curve, 1.0, attainment.sd.get(c.metric, 0.0)))
        for c in mix.components
    )
