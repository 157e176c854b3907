"""The search: tighten what the master picks until no choice can be better by more than the gap.

Upper bounds come from linear relaxations and from the solver's bounds; a bound U proved for a pool under plan p is
a valid row `worth_p · x - load - prices <= U` in the pool's relaxation under every plan of the same shape, which
carries most of the proof over (DESIGN 4.2). Books found under one plan are priced under all plans of the shape.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.master import Entry, Master, Pick, plans_of_all
from optcomp.decompose.pools import split
from optcomp.decompose.programs import PoolPrograms, Shape
from optcomp.engine import Ending, Engine, Job, Limits, Program
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray

NODES_GROWTH = 8  # a try that stops at its node limit gets this many times more the next time
# Share of a pool's allowance that the tangents of the load curve may miss. The allowances add up to half of the gap,
# so at # the usual gap of 0.01 points that is 0.001 points of NRR in all (DESIGN 3.3).
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


@dataclass
class Search:
    """Knowledge about every pool under every plan, shared by all searches on one problem.

    engine : solves the pools, and stops when it is interrupted; helper : solves the master, which is small and must
        go on

    proven : per pool and shape, rows (coefficients, bound) that hold for every choice of books
    """

    problem: Problem
    engine: Engine
    helper: Engine
    target: Target
    on_found: Callable[[Search, Found], None]
    entries: list[Entry] = field(default_factory=list)
    programs: list[PoolPrograms] = field(default_factory=list)
    proven: dict[tuple[int, Shape], list[tuple[FloatArray, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pools = split(self.problem)
        self.master = Master(self.problem, self.pools, self.helper)
        self.programs = [PoolPrograms(self.problem, pool) for pool in self.pools]
        must_fill = self.problem.rules["open_positions"].is_hard
        for k, pool in enumerate(self.pools):
            fillings = [f for f in pool.fillings if not must_fill or len(f) == len(pool.open_csms)]
            self.entries += [Entry(k, p, f) for p in range(len(self.problem.plans[pool.segment])) for f in fillings]
        # What each pool may leave open, by its share of the accounts' ARR; half of the gap is kept for tangents and
        # luck.
        arr = [float(self.problem.accounts.arr[pool.accounts].sum()) for pool in self.pools]
        self.allowance = [0.5 * self.target.gap * max(a, 1e-3 * sum(arr)) / (1.001 * sum(arr) or 1.0) for a in arr]

    # ---- the loop ---------------------------------------------------------------------------------------------

    def run(self, plans: Sequence[Sequence[int]], *, money: bool = True) -> Found:
        """Solve over these plan rows per segment."""
        self._bound_linear([e for e in self._within(plans) if e.rows_seen < 0])
        has_crashed = False
        while True:
            top = self._pick("upper", plans, money)
            best = self._pick("lower", plans, money)
            if top is None:
                return Found(best, -np.inf if not self.target.is_over() else np.inf)
            found = Found(best, top.value, has_crashed)
            self.on_found(self, found)
            open_entries = [e for e in top.entries if self._is_open(e)]
            is_done = best is not None and top.value - best.value <= self.target.gap
            if is_done or not open_entries or self.target.is_over():
                return found
            stale = [e for e in open_entries if e.rows_seen < len(self._rows(e))]
            if stale:
                self._bound_linear(stale)
            else:
                self._solve(open_entries)
                has_crashed = has_crashed or any(e.has_failed for e in open_entries)

    def _within(self, plans: Sequence[Sequence[int]]) -> list[Entry]:
        return [e for e in self.entries if e.plan in plans[self.pools[e.pool].segment]]

    def _pick(self, side: str, plans: Sequence[Sequence[int]], money: bool) -> Pick | None:
        values = {i: e.upper if side == "upper" else e.lower for i, e in enumerate(self.entries)}
        return self.master.pick(values, self.entries, plans, money=money)

    def _is_open(self, entry: Entry) -> bool:
        return entry.upper - entry.lower > self.allowance[entry.pool] and not entry.has_failed

    def _rows(self, entry: Entry) -> list[tuple[FloatArray, float]]:
        shape = self.programs[entry.pool].shape(entry.plan, entry.filled)
        return self.proven.setdefault((entry.pool, shape), [])

    # ---- bounds and books -------------------------------------------------------------------------------------

    def _bound_linear(self, entries: Sequence[Entry]) -> None:
        """Tighten upper bounds by linear relaxations with all proven rows."""
        jobs = [
            Job(with_rows(self.programs[e.pool].program(e.plan, e.filled), self._rows(e)), self._limits(e), relax=True)
            for e in entries
        ]
        outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
        for entry, outcome in zip(entries, outcomes, strict=True):
            entry.rows_seen = len(self._rows(entry))
            entry.upper = min(entry.upper, outcome.bound, self._simple_bound(entry))

    def _simple_bound(self, entry: Entry) -> float:
        """A bound without any solver: everybody's best pair, and the most that light loads can be worth (rho = 1/e)."""
        tables = self.programs[entry.pool].built(entry.plan, entry.filled).frame.tables
        best = np.full(tables.num_units, -np.inf)
        np.maximum.at(best, tables.pair_unit, self.programs[entry.pool].worth(entry.plan, entry.filled))
        kappa = float(self.problem.kappa[self.pools[entry.pool].segment])
        light = kappa * float(self.problem.csms.hours[tables.scope.csms].sum()) / np.e
        return float(best.sum()) + light * tables.points_per_usd

    def _solve(self, entries: Sequence[Entry]) -> None:
        """Find books and tighten upper bounds by branch and bound."""
        jobs = []
        for e in entries:
            program = self.programs[e.pool].program(e.plan, e.filled)
            jobs.append(Job(program, self._limits(e), start=self._start(e, program)))
        outcomes = self.engine.solve_many(jobs, deadline=self.target.deadline)
        for entry, job, outcome in zip(entries, jobs, outcomes, strict=True):
            entry.nodes *= NODES_GROWTH
            entry.has_failed = outcome.ending is Ending.CRASHED
            if outcome.point is not None:
                self._take_books(entry, job.program, outcome.point)
            if outcome.bound < entry.upper:
                entry.upper = outcome.bound
                if np.isfinite(outcome.bound):
                    self._rows(entry).append((job.program.objective, outcome.bound))
                    entry.rows_seen = len(self._rows(entry))

    def _limits(self, entry: Entry) -> Limits:
        # Node limits, not seconds, keep the run the same on a fast and on a slow machine.
        return Limits(
            time_limit_seconds=1e6,
            gap_absolute=0.5 * self.allowance[entry.pool],
            max_nodes=entry.nodes,
            seed=self.target.seed,
        )

    def _start(self, entry: Entry, program: Program) -> FloatArray | None:
        """The pool's best known books as a start, from whichever plan they come."""
        known = [e for e in self.entries if e.pool == entry.pool and e.filled == entry.filled and e.owner]
        if not known:
            return None
        owner = max(known, key=lambda e: (e is entry, e.lower)).owner
        built = self.programs[entry.pool].built(entry.plan, entry.filled)
        tables = built.frame.tables
        first = dict(zip(tables.account_unit.tolist(), built.frame.scope.accounts.tolist(), strict=True))
        wanted = np.array([owner[first[u]] for u in range(tables.num_units)], dtype=np.int64)
        start = np.full(program.num_columns, np.nan)
        start[built.pair_columns] = tables.pair_csm == wanted[tables.pair_unit]
        return start

    def _take_books(self, entry: Entry, program: Program, point: FloatArray) -> None:
        """Price found books under every plan of the shape; the load term is taken exactly."""
        programs = self.programs[entry.pool]
        error = programs.load_error(entry.plan, entry.filled, point)
        owner = programs.owners(entry.plan, entry.filled, point)
        shape = programs.shape(entry.plan, entry.filled)
        columns = programs.built(entry.plan, entry.filled).pair_columns
        rest = float(program.objective @ point) + program.offset - float(program.objective[columns] @ point[columns])
        for other in self.entries:
            if other.pool == entry.pool and programs.shape(other.plan, other.filled) == shape:
                worth = float(programs.worth(other.plan, other.filled) @ point[columns])
                other.raise_lower(rest + worth - error, owner)
        if error > TANGENT_SHARE * self.allowance[entry.pool]:
            programs.refine(entry.plan, entry.filled, point)

    # ---- starts and answers -----------------------------------------------------------------------------------

    def solution(self, pick: Pick) -> Solution:
        """The solution that a pick with books stands for."""
        problem = self.problem
        owner = {a: j for e in pick.entries for a, j in e.owner.items()}
        return Solution(
            {s.name: problem.plans[i][pick.plan[i]].plan_id for i, s in enumerate(problem.segments)},
            {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
            frozenset(problem.csms.ids[j] for e in pick.entries for j in e.filled),
        )

    def plans_for_books(self, pick: Pick) -> Pick | None:
        """The best plans for the books of a pick, which stay as they are."""
        books = {e.pool: e.owner for e in pick.entries}
        filled = {e.pool: e.filled for e in pick.entries}
        values = {
            i: e.lower if e.owner == books[e.pool] and e.filled == filled[e.pool] else -np.inf
            for i, e in enumerate(self.entries)
        }
        return self.master.pick(values, self.entries, plans_of_all(self.problem))


def with_rows(program: Program, rows: Sequence[tuple[FloatArray, float]]) -> Program:
    """The program with further rows `coefficients · x <= bound`."""
    if not rows:
        return program
    columns = [np.flatnonzero(coefficients) for coefficients, _ in rows]
    values = [coefficients[c] for (coefficients, _), c in zip(rows, columns, strict=True)]
    ends = program.starts[-1] + np.cumsum([len(c) for c in columns])
    return replace(
        program,
        row_lower=np.append(program.row_lower, np.full(len(rows), -np.inf)),
        row_upper=np.append(program.row_upper, [bound for _, bound in rows]),
        starts=np.append(program.starts, ends).astype(np.int32),
        columns=np.concatenate([program.columns, *columns]).astype(np.int32),
        values=np.concatenate([program.values, *values]),
    )
