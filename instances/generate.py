"""What the scripts of the shipped instances share: draws, company names, books of accounts, and the files.

Every draw goes through `random.Random.random()`, whose sequence Python keeps the same from version to version, so that
a seed gives the same bytes everywhere. Companies are invented; there are no people in the files, only positions.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar

from optcomp.cells import cell_text, trimmed
from optcomp.dates import add_months, due_quarter
from optcomp.instance import Account, Csm, Pair
from optcomp.world.names import ENDINGS, INDUSTRIES, STEMS, TRADES

ACCOUNT_COLUMNS = (
    "account_id", "name", "segment", "arr", "renewal_date", "term_months", "region", "language", "industry",
    "complexity", "stage", "parent", "csm", "csm_since", "health", "renewal_probability", "contraction", "expansion",
    "hours", "locked", "lock_reason",
)  # fmt: skip
CSM_COLUMNS = (
    "csm_id", "name", "segment", "region", "languages", "industries", "level", "tenure_years", "fte", "hours", "base",
    "variable", "market_ote", "status", "start", "end", "ramp_months", "max_accounts", "max_arr",
)  # fmt: skip
PAIR_COLUMNS = (
    "account_id", "csm_id", "eligible", "fit", "hours", "renewal_probability", "contraction", "expansion", "value",
)  # fmt: skip

_NEGOTIATION = "renewal under negotiation until March"
_LOCK_REASONS = (
    "open escalation; customer asked for no change",
    "executive sponsor agreed on this CSM in writing",
    "migration project runs until June",
)

_STEMS = (*STEMS, "Frost")
_ENDINGS = (*ENDINGS, "bury")
_SITES = ("Group", "North", "South", "East", "West")

T = TypeVar("T")


class Draws:
    """Random draws that give the same values on every machine and Python version."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number between low and high."""
        return low + (high - low) * self._source.random()

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self._source.random() < probability

    def bell(self) -> float:
        """A draw of mean 0 and sd 1, within ±6: the sum of twelve uniform ones, without a logarithm."""
        return sum(self._source.random() for _ in range(12)) - 6.0

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of the options."""
        weights = weights or [1.0] * len(options)
        left = self._source.random() * sum(weights)
        for option, weight in zip(options, weights, strict=True):
            left -= weight
            if left < 0.0:
                return option
        return options[-1]

    def shuffled(self, items: Iterable[T]) -> list[T]:
        """The items in a random order."""
        return [item for _, _, item in sorted((self._source.random(), n, item) for n, item in enumerate(items))]


@dataclass(frozen=True)
class Shape:
    """What the accounts of a segment look like.

    arr_low, arr_high : range of ARR, USD a year; arr_skew : above 1 puts more accounts at the low end
    complexity : mean, 1 to 5; terms : contract months and how often; hours : service hours a year after the first year
    """

    segment: str
    arr_low: float
    arr_high: float
    arr_skew: float
    complexity: float
    terms: Mapping[int, float]
    hours: float


@dataclass(frozen=True)
class Book:
    """What one CSM looks after today: how many accounts, how healthy, and when they renew.

    health : mean health of the book; quarters : how the renewals fall on the quarters of the year
    languages : how often an account of the book speaks each language of the CSM; the first one by default
    """

    owner: Csm
    accounts: int
    health: float = 70.0
    quarters: Sequence[float] = (1.0, 1.0, 1.0, 1.0)
    languages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Calendar:
    """The two dates that everything else is counted from."""

    as_of: date
    plan_year_start: date


def draw_book(draws: Draws, shape: Shape, book: Book, calendar: Calendar) -> list[Account]:
    """The accounts of one CSM, without ids, names and families."""
    return [_draw_account(draws, shape, book, calendar) for _ in range(book.accounts)]


def _draw_account(draws: Draws, shape: Shape, book: Book, calendar: Calendar) -> Account:
    owner = book.owner
    position = draws.uniform() ** shape.arr_skew
    arr = shape.arr_low * (shape.arr_high / shape.arr_low) ** position
    complexity = _within(round(shape.complexity + 0.8 * draws.bell() + 1.5 * (position - 0.4)), 1, 5)
    term = draws.pick(tuple(shape.terms), tuple(shape.terms.values()))
    renewal = _draw_renewal(draws, term, book.quarters, calendar)
    terms_done = draws.pick((1, 2, 3, 4, 5), (0.26, 0.28, 0.22, 0.14, 0.10))
    customer_since = add_months(renewal, -term * terms_done)
    languages = book.languages or {owner.languages[0]: 1.0}
    return Account(
        account_id="",
        segment=shape.segment,
        arr=max(round(arr, -2), shape.arr_low),
        renewal_date=renewal,
        term_months=term,
        region=owner.region,
        language=draws.pick(tuple(languages), tuple(languages.values())),
        industry=draws.pick(owner.industries) if draws.chance(0.25) else draws.pick(INDUSTRIES),
        complexity=complexity,
        stage=_stage(customer_since, terms_done, calendar),
        csm=owner.csm_id,
        csm_since=_draw_csm_since(draws, customer_since, owner, calendar),
        health=None if draws.chance(0.06) else _within(round(book.health + 14.0 * draws.bell()), 8, 98),
        hours=_own_hours(draws, shape, complexity) if draws.chance(0.15) else None,
    )


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _draw_renewal(draws: Draws, term: int, quarters: Sequence[float], calendar: Calendar) -> date:
    """End of the term that is running on `as_of`."""
    quarter = draws.pick((0, 1, 2, 3), quarters)
    day = add_months(calendar.plan_year_start, 3 * quarter) + timedelta(days=int(draws.uniform(0, 89)))
    day = add_months(day, 12 * int(draws.uniform(0, term / 12)))
    while add_months(day, -term) >= calendar.as_of:
        day = add_months(day, -term)
    return day


def _stage(customer_since: date, terms_done: int, calendar: Calendar) -> str:
    if (calendar.as_of - customer_since).days <= 182:
        return "onboarding"
    return "adoption" if terms_done == 1 else "established"


def _draw_csm_since(draws: Draws, customer_since: date, owner: Csm, calendar: Calendar) -> date:
    hired = calendar.as_of - timedelta(days=int(365 * owner.tenure_years))
    earliest = max(customer_since, hired)
    days = (calendar.as_of - earliest).days
    return earliest + timedelta(days=int(days * draws.uniform())) if draws.chance(0.4) else earliest


def _own_hours(draws: Draws, shape: Shape, complexity: float) -> float:
    """Hours from a time log: more for complex accounts, 0.6 to 1.6 of the service model's figure."""
    return round(shape.hours * (0.55 + 0.15 * complexity) * draws.uniform(0.9, 1.1))


def join_families(draws: Draws, accounts: Sequence[Account], sizes: Sequence[int]) -> list[Account]:
    """The same accounts, some of them joined into families of these sizes, each within one book."""
    joined = list(accounts)
    free: dict[str, list[int]] = {}
    for index, account in enumerate(joined):
        free.setdefault(str(account.csm), []).append(index)
    books = sorted(free)
    for family, size in enumerate(sizes, start=1):
        book = draws.pick([b for b in books if len(free[b]) > size])
        members = sorted(draws.shuffled(free[book])[:size])
        head = joined[members[0]]
        for index in members:
            free[book].remove(index)
            joined[index] = replace(
                joined[index], parent=f"family {family}", language=head.language, industry=head.industry
            )
    return joined


def lock(
    draws: Draws,
    accounts: Sequence[Account],
    counts: Mapping[str, int],
    calendar: Calendar,
    *,
    never: Iterable[str] = (),
) -> list[Account]:
    """The same accounts, so many of each segment locked to their CSM for a reason; not those of the CSMs in `never`."""
    barred = set(never)
    locked = list(accounts)
    for segment, count in counts.items():
        lockable = [
            i for i, a in enumerate(locked) if a.segment == segment and a.csm not in barred and a.parent is None
        ]
        for index in draws.shuffled(lockable)[:count]:
            quarter = due_quarter(locked[index].renewal_date, locked[index].term_months, calendar.plan_year_start)
            reason = _NEGOTIATION if quarter == 0 else draws.pick(_LOCK_REASONS)
            locked[index] = replace(locked[index], locked=True, lock_reason=reason)
    return locked


def name_and_number(draws: Draws, accounts: Sequence[Account]) -> list[Account]:
    """The same accounts in a random order, with ids in that order and invented company names."""
    ordered = draws.shuffled(accounts)
    stems = draws.shuffled(stem + end for stem in _STEMS for end in _ENDINGS if stem[-1] != end[0])
    families = sorted({a.parent for a in ordered if a.parent is not None})
    family_stems = {family: stems.pop() for family in families}
    trades = {(stem, industry): draws.shuffled(TRADES[industry]) for stem in stems for industry in INDUSTRIES}
    members: Counter[str] = Counter()
    digits = len(str(len(ordered)))
    named = []
    for number, account in enumerate(ordered, start=1):
        account = replace(account, account_id=f"A{number:0{digits}d}")
        if account.parent is None:
            stem = stems[number % len(stems)]
            named.append(replace(account, name=f"{stem} {trades[stem, account.industry].pop()}"))
            continue
        stem = family_stems[account.parent]
        named.append(replace(account, name=f"{stem} {_SITES[members[stem]]}", parent=f"{stem} Group"))
        members[stem] += 1
    return named


def write_tables(
    folder: Path, toml: str, accounts: Sequence[Account], csms: Sequence[Csm], pairs: Sequence[Pair] = ()
) -> None:
    """Write the files of an instance; the README and the calibrated response beside them are left as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.toml").write_text(toml, encoding="utf-8", newline="\n")
    _write_table(folder / "accounts.csv", ACCOUNT_COLUMNS, accounts)
    _write_table(folder / "csms.csv", CSM_COLUMNS, csms)
    if pairs:
        _write_table(folder / "pairs.csv", PAIR_COLUMNS, pairs)


def _write_table(path: Path, columns: Sequence[str], rows: Sequence[object]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([cell_text(getattr(row, column), trimmed) for column in columns] for row in rows)
