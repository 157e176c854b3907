"""The rules: what each limits, in which unit, with which default, and where it comes from.

A rule is *hard* (must hold), *soft* (may be bent at a price per unit of its own natural unit) or *off*. The catalogue
below is the one list of rules: rule packs (`models/rules/`) and instances may only set what it declares, the
formulation has one builder per rule, `evaluate` one independent check per rule, and the reference page is made from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["hard", "soft", "off"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number of a rule: its unit, default, range and meaning."""

    unit: str
    default: float
    low: float
    high: float
    meaning: str


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """What a rule is.

    stage : `plan` rules judge one plan of one segment (today's plan is exempt, flagged); `books` rules judge who looks
        after what; `money` rules judge the whole
    unit : natural unit of the amount by which the rule is bent; `price` is USD per that unit
    """

    rule_id: str
    stage: Literal["plan", "books", "money"]
    sentence: str
    unit: str
    state: State
    price: float
    source: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    states: tuple[State, ...] = ("hard", "soft", "off")


def _share(default: float, meaning: str) -> Parameter:
    return Parameter("share", default, 0.0, 1.0, meaning)


_WEIGHT_LIMITS = {
    f"{end}_{metric.lower()}": _share(default, f"{word} weight of {metric} where the plan pays it")
    for metric in ("GRR", "EXP", "ACT", "RES", "TEAM", "LOGO")
    for end, word, default in (("min", "least", 0.0), ("max", "largest", 1.0))
}

_SPECS = (
    RuleSpec(
        "max_components",
        "plan",
        "A plan pays at most this many metrics.",
        "component",
        "hard",
        10_000.0,
        "000-43, 003-11",
        {"max": Parameter("components", 3, 0, 7, "largest number of paid metrics")},
    ),
    RuleSpec(
        "max_weight",
        "plan",
        "No metric is paid more than this share of the variable.",
        "share of variable",
        "hard",
        50_000.0,
        "SCIENCE 0.4, 002-5",
        {"max": _share(0.5, "largest weight of any component")},
    ),
    RuleSpec(
        "weight_bounds",
        "plan",
        "The weight of each paid metric stays within its bounds.",
        "share of variable",
        "off",
        50_000.0,
        "002-1",
        _WEIGHT_LIMITS,
    ),
    RuleSpec(
        "uncontrollable_share",
        "plan",
        "Retention and adoption metrics carry at most this share of the variable.",
        "share of variable",
        "hard",
        50_000.0,
        "004-6, 001-9",
        {"max": _share(0.5, "largest total weight of GRR and LOGO")},
    ),
    RuleSpec(
        "csat_as_gate",
        "plan",
        "Customer satisfaction is a gate, never a weighted component.",
        "share of variable",
        "hard",
        50_000.0,
        "002-4, 002-5",
    ),
    RuleSpec(
        "gate_share",
        "plan",
        "A CSAT gate puts a share of the variable within these bounds at risk.",
        "share of variable",
        "off",
        50_000.0,
        "002-1, 002-4",
        {"min": _share(0.15, "least share at risk"), "max": _share(0.25, "largest share at risk")},
    ),
    RuleSpec(
        "ownership",
        "plan",
        "Nobody is paid on renewals or expansion that the team does not own.",
        "share of variable",
        "hard",
        50_000.0,
        "003-4, 000-9",
    ),
    RuleSpec(
        "readiness",
        "plan",
        "Nobody is paid on a metric that the team cannot yet measure.",
        "share of variable",
        "hard",
        50_000.0,
        "004-9, 001-10",
    ),
    RuleSpec(
        "variable_share",
        "plan",
        "Variable pay stays within this share of OTE.",
        "share of OTE",
        "hard",
        100_000.0,
        "002-7, 003-12, 000-42",
        {"min": _share(0.0, "least variable share of OTE"), "max": _share(0.4, "largest variable share of OTE")},
    ),
    RuleSpec(
        "pay_protection",
        "plan",
        "Nobody's base pay is cut.",
        "USD of base",
        "hard",
        1.0,
        "DESIGN 3.4",
        states=("hard", "soft", "off"),
    ),
    RuleSpec(
        "pay_bands",
        "plan",
        "Everybody's OTE lies within the pay band of their level.",
        "USD of OTE",
        "off",
        1.0,
        "002-7..10",
        {"slack": _share(0.0, "widens every band by this share")},
    ),
    RuleSpec(
        "budget",
        "money",
        "Base pay plus expected variable pay stays within the pay budget.",
        "USD",
        "hard",
        1.0,
        "000-7",
    ),
    RuleSpec(
        "exposure",
        "money",
        "Pay if everybody hits the cap stays within this multiple of the pay budget.",
        "USD",
        "off",
        1.0,
        "000-7",
        {"max_ratio": Parameter("ratio", 1.25, 0.0, 10.0, "largest worst-case pay over budget")},
    ),
    RuleSpec(
        "hours",
        "books",
        "Nobody is given more hours of service than this ceiling on their own hours.",
        "hours a year",
        "hard",
        150.0,
        "002-17, 002-21, SCIENCE 1.8",
        {"ceiling": Parameter("ratio", 1.15, 0.1, 3.0, "largest load")},
    ),
    RuleSpec(
        "account_count",
        "books",
        "Every book holds a number of accounts within the segment's limits.",
        "accounts",
        "hard",
        5_000.0,
        "000-39, 002-18, 002-19",
    ),
    RuleSpec(
        "book_arr",
        "books",
        "Every book holds ARR within the segment's limits.",
        "USD of ARR",
        "hard",
        0.02,
        "002-20",
    ),
    RuleSpec(
        "own_limits",
        "books",
        "Nobody is given more accounts or ARR than their own limits.",
        "accounts (ARR counted in average accounts)",
        "hard",
        5_000.0,
        "PEERS 28",
    ),
    RuleSpec(
        "workload_spread",
        "books",
        "Everybody's load stays within this distance of the segment's load.",
        "hours a year",
        "off",
        50.0,
        "000-46",
        {"spread": _share(0.15, "largest distance, as a share of the segment's load")},
    ),
    RuleSpec(
        "equal_chance",
        "books",
        "Renewal and expansion potential per ARR dollar of every book stays close to the segment's.",
        "USD of potential",
        "soft",
        0.05,
        "000-26, U3, SCIENCE 5.3",
        {"tolerance": _share(0.10, "largest distance, as a share of the segment's potential per ARR dollar")},
    ),
    RuleSpec(
        "renewals_due",
        "books",
        "Under a plan that pays renewals quarterly everybody has enough renewals in every quarter.",
        "renewals (ARR due counted in average renewals)",
        "soft",
        500.0,
        "003-6, U1, U2",
        {"min_share": _share(0.6, "least share of an even share of the quarter's renewals, count and ARR")},
    ),
    RuleSpec(
        "eligible_segment",
        "books",
        "Accounts stay with CSMs of their own segment.",
        "accounts",
        "hard",
        20_000.0,
        "000-12",
    ),
    RuleSpec(
        "eligible_region",
        "books",
        "Accounts stay with CSMs of their own region.",
        "accounts",
        "hard",
        5_000.0,
        "PEERS 32",
    ),
    RuleSpec(
        "eligible_language", "books", "The CSM speaks the account's language.", "accounts", "hard", 5_000.0, "PEERS 32"
    ),
    RuleSpec(
        "eligible_skill", "books", "The CSM knows the account's industry.", "accounts", "off", 2_000.0, "PEERS 32"
    ),
    RuleSpec(
        "forbidden_pairs",
        "books",
        "Pairs that are marked not eligible are not used.",
        "accounts",
        "hard",
        50_000.0,
        "PEERS 28",
    ),
    RuleSpec("families", "books", "Accounts of one parent have one CSM.", "extra CSMs", "hard", 10_000.0, "U17"),
    RuleSpec(
        "locks",
        "books",
        "A locked account stays with its CSM.",
        "accounts",
        "hard",
        50_000.0,
        "U13-U15",
    ),
    RuleSpec(
        "leavers",
        "books",
        "Nobody who has left keeps accounts.",
        "accounts",
        "hard",
        0.0,
        "U15",
        states=("hard",),
    ),
    RuleSpec(
        "moves",
        "books",
        "At most this many accounts change their CSM, forced changes apart.",
        "moves",
        "off",
        1_000.0,
        "U10, U16, SCIENCE 6",
        {"max": Parameter("moves", 0, 0, 10_000_000, "moves that are free of charge")},
    ),
    RuleSpec(
        "open_positions",
        "money",
        "Every open position is filled.",
        "positions",
        "off",
        100_000.0,
        "PEERS 28",
    ),
)

SPECS: dict[str, RuleSpec] = {spec.rule_id: spec for spec in _SPECS}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is set for a problem: its state, its price in USD per natural unit, its numbers."""

    rule_id: str
    state: State
    price: float
    numbers: Mapping[str, float]
    source: str = ""

    @property
    def spec(self) -> RuleSpec:
        """What this rule is."""
        return SPECS[self.rule_id]

    @property
    def is_hard(self) -> bool:
        """It must hold."""
        return self.state == "hard"

    @property
    def is_soft(self) -> bool:
        """It may be bent at a price."""
        return self.state == "soft"

    @property
    def is_on(self) -> bool:
        """It is hard or soft."""
        return self.state != "off"

    def __getitem__(self, name: str) -> float:
        return self.numbers[name]


def default_rule(rule_id: str) -> Rule:
    """The rule with every default of the catalogue."""
    spec = SPECS[rule_id]
    return Rule(rule_id, spec.state, spec.price, {n: p.default for n, p in spec.parameters.items()}, spec.source)


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule of the catalogue, once."""

    pack: str
    by_id: Mapping[str, Rule]

    def __getitem__(self, rule_id: str) -> Rule:
        return self.by_id[rule_id]


def default_rules() -> Rules:
    """All rules at the catalogue's defaults."""
    return Rules("catalogue", {rule_id: default_rule(rule_id) for rule_id in SPECS})
