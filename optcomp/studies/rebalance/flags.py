"""Changes as flags of the command line: the same rows as in the table of changes, written in one word each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date as Day
from pathlib import Path

from optcomp.errors import Finding, InputError
from optcomp.instance import Instance
from optcomp.studies.rebalance.changes import Change, new_accounts
from optcomp.tabular.raw import Dialect

MOST_FTE = 2.0  # full-time jobs of one person, as in the table of changes
# What follows the last colon and was meant as a date, whether or not it is one.
_LIKE_A_DATE = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags of the command line hold, each as it was written; the formats are those of the parsers below.

    ramp_months : of everybody whom `joins` brings; None means the usual
    """

    leaves: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    aways: tuple[str, ...] = ()
    ftes: tuple[str, ...] = ()
    transfers: tuple[str, ...] = ()
    new_accounts: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    open_deals: tuple[str, ...] = ()
    ramp_months: float | None = None


def flag_changes(
    instance: Instance, flags: Flags, known: Sequence[Change] = (), dialect: Dialect | None = None
) -> tuple[Change, ...]:
    """The changes that flags stand for.

    known : changes of the table, whose leavers count too when people join

    Raises
    ------
    InputError
        When a flag is not what it should be, or a file of new accounts has errors.
    """
    leavers = tuple(parse_leave(text) for text in flags.leaves)
    csms = {c.csm_id: c for c in instance.csms}
    like = [
        replace(c, segment=csm.segment, region=csm.region, languages=csm.languages, industries=csm.industries)
        for c in (*known, *leavers)
        if c.change == "leave" and (csm := csms.get(c.csm or "")) is not None
    ]
    joiners = join_rows(tuple(parse_join(text) for text in flags.joins), tuple(like), flags.ramp_months)
    return (
        *leavers,
        *joiners,
        *map(parse_away, flags.aways),
        *map(parse_fte, flags.ftes),
        *(parse_transfer(text, instance) for text in flags.transfers),
        *(parse_new_accounts(text, dialect) for text in flags.new_accounts),
        *(Change("lost-account", account=text, place=(f"--lost {text}", None)) for text in flags.lost),
        *map(parse_open_deal, flags.open_deals),
    )


def parse_leave(text: str) -> Change:
    """`CSM` or `CSM:2027-01-31`."""
    csm, day = _with_date("--leaves", text)
    return Change("leave", csm=csm, date=day, place=(f"--leaves {text}", None))


@dataclass(frozen=True, slots=True)
class Joiners:
    """People who join a segment, all alike."""

    segment: str
    count: int
    date: Day | None
    text: str


def parse_join(text: str) -> Joiners:
    """`SEGMENT:N` or `SEGMENT:N:2027-02-01`.

    Raises
    ------
    InputError
        When it is neither.
    """
    rest, day = _with_date("--joins", text)
    segment, _, count = rest.rpartition(":")
    if not segment or not count.isdecimal() or not 1 <= int(count) <= 1000:
        raise _bad("--joins", text, "SEGMENT:NUMBER or SEGMENT:NUMBER:DATE, for example growth:2:2027-02-01")
    return Joiners(segment, int(count), day, text)


def join_rows(
    joiners: tuple[Joiners, ...], leavers: tuple[Change, ...], ramp_months: float | None = None
) -> tuple[Change, ...]:
    """A row for everybody who joins, named JOIN-1, JOIN-2, …

    leavers : rows of those who leave, with segment, region, languages and industries filled in; who joins a segment
        stands in for its leavers, in turn, and serves everybody of it where none is left
    """
    rows: list[Change] = []
    waiting = list(leavers)
    for group in joiners:
        for _ in range(group.count):
            like = next((c for c in waiting if c.segment == group.segment), None)
            if like is not None:
                waiting.remove(like)
            rows.append(
                Change(
                    "join",
                    csm=f"JOIN-{len(rows) + 1}",
                    date=group.date,
                    segment=group.segment,
                    region=like.region if like else None,
                    languages=like.languages if like else (),
                    industries=like.industries if like else (),
                    ramp_months=ramp_months,
                    place=(f"--joins {group.text}", None),
                )
            )
    return tuple(rows)


def parse_away(text: str) -> Change:
    """`CSM:2027-05-01..2027-08-31`, first and last day of a long leave."""
    csm, _, days = text.rpartition(":")
    first, _, last = days.partition("..")
    try:
        span = Day.fromisoformat(first.strip()), Day.fromisoformat(last.strip())
    except ValueError:
        span = None
    if not csm or span is None:
        raise _bad("--away", text, "CSM:FROM..TO, for example C-07:2027-05-01..2027-08-31")
    return Change("long-leave", csm=csm, date=span[0], until=span[1], place=(f"--away {text}", None))


def parse_fte(text: str) -> Change:
    """`CSM:0.8` or `CSM:0.8:2027-03-01`."""
    rest, day = _with_date("--fte", text)
    csm, _, share = rest.rpartition(":")
    try:
        fte = float(share)
    except ValueError:
        fte = 0.0
    if not csm or not 0.0 < fte <= MOST_FTE:
        raise _bad("--fte", text, "CSM:FTE or CSM:FTE:DATE, for example C-07:0.8:2027-03-01")
    return Change("fte", csm=csm, date=day, fte=fte, place=(f"--fte {text}", None))


def parse_transfer(text: str, instance: Instance) -> Change:
    """`CSM:SEGMENT`, `CSM:/REGION` or `CSM:SEGMENT/REGION`; the same with an account."""
    name, _, target = text.rpartition(":")
    segment, _, region = target.partition("/")
    csms, accounts = {c.csm_id for c in instance.csms}, {a.account_id for a in instance.accounts}
    if not name or not target.strip("/") or (name in csms) == (name in accounts):
        raise _bad("--transfers", text, "CSM:SEGMENT, CSM:/REGION or CSM:SEGMENT/REGION, or the same with an account")
    return Change(
        "transfer",
        csm=name if name in csms else None,
        account=name if name in accounts else None,
        segment=segment or None,
        region=region or None,
        place=(f"--transfers {text}", None),
    )


def parse_new_accounts(text: str, dialect: Dialect | None = None) -> Change:
    """A file with the columns of accounts.csv."""
    path = Path(text)
    change = Change("new-accounts", file=path.name, place=(f"--new-accounts {text}", None))
    accounts, findings = new_accounts(change, path.parent, dialect or Dialect())
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        raise InputError(errors)
    return replace(change, accounts=accounts)


def parse_open_deal(text: str) -> Change:
    """`ACCOUNT` or `ACCOUNT:2027-02-28`, the day on which the deal should close."""
    account, day = _with_date("--open-deal", text)
    return Change("open-deal", account=account, until=day, place=(f"--open-deal {text}", None))


def _bad(option: str, text: str, allowed: str) -> InputError:
    return InputError(Finding("bad-option", f"{text[:60]!r} was found", allowed, file=option))


def _with_date(option: str, text: str) -> tuple[str, Day | None]:
    before, colon, last = text.rpartition(":")
    try:
        return (before, Day.fromisoformat(last)) if colon else (text, None)
    except ValueError:
        if _LIKE_A_DATE.fullmatch(last.strip()):
            raise _bad(option, text, f"A day of the calendar written as 2027-01-31, not {last.strip()!r}") from None
        return text, None
