"""What parent and worker say to each other: the task and the report."""

from __future__ import annotations

from dataclasses import dataclass

from optcomp.engine.program import Program
from optcomp.types import FloatArray


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at a job, as the parent sends it; `plain` asks for other options than the attempt that failed,
    `interior` for interior point without crossover."""

    program: Program
    relax: bool
    start: FloatArray | None
    time_limit_seconds: float
    gap_absolute: float
    max_nodes: int | None
    seed: int
    plain: bool
    interior: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What HiGHS says at the end, turned to the parent's sense of maximising, not yet believed by anyone."""

    status: str
    point: FloatArray | None
    bound: float
    row_duals: FloatArray | None
    nodes: int
