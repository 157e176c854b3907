"""Plan-design rules: by how much one plan bends each of them, in the rule's own unit.

Used to keep the menu to what is allowed, to price what is soft, and by `evaluate` and `check` to report. Today's
plan is judged too, but never forbidden (grandfathered).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from optcomp.benchmarks import Benchmarks
from optcomp.instance import Csm, Segment
from optcomp.plan import METRICS, Plan
from optcomp.rules import Rule

if TYPE_CHECKING:
    from optcomp.problem import Problem

Judge = Callable[[Plan, Rule, Segment], float]


def _over(value: float, limit: float) -> float:
    return max(value - limit, 0.0)


def _outside(value: float, low: float, high: float) -> float:
    return max(low - value, value - high, 0.0)


def _weight_where(plan: Plan, metrics: Sequence[str]) -> float:
    return sum(c.weight for c in plan.mix.components if c.metric in metrics)


def _max_components(plan: Plan, rule: Rule, segment: Segment) -> float:
    return _over(len({c.metric for c in plan.mix.components}), rule["max"])


def _max_weight(plan: Plan, rule: Rule, segment: Segment) -> float:
    return sum(_over(c.weight, rule["max"]) for c in plan.mix.components)


def _weight_bounds(plan: Plan, rule: Rule, segment: Segment) -> float:
    bounded = [c for c in plan.mix.components if f"min_{c.metric.lower()}" in rule.numbers]
    return sum(_outside(c.weight, rule[f"min_{c.metric.lower()}"], rule[f"max_{c.metric.lower()}"]) for c in bounded)


def _uncontrollable_share(plan: Plan, rule: Rule, segment: Segment) -> float:
    return _over(_weight_where(plan, [m.name for m in METRICS.values() if m.retention_or_adoption]), rule["max"])


def _csat_as_gate(plan: Plan, rule: Rule, segment: Segment) -> float:
    return _weight_where(plan, ["CSAT"])


def _gate_share(plan: Plan, rule: Rule, segment: Segment) -> float:
    return _outside(plan.mix.gate.at_risk, rule["min"], rule["max"]) if plan.mix.gate else 0.0


def _ownership(plan: Plan, rule: Rule, segment: Segment) -> float:
    owned = {"": True, "renewals": segment.owns_renewals, "expansion": segment.owns_expansion}
    return _weight_where(plan, [m.name for m in METRICS.values() if not owned[m.needs]])


def _readiness(plan: Plan, rule: Rule, segment: Segment) -> float:
    gated = plan.mix.gate.at_risk if plan.mix.gate and "CSAT" not in segment.ready_metrics else 0.0
    return gated + _weight_where(plan, [name for name in METRICS if name not in segment.ready_metrics])


_JUDGES: dict[str, Judge] = {
    "max_components": _max_components,
    "max_weight": _max_weight,
    "weight_bounds": _weight_bounds,
    "uncontrollable_share": _uncontrollable_share,
    "csat_as_gate": _csat_as_gate,
    "gate_share": _gate_share,
    "ownership": _ownership,
    "readiness": _readiness,
}
_TOLERANCE = 1e-9  # weights are decimal fractions in floating point


def design_amounts(plan: Plan, problem: Problem, segment: int) -> dict[str, float]:
    """Rule id → amount by which the plan bends it, for every plan rule that is on and bent."""
    return {**mix_amounts(plan, problem, segment), **level_amounts(plan, problem, segment)}


def mix_amounts(plan: Plan, problem: Problem, segment: int) -> dict[str, float]:
    """The part that depends on what is paid for, not on how much."""
    rules, facts = problem.rules, problem.segments[segment]
    amounts = {name: judge(plan, rules[name], facts) for name, judge in _JUDGES.items() if rules[name].is_on}
    return {name: amount for name, amount in amounts.items() if amount > _TOLERANCE}


def level_amounts(plan: Plan, problem: Problem, segment: int) -> dict[str, float]:
    """The part that depends on the base level and the variable share only."""
    rules, people = problem.rules, problem.people(segment)
    amounts = {}
    if rules["variable_share"].is_on:
        rule = rules["variable_share"]
        amounts["variable_share"] = _outside(plan.variable_share, rule["min"], rule["max"])
    if rules["pay_protection"].is_on:
        amounts["pay_protection"] = sum(c.base * _over(1.0, plan.base_factor) for c in people)
    if rules["pay_bands"].is_on:
        slack = rules["pay_bands"]["slack"]
        amounts["pay_bands"] = sum(_outside_band(plan, c, problem.benchmarks, slack) for c in people)
    return {name: amount for name, amount in amounts.items() if amount > _TOLERANCE}


def _outside_band(plan: Plan, csm: Csm, benchmarks: Benchmarks, slack: float) -> float:
    band = benchmarks.band(csm.level, csm.region)
    if band is None:
        return 0.0
    return _outside(own_ote(plan, csm), band.ote_low * (1.0 - slack), band.ote_high * (1.0 + slack))


def own_base(plan: Plan, csm: Csm) -> float:
    """Base pay of a CSM under a plan, USD a full year."""
    return csm.base * plan.base_factor


def own_variable(plan: Plan, csm: Csm) -> float:
    """Variable at target of a CSM under a plan, USD a full year; under today's plan it is what they have today."""
    return csm.variable if plan.is_today else csm.base * plan.base_factor * plan.variable_per_base


def own_ote(plan: Plan, csm: Csm) -> float:
    """On-target earnings of a CSM under a plan, USD a full year."""
    return own_base(plan, csm) + own_variable(plan, csm)
