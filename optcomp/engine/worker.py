"""A worker as the parent sees it: a process started by spawn, a pipe, and the power to kill it."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait

from optcomp.engine.task import Task
from optcomp.errors import SolverError

BROKEN_VERSIONS = ("1.14.0",)
"""HiGHS versions that call wrong answers optimal: 1.14.0 says 15 for `min 2x + 3z, x + z >= 4.5, z integer` (9)."""

SECONDS_TO_START = 120.0
"""A worker starts in under a second; a machine that swaps may need many. Then it is broken rather than slow."""

SECONDS_TO_LEAVE = 2.0
"""An idle worker leaves in under 0.1 s when its pipe closes; after this it is killed."""


def _enter(connection: Connection) -> None:
    """First lines of a worker; imports HiGHS here so that the parent never does (see `child`)."""
    from optcomp.engine.child import listen

    listen(connection)


def check_version(version: str) -> None:
    """Refuse a HiGHS that is known to be wrong."""
    if version in BROKEN_VERSIONS:
        raise SolverError(f"HiGHS {version} is known to give wrong answers. Install highspy 1.15.1 or later.")


class Worker:
    """One child process that solves one task at a time; its last word on a task is "done".

    Started by spawn: after a solve, a forked child of HiGHS can hang for ever.
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_enter, args=(theirs,), daemon=True, name="optcomp-solver")
        with _signals_held():
            self.process.start()
        theirs.close()  # else the end of the child would not be seen

    def await_ready(self) -> None:
        """Wait until HiGHS is loaded, and refuse a broken one."""
        hint = "A script must create the engine under `if __name__ == '__main__':`."
        try:
            if not self.connection.poll(SECONDS_TO_START):
                raise SolverError(f"A solver process did not start within {SECONDS_TO_START:.0f} s. {hint}")
            _, version = self.connection.recv()
        except (EOFError, OSError) as error:
            raise SolverError(f"A solver process ended while starting. {hint}") from error
        check_version(version)

    def send(self, task: Task, *, patience_seconds: float) -> None:
        """Hand over a task; raises OSError when the worker is dead or does not read it in time."""
        with self._hurried(patience_seconds):
            self.connection.send(task)

    def receive(self, *, patience_seconds: float) -> tuple[str, object]:
        """The next message; raises EOFError or OSError when the worker dies or stops half-way through it."""
        with self._hurried(patience_seconds):
            kind, content = self.connection.recv()
        return kind, content

    @contextmanager
    def _hurried(self, seconds: float) -> Iterator[None]:
        """Kill the worker if the block takes longer: a pipe to a stopped process would hold the parent for ever."""
        guard = threading.Timer(seconds, self.kill)
        guard.daemon = True
        guard.start()
        try:
            yield
        finally:
            guard.cancel()

    def interrupt(self) -> None:
        """Ask the worker to stop; it comes back with what it has."""
        with suppress(OSError):  # if it died, the reader of the pipe finds out
            self.connection.send(None)

    def kill(self) -> None:
        """End the process at once."""
        if self.process.is_alive():
            self.process.kill()

    def close(self) -> None:
        """Close the pipe, which is the sign to leave, and make sure that the process does."""
        self.connection.close()
        if not wait([self.process.sentinel], timeout=SECONDS_TO_LEAVE):
            self.kill()
            wait([self.process.sentinel], timeout=SECONDS_TO_LEAVE)
        self.process.join(0)


class Pool:
    """The workers of an engine: started when needed, used again, replaced when lost."""

    def __init__(self, size: int, grace_seconds: float) -> None:
        self.size = size
        self.grace_seconds = grace_seconds
        self._workers: list[Worker] = []

    @property
    def process_ids(self) -> list[int]:
        """Ids of the running worker processes, for a monitor."""
        return [worker.process.pid for worker in self._workers if worker.process.pid is not None]

    def idle_worker(self, busy: list[Worker]) -> Worker:
        """A worker that is alive and not among `busy`."""
        for worker in list(self._workers):
            if not any(worker is other for other in busy):
                if worker.process.is_alive():
                    return worker
                self.discard(worker)
        worker = Worker()
        self._workers.append(worker)
        worker.await_ready()
        return worker

    def discard(self, worker: Worker) -> None:
        """Kill a worker and forget it."""
        self._workers.remove(worker)
        worker.kill()
        worker.close()

    def close(self) -> None:
        """End all workers."""
        while self._workers:
            self._workers.pop().close()


@contextmanager
def _signals_held() -> Iterator[None]:
    """Hold back Ctrl-C for the time of a start, so that a child never meets it before it can ignore it.

    The child inherits the mask until it ignores them; the parent gets a held signal right after. multiprocessing's own
    helper process has to run before, because starting it lifts the mask.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
