"""Jobs solved by workers elsewhere: who is asked, whose time is up, what to do when a worker is lost.

The same for every kind of cluster; a `Fleet` is what one kind has to be able to do. A worker that is lost costs time
only. Answers are those of `Engine`, for every worker runs the same HiGHS on the same arrays, and what comes back is
believed by the same rules (`run`).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from optcomp.engine import remote
from optcomp.engine.batch import SECONDS_BETWEEN_LOOKS, SECONDS_TO_YIELD
from optcomp.engine.executor import Executor, OnProgress
from optcomp.engine.job import Ending, Job, Outcome
from optcomp.engine.program import check
from optcomp.engine.run import ReportError, Run, answer_without_solver
from optcomp.engine.task import Task
from optcomp.engine.worker import check_version
from optcomp.errors import OutputError


class Fleet(Protocol):
    """The workers of a cluster, each of whom solves one task at a time."""

    @property
    def size(self) -> int:
        """How many there are."""

    @property
    def is_lost(self) -> bool:
        """The cluster is gone, and nothing more will come from it."""

    def send(self, task: Task) -> Hashable:
        """Hand over a task to whoever is free; a ticket for its answer."""

    def wait(self, seconds: float) -> Hashable | None:
        """The ticket of a task that has ended, well or not, as soon as there is one; None after some seconds."""

    def answer(self, ticket: Hashable) -> remote.Answer | None:
        """The answer of a task that has ended; None where its workers were lost."""

    def cancel(self, ticket: Hashable) -> None:
        """Forget a task; its worker is free again as soon as it can be."""

    def stop(self) -> None:
        """Tell all workers to come back with what they have; it may take long."""


def compare_versions(found: dict[str, str]) -> None:
    """Refuse a worker whose versions are not those of this process; HiGHS itself is asked only over there.

    Raises
    ------
    OutputError
        When Python, numpy, highspy or optcomp differ.
    SolverError
        When its HiGHS is known to be wrong.
    """
    own = remote.own_versions()
    other = [
        f"{name} {found.get(name)} (here {version})" for name, version in own.items() if found.get(name) != version
    ]
    if other:
        raise OutputError(
            f"A worker of the cluster has other versions: {', '.join(other)}. Answers could differ; install the same."
        )
    check_version(found["HiGHS"])


@dataclass(slots=True)
class _Flight:
    """A run that is under way on the cluster; `is_second` after a failure, with other options."""

    index: int
    run: Run
    kill_at: float
    is_second: bool


class FarBatch:
    """The jobs of one call."""

    def __init__(
        self,
        fleet: Fleet,
        jobs: Sequence[Job],
        *,
        is_interrupted: Callable[[], bool],
        deadline: float,
        grace_seconds: float,
    ) -> None:
        self._fleet, self._jobs, self._size = fleet, jobs, max(fleet.size, 1)
        self._is_interrupted = is_interrupted
        self._deadline, self._grace_seconds = deadline, grace_seconds
        self._waiting = deque(range(len(jobs)))
        self._flights: dict[Hashable, _Flight] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._was_told_to_stop = False

    def solve(self, on_progress: OnProgress | None) -> list[Outcome]:
        """The outcomes, in the order of the jobs."""
        try:
            while self._waiting or self._flights:
                while self._waiting and (self._is_interrupted() or len(self._flights) < self._size):
                    self._take_up(self._waiting.popleft())
                self._watch_clocks()
                ticket = self._fleet.wait(SECONDS_BETWEEN_LOOKS) if self._flights else None
                if ticket is not None:
                    self._land(ticket, on_progress)
        finally:
            for ticket in self._flights:  # only after an exception
                self._fleet.cancel(ticket)
        return [self._outcomes[index] for index in range(len(self._jobs))]

    def _take_up(self, index: int) -> None:
        run = Run(self._jobs[index], self._deadline)
        outcome = run.outcome(Ending.INTERRUPTED) if self._is_interrupted() else answer_without_solver(run)
        if outcome is None and self._fleet.is_lost:
            outcome = run.outcome(Ending.CRASHED)
        if outcome is not None:
            self._outcomes[index] = outcome
            return
        run.start_clock()
        self._send(index, run, is_second=False)

    def _send(self, index: int, run: Run, *, is_second: bool) -> None:
        ticket = self._fleet.send(run.task(is_second=is_second))
        self._flights[ticket] = _Flight(index, run, run.deadline + self._grace_seconds, is_second)

    def _watch_clocks(self) -> None:
        now = time.monotonic()
        if self._is_interrupted() and self._flights and not self._was_told_to_stop:
            self._was_told_to_stop = True
            for flight in self._flights.values():
                flight.kill_at = min(flight.kill_at, now + min(SECONDS_TO_YIELD, self._grace_seconds))
            threading.Thread(target=self._tell_to_stop, daemon=True).start()  # a worker that hangs never replies
        for ticket, flight in list(self._flights.items()):
            if now > flight.kill_at:
                self._fleet.cancel(ticket)
                self._fail(self._flights.pop(ticket))

    def _tell_to_stop(self) -> None:
        with suppress(OSError):
            self._fleet.stop()

    def _land(self, ticket: Hashable, on_progress: OnProgress | None) -> None:
        flight = self._flights.pop(ticket, None)
        if flight is None:
            return  # given up before
        answer = self._fleet.answer(ticket)
        if answer is None:
            self._fail(flight)
            return
        compare_versions(answer.versions)  # a worker may have joined later
        run = flight.run
        if answer.point is not None:
            run.take_point(answer.point)
        run.take_bound(answer.bound)
        try:
            self._outcomes[flight.index] = run.conclude(answer.report)
        except ReportError:
            self._fail(flight)
        if on_progress is not None:
            on_progress(run.progress())

    def _fail(self, flight: _Flight) -> None:
        """Try a failed job once more, in the time that is left, or end it with the best that is known."""
        if self._is_interrupted():
            self._outcomes[flight.index] = flight.run.outcome(Ending.INTERRUPTED)
        elif flight.is_second or flight.run.seconds_left == 0 or self._fleet.is_lost:
            self._outcomes[flight.index] = flight.run.outcome(Ending.CRASHED)
        else:
            self._send(flight.index, flight.run, is_second=True)


class FarExecutor(Executor):
    """Solves jobs on a fleet, one job a worker at a time."""

    def __init__(self, fleet: Fleet, *, grace_seconds: float) -> None:
        self._fleet = fleet
        self._grace_seconds = grace_seconds
        self._is_interrupted = False

    def interrupt(self) -> None:
        """Stop: running solves come back INTERRUPTED with their best point and bound, later ones at once."""
        self._is_interrupted = True

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        """The outcomes of the jobs, in their order (see `Executor`); progress is told when a job ends."""
        for job in jobs:
            check(job.program)
        batch = FarBatch(
            self._fleet,
            jobs,
            is_interrupted=lambda: self._is_interrupted,
            deadline=float("inf") if deadline is None else deadline,
            grace_seconds=self._grace_seconds,
        )
        return batch.solve(on_progress)
