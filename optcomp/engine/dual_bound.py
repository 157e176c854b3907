"""An upper bound on a linear program that holds for any row duals, however wrong, recomputed with numpy."""

from __future__ import annotations

import numpy as np

from optcomp.engine.program import Program
from optcomp.types import BoolArray, FloatArray

ROUNDS_OF_IMPLIED_BOUNDS = 3
"""A load is bounded by its books, and the cost of load by the load: two rounds; one to spare."""

MAX_REPAIRS = 1000
"""Columns whose reduced cost is mended one by one; more of them means that the duals are useless anyway."""

MARGIN = 1e-9
"""Widening of an implied bound for the rounding of its sum, as a share of the sum of sizes."""


def dual_bound(program: Program, row_duals: FloatArray) -> float:
    r"""Least value that the duals prove no point can exceed; inf when they prove nothing.

    .. math:: \max c x \le \sum_i \max_{s \in [l_i, u_i]} y_i s + \sum_j \max_{x_j \in [l_j, u_j]} (c_j - y A_j) x_j

    holds for every y. A dual that prices a side the row does not have is set to 0. Columns without a bound get one from
    the rows where they can, and duals are shifted a little where rounding alone would make the bound infinite. What
    floating point may have lost is added.

    Source
    ------
    Neumaier and Shcherbina, Safe bounds in linear and mixed-integer linear programming, 2004, section 3.
    """
    if row_duals.shape != (program.num_rows,):
        return np.inf
    duals = _valid(program, row_duals)
    low, high = program.lower, program.upper
    if _unbounded(_reduced_costs(program, duals), low, high).any():
        low, high = implied_bounds(program)
        duals = _repaired(program, duals, low, high)
    return _bound(program, duals, low, high)


def _valid(program: Program, duals: FloatArray) -> FloatArray:
    """The duals without those that are not finite or price a side at infinity."""
    side = np.where(duals > 0, program.row_upper, program.row_lower)
    return np.where(np.isfinite(duals) & np.isfinite(side), duals, 0.0)


def _reduced_costs(program: Program, duals: FloatArray) -> FloatArray:
    terms = program.values * duals[program.rows]
    return program.objective - np.bincount(program.columns, weights=terms, minlength=program.num_columns)


def _unbounded(reduced: FloatArray, low: FloatArray, high: FloatArray) -> BoolArray:
    return ((reduced > 0) & np.isinf(high)) | ((reduced < 0) & np.isinf(low))


def _bound(program: Program, duals: FloatArray, low: FloatArray, high: FloatArray) -> float:
    reduced = _reduced_costs(program, duals)
    if _unbounded(reduced, low, high).any():
        return np.inf
    corner = np.select([reduced > 0, reduced < 0], [high, low], 0.0)
    side = np.select([duals > 0, duals < 0], [program.row_upper, program.row_lower], 0.0)
    terms = np.concatenate([reduced * corner, duals * side, [program.offset]])
    return float(terms.sum()) + _rounding(program, duals, low, high, terms)


def _rounding(program: Program, duals: FloatArray, low: FloatArray, high: FloatArray, terms: FloatArray) -> float:
    """What rounding can have taken from the bound: each reduced cost times the size of its column, and the sum."""
    sizes = np.abs(program.values * duals[program.rows])
    weight = np.abs(program.objective) + np.bincount(program.columns, sizes, program.num_columns)
    count = np.bincount(program.columns, minlength=program.num_columns)
    reach = np.maximum(np.where(np.isinf(low), 0.0, np.abs(low)), np.where(np.isinf(high), 0.0, np.abs(high)))
    unit = float(np.finfo(np.float64).eps)
    return unit * float(((count + 2) * weight) @ reach + (np.log2(len(terms) + 1) + 4) * np.abs(terms).sum())


def implied_bounds(program: Program) -> tuple[FloatArray, FloatArray]:
    """Bounds of the columns, those that are infinite replaced by what the rows imply, where they do."""
    low, high = program.lower.copy(), program.upper.copy()
    for _ in range(ROUNDS_OF_IMPLIED_BOUNDS):
        upper_of_rows = _implied(program, program.values, program.row_upper, low, high)
        lower_of_rows = _implied(program, -program.values, -program.row_lower, low, high)
        new_low = np.maximum(upper_of_rows[0], lower_of_rows[0])
        new_high = np.minimum(upper_of_rows[1], lower_of_rows[1])
        low, high = np.where(np.isinf(low), new_low, low), np.where(np.isinf(high), new_high, high)
        if np.isfinite(low).all() and np.isfinite(high).all():
            break
    return low, high


def _implied(
    program: Program, values: FloatArray, side: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bounds on columns that rows of the form `values` · x <= `side` imply: an entry against the others' least sum."""
    rows, columns, m = program.rows, program.columns, program.num_rows
    least = values * np.where(values > 0, low[columns], high[columns])
    endless = np.isinf(least) & (values != 0)
    least = np.where(endless | (values == 0), 0.0, least)
    total = np.bincount(rows, least, m)[rows] - least
    sizes = np.bincount(rows, np.abs(least), m)[rows]
    others_finite = np.bincount(rows, endless, m)[rows] - endless == 0
    usable = others_finite & np.isfinite(side[rows]) & (np.abs(values) > MARGIN)
    rows, columns, values = rows[usable], columns[usable], values[usable]
    room = side[rows] - total[usable]
    slack = MARGIN * (1.0 + np.abs(side[rows]) + sizes[usable]) / np.abs(values)
    limit = room / values
    new_low, new_high = np.full(program.num_columns, -np.inf), np.full(program.num_columns, np.inf)
    up = values > 0
    np.minimum.at(new_high, columns[up], (limit + slack)[up])
    np.maximum.at(new_low, columns[~up], (limit - slack)[~up])
    return new_low, new_high


def _repaired(program: Program, duals: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Duals shifted so that no column wants to run away, as far as one row each can do it."""
    reduced = _reduced_costs(program, duals)
    bad = np.flatnonzero(_unbounded(reduced, low, high))
    if len(bad) > MAX_REPAIRS:
        return duals
    duals = duals.copy()
    rows = program.rows
    for column in bad:
        entries = np.flatnonzero(program.columns == column)
        entries = entries[np.argsort(-np.abs(program.values[entries]), kind="stable")]
        overshoot = MARGIN * (abs(program.objective[column]) + 1.0) * np.sign(reduced[column])
        for entry in entries:
            row, value = rows[entry], program.values[entry]
            shifted = duals[row] + (reduced[column] + overshoot) / value
            if np.isfinite(program.row_upper[row] if shifted > 0 else program.row_lower[row]):
                duals[row] = shifted
                break
    return duals
