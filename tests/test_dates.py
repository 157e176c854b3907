"""Months, quarters, leap days and the hours of those who join or leave."""

from __future__ import annotations

from datetime import date

import pytest

from optcomp.dates import add_months, due_quarter, ramped_share, share_of_year

START = date(2027, 1, 1)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2027, 12, 1), 1, date(2028, 1, 1)),
    ],
)
def test_months_end_with_the_month(day: date, months: int, then: date) -> None:
    """A day that a month does not have is its last one."""
    assert add_months(day, months) == then


@pytest.mark.parametrize(
    ("renewal", "term", "quarter"),
    [
        (date(2027, 1, 1), 12, 0),
        (date(2027, 3, 31), 12, 0),
        (date(2027, 4, 1), 12, 1),
        (date(2027, 12, 31), 12, 3),
        (date(2028, 1, 1), 12, None),
        (date(2026, 12, 31), 12, 3),
        (date(2026, 6, 30), 6, 1),  # 30 December 2026 is behind, 30 June 2027 is next
        (date(2025, 5, 1), 36, None),
        (date(2024, 5, 1), 36, 1),
        (date(2024, 2, 29), 12, 0),  # 28 February 2027
    ],
)
def test_the_next_renewal_falls_in_its_quarter(renewal: date, term: int, quarter: int | None) -> None:
    """Both sides of every edge; a past date is an earlier renewal."""
    assert due_quarter(renewal, term, START) == quarter


def test_presence_counts_days_of_the_plan_year() -> None:
    """2028 has 366; who starts on 1 July 2027 is there for 184 of 365."""
    assert share_of_year(date(2027, 7, 1), None, START) == 184 / 365
    assert share_of_year(None, date(2027, 7, 1), START) == 181 / 365
    assert share_of_year(None, date(2028, 2, 1), date(2028, 1, 1)) == 31 / 366
    assert share_of_year(date(2028, 1, 1), None, START) == 0.0
    assert share_of_year(None, None, START) == 1.0


def test_a_ramp_is_the_area_under_a_line() -> None:
    """Six months to full output cost three; summed day by day it is the same up to half a day."""
    ramp = 6.0 * 365.25 / 12.0
    by_day = sum(min((day + 0.5) / ramp, 1.0) for day in range(365)) / 365

    assert ramped_share(START, 6.0, START) == pytest.approx(by_day, abs=1e-4)
    assert ramped_share(START, 0.0, START) == 1.0
    assert ramped_share(date(2025, 1, 1), 6.0, START) == 1.0
    assert ramped_share(date(2028, 1, 1), 6.0, START) == 0.0
    assert ramped_share(None, 6.0, START) == 1.0


def test_a_ramp_that_began_before_the_year_goes_on_in_it() -> None:
    """Half of a six-month ramp is behind: what is missing is a quarter of what it was."""
    half = date(2026, 10, 2)  # 91 days earlier, of 182.6

    assert 1.0 - ramped_share(half, 6.0, START) == pytest.approx(
        (1.0 - ramped_share(START, 6.0, START)) / 4.0, abs=2e-3
    )
