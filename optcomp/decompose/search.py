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
from optcomp.decompose.tighten import Entry, Target, Tightener
from optcomp.engine import Executor
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray, IntArray

__all__ = ["MANY", "STEPS", "Found", "Search", "Target", "gaps_to", "plans_of_all"]

REFERENCES = 4  # plans far apart whose duals bound the others before anything is picked
MANY = 150  # plans of a segment above which a sample is solved first
SAMPLE = 5  # plans of each pay level in the sample
COARSE_GAP = 5.0  # times the gap within which the sample is solved
DROP = 0.25  # share of the gap by which a choice must be able to beat the best one for its plans to be kept
# Points of NRR. A gap below the first of these, the usual one, is reached by way of those that are wider: what is
# farthest open comes first, and whoever asks for no gap at all has on the way what the usual one gives.
STEPS = (0.01, 1e-4, 1e-6)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a search ended, in points of NRR: best choice with books (None: none), proved bound (-inf: infeasible)."""

    best: Pick | None
    bound: float
    has_crashed: bool = False


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
        self.work = Tightener(self.problem, self.pools, self.engine, self.target)
        self._gap = self._narrowest = max(self.target.gap, STEPS[0])

    # ---- the loop ---------------------------------------------------------------------------------------------

    def run(self, plans: Sequence[IntArray], *, money: bool = True, gap: float = 0.0) -> Found:
        """Solve over these plan rows per segment, to the gap of the target or to this one, whichever is wider."""
        wanted = [np.asarray(rows, dtype=np.int64) for rows in plans]
        found: Found | None = None
        for step in gaps_to(max(gap, self.target.gap)):
            self._allow(step)
            found = _better(self._at_gap(wanted, money, found), found)
            if found.bound == -np.inf or self.target.is_over():
                break
        assert found is not None  # there is at least one step
        return found

    def _allow(self, gap: float) -> None:
        """Go for a gap; where it is narrower than any before, what could do no more for a wider one may try again."""
        if gap < self._narrowest:
            for by_filling in self.known:
                for known in by_filling.values():
                    known.spent[:] = False
        self._gap, self._narrowest = gap, min(gap, self._narrowest)
        self.work.allow(gap)

    def _at_gap(self, wanted: list[IntArray], money: bool, before: Found | None) -> Found:
        """Solve to the present gap; `before` is what a wider one gave."""
        if not money:
            return self._tighten(wanted, wanted, -np.inf, money=False)
        if before is None or before.best is None:
            is_long = max(len(rows) for rows in wanted) > MANY
            return self._coarse_to_fine(wanted) if is_long else self._tighten(wanted, wanted, -np.inf)
        plans, dropped = self._drop(wanted, before.best.value, -np.inf)
        return self._tighten(plans, wanted, dropped)

    def _coarse_to_fine(self, wanted: list[IntArray]) -> Found:
        """First a sample of the plans for a good choice; then bounds on groups leave out most plans; then the rest."""
        few = [
            np.union1d(sample(self.problem, s, rows, SAMPLE), np.intersect1d(rows, self._with_books(s)))
            for s, rows in enumerate(wanted)
        ]
        found = self._tighten(few, few, -np.inf, gap=COARSE_GAP * self._gap, is_sample=True)
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
        gap = self._gap if gap is None else gap
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
            entries = [e for e in self._entries(top) if self.work.is_open(e)]
            value = floor if best is None else max(best.value, floor)
            is_done = bound - value <= gap
            if is_done or not entries or self.target.is_over():
                return found
            if money and value > last_best:
                plans, dropped = self._drop(plans, value, dropped)
                last_best = value
            stale = [e for e in entries if self.work.is_stale(e)]
            if stale:
                self.work.bound_linear(stale, plans)
            else:
                has_crashed |= self.work.solve(entries, plans)

    def _values(self, side: str) -> Values:
        return [{f: k.upper if side == "upper" else k.lower for f, k in pool.items()} for pool in self.known]

    def _entries(self, pick: Pick) -> list[Entry]:
        return [
            Entry(k, self.known[k][filled], pick.plan[pool.segment])
            for k, (pool, filled) in enumerate(zip(self.pools, pick.filled, strict=True))
        ]

    def _drop(self, plans: list[IntArray], best: float, dropped: float) -> tuple[list[IntArray], float]:
        """Leave out plans that cannot be part of a better choice; the bound on all that were left out."""
        enough = best + DROP * self._gap
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
            self.work.bound_linear(entries, plans)
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

    def solution(self, pick: Pick, books: Pick | None = None) -> Solution:
        """The solution that a pick with books stands for; `books` is the pick that they come from, if it is another."""
        problem = self.problem
        owner = {a: j for e in self._entries(books or pick) for a, j in e.known.owner(e.plan).items()}
        return Solution(
            {s.name: problem.plans[i][pick.plan[i]].plan_id for i, s in enumerate(problem.segments)},
            {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
            frozenset(problem.csms.ids[j] for filled in pick.filled for j in filled),
        )

    def plans_for_books(self, pick: Pick) -> Pick | None:
        """The best plans for the books of a pick, which stay as they are."""
        values: list[dict[frozenset[int], FloatArray]] = []
        for e, filled in zip(self._entries(pick), pick.filled, strict=True):
            values.append({f: np.full(len(e.known.lower), -np.inf) for f in self.known[e.pool]})
            values[-1][filled] = e.known.worth_of_books(e.plan)
        return self.master.pick(values, plans_of_all(self.problem))


def gaps_to(gap: float) -> list[float]:
    """The gaps that are reached one after the other on the way to a gap, the last being that one."""
    return [*(step for step in STEPS if step > gap), gap]


def _better(found: Found, before: Found | None) -> Found:
    """What two searches over the same plans found together."""
    if before is None:
        return found
    best = max((p for p in (found.best, before.best) if p is not None), key=lambda p: p.value, default=None)
    return Found(best, min(found.bound, before.bound), found.has_crashed)


def plans_of_all(problem: Problem) -> list[IntArray]:
    """Every plan row of every segment."""
    return [np.arange(len(rows)) for rows in problem.plans]
