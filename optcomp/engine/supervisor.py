"""The engine and what surrounds it: the handlers that turn Ctrl-C into an answer."""

from __future__ import annotations

import atexit
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from optcomp.engine.batch import Batch
from optcomp.engine.executor import Executor, OnProgress
from optcomp.engine.job import Job, Outcome
from optcomp.engine.program import check
from optcomp.engine.worker import Pool


class Engine(Executor):
    """The one door to HiGHS: programs in, points with bounds out; HiGHS runs in child processes and cannot hurt us.

    Use as a context manager. Workers start when first needed and are used again. One thread may solve at a time;
    `interrupt` may be called from anywhere, a signal handler included. Equal jobs get equal answers unless a clock or
    an interrupt stopped them. A worker that dies or overstays its limit by `grace_seconds` is killed; its job is tried
    once more, with other options, in the time that is left.

    workers : most child processes at a time, 1 or more
    """

    def __init__(self, workers: int = 2, *, grace_seconds: float = 15.0) -> None:
        if workers < 1:
            raise ValueError(f"workers is {workers}; it must be 1 or more.")
        self._pool = Pool(workers, grace_seconds)
        self._is_interrupted = False
        self._lock = threading.Lock()
        # multiprocessing joins its children at exit and ours do not heed its SIGTERM: end them before it comes to that.
        atexit.register(self.close)

    @property
    def info(self) -> str:
        """Who solves, in words."""
        return f"{self._pool.size} processes of this machine"

    @property
    def process_ids(self) -> list[int]:
        """Ids of the worker processes, for a monitor."""
        return self._pool.process_ids

    def close(self) -> None:
        """End all workers; a later solve would start new ones."""
        self._pool.close()
        atexit.unregister(self.close)

    def interrupt(self) -> None:
        """Stop: running solves come back INTERRUPTED with their best point and bound, later ones at once."""
        self._is_interrupted = True  # nothing but this: a signal handler may run while any lock is held

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        """The outcomes of the jobs, in their order (see `Executor`)."""
        for job in jobs:
            check(job.program)
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("The engine is solving already; one thread may solve at a time.")
        try:
            batch = Batch(
                self._pool,
                jobs,
                on_progress=on_progress,
                deadline=float("inf") if deadline is None else deadline,
                is_interrupted=lambda: self._is_interrupted,
            )
            return batch.solve()
        finally:
            self._lock.release()


class Interruption:
    """Which signal asked to stop, or None; a command ends with `exit_code` then."""

    def __init__(self, engine: Executor) -> None:
        self._engine = engine
        self.received: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """128 + the signal's number as shells count (130 for Ctrl-C, 143 for SIGTERM), or 0."""
        return 0 if self.received is None else 128 + self.received.value

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Once: the engine comes back with its best. Twice: out."""
        if self.received is None:
            self.received = signal.Signals(number)
            self._engine.interrupt()
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)


@contextmanager
def interruptible(engine: Executor) -> Iterator[Interruption]:
    """Handlers for Ctrl-C and SIGTERM that make the engine stop with its best answer; the old ones return afterwards.

    Only the main thread can install handlers; elsewhere nothing is changed.
    """
    interruption = Interruption(engine)
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
