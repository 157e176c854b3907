"""Pay in a pilot: everybody gets the better of the new plan and today's, at the same results."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.design import own_base, own_variable
from optcomp.instance import Csm
from optcomp.pay import expected_multiples
from optcomp.payout import curve_value, largest_payout
from optcomp.plan import METRICS, Plan
from optcomp.problem import Problem
from optcomp.types import FloatArray

RESULTS = 2000  # invented results; the mean of a top-up is then known to about 2 % of its sd


@dataclass(frozen=True, slots=True)
class Pay:
    """Expected pay of one CSM over the pilot, USD: under today's plan, under the new one, and with the guarantee.

    most : the largest sum that the pilot can cost on top of today's expected pay
    """

    today: float
    new: float
    guaranteed: float
    most: float


def pay_in_pilot(problem: Problem, csm: int, plan: int, years: float, seed: int) -> Pay:
    """Pay of a CSM under a plan of their segment for part of a year."""
    segment = int(problem.csms.segment[csm])
    person, today, new = problem.csm_list[csm], problem.plans[segment][0], problem.plans[segment][plan]
    multiples = expected_multiples(problem, segment, (today, new), problem.accounts.csm)[csm]
    old, fresh = (
        _paid(p, person, _multiples(p, problem, float(m), seed)) * years
        for p, m in ((today, multiples[0]), (new, multiples[1]))
    )
    before = float(old.mean())
    largest = (own_base(new, person) + own_variable(new, person) * largest_payout(new)) * years
    return Pay(before, float(fresh.mean()), float(np.maximum(old, fresh).mean()), max(largest - before, 0.0))


def _paid(plan: Plan, person: Csm, multiple: FloatArray) -> FloatArray:
    return own_base(plan, person) + own_variable(plan, person) * multiple


def _multiples(plan: Plan, problem: Problem, expected: float, seed: int) -> FloatArray:
    """Payout multiples under invented results, the same for every plan; scaled to what the plan is expected to pay."""
    attainment, rng = problem.response.attainment, np.random.default_rng([seed, 7])
    luck = {metric: rng.normal(size=RESULTS) for metric in METRICS}
    score = attainment.csat_mean + attainment.csat_sd * rng.normal(size=RESULTS)
    paid = np.zeros(RESULTS)
    for c in plan.mix.components:
        reached = 1.0 + attainment.sd.get(c.metric, 0.0) * luck[c.metric]
        if c.curve.absolute:  # a threshold on the raw metric: its chance depends on the book, and is in `expected`
            paid += c.weight * (luck[c.metric] > 0.0)
        else:
            paid += c.weight * np.array([curve_value(c.curve, float(y)) for y in reached])
    if plan.mix.gate is not None:
        paid *= np.where(score < plan.mix.gate.target, 1.0 - plan.mix.gate.at_risk, 1.0)
    mean = float(paid.mean())
    return paid * (expected / mean) if mean > 0.0 else paid
