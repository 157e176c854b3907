"""Jobs solved by the workers of an existing Dask cluster: their numbers travel, nobody's name does.

A worker that is lost costs time only: the scheduler gives its job to another one. Answers are those of `Engine`, for
every worker runs the same HiGHS on the same arrays, and what comes back is believed by the same rules (`run`).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue

import dask
from distributed import Client, Future

from optcomp.engine import remote
from optcomp.engine.batch import SECONDS_BETWEEN_LOOKS, SECONDS_TO_YIELD
from optcomp.engine.executor import Executor, OnProgress
from optcomp.engine.job import Ending, Job, Outcome
from optcomp.engine.program import check
from optcomp.engine.run import ReportError, Run, answer_without_solver
from optcomp.engine.worker import check_version
from optcomp.errors import OutputError

SECONDS_TO_CONNECT = 10.0
"""A scheduler on the same network answers in far under a second; after this it is taken to be unreachable."""

LARGEST_JOB = "1GB"
"""Dask warns of tasks above 10 MB, for they are often a mistake. A large pool's program is meant to travel."""


@dataclass(slots=True)
class _Flight:
    """A run that is under way on the cluster; `is_second` after a failure, with other options."""

    index: int
    run: Run
    kill_at: float
    is_second: bool


class DaskExecutor(Executor):
    """Solves jobs on the Dask cluster at `address` ("tcp://host:8786", "tls://…"), one job a worker at a time.

    Raises
    ------
    OutputError
        When the scheduler cannot be reached, has no workers, or a worker runs other versions than this process.
    """

    def __init__(self, address: str, *, grace_seconds: float = 15.0) -> None:
        self._address = address
        self._grace_seconds = grace_seconds
        self._session = uuid.uuid4().hex
        self._is_interrupted = False
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False, name="optcomp")
        except (OSError, ValueError) as error:  # refused, timed out; not an address
            raise OutputError(
                f"No Dask scheduler answers at {address}. Check the address (tcp://HOST:8786), that `dask scheduler`"
                " runs there, and that no firewall is between."
            ) from error
        try:
            self._compare_versions()
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> str:
        """Who solves, in words."""
        return f"{self._num_workers()} workers of the cluster at {self._address}"

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        self._client.close()

    def interrupt(self) -> None:
        """Stop: running solves come back INTERRUPTED with their best point and bound, later ones at once."""
        self._is_interrupted = True

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        """The outcomes of the jobs, in their order (see `Executor`); progress is told when a job ends."""
        for job in jobs:
            check(job.program)
        batch = _Batch(
            self._client,
            jobs,
            size=self._num_workers(),
            session=self._session,
            is_interrupted=lambda: self._is_interrupted,
            deadline=float("inf") if deadline is None else deadline,
            grace_seconds=self._grace_seconds,
        )
        return batch.solve(on_progress)

    def _num_workers(self) -> int:
        return len(self._client.scheduler_info()["workers"])

    def _compare_versions(self) -> None:
        hint = "Install the same versions there: pip install -c requirements.lock 'optcomp[dask]'."
        try:
            by_worker = self._client.run(remote.versions)
        except ModuleNotFoundError as error:
            raise OutputError(f"A worker of the cluster cannot import {error.name}. {hint}") from error
        if not by_worker:
            raise OutputError(f"The cluster at {self._address} has no workers. Start some with `dask worker`.")
        for found in by_worker.values():
            _compare(found)


def _compare(found: dict[str, str]) -> None:
    """Refuse a worker whose versions are not those of this process; HiGHS itself is asked only over there."""
    own = remote.own_versions()
    other = [
        f"{name} {found.get(name)} (here {version})" for name, version in own.items() if found.get(name) != version
    ]
    if other:
        raise OutputError(
            f"A worker of the cluster has other versions: {', '.join(other)}. Answers could differ; install the same."
        )
    check_version(found["HiGHS"])


class _Batch:
    """The jobs of one call."""

    def __init__(
        self,
        client: Client,
        jobs: Sequence[Job],
        *,
        size: int,
        session: str,
        is_interrupted: Callable[[], bool],
        deadline: float,
        grace_seconds: float,
    ) -> None:
        self._client, self._jobs, self._size = client, jobs, max(size, 1)
        self._session, self._is_interrupted = session, is_interrupted
        self._deadline, self._grace_seconds = deadline, grace_seconds
        self._waiting = deque(range(len(jobs)))
        self._flights: dict[Future, _Flight] = {}
        self._landed: Queue[Future] = Queue()
        self._outcomes: dict[int, Outcome] = {}
        self._was_told_to_stop = False

    def solve(self, on_progress: OnProgress | None) -> list[Outcome]:
        """The outcomes, in the order of the jobs."""
        try:
            while self._waiting or self._flights:
                while self._waiting and (self._is_interrupted() or len(self._flights) < self._size):
                    self._take_up(self._waiting.popleft())
                self._watch_clocks()
                with suppress(Empty):
                    self._land(self._landed.get(timeout=SECONDS_BETWEEN_LOOKS), on_progress)
        finally:
            self._client.cancel(list(self._flights))  # only after an exception
        return [self._outcomes[index] for index in range(len(self._jobs))]

    def _take_up(self, index: int) -> None:
        run = Run(self._jobs[index], self._deadline)
        outcome = run.outcome(Ending.INTERRUPTED) if self._is_interrupted() else answer_without_solver(run)
        if outcome is None and self._client.status != "running":  # the scheduler is gone
            outcome = run.outcome(Ending.CRASHED)
        if outcome is not None:
            self._outcomes[index] = outcome
            return
        run.start_clock()
        self._send(index, run, is_second=False)

    def _send(self, index: int, run: Run, *, is_second: bool) -> None:
        key = f"optcomp-{uuid.uuid4().hex}"
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST_JOB}):
            future = self._client.submit(
                remote.attempt, run.task(is_second=is_second), self._session, key=key, pure=False
            )
        self._flights[future] = _Flight(index, run, run.deadline + self._grace_seconds, is_second)
        future.add_done_callback(self._landed.put)

    def _watch_clocks(self) -> None:
        now = time.monotonic()
        if self._is_interrupted() and self._flights and not self._was_told_to_stop:
            self._was_told_to_stop = True
            for flight in self._flights.values():
                flight.kill_at = min(flight.kill_at, now + min(SECONDS_TO_YIELD, self._grace_seconds))
            threading.Thread(target=self._tell_to_stop, daemon=True).start()  # a worker that hangs never replies
        for future, flight in list(self._flights.items()):
            if now > flight.kill_at:
                future.cancel()
                self._fail(self._flights.pop(future))

    def _tell_to_stop(self) -> None:
        with suppress(OSError):
            self._client.run(remote.stop, self._session, on_error="ignore")

    def _land(self, future: Future, on_progress: OnProgress | None) -> None:
        flight = self._flights.pop(future, None)
        if flight is None:
            return  # given up before
        if future.status != "finished":
            self._fail(flight)  # it has taken several workers with it, or the scheduler is gone
            return
        answer: remote.Answer = future.result()
        _compare(answer.versions)  # a worker may have joined later
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
        elif flight.is_second or flight.run.seconds_left == 0 or self._client.status != "running":
            self._outcomes[flight.index] = flight.run.outcome(Ending.CRASHED)
        else:
            self._send(flight.index, flight.run, is_second=True)
