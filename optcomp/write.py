"""The solution folder: what was decided, what it is worth, what it was made from; written whole or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from optcomp.cells import neutralise
from optcomp.certificates import certificate_bytes
from optcomp.errors import Finding
from optcomp.frames import Decided, View, frames
from optcomp.keep import KEPT, kept_bytes
from optcomp.manifest import Origin, manifest
from optcomp.plan_page import plan_pages
from optcomp.publish import reserved
from optcomp.summary import summarise

if TYPE_CHECKING:
    from optcomp.solve import Result, Settings

TABLES = ("plan.csv", "assignment.csv", "books.csv")
SUMMARY = "summary.json"
MANIFEST = "manifest.json"
PAGES = "plan.md"
FILES = (PAGES, *TABLES, SUMMARY, MANIFEST)
CERTIFICATE = "certificate.npz"
# Files that a solution has where there is something to say: lines that were kept, and what the bound rests on.
OPTIONAL = (KEPT, CERTIFICATE)
OWN_NAMES = frozenset({*FILES, *OPTIONAL})

# Digits after the point: cents for money and hours alike, a millionth for shares and chances.
_MONEY_DIGITS = 2
_SHARE_DIGITS = 6
_SHARES = frozenset(
    {"base_factor", "variable_share", "weight", "threshold", "accelerator", "cap", "gate_share", "gate_target",
     "load", "predicted_nrr", "target_grr", "quit_chance"}
)  # fmt: skip


def write_solution(
    result: Result,
    out: Path,
    *,
    origin: Origin,
    settings: Settings,
    warnings: Iterable[Finding] = (),
    force: bool = False,
) -> None:
    """Write a result with a solution as the folder `out`.

    force : replace a solution that is there

    Raises
    ------
    ValueError
        When the result has no solution.
    OutputError
        When the folder is not empty, is a link, or cannot be written; what was there is then as it was.
    """
    with reserved(out, OWN_NAMES, force=force) as target:
        target.publish(solution_files(result, target.path, origin=origin, settings=settings, warnings=warnings))


def solution_files(
    result: Result, out: Path, *, origin: Origin, settings: Settings, warnings: Iterable[Finding] = ()
) -> dict[str, bytes]:
    """Name → content of every file of the folder `out`."""
    files = decision_files(result)
    kept = result.problem.instance.kept
    if kept:
        files[KEPT] = kept_bytes(kept)
    if result.certificate is not None:
        files[CERTIFICATE] = certificate_bytes(result.certificate)
    names = (*FILES, *(name for name in OPTIONAL if name in files))
    files[SUMMARY] = json_bytes(summarise(result, warnings=warnings, files=names))
    files[MANIFEST] = json_bytes(manifest(origin, settings, out, files))
    return files


def decision_files(result: Decided) -> dict[str, bytes]:
    """The pages and tables: what follows from the decision and the facts alone."""
    tables = frames(result)
    return {
        PAGES: plan_pages(View(result)).encode("utf-8"),
        "plan.csv": csv_bytes(tables.plan),
        "assignment.csv": csv_bytes(tables.assignment),
        "books.csv": csv_bytes(tables.books),
    }


def json_bytes(content: Mapping[str, object]) -> bytes:
    """JSON that any reader takes: no NaN, no infinity; keys in the order given."""
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """A table as CSV (RFC 4180, UTF-8) in which no spreadsheet finds a formula."""
    buffer = io.StringIO(newline="")
    shown = pd.DataFrame({str(name): _as_text(str(name), frame[name]) for name in frame.columns}, dtype=object)
    shown.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue().encode("utf-8")


def _as_text(name: str, column: pd.Series) -> list[str]:
    digits = _SHARE_DIGITS if name in _SHARES else _MONEY_DIGITS
    return [cell(value, digits) for value in column.tolist()]


def cell(value: object, digits: int) -> str:
    """A value as the text of a cell; nothing for what is missing."""
    if value is None or value != value:  # NaN alone differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{round(value, digits) + 0.0:.{digits}f}"
    return neutralise(str(value))
