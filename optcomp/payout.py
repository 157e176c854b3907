r"""What a plan pays: THE pay function, used by the evaluator, and later by simulation, audit and monitoring.

Attainment is 1 at target. A curve is piecewise linear with slope changes :math:`D_m` and jumps :math:`J_m` at
break points :math:`b_m`; with attainment :math:`y \sim N(\mu, s^2)`, :math:`z_m = (\mu - b_m)/s` and
:math:`\psi(z) = z\Phi(z) + \varphi(z)`,

.. math:: E[\pi] = \sum_m D_m \, s \, \psi(z_m) + \sum_m J_m \, \Phi(z_m).

Source: SCIENCE 1.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from optcomp.plan import Component, Curve, Gate, Plan
from optcomp.types import FloatArray


def payout(plan: Plan, attainment: Mapping[str, float], csat: float = 1.0) -> float:
    """Variable pay as a multiple of the variable at target.

    attainment : metric → attainment (1 = target; the raw metric for an absolute curve); every paid metric must be there
    csat : the satisfaction score that the gate compares with its target
    """
    paid = sum(c.weight * curve_value(c.curve, attainment[c.metric]) for c in plan.mix.components)
    gate = plan.mix.gate
    return paid * (1.0 - gate.at_risk) if gate and csat < gate.target else paid


def curve_value(curve: Curve, attainment: float) -> float:
    """Multiple of the component's target dollars that the curve pays at an attainment."""
    if attainment < curve.threshold:
        return 0.0
    if curve.kind == "all-or-nothing":
        return 1.0
    over_target = max(attainment - 1.0, 0.0)
    return min(min(max(attainment, 0.0), 1.0) + curve.accelerator * over_target, curve.cap)


def curve_breaks(curve: Curve) -> tuple[tuple[float, float, float], ...]:
    """Break points of a curve as (place, slope change, jump)."""
    if curve.kind == "all-or-nothing":
        return ((curve.threshold, 0.0, 1.0),)
    breaks = [(curve.threshold, 1.0, curve.threshold), (1.0, curve.accelerator - 1.0, 0.0)]
    if math.isfinite(curve.cap):
        top = 1.0 + (curve.cap - 1.0) / curve.accelerator if curve.accelerator > 0 else math.inf
        if math.isfinite(top):
            breaks.append((top, -curve.accelerator, 0.0))
    return tuple(breaks)


def expected_curve(curve: Curve, mean: float, sd: float) -> float:
    """Expected multiple when attainment is normal with this mean and sd (sd 0: the value at the mean)."""
    if sd <= 0.0:
        return curve_value(curve, mean)
    total = 0.0
    for place, slope_change, jump in curve_breaks(curve):
        z = (mean - place) / sd
        total += slope_change * sd * (z * normal_cdf(z) + normal_pdf(z)) + jump * normal_cdf(z)
    return total


def expected_payout(plan: Plan, expected_components: Mapping[str, float], gate_miss: float) -> float:
    """Expected variable as a multiple of the variable at target.

    expected_components : metric → expected multiple of that component
    gate_miss : probability that CSAT misses the gate
    """
    paid = sum(c.weight * expected_components[c.metric] for c in plan.mix.components)
    at_risk = plan.mix.gate.at_risk if plan.mix.gate else 0.0
    return paid * (1.0 - at_risk * gate_miss)


def largest_payout(plan: Plan) -> float:
    """The multiple paid when every component hits its cap: what the plan can cost at worst."""
    return sum(c.weight * largest_curve(c) for c in plan.mix.components)


def largest_curve(component: Component) -> float:
    """Largest multiple that a component can pay; infinite for an uncapped accelerator."""
    return 1.0 if component.curve.kind == "all-or-nothing" else component.curve.cap


def gate_miss_probability(gate: Gate | None, mean: float, sd: float) -> float:
    """Probability that a normal CSAT score lies below the gate's target."""
    if gate is None:
        return 0.0
    if sd <= 0.0:
        return float(mean < gate.target)
    return normal_cdf((gate.target - mean) / sd)


def chance_of_share(probabilities: FloatArray, share: float) -> float:
    """P(at least this share of independent events happens), exactly, by convolution.

    With book sizes of 10 to 60 accounts the normal approximation is off by up to 24 points (10 accounts at 0.9 and a
    90 % target: 74 %, not 50 %; REQUIREMENTS section 3), so the exact Poisson-binomial distribution is used.
    """
    count = len(probabilities)
    if count == 0:
        return 1.0
    needed = math.ceil(share * count - 1e-9)  # 0.9 * 10 is 9.000000000000002 in floating point
    distribution = np.ones(1)
    for p in probabilities:
        distribution = np.convolve(distribution, (1.0 - p, p))
    return float(min(distribution[needed:].sum(), 1.0))


def normal_cdf(z: float) -> float:
    """Standard normal distribution function."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def normal_pdf(z: float) -> float:
    """Standard normal density."""
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
