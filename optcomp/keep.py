"""Lines that a person keeps by hand: who looks after an account whatever the solver thinks, with the reason.

A kept line acts like a lock to the CSM that it names, today's or not: it is what the rule `locks` speaks of, and the
move that it asks for counts as forced.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optcomp.assemble import Loaded, load
from optcomp.cells import neutralise, printable, restore, shown
from optcomp.errors import Finding, InputError, OutputError
from optcomp.headers import did_you_mean, plain
from optcomp.instance import Kept
from optcomp.problem import Problem
from optcomp.tables import TABLES
from optcomp.tabular.raw import Dialect, RawTable
from optcomp.tabular.text import read_csv
from optcomp.tabular.workbook import open_workbook, read_sheet

KEPT = "kept.csv"
BY_HAND = "kept by hand"
COLUMNS = ("account_id", "to", "reason")
_YES = ("yes", "y", "true", "1", "x")


def _known(column: str) -> tuple[str, ...]:
    """Headers that mean a column of accounts."""
    return (column, *next(c.aliases for c in TABLES["accounts"].columns if c.name == column))


# Our columns, and headers that mean them, the first that is there counts.
_HEADERS = {"account_id": _known("account_id"), "to": ("to", *_known("csm")), "reason": ("reason",), "keep": ("keep",)}


def read_kept(path: Path) -> tuple[Kept, ...]:
    """The lines of a file such as an edited assignment.csv: columns account_id and to, and reason and keep where given.

    A workbook counts as well: the first sheet with these columns. A table of accounts without a column `to`, such as
    accounts.csv or the sheet accounts of an instance, says by its column csm who is to have whom. A line counts when
    its column keep says yes, or when there is no such column.

    Raises
    ------
    OutputError
        When the file cannot be opened.
    InputError
        When it is not such a table.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OutputError(f"{printable(str(path))} could not be read: {error.strerror}.") from error
    return parse_kept(content, path.name)


def parse_kept(content: bytes, name: str) -> tuple[Kept, ...]:
    """The same from the content of a file."""
    names = [header for headers in _HEADERS.values() for header in headers]
    is_workbook = name.casefold().endswith(".xlsx")
    raw = _sheet(content, name) if is_workbook else read_csv(content, name, names, dialect=Dialect())
    columns = _columns(raw)
    missing = [column for column in COLUMNS[:2] if column not in columns]
    if missing:
        raise _wrong(raw.file, f"There is no column {' and no column '.join(missing)}", "The columns account_id and to")
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    if "keep" in columns:
        rows = [row for row in rows if row["keep"].lower() in _YES]
    return tuple(Kept(row["account_id"], row["to"], _reason(row.get("reason", ""))) for row in rows if row["to"])


def _columns(raw: RawTable) -> dict[str, list[str]]:
    """Cells as text of the columns that count, by our name for them."""
    headers = [plain(header) for header in raw.headers]
    found = {}
    for ours, known in _HEADERS.items():
        place = next((headers.index(plain(name)) for name in known if plain(name) in headers), None)
        if place is not None:
            found[ours] = [_text(cell) for cell in raw.columns[place]]
    return found


def _text(cell: object) -> str:
    """The text of a cell; a spreadsheet keeps an id of digits as a number."""
    is_whole = isinstance(cell, float) and cell.is_integer()
    return restore(
        str(int(cell)) if isinstance(cell, float) and is_whole else "" if cell is None else str(cell)
    ).strip()


def _sheet(content: bytes, name: str) -> RawTable:
    """The first sheet of a workbook that has the columns, those of a solution before those of an instance."""
    book = open_workbook(content, name)
    tables = []
    for sheet in book.sheets:
        try:
            tables.append(read_sheet(book, sheet))
        except InputError:  # a sheet of the user's own that is no table is not the one that is looked for
            continue
    wanted = [t for t in tables if {"account_id", "to"} <= set(_columns(t))]
    of_solution = [t for t in wanted if "to" in map(plain, t.headers)]
    if not wanted:
        raise _wrong(name, "No sheet has a column account_id and a column to", "The columns account_id and to")
    return (of_solution or wanted)[0]


def _reason(said: str) -> str:
    if not said or said.startswith(BY_HAND):
        return said or BY_HAND
    return f"{BY_HAND}: {said}"


def with_kept(problem: Problem, lines: Sequence[Kept], name: str = KEPT) -> Problem:
    """The problem in which those accounts are with those CSMs.

    Raises
    ------
    InputError
        When a line names an account twice, or an account or CSM that the instance does not have.
    """
    check_lines(problem, lines, name)
    order = sorted(lines, key=lambda line: line.account_id)
    return replace(problem, instance=replace(problem.instance, kept=tuple(order)))


def check_lines(problem: Problem, lines: Sequence[Kept], name: str) -> None:
    """Refuse lines that a problem cannot take, all of them at once.

    Raises
    ------
    InputError
        When a line names an account twice, or an account or CSM that the instance does not have.
    """
    findings = [
        _finding(name, f"The instance has no {what} {shown(given)}", f"A {what} of it", did_you_mean(given, known))
        for line in lines
        for what, given, known in (
            ("account", line.account_id, problem.account_index),
            ("CSM", line.csm_id, problem.csm_index),
        )
        if given not in known
    ]
    lines_of = Counter(line.account_id for line in lines)
    findings += [
        _finding(name, f"The account {shown(account)} has {count} lines", "One line")
        for account, count in lines_of.items()
        if count > 1
    ]
    if findings:
        raise InputError(findings)


def load_with_kept(instance: Path, overrides: Sequence[str], keep: Path | None) -> Loaded:
    """An instance that was read, with the lines that a file keeps by hand where one is given."""
    loaded = load(instance, overrides=overrides)
    if keep is None:
        return loaded
    return replace(loaded, problem=with_kept(loaded.problem, read_kept(keep), keep.name))


def kept_bytes(lines: Sequence[Kept]) -> bytes:
    """The lines as a file that `read_kept` reads."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([neutralise(c) for c in (line.account_id, line.csm_id, line.reason)] for line in lines)
    return buffer.getvalue().encode("utf-8")


def _wrong(name: str, found: str, allowed: str) -> InputError:
    return InputError(_finding(name, found, allowed))


def _finding(name: str, found: str, allowed: str, hint: str = "") -> Finding:
    return Finding("kept", found, allowed, hint, file=name)
