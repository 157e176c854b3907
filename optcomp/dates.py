"""Months and quarters of the plan year; the system clock is never read."""

from __future__ import annotations

import calendar
from datetime import date

DAYS_PER_YEAR = 365.25
QUARTERS = 4


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last day of that month (31 January + 1 month = 28 or 29 February)."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def due_quarter(renewal_date: date, term_months: int, plan_year_start: date) -> int | None:
    """Quarter (0 to 3) of the plan year in which the next renewal falls due, or None when it falls outside.

    A renewal date before the plan year is taken as an earlier renewal: the next one follows a whole number of terms
    later.
    """
    months_behind = (plan_year_start.year - renewal_date.year) * 12 + plan_year_start.month - renewal_date.month
    due = renewal_date
    if due < plan_year_start:
        terms = max(months_behind // term_months, 0)
        due = add_months(renewal_date, terms * term_months)
        while due < plan_year_start:
            terms += 1
            due = add_months(renewal_date, terms * term_months)
    for quarter in range(QUARTERS):
        if due < add_months(plan_year_start, 3 * (quarter + 1)):
            return quarter
    return None


def share_of_year(start: date | None, end: date | None, plan_year_start: date) -> float:
    """Share of the plan year's days on which somebody who starts and ends on these dates is there, in [0, 1]."""
    first, after = plan_year_start, add_months(plan_year_start, 12)
    begin = max(first, start) if start else first
    finish = min(after, end) if end else after
    return max((finish - begin).days, 0) / (after - first).days


def ramped_share(start: date | None, ramp_months: float, plan_year_start: date) -> float:
    """Share of a full year's hours that a joiner gives, when output rises linearly from 0 over `ramp_months`."""
    if start is None:
        return 1.0
    year = (add_months(plan_year_start, 12) - plan_year_start).days
    ramp = ramp_months * DAYS_PER_YEAR / 12.0
    begin = (plan_year_start - start).days  # days on the job when the plan year starts; negative for a later start
    return (_ramped_days(begin + year, ramp) - _ramped_days(max(begin, 0), ramp)) / year


def _ramped_days(days_on_job: float, ramp: float) -> float:
    """Full-output days given in the first `days_on_job` days."""
    days = max(days_on_job, 0.0)
    return days * days / (2.0 * ramp) if days < ramp else days - ramp / 2.0
