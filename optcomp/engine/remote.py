"""What runs in a worker of a cluster: one attempt at a job, from numbers to numbers.

The worker is not ours: it may run other people's tasks in other threads, and its process cannot be killed for a solve
that hangs. The parent believes nothing of the answer that it has not checked (`run`).
"""

from __future__ import annotations

import platform
import threading
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from optcomp.engine.program import value_at, verified
from optcomp.engine.task import Report, Task
from optcomp.types import FloatArray

# State of the process and not of a call: what a cluster sends to its workers has no other place to meet. HiGHS objects
# of one process share their threads, so they take turns; sessions that were interrupted are few and stay known.
_ALONE = threading.Lock()
_STOPPED: set[str] = set()


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """The best point seen, the best bound without the program's offset, the last word, and who says so."""

    point: FloatArray | None
    bound: float
    report: Report
    versions: dict[str, str]


def own_versions() -> dict[str, str]:
    """Versions that have to be the same everywhere, else answers could differ."""
    found = {name: metadata.version(name) for name in ("optcomp", "highspy", "numpy")}
    return {"Python": platform.python_version(), **found}


def versions() -> dict[str, str]:
    """The same as a worker sees them, with what HiGHS says of itself."""
    from optcomp.engine.child import highs_version  # imports HiGHS, which only a worker may

    return own_versions() | {"HiGHS": highs_version()}


def stop(session: str) -> None:
    """Make solves of a session come back with what they have."""
    _STOPPED.add(session)


def attempt(task: Task, session: str) -> Answer:
    """One attempt at a task; its clock runs while it waits for its turn."""
    from optcomp.engine.child import Solve

    account = _Account(task)
    solve = Solve(task, account.hear, lambda: session in _STOPPED)
    with _ALONE:
        solve.run()
    return account.answer()


class _Account:
    """What a solve says on the way, kept as one point and one number."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._point: FloatArray | None = None
        self._value = -np.inf
        self._bound = np.inf
        self._report: Report | None = None

    def hear(self, kind: str, content: object) -> None:
        if isinstance(content, Report):
            self._report = content
        elif isinstance(content, np.ndarray):
            self._take_point(content)
        elif isinstance(content, float):
            self._bound = min(self._bound, content)

    def _take_point(self, point: FloatArray) -> None:
        sound = verified(self._task.program, point)
        if sound is not None and value_at(self._task.program, sound) > self._value:
            self._point, self._value = sound, value_at(self._task.program, sound)

    def answer(self) -> Answer:
        report = self._report or Report("refused", None, np.inf, None, 0)
        return Answer(self._point, self._bound, report, versions())
