"""What the engine is asked and what it answers: job, limits, progress, ending, outcome."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from optcomp.engine.program import Program
from optcomp.types import FloatArray


@dataclass(frozen=True, slots=True)
class Limits:
    """When a solve may stop.

    time_limit_seconds : 0 or more; counted from the moment a worker takes the job
    gap_absolute : in units of the objective; a solve is optimal when bound - value is no larger. There is no relative
        gap: HiGHS's own default of 1e-4 is as large as all that users ask for.
    max_nodes : nodes of the search tree, or None; the limit to use where runs must repeat exactly
    seed : for the solver's random choices, 0 or more
    """

    time_limit_seconds: float = 60.0
    gap_absolute: float = 0.0
    max_nodes: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.time_limit_seconds >= 0:
            raise ValueError(f"time_limit_seconds is {self.time_limit_seconds}; it must be 0 or more.")
        if not 0 <= self.gap_absolute < np.inf:
            raise ValueError(f"gap_absolute is {self.gap_absolute}; it must be finite and 0 or more.")
        if self.max_nodes is not None and not 0 <= self.max_nodes < 2**31:
            raise ValueError(f"max_nodes is {self.max_nodes}; it must be between 0 and 2147483647.")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed is {self.seed}; it must be between 0 and 2147483647.")


class Ending(StrEnum):
    """Why a solve ended. OPTIMAL, INFEASIBLE and UNBOUNDED are proofs; the others say who lost patience."""

    OPTIMAL = "optimal"
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    TIME_LIMIT = "time limit"
    NODE_LIMIT = "node limit"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One program to solve.

    start : a point to begin with, shape (n,), NaN where nothing is known, or None; it may be infeasible
    relax : solve the linear relaxation; the outcome then has row duals and a bound recomputed from them
    interior : of a relaxation, by interior point and without a vertex: its duals lie amid all optimal ones, which
        prices columns that are not there better than a corner does; the point may miss a row by a little and be None
    key : any hashable, handed back with progress
    """

    program: Program
    limits: Limits = Limits()
    start: FloatArray | None = None
    relax: bool = False
    interior: bool = False
    key: Hashable = None

    def __post_init__(self) -> None:
        if self.start is not None and np.shape(self.start) != (self.program.num_columns,):
            raise ValueError(f"Job.start has shape {np.shape(self.start)}, expected ({self.program.num_columns},).")

    @property
    def is_linear(self) -> bool:
        """Whether no column has to be whole, so that duals exist."""
        return self.relax or not self.program.integer.any()


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a running solve stands: best verified value or None, proved bound, seconds since it began."""

    key: Hashable
    incumbent: float | None
    bound: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """How a solve ended and what it found.

    point, value : the best point seen and its value, both recomputed here from the program, or None. Integers are whole
        (not in a relaxation), bounds of columns hold exactly, rows hold up to 1e-6 of their side (of 1 if smaller).
    bound : no feasible point is worth more; inf if nothing is proved, -inf when infeasible; never below `value`. For a
        linear program it is recomputed from `row_duals` and holds whatever the solver did; for others it is HiGHS's,
        good to 1e-6 of the value.
    row_duals : shape (m,), gain in value per unit of the row's side; only for linear programs
    nodes : nodes of the search tree
    """

    ending: Ending
    point: FloatArray | None
    value: float | None
    bound: float
    row_duals: FloatArray | None
    seconds: float
    nodes: int
