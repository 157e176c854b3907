"""A written solution opened again for further questions: problem, decision and worth, without any judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from optcomp.assemble import Loaded
from optcomp.cells import printable
from optcomp.errors import CheckFailed
from optcomp.evaluate import Evaluation, evaluate
from optcomp.hooks import Hook
from optcomp.keep import KEPT, parse_kept, with_kept
from optcomp.problem import Problem
from optcomp.recheck import as_solved, own_hooks
from optcomp.reload import Reasons, load_solved, parse_json, read_folder, read_manifest, read_solution
from optcomp.solution import Solution
from optcomp.write import FILES, MANIFEST, SUMMARY


@dataclass(frozen=True, slots=True)
class Reopened:
    """What a solution folder holds.

    bound : proved when it was solved, a ratio; inf where nothing was
    hooks : the user's own constraints that it was solved with, where they were asked for
    """

    folder: Path
    loaded: Loaded
    problem: Problem
    solution: Solution
    evaluation: Evaluation
    bound: float
    hooks: tuple[Hook, ...] = ()


def reopen(folder: Path, *, instance: Path | None = None, hooks: Sequence[Path] | None = None) -> Reopened:
    """A solution and its problem.

    instance : where the instance is now; None means where the manifest says
    hooks : files of the user's own constraints, the same that it was solved with; None where they do not matter

    Raises
    ------
    InputError
        When the folder is no solution of a known version, or its instance or a hook is not to be had.
    CheckFailed
        When the files hold no decision for the instance as it is now, or a hook is not what it was.
    """
    files = read_folder(folder, (*FILES, KEPT))
    manifest = read_manifest(files.get(MANIFEST))
    _, loaded = load_solved(folder, manifest, instance)
    problem = loaded.problem
    if KEPT in files:
        problem = with_kept(problem, parse_kept(files[KEPT], KEPT))
    problem = as_solved(problem, manifest)
    reasons = Reasons()
    loaded_hooks = () if hooks is None else own_hooks(manifest, hooks, reasons)
    if reasons.sentences:
        raise CheckFailed(" ".join(reasons.sentences))
    solution = read_solution(files, problem, reasons)
    if solution is None:
        raise CheckFailed(f"{printable(str(folder))} holds no solution of its instance: {' '.join(reasons.sentences)}")
    summary = parse_json(files.get(SUMMARY, b""))
    bound = summary.get("objective_bound") if isinstance(summary, dict) else None
    known = float(bound) if isinstance(bound, (int, float)) else float("inf")
    return Reopened(folder, loaded, problem, solution, evaluate(problem, solution), known, loaded_hooks)
