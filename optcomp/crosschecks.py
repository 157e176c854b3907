"""What only shows when the tables lie side by side: ids that point nowhere, families, locks, dates, currency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import cast

from optcomp.cells import shown
from optcomp.checks import CheckedTable, check_keys
from optcomp.errors import Finding
from optcomp.headers import nearest
from optcomp.ids import same_ids

# A renewal later than this is more likely a typing error than a contract.
MAX_YEARS_AHEAD = 10
# Longer lists of names than this are searched for the nearest one by first letters only.
_MANY = 5_000


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of an instance, checked one by one; None where a table could not be read or is not there."""

    accounts: CheckedTable | None
    csms: CheckedTable | None
    pairs: CheckedTable | None

    @property
    def all(self) -> tuple[CheckedTable, ...]:
        """Those that are there."""
        return tuple(t for t in (self.accounts, self.csms, self.pairs) if t is not None)


def check_together(tables: Tables, *, segments: Iterable[str], as_of: date | None, currency: str) -> Iterator[Finding]:
    """Every problem between rows and tables."""
    ids = {"segments": set(segments)} if segments else {}
    for table in (tables.accounts, tables.csms):
        if table is not None:
            ids[table.table.name] = {str(i) for i in table.values[table.table.key[0]] if i is not None}
    for table in tables.all:
        yield from check_keys(table)
        yield from _references(table, ids)
        yield from _currencies(table, currency)
    if tables.accounts is not None:
        yield from _families(tables.accounts)
        yield from _account_dates(tables.accounts, as_of)
        yield from _scores(tables.accounts)
        yield from _range_of_arr(tables.accounts)
    if tables.csms is not None:
        yield from _csm_dates(tables.csms)
    if tables.accounts is not None and tables.csms is not None:
        yield from _owners(tables.accounts, tables.csms)
        for name, of_csm in (("region", "region"), ("language", "languages"), ("industry", "industries")):
            yield from _spellings(tables.accounts, name, tables.csms.values[of_csm])


def with_long_ids(tables: Tables) -> tuple[Tables, list[Finding]]:
    """The tables with 15-character Salesforce ids written as the 18 characters that stand elsewhere for the same."""
    columns = [(t, c.name) for t in tables.all for c in t.table.columns if c.kind == "id"]
    longer = same_ids(str(i) for table, name in columns for i in table.values[name] if i is not None)
    if not longer:
        return tables, []
    findings: list[Finding] = []
    parts = {t.table.name: _lengthened(t, longer, findings) for t in tables.all}
    return Tables(parts.get("accounts"), parts.get("csms"), parts.get("pairs")), findings


def _lengthened(table: CheckedTable, longer: Mapping[str, str], findings: list[Finding]) -> CheckedTable:
    values = dict(table.values)
    for column in table.table.columns:
        if column.kind != "id":
            continue
        short = [i for i, value in enumerate(values[column.name]) if value in longer]
        if short:
            values[column.name] = [longer.get(cast(str, v), v) for v in values[column.name]]
            found = f"{len(short)} Salesforce ids of 15 characters stand for the same as ids of 18 elsewhere"
            finding = table.finding("short-salesforce-id", short[0], column.name, found=found, hint="They are matched")
            findings.append(replace(finding, severity="warning"))
    return replace(table, values=values)


def _references(table: CheckedTable, ids: Mapping[str, set[str]]) -> Iterator[Finding]:
    for column in table.table.columns:
        known = ids.get(column.references)
        if known is None:
            continue
        allowed = (
            "A segment that instance.toml declares"
            if column.references == "segments"
            else (f"An id that stands in {column.references}")
        )
        hints: dict[object, str] = {}
        for index, value in enumerate(table.values[column.name]):
            if value is not None and value not in known:
                if value not in hints:
                    # Nearest names cost about a millisecond per thousand, so a column that is all wrong gets few.
                    hints[value] = _near(str(value), known) if len(hints) < 20 else ""
                found, hint = f"{shown(value)} is not known", hints[value]
                yield table.finding("unknown-id", index, column.name, found=found, allowed=allowed, hint=hint)


def _near(word: str, known: set[str]) -> str:
    names = known if len(known) <= _MANY else {k for k in known if k[:2].casefold() == word[:2].casefold()}
    near = nearest(word, sorted(names)[:_MANY])
    return f"Nearest: {', '.join(shown(n) for n in near)}" if near else ""


def _currencies(table: CheckedTable, currency: str) -> Iterator[Finding]:
    for index, value in enumerate(table.values.get("currency", [])):
        if value is not None and str(value).upper() != currency:
            found = f"{shown(value)} beside the instance's {currency}"
            hint = "Convert all amounts to one currency first; optcomp knows no exchange rates"
            yield table.finding("two-currencies", index, "currency", found=found, allowed=currency, hint=hint)


def _families(accounts: CheckedTable) -> Iterator[Finding]:
    """Accounts of one parent, and the parent itself, share a segment and do not pull to different CSMs."""
    ids, parents = accounts.values["account_id"], accounts.values["parent"]
    members: dict[object, list[int]] = defaultdict(list)
    named = {p for p in parents if p is not None}
    for index, (account, parent) in enumerate(zip(ids, parents, strict=True)):
        if parent is not None and parent == account:
            yield accounts.finding(
                "own-parent", index, "parent", found=f"{shown(account)} is its own parent", hint="Leave it empty"
            )
        elif parent is not None:
            members[parent].append(index)
        if account in named and parent != account:
            members[account].append(index)
            if parent is not None:
                found = f"{shown(account)} is a parent and has a parent"
                yield accounts.finding(
                    "nested-family", index, "parent", found=found, allowed="Name the topmost parent in each row"
                )
    for parent, indices in members.items():
        yield from _family(accounts, parent, indices)


def _family(accounts: CheckedTable, parent: object, indices: list[int]) -> Iterator[Finding]:
    segments = {accounts.values["segment"][i]: i for i in indices if accounts.values["segment"][i] is not None}
    if len(segments) > 1:
        found = f"The family of {shown(parent)} lies in {_rows(accounts, segments)}"
        index = max(segments.values())
        yield accounts.finding("mixed-family", index, "segment", found=found, allowed="One segment per family")
    csm = accounts.values["csm"]
    locks = {csm[i]: i for i in indices if accounts.values["locked"][i] and csm[i] is not None}
    if len(locks) > 1:
        found = f"The family of {shown(parent)} is locked to {_rows(accounts, locks)}"
        index = max(locks.values())
        yield accounts.finding(
            "clashing-locks", index, "locked", found=found, allowed="One CSM per family", hint="Unlock one"
        )


def _rows(table: CheckedTable, index_by_value: Mapping[object, int]) -> str:
    return " and ".join(
        f"{shown(v)} (row {table.rows[i]})" for v, i in sorted(index_by_value.items(), key=lambda x: x[1])[:5]
    )


def _account_dates(accounts: CheckedTable, as_of: date | None) -> Iterator[Finding]:
    if as_of is None:
        return
    last = years_later(as_of, MAX_YEARS_AHEAD)
    for index, day in enumerate(accounts.values["renewal_date"]):
        if isinstance(day, date) and not as_of <= day <= last:
            where = f"before as_of {as_of}" if day < as_of else f"more than {MAX_YEARS_AHEAD} years ahead"
            finding = accounts.finding(
                "odd-renewal-date", index, "renewal_date", found=f"{day} lies {where}", hint="Is the date stale?"
            )
            yield replace(finding, severity="warning")
    for index, day in enumerate(accounts.values["csm_since"]):
        if isinstance(day, date) and day > as_of:
            found = f"{day} lies after as_of {as_of}"
            yield accounts.finding("future-date", index, "csm_since", found=found, allowed="A day up to as_of")


def years_later(day: date, years: int) -> date:
    """The same day some years later; 29 February becomes the 28th where the year has none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def _scores(accounts: CheckedTable) -> Iterator[Finding]:
    scores = [(i, v) for i, v in enumerate(accounts.values["health"]) if isinstance(v, float)]
    # Two accounts in a bad state may both score below 1; ten that all do were scored from 0 to 1.
    if len(scores) >= 10 and all(v <= 1 for _, v in scores):
        finding = accounts.finding(
            "looks-like-share", scores[0][0], "health", found="No score is above 1", hint="The scale is 0 to 100"
        )
        yield replace(finding, severity="warning")


# From the smallest to the largest ARR; beyond it a solver's tolerance of 1e-6 on one row is as large as an account.
WIDEST_RANGE = 1e6


def _range_of_arr(accounts: CheckedTable) -> Iterator[Finding]:
    values = [(v, i) for i, v in enumerate(accounts.values["arr"]) if isinstance(v, float) and v > 0.0]
    if values and max(values)[0] > WIDEST_RANGE * min(values)[0]:
        finding = accounts.finding(
            "wide-range",
            min(values)[1],
            "arr",
            found="The largest ARR is over a million times this one",
            hint="Check the unit. It is solved all the same, and every number is recomputed exactly",
        )
        yield replace(finding, severity="warning")


def _spellings(accounts: CheckedTable, column: str, of_csms: Iterable[object]) -> Iterator[Finding]:
    """Words that match no CSM's word but for case, so that an eligibility rule would keep the two apart."""
    words: set[str] = set()
    for value in of_csms:
        words.update(value if isinstance(value, tuple) else [str(value)] if value is not None else [])
    by_fold = {word.casefold(): word for word in sorted(words)}
    said: set[object] = set()
    for index, value in enumerate(accounts.values[column]):
        near = by_fold.get(str(value).casefold())
        if value is not None and value not in words and near is not None and value not in said:
            said.add(value)
            found = f"{shown(value)} differs only in case from {shown(near)} of a CSM"
            finding = accounts.finding("two-spellings", index, column, found=found, hint="Write it alike")
            yield replace(finding, severity="warning")


def _csm_dates(csms: CheckedTable) -> Iterator[Finding]:
    columns = (csms.values[name] for name in ("status", "start", "end"))
    for index, (status, start, end) in enumerate(zip(*columns, strict=True)):
        if status == "leaving" and end is None:
            yield csms.finding(
                "leaving-without-end", index, "end", found="A CSM who leaves has no end", allowed="The last day"
            )
        if status == "joining" and start is None:
            yield csms.finding(
                "joining-without-start", index, "start", found="A CSM who joins has no start", allowed="The first day"
            )
        if isinstance(start, date) and isinstance(end, date) and end < start:
            found = f"The end {end} lies before the start {start}"
            yield csms.finding("end-before-start", index, "end", found=found, allowed="A day after the start")
        if end is not None and status in (None, "active", "open"):
            found = f"An end is given but the status is {status or 'active'}"
            finding = csms.finding("end-not-used", index, "end", found=found, hint="Set the status to leaving")
            yield replace(finding, severity="warning")


def _owners(accounts: CheckedTable, csms: CheckedTable) -> Iterator[Finding]:
    """Open positions own nothing; a lock needs a CSM, and one who stays."""
    status = dict(zip(csms.values["csm_id"], csms.values["status"], strict=True))
    columns = (accounts.values[name] for name in ("csm", "locked", "csm_since"))
    for index, (csm, locked, since) in enumerate(zip(*columns, strict=True)):
        if csm is not None and status.get(csm) == "open":
            found = f"{shown(csm)} is an open position and cannot own an account"
            yield accounts.finding(
                "open-position-owns", index, "csm", found=found, allowed="A CSM who is there, or nobody"
            )
        if locked and csm is None:
            found, hint = "A locked account without a CSM", "Name the CSM or unlock it"
            yield accounts.finding(
                "locked-without-csm", index, "locked", found=found, allowed="A CSM in the column csm", hint=hint
            )
        if locked and csm is not None and status.get(csm) == "leaving":
            found, hint = f"Locked to {shown(csm)}, who leaves", "Unlock it or name another CSM"
            yield accounts.finding(
                "locked-to-leaver", index, "locked", found=found, allowed="A CSM who stays", hint=hint
            )
        if since is not None and csm is None:
            finding = accounts.finding("since-without-csm", index, "csm_since", found="A date without a CSM")
            yield replace(finding, severity="warning")
