"""The folder of a rebalance: the changed instance, its solution, and what people need to carry the moves out."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from optcomp.assemble import load
from optcomp.errors import Finding, OutputError
from optcomp.handover_sheets import SHEET, sheets
from optcomp.instance_files import TABLE_FILES, check_reads_back, instance_files, private_folder, write_private
from optcomp.manifest import Origin
from optcomp.reload import check_files
from optcomp.solve import Settings
from optcomp.sources import SETTINGS_FILE
from optcomp.studies.rebalance import rows
from optcomp.studies.rebalance.chart import ladder_charts
from optcomp.studies.rebalance.rows import Row
from optcomp.studies.rebalance.short_months import short_months
from optcomp.studies.rebalance.study import Rebalanced
from optcomp.write import FILES, MANIFEST, OWN_NAMES, SUMMARY, cell, json_bytes, solution_files

TABLES = ("moves.csv", "rollback.csv", "ladder.csv", "books_before_after.csv", "hours.csv", "locks.csv",
          "pay_protection.csv")  # fmt: skip
CHARTS = ("ladder.png", "ladder.svg")
SCHEMA = "optcomp/rebalance/1"
# Digits after the point in tables: cents and hundredths of an hour; loads are ratios.
_DIGITS, _LOAD_DIGITS = 2, 4
_HEADERS = {
    "rollback.csv": ("account_id", "from", "to"),
    "locks.csv": ("account_id", "csm_id", "reason", "locked", "why_not", "by"),
    "pay_protection.csv": ("csm_id", "pay_protection"),
    "moves.csv": ("account_id", "from", "to", "effective_date", "wave", "reason", "kind", "health", "arr", "gain",
                  "deal_stays_with", "deal_until", "note"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Made:
    """The files of a rebalance, and what could not be made."""

    files: dict[str, bytes]
    warnings: tuple[Finding, ...]


def own_names(out: Path) -> frozenset[str]:
    """Names in a folder that a rebalance may replace: its fixed ones, its sheets, and model files that it copied."""
    fixed = {*OWN_NAMES, *TABLES, *CHARTS, *TABLE_FILES, SETTINGS_FILE}
    there = set(os.listdir(out)) if out.is_dir() and not out.is_symlink() else set()
    try:
        manifest = json.loads((out / MANIFEST).read_bytes()) if MANIFEST in there else {}
    except (OSError, ValueError):
        manifest = {}
    copied = manifest.get("inputs", {}) if isinstance(manifest, dict) and manifest.get("rebalance") else {}
    models = {name for name in copied if isinstance(name, str) and name.endswith(".toml")}
    return frozenset(fixed | {name for name in there if SHEET.fullmatch(name)} | (models & there))


def rebalance_files(
    done: Rebalanced, out: Path, *, beside: Path, settings: Settings, warnings: Iterable[Finding] = ()
) -> Made:
    """Name → content of every file of the folder `out`; `optcomp evaluate` holds them against the instance in them.

    beside : where the instance's own model files lie

    Raises
    ------
    CheckFailed
        When what would be written does not hold the decision, which would be a bug.
    """
    problem = done.result.problem
    own = instance_files(problem.instance, beside, {"rebalance": done.prepared.config.model_dump()})
    doubts = [*warnings, *done.prepared.warnings]
    charts: dict[str, bytes] = {}
    try:
        charts = ladder_charts(done.ladder, chosen_limit(done), problem.instance.currency)
    except OutputError as error:
        doubts.append(Finding("no-chart", str(error), "", severity="warning"))
    with private_folder() as name:
        folder = Path(name)
        write_private(folder, own)
        check_reads_back(problem.instance, folder)
        origin = Origin(folder, load(folder).files)
        files = solution_files(done.result, folder, origin=origin, settings=settings, warnings=doubts)
    check_files(files, done.result)
    extra = {**own, **tables(done), **charts}
    extra |= {sheet: text.encode("utf-8") for sheet, text in sheets(done).items()}
    summary = json.loads(files[SUMMARY]) | {"rebalance": facts(done)}
    summary["files"] = [*FILES, *sorted(extra)]
    files[SUMMARY] = json_bytes(summary)
    manifest = json.loads(files[MANIFEST]) | {"instance": "."}
    manifest["outputs"][SUMMARY] = hashlib.sha256(files[SUMMARY]).hexdigest()
    digests = {n: hashlib.sha256(c).hexdigest() for n, c in sorted(extra.items()) if n not in own}
    manifest["rebalance"] = {"schema": SCHEMA, "outputs": digests}
    return Made({**files, **extra, MANIFEST: json_bytes(manifest)}, tuple(doubts))


def tables(done: Rebalanced) -> dict[str, bytes]:
    """The tables of the rebalance."""
    contents: dict[str, Iterable[Row]] = {
        "moves.csv": rows.move_rows(done),
        "rollback.csv": rows.rollback_rows(done),
        "ladder.csv": rows.ladder_rows(done.ladder),
        "books_before_after.csv": rows.book_rows(done),
        "hours.csv": rows.hour_rows(done),
        "locks.csv": rows.lock_rows(done),
        "pay_protection.csv": rows.protection_rows(done),
    }
    return {name: table_bytes(list(content), _HEADERS.get(name, ())) for name, content in contents.items()}


def table_bytes(content: Sequence[Row], header: Sequence[str] = ()) -> bytes:
    """Rows as CSV in which no spreadsheet finds a formula; the header where there are no rows."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    names = list(content[0]) if content else list(header)
    writer.writerow(names)
    for row in content:
        writer.writerow([cell(_plain(row[n]), _LOAD_DIGITS if "load" in n else _DIGITS) for n in names])
    return buffer.getvalue().encode("utf-8")


def _plain(value: object) -> object:
    return float(value) if isinstance(value, float) else value


def chosen_limit(done: Rebalanced) -> int:
    """The rung that was taken."""
    wished = done.prepared.wishes.moves
    return (done.ladder.optimum or 0) if wished is None else wished


def facts(done: Rebalanced) -> dict[str, object]:
    """What summary.json says of the rebalance beyond the solution."""
    moves = list(rows.move_rows(done))
    kept = [lock for lock in done.prepared.locks if lock.is_kept]
    return {
        "schema": SCHEMA,
        "changes": [change.words for change in done.prepared.changes],
        "rung": chosen_limit(done),
        "must_move": sum(m["kind"] == "must move" for m in moves),
        "chosen": sum(m["kind"] == "chosen" for m in moves),
        "new": sum(m["kind"] == "new" for m in moves),
        "locked_by_rule": len(kept),
        "locks_given_up": len(done.prepared.locks) - len(kept),
        "waves": [str(day) for day in done.waves],
        "knee": done.ladder.knee,
        "optimum": done.ladder.optimum,
        "price_of_a_move": done.ladder.price,
        "slack": done.prepared.wishes.slack,
        "ladder": [{k: _plain(v) for k, v in row.items()} for row in rows.ladder_rows(done.ladder)],
        "short_months": [
            {"csm_id": s.csm_id, "from": s.first, "to": s.last, "hours": round(s.hours, 2), "why": s.why}
            for s in short_months(done)
        ],
        "pay_protection": {
            str(r["csm_id"]): round(_number(r["pay_protection"]), 2) for r in rows.protection_rows(done)
        },
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
