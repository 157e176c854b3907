"""The search: tighten what the master picks until no choice can be better by more than the gap.

Upper bounds come from linear relaxations, through their duals for all plans at once, and from the solver's bounds; a
bound U proved for a pool under plan p is a valid row `worth_p · x - load - prices <= U` in the pool's relaxation under
every plan with no more feasible books, which carries most of the proof over (DESIGN 4.2). Books found under one plan
are priced under all. Plans that cannot be part of a better choice are dropped on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optcomp.decompose.bounds import spread
from optcomp.decompose.envelope import groups, sample
from optcomp.decompose.knowledge import Knowledge
from optcomp.decompose.master import Master, Pick
from optcomp.decompose.money import Values
from optcomp.decompose.pools import split
from optcomp.decompose.structure import Structure
from optcomp.engine import Ending, Executor, Job, Limits
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray, IntArray

MOST_NODES = 2**31 - 1  # HiGHS counts in 32 bits
# Points that tangents may miss even where no gap at all is asked for: sums of floats miss as much, for ever.
LEAST_ERROR = 1e-9
NODES_GROWTH = 8  # a try that stops at its node limit gets this many times more the next time
REFERENCES = 4  # plans far apart whose duals bound the others before anything is picked
KEPT_PER_UNIT = 3  # pairs of every unit, by reduced cost, in the program that looks for first books
LARGE = 3000  # pairs above which first books come from such a program, and not from the whole one
MANY = 150  # plans of a segment above which a sample is solved first
SAMPLE = 5  # plans of each pay level in the sample
COARSE_GAP = 5.0  # times the gap within which the sample is solved
DROP = 0.25  # share of the gap by which a choice must be able to beat the best one for its plans to be kept
# Share of a pool's allowance that the tangents of the load curve may miss. The allowances add up to half of the gap, so
# at the usual gap of 0.01 points that is 0.001 points of NRR in all (DESIGN 3.3).
TANGENT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Target:
    """When to stop: `gap` in points of NRR, `deadline` on time.monotonic; `is_over` asks it; `seed` for HiGHS."""

    gap: float
    deadline: float
    seed: int
    is_over: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a search ended, in points of NRR: best choice with books (None: none), proved bound (-inf: infeasible)."""

    best: Pick | None
    bound: float
    has_crashed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A pool with positions filled, under one plan."""

    pool: int
    known: Knowledge
    plan: int


@dataclass
class Search:
    """Knowledge about every pool, shared by all searches on one problem.

    engine : solves the pools, and stops when it is interrupted
    helper : solves the master, which is small and must go on
    floor : points that a solution from elsewhere is worth; what cannot beat it need not be looked at
    move_price : points charged for every move; shared : structures that searches at several prices have in common
    """

    problem: Problem
    engine: Executor
    helper: Executor
    target: Target
    on_found: Callable[[Search, Found], None]
    floor: float = -np.inf
    move_price: float = 0.0
    shared: dict[tuple[int, frozenset[int], bool], Structure] = field(default_factory=dict)
    known: list[dict[frozenset[int], Knowledge]] = field(default_factory=list)
    active: list[IntArray] = field(default_factory=list)  # plan rows that could still be part of a better choice

    def __post_init__(self) -> None:
        self.pools = split(self.problem)
        self.master = Master(self.problem, self.pools, self.helper)
        must_fill = self.problem.rules["open_positions"].is_hard
        for pool in self.pools:
            fillings = [f for f in pool.fillings if not must_fill or len(f) == len(pool.open_csms)]
            self.known.append({f: Knowledge(self.problem, pool, f, self.move_price, self.shared) for f in fillings})
        # What each pool may leave open, by its share of the accounts' ARR; half of the gap is kept for tangents and
        # luck.
        arr = [float(self.problem.accounts.arr[pool.accounts].sum()) for pool in self.pools]
        self.allowance = [0.5 * self.target.gap * max(a, 1e-3 * sum(arr)) / (1.001 * sum(arr) or 1.0) for a in arr]

    # ---- the loop ---------------------------------------------------------------------------------------------

    def run(self, plans: Sequence[IntArray], *, money: bool = True) -> Found:
        """Solve over these plan rows per segment."""
        plans = [np.asarray(rows, dtype=np.int64) for rows in plans]
        if money and max(len(rows) for rows in plans) > MANY:
            return self._coarse_to_fine(plans)
        return self._tighten(plans, plans, -np.inf, money=money)

    def _coarse_to_fine(self, wanted: list[IntArray]) -> Found:
        """First a sample of the plans for a good choice; then bounds on groups leave out most plans; then the rest."""
        few = [
            np.union1d(sample(self.problem, s, rows, SAMPLE), np.intersect1d(rows, self._with_books(s)))
            for s, rows in enumerate(wanted)
        ]
        found = self._tighten(few, few, -np.inf, gap=COARSE_GAP * self.target.gap, is_sample=True)
        if found.best is None or self.target.is_over():
            return self._tighten(wanted, wanted, -np.inf)
        parts = [groups(self.problem, s, rows) for s, rows in enumerate(wanted)]
        for pool, by_filling in zip(self.pools, self.known, strict=True):
            for known in by_filling.values():
                known.bound_groups(parts[pool.segment])
        self._look_around(wanted)  # a structure that the sample did not touch
        plans, dropped = self._drop(wanted, found.best.value, -np.inf)
        for pool, by_filling in zip(self.pools, self.known, strict=True):
            for known in by_filling.values():
                known.bound_again(plans[pool.segment])
        plans, dropped = self._drop(plans, found.best.value, dropped)
        return self._tighten(plans, wanted, dropped)

    def _with_books(self, segment: int) -> IntArray:
        """Plans of a segment for which every pool has books of its own making."""
        solved = [
            np.any([known.rows_seen >= 0 for known in by_filling.values()], axis=0)
            for pool, by_filling in zip(self.pools, self.known, strict=True)
            if pool.segment == segment
        ]
        return np.flatnonzero(np.all(solved, axis=0)) if solved else np.array([], dtype=np.int64)

    def _tighten(
        self,
        plans: list[IntArray],
        wanted: list[IntArray],
        dropped: float,
        *,
        money: bool = True,
        gap: float | None = None,
        is_sample: bool = False,
    ) -> Found:
        """Tighten what the master picks among `plans` until the gap is reached.

        wanted : plans of which the best choice may consist, with those that were left out because nothing beats it
        dropped : bound in points on all choices that take a plan which was left out
        is_sample : other plans wait outside `wanted`, so nothing is proved for all
        """
        self._look_around(plans)
        gap = self.target.gap if gap is None else gap
        floor = self.floor if money and not is_sample else -np.inf
        has_crashed, last_best = False, -np.inf
        while True:
            self.active = plans
            top = self.master.pick(self._values("upper"), plans, money=money)
            has_failed = self.master.has_failed
            best = self.master.pick(self._values("lower"), wanted, money=money)
            if top is None:
                bound = max(dropped, best.value) if best is not None else dropped
                is_proof = not (is_sample or has_failed or self.target.is_over())
                return Found(best, bound if is_proof else np.inf, has_crashed or has_failed)
            bound = max(top.value, dropped)
            found = Found(best, np.inf if is_sample else bound, has_crashed)
            self.on_found(self, found)
            entries = [e for e in self._entries(top) if self._is_open(e)]
            value = floor if best is None else max(best.value, floor)
            is_done = bound - value <= gap
            if is_done or not entries or self.target.is_over():
                return found
            if money and value > last_best:
                plans, dropped = self._drop(plans, value, dropped)
                last_best = value
            stale = [e for e in entries if e.known.is_stale(e.plan)]
            if stale:
                self._bound_linear(stale, plans)
            else:
                has_crashed |= self._solve(entries, plans)

    def _values(self, side: str) -> Values:
        return [{f: k.upper if side == "upper" else k.lower for f, k in pool.items()} for pool in self.known]

    def _entries(self, pick: Pick) -> list[Entry]:
        return [
            Entry(k, self.known[k][filled], pick.plan[pool.segment])
            for k, (pool, filled) in enumerate(zip(self.pools, pick.filled, strict=True))
        ]

    def _is_open(self, entry: Entry) -> bool:
        known, plan = entry.known, entry.plan
        if known.failed[plan] or known.spent[plan] or known.upper[plan] == -np.inf:
            return False
        return bool(known.upper[plan] - known.lower[plan] > self.allowance[entry.pool])

    def _drop(self, plans: list[IntArray], best: float, dropped: float) -> tuple[list[IntArray], float]:
        """Leave out plans that cannot be part of a better choice; the bound on all that were left out."""
        enough = best + DROP * self.target.gap
        ceilings = self.master.ceilings(self._values("upper"), plans)
        out = [line[line <= enough] for line in ceilings]
        highest = max((float(line.max()) for line in out if len(line)), default=-np.inf)
        kept = [rows[line > enough] for rows, line in zip(plans, ceilings, strict=True)]
        if not all(len(rows) for rows in kept):  # nothing can be better by that much: the master will say so
            return plans, dropped
        return kept, max(dropped, highest)

    # ---- bounds and books -------------------------------------------------------------------------------------

    def _look_around(self, plans: Sequence[IntArray]) -> None:
        """Bound every plan through the duals of a few that lie far apart, until none is without a bound."""
        while entries := self._without_bound(plans):
            self._bound_linear(entries, plans)
            if self.target.is_over():  # no duals come any more
                for k, pool in enumerate(self.pools):
                    for known in self.known[k].values():
                        known.bound_simply(plans[pool.segment])

    def _without_bound(self, plans: Sequence[IntArray]) -> list[Entry]:
        """Of the plans that have no bound yet, a few of every pool that lie far apart."""
        entries: list[Entry] = []
        for k, pool in enumerate(self.pools):
            effects = self.problem.effects[pool.segment]
            rows = plans[pool.segment]
            for known in self.known[k].values():
                for quarterly in (False, True):
                    own = rows[(known.quarterly[rows] == quarterly) & (known.upper[rows] == np.inf)]
                    if len(own):
                        traits = np.column_stack([effects.phi[own], effects.leak[own], effects.hours_factor[own]])
                        entries += [Entry(k, known, int(own[i])) for i in spread(traits, REFERENCES)]
        return entries

    def _bound_linear(self, entries: Sequence[Entry], plans: Sequence[IntArray]) -> None:
        """Tighten upper bounds by linear relaxations with all proven rows, and by their duals those of all plans."""
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

    def _solve(self, entries: Sequence[Entry], plans: Sequence[IntArray]) -> bool:
        """Find books and tighten upper bounds by branch and bound; whether the solver crashed on one."""
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
                everything = np.arange(len(known.upper))
                active = np.union1d(plans[self.pools[e.pool].segment], [plan]) if len(everything) > 500 else everything
                error = known.take_books(plan, job.program, outcome.point, active)
                is_refined = error > max(TANGENT_SHARE * self.allowance[e.pool], LEAST_ERROR)
                if is_refined:
                    known.structure(plan).refine(outcome.point)
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

    def suggest(self, solution: Solution) -> None:
        """Take the books of a solution that holds as starts for the solver."""
        problem = self.problem
        rows = {name: j for j, name in enumerate(problem.csms.ids)}
        owner = np.array([rows[solution.csm_by_account[a]] for a in problem.accounts.ids])
        for pool, by_filling in zip(self.pools, self.known, strict=True):
            filled = frozenset(j for j in pool.open_csms if problem.csms.ids[j] in solution.filled)
            plans = problem.plans[pool.segment]
            wanted = solution.plan_by_segment[problem.segments[pool.segment].name]
            tables = by_filling[filled].structure([p.plan_id for p in plans].index(wanted)).tables
            csm_of_unit = np.full(tables.num_units, -1, dtype=np.int64)
            csm_of_unit[tables.account_unit] = owner[tables.scope.accounts]
            by_filling[filled].books.append(csm_of_unit)

    # ---- answers ----------------------------------------------------------------------------------------------

    def solution(self, pick: Pick) -> Solution:
        """The solution that a pick with books stands for."""
        problem = self.problem
        owner = {a: j for e in self._entries(pick) for a, j in e.known.owner(e.plan).items()}
        return Solution(
            {s.name: problem.plans[i][pick.plan[i]].plan_id for i, s in enumerate(problem.segments)},
            {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
            frozenset(problem.csms.ids[j] for filled in pick.filled for j in filled),
        )

    def plans_for_books(self, pick: Pick) -> Pick | None:
        """The best plans for the books of a pick, which stay as they are."""
        values: list[dict[frozenset[int], FloatArray]] = []
        for e, filled in zip(self._entries(pick), pick.filled, strict=True):
            same = e.known.book == e.known.book[e.plan]
            values.append({f: np.full(len(e.known.lower), -np.inf) for f in self.known[e.pool]})
            values[-1][filled] = np.where(same, e.known.lower, -np.inf)
        return self.master.pick(values, plans_of_all(self.problem))


def plans_of_all(problem: Problem) -> list[IntArray]:
    """Every plan row of every segment."""
    return [np.arange(len(rows)) for rows in problem.plans]
