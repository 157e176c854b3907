"""What is wrong with a history as a whole: survivors only, hindsight as a control, two owners, sums that do not add up.

The threats and their messages are those of SCIENCE 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np

from optcomp.cells import shown
from optcomp.checks import CheckedTable
from optcomp.dates import add_months
from optcomp.errors import Finding, InputError
from optcomp.learn.history import AccountQuarters, History
from optcomp.learn.history_tables import MEDIATORS
from optcomp.types import AnyArray

# A year of quarters shows every annual contract once; less cannot tell a season from an effect.
SHORTEST_MONTHS = 12
# ARR that differs by more than this between the end of a quarter and the start of the next was changed elsewhere.
_CHAIN_TOLERANCE = 0.01


def refuse_mediators(controls: Sequence[str]) -> None:
    """Refuse covariates that are results of the plan.

    Raises
    ------
    InputError
        When a name is one of satisfaction, activity, present health, late bookings, attainment or payout.
    """
    wrong = [name for name in controls if name.casefold().startswith(MEDIATORS)]
    if wrong:
        raise InputError([_mediator(f"{shown(name)} is asked for as a control") for name in wrong])


def _mediator(found: str) -> Finding:
    allowed = "Only what was known before the plan started"
    hint = "It is a result of the plan: holding it fixed would hide the effect that is looked for (SCIENCE 3.4)"
    return Finding("mediator", found, allowed, hint, file="history")


def row_findings(accounts: CheckedTable, csms: CheckedTable) -> Iterator[Finding]:
    """Errors in single rows of the two tables."""
    yield from _repeated(accounts, "overlapping-owners", "One CSM in each quarter: the one on its first day")
    yield from _repeated(csms, "duplicate-row", "One row for each CSM and quarter")
    yield from _renewals(accounts)
    yield from _hindsight(accounts)


def _repeated(table: CheckedTable, code: str, allowed: str) -> Iterator[Finding]:
    """Two rows for the same account, or CSM, and quarter."""
    first: dict[tuple[object, object], int] = {}
    key = table.table.key[0]
    for index, pair in enumerate(zip(table.values[key], table.values["quarter"], strict=True)):
        if None not in pair and first.setdefault(pair, index) != index:
            found = f"{shown(pair[0])} stands twice in the quarter {pair[1]}, the first time in row "
            yield table.finding(code, index, key, found=f"{found}{table.rows[first[pair]]}", allowed=allowed)


def _renewals(table: CheckedTable) -> Iterator[Finding]:
    columns = (table.values[n] for n in ("due", "renewed", "contraction", "arr_start"))
    for index, (due, renewed, contraction, arr) in enumerate(zip(*columns, strict=True)):
        if renewed and due is False:
            found, hint = "Renewed, but nothing was due", "Say due = yes, or leave renewed empty"
            yield table.finding("renewal-without-due", index, "renewed", found=found, hint=hint)
        if due and renewed is None and "renewed" in table.present:
            found = "Due, but it is not said whether it was renewed"
            yield table.finding("missing", index, "renewed", found=found, allowed="yes or no")
        if isinstance(contraction, float) and isinstance(arr, float) and contraction > arr:
            found = f"{contraction:g} of {arr:g} were lost"
            yield table.finding("above-range", index, "contraction", found=found, allowed="At most arr_start")


def _hindsight(table: CheckedTable) -> Iterator[Finding]:
    for index, (day, quarter) in enumerate(zip(table.values["health_date"], table.values["quarter"], strict=True)):
        if isinstance(day, date) and isinstance(quarter, date) and day > quarter:
            found = f"A health score of {day} for the quarter that began on {quarter}"
            finding = _mediator(found)
            yield replace(finding, file=table.file, row=table.rows[index], column="health_date")


def quarter_findings(quarters: Sequence[date]) -> list[Finding]:
    """Errors in the days on which quarters begin; `quarters` are sorted and differ."""
    findings = []
    for day, after in pairwise(quarters):
        if after != add_months(day, 3):
            found = f"After {day} comes {after}"
            allowed = "First days of quarters, three months apart, without gaps"
            findings.append(Finding("broken-quarters", found, allowed, file="history", column="quarter"))
    return findings


def survivorship_findings(history: History) -> list[Finding]:
    """Errors where nobody churned or nobody left: the tables hold survivors only."""
    findings = []
    if not history.account_quarters.churned.any():
        findings.append(
            _survivors("no-churned", "No account churned in the whole history", "accounts that churned", "account")
        )
    if not history.csm_quarters.left.any():
        findings.append(_survivors("no-leavers", "No CSM left in the whole history", "CSMs who left", "csm"))
    return findings


def _survivors(code: str, found: str, who: str, table: str) -> Finding:
    allowed = f"A history that holds the {who} too"
    hint = f"Add the {who} to {table}_quarters, with the rows of all their quarters: survivors alone prove nothing"
    return Finding(code, found, allowed, hint, file=f"history/{table}_quarters")


def history_warnings(history: History) -> list[Finding]:
    """Labels that every result from this history carries, and what does not add up in it."""
    findings = []
    if history.months < SHORTEST_MONTHS:
        found = f"Only {history.months} months of history"
        findings.append(
            _warning("short-history", found, f"Below {SHORTEST_MONTHS} months the prior decides nearly everything")
        )
    return findings + _chain(history) + _vanished(history)


def _chain(history: History) -> list[Finding]:
    """ARR at the end of a quarter against the start of the next, and rows after a churn."""
    rows = history.account_quarters
    follows = (rows.account[1:] == rows.account[:-1]) & (rows.quarter[1:] == rows.quarter[:-1] + 1)
    end, start, churned = rows.arr_end[:-1], rows.arr_start[1:], rows.churned[:-1]
    differs = follows & ~churned & (np.abs(end - start) > _CHAIN_TOLERANCE * np.maximum(end, start))
    back = churned & (rows.account[1:] == rows.account[:-1])
    findings = []
    if differs.any():
        found = f"ARR of {differs.sum():,} account-quarters is not that at the end of the quarter before"
        findings.append(_warning("arr-chain", f"{found}, first {_at(history, rows, differs)}", "Is a change missing?"))
    if back.any():
        found = f"{back.sum():,} accounts come back after they churned, first {_at(history, rows, back)}"
        findings.append(_warning("back-after-churn", found, "Was the renewal only late?"))
    return findings


def _at(history: History, rows: AccountQuarters, flags: AnyArray) -> str:
    """The account and quarter after the first flag."""
    row = int(np.flatnonzero(flags)[0]) + 1
    return f"{shown(history.account_ids[rows.account[row]])} in {history.quarters[rows.quarter[row]]}"


def _vanished(history: History) -> list[Finding]:
    """Accounts and CSMs whose rows stop without a churn or a leaving: perhaps a quiet survivorship."""
    last, findings = len(history.quarters) - 1, []
    accounts, people = history.account_quarters, history.csm_quarters
    for label, who, index, quarter, ended in (
        ("account-vanished", "accounts", accounts.account, accounts.quarter, accounts.churned),
        ("csm-vanished", "CSMs", people.csm, people.quarter, people.left),
    ):
        is_last = np.append(index[1:] != index[:-1], True)
        count = int((is_last & (quarter < last) & ~ended).sum())
        if count:
            found = f"The rows of {count:,} {who} stop before the end without a churn or a leaving"
            findings.append(_warning(label, found, "Left-out endings make everything look better than it was"))
    return findings


def _warning(code: str, found: str, hint: str) -> Finding:
    return Finding(code, found, "", hint, file="history", severity="warning")
