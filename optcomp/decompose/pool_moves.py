"""Single pools asked for their best books with at most so many moves, and for the fewest that they can do with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optcomp.decompose.memory import Memory
from optcomp.decompose.search import Search
from optcomp.decompose.share import Book, PoolWorth
from optcomp.decompose.structure import Row
from optcomp.decompose.tighten import LEAST_ERROR, MOST_NODES, NODES_GROWTH, TANGENT_SHARE, Target
from optcomp.engine import Ending, Executor, Job, Limits, Outcome
from optcomp.types import BoolArray

NODES = 5000  # search nodes of a first try
POLISH_NODES = 500  # search nodes of every try once the gap that was asked for is reached


@dataclass(frozen=True, slots=True)
class Ask:
    """A pool with positions filled, under a plan, with at most so many moves."""

    pool: int
    filled: frozenset[int]
    plan: int
    moves: int


@dataclass
class PoolMoves:
    """Asks pools, and keeps what they answer in the memory.

    free : a search without any price on moves, for its pools and structures
    worth_of : pool, positions filled and plan row → what is known of it
    """

    memory: Memory
    engine: Executor
    target: Target
    free: Search
    worth_of: Callable[[int, frozenset[int], int], PoolWorth]

    def allowance(self, pool: int) -> float:
        """Points that a pool may leave open: its share of half the gap that is aimed at."""
        return self.free.work.allowed(self.memory.aim * self.target.gap)[pool]

    def ask(self, asks: Sequence[Ask], *, is_polish: bool) -> None:
        """Find and prove the best books with at most so many moves of several pools; to polish takes few nodes."""
        jobs = [self._job(ask, is_polish) for ask in asks]
        outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
        for ask, outcome in zip(asks, outcomes, strict=True):
            self._take(ask, outcome)
            if is_polish:
                self.worth_of(ask.pool, ask.filled, ask.plan).polished.add(ask.moves)

    def is_polished(self, ask: Ask) -> bool:
        """A try with few nodes was made."""
        return ask.moves in self.worth_of(ask.pool, ask.filled, ask.plan).polished

    def _job(self, ask: Ask, is_polish: bool) -> Job:
        worth = self.worth_of(ask.pool, ask.filled, ask.plan)
        structure = self.free.known[ask.pool][ask.filled].structure(ask.plan)
        count = structure.tables.moves
        limit = Row(structure.pair_columns[count > 0.0], count[count > 0.0], float(ask.moves))
        useful = self._useful(ask, worth)
        program = structure.program_at(ask.plan, [limit], None if useful is None else useful.astype(float))
        start = None
        if worth.book[ask.moves] >= 0:
            start = structure.start(worth.best(ask.moves).csm_of_unit, program.num_columns)
        limits = Limits(
            time_limit_seconds=1e6,
            gap_absolute=0.5 * self.allowance(ask.pool),
            max_nodes=POLISH_NODES if is_polish else worth.nodes.get(ask.moves, NODES),
            seed=self.target.seed,
        )
        return Job(program, limits, start=start)

    def _useful(self, ask: Ask, worth: PoolWorth) -> BoolArray | None:
        """Pairs that can be in better books with so many moves than those known, by the price that says most of them.

        Books of m moves worth more than L are worth more than L - price · m with the price charged.
        """
        searches = self.memory.searches
        if not searches:
            return None
        limits = {p: s.known[ask.pool][ask.filled].upper[ask.plan] + p * ask.moves for p, s in searches.items()}
        price = min(limits, key=lambda p: limits[p])
        least = float(worth.lower[ask.moves]) - price * ask.moves
        return searches[price].known[ask.pool][ask.filled].candidates_above(ask.plan, least)

    def _take(self, ask: Ask, outcome: Outcome) -> None:
        worth = self.worth_of(ask.pool, ask.filled, ask.plan)
        structure = self.free.known[ask.pool][ask.filled].structure(ask.plan)
        before = float(worth.upper[ask.moves] - worth.lower[ask.moves])
        is_refined = False
        known = float(worth.lower[ask.moves])  # pairs of books that are no better were left out
        if outcome.point is not None and outcome.value is not None:
            error, used = structure.load_error(outcome.point), structure.used(outcome.point)
            moves = int(structure.tables.moves[used].sum() + 0.5)
            worth.take_book(Book(structure.csm_of_unit(outcome.point), outcome.value - error, moves))
            is_missed = error > max(TANGENT_SHARE * self.allowance(ask.pool), LEAST_ERROR)
            is_refined = is_missed and structure.refine(outcome.point)
        worth.take_bound(ask.moves, max(outcome.bound, known, float(worth.lower[ask.moves])))
        worth.nodes[ask.moves] = min(NODES_GROWTH * worth.nodes.get(ask.moves, NODES), MOST_NODES)
        is_impossible = worth.upper[ask.moves] == -np.inf
        is_same = is_impossible or (not is_refined and float(worth.upper[ask.moves] - worth.lower[ask.moves]) >= before)
        if outcome.ending is Ending.CRASHED or (is_same and outcome.ending in (Ending.OPTIMAL, Ending.INFEASIBLE)):
            worth.spent.add(ask.moves)

    # ---- fewest moves -----------------------------------------------------------------------------------------

    def fewest(self, asks: Sequence[tuple[int, frozenset[int], int]]) -> dict[tuple[int, frozenset[int], int], int]:
        """How many moves pools with positions filled, under plans, need at least; above all that there are for none."""
        jobs = []
        for pool, filled, plan in asks:
            structure = self.free.known[pool][filled].structure(plan)
            program = structure.program_at(plan)
            objective = np.zeros(program.num_columns)
            objective[structure.pair_columns] = -structure.tables.moves
            # Whole numbers: a bound within half a move says how many.
            limits = Limits(time_limit_seconds=1e6, gap_absolute=0.5, max_nodes=NODES, seed=self.target.seed)
            jobs.append(Job(replace(program, objective=objective, offset=0.0), limits))
        outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
        counts = {}
        for ask, outcome in zip(asks, outcomes, strict=True):
            worth = self.worth_of(*ask)
            is_impossible = outcome.bound == -np.inf
            proved = 0.0 if not np.isfinite(outcome.bound) else np.ceil(-outcome.bound - 1e-4)
            counts[ask] = worth.size + 1 if is_impossible else int(max(proved, 0.0))
            if counts[ask]:
                worth.take_bound(counts[ask] - 1, -np.inf)
        return counts
