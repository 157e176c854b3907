"""The table of changes: who leaves, joins, is away, works more or less, and which accounts come, go or change sides.

Declared like the tables of an instance and read by the same checks; rows keep the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date as Day
from pathlib import Path

from optcomp.checks import CheckedTable, capped, check_keys, check_table
from optcomp.errors import Finding, InputError
from optcomp.instance import Account
from optcomp.sources import read_bytes, reading
from optcomp.tables import ACCOUNTS, MAX_MONEY, Column, Table
from optcomp.tabular.raw import Dialect
from optcomp.tabular.text import read_csv

KINDS = ("leave", "join", "long-leave", "fte", "transfer", "new-accounts", "lost-account", "open-deal")


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the table; what a kind does not need is left empty.

    place : file and row for messages; accounts : the rows of the file of new accounts
    """

    change: str
    csm: str | None = None
    account: str | None = None
    date: Day | None = None
    until: Day | None = None
    fte: float | None = None
    segment: str | None = None
    region: str | None = None
    languages: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    level: str | None = None
    base: float | None = None
    variable: float | None = None
    ramp_months: float | None = None
    file: str | None = None
    place: tuple[str, int | None] = ("", None)
    accounts: tuple[Account, ...] = ()

    @property
    def words(self) -> str:
        """The change in a few words: what, who, where to and when."""
        said = [self.change, self.csm or self.account or self.file or ""]
        if self.change == "fte" and self.fte is not None:
            said.append(f"{self.fte:g}")
        if self.change == "transfer":
            said.append(f"to {'/'.join(part for part in (self.segment, self.region) if part)}")
        if self.change == "join" and self.segment:
            said.append(f"in {self.segment}")
        if self.change == "long-leave" and self.date:
            said.append(f"{self.date} to {self.until}")
        elif self.date:
            said.append(f"{'after' if self.change == 'leave' else 'from'} {self.date}")
        return " ".join(said).strip()

    def finding(self, code: str, found: str, allowed: str = "", hint: str = "", column: str = "") -> Finding:
        """An error in this row."""
        return Finding(code, found, allowed, hint, file=self.place[0], row=self.place[1], column=column)


CHANGES = Table(
    "changes", Change, ("change",), required=False,
    description="What changes: a row per change, read by `optcomp rebalance`.",
    columns=(
        Column(
            "change", "choice",
            "`leave`, `join`, `long-leave` (from `date` to `until`), `fte`, `transfer` of a CSM or an account to "
            "another segment or region, `new-accounts` from a `file`, `lost-account`, `open-deal` that stays behind.",
            "leave", required=True, allowed=KINDS,
        ),
        Column("csm", "id", "Whom it concerns; the new id of one who joins, or an open position.", "C-07"),
        Column("account", "id", "Which account it concerns.", "A-001"),
        Column("date", "date", "Last day of one who leaves, first day of everything else; else `as_of`.", "2027-01-31"),
        Column("until", "date", "Last day of a long leave; day on which an open deal should close.", "2027-08-31"),
        Column("fte", "number", "Part of a full-time job from then on.", "0.8", "full-time jobs", low=0.0, high=2.0,
               above_low=True),
        Column("segment", "text", "Segment of one who joins, or the new segment.", "growth"),
        Column("region", "text", "Region of one who joins, or the new region.", "EMEA"),
        Column("languages", "list", "Languages of one who joins.", "en; de"),
        Column("industries", "list", "Industries that one who joins knows.", "retail"),
        Column("level", "text", "Level of one who joins; empty means csm.", "senior"),
        Column(
            "base", "number", "Base pay of one who joins; empty means the mean of the segment.", "85000",
            "money a year", low=0.0, high=MAX_MONEY, above_low=True,
        ),
        Column(
            "variable", "number", "Variable pay at target of one who joins; empty means the mean of the segment.",
            "15000", "money a year", low=0.0, high=MAX_MONEY,
        ),
        Column(
            "ramp_months", "number", "Months until one who joins gives full hours; empty means 3.", "3", "months",
            low=0, high=60,
        ),
        Column("file", "text", "File of new accounts beside this one, with the columns of accounts.csv.", "new.csv"),
    ),
)  # fmt: skip


def read_changes(path: Path, dialect: Dialect | None = None) -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    """The changes in a CSV file, and the warnings about it.

    Raises
    ------
    InputError
        With every error in the file and in the files of new accounts that it names.
    OutputError
        When a file cannot be opened.
    """
    dialect = dialect or Dialect()
    if not path.exists():
        raise InputError(Finding("no-such-path", "There is no such file", "A CSV file of changes", file=str(path)))
    with reading(path):
        checked = _checked(CHANGES, path, path.name, dialect)
        changes, findings = [], list(checked.findings)
        for change in _rows(checked):
            accounts: tuple[Account, ...] = ()
            if change.change == "new-accounts":
                accounts, found = new_accounts(change, path.parent, dialect)
                findings += found
            changes.append(replace(change, accounts=accounts))
    kept = capped(findings)
    errors = [finding for finding in kept if finding.severity == "error"]
    if errors:
        raise InputError(errors)
    return tuple(changes), kept


def _checked(table: Table, path: Path, file: str, dialect: Dialect) -> CheckedTable:
    known = [name for column in table.columns for name in (column.name, *column.aliases)]
    return check_table(table, read_csv(read_bytes(path, file), file, known, dialect=dialect), dialect=dialect)


def _rows(checked: CheckedTable) -> list[Change]:
    names = [column.name for column in CHANGES.columns]
    record: Callable[..., Change] = Change
    rows = []
    for index, row in enumerate(checked.rows):
        cells = {name: checked.values[name][index] for name in names}
        values = [CHANGES.default(name) if cells[name] is None else cells[name] for name in names]
        # In the order of the fields; the change itself may be missing, which is an error already.
        rows.append(record(*values, place=(checked.file, row)))
    return rows


def new_accounts(change: Change, folder: Path, dialect: Dialect) -> tuple[tuple[Account, ...], list[Finding]]:
    """The accounts in the file that a change names, which lies in a folder, and what is wrong or doubtful about it."""
    name = change.file or ""
    path = folder / name
    if not name or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        found = f"{name!r} is not a file" if name else "New accounts without a file"
        return (), [change.finding("missing-file", found, "A CSV file beside the table of changes", column="file")]
    try:
        checked = _checked(ACCOUNTS, path, name, dialect)
    except InputError as error:
        return (), list(error.findings)
    findings = [*checked.findings, *check_keys(checked)]
    if any(f.severity == "error" for f in findings):
        return (), findings
    columns = []
    for field in fields(Account):
        default = ACCOUNTS.default(field.name)
        columns.append([default if value is None else value for value in checked.values[field.name]])
    record: Callable[..., Account] = Account
    return tuple(record(*cells) for cells in zip(*columns, strict=True)), findings
