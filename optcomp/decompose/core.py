r"""The linear relaxation of a large pool from a core of it: a few pairs of every unit, with more where prices say so.

A pool of 50 CSMs and 5,000 accounts has 250,000 pairs, of which an optimum uses 5,000 and little more. So the
relaxation is solved over a core of pairs; its duals price all pairs, the best of those that are missing join the core,
and so on until the bound that the duals prove for the whole pool meets the value of the core. Any duals prove a bound
(`engine.dual_bound`), so nothing is lost by stopping early. Rows may be missed at a price, as a small core may not hold
them all; that also keeps its duals within reason.

Source
------
Bixby, Gregory, Lustig, Marsten and Shanno, Very large-scale linear programming: a case study in combining interior
point and simplex methods, Operations Research 40 (1992), who call it sifting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from optcomp.decompose.structure import Row, Structure
from optcomp.engine import Outcome, Program
from optcomp.engine.dual_bound import dual_bound
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

ADDED = 4  # pairs of a unit that join the core at a time; with 8 programs are larger and rounds are not fewer
MOST_ROUNDS = 12  # usually three to five are enough
NOISE = 0.5  # times the usual loss of the last pair to join; among CSMs alike it spreads the choices
MISS_PRICE = 10.0  # points for missing a row by its scale: an account's or a full book's worth, far below a point each
DEARER = 100.0  # times that price, where rows are still missed at it
MOST_PRICES = 3  # then the pool is taken to be impossible, which is for the whole program to prove


@dataclass(frozen=True, slots=True)
class Sifted:
    """What a core says of the whole pool.

    program : the whole program that it was; duals : of its rows, None where the solver gave none
    bound : that the duals prove, in points; excess : points by which the bound is above what the core can do
    point : of the whole program, solved by interior point; None where it misses a row
    """

    program: Program
    duals: FloatArray | None
    bound: float
    excess: float
    point: FloatArray | None


@dataclass
class Core:
    """Pairs of a structure that were worth looking at, and the last duals, which serve the next plan.

    member : shape (pairs,); duals : of the structure's rows and tangents; row_duals : of the proven rows
    miss_price : points for missing a row by its scale
    """

    structure: Structure
    random: np.random.Generator
    member: BoolArray = field(init=False)
    duals: FloatArray = field(init=False)
    row_duals: FloatArray = field(init=False)
    miss_price: float = MISS_PRICE

    def __post_init__(self) -> None:
        self.member = np.zeros(len(self.structure.pair_columns), dtype=bool)
        self.duals, self.row_duals = np.zeros(self.structure.program.num_rows), np.zeros(0)

    # ---- sifting ----------------------------------------------------------------------------------------------

    def sift(
        self,
        plan: int,
        rows: Sequence[Row],
        solve: Callable[[Program], Outcome],
        *,
        tolerance: float,
    ) -> Sifted:
        """Solve the relaxation under a plan with proven rows, until bound and tangents are within a tolerance each."""
        best: Sifted | None = None
        is_closed = False
        for _ in range(MOST_ROUNDS):
            program = self.structure.program_at(plan, rows)
            if not is_closed:
                self._grow(program, len(rows))
            columns = self.columns(program, self.member)
            outcome = solve(self.elastic(restricted(program, columns)))
            if outcome.row_duals is None:
                break
            self.duals, self.row_duals = np.split(outcome.row_duals, [program.num_rows - len(rows)])
            bound = dual_bound(program, outcome.row_duals)
            point = None if outcome.point is None else spread_out(program, columns, outcome.point[: len(columns)])
            if best is None or bound < best.bound:
                best = Sifted(program, outcome.row_duals, bound, bound - outcome.bound, point)
            is_closed = bound - outcome.bound <= tolerance
            is_missed = bool((np.abs(outcome.row_duals[self._soft(program)]) > 0.9 * self.miss_price).any())
            if is_missed and is_closed:
                self.miss_price *= DEARER
                if self.miss_price >= MISS_PRICE * DEARER**MOST_PRICES:
                    return Sifted(program, None, bound, np.inf, None)
            is_refined = self._refine(program, point, tolerance)
            if is_closed and not is_missed and not is_refined:
                return Sifted(program, outcome.row_duals, bound, bound - outcome.bound, point)
        if best is None:
            return Sifted(self.structure.program_at(plan, rows), None, np.inf, np.inf, None)
        return self._with_every_tangent(best, plan, rows)

    def _with_every_tangent(self, sifted: Sifted, plan: int, rows: Sequence[Row]) -> Sifted:
        """The same with tangents that were added since, at no price: whoever reads duals counts on all there are."""
        program, duals = self.structure.program_at(plan, rows), sifted.duals
        if duals is None or len(duals) == program.num_rows:
            return sifted
        own, of_rows = np.split(duals, [len(duals) - len(rows)])
        more = np.zeros(program.num_rows - len(duals))
        return replace(sifted, program=program, duals=np.concatenate([own, more, of_rows]))

    def _grow(self, program: Program, num_rows: int) -> None:
        """Take in the best pairs of every unit at the last duals."""
        loss = self.losses(program, num_rows)
        unit = self.structure.tables.pair_unit
        last = loss[_rank(loss, unit) == ADDED - 1]
        spread = NOISE * float(last.mean()) if len(last) else 0.0
        noisy = loss - spread * self.random.gumbel(size=len(loss))
        self.member |= (_rank(noisy, unit) < ADDED) | (_rank(loss, unit) == 0)

    def losses(self, program: Program, num_rows: int) -> FloatArray:
        """What every pair loses against the best of its unit at the last duals; the last rows are the proven ones."""
        duals = np.zeros(program.num_rows)
        duals[: len(self.duals)] = self.duals
        own = min(len(self.row_duals), num_rows)
        duals[program.num_rows - num_rows : program.num_rows - num_rows + own] = self.row_duals[:own]
        tables = self.structure.tables
        duals[: tables.num_units] = 0.0
        charge = sum_by(program.columns, program.values * duals[program.rows], program.num_columns)
        net = (program.objective - charge)[self.structure.pair_columns]
        starts = np.searchsorted(tables.pair_unit, np.arange(tables.num_units))
        return np.asarray(np.maximum.reduceat(net, starts)[tables.pair_unit] - net)

    def _refine(self, program: Program, point: FloatArray | None, tolerance: float) -> bool:
        """Add tangents at the loads of a point where the load curve is missed by more than the tolerance in all."""
        if point is None or self.structure.fractional_error(program, point) <= tolerance:
            return False
        return self.structure.refine_at({j: float(point[c]) for j, c in self.structure.load_columns.items()})

    # ---- programs over it -------------------------------------------------------------------------------------

    def columns(self, program: Program, member: BoolArray) -> IntArray:
        """Columns of the program with only these pairs."""
        keep = np.ones(program.num_columns, dtype=bool)
        keep[self.structure.pair_columns] = member
        return np.flatnonzero(keep)

    def _soft(self, program: Program) -> BoolArray:
        """Rows that may be missed at a price: all but the owners' and those that no pair is in."""
        may = np.zeros(program.num_rows, dtype=bool)
        is_pair = np.zeros(program.num_columns, dtype=bool)
        is_pair[self.structure.pair_columns] = True
        may[program.rows[is_pair[program.columns]]] = True
        may[: self.structure.tables.num_units] = False
        return may

    def elastic(self, part: Program) -> Program:
        """A part of the pool's program with rows that may be missed at a price."""
        may = np.zeros(part.num_rows, dtype=bool)
        may[self.structure.tables.num_units :] = True
        long = np.diff(part.starts) > 2  # tangents of the load curve can always be held
        over = np.flatnonzero(may & long & np.isfinite(part.row_upper))
        under = np.flatnonzero(may & long & np.isfinite(part.row_lower))
        rows = np.concatenate([over, under])
        sign = np.concatenate([-np.ones(len(over)), np.ones(len(under))])
        matrix = sp.csr_array((part.values, part.columns, part.starts), shape=(part.num_rows, part.num_columns))
        more = sp.csr_array((sign, (rows, np.arange(len(rows)))), shape=(part.num_rows, len(rows)))
        whole = sp.hstack([matrix, more]).tocsr()
        most = abs(matrix).sum(axis=1)[rows] + np.abs(np.concatenate([part.row_upper[over], part.row_lower[under]]))
        return replace(
            part,
            objective=np.append(part.objective, np.full(len(rows), -self.miss_price)),
            lower=np.append(part.lower, np.zeros(len(rows))),
            upper=np.append(part.upper, most + 1.0),
            integer=np.append(part.integer, np.zeros(len(rows), dtype=bool)),
            starts=whole.indptr,
            columns=whole.indices,
            values=whole.data,
        )


def restricted(program: Program, columns: IntArray) -> Program:
    """The program over some of its columns, the others being 0."""
    shape = (program.num_rows, program.num_columns)
    matrix = sp.csr_array((program.values, program.columns, program.starts), shape=shape)[:, columns]
    return replace(
        program,
        objective=program.objective[columns],
        lower=program.lower[columns],
        upper=program.upper[columns],
        integer=program.integer[columns],
        starts=matrix.indptr,
        columns=matrix.indices,
        values=matrix.data,
    )


def spread_out(program: Program, columns: IntArray, point: FloatArray) -> FloatArray:
    """A point of some columns as one of all columns of the program."""
    whole = np.zeros(program.num_columns)
    whole[columns] = point
    return whole


def _rank(loss: FloatArray, unit: IntArray) -> IntArray:
    """Place of every pair among those of its unit, the least loss first; pairs come sorted by unit."""
    order = np.lexsort((loss, unit))
    rank = np.empty(len(loss), dtype=np.int64)
    rank[order] = np.arange(len(loss)) - np.searchsorted(unit, unit)
    return rank
