"""The search for an assignment: a bound by prices, a core by reduced costs, and local search that puts books anew.

1. The linear relaxation prices hours; its value is a first bound.
2. A program over the few best pairs of every account gives a first assignment.
3. Prices of accounts give a tighter bound, and say by how much every pair raises it (`knapsack`). A pair that raises it
   beyond the assignment at hand cannot be in a better one: what is left is the core.
4. Processes put the books of a few CSMs together anew, again and again (`exchange`), from the best assignment so far.
5. When that stands still and values are whole, prices are made as good as they get (`columns`), and it is asked whether
   there is an assignment of the least cost that is not refused yet: parts of the task are refused, or dived into
   (`parts`). What was refused raises the bound by one.
6. Where too many pairs are left for that, the core is given to the solver, with more nodes each time.
"""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from optcomp.engine import Ending, Executor, Job, Limits
from optcomp.types import FloatArray, IntArray
from tests.benchmarks.gap_core.bounding import Bounding, Part
from tests.benchmarks.gap_core.exchange import Exchange, landscape
from tests.benchmarks.gap_core.knapsack import Climb, UnitPrices, climb, grid, reduced_costs
from tests.benchmarks.gap_core.parts import Asked, Question, Reply, dive, prove
from tests.benchmarks.gap_core.programs import of_pairs, owners_of_pairs
from tests.benchmarks.gap_core.spread import Spread, at_once, in_turn
from tests.benchmarks.gap_core.task import Answer, Assignment, within

FIRST_PAIRS = (3, 6)  # best pairs of every account in the programs that look for a first assignment
FIRST_GAP = 0.02  # share of the bound that a first assignment may miss; the local search does better than the solver
CLIMB_STEPS = 400  # more raised no bound of the benchmarks by a thousandth of its gap
CLIMB_SHARE = 0.2  # of the time that is left, at most
CORE_NODES = 500  # of the core's first try
NODES_GROWTH = 4  # from one try to the next
OPEN_PAIRS = 600  # pairs to decide in a core that the solver is asked to close; larger ones keep it busy for nothing
CLOSE, ROUNDS = 5e-3, 60  # of the best prices: distance to the program's value, and solves at most
ASKED_PAIRS = 2.0  # pairs to decide by account, above which a task is not asked about: no part of it is ever refused
PROVE_NODES = 6  # of each process, between looks at what was found
PROVED_PAIRS = 400  # pairs to decide, above which no more than one look is taken at what could be refused
ASKED_NODES = 6  # more every round
NEVER = 800  # nodes that refusing the whole would take at the pace so far, above which dives are tried instead
DIVES = 3  # of a process, between rounds of local search
TRIES = 25  # of the local search in the first round
MOST_TRIES = 200  # in a round
NO_LIMIT = 1e6  # seconds; the deadline is the engine's


@dataclass(frozen=True, slots=True)
class Effort:
    """When to stop: `deadline` on time.monotonic, `rounds` of local search; and `seed`, `processes` for it.

    The answer is the same for the same seed, rounds and number of processes as long as the deadline is not met.
    """

    deadline: float
    rounds: int = 1_000_000
    seed: int = 0
    processes: int = 2


def solve(task: Assignment, executor: Executor, effort: Effort) -> Answer:
    """The best assignment found, and a bound that is proved."""
    core = Core(task, executor, effort)
    core.run()
    return Answer(core.owner, -core.cost, -core.least_cost)


@dataclass
class Core:
    """What is known about an assignment while it is solved; costs are minus values.

    prices, rise : prices of accounts with their bound, and by how much each pair raises it, shape (csms, accounts)
    open_parts : of the question whether there is an assignment of `least_cost`; None when it was not asked
    refused, nodes : share of that question that was refused, and nodes that took
    """

    task: Assignment
    executor: Executor
    effort: Effort
    owner: IntArray | None = None
    cost: float = np.inf
    least_cost: float = -np.inf
    prices: UnitPrices = field(init=False)
    rise: FloatArray = field(init=False)
    open_parts: tuple[Asked, ...] | None = None
    refused: float = 0.0
    nodes: int = 0

    def run(self) -> None:
        """All steps, until nothing can be better or the effort is spent."""
        if not self._relax():
            return
        self._begin()
        if self.owner is None or self._is_over:
            return
        self._tighten()
        self._improve()

    @property
    def _is_over(self) -> bool:
        return self.task.is_closed(-self.cost, -self.least_cost) or time.monotonic() > self.effort.deadline

    def _take(self, owner: IntArray) -> None:
        cost = -self.task.worth(owner)
        if cost < self.cost:
            self.owner, self.cost = owner, cost

    def _prove(self, least_cost: float) -> None:
        self.least_cost = max(self.least_cost, min(-self.task.step_down(-least_cost), self.cost))

    def _limits(self, nodes: int) -> Limits:
        gap = 0.999 if self.task.is_whole else 0.0  # values that are whole differ by 1
        return Limits(time_limit_seconds=NO_LIMIT, max_nodes=nodes, seed=self.effort.seed, gap_absolute=gap)

    # ---- bounds

    def _relax(self) -> bool:
        """Price hours by the linear relaxation; whether there may be an assignment."""
        csm, account = np.nonzero(np.isfinite(self.task.cost))
        if len(np.unique(account)) < self.task.num_accounts:
            self.least_cost = np.inf
            return False
        outcome = self.executor.solve(Job(of_pairs(self.task, csm, account), relax=True), deadline=self.effort.deadline)
        if outcome.ending is Ending.INFEASIBLE:
            self.least_cost = np.inf
            return False
        self._prove(-outcome.bound)
        charge = np.zeros(self.task.num_csms)
        if outcome.row_duals is not None:
            charge[np.unique(csm)] = np.maximum(outcome.row_duals[self.task.num_accounts :], 0.0)
        net = self.task.cost + charge[:, None] * self.task.load
        price = net.min(axis=0)
        self.rise = net - price
        self.prices = UnitPrices(price, float(price.sum() - charge @ self.task.capacity))
        return True

    def _tighten(self) -> None:
        """Price accounts."""
        now = time.monotonic()
        until = now + CLIMB_SHARE * max(self.effort.deadline - now, 0.0)
        hours = grid(self.task)
        goal = Climb(self.cost, CLIMB_STEPS, until)
        self.prices = climb(self.task.cost, hours, self.prices.price, goal)
        self._prove(self.prices.least_cost)
        self.rise = reduced_costs(self.task.cost, hours, self.prices)

    # ---- assignments

    def _begin(self) -> None:
        """A first assignment, from the few best pairs of every account."""
        rank = self.rise.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable")
        nobody = np.zeros(self.task.num_accounts, dtype=np.int64)
        gap = FIRST_GAP * abs(self.least_cost) if np.isfinite(self.least_cost) else 0.0
        limits = Limits(time_limit_seconds=NO_LIMIT, seed=self.effort.seed, gap_absolute=gap)
        for most in (*FIRST_PAIRS, self.task.num_csms):
            is_last = most == self.task.num_csms
            csm, account = np.nonzero((rank < most) & np.isfinite(self.task.cost))
            job = Job(of_pairs(self.task, csm, account), limits)
            outcome = self.executor.solve(job, deadline=self.effort.deadline)
            if is_last:
                self._prove(-outcome.bound)
            if outcome.point is not None:
                self._take(owners_of_pairs(outcome.point, csm, account, nobody))
                return

    def _close(self, nodes: int) -> None:
        """Give the core to the solver, if it is small enough to be worth that."""
        assert self.owner is not None
        room = self.cost - (1.0 if self.task.is_whole else 0.0) - self.prices.least_cost
        keep = within(self.rise, room)
        keep[self.owner, np.arange(self.task.num_accounts)] = True
        csm, account = np.nonzero(keep)
        if len(csm) - self.task.num_accounts > OPEN_PAIRS:
            return
        start = (self.owner[account] == csm).astype(np.float64)
        job = Job(of_pairs(self.task, csm, account), self._limits(nodes), start=start)
        outcome = self.executor.solve(job, deadline=self.effort.deadline)
        if outcome.point is not None:
            self._take(owners_of_pairs(outcome.point, csm, account, self.owner))
        self._prove(min(-outcome.bound, self.cost))  # what is not in the core is no better than what is at hand

    # ---- is there an assignment of some cost?

    def _sharpen(self) -> None:
        """Prices as good as they get; they are kept only if they are better."""
        bounding = Bounding(self.task, self.prices.price, self.effort.deadline)
        self.prices = bounding.converge(self.prices, close=CLOSE, most_rounds=ROUNDS)
        self._prove(self.prices.least_cost)
        self.rise = reduced_costs(self.task.cost, grid(self.task), self.prices)

    def _can_ask(self) -> bool:
        """Whether values are whole and few enough pairs can be in a better assignment."""
        room = self.cost - 1.0 - self.prices.least_cost
        return self.task.is_whole and int(within(self.rise, room).sum()) <= (1.0 + ASKED_PAIRS) * self.task.num_accounts

    def _whole(self, most_cost: float) -> Part:
        """All that can be in an assignment of at most this cost."""
        return Part(within(self.rise, most_cost - self.prices.least_cost), self.prices.price)

    def _ask(self, spread: Spread, nodes: int) -> None:
        """Refuse the least cost that is not refused yet, or find an assignment of it.

        nodes : in all, after which it goes on only where the whole can be refused in good time
        """
        asked: tuple[Asked, ...] | None = self.open_parts
        while not self._is_over:
            cost = self.least_cost
            if asked is None:
                asked, self.refused, self.nodes = (Asked(self._whole(cost), 1.0),), 0.0, 0
            if self.nodes >= nodes and self.nodes > NEVER * self.refused:
                break
            if self.nodes and int(self._whole(cost).keep.sum()) - self.task.num_accounts > PROVED_PAIRS:
                break
            each = PROVE_NODES if self.nodes else 1
            question = Question(self.task, cost, self.effort.deadline)
            share = self.effort.processes
            replies: list[Reply] = spread(prove, [(question, asked[k::share], each) for k in range(share)])
            self.refused += sum(r.refused for r in replies)
            self.nodes += sum(r.nodes for r in replies)
            asked = tuple(part for r in replies for part in r.rest)
            for owner in (r.owner for r in replies if r.owner is not None):
                self._take(owner)
            if not asked and self.cost > cost:
                self._prove(cost + 1.0)
                asked = None
        self.open_parts = asked

    def _dive(self, spread: Spread, random: np.random.Generator) -> None:
        """Dive for an assignment of the least cost that is not refused, once in every process."""
        question = Question(self.task, self.least_cost, self.effort.deadline)
        whole = self._whole(self.least_cost)
        seeds = random.integers(2**31, size=self.effort.processes).tolist()
        for owner in spread(dive, [(question, whole, seed) for seed in seeds]):
            if owner is not None:
                self._take(owner)

    def _improve(self) -> None:
        """Local search, and what proves, in turn."""
        if self._is_over or self.effort.rounds < 1:
            return
        with ExitStack() as stack:
            spread: Spread = in_turn
            if self.effort.processes > 1:
                context = multiprocessing.get_context("spawn")
                pool = stack.enter_context(ProcessPoolExecutor(self.effort.processes, mp_context=context))
                spread = partial(at_once, pool)
            self._rounds(spread)

    def _rounds(self, spread: Spread) -> None:
        assert self.owner is not None
        scape = landscape(self.task, self.prices.price, self.rise)
        streams = np.random.SeedSequence(self.effort.seed).spawn(self.effort.processes + 1)
        random = np.random.default_rng(streams[-1])
        searches = [Exchange(scape, self.owner.copy(), np.random.default_rng(s)) for s in streams[:-1]]
        tries, nodes, last, is_sharp = TRIES, CORE_NODES, self.cost, False
        asked_nodes = ASKED_NODES
        for _ in range(self.effort.rounds):
            searches = spread(searched, [(s, tries, self.effort.deadline) for s in searches])
            for search in searches:
                self._take(search.owner.copy())
            if self._is_over:
                return
            for search in searches:
                search.restart(self.owner)
            if self.cost == last:
                if self._can_ask() and not is_sharp:
                    self._sharpen()
                    is_sharp = True
                    scape = landscape(self.task, self.prices.price, self.rise)
                    for search in searches:
                        search.scape = scape
                if is_sharp and self._can_ask():
                    self._ask(spread, 1)
                    for _ in range(DIVES):
                        if not self._is_over:
                            self._dive(spread, random)
                    self._ask(spread, asked_nodes)
                    asked_nodes += ASKED_NODES
                else:
                    tries = min(2 * tries, MOST_TRIES)
                    self._close(nodes)
                    nodes *= NODES_GROWTH
                if self._is_over:
                    return
            last = self.cost


def searched(work: tuple[Exchange, int, float]) -> Exchange:
    """A search after some more tries; what a process does."""
    search, tries, deadline = work
    search.run(most_tries=tries, deadline=deadline)
    return search
