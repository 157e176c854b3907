r"""What people do under a plan: the exact best response over four tasks, gaming among them.

A person chooses effort :math:`e \ge 0` to maximise

.. math:: \sum_t m_t \, (1 - e^{-e_t/s_t}) - \frac{c}{1+\xi} T^{1+\xi}, \qquad T = \sum_t e_t

so that :math:`e_t = s_t \, [\log(m_t / (s_t \mu))]_+` at the shadow price :math:`\mu = c\,T^\xi` of effort, which is
found by bisection. :math:`m_t` is the intrinsic value of the task plus what the plan pays for it.
"""

from __future__ import annotations

import numpy as np

from optcomp.plan import Plan
from optcomp.types import FloatArray
from optcomp.world.truth import METRIC_NAMES, Truth

DOLLARS = 10_000.0
GAMING = 3
# What is convex about a curve or a gate, as a share of its dollars (SCIENCE 1.3: kappa).
_CONVEX_CLIFF, _CONVEX_ACCELERATOR, _CONVEX_LINEAR, _CONVEX_GATE = 1.0, 0.5, 0.1, 0.6
_STEPS = 60  # halves the bracket of log-prices, width about 40, to below 1e-15


def plan_pull(plan: Plan, truth: Truth, heads: int) -> FloatArray:
    """Marginal value of the four tasks that a plan adds, per 10,000 USD of variable at target."""
    pull = np.zeros(4)
    convex = 0.0
    for component in plan.mix.components:
        is_cliff = component.curve.kind == "all-or-nothing"
        is_team = component.scope == "team" or component.metric == "TEAM"
        share = component.weight * (heads**-truth.dilution if is_team else 1.0)
        pull[:GAMING] += (
            share * (truth.cliff if is_cliff else 1.0) * truth.loading[METRIC_NAMES.index(component.metric)]
        )
        slope = _CONVEX_ACCELERATOR if component.curve.accelerator > 1.0 else _CONVEX_LINEAR
        convex += share * (_CONVEX_CLIFF if is_cliff else slope)
    if plan.mix.gate:
        pull[:GAMING] += 0.5 * plan.mix.gate.at_risk * truth.loading[METRIC_NAMES.index("CSAT")]
        convex += _CONVEX_GATE * plan.mix.gate.at_risk
    pull *= truth.pull
    pull[GAMING] = truth.game * convex
    return pull


def best_response(value: FloatArray, truth: Truth) -> FloatArray:
    """Effort on the four tasks, shape (people, 4), for marginal values of that shape."""
    low, high = np.full(len(value), -20.0), np.full(len(value), 20.0)  # log of the shadow price
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        total = _effort(value, middle, truth).sum(axis=1)
        # Where people would work more than the price is worth, effort must cost more.
        dear = np.log(truth.cost) + truth.cost_power * np.log(np.maximum(total, 1e-300)) > middle
        low, high = np.where(dear, middle, low), np.where(dear, high, middle)
    return _effort(value, (low + high) / 2.0, truth)


def _effort(value: FloatArray, log_price: FloatArray, truth: Truth) -> FloatArray:
    with np.errstate(divide="ignore"):
        gain = np.log(value / truth.scale) - log_price[:, None]
    return np.asarray(truth.scale * np.maximum(gain, 0.0))


def reference_effort(truth: Truth) -> FloatArray:
    """Effort of a person of average taste without any incentive, on (retain, expand, playbook)."""
    return np.asarray(best_response(truth.intrinsic[None, :], truth)[0, :GAMING])
