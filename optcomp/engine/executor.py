"""What solves jobs, with equal answers: processes of this machine (`Engine`) or a cluster (`far`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from optcomp.engine.job import Job, Outcome, Progress

OnProgress = Callable[[Progress], None]


class Executor(Protocol):
    """Solves jobs in parallel. Use as a context manager; one thread may solve at a time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def info(self) -> str:
        """Who solves, in words."""
        ...

    def close(self) -> None:
        """Let go of everything."""

    def interrupt(self) -> None:
        """Stop: running solves come back INTERRUPTED with their best, later ones at once; a signal handler may call."""

    def solve(self, job: Job, *, on_progress: OnProgress | None = None, deadline: float | None = None) -> Outcome:
        """The outcome of one job; `deadline` is on the clock of `time.monotonic`."""
        return self.solve_many([job], on_progress=on_progress, deadline=deadline)[0]

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        """The outcomes of the jobs, in their order; a job's clock starts when a worker takes it.

        Raises
        ------
        ValueError
            When a program holds a NaN or an infinite coefficient.
        SolverError
            When the solver contradicts itself, or no worker can be started.
        """
        ...
