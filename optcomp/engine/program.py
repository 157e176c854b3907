"""A mixed-integer program in arrays, and what can be said about one with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optcomp.types import BoolArray, FloatArray

Int32Array = NDArray[np.int32]
"""HiGHS counts in 32 bits."""

LARGEST_COEFFICIENT = 1e15
"""HiGHS refuses matrix entries from here on; the same limit keeps products of doubles meaningful."""

FEASIBILITY_TOLERANCE = 1e-6
"""How far a point may miss a row, as a share of the row's side (of 1 where the side is smaller), and a column bound.

It is HiGHS's own tolerance. With 1e-5 a CSM of 1,800 hours could be given 66 seconds too many, with 1e-9 the solver's
own points would be refused (conventions 5.1).
"""

OBJECTIVE_TOLERANCE = 1e-6
"""How far two numbers for one value may differ, as a share of the value (of 1 where the value is smaller).

A solver that uses its row tolerance moves the objective by about this much.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A mixed-integer program to maximise: `objective` · x + `offset` under bounds on columns and rows.

    objective, lower, upper, integer : shape (n,), one entry a column; bounds may be infinite
    row_lower, row_upper : shape (m,), one entry a row; may be infinite
    starts, columns, values : the rows in compressed form, shapes (m+1,), (k,), (k,); row i holds entries
        `starts[i]` to `starts[i+1]` - 1

    Raises
    ------
    ValueError
        When shapes do not fit, or a coefficient is not a finite number below 1e15 in size.
    """

    objective: FloatArray
    offset: float
    lower: FloatArray
    upper: FloatArray
    integer: BoolArray
    row_lower: FloatArray
    row_upper: FloatArray
    starts: Int32Array
    columns: Int32Array
    values: FloatArray

    def __post_init__(self) -> None:
        for name in ("objective", "lower", "upper", "row_lower", "row_upper", "values"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.float64))
        for name in ("starts", "columns"):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=np.int32))
        object.__setattr__(self, "integer", np.ascontiguousarray(self.integer, dtype=np.bool_))
        check(self)

    @property
    def num_columns(self) -> int:
        return len(self.objective)

    @property
    def num_rows(self) -> int:
        return len(self.row_lower)

    @property
    def rows(self) -> Int32Array:
        """The row of every entry, shape (k,)."""
        return np.repeat(np.arange(self.num_rows, dtype=np.int32), np.diff(self.starts))


def check(program: Program) -> None:
    """Refuse a program that the solver would misread: HiGHS calls a NaN in the objective "Optimal".

    The arrays can change after the program was made, so the engine asks again before every solve.
    """
    _check_shapes(program)
    for name, array in (("objective", program.objective), ("values", program.values), ("offset", program.offset)):
        if not np.all(np.abs(array) < LARGEST_COEFFICIENT):
            raise ValueError(f"Program.{name} holds a number that is not finite or not below 1e15 in size.")
    for name, low, high in (
        ("lower and upper", program.lower, program.upper),
        ("row_lower and row_upper", program.row_lower, program.row_upper),
    ):
        if np.isnan(low).any() or np.isnan(high).any():
            raise ValueError(f"Program.{name}: a bound is not a number. Use -inf and inf for none.")
        if np.any(low == np.inf) or np.any(high == -np.inf):
            raise ValueError(f"Program.{name}: a bound is infinite on the wrong side.")


def _check_shapes(program: Program) -> None:
    n, m, k = len(program.objective), len(program.row_lower), len(program.values)
    shapes = {"lower": n, "upper": n, "integer": n, "row_upper": m, "starts": m + 1, "columns": k}
    for name, length in shapes.items():
        if getattr(program, name).shape != (length,):
            raise ValueError(f"Program.{name} has shape {getattr(program, name).shape}, expected ({length},).")
    if program.starts[0] != 0 or program.starts[-1] != k or np.any(np.diff(program.starts) < 0):
        raise ValueError("Program.starts must rise from 0 to the number of values.")
    if k and (program.columns.min() < 0 or program.columns.max() >= n):
        raise ValueError("Program.columns names a column that does not exist.")


def activity(program: Program, point: FloatArray) -> FloatArray:
    """Left-hand side of every row at `point`, shape (m,)."""
    terms = program.values * point[program.columns]
    return np.asarray(np.bincount(program.rows, terms, program.num_rows), dtype=np.float64)


def value_at(program: Program, point: FloatArray) -> float:
    """Objective at `point`, offset included."""
    return float(program.objective @ point) + program.offset


def verified(program: Program, point: FloatArray, *, relaxed: bool = False) -> FloatArray | None:
    """The point with integers rounded and bounds respected exactly, or None if it then breaks a row or a bound.

    Rounding comes first, so 0.9999993 counts as 1 and the rows are checked with 1. `relaxed` leaves integers as
    they are. Rows may be missed by `FEASIBILITY_TOLERANCE`.
    """
    if point.shape != (program.num_columns,) or not np.isfinite(point).all():
        return None
    rounded = point if relaxed else np.where(program.integer, np.rint(point), point)
    inside = np.clip(rounded, program.lower, program.upper)
    if np.any(np.abs(inside - rounded) > allowance(rounded)) or not holds(program, inside):
        return None
    if not relaxed and np.any(inside[program.integer] != np.rint(inside[program.integer])):
        return None
    return np.asarray(inside + 0.0)  # turns -0.0 into 0.0, so that equal answers print alike


def holds(program: Program, point: FloatArray) -> bool:
    """Whether every row holds at `point`, up to `FEASIBILITY_TOLERANCE`."""
    left = activity(program, point)
    below = program.row_lower - left > allowance(program.row_lower)
    above = left - program.row_upper > allowance(program.row_upper)
    return not (below.any() or above.any())


def allowance(side: FloatArray) -> FloatArray:
    """What a number may differ from `side` and still count as equal to it."""
    finite = np.where(np.isfinite(side), side, 0.0)
    return np.asarray(FEASIBILITY_TOLERANCE * np.maximum(1.0, np.abs(finite)))


def is_contradictory(program: Program) -> bool:
    """Whether some column or row has no value between its own bounds; seen without solving anything."""
    low, high = program.lower, program.upper
    whole = program.integer
    no_integer = np.ceil(low[whole] - FEASIBILITY_TOLERANCE) > np.floor(high[whole] + FEASIBILITY_TOLERANCE)
    crossed = program.row_lower - program.row_upper > allowance(program.row_upper)
    empty = np.diff(program.starts) == 0
    false = empty & ((program.row_lower > FEASIBILITY_TOLERANCE) | (program.row_upper < -FEASIBILITY_TOLERANCE))
    columns_cross = low - high > allowance(high)
    return bool(columns_cross.any() or no_integer.any() or crossed.any() or false.any())


def best_corner(program: Program, *, relaxed: bool = False) -> FloatArray:
    """The best point when rows are ignored, shape (n,); infinite where a column may improve for ever.

    A column that is not in the objective takes the number nearest to 0. Fractional bounds of integers are tightened
    unless `relaxed`.
    """
    whole = program.integer & (not relaxed)
    low = np.where(whole, np.ceil(program.lower - FEASIBILITY_TOLERANCE), program.lower)
    high = np.where(whole, np.floor(program.upper + FEASIBILITY_TOLERANCE), program.upper)
    idle = np.clip(0.0, low, np.maximum(low, high))
    return np.select([program.objective > 0, program.objective < 0], [high, low], idle)


def corner_bound(program: Program, *, relaxed: bool = False) -> float:
    """Upper bound on the value that needs no solver: every column at its better bound; inf if one has none."""
    corner = best_corner(program, relaxed=relaxed)
    in_objective = program.objective != 0
    return float(program.objective[in_objective] @ corner[in_objective]) + program.offset
