"""Lines that a person keeps by hand: who looks after an account whatever the solver thinks, with the reason.

A kept line acts like a lock to the CSM that it names, today's or not: it is what the rule `locks` speaks of, and the
move that it asks for counts as forced.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optcomp.assemble import Loaded, load
from optcomp.cells import neutralise, printable, restore
from optcomp.errors import Finding, InputError, OutputError
from optcomp.instance import Kept
from optcomp.problem import Problem

KEPT = "kept.csv"
BY_HAND = "kept by hand"
COLUMNS = ("account_id", "to", "reason")


def read_kept(path: Path) -> tuple[Kept, ...]:
    """The lines of a file such as an edited assignment.csv: columns account_id and to, and reason and keep where given.

    A line counts when its column keep says yes, or when there is no such column.

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
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _wrong(name, "It is not a table in UTF-8", "A CSV file with the columns account_id and to") from error
    header = reader.fieldnames or []
    missing = [column for column in COLUMNS[:2] if column not in header]
    if missing:
        raise _wrong(name, f"There is no column {' and no column '.join(missing)}", "The columns account_id and to")
    if any(None in row or None in row.values() for row in rows):
        raise _wrong(name, "Some rows have more or fewer cells than the header", "As many cells in every row")
    kept = [row for row in rows if (row.get("keep") or "yes").strip().lower() in ("yes", "y", "true", "1", "x")]
    if "keep" in header:
        kept = [row for row in kept if row["keep"].strip()]
    lines = [
        Kept(restore(row["account_id"]).strip(), restore(row["to"]).strip(), _reason(row.get("reason") or ""))
        for row in kept
        if row["to"].strip()
    ]
    return tuple(lines)


def _reason(text: str) -> str:
    said = restore(text).strip()
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
    findings = [
        _finding(name, f"{what} {printable(given)!r} is not in the instance", f"A {what} of the instance")
        for line in lines
        for what, given, known in (
            ("account", line.account_id, problem.account_index),
            ("CSM", line.csm_id, problem.csm_index),
        )
        if given not in known
    ]
    seen: set[str] = set()
    for line in lines:
        if line.account_id in seen:
            findings.append(_finding(name, f"Account {printable(line.account_id)!r} has two lines", "One line"))
        seen.add(line.account_id)
    if findings:
        raise InputError(findings)
    order = sorted(lines, key=lambda line: line.account_id)
    return replace(problem, instance=replace(problem.instance, kept=tuple(order)))


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


def _finding(name: str, found: str, allowed: str) -> Finding:
    return Finding("kept", found, allowed, file=name)
