"""Hours day by day: who is there, who is away, who is still learning; summed to months for the table of hours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np

from optcomp.dates import DAYS_PER_YEAR, add_months
from optcomp.instance import Csm, Instance
from optcomp.problem import Problem
from optcomp.studies.rebalance.changes import Change
from optcomp.types import FloatArray

MONTHS = 12


def mean_levels(instance: Instance, changes: Sequence[Change]) -> dict[str, tuple[float, float]]:
    """CSM id → mean level of hours and of pay over the plan year against today, for those whose time changes."""
    names = {c.csm for c in changes if c.csm and c.change in ("long-leave", "fte")}
    levels = {}
    fte = {c.csm_id: c.fte for c in instance.csms}
    for name in sorted(names & fte.keys()):
        working = _working(instance, changes, name, fte[name])
        levels[name] = (float((working * _there(instance, changes, name)).mean()), float(working.mean()))
    return levels


def _days(instance: Instance) -> list[date]:
    start = instance.plan_year_start
    return [start + timedelta(days=i) for i in range((add_months(start, MONTHS) - start).days)]


def _working(instance: Instance, changes: Sequence[Change], name: str, before: float) -> FloatArray:
    """Working time of every day of the plan year as a multiple of today's; pay follows it."""
    level = np.ones(len(_days(instance)))
    for change in changes:
        if change.change == "fte" and change.csm == name and change.fte is not None:
            first = _index(instance, change.date or instance.as_of)
            level[first:] = change.fte / before
    return level


def _there(instance: Instance, changes: Sequence[Change], name: str) -> FloatArray:
    """0 on the days of a long leave, 1 on all others."""
    level = np.ones(len(_days(instance)))
    for change in changes:
        if change.change == "long-leave" and change.csm == name and change.until is not None:
            first = _index(instance, change.date or instance.as_of)
            level[first : _index(instance, change.until + timedelta(days=1))] = 0.0
    return level


def _index(instance: Instance, day: date) -> int:
    return max((day - instance.plan_year_start).days, 0)


def monthly_hours(problem: Problem, changes: Sequence[Change], before: Instance) -> FloatArray:
    """Hours that every CSM can give in each month of the plan year, shape (csms, 12); rows sum to their hours.

    before : the instance before the changes, whose working time `fte` changes are measured from
    """
    month = _month_of_day(problem.instance)
    fte = {c.csm_id: c.fte for c in before.csms}
    rows = []
    for csm, hours in zip(problem.csm_list, problem.csms.hours, strict=True):
        daily = _presence(csm, problem.instance)
        daily *= _working(problem.instance, changes, csm.csm_id, fte.get(csm.csm_id, csm.fte))
        daily *= _there(problem.instance, changes, csm.csm_id)
        total = daily.sum()
        shares = np.bincount(month, daily, minlength=MONTHS) / (total if total > 0.0 else 1.0)
        rows.append(shares * hours)
    return np.array(rows).reshape(len(rows), MONTHS)


def months(instance: Instance) -> list[date]:
    """First days of the months of the plan year."""
    return [add_months(instance.plan_year_start, k) for k in range(MONTHS)]


def month_of(instance: Instance, day: date) -> int:
    """Month of the plan year in which a day lies; 0 for earlier days, 12 for later ones."""
    return sum(day >= first for first in [*months(instance)[1:], add_months(instance.plan_year_start, MONTHS)])


def _month_of_day(instance: Instance) -> np.ndarray:
    return np.array([month_of(instance, day) for day in _days(instance)], dtype=np.int64)


def _presence(csm: Csm, instance: Instance) -> FloatArray:
    """What a CSM gives on every day of the plan year of what they give when fully there."""
    offset = np.arange(len(_days(instance)), dtype=float)
    level = np.ones(len(offset))
    if csm.status in ("joining", "open") and csm.start is not None:
        on_job = offset - (csm.start - instance.plan_year_start).days
        ramp = csm.ramp_months * DAYS_PER_YEAR / MONTHS
        # Mean over the day of a line from 0 on the first morning to 1 after the ramp.
        level = np.clip((on_job + 0.5) / ramp, 0.0, 1.0) if ramp > 0.0 else (on_job >= 0.0).astype(float)
        level[on_job < 0.0] = 0.0
    if csm.status == "leaving" and csm.end is not None:
        level[offset >= (csm.end - instance.plan_year_start).days] = 0.0
    return level
