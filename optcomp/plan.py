"""Pay plans: metrics, components, the gate, one plan, and the menu of plans that may be chosen.

A *mix* says what is paid for (components, curves, gate) and comes from a compensation model file; a *plan* is a mix
at a base level and a variable share. Weights are shares of the variable pay and sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MetricName = Literal["GRR", "EXP", "CSAT", "ACT", "RES", "TEAM", "LOGO"]
Scope = Literal["individual", "team"]
Period = Literal["year", "quarter"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a component pays for.

    retention_or_adoption : counts towards the limit on hardly controllable metrics (004-6)
    needs : what the team must own for the metric to be fair (003-4)
    """

    name: MetricName
    title: str
    kind: Literal["lagging", "leading", "activity"]
    retention_or_adoption: bool = False
    needs: Literal["", "renewals", "expansion"] = ""
    sentence: str = ""


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "GRR",
            "Gross revenue retention",
            "lagging",
            True,
            "renewals",
            "ARR kept of the ARR up for renewal in your book",
        ),
        Metric("EXP", "Expansion ARR", "lagging", False, "expansion", "expansion ARR sourced and closed in your book"),
        Metric("CSAT", "Customer satisfaction", "leading", False, "", "the satisfaction score of your accounts"),
        Metric(
            "ACT",
            "Key activities",
            "activity",
            False,
            "",
            "agreed key activities done: reviews, success plans, adoption milestones",
        ),
        Metric("RES", "Customer results", "leading", False, "", "measurable results that your customers reach"),
        Metric("TEAM", "Team NRR", "lagging", False, "", "net revenue retention of your whole segment"),
        Metric("LOGO", "Logo retention", "lagging", True, "renewals", "share of your accounts that stay customers"),
    )
}


@dataclass(frozen=True, slots=True)
class Curve:
    """How attainment turns into pay, as a multiple of the component's target dollars.

    Linear kind: nothing below `threshold`; `attainment` itself from there to 1 (so 1 pays 1); slope `accelerator`
    above 1;
    never more than `cap`. All-or-nothing kind: 1 at `threshold` and above, else 0. With `absolute`, attainment is
    the raw metric (e.g. share of logos kept) and not a ratio to a target.
    """

    kind: Literal["linear", "all-or-nothing"] = "linear"
    threshold: float = 0.0
    accelerator: float = 1.0
    cap: float = 2.0
    absolute: bool = False


@dataclass(frozen=True, slots=True)
class Component:
    """One line of a pay plan: which metric, what share of the variable pay, whose result, how often."""

    metric: MetricName
    weight: float
    scope: Scope = "individual"
    period: Period = "year"
    curve: Curve = Curve()


@dataclass(frozen=True, slots=True)
class Gate:
    """CSAT below `target` takes away the share `at_risk` of all variable pay (002-4)."""

    at_risk: float
    target: float = 0.8


@dataclass(frozen=True, slots=True)
class Mix:
    """What is paid for; from a compensation model file or from the weight grid."""

    name: str
    components: tuple[Component, ...]
    gate: Gate | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """One pay plan of one segment.

    base_factor : multiplies every CSM's own base
    variable_share : variable at target over OTE, in [0, 1)
    is_today : the plan in force; pays everyone their own base and variable as they are today
    is_forced : on the menu for a comparison only, e.g. all extra money into base pay
    """

    plan_id: str
    mix: Mix
    base_factor: float
    variable_share: float
    is_today: bool = False
    is_forced: bool = False

    @property
    def is_exempt(self) -> bool:
        """The plan-design rules do not judge it: today's plan is grandfathered, a forced one is not proposed."""
        return self.is_today or self.is_forced

    @property
    def variable_per_base(self) -> float:
        """Variable at target as a multiple of base pay."""
        return self.variable_share / (1.0 - self.variable_share)

    @property
    def pays_renewals_quarterly(self) -> bool:
        """Renewal results are paid every quarter, so everyone needs renewals in every quarter (003-6)."""
        return any(c.metric in ("GRR", "LOGO") and c.period == "quarter" for c in self.mix.components)


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """Today's plan as an instance declares it; `variable_share` None means "what the CSMs' own pay adds up to"."""

    mix: str
    variable_share: float | None = None


@dataclass(frozen=True, slots=True)
class GridSpec:
    """Weights on a grid: every mix of at most `max_components` of these metrics in steps of `step`."""

    metrics: tuple[MetricName, ...]
    step: float = 0.25
    max_components: int = 3
    min_weight: float = 0.1
    max_weight: float = 1.0
    gates: tuple[float, ...] = (0.0,)
    scopes: tuple[Scope, ...] = ("individual",)
    period: Period = "year"


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """Which plans may be chosen: mixes × base levels × variable shares; today's plan is always added."""

    base_factors: tuple[float, ...] = (1.0,)
    variable_shares: tuple[float, ...] = (0.15, 0.20)
    mixes: tuple[str, ...] = ()
    grid: GridSpec | None = None
