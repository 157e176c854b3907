"""The best solution of a solve that still runs, on disk: whole, private, and enough to start again after a kill.

One file beside the solution folder (`.OUT.partial`): the decision and the digest of what it was made from. It is
written by renaming, so a kill leaves the one before or the one after, and it goes when the folder itself is written.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from optcomp.errors import Finding, InputError, OutputError
from optcomp.manifest import Origin, digest_of, digests
from optcomp.problem import Problem
from optcomp.publish import published_file
from optcomp.reload import parse_json, read_folder
from optcomp.solution import Solution
from optcomp.write import json_bytes

SCHEMA = "optcomp/partial/1"
SECONDS_BETWEEN = 2.0
"""Improvements can come by the hundred; a kill costs what two seconds have found, and writing costs next to nothing."""


class Partial:
    """Keeps the best solution of a running solve at a place on disk.

    start : what an earlier run left (`read`), to begin with
    digest : of everything that decides what may be chosen and what it is worth (`digest_of_inputs`)
    trouble : why it could not be written, once that has happened; the solve goes on without
    """

    def __init__(self, out: Path, digest: str) -> None:
        self.path = out.with_name(f".{out.name}.partial")
        self.start: Solution | None = None
        self.trouble = ""
        self._digest = digest
        self._pending: tuple[Solution, float] | None = None
        self._written_at = -SECONDS_BETWEEN
        for unfinished in self.path.parent.glob(
            ".*.partial.tmp-*"
        ):  # of a run that was killed; the caller has the lock
            if unfinished.name.startswith(f".{self.path.name}.tmp-"):
                shutil.rmtree(unfinished, ignore_errors=True)

    def keep(self, solution: Solution, objective: float) -> None:
        """Note a solution that is better than all before; it is written at once or a little later."""
        self._pending = solution, objective
        self.flush()

    def flush(self) -> None:
        """Write what is noted, unless something was written just before."""
        if self._pending is None or self.trouble or time.monotonic() - self._written_at < SECONDS_BETWEEN:
            return
        solution, objective = self._pending
        try:
            with published_file(self.path, force=True) as fresh:
                fresh.write_bytes(json_bytes(_content(solution, objective, self._digest)))
        except OutputError as error:  # a full disk is no reason to lose what is in memory
            self.trouble = str(error)
        self._pending, self._written_at = None, time.monotonic()

    def read(self, problem: Problem) -> bool:
        """Begin with the solution that an earlier run left here; whether there is one.

        Raises
        ------
        InputError
            When it belongs to other inputs, or is no solution of the problem.
        """
        if self.path.is_symlink():
            raise _refused("It is a symbolic link", "A file that `optcomp solve` left")
        files = read_folder(self.path.parent, (self.path.name,))
        if not files:
            return False
        content = parse_json(files[self.path.name])
        if not isinstance(content, dict) or content.get("schema") != SCHEMA:
            raise _refused("It is not a saved solution of this version of optcomp", "A file that `optcomp solve` left")
        if content.get("inputs") != self._digest:
            raise _refused("It was saved for other inputs or settings", "The same instance, models and settings again")
        self.start = _solution(content, problem)
        return True

    def remove(self) -> None:
        """It is no longer needed."""
        self.path.unlink(missing_ok=True)


def digest_of_inputs(origin: Origin, problem: Problem, more: Iterable[object] = ()) -> str:
    """SHA-256 over everything that decides what may be chosen and what it is worth.

    more : settings of the solve that do; its time, gap, seed and machines do not
    """
    facts = {
        "inputs": digests(origin.files, origin.instance),
        "hooks": [digest_of(path) for path in origin.hooks],
        "overrides": list(origin.overrides),
        "kept": repr(problem.instance.kept),
        "more": [repr(value) for value in more],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _content(solution: Solution, objective: float, digest: str) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "inputs": digest,
        "objective": objective,
        "plan_by_segment": dict(solution.plan_by_segment),
        "csm_by_account": dict(solution.csm_by_account),
        "filled": sorted(solution.filled),
    }


def _solution(content: Mapping[str, Any], problem: Problem) -> Solution:
    """The decision in the file; whether it holds is for `evaluate` to say."""
    plans, owners, filled = (content.get(key) for key in ("plan_by_segment", "csm_by_account", "filled"))
    menu = {segment.name: {p.plan_id for p in problem.plans[s]} for s, segment in enumerate(problem.segments)}
    csms = set(problem.csms.ids)
    fits = (
        isinstance(plans, dict)
        and isinstance(owners, dict)
        and isinstance(filled, list)
        and plans.keys() == menu.keys()
        and all(isinstance(plan, str) and plan in menu[segment] for segment, plan in plans.items())
        and owners.keys() <= set(problem.accounts.ids)
        and all(isinstance(csm, str) and csm in csms for csm in [*owners.values(), *filled])
    )
    if not fits or not isinstance(plans, dict) or not isinstance(owners, dict) or not isinstance(filled, list):
        raise _refused("It is not a solution of the instance", "A file as `optcomp solve` left it")
    return Solution(plans, owners, frozenset(filled))


def _refused(found: str, allowed: str) -> InputError:
    return InputError(
        Finding("partial", found, allowed, "Solve without --resume to start anew", file="the saved solution")
    )
