"""A written solution read back: the decision from its files alone."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from optcomp.assemble import Loaded, load
from optcomp.cells import printable, restore
from optcomp.errors import CheckFailed, Finding, InputError, OutputError
from optcomp.evaluate import evaluate
from optcomp.frames import Decided
from optcomp.manifest import SCHEMA_NAME, SCHEMA_VERSION, version
from optcomp.problem import Problem
from optcomp.solution import Solution

Row = Mapping[str, str]

# Ids named in one reason; the rest is counted.
MOST_NAMED = 5
# Largest file that is read back, bytes: a hundred times that of 10,000 accounts.
LARGEST = 1 << 28


@dataclass
class Reasons:
    """What speaks against a solution, a sentence each."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """One more."""
        self.sentences.append(sentence)

    def add_ids(self, what: str, ids: Iterable[str]) -> None:
        """One more that names ids, where there are any."""
        named = sorted(set(ids))
        if named:
            more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
            self.add(f"{what}: {', '.join(printable(name)[:40] for name in named[:MOST_NAMED])}{more}.")


def read_folder(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    """Content of those of the files that are there.

    Raises
    ------
    OutputError
        When a file is there and cannot be read.
    """
    files = {}
    for name in names:
        path = folder / name
        try:
            if path.is_file():
                if path.stat().st_size > LARGEST:
                    raise OutputError(f"{printable(name)} is too large to be a file of a solution.")
                files[name] = path.read_bytes()
        except OSError as error:
            raise OutputError(f"{printable(str(path))} could not be read: {error.strerror}.") from error
    return files


def read_manifest(content: bytes | None) -> dict[str, Any]:
    """The manifest of a solution.

    Raises
    ------
    InputError
        When there is none, or it is of a version that this program does not know.
    """
    if content is None:
        raise _no_solution("There is no manifest.json", "A folder that `optcomp solve --out` wrote")
    parsed = parse_json(content)
    schema = parsed.get("schema") if isinstance(parsed, dict) else None
    if not isinstance(parsed, dict) or not isinstance(schema, str) or not schema.startswith(SCHEMA_NAME):
        raise _no_solution("It is not a manifest of optcomp", "A manifest.json that `optcomp solve` wrote")
    number = schema.removeprefix(SCHEMA_NAME)
    if number.isdecimal() and int(number) > SCHEMA_VERSION:
        writer = printable(str(parsed.get("optcomp", "of unknown version")))[:20]
        raise _no_solution(
            f"It was written by a newer optcomp ({writer}, manifest {number})",
            f"Manifests up to version {SCHEMA_VERSION}, which this optcomp {version('optcomp')} reads",
            "Upgrade optcomp",
        )
    if number != str(SCHEMA_VERSION):
        raise _no_solution(f"Its schema is {printable(schema)[:60]!r}", f"{SCHEMA_NAME}{SCHEMA_VERSION}")
    return parsed


def load_solved(folder: Path, manifest: Mapping[str, Any], instance: Path | None) -> tuple[Path, Loaded]:
    """Where the instance of a solution is, and what it holds with the settings that were laid over it then.

    instance : where the instance is now; None means where the manifest says

    Raises
    ------
    InputError
        When the instance is not to be had.
    """
    place = instance or folder / str(manifest.get("instance", ""))
    if not place.exists():
        raise InputError(
            Finding(
                "no-instance", "The instance that it was solved from is not where it was", "An instance",
                "Say where it is with --instance PATH", file="manifest.json",
            )
        )  # fmt: skip
    return place, load(place, overrides=[str(text) for text in manifest.get("overrides", [])])


def _no_solution(found: str, allowed: str, hint: str = "") -> InputError:
    return InputError(Finding("manifest", found, allowed, hint, file="manifest.json"))


def parse_json(content: bytes) -> Any:
    """The JSON value, or None where it is none; NaN and infinity are none."""
    try:
        return json.loads(content.decode("utf-8"), parse_constant=_refuse)
    except (UnicodeDecodeError, ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def parse_csv(content: bytes) -> list[Row] | None:
    """Rows of a CSV file by column, or None where it is none or is ragged."""
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        rows: list[Row] = list(reader)
    except (UnicodeDecodeError, csv.Error):
        return None
    return None if any(None in row or None in row.values() for row in rows) else rows


# ---- the decision -------------------------------------------------------------------------------------------------


def read_solution(files: Mapping[str, bytes], problem: Problem, reasons: Reasons) -> Solution | None:
    """The decision in the files; None, with reasons, where they do not hold one for the problem."""
    before = len(reasons.sentences)
    plan = _rows(files, "plan.csv", ("segment", "plan_id"), reasons)
    assignment = _rows(files, "assignment.csv", ("account_id", "to"), reasons)
    books = _rows(files, "books.csv", ("csm_id", "status"), reasons)
    if plan is None or assignment is None or books is None:
        return None
    _compare_ids("assignment.csv", "account", _column(assignment, "account_id"), problem.accounts.ids, reasons)
    _compare_ids("books.csv", "CSM", _column(books, "csm_id"), problem.csms.ids, reasons)
    _compare_plans(plan, problem, reasons)
    targets = _column(assignment, "to")
    reasons.add_ids(
        "assignment.csv gives accounts to CSMs that the instance does not have", set(targets) - {*problem.csms.ids, ""}
    )
    if len(reasons.sentences) > before:
        return None
    return Solution(
        plan_by_segment=dict(zip(_column(plan, "segment"), _column(plan, "plan_id"), strict=True)),
        csm_by_account={a: c for a, c in zip(_column(assignment, "account_id"), targets, strict=True) if c},
        filled=frozenset(restore(row["csm_id"]) for row in books if row["status"] == "open, filled"),
    )


def check_files(files: Mapping[str, bytes], result: Decided) -> None:
    """Do files that have just been made hold the result's decision, and is it worth what they say?

    Raises
    ------
    CheckFailed
        When they do not, which would be a bug; nothing must be published then.
    """
    reasons = Reasons()
    solution = read_solution(files, result.problem, reasons)
    if solution is None or result.evaluation is None:
        raise CheckFailed("The files do not hold the solution: " + " ".join(reasons.sentences))
    again = evaluate(result.problem, solution)
    if again.violations or abs(again.objective - result.evaluation.objective) > 1e-9:
        raise CheckFailed("The solution, read back from its files, is not worth what was found. Nothing was written.")


def _rows(files: Mapping[str, bytes], name: str, needed: Sequence[str], reasons: Reasons) -> list[Row] | None:
    if name not in files:
        reasons.add(f"{name} is missing.")
        return None
    rows = parse_csv(files[name])
    if rows is None:
        reasons.add(f"{name} is not a table in UTF-8 with the same number of cells in every row.")
        return None
    header = next(csv.reader(io.StringIO(files[name].decode("utf-8-sig"), newline="")), [])
    missing = [column for column in needed if column not in header]
    if missing:
        reasons.add(f"{name} has no column {' and no column '.join(missing)}.")
        return None
    return rows


def _column(rows: Sequence[Row], name: str) -> list[str]:
    return [restore(row[name]) for row in rows]


def _compare_ids(file: str, noun: str, found: Sequence[str], expected: Sequence[str], reasons: Reasons) -> None:
    reasons.add_ids(f"{file} has no row for {noun}", set(expected) - set(found))
    reasons.add_ids(f"{file} has rows for {noun}s that the instance does not have", set(found) - set(expected))
    reasons.add_ids(f"{file} has more than one row for {noun}", (i for i, n in Counter(found).items() if n > 1))


def _compare_plans(plan: Sequence[Row], problem: Problem, reasons: Reasons) -> None:
    chosen: dict[str, set[str]] = {}
    for row in plan:
        chosen.setdefault(restore(row["segment"]), set()).add(restore(row["plan_id"]))
    menu = {segment.name: {p.plan_id for p in problem.plans[s]} for s, segment in enumerate(problem.segments)}
    reasons.add_ids("plan.csv has no row for segment", set(menu) - set(chosen))
    reasons.add_ids("plan.csv has rows for segments that the instance does not have", set(chosen) - set(menu))
    reasons.add_ids("plan.csv gives more than one plan to segment", (s for s, ids in chosen.items() if len(ids) > 1))
    for segment, ids in chosen.items():
        reasons.add_ids(
            f"plan.csv pays segment {printable(segment)[:40]} by a plan that is not on its menu",
            ids - menu.get(segment, ids),
        )
