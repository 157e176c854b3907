r"""Bounds for many plans from the duals of one linear program, with numpy alone.

For row duals y of a pool's program, without the rows that give every unit one owner, and any plan p,

.. math:: U(p) \le \sum_u \max_j \left[v_{ujp} - (y A)_{uj}\right] + \sum_{\text{other columns}} \max (c - yA)\,x + y b

because the owners' rows are relaxed best by taking the best pair of every unit. It is tight at the plan that the duals
come from and close to it at plans nearby (DESIGN 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.decompose.structure import Structure
from optcomp.engine import Program
from optcomp.types import FloatArray, IntArray, sum_by

# Rounding in sums of up to a million products of numbers below 1,000, in points of NRR.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Prices:
    """What duals say about a structure.

    fixed : charge on every pair without the hours rows, shape (pairs,); hours : charge by the hours rows at factor 1
    constant : the part of the bound that no pair changes
    """

    fixed: FloatArray
    hours: FloatArray
    constant: float

    def charge(self, factor: float) -> FloatArray:
        """Charge on every pair under a plan's hours factor."""
        return self.fixed + factor * self.hours


def prices(structure: Structure, program: Program, duals: FloatArray) -> Prices:
    """Prices from the row duals of a structure's program (its own rows first, any further rows after them).

    The dual of a side that a row does not have is taken as 0, so the bound holds for any duals.
    """
    side = np.where(duals > 0.0, program.row_upper, program.row_lower)
    y = np.where(np.isfinite(side) & np.isfinite(duals), duals, 0.0)
    y[: structure.tables.num_units] = 0.0
    side = np.where(y != 0.0, side, 0.0)
    own = program.starts[structure.program.num_rows]  # entries of the structure's own rows
    hours = np.zeros(len(program.values), dtype=bool)
    hours[structure.hours_entries[structure.hours_entries < own]] = True
    weights = program.values * y[program.rows]
    size = program.num_columns
    of_hours = structure.program.values[hours[:own]] * y[program.rows[hours]]
    at_factor_one = sum_by(program.columns[hours], of_hours, size)
    fixed = sum_by(program.columns[~hours], weights[~hours], size)
    reduced = structure.program.objective - fixed
    reduced[structure.pair_columns] = 0.0
    corner = np.where(reduced > 0.0, structure.program.upper, structure.program.lower)
    rest = np.where(reduced != 0.0, reduced * np.where(reduced != 0.0, corner, 0.0), 0.0)
    return Prices(
        fixed=fixed[structure.pair_columns],
        hours=at_factor_one[structure.pair_columns],
        constant=float(rest.sum() + (y * side).sum()) + structure.program.offset,
    )


def bounds(structure: Structure, price: Prices, worth: FloatArray, factors: FloatArray) -> FloatArray:
    """Upper bound in points for plans with these worths, shape (plans, pairs), and hours factors, shape (plans,)."""
    tables = structure.tables
    if tables.num_units == 0:
        return np.full(len(worth), price.constant)
    if (np.bincount(tables.pair_unit, minlength=tables.num_units) == 0).any():
        return np.full(len(worth), -np.inf)  # nobody may look after some unit
    starts = np.searchsorted(tables.pair_unit, np.arange(tables.num_units))  # pairs come sorted by unit
    total = np.empty(len(worth))
    for k, line in enumerate(worth):
        total[k] = np.maximum.reduceat(line - price.charge(float(factors[k])), starts).sum()
    return total + price.constant + ROUNDING


def losses(structure: Structure, price: Prices, worth: FloatArray, factor: float) -> FloatArray:
    """How much the bound falls when a pair is used, shape (pairs,): 0 for the best pair of every unit."""
    tables = structure.tables
    net = worth - price.charge(factor)
    best = np.full(tables.num_units, -np.inf)
    np.maximum.at(best, tables.pair_unit, net)
    return np.asarray(best[tables.pair_unit] - net)


def spread(points: FloatArray, count: int) -> IntArray:
    """Rows of `points` that lie far apart: the first, then each time the one farthest from those chosen."""
    scale = np.ptp(points, axis=0)
    unit = points / np.where(scale > 0.0, scale, 1.0)
    chosen = [0]
    distance = np.abs(unit - unit[0]).sum(axis=1)
    while len(chosen) < min(count, len(points)) and distance.max() > 0.0:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.abs(unit - unit[chosen[-1]]).sum(axis=1))
    return np.array(chosen)
