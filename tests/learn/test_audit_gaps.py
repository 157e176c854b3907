"""A history that lacks something is audited all the same; what cannot be said is left out. Warnings are errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from optcomp.assemble import assemble
from optcomp.cli.audit_text import audit_text
from optcomp.learn.audit.audit import Audit, audit
from optcomp.learn.audit.plots import audit_plots
from optcomp.learn.audit.summary import summarise_audit
from optcomp.learn.audit.tables import audit_files
from optcomp.learn.history import NOBODY, History
from optcomp.plan import Component, Curve, Gate
from optcomp.types import FloatArray
from optcomp.world.world import Past, make_world, make_world_of


@cache
def company() -> Past:
    return make_world("S", 1).live("pilot")


def people(**changes: object) -> History:
    """The company with fields of its CSM-quarters exchanged."""
    history = company().history()
    return replace(history, csm_quarters=replace(history.csm_quarters, **changes))  # type: ignore[arg-type]


def accounts(name: str, value: object) -> History:
    """The company with one column of its account-quarters the same in every row."""
    history = company().history()
    rows = history.account_quarters
    return replace(history, account_quarters=replace(rows, **{name: np.full(len(rows.csm), value)}))  # type: ignore[arg-type]


def plan(*components: Component, gate: Gate | None = None) -> History:
    """The company with this mix in force throughout."""
    history = company().history()
    plans = tuple(replace(p, mix=replace(p.mix, components=components, gate=gate)) for p in history.plans.plans)
    return replace(history, plans=replace(history.plans, plans=plans))


def nothing() -> FloatArray:
    return np.full(len(company().history().csm_quarters.csm), np.nan)


GAPS: Mapping[str, Callable[[], History]] = {
    "no attainments": lambda: people(attainment={}),
    "no payouts": lambda: people(payout={}),
    "neither": lambda: people(attainment={}, payout={}),
    "no activities": lambda: people(activities=nothing(), activities_traced=nothing()),
    "no variable pay": lambda: people(variable=0.0 * company().history().csm_quarters.base),
    "no health": lambda: accounts("health_start", np.nan),
    "no satisfaction": lambda: accounts("csat", np.nan),
    "no day of bookings": lambda: accounts("late", np.nan),
    "no expansion": lambda: accounts("expansion", 0.0),
    "nobody looks after anything": lambda: accounts("csm", NOBODY),
    "base pay only": plan,
    "steps and a gate": lambda: plan(
        Component("GRR", 0.5, curve=Curve(threshold=0.9)), Component("EXP", 0.5, curve=Curve("all-or-nothing", 1.0)),
        gate=Gate(0.2, 0.85),
    ),
}  # fmt: skip


def whole(found: Audit) -> str:
    """The audit in every form that it has; the report of the terminal."""
    json.dumps(summarise_audit(found), allow_nan=False)
    audit_files(found)
    audit_plots(found)
    return audit_text(found, None)


@pytest.mark.parametrize("gap", GAPS)
def test_a_history_with_a_gap_is_audited_to_the_end(gap: str) -> None:
    pytest.importorskip("matplotlib")
    report = whole(audit(GAPS[gap](), assemble(company().instance())))

    assert max(map(len, report.splitlines())) <= 80
    assert " nan" not in report.casefold()


@pytest.mark.parametrize("quarters", [1, 2, 3, 5])
def test_three_people_and_a_few_quarters_are_audited_to_the_end(quarters: int) -> None:
    """A spreadsheet of a start-up: nothing can be told, and that is said."""
    pytest.importorskip("matplotlib")
    past = make_world_of(3, 100, 1, quarters).live("one-plan", quarters)

    report = whole(audit(past.history(), assemble(past.instance())))

    assert "too little data" in report


def test_without_attainments_and_payouts_the_pay_is_left_out() -> None:
    """Outcomes against the book remain."""
    report = audit_text(audit(GAPS["neither"](), assemble(company().instance())), None)

    assert "The history holds neither attainments nor payouts." in report
    assert "How pay was spread" not in report
    assert "How far CSMs differ" in report
