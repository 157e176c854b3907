"""Does a written solution hold? Everything in it is recomputed from the instance and compared, without any solver.

Numbers agree when they differ by no more than 1e-9 (ratios), a cent (money in summary.json), or one unit of the last
digit that a table shows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optcomp.average import with_draws
from optcomp.cells import printable
from optcomp.certificates import proof_of, read_certificate
from optcomp.decompose.certificate import CertificateError
from optcomp.decompose.verify import Proof
from optcomp.errors import Finding, InputError
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.frames import View
from optcomp.hooks import Hook, hook_violations, load_hook
from optcomp.keep import KEPT, parse_kept, with_kept
from optcomp.manifest import digest_of, digests, version
from optcomp.problem import Problem
from optcomp.reload import Reasons, Row, load_solved, parse_csv, parse_json, read_folder, read_manifest, read_solution
from optcomp.solution import Solution
from optcomp.summary import gap, solution_facts, today_facts
from optcomp.words import POINTS
from optcomp.write import CERTIFICATE, FILES, MANIFEST, OPTIONAL, SUMMARY, TABLES, decision_files, json_bytes

RATIO_TOLERANCE = 1e-9
MONEY_TOLERANCE = 0.01
# Points by which a proved bound may lie below the value: sums of floats and row tolerances (see solve.AGREEMENT).
BOUND_TOLERANCE = 1e-4
# Numbers of summary.json in money, hours and the like; all others are ratios, points or counts.
_MONEY = frozenset(
    {"arr", "arr_end", "arr_end_current", "pay_cost", "pay_base", "pay_variable", "pay_budget", "pay_cost_current",
     "exposure", "replacement_cost", "cost", "amount"}
)  # fmt: skip
# Cells that differ and are named one by one in a table.
MOST_CELLS = 3


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A solution that was read back, and what it is worth."""

    problem: Problem
    solution: Solution
    evaluation: Evaluation
    current: Evaluation


@dataclass(frozen=True, slots=True)
class Recheck:
    """What a re-check found: reasons against the solution (none: it holds), and its value where it could be read.

    proof : what its certificate proves of the bound, None where it has none
    writer : the other version of optcomp that wrote it, empty where that is this one
    """

    reasons: tuple[str, ...]
    recomputed: Recomputed | None
    summary: Mapping[str, Any]
    num_inputs: int
    proof: Proof | None = None
    writer: str = ""

    @property
    def holds(self) -> bool:
        """Nothing speaks against it."""
        return not self.reasons


def recheck(folder: Path, *, instance: Path | None = None, hooks: Sequence[Path] = ()) -> Recheck:
    """Re-check a solution folder.

    instance : where the instance is now; None means where the manifest says
    hooks : files of the user's own constraints, the same that it was solved with

    Raises
    ------
    InputError
        When the folder is not a solution of a known version, or the instance or a hook is not to be had.
    """
    files = read_folder(folder, (*FILES, *OPTIONAL))
    manifest = read_manifest(files.get(MANIFEST))
    place, loaded = load_solved(folder, manifest, instance)
    reasons = Reasons()
    _compare_digests(_texts(manifest, "inputs"), digests(loaded.files, place), "input", reasons)
    loaded_hooks = own_hooks(manifest, hooks, reasons)
    found = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != MANIFEST}
    _compare_digests(_texts(manifest, "outputs"), found, "file", reasons)
    summary = parse_json(files.get(SUMMARY, b""))
    if not isinstance(summary, dict):
        reasons.add("summary.json is missing or is not JSON.")
        summary = {}
    kept = parse_kept(files[KEPT], KEPT) if KEPT in files else ()
    recomputed = _recompute(files, as_solved(with_kept(loaded.problem, kept), manifest), loaded_hooks, reasons)
    if recomputed is not None:
        _compare_tables(files, recomputed, reasons)
        if summary:
            _compare_summary(summary, recomputed, manifest, reasons)
    proof = None
    if CERTIFICATE in files and recomputed is not None:
        proof = _proof(files[CERTIFICATE], recomputed.problem, loaded_hooks, summary, reasons)
    writer = str(manifest.get("optcomp", "of unknown version"))
    other = "" if writer == version("optcomp") else printable(writer)[:20]
    return Recheck(tuple(reasons.sentences), recomputed, summary, len(loaded.files), proof, other)


def _texts(manifest: Mapping[str, Any], key: str) -> dict[str, str]:
    value = manifest.get(key)
    return {str(k): str(v) for k, v in value.items()} if isinstance(value, dict) else {}


def as_solved(problem: Problem, manifest: Mapping[str, Any]) -> Problem:
    """The problem with as many draws as it was solved with; manifests of before there were draws name none."""
    draws = manifest.get("settings", {}).get("draws", 0)
    return with_draws(problem, draws if isinstance(draws, int) else None)


# ---- inputs and files ---------------------------------------------------------------------------------------------


def _compare_digests(recorded: Mapping[str, str], found: Mapping[str, str], noun: str, reasons: Reasons) -> None:
    changed = (name for name in recorded if name in found and found[name] != recorded[name])
    reasons.add_ids(f"The content of {noun}s is not what the manifest recorded", changed)
    reasons.add_ids(f"The manifest records {noun}s that are not there", set(recorded) - set(found))
    reasons.add_ids(f"The manifest does not record {noun}s that are there", set(found) - set(recorded))


def own_hooks(manifest: Mapping[str, Any], given: Sequence[Path], reasons: Reasons) -> tuple[Hook, ...]:
    """The user's own constraints that a solution was found with, from the files given; changed ones are a reason.

    Raises
    ------
    InputError
        When one is not given, or cannot be loaded.
    """
    recorded = _texts(manifest, "hooks")
    missing = set(recorded) - {path.name for path in given}
    if missing:
        names = ", ".join(printable(name) for name in sorted(missing))
        raise InputError(
            Finding(
                "hook", f"It was solved with constraints of your own in {names}", "The same files again",
                "Give each with --hook FILE; hooks are code and are never run by themselves", file="manifest.json",
            )
        )  # fmt: skip
    loaded = tuple(load_hook(path) for path in given)
    _compare_digests(recorded, {path.name: digest_of(path) for path in given}, "hook", reasons)
    return loaded


# ---- the decision and its worth -----------------------------------------------------------------------------------


def _recompute(
    files: Mapping[str, bytes], problem: Problem, hooks: Sequence[Hook], reasons: Reasons
) -> Recomputed | None:
    solution = read_solution(files, problem, reasons)
    if solution is None:
        return None
    evaluation = evaluate(problem, solution)
    for bend in evaluation.violations:
        reasons.add(f"The hard rule {bend.rule_id} is broken by {bend.amount:g} ({printable(bend.subject)[:60]}).")
    for sentence in hook_violations(hooks, problem, solution):
        reasons.add(f"A constraint of your own is broken: {printable(sentence)}")
    staying = problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem
    return Recomputed(problem, solution, evaluation, evaluate(staying, current_solution(staying)))


def _compare_tables(files: Mapping[str, bytes], recomputed: Recomputed, reasons: Reasons) -> None:
    expected = decision_files(recomputed)
    for name in TABLES:
        found_rows, rows = parse_csv(files[name]), parse_csv(expected[name])
        if found_rows is None or rows is None:
            continue  # said where the decision was read
        wrong = _wrong_cells(found_rows, rows)
        for sentence in wrong[:MOST_CELLS]:
            reasons.add(f"{name}, {sentence}")
        if len(wrong) > MOST_CELLS:
            reasons.add(f"{name}: {len(wrong) - MOST_CELLS} more cells differ from what the facts give.")


def _wrong_cells(found: Sequence[Row], expected: Sequence[Row]) -> list[str]:
    if [*(found[0] if found else {})] != [*(expected[0] if expected else {})]:
        return ["the columns are not those that optcomp writes."]
    if len(found) != len(expected):
        return [f"there are {len(found)} rows and the facts give {len(expected)}."]
    return [
        f"row {i}, column {name}: {printable(row[name])[:40]!r} is not {printable(cell)[:40]!r}, which the facts give."
        for i, (row, right) in enumerate(zip(found, expected, strict=True), start=2)
        for name, cell in right.items()
        if not _same_cell(row[name], cell)
    ]


def _same_cell(found: str, expected: str) -> bool:
    if found == expected:
        return True
    digits = len(expected.partition(".")[2])
    try:
        return digits > 0 and abs(float(found) - float(expected)) <= 1.01 * 10.0**-digits
    except ValueError:
        return False


def _proof(
    content: bytes, problem: Problem, hooks: Sequence[Hook], summary: Mapping[str, Any], reasons: Reasons
) -> Proof | None:
    """What the certificate proves; reasons where that is not the recorded bound."""
    try:
        proof = proof_of(problem, read_certificate(content), hooks)
    except CertificateError as error:
        reasons.add(f"{CERTIFICATE} proves nothing: {error}")
        return None
    recorded = summary.get("objective_bound")
    if not isinstance(recorded, (int, float)) or abs(POINTS * recorded - proof.claimed) > BOUND_TOLERANCE:
        reasons.add(f"{CERTIFICATE} is about another bound than the one in summary.json.")
    if not proof.holds:
        reasons.add(
            f"{CERTIFICATE} proves no more than {proof.bound:.6f} % and not the bound of {proof.claimed:.6f} %."
        )
    return proof


# ---- the summary --------------------------------------------------------------------------------------------------


def _compare_summary(
    summary: Mapping[str, Any], recomputed: Recomputed, manifest: Mapping[str, Any], reasons: Reasons
) -> None:
    bound = summary.get("objective_bound")
    bound = float(bound) if isinstance(bound, (int, float)) else None
    problem = recomputed.problem
    facts = today_facts(problem, recomputed.current, is_counterfactual=problem.has_leavers_with_books)
    facts |= solution_facts(View(recomputed), bound)
    expected = parse_json(json_bytes(facts))
    for key, value in expected.items():
        if not _same(summary.get(key), value, key):
            found, given = _apart(summary.get(key), value)
            reasons.add(f"summary.json, {key}: {found} is not {given}, which the facts give.")
    _compare_bound(summary, recomputed.evaluation.objective, bound, manifest, reasons)


def _compare_bound(
    summary: Mapping[str, Any], objective: float, bound: float | None, manifest: Mapping[str, Any], reasons: Reasons
) -> None:
    if summary.get("nrr_bound") != summary.get("objective_bound"):
        reasons.add("summary.json: nrr_bound and objective_bound differ.")
    if bound is not None and POINTS * (objective - bound) > BOUND_TOLERANCE:
        reasons.add(f"summary.json: the bound {bound:.9f} lies below the value {objective:.9f} of the solution.")
    distance = None if bound is None else gap(objective, bound)
    if not _same(summary.get("gap_pp"), distance, "gap_pp", 1e-6):
        reasons.add(f"summary.json, gap_pp: {_shown(summary.get('gap_pp'))} is not {_shown(distance)}.")
    asked = manifest.get("settings", {}).get("gap_pp")
    caution = summary.get("caution")
    proved = caution.get("gap_pp") if isinstance(caution, dict) else distance
    is_within = isinstance(proved, (int, float)) and isinstance(asked, (int, float)) and proved <= asked + 1e-6
    if summary.get("status") == "optimal" and not is_within:
        reasons.add("summary.json: the status is optimal and the gap is wider than the one that was asked for.")


def _same(found: Any, expected: Any, key: str = "", tolerance: float = RATIO_TOLERANCE) -> bool:
    if isinstance(expected, dict):
        same_keys = isinstance(found, dict) and found.keys() == expected.keys()
        return same_keys and all(_same(found[k], v, k, tolerance) for k, v in expected.items())
    if isinstance(expected, list):
        same_length = isinstance(found, list) and len(found) == len(expected)
        return same_length and all(_same(f, e, key, tolerance) for f, e in zip(found, expected, strict=True))
    if isinstance(expected, bool) or isinstance(found, bool) or not isinstance(expected, (int, float)):
        return bool(found == expected and type(found) is type(expected))
    if not isinstance(found, (int, float)) or not math.isfinite(found):
        return False
    allowed = MONEY_TOLERANCE if key in _MONEY else tolerance
    return abs(found - expected) <= allowed * 1.01 + 1e-12 * abs(expected)


def _apart(found: Any, expected: Any) -> tuple[str, str]:
    """Both as they are shown, from shortly before they part: long texts may begin alike."""
    texts = printable(str(found)), printable(str(expected))
    shorter = min(map(len, texts))
    alike = next((i for i in range(shorter) if texts[0][i] != texts[1][i]), shorter)
    start = max(alike - 20, 0)
    one, other = (("…" if start else "") + _shown(text[start:]) for text in texts)
    return one, other


def _shown(value: Any) -> str:
    return printable(str(value))[:60]
