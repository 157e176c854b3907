"""Several jobs solved in parallel: who works on what, whose time is up, what to do when a worker fails."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import cast

from optcomp.engine.executor import OnProgress
from optcomp.engine.job import Ending, Job, Outcome
from optcomp.engine.run import ReportError, Run, answer_without_solver
from optcomp.engine.task import Report
from optcomp.engine.worker import Pool, Worker
from optcomp.errors import SolverError
from optcomp.types import FloatArray

SECONDS_BETWEEN_LOOKS = 0.1
"""How long the parent waits before it looks at its clocks and the interrupt flag again; 0.1 s feels like at once."""

SECONDS_TO_YIELD = 3.0
"""A worker that was interrupted is killed after this; presolve does not listen, and nobody likes to wait."""


@dataclass(slots=True)
class _Attempt:
    """A run on a worker; `is_second` after a failure, with other options."""

    index: int
    run: Run
    worker: Worker
    kill_at: float
    is_second: bool
    was_told_to_stop: bool = False


class Batch:
    """The jobs of one call; lives as long as the call."""

    def __init__(
        self,
        pool: Pool,
        jobs: Sequence[Job],
        *,
        on_progress: OnProgress | None,
        deadline: float,
        is_interrupted: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._jobs = jobs
        self._on_progress = on_progress
        self._deadline = deadline
        self._is_interrupted = is_interrupted
        self._waiting = deque(range(len(jobs)))
        self._busy: list[_Attempt] = []
        self._outcomes: dict[int, Outcome] = {}

    def solve(self) -> list[Outcome]:
        """The outcomes, in the order of the jobs."""
        try:
            while self._waiting or self._busy:
                while self._waiting and (self._is_interrupted() or len(self._busy) < self._pool.size):
                    self._take_up(self._waiting.popleft())
                self._watch_clocks()
                self._read_messages()
        finally:
            for attempt in self._busy:  # only after an exception: their workers are in the middle of something
                self._pool.discard(attempt.worker)
        return [self._outcomes[index] for index in range(len(self._jobs))]

    def _take_up(self, index: int) -> None:
        run = Run(self._jobs[index], self._deadline)
        outcome = run.outcome(Ending.INTERRUPTED) if self._is_interrupted() else answer_without_solver(run)
        if outcome is not None:
            self._outcomes[index] = outcome
            return
        worker = self._pool.idle_worker([attempt.worker for attempt in self._busy])
        run.start_clock()
        self._send(index, run, worker, is_second=False)

    def _send(self, index: int, run: Run, worker: Worker, *, is_second: bool) -> None:
        grace = self._pool.grace_seconds
        attempt = _Attempt(index, run, worker, run.deadline + grace, is_second)
        self._busy.append(attempt)
        try:
            worker.send(run.task(is_second=is_second), patience_seconds=grace)
        except OSError:
            self._fail(attempt, worker_is_lost=True)

    def _watch_clocks(self) -> None:
        now = time.monotonic()
        for attempt in list(self._busy):
            if self._is_interrupted() and not attempt.was_told_to_stop:
                attempt.was_told_to_stop = True
                attempt.kill_at = min(attempt.kill_at, now + min(SECONDS_TO_YIELD, self._pool.grace_seconds))
                attempt.worker.interrupt()
            if now > attempt.kill_at:
                self._fail(attempt, worker_is_lost=True)

    def _read_messages(self) -> None:
        by_connection = {attempt.worker.connection: attempt for attempt in self._busy}
        for connection in wait(list(by_connection), timeout=SECONDS_BETWEEN_LOOKS) if by_connection else ():
            attempt = by_connection[connection]  # type: ignore[index]  # wait returns what it was given
            try:
                kind, content = attempt.worker.receive(patience_seconds=self._pool.grace_seconds)
            except (EOFError, OSError):
                self._fail(attempt, worker_is_lost=True)
            else:
                self._hear(attempt, kind, content)

    def _hear(self, attempt: _Attempt, kind: str, content: object) -> None:
        run = attempt.run
        before = (run.value, run.bound)
        if kind == "point":
            run.take_point(cast(FloatArray, content))
        elif kind == "bound":
            run.take_bound(cast(float, content))
        else:
            try:
                outcome = run.conclude(cast(Report, content))
            except ReportError:
                self._fail(attempt, worker_is_lost=False)
            else:
                self._finish(attempt, outcome)
        if self._on_progress is not None and before != (run.value, run.bound):
            self._on_progress(run.progress())

    def _fail(self, attempt: _Attempt, *, worker_is_lost: bool) -> None:
        """Try a failed job once more, in the time that is left, or end it with the best that it left behind."""
        self._busy.remove(attempt)
        if worker_is_lost:
            self._pool.discard(attempt.worker)
        if self._is_interrupted():
            self._outcomes[attempt.index] = attempt.run.outcome(Ending.INTERRUPTED)
        elif attempt.is_second or attempt.run.seconds_left == 0:
            self._outcomes[attempt.index] = attempt.run.outcome(Ending.CRASHED)
        else:
            self._try_again(attempt)

    def _try_again(self, attempt: _Attempt) -> None:
        try:
            worker = self._pool.idle_worker([other.worker for other in self._busy])
        except SolverError:  # no process to be had, for want of memory perhaps; the incumbent is worth more than that
            self._outcomes[attempt.index] = attempt.run.outcome(Ending.CRASHED)
        else:
            self._send(attempt.index, attempt.run, worker, is_second=True)

    def _finish(self, attempt: _Attempt, outcome: Outcome) -> None:
        self._busy.remove(attempt)
        self._outcomes[attempt.index] = outcome
