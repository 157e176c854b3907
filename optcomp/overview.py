"""What an instance holds, in a few numbers: for `check`, so that a user sees whether everything arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from optcomp.problem import Problem
from optcomp.rules import SPECS


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """One segment: money in the instance's currency a year, hours a year.

    csms : those who stay or join; available : hours that they have; plans : on the menu, today's included
    """

    name: str
    accounts: int
    csms: int
    arr: float
    hours: float
    available: float
    plans: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The instance as it was read.

    leaving, joining, open_positions : ids of CSMs by status; unassigned : accounts without a CSM today
    pay_today : base plus expected variable under today's plans; rules : state → rule ids, in the order of the catalogue
    """

    name: str
    currency: str
    as_of: str
    plan_year_start: str
    segments: tuple[SegmentRow, ...]
    total: SegmentRow
    pairs: int
    locked: int
    unassigned: int
    leaving: tuple[str, ...]
    joining: tuple[str, ...]
    open_positions: tuple[str, ...]
    pay_budget: float
    pay_today: float
    target_nrr: float | None
    models: Mapping[str, str]
    rules: Mapping[str, tuple[str, ...]]


def overview(problem: Problem) -> Overview:
    """The problem in numbers."""
    instance, rules = problem.instance, problem.rules
    rows = tuple(_segment(problem, s) for s in range(len(problem.segments)))
    by_status = {s: tuple(c.csm_id for c in problem.csm_list if c.status == s) for s in ("leaving", "joining", "open")}
    return Overview(
        name=instance.name,
        currency=instance.currency,
        as_of=instance.as_of.isoformat(),
        plan_year_start=instance.plan_year_start.isoformat(),
        segments=rows,
        total=_total(rows),
        pairs=len(instance.pairs),
        locked=int(problem.accounts.locked.sum()),
        unassigned=int((problem.accounts.csm < 0).sum()),
        leaving=by_status["leaving"],
        joining=by_status["joining"],
        open_positions=by_status["open"],
        pay_budget=instance.pay_budget,
        pay_today=_pay_today(problem),
        target_nrr=instance.target_nrr,
        models={
            "response": problem.response.name,
            "service": problem.service.name,
            "rules": problem.rules.pack,
            "benchmarks": problem.benchmarks.name,
        },
        rules={state: tuple(r for r in SPECS if rules[r].state == state) for state in ("hard", "soft", "off")},
    )


def _segment(problem: Problem, segment: int) -> SegmentRow:
    own = problem.accounts.segment == segment
    theirs = (problem.csms.segment == segment) & problem.csms.is_declared
    return SegmentRow(
        name=problem.segments[segment].name,
        accounts=int(own.sum()),
        csms=int(theirs.sum()),
        arr=float(problem.accounts.arr[own].sum()),
        hours=float(problem.accounts.hours[own].sum()),
        available=float(problem.csms.hours[theirs].sum()),
        plans=len(problem.plans[segment]),
    )


def _total(rows: tuple[SegmentRow, ...]) -> SegmentRow:
    return SegmentRow(
        name="all",
        accounts=sum(r.accounts for r in rows),
        csms=sum(r.csms for r in rows),
        arr=sum(r.arr for r in rows),
        hours=sum(r.hours for r in rows),
        available=sum(r.available for r in rows),
        plans=sum(r.plans for r in rows),
    )


def _pay_today(problem: Problem) -> float:
    """Base plus expected variable in the plan year under today's plans, without open positions."""
    paid = ~problem.csms.is_open
    tables = enumerate(problem.pay_cost)
    return float(sum(table[np.flatnonzero(paid & (problem.csms.segment == s)), 0].sum() for s, table in tables))
