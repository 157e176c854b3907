"""Bounds and books of pools: what the linear relaxation and branch and bound can add to what is known.

Upper bounds come from linear relaxations, through their duals for all plans at once, and from the solver's bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optcomp.decompose.core_books import CoreWork
from optcomp.decompose.knowledge import Knowledge
from optcomp.decompose.pools import Pool
from optcomp.engine import Ending, Executor, Job, Limits, Program
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray

MOST_NODES = 2**31 - 1  # HiGHS counts in 32 bits
# Points that tangents may miss even where no gap at all is asked for: sums of floats miss as much, for ever.
LEAST_ERROR = 1e-9
NODES_GROWTH = 8  # a try that stops at its node limit gets this many times more the next time
KEPT_PER_UNIT = 3  # pairs of every unit, by reduced cost, in the program that looks for first books
LARGE = 3000  # pairs above which first books come from such a program, and not from the whole one
# Share of a pool's allowance that the tangents of the load curve may miss. The allowances add up to half of the gap, so
# at the usual gap of 0.01 points that is 0.001 points of NRR in all (DESIGN 3.3).
TANGENT_SHARE = 0.2
# Pairs above which a pool's relaxation and books come from a core, until all its units were free at once; after that,
# and below, where simplex takes seconds, they come from the whole program.
WITH_CORE = 50_000
# Share of what is allowed to which a core is solved at once: to begin again for a narrower gap would cost more.
CORE_SHARE = 0.1
LEAST_EXCESS = 1e-5  # points to which interior point is precise on a program of 100 points


@dataclass(frozen=True, slots=True)
class Target:
    """When to stop: `gap` in points of NRR, `deadline` on time.monotonic; `is_over` asks it; `seed` for HiGHS."""

    gap: float
    deadline: float
    seed: int
    is_over: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Entry:
    """A pool with positions filled, under one plan."""

    pool: int
    known: Knowledge
    plan: int


class Tightener:
    """Adds to what is known about pools, until none leaves more open than it may.

    engine : solves the pools, and stops when it is interrupted
    allowance : points that each pool may leave open
    """

    def __init__(self, problem: Problem, pools: Sequence[Pool], engine: Executor, target: Target) -> None:
        self.problem, self.pools, self.engine, self.target = problem, pools, engine, target
        self._cores: dict[tuple[int, frozenset[int], bool], CoreWork] = {}
        self._arr = [float(problem.accounts.arr[pool.accounts].sum()) for pool in pools]
        self.allow(target.gap)

    def allow(self, gap: float) -> None:
        """Let the pools leave so many points open together, each by its share of the accounts' ARR.

        Half of the gap is kept for tangents and luck.
        """
        for work in self._cores.values():
            work.tries = dict.fromkeys(work.tries, 0)
        self.allowance = self.allowed(gap)

    def allowed(self, gap: float) -> list[float]:
        """Points that each pool may leave open where all may leave open so many together."""
        arr = self._arr
        return [0.5 * gap * max(a, 1e-3 * sum(arr)) / (1.001 * sum(arr) or 1.0) for a in arr]

    def is_open(self, entry: Entry) -> bool:
        """The pool leaves more open than it may, and the solver can still do something about it."""
        known, plan = entry.known, entry.plan
        if known.failed[plan] or known.spent[plan] or known.upper[plan] == -np.inf:
            return False
        return bool(known.upper[plan] - known.lower[plan] > self.allowance[entry.pool])

    def is_stale(self, entry: Entry) -> bool:
        """Its own linear program was not solved with all the rows that hold, or not closely enough."""
        if entry.known.is_stale(entry.plan):
            return True
        excess = self._core(entry).excess.get(entry.plan, 0.0) if self._is_large(entry) else 0.0
        return excess > max(TANGENT_SHARE * self.allowance[entry.pool], LEAST_EXCESS)

    def _is_large(self, entry: Entry) -> bool:
        """A core is worth while and can still add something, and every unit has a pair to be in it."""
        tables = entry.known.structure(entry.plan).tables
        is_large = len(tables.pair_unit) > WITH_CORE and len(np.unique(tables.pair_unit)) == tables.num_units
        return is_large and not self._core(entry).is_spent(entry.plan)

    def _core(self, entry: Entry) -> CoreWork:
        known = entry.known
        key = entry.pool, known.filled, bool(known.quarterly[entry.plan])
        if key not in self._cores:
            seed = (self.target.seed, entry.pool, *sorted(known.filled))
            self._cores[key] = CoreWork(known.structure(entry.plan), seed)
        return self._cores[key]

    # ---- bounds -----------------------------------------------------------------------------------------------

    def bound_linear(self, entries: Sequence[Entry], plans: Sequence[IntArray]) -> None:
        """Tighten upper bounds by linear relaxations with all proven rows, and by their duals those of all plans."""
        large = [e for e in entries if self._is_large(e) and self._bound_by_core(e, plans)]
        entries = [e for e in entries if not any(e is other for other in large)]
        step = max(8, 2 * len(self.pools))  # programs of some pools at a time: they need memory
        for first in range(0, len(entries), step):
            batch = entries[first : first + step]
            jobs = [
                Job(e.known.structure(e.plan).program_at(e.plan, e.known.rows(e.plan)), self._limits(e), relax=True)
                for e in batch
            ]
            outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
            for e, job, outcome in zip(batch, jobs, outcomes, strict=True):
                e.known.take_relaxation(e.plan, job.program, outcome, plans[self.pools[e.pool].segment])

    def _bound_by_core(self, entry: Entry, plans: Sequence[IntArray]) -> bool:
        """Bound a large pool by the core of its relaxation; whether that said enough."""
        known, plan = entry.known, entry.plan
        tolerance = max(CORE_SHARE * TANGENT_SHARE * self.allowance[entry.pool], LEAST_EXCESS)
        relaxed = self._core(entry).relax(
            plan, known.rows(plan), self.engine, self._limits(entry), self.target.deadline, tolerance
        )
        if relaxed is not None:
            known.take_relaxation(plan, *relaxed, plans[self.pools[entry.pool].segment])
        return relaxed is not None

    # ---- books ------------------------------------------------------------------------------------------------

    def solve(self, entries: Sequence[Entry], plans: Sequence[IntArray]) -> bool:
        """Find books and tighten upper bounds by branch and bound; whether the solver crashed on one."""
        large = [e for e in entries if self._is_large(e) and e.plan in self._core(e).sifted]
        for e in large:
            self._solve_by_core(e, plans)
        entries = [e for e in entries if not any(e is other for other in large)]
        return self._solve_whole(entries, plans) if entries else False

    def _solve_by_core(self, entry: Entry, plans: Sequence[IntArray]) -> None:
        """Find books of a large pool around a corner of its relaxation, or around the best that are known."""
        known, plan = entry.known, entry.plan
        limits = replace(self._limits(entry), gap_absolute=CORE_SHARE * 0.5 * self.allowance[entry.pool])
        books = known.books[known.book[plan]] if known.book[plan] >= 0 else None
        for program, point in self._core(entry).books(plan, books, self.engine, limits, self.target.deadline):
            self._take_books(entry, program, point, plans)

    def _take_books(self, entry: Entry, program: Program, point: FloatArray, plans: Sequence[IntArray]) -> bool:
        """Learn books found under a plan; whether the load curve was refined at them."""
        known, plan = entry.known, entry.plan
        everything = np.arange(len(known.upper))
        active = np.union1d(plans[self.pools[entry.pool].segment], [plan]) if len(everything) > 500 else everything
        error = known.take_books(plan, program, point, active)
        is_missed = error > max(TANGENT_SHARE * self.allowance[entry.pool], LEAST_ERROR)
        return is_missed and known.structure(plan).refine(point)

    def _solve_whole(self, entries: Sequence[Entry], plans: Sequence[IntArray]) -> bool:
        """The same over all pairs of a pool that can matter."""
        jobs, are_whole = [], []
        for e in entries:
            upper, is_whole = self._pairs(e)
            program = e.known.structure(e.plan).program_at(e.plan, upper=upper)
            jobs.append(Job(program, self._limits(e), start=self._start(e, program.num_columns)))
            are_whole.append(is_whole)
        outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
        for e, job, outcome, is_whole in zip(entries, jobs, outcomes, are_whole, strict=True):
            known, plan = e.known, e.plan
            known.failed[plan] = outcome.ending is Ending.CRASHED
            before = known.upper[plan] - known.lower[plan]
            is_refined = False
            if outcome.point is None and not is_whole:
                known.few_failed.add(plan)
            if outcome.point is not None:
                is_refined = self._take_books(e, job.program, outcome.point, plans)
            if is_whole:
                known.nodes[plan] = min(NODES_GROWTH * known.nodes[plan], MOST_NODES)
                known.take_bound(plan, job.program, max(outcome.bound, known.lower[plan]))
                # What the solver calls optimal can be open by its own rounding; asking again would change nothing.
                is_impossible = known.upper[plan] == -np.inf  # and there is no gap to speak of
                is_same = is_impossible or (not is_refined and known.upper[plan] - known.lower[plan] >= before)
                known.spent[plan] = is_same and outcome.ending in (Ending.OPTIMAL, Ending.INFEASIBLE)
        return any(bool(e.known.failed[e.plan]) for e in entries)

    def _pairs(self, entry: Entry) -> tuple[FloatArray | None, bool]:
        """Upper limits on the pairs of an entry's program, and whether its bound holds for the whole pool.

        Without books a large pool first tries the best few pairs of every unit. With books, pairs that cannot be in
        better ones are left out, and the bound still holds.
        """
        known, plan = entry.known, entry.plan
        better = known.candidates(plan)
        if better is not None:
            return better.astype(float), True
        loss = known.losses(plan)
        if loss is None or len(loss) <= LARGE:
            return None, True
        if plan in known.few_failed:
            return None, True
        tables = known.structure(plan).tables
        unit = tables.pair_unit
        # Among equal losses a different CSM comes first for every unit, or all units would compete for the same few.
        order = np.lexsort(((tables.pair_csm + unit) % max(len(self.problem.csms.ids), 1), loss, unit))
        rank = np.arange(len(order)) - np.searchsorted(unit[order], unit[order])
        few = np.zeros(len(loss))
        few[order[rank < KEPT_PER_UNIT]] = 1.0
        return few, False

    def _limits(self, entry: Entry) -> Limits:
        # Node limits, not seconds, keep the run the same on a fast and on a slow machine.
        return Limits(
            time_limit_seconds=1e6,
            gap_absolute=0.5 * self.allowance[entry.pool],
            max_nodes=int(entry.known.nodes[entry.plan]),
            seed=self.target.seed,
        )

    def _start(self, entry: Entry, size: int) -> FloatArray | None:
        """The pool's best known books as a start, from whichever plan they come."""
        known, plan = entry.known, entry.plan
        if known.book[plan] < 0 and not known.books:
            return None
        books = known.books[known.book[plan] if known.book[plan] >= 0 else -1]
        return known.structure(plan).start(books, size)
