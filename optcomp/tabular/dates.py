"""Dates in cells: ISO always, one declared format besides; a date that can be read two ways is refused."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

DATE_FORMATS = "DD, MM and YYYY in any order with '.', '/', '-' or a blank between, for example DD.MM.YYYY"
_ISO = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_SHORT = re.compile(r"([0-9]{1,2})[./\- ]([0-9]{1,2})[./\- ]([0-9]{4}|[0-9]{2})")
_PIECES = {"DD": "(?P<day>[0-9]{1,2})", "MM": "(?P<month>[0-9]{1,2})", "YYYY": "(?P<year>[0-9]{4})"}

# code, what is wrong, what to do: the arguments of a Fault.
Refusal = tuple[str, str, str]


def is_date_format(text: str) -> bool:
    """It has a day, a month and a four-digit year, each once."""
    return _pattern(text) is not None


@lru_cache(maxsize=8)
def _pattern(date_format: str) -> re.Pattern[str] | None:
    plain = date_format.replace("%d", "DD").replace("%m", "MM").replace("%Y", "YYYY")
    parts = re.fullmatch(r"(DD|MM|YYYY)([./\- ])(DD|MM|YYYY)([./\- ])(DD|MM|YYYY)", plain)
    if parts is None or len({parts[1], parts[3], parts[5]}) < 3:
        return None
    pieces = (_PIECES.get(part, re.escape(part)) for part in parts.groups())
    return re.compile("".join(pieces))


def read_date(text: str, date_format: str) -> date | datetime | Refusal:
    """The date (with the time of day where one is written), or why it is none."""
    declared = _pattern(date_format)
    match = declared.fullmatch(text) if declared else None
    if match:
        return _calendar(int(match["year"]), int(match["month"]), int(match["day"]))
    match = _ISO.fullmatch(text)
    if match:
        return _calendar(int(match[1]), int(match[2]), int(match[3]))
    return _moment(text) or _refusal(text, date_format)


def _calendar(year: int, month: int, day: int) -> date | Refusal:
    try:
        return date(year, month, day)
    except ValueError:
        return "no-such-date", f"is read as day {day} of month {month} of {year}, which does not exist", ""


def _moment(text: str) -> datetime | None:
    """An ISO date with a time of day, and perhaps a time zone."""
    if not re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:", text) or len(text) > 40:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _refusal(text: str, date_format: str) -> Refusal:
    short = _SHORT.fullmatch(text)
    if short:
        return _short_refusal(short, date_format)
    if re.fullmatch(r"[0-9]{4,6}(\.[0-9]+)?", text):
        return (
            "date-serial",
            "is a bare number",
            "If it is an Excel serial, format the column as a date and export again",
        )
    return "not-a-date", "is not a date", ""


def _short_refusal(short: re.Match[str], date_format: str) -> Refusal:
    first, second = int(short[1]), int(short[2])
    if date_format != "YYYY-MM-DD":
        return "not-a-date", f"does not follow the declared date_format {date_format!r}", ""
    if len(short[3]) == 2:
        return "not-a-date", "has a year of two digits", "Write four digits"
    day_first = first > 12 >= second
    month_first = second > 12 >= first
    if first > 31 or second > 31 or (first > 12 and second > 12):
        return "no-such-date", "is not a date in any order", ""
    order = "DD/MM/YYYY" if day_first else "MM/DD/YYYY" if month_first else "DD/MM/YYYY or MM/DD/YYYY"
    says = "is not written as an ISO date" if day_first or month_first else "can be read as two dates"
    code = "undeclared-date" if day_first or month_first else "ambiguous-date"
    return code, says, f"Declare date_format ({order}) under [tables] in instance.toml"


def day_or_month_first(text: str) -> str:
    """``day`` for 13/02/2026, ``month`` for 02/13/2026, else empty."""
    short = _SHORT.fullmatch(text.strip())
    if short is None:
        return ""
    first, second = int(short[1]), int(short[2])
    return "day" if first > 12 >= second else "month" if second > 12 >= first else ""
