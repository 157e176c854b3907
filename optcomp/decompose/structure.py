"""The program of one pool in arrays, built once by the formulation and re-priced for any plan of its segment.

Two plans differ in the worth of the pairs and in the hours factor g, which stretches the hours rows; everything else is
shared. Programs that pay renewals quarterly have further rows and are a structure of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.pools import Pool
from optcomp.engine import Program
from optcomp.formulation.build import write_sheet
from optcomp.formulation.scope import Scope, Tables
from optcomp.problem import PlanNumbers, Problem
from optcomp.response.load import load_cost
from optcomp.types import FloatArray, IntArray, sum_by


@dataclass(frozen=True, slots=True)
class Row:
    """A row `values · columns <= bound` on top of a program."""

    columns: IntArray
    values: FloatArray
    bound: float


@dataclass
class Structure:
    """A pool with some positions filled, under plans that do, or do not, pay renewals quarterly.

    program : with hours factor 1 and no worth on the pairs; its first rows say that every unit has one owner
    hours_entries : entries of the rows that a plan's hours factor multiplies
    pair_columns : column of every pair; load_columns, cost_columns : columns of the load and its cost, by CSM row
    move_price : points charged for every move that the moves rule counts, on top of the problem's own rules
    """

    problem: Problem
    pool: Pool
    filled: frozenset[int]
    tables: Tables
    program: Program
    hours_entries: IntArray
    pair_columns: IntArray
    load_columns: dict[int, int]
    cost_columns: dict[int, int]
    move_price: float = 0.0
    tangents: list[Row] = field(default_factory=list)

    def worth(self, plans: IntArray, pairs: IntArray | None = None) -> FloatArray:
        """Worth in points of pairs under plans, shape (plans, pairs); of all pairs or of some."""
        return self.worth_of(self.problem.plan_numbers(self.pool.segment, plans), pairs)

    def worth_of(self, numbers: PlanNumbers, pairs: IntArray | None = None) -> FloatArray:
        """The same under plans with these numbers."""
        worth = self.tables.values_of(self.pool.segment, numbers, pairs)
        if self.move_price:
            moves = self.tables.moves
            worth -= self.move_price * (moves if pairs is None else moves[pairs])
        return worth

    def hours_factor(self, plan: int) -> float:
        """Factor of a plan on the service hours."""
        return float(self.problem.effects[self.pool.segment].hours_factor[plan])

    def at_factor(self, factor: float) -> FloatArray:
        """Values of the program's entries under a hours factor."""
        values = self.program.values.copy()
        values[self.hours_entries] *= factor
        return values

    def program_at(self, plan: int, rows: Sequence[Row] = (), upper: FloatArray | None = None) -> Program:
        """The pool's program under a plan, with further rows; `upper` limits the pairs."""
        objective = self.program.objective.copy()
        objective[self.pair_columns] = self.worth(np.array([plan]))[0]
        limits = self.program.upper
        if upper is not None:
            limits = limits.copy()
            limits[self.pair_columns] = upper
        changed = replace(
            self.program, objective=objective, values=self.at_factor(self.hours_factor(plan)), upper=limits
        )
        return with_rows(changed, [*self.tangents, *rows])

    def row_of(self, program: Program, bound: float) -> Row:
        """The row that says that a program's objective is at most a bound."""
        columns = np.flatnonzero(program.objective)
        return Row(columns, program.objective[columns], bound - program.offset)

    # ---- books at a point -------------------------------------------------------------------------------------

    def used(self, point: FloatArray) -> IntArray:
        """Pairs that a point uses."""
        return np.flatnonzero(point[self.pair_columns] > 0.5)

    def csm_of_unit(self, point: FloatArray) -> IntArray:
        """CSM row of every unit at a point."""
        pairs = self.used(point)
        owner = np.full(self.tables.num_units, -1, dtype=np.int64)
        owner[self.tables.pair_unit[pairs]] = self.tables.pair_csm[pairs]
        return owner

    def start(self, csm_of_unit: IntArray, size: int) -> FloatArray:
        """A start for the solver at these books; what follows from them is left to it."""
        start = np.full(size, np.nan)
        start[self.pair_columns] = self.tables.pair_csm == csm_of_unit[self.tables.pair_unit]
        return start

    def loads(self, pairs: IntArray) -> FloatArray:
        """Load of every CSM when these pairs are used, without a plan's extra hours; shape (csms,)."""
        hours = sum_by(self.tables.pair_csm[pairs], self.tables.hours[pairs], len(self.problem.csms.ids))
        return hours / np.where(self.problem.csms.hours > 0.0, self.problem.csms.hours, 1.0)

    def load_error(self, point: FloatArray) -> float:
        """Points by which tangents under-estimate the load term at a point."""
        loads, available = self.loads(self.used(point)), self.problem.csms.hours
        kappa = float(self.problem.kappa[self.pool.segment])
        exact = load_cost(kappa, loads * available, available, 1.0)
        missed = [float(exact[j]) - kappa * available[j] * point[column] for j, column in self.cost_columns.items()]
        return self.tables.points_per_usd * float(sum(missed))

    def fractional_error(self, program: Program, point: FloatArray) -> float:
        """The same at a point that divides units, by its own loads."""
        loads = point[[self.load_columns[j] for j in self.cost_columns]]
        columns = list(self.cost_columns.values())
        exact = loads * np.log(np.where(loads > 0.0, loads, 1.0))
        return float(-program.objective[columns] @ (exact - point[columns]))

    def refine(self, point: FloatArray) -> bool:
        """Add tangents of the load curve at the loads of a point; whether any of them is new."""
        loads = self.loads(self.used(point))
        return self.refine_at({j: float(loads[j]) for j in self.cost_columns})

    def refine_at(self, loads: Mapping[int, float]) -> bool:
        """Add tangents of the load curve at these loads, by CSM row; whether any of them is new.

        With the same ones again a program gives the same point: what it misses is the solver's tolerance.
        """
        known = {(int(row.columns[0]), row.bound) for row in self.tangents}
        wanted = {j: load for j, load in loads.items() if load > 0.0 and (self.load_columns[j], load) not in known}
        self.tangents += [self.tangent(j, load) for j, load in wanted.items()]
        return bool(wanted)

    def tangent(self, csm: int, load: float) -> Row:
        """The tangent of the load curve `load · log(load)` of a CSM at a load."""
        columns = np.array([self.load_columns[csm], self.cost_columns[csm]])
        return Row(columns, np.array([float(np.log(load)) + 1.0, -1.0]), load)


def build_structure(problem: Problem, pool: Pool, filled: frozenset[int], plan: int) -> Structure:
    """The structure that a plan belongs to, from the same builders as the joint program."""
    is_there = [j for j in pool.csms if j not in pool.open_csms or j in filled]
    scope = Scope(pool.accounts, np.array(is_there, dtype=np.int64), {pool.segment: (plan,)}, is_whole=False)
    frame, sheet, program = write_sheet(problem, scope)
    column = sheet.column_of()
    pair_columns = np.array([column[variable] for variable in sheet.x.values()], dtype=np.int64)
    in_hours = np.isin(program.rows, np.array(frame.hours_rows, dtype=np.int64) - 1)
    hours_entries = np.flatnonzero(in_hours & np.isin(program.columns, pair_columns))
    values, objective = program.values.copy(), program.objective.copy()
    factors = problem.effects[pool.segment].hours_factor
    values[hours_entries] /= float(factors[plan])
    objective[pair_columns] = 0.0
    upper = program.upper.copy()
    if len(hours_entries) and problem.rules["hours"].is_soft:
        # The slack of an hours row was bounded at this plan's factor; it must suffice for the largest one.
        slacks = program.columns[in_hours & ~np.isin(program.columns, pair_columns)]
        ceiling = problem.rules["hours"]["ceiling"]
        upper[slacks] = (upper[slacks] + ceiling) * max(float(factors.max() / factors[plan]), 1.0)
    return Structure(
        problem,
        pool,
        filled,
        frame.tables,
        replace(program, values=values, objective=objective, upper=upper),
        hours_entries,
        pair_columns,
        {j: column[variable] for j, variable in sheet.rho.items()},
        {j: column[variable] for j, variable in sheet.cost.items()},
    )


def with_rows(program: Program, rows: Sequence[Row]) -> Program:
    """The program with further rows."""
    if not rows:
        return program
    ends = program.starts[-1] + np.cumsum([len(row.columns) for row in rows])
    return replace(
        program,
        row_lower=np.append(program.row_lower, np.full(len(rows), -np.inf)),
        row_upper=np.append(program.row_upper, [row.bound for row in rows]),
        starts=np.append(program.starts, ends).astype(np.int32),
        columns=np.concatenate([program.columns, *(row.columns for row in rows)]).astype(np.int32),
        values=np.concatenate([program.values, *(row.values for row in rows)]),
    )
