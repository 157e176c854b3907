"""Tiny problems for hypothesis: small enough to try every solution, odd enough to meet every rule in every state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from builders import BENCHMARKS, MIXES, SERVICE, START, response, rules
from hypothesis import strategies as st

from optcomp.instance import Account, Csm, Instance, Pair, Segment
from optcomp.plan import Component, Curve, Gate, MenuSpec, Mix, PlanSpec
from optcomp.problem import Problem
from optcomp.response.parameters import Response, Skill
from optcomp.rules import SPECS, Rules

PLAN_RULES = tuple(name for name, spec in SPECS.items() if spec.stage == "plan")
PAIR_RULES = ("eligible_segment", "eligible_region", "eligible_language", "eligible_skill", "forbidden_pairs", "locks")
LIMIT_RULES = ("hours", "account_count", "book_arr", "own_limits", "workload_spread", "families", "moves")
CHANCE_RULES = ("equal_chance", "renewals_due", "hours", "families", "open_positions")
MONEY_RULES = ("budget", "exposure", "open_positions", "hours")
SWITCHED = tuple(name for name in SPECS if name != "leavers")  # that one is always hard

ALL_MIXES: dict[str, Mix] = {
    **MIXES,
    **{
        mix.name: mix
        for mix in (
            Mix("steep", (Component("EXP", 0.6, curve=Curve(accelerator=2.0, cap=3.0)), Component("GRR", 0.4))),
            Mix("team", (Component("EXP", 0.4, scope="team"), Component("TEAM", 0.6)), Gate(0.3, 0.9)),
            Mix("logos", (Component("LOGO", 0.7, period="quarter"), Component("ACT", 0.3))),
            Mix("many", tuple(Component(m, 0.25) for m in ("GRR", "EXP", "ACT", "RES"))),
            Mix("score", (Component("CSAT", 0.3), Component("GRR", 0.7, curve=Curve(threshold=0.8)))),
        )
    },
}

# Accounts and CSMs, so that books × plans × filled positions stay below a few hundred solutions.
SIZES = ((1, 1), (1, 2), (2, 2), (2, 3), (3, 2), (3, 2), (4, 2), (3, 3), (5, 2), (5, 1))
RENEWALS = (
    None,
    date(2027, 1, 1),
    date(2027, 3, 31),
    date(2027, 4, 1),
    date(2027, 8, 15),
    date(2027, 12, 31),
    date(2028, 1, 1),
    date(2024, 2, 29),
    date(2029, 6, 1),
)


def _any_of(*values: object) -> st.SearchStrategy:
    return st.sampled_from(values)


def _mostly(usual: object, *others: object) -> st.SearchStrategy:
    """The usual value about two times in three."""
    return st.sampled_from([usual] * (2 * len(others)) + list(others))


@st.composite
def problems(draw: st.DrawFn, focus: Sequence[str] = SWITCHED) -> Problem:
    """A tiny problem in which some rules of `focus` are on, with limits and prices near where they bind."""
    num_accounts, num_csms = draw(st.sampled_from(SIZES))
    names = draw(_any_of(("S",), ("S",), ("S", "T")))
    csms = [draw(_csms(f"C{i}", names)) for i in range(num_csms)]
    if sum(c.status == "open" for c in csms) == len(csms):
        csms[0] = replace(csms[0], status="active", start=None)
    accounts = [draw(_accounts(f"A{i}", names, [c.csm_id for c in csms])) for i in range(num_accounts)]
    menu_size = 1 if len(names) == 2 or num_accounts + num_csms > 6 else 2
    instance = Instance(
        name="tiny",
        as_of=date(2026, 11, 1),
        plan_year_start=START,
        pay_budget=1e9,
        segments=tuple(draw(_segments(n)) for n in names),
        accounts=tuple(accounts),
        csms=tuple(csms),
        pairs=tuple(draw(_pairs(accounts, csms))),
        menu=_menu(draw, menu_size),
    )
    problem = Problem(instance, ALL_MIXES, draw(_responses()), SERVICE, BENCHMARKS, draw(_rules(focus, names)))
    return _with_money(draw, problem)


@st.composite
def _csms(draw: st.DrawFn, name: str, segments: Sequence[str]) -> Csm:
    status = draw(_mostly("active", "leaving", "joining", "open"))
    start = {
        "joining": _any_of(date(2027, 2, 1), date(2026, 11, 15)),
        "open": _any_of(date(2027, 1, 1), date(2027, 4, 1)),
    }
    return Csm(
        csm_id=name,
        segment=draw(st.sampled_from(segments)),
        base=draw(_any_of(70_000.0, 80_000.0, 100_000.0)),
        variable=draw(_any_of(8_000.0, 12_000.0, 20_000.0)),
        region=draw(_mostly("", "EU", "US")),
        languages=draw(_mostly((), ("de",), ("de", "fr"))),
        industries=draw(_mostly((), ("bank",), ("retail",))),
        level=draw(_any_of("associate", "csm", "senior")),
        hours=draw(_any_of(200.0, 300.0, 400.0)),
        market_ote=draw(_any_of(None, 95_000.0)),
        status=status,
        start=draw(start[status]) if status in start else None,
        end=date(2027, 3, 1) if status == "leaving" else None,
        ramp_months=draw(_any_of(0.0, 6.0)) if status in start else 0.0,
        max_accounts=draw(_mostly(None, 1, 2)),
        max_arr=draw(_mostly(None, 150_000.0, 250_000.0)),
    )


@st.composite
def _accounts(draw: st.DrawFn, name: str, segments: Sequence[str], csms: Sequence[str]) -> Account:
    segment = draw(st.sampled_from(segments))
    owner = draw(st.sampled_from([*csms, *csms, None]))
    return Account(
        account_id=name,
        segment=segment,
        arr=draw(_any_of(50_000.0, 100_000.0, 130_000.0, 300_000.0)),
        renewal_date=draw(st.sampled_from(RENEWALS)),
        term_months=draw(_any_of(12, 6, 36)),
        region=draw(_mostly("", "EU", "US")),
        language=draw(_mostly("", "de", "fr")),
        industry=draw(_mostly("", "bank")),
        complexity=draw(_any_of(1.0, 3.0, 5.0)),
        stage=draw(_mostly("established", "onboarding")),
        parent=draw(_mostly(None, f"P{segment}")),
        csm=owner,
        health=draw(_any_of(None, 40.0, 90.0)),
        renewal_probability=draw(_mostly(None, 0.7, 1.0)),
        contraction=draw(_mostly(None, 0.1, 0.4)),
        expansion=draw(_mostly(None, 0.0, 0.2)),
        hours=draw(_any_of(None, 80.0, 120.0, 200.0)),
        locked=draw(_mostly(False, owner is not None)),
    )


@st.composite
def _segments(draw: st.DrawFn, name: str) -> Segment:
    return Segment(
        name,
        PlanSpec(draw(_any_of("cliff", "base-only", "quarterly")), draw(_any_of(None, 0.1))),
        owns_renewals=draw(_mostly(True, False)),
        owns_expansion=draw(_mostly(True, False)),
        min_accounts=draw(_mostly(None, 1, 2)),
        max_accounts=draw(_mostly(None, 1, 3)),
        min_arr=draw(_mostly(None, 100_000.0)),
        max_arr=draw(_mostly(None, 260_000.0, 400_000.0)),
    )


@st.composite
def _pairs(draw: st.DrawFn, accounts: Sequence[Account], csms: Sequence[Csm]) -> list[Pair]:
    known = [(a.account_id, c.csm_id) for a in accounts for c in csms]
    chosen = draw(st.lists(st.sampled_from(known), max_size=3, unique=True))
    return [
        Pair(
            account,
            csm,
            eligible=draw(_any_of(None, True, False)),
            fit=draw(_any_of(None, 0.0, 1.0)),
            hours=draw(_any_of(None, 60.0, 180.0)),
            renewal_probability=draw(_mostly(None, 0.6)),
            contraction=draw(_mostly(None, 0.3)),
            expansion=draw(_mostly(None, 0.15)),
            value=draw(_mostly(None, 120_000.0)),
        )
        for account, csm in chosen
    ]


def _menu(draw: st.DrawFn, size: int) -> MenuSpec:
    mixes = draw(st.lists(st.sampled_from(sorted(ALL_MIXES)), min_size=1, max_size=size, unique=True))
    factors = draw(_any_of((1.0,), (0.95,), (1.1,)))
    return MenuSpec(factors, (draw(_any_of(0.1, 0.25, 0.45)),), tuple(mixes))


@st.composite
def _responses(draw: st.DrawFn) -> Response:
    base = response(load_renew=draw(_any_of(0.0, 0.4, 2.0)), fit_renew=draw(_any_of(0.4, 2.0)))
    skilled = {"C1": Skill(0.5, -0.2)} if draw(st.booleans()) else {}
    effort = replace(base.effort, activity_hours=draw(_any_of(0.1, 0.6)))
    return replace(base, effort=effort, skill=skilled)


@st.composite
def _rules(draw: st.DrawFn, focus: Sequence[str], segments: Sequence[str]) -> Rules:
    active = set(draw(st.lists(st.sampled_from(list(focus)), min_size=1, max_size=5, unique=True)))
    if len(segments) > 1 and draw(_mostly(True, False)):
        active.add("eligible_segment")
    return rules(**{name: draw(_settings(name)) for name in sorted(active)})


@st.composite
def _settings(draw: st.DrawFn, name: str) -> dict[str, object]:
    spec = SPECS[name]
    changes: dict[str, object] = {"state": draw(st.sampled_from([s for s in spec.states if s != "off"]))}
    if changes["state"] == "soft":
        changes["price"] = spec.price * draw(_any_of(0.0, 0.05, 0.3, 1.0, 5.0))
    numbers = {
        "max_components": {"max": (1, 2, 3)},
        "variable_share": {"min": (0.0, 0.15), "max": (0.2, 0.5)},
        "gate_share": {"min": (0.1, 0.25), "max": (0.25, 0.5)},
        "pay_bands": {"slack": (0.0, 0.1)},
        "hours": {"ceiling": (0.5, 0.8, 1.0, 1.2)},
        "workload_spread": {"spread": (0.1, 0.4, 0.9)},
        "equal_chance": {"tolerance": (0.0, 0.02, 0.1)},
        "renewals_due": {"min_share": (0.3, 0.6, 1.0)},
        "moves": {"max": (0, 0, 1, 2)},
        "exposure": {"max_ratio": (0.9, 1.0, 1.1, 1.3)},
    }.get(name, {n: (0.2, 0.4, 0.5, 1.0) if n.startswith("max") else (0.0, 0.3) for n in spec.parameters})
    return {**changes, **{n: draw(st.sampled_from(values)) for n, values in numbers.items()}}


def _with_money(draw: st.DrawFn, problem: Problem) -> Problem:
    """The problem with a budget between the cheapest and the dearest choice, or just outside."""
    low = high = 0.0
    for s, table in enumerate(problem.pay_cost):
        always = (problem.csms.segment == s) & ~problem.csms.is_open
        maybe = (problem.csms.segment == s) & problem.csms.is_open
        low += float(table[always].sum(axis=0).min())
        high += float(np.max(table[always | maybe].sum(axis=0)))
    share = draw(_any_of(-0.05, 0.0, 0.3, 0.6, 1.0, 1.1))
    return replace(problem, instance=replace(problem.instance, pay_budget=low + share * (high - low)))
