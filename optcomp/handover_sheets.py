"""A hand-over sheet per CSM: what goes, what comes, when, and what to know of each account. Nobody's pay is on it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from optcomp.plan_page import markdown
from optcomp.studies.rebalance.rows import Row, book_rows, move_rows
from optcomp.studies.rebalance.short_months import Short, short_months
from optcomp.studies.rebalance.study import Rebalanced
from optcomp.words import money, percent, plural

SHEET = re.compile(r"handover-[A-Za-z0-9_.-]+\.md")
_LONGEST = 60


def sheet_name(csm_id: str) -> str:
    """A file name for a CSM that every system takes and no two CSMs share, capitals or not."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", csm_id).strip("-")[:_LONGEST]
    is_same = plain == csm_id and plain == plain.upper()
    mark = "" if is_same else f"-{hashlib.sha256(csm_id.encode('utf-8')).hexdigest()[:8]}"
    return f"handover-{plain or 'csm'}{mark}.md"


def sheets(done: Rebalanced) -> dict[str, str]:
    """File name → sheet of every CSM whose book changes."""
    moves = list(move_rows(done))
    books = {str(row["account_id"]): row for row in book_rows(done)}
    names = sorted({str(m[side]) for m in moves for side in ("from", "to") if m[side]})
    short = short_months(done)
    return {sheet_name(name): "\n".join(_sheet(done, name, moves, books, short)) + "\n" for name in names}


def _sheet(
    done: Rebalanced, name: str, moves: Sequence[Row], books: dict[str, Row], short: Sequence[Short]
) -> Iterator[str]:
    out = [m for m in moves if m["from"] == name]
    into = [m for m in moves if m["to"] == name]
    csm = done.view.problem.csm_list[done.view.problem.csm_index[name]]
    yield f"# Hand-over: {markdown(csm.name or name)}" + (f" ({markdown(name)})" if csm.name else "")
    yield ""
    if csm.status == "leaving":
        yield f"Last day: {csm.end}."
        yield ""
    elif csm.status in ("joining", "open"):
        yield f"First day: {csm.start or 'open'}."
        yield ""
    yield from _book(done, name, out, into, books)
    yield from _cover(short, name)
    yield from _list(done, f"You hand over {plural(len(out), 'account')}", out, "to")
    yield from _list(done, f"You take over {plural(len(into), 'account')}", into, "from")


def _book(done: Rebalanced, name: str, out: Sequence[Row], into: Sequence[Row], books: dict[str, Row]) -> Iterator[str]:
    """The book before and after, from the row of any of the moves."""
    side, row = ("from", books[str(out[0]["account_id"])]) if out else ("to", books[str(into[0]["account_id"])])
    currency = done.view.problem.instance.currency
    yield "| your book | accounts | ARR | hours a year | load |"
    yield "|---|---:|---:|---:|---:|"
    for word in ("before", "after"):
        accounts, *numbers = (row[f"{side}_{what}_{word}"] for what in ("accounts", "arr", "hours", "load"))
        arr, hours, load = map(_float, numbers)
        yield f"| {word} | {accounts} | {money(arr, currency)} | {hours:,.0f} | {percent(load, 0)} |"
    yield ""


def _cover(short: Sequence[Short], name: str) -> Iterator[str]:
    """Months in which the book needs more hours than there are."""
    own = sorted((s for s in short if s.csm_id == name), key=lambda s: s.first)
    for s in own:
        months = s.first if s.first == s.last else f"{s.first} to {s.last}"
        yield f"{months}: your book needs {s.hours:,.0f} hours more than you have ({s.why}); name a cover."
        yield ""


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _list(done: Rebalanced, title: str, moves: Sequence[Row], side: str) -> Iterator[str]:
    if not moves:
        return
    problem = done.view.problem
    yield f"## {title}"
    yield ""
    yield f"| date | wave | account | {side} | ARR | health | renewal | why | to know |"
    yield "|---|---:|---|---|---:|---|---|---|---|"
    for m in sorted(moves, key=lambda m: (str(m["effective_date"]), str(m["account_id"]))):
        account = problem.account_list[problem.account_index[str(m["account_id"])]]
        label = markdown(account.account_id) + (f" {markdown(account.name)}" if account.name else "")
        score = "not scored" if account.health is None else f"{account.health:g} ({m['health']})"
        know = [markdown(str(m["note"]))] if m["note"] else []
        if m["deal_stays_with"]:
            know.append(f"{markdown(str(m['deal_stays_with']))} keeps the open deal until {m['deal_until']}")
        cells = [
            str(m["effective_date"]), str(m["wave"]), label, markdown(str(m[side] or "nobody")),
            money(account.arr, problem.instance.currency), score, str(account.renewal_date or ""),
            markdown(str(m["reason"])), "; ".join(know),
        ]  # fmt: skip
        yield f"| {' | '.join(cells)} |"
    yield ""
