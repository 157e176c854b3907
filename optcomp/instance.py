"""The facts: accounts, CSMs, segments, and the pairs of them about which something special is known.

Everything here is what *is*. What we assume or allow lives in model files (`models/`), and `problem` joins the two.
All money is USD per year (or the instance's one currency), shares are in [0, 1], hours are per year.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from optcomp.errors import Finding, InputError
from optcomp.plan import MenuSpec, PlanSpec

CsmStatus = Literal["active", "leaving", "joining", "open"]


@dataclass(frozen=True, slots=True)
class Account:
    """A customer account as it stands on the instance's `as_of` date.

    arr : annual recurring revenue, USD a year, above 0
    complexity : 1 (simple) to 5 (very complex)
    health : 0 to 100, or None where not scored
    hours : service hours a year; None means "from the service model"
    renewal_probability, contraction : own predictions per renewal in [0, 1]: P(renew), and the expected share of ARR
        lost by an account that renews
    expansion : own prediction, probability of an expansion in a quarter
    csm : id of today's CSM, or None
    locked : the account must stay with today's CSM; `lock_reason` says why
    """

    account_id: str
    segment: str
    arr: float
    name: str = ""
    renewal_date: date | None = None
    term_months: int = 12
    region: str = ""
    language: str = ""
    industry: str = ""
    complexity: float = 3.0
    stage: str = "established"
    parent: str | None = None
    csm: str | None = None
    csm_since: date | None = None
    health: float | None = None
    renewal_probability: float | None = None
    contraction: float | None = None
    expansion: float | None = None
    hours: float | None = None
    locked: bool = False
    lock_reason: str = ""


@dataclass(frozen=True, slots=True)
class Csm:
    """A customer success manager, or an open position that may be filled.

    base, variable : USD a year today (variable at target)
    market_ote : what the market pays for this job at target, USD a year; None means "from the benchmark pack"
    hours : deliverable hours in a full year; None means calendar hours × (1 − overhead) × fte (002-17)
    status : `active`; `leaving` on `end`; `joining` on `start` with `ramp_months` to full hours; `open` = optional
        position
    """

    csm_id: str
    segment: str
    base: float
    variable: float = 0.0
    name: str = ""
    region: str = ""
    languages: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    level: str = "csm"
    tenure_years: float = 2.0
    fte: float = 1.0
    hours: float | None = None
    market_ote: float | None = None
    status: CsmStatus = "active"
    start: date | None = None
    end: date | None = None
    ramp_months: float = 0.0
    max_accounts: int | None = None
    max_arr: float | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """What is known of one account with one CSM; every field left None falls back to the general rule.

    eligible : False forbids the pair, True allows it whatever the eligibility rules say
    fit : 0 to 1, instead of the fit formula
    hours : service hours a year of this account with this CSM
    renewal_probability, contraction, expansion : predictions for this pair at today's plan and load 1, used as they are
    value : predicted year-end ARR in USD, used as it is under every plan
    """

    account_id: str
    csm_id: str
    eligible: bool | None = None
    fit: float | None = None
    hours: float | None = None
    renewal_probability: float | None = None
    contraction: float | None = None
    expansion: float | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A line that a person keeps by hand: this account with this CSM, and why. It acts like a lock."""

    account_id: str
    csm_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A group of accounts and CSMs that shares one pay plan.

    tier : name of the tier in the service model
    today : the pay plan in force; always a candidate
    menu : which plans may be chosen; None means the instance's common menu
    owns_renewals, owns_expansion : the team closes these itself (003-4)
    ready_metrics : metrics that the team is trained for and can measure today (004-9)
    min_/max_ : limits on the book of one CSM, where declared (000-39, 002-20)
    """

    name: str
    today: PlanSpec
    tier: str = "default"
    title: str = ""
    menu: MenuSpec | None = None
    owns_renewals: bool = True
    owns_expansion: bool = True
    ready_metrics: tuple[str, ...] = ("GRR", "EXP", "CSAT", "ACT", "TEAM", "LOGO")
    min_accounts: int | None = None
    max_accounts: int | None = None
    min_arr: float | None = None
    max_arr: float | None = None


@dataclass(frozen=True, slots=True)
class ModelNames:
    """Which model files the instance is solved with: a name from `models/`, or a path beside the instance."""

    response: str = "priors-v0"
    service: str = "tiers-2024"
    rules: str = "standard"
    benchmarks: str = "us-2024"


@dataclass(frozen=True, slots=True)
class Instance:
    """All facts of one planning problem.

    pay_budget : USD in the plan year for base plus expected variable pay
    target_nrr : the goal that was set, as a ratio (1.15 = 115 %), or None
    rule_overrides : rule id → parameter → value, on top of the rule pack
    kept : lines that a person keeps by hand, sorted by account
    """

    name: str
    as_of: date
    plan_year_start: date
    pay_budget: float
    segments: tuple[Segment, ...]
    accounts: tuple[Account, ...]
    csms: tuple[Csm, ...]
    pairs: tuple[Pair, ...] = ()
    menu: MenuSpec = field(default_factory=MenuSpec)
    models: ModelNames = field(default_factory=ModelNames)
    rule_overrides: tuple[tuple[str, tuple[tuple[str, object], ...]], ...] = ()
    target_nrr: float | None = None
    currency: str = "USD"
    priority: str = ""
    kept: tuple[Kept, ...] = ()

    def __post_init__(self) -> None:
        findings = [*_duplicates("account", [a.account_id for a in self.accounts])]
        findings += _duplicates("CSM", [c.csm_id for c in self.csms])
        findings += _duplicates("segment", [s.name for s in self.segments])
        findings += _unknown_references(self)
        if findings:
            raise InputError(findings)


def _duplicates(kind: str, ids: list[str]) -> list[Finding]:
    seen: set[str] = set()
    repeated = sorted({i for i in ids if i in seen or seen.add(i)})  # type: ignore[func-returns-value]
    return [Finding("duplicate-id", f"{kind} id {i} occurs more than once", "Ids must be unique") for i in repeated]


def _unknown_references(instance: Instance) -> list[Finding]:
    segments = {s.name for s in instance.segments}
    csms = {c.csm_id for c in instance.csms}
    accounts = {a.account_id for a in instance.accounts}
    wrong: list[tuple[str, str, str]] = []
    wrong += [(f"account {a.account_id}", "segment", a.segment) for a in instance.accounts if a.segment not in segments]
    wrong += [(f"account {a.account_id}", "CSM", a.csm) for a in instance.accounts if a.csm and a.csm not in csms]
    wrong += [(f"CSM {c.csm_id}", "segment", c.segment) for c in instance.csms if c.segment not in segments]
    wrong += [("a pair", "account", p.account_id) for p in instance.pairs if p.account_id not in accounts]
    wrong += [("a pair", "CSM", p.csm_id) for p in instance.pairs if p.csm_id not in csms]
    return [
        Finding("unknown-id", f"{who} names the {kind} {what!r}, which is not declared", f"A declared {kind}")
        for who, kind, what in wrong
    ]
