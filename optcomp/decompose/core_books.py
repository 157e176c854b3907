"""Books of a large pool from the core of its relaxation: what a corner of it divides is decided by branch and bound.

A corner of the relaxation divides no more units than rows hold it: a hundred or two of 5,000. All others stay where the
corner has them; those that it divides, and some more for room, are decided over their pairs of the core. Later tries
free other units, around the best books known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.core import Core, Sifted, restricted, spread_out
from optcomp.decompose.structure import Row, Structure
from optcomp.engine import Executor, Job, Limits, Outcome, Program
from optcomp.types import BoolArray, FloatArray, IntArray

DIVIDED = 1e-6  # shares of a unit below it are the solver's rounding
TRIES_AT_ONCE = 2  # one for each of two processes; the same on every machine
FREED = 50  # units that are freed beside those that the corner divides; twice as many with every try
NEAR = 1e-3  # shares at an inner point above which a pair is looked at for a corner: it is where the optima are


@dataclass
class CoreWork:
    """The core of one structure of a pool, and what was made of it for each plan.

    excess : points by which the bound of a plan may be above its relaxation, 0 where another try did not lower them
    corner : of the whole program
    tries : so far, of each plan
    """

    structure: Structure
    seed: Sequence[int]
    core: Core = field(init=False)
    excess: dict[int, float] = field(default_factory=dict)
    sifted: dict[int, Sifted] = field(default_factory=dict)
    corner: dict[int, FloatArray] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.core = Core(self.structure, np.random.default_rng([*self.seed, 0]))

    def is_spent(self, plan: int) -> bool:
        """All units were free at the last try for a plan: the core has said what it can."""
        tries = self.tries.get(plan, 0)
        return tries > 0 and _num_freed(tries) >= self.structure.tables.num_units

    # ---- the relaxation ---------------------------------------------------------------------------------------

    def relax(
        self, plan: int, rows: Sequence[Row], engine: Executor, limits: Limits, deadline: float, tolerance: float
    ) -> tuple[Program, Outcome] | None:
        """The plan's program and the outcome of its relaxation; None where the core does not say enough."""

        outcomes: list[Outcome] = []

        def solve(program: Program) -> Outcome:
            outcomes.append(engine.solve(Job(program, limits, relax=True, interior=True), deadline=deadline))
            return outcomes[-1]

        sifted = self.core.sift(plan, rows, solve, tolerance=tolerance)
        if sifted.duals is None:
            return None
        before = self.excess.get(plan, np.inf)
        self.sifted[plan], self.excess[plan] = sifted, sifted.excess if sifted.excess < before else 0.0
        self.corner.pop(plan, None)
        self.tries.setdefault(plan, 0)
        return sifted.program, replace(outcomes[-1], point=None, value=None, bound=sifted.bound, row_duals=sifted.duals)

    # ---- books ------------------------------------------------------------------------------------------------

    def books(
        self, plan: int, known: IntArray | None, engine: Executor, limits: Limits, deadline: float
    ) -> list[tuple[Program, FloatArray]]:
        """Points of the whole program, found around known books or, without any, around the corner."""
        program = self.structure.program_at(plan)
        corner = self._corner_of(plan, program, engine, limits, deadline)
        if corner is None:
            return []
        tries = self.tries[plan] = self.tries[plan] + 1
        tables = self.structure.tables
        share = corner[self.structure.pair_columns]
        books = known
        if books is None:
            books = tables.pair_csm[_first_best(share, tables.pair_unit, tables.num_units)]
        stays = tables.pair_csm == books[tables.pair_unit]
        divided = np.zeros(tables.num_units, dtype=bool)
        divided[tables.pair_unit[(share > DIVIDED) & (share < 1.0 - DIVIDED)]] = True
        parts = [self._part(program, stays, divided | self._some(plan, tries, i)) for i in range(TRIES_AT_ONCE)]
        jobs = [
            Job(part, limits, start=self.structure.start(books, program.num_columns)[columns])
            for part, columns in parts
        ]
        outcomes = engine.solve_many(jobs, deadline=deadline)
        return [
            (program, spread_out(program, columns, outcome.point))
            for (_, columns), outcome in zip(parts, outcomes, strict=True)
            if outcome.point is not None
        ]

    def _corner_of(
        self, plan: int, program: Program, engine: Executor, limits: Limits, deadline: float
    ) -> FloatArray | None:
        """An optimal corner of the relaxation over the core, as a point of the whole program."""
        if plan not in self.corner:
            inner = self.sifted[plan].point
            member = self.core.member
            if inner is not None:
                member = member & (inner[self.structure.pair_columns] > NEAR)
            columns = self.core.columns(program, member)
            job = Job(self.core.elastic(restricted(program, columns)), limits, relax=True)
            point = engine.solve(job, deadline=deadline).point
            if point is None:
                return None
            self.corner[plan] = spread_out(program, columns, point[: len(columns)])
        return self.corner[plan]

    def _some(self, plan: int, tries: int, which: int) -> BoolArray:
        """Some units at random, twice as many with every try."""
        random = np.random.default_rng([*self.seed, 1, plan, tries, which])
        count = self.structure.tables.num_units
        freed = np.zeros(count, dtype=bool)
        freed[random.permutation(count)[: _num_freed(tries)]] = True
        return freed

    def _part(self, program: Program, stays: BoolArray, free: BoolArray) -> tuple[Program, IntArray]:
        """The program in which units that are not free have the pair where they stay, and its columns."""
        is_free = free[self.structure.tables.pair_unit]
        columns = self.core.columns(program, stays | (self.core.member & is_free))
        lower = program.lower.copy()
        lower[self.structure.pair_columns[stays & ~is_free]] = 1.0
        return restricted(replace(program, lower=lower), columns), columns


def _num_freed(tries: int) -> int:
    return int(FREED * 2 ** (tries - 1))


def _first_best(share: FloatArray, unit: IntArray, count: int) -> IntArray:
    """The pair of every unit with the largest share, the first of equals; pairs come sorted by unit."""
    order = np.lexsort((-share, unit))
    return np.asarray(order[np.searchsorted(unit[order], np.arange(count))])
