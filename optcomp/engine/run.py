"""One job under solve: what its workers have said so far, what of it can be believed, and the outcome at the end."""

from __future__ import annotations

import time

import numpy as np

from optcomp.engine.dual_bound import dual_bound
from optcomp.engine.job import Ending, Job, Outcome, Progress
from optcomp.engine.program import (
    OBJECTIVE_TOLERANCE,
    best_corner,
    corner_bound,
    is_contradictory,
    value_at,
    verified,
)
from optcomp.engine.task import Report, Task
from optcomp.errors import SolverError
from optcomp.types import FloatArray

_ENDINGS = {
    "kOptimal": Ending.OPTIMAL,
    "kInfeasible": Ending.INFEASIBLE,
    "kUnbounded": Ending.UNBOUNDED,
    "kTimeLimit": Ending.TIME_LIMIT,
    "kSolutionLimit": Ending.NODE_LIMIT,
    "kInterrupt": Ending.INTERRUPTED,
}


class ReportError(Exception):
    """A report that cannot be used; worth another attempt with other options."""


class Run:
    """The best verified point and the best proved bound of a job, over all its attempts.

    deadline : the caller's own, on the clock of `time.monotonic`, beside the time limit of the job
    """

    def __init__(self, job: Job, deadline: float = np.inf) -> None:
        self.job = job
        self._last_moment = deadline
        self.start_clock()
        self.point: FloatArray | None = None
        self.value: float | None = None
        self.bound = corner_bound(job.program, relaxed=job.relax)
        self.row_duals: FloatArray | None = None
        self.nodes = 0
        if job.start is not None:
            self.take_point(np.asarray(job.start, dtype=np.float64))

    def start_clock(self) -> None:
        """Begin to count the job's time limit."""
        self.began = time.monotonic()
        self.deadline = min(self._last_moment, self.began + self.job.limits.time_limit_seconds)

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.deadline - time.monotonic())

    def take_point(self, point: FloatArray) -> bool:
        """Keep a point if it holds up and is better; says whether it holds up."""
        program = self.job.program
        sound = verified(program, point, relaxed=self.job.relax)
        if sound is None:
            return False
        value = value_at(program, sound)
        if self.value is None or value > self.value:
            self.point, self.value = sound, value
        return True

    def take_bound(self, bound: float) -> None:
        """Keep a bound, without the program's offset, if it is better."""
        self.bound = min(self.bound, bound + self.job.program.offset)  # in this order NaN changes nothing

    def task(self, *, is_second: bool) -> Task:
        """What to send to a worker; a second attempt starts from the best point of the first."""
        job, limits = self.job, self.job.limits
        return Task(
            program=job.program,
            relax=job.is_linear,
            start=job.start if self.point is None else self.point,
            time_limit_seconds=self.seconds_left,
            gap_absolute=limits.gap_absolute,
            max_nodes=limits.max_nodes,
            seed=limits.seed,
            plain=is_second,
            interior=job.interior and job.is_linear and not is_second,
        )

    def progress(self) -> Progress:
        return Progress(self.job.key, self.value, self.bound, time.monotonic() - self.began)

    def conclude(self, report: Report) -> Outcome:
        """The outcome, from HiGHS's last words and everything seen before.

        Raises
        ------
        ReportError
            When the report is not an answer or does not hold up: a failed status, an optimal point that breaks a row.
        SolverError
            When HiGHS refuses the program (two entries for one column of a row), or contradicts what is known: a bound
            below a verified value, infeasible with a feasible point at hand.
        """
        if report.status == "refused":
            raise SolverError("HiGHS refused the program or an option, (is a column named twice in a row?).")
        ending = _ENDINGS.get(report.status)
        if ending is None:
            raise ReportError(f"HiGHS ended with {report.status}")
        self.nodes = max(0, report.nodes)
        is_sound = report.point is not None and self.take_point(report.point)
        if ending is Ending.INFEASIBLE:
            self.bound = -np.inf
        elif self.job.is_linear:
            self._take_duals(report.row_duals)
        elif ending is not Ending.UNBOUNDED:
            self.take_bound(report.bound)
        outcome = self.outcome(ending)
        if ending is Ending.OPTIMAL and not self._is_proved(is_sound):
            raise ReportError("HiGHS calls a point optimal that breaks a row or is not worth what it says")
        return outcome

    def _take_duals(self, duals: FloatArray | None) -> None:
        if duals is not None and duals.shape == (self.job.program.num_rows,):
            self.row_duals = duals
            self.bound = min(self.bound, dual_bound(self.job.program, duals))

    def _is_proved(self, is_sound: bool) -> bool:
        """Whether "optimal" is true of the best point.

        A gap that is closed proves it. A linear program's bound may be loose by its duals, so there the solver's word
        counts, provided that its own point holds up.
        """
        if self.job.interior and self.row_duals is not None:
            return True  # asked for its duals, whose bound was computed here
        if self.value is None:
            return False
        is_closed = self.bound - self.value <= self.job.limits.gap_absolute + _tolerance(self.value)
        return is_closed or (self.job.is_linear and is_sound)

    def outcome(self, ending: Ending) -> Outcome:
        """The outcome with what is known now; the bound is lifted to the value if rounding left it just below."""
        bound = self.bound
        if self.value is not None:
            if bound < self.value - _tolerance(self.value):
                raise SolverError(
                    f"The solver's bound {bound:.9g} is below the value {self.value:.9g} of a feasible point"
                    f" (ending: {ending.value}). The answer cannot be trusted; please report it."
                )
            bound = max(bound, self.value)
        seconds = time.monotonic() - self.began
        return Outcome(ending, self.point, self.value, bound, self.row_duals, seconds, self.nodes)


def _tolerance(value: float) -> float:
    return OBJECTIVE_TOLERANCE * max(1.0, abs(value))


def answer_without_solver(run: Run) -> Outcome | None:
    """The outcome of a job that needs no solver: bounds that cross, no columns, no rows, or no time at all."""
    program = run.job.program
    if is_contradictory(program):
        run.bound = -np.inf
        return run.outcome(Ending.INFEASIBLE)
    if program.num_columns == 0 or program.num_rows == 0:
        corner = best_corner(program, relaxed=run.job.relax)
        if not np.isfinite(corner).all():
            return run.outcome(Ending.UNBOUNDED)
        run.take_point(corner)
        run.row_duals = np.zeros(program.num_rows) if run.job.is_linear else None
        return run.outcome(Ending.OPTIMAL)
    if run.seconds_left == 0:
        return run.outcome(Ending.TIME_LIMIT)
    return None
