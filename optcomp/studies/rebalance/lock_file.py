"""Accounts locked to today's CSM by a file of the user's own, each with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from optcomp.cells import shown
from optcomp.checks import capped, check_keys, check_table
from optcomp.errors import Finding, InputError
from optcomp.headers import did_you_mean
from optcomp.instance import Instance
from optcomp.sources import read_bytes, reading
from optcomp.tables import Column, Table
from optcomp.tabular.raw import Dialect
from optcomp.tabular.text import read_csv

# What a lock says where its file gives no reason.
BY_FILE = "locked by hand"


@dataclass(frozen=True, slots=True)
class NamedLock:
    """One row of the file; `place` is file and row for messages."""

    account_id: str
    reason: str
    place: tuple[str, int | None] = ("", None)


LOCKS_TABLE = Table(
    "locks", NamedLock, ("account_id",), required=False,
    description="Accounts that stay with today's CSM: read by `optcomp rebalance --locks`.",
    columns=(
        Column("account_id", "id", "Which account stays.", "A-001", required=True),
        Column("reason", "text", "Why; it is shown with the lock.", "executive sponsor agreed on this CSM"),
    ),
)  # fmt: skip


def read_locks(path: Path, dialect: Dialect | None = None) -> tuple[NamedLock, ...]:
    """The locks in a CSV file.

    Raises
    ------
    InputError
        With every error in the file.
    OutputError
        When it cannot be opened.
    """
    dialect = dialect or Dialect()
    if not path.exists():
        raise InputError(Finding("no-such-path", "There is no such file", "A CSV file of locks", file=str(path)))
    with reading(path):
        known = [name for column in LOCKS_TABLE.columns for name in (column.name, *column.aliases)]
        raw = read_csv(read_bytes(path, path.name), path.name, known, dialect=dialect)
        checked = check_table(LOCKS_TABLE, raw, dialect=dialect)
    errors = [f for f in capped([*checked.findings, *check_keys(checked)]) if f.severity == "error"]
    if errors:
        raise InputError(errors)
    cells = zip(checked.values["account_id"], checked.values["reason"], checked.rows, strict=True)
    return tuple(NamedLock(str(name), str(reason or BY_FILE), (checked.file, row)) for name, reason, row in cells)


def with_named_locks(instance: Instance, locks: Sequence[NamedLock]) -> Instance:
    """The instance with those accounts locked to today's CSM.

    Raises
    ------
    InputError
        With every lock on an account that is not known or has no CSM.
    """
    known = {a.account_id: a for a in instance.accounts}
    findings = []
    for lock in locks:
        account = known.get(lock.account_id)
        if account is not None and account.csm is not None:
            continue
        found = f"{shown(lock.account_id)} {'has no CSM to stay with' if account else 'is not known'}"
        hint = "" if account else did_you_mean(lock.account_id, sorted(known)[:5000])
        place = {"file": lock.place[0], "row": lock.place[1], "column": "account_id"}
        findings.append(Finding("unknown-id", found, "An account with a CSM of today", hint, **place))  # type: ignore[arg-type]
    if findings:
        raise InputError(findings)
    reasons = {lock.account_id: lock.reason for lock in locks}
    accounts = tuple(
        replace(a, locked=True, lock_reason=reasons[a.account_id]) if a.account_id in reasons else a
        for a in instance.accounts
    )
    return replace(instance, accounts=accounts)
