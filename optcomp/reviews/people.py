"""Everybody's pay against the market, today's books against limits and the calendar, and the span of control."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optcomp.errors import Finding
from optcomp.instance import Csm
from optcomp.judge import Decision
from optcomp.problem import Problem
from optcomp.reviews.words import counted, number, percent, warn
from optcomp.types import BoolArray, FloatArray

SPAN = (5, 8)  # CSMs that report to one manager (002-13)
MANAGER = "manager"


def review_people(problem: Problem) -> tuple[Finding, ...]:
    """Findings about people as they are paid and loaded today; one who leaves is left out."""
    return (*_pay(problem), *_own_books(problem), *_calendar(problem), *_span(problem))


def _pay(problem: Problem) -> Iterator[Finding]:
    staying = [c for c in problem.csm_list if c.status != "leaving"]
    bands = {c.csm_id: problem.benchmarks.band(c.level, c.region) for c in staying}
    unknown = [c for c in staying if bands[c.csm_id] is None]
    ote = [(c, c.base + c.variable, b.ote_low, b.ote_high) for c in staying if (b := bands[c.csm_id])]
    base = [(c, c.base, b.base_low, b.base_high) for c in staying if (b := bands[c.csm_id])]
    where = problem.benchmarks.name
    below = [row for row in ote if row[1] < row[2]]
    above = [row for row in ote if row[1] > row[3]]
    odd_base = [row for row in base if not row[2] <= row[1] <= row[3]]
    if below:
        hint = "Raise pay, or expect people to leave"
        yield warn("ote-below-band", _off(below, "OTE below"), _band(below, where), hint, requirement="002-12")
    if above:
        hint = "Check their level, or record why"
        yield warn("ote-above-band", _off(above, "OTE above"), _band(above, where), hint, requirement="002-7")
    if odd_base:
        hint = "Check their level and how pay is split"
        found = _off(odd_base, "base pay outside")
        yield warn("base-off-band", found, _band(odd_base, where), hint, requirement="002-7")
    if unknown:
        found = f"{counted([c.csm_id for c in unknown], 'CSM')} have a level without a pay band: {_levels(unknown)}"
        allowed = f"One of {', '.join(sorted(problem.benchmarks.bands))}"
        yield warn("no-pay-band", found, allowed, "Their pay is not compared with the market", requirement="002-7")


def _off(rows: list[tuple[Csm, float, float, float]], what: str) -> str:
    who = counted([row[0].csm_id for row in rows], "CSM")
    return f"{who} {'have' if len(rows) > 1 else 'has'} {what} the pay band, for example {number(rows[0][1])}"


def _band(rows: list[tuple[Csm, float, float, float]], where: str) -> str:
    csm, _, low, high = rows[0]
    return f"{number(low)} to {number(high)} for {csm.csm_id}, level {csm.level} in {where}"


def _levels(csms: list[Csm]) -> str:
    return ", ".join(sorted({repr(c.level) for c in csms}))


def _own_books(problem: Problem) -> Iterator[Finding]:
    """Today's books above what their owners may have: own limits, the segment's, and hours."""
    books = _Books(problem)
    csms = problem.csms
    for what, values, own, requirement in (
        ("accounts", books.count, csms.max_accounts, "002-18"),
        ("ARR", books.arr, csms.max_arr, "002-20"),
    ):
        over = books.ids(values > own)
        if over:
            found = f"{counted(over, 'CSM')} {_has(over)} more {what} today than their own limit"
            yield warn("over-own-limit", found, "At most the limit in csms.csv", _MOVES, requirement=requirement)
    yield from _segment_limits(problem, books)
    ceiling = problem.rules["hours"]["ceiling"]
    over = books.ids(books.hours > ceiling * csms.hours)
    if over:
        found = f"{counted(over, 'CSM')} {_has(over)} a book today that needs more hours than they can give"
        found += f"; the largest load is {percent(books.largest_load)}" if np.isfinite(books.largest_load) else ""
        allowed = f"At most {percent(ceiling)} of a CSM's hours"
        yield warn("over-hours", found, allowed, _MOVES, requirement="002-21")


_MOVES = "The solution moves accounts away, or lower what the accounts need"


def _has(items: list[str]) -> str:
    return "have" if len(items) > 1 else "has"


def _segment_limits(problem: Problem, books: _Books) -> Iterator[Finding]:
    inf = float("inf")
    segments = [problem.segments[s] for s in problem.csms.segment]
    limits = (
        ("accounts", books.count, [(s.min_accounts, s.max_accounts) for s in segments], "000-39"),
        ("ARR", books.arr, [(s.min_arr, s.max_arr) for s in segments], "002-20"),
    )
    for what, values, pairs, requirement in limits:
        low = np.array([0.0 if pair[0] is None else pair[0] for pair in pairs])
        high = np.array([inf if pair[1] is None else pair[1] for pair in pairs])
        outside = books.ids((values < low) | (values > high))
        if outside:
            found = f"{counted(outside, 'CSM')} {_has(outside)} a book today outside the segment's limits on {what}"
            hint = "The solution moves accounts, or change the limits"
            allowed = "From min to max of the segment in instance.toml"
            yield warn("outside-segment-limits", found, allowed, hint, requirement=requirement)


class _Books:
    """Today's books of those who stay and hold one, or could."""

    def __init__(self, problem: Problem) -> None:
        today = np.zeros(len(problem.segments), dtype=np.int64)
        filled = np.zeros(len(problem.csms.ids), dtype=bool)
        self.decision = Decision(problem, problem.accounts.csm, today, filled)
        self.names = problem.csms.ids
        self.count: FloatArray = self.decision.sum_by_csm(np.ones(len(problem.accounts.ids)))
        self.arr: FloatArray = self.decision.sum_by_csm(problem.accounts.arr)
        self.hours: FloatArray = self.decision.book_hours * self.decision.hours_factor
        self.counts_here: BoolArray = problem.csms.is_declared & ~problem.csms.is_leaving
        there = self.counts_here & (problem.csms.hours > 0.0)
        load = self.hours[there] / problem.csms.hours[there]
        self.largest_load = float(load.max()) if len(load) else float("nan")

    def ids(self, which: BoolArray) -> list[str]:
        """Ids of those CSMs who are declared and staying."""
        return [self.names[j] for j in np.flatnonzero(which & self.counts_here)]


def _calendar(problem: Problem) -> Iterator[Finding]:
    """People with accounts and a quarter without any renewal, so that nothing can be earned on renewals in it."""
    books = _Books(problem)
    counts, _ = books.decision.renewals_due()
    dry = books.ids((books.count > 0) & (counts == 0).any(axis=1))
    if dry:
        found = f"{counted(dry, 'CSM')} {_has(dry)} a quarter of the plan year without a renewal"
        hint = "Measure renewals over the year there, or spread them with the rule renewals_due"
        yield warn(
            "no-renewals",
            found,
            "Quarterly pay on renewals needs some in each",
            hint,
            requirement="003-6",
        )


def _span(problem: Problem) -> Iterator[Finding]:
    staying = [c for c in problem.csm_list if c.status != "leaving"]
    managers = sum(c.level == MANAGER for c in staying)
    if not managers:
        return
    span = (len(staying) - managers) / managers
    if not SPAN[0] <= span <= SPAN[1]:
        found = f"{managers} manager{'s' * (managers > 1)} for {len(staying) - managers} CSMs"
        allowed = f"{SPAN[0]} to {SPAN[1]} CSMs for each manager"
        yield warn("span-of-control", found, allowed, "Judged by the level `manager` in csms.csv", requirement="002-13")
