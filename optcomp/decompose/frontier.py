r"""The best choice within a limit on moves, which couples all pools: by a price on moves, and by sharing moves out.

With a price :math:`\lambda` on every move the pools fall apart again, and a bound :math:`U(\lambda)` on that search
gives

.. math:: \max_{\text{moves} \le M} \text{NRR} \le \min_{\lambda \ge 0} \; U(\lambda) + \lambda M

for every limit M at once. The price is sought between choices with too many moves and choices with few enough. Books
that any price has found are mixed, pool by pool, to use the limit up. What is left between the limits that prices reach
is closed by asking single pools for their best books with so many moves; with one plan a segment that proves every
limit, and also that one is too low. Moves that are free up to a number and then have a price are the same with
:math:`\lambda` at most that price. Source: DESIGN 4.2, rows that couple pools.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from optcomp.decompose.certificate import Certificate, certify
from optcomp.decompose.knowledge import Knowledge
from optcomp.decompose.master import Pick
from optcomp.decompose.memory import Choice, Memory, Plans, Priced, Setup, plans_key
from optcomp.decompose.pool_moves import Ask, PoolMoves
from optcomp.decompose.search import MANY, Found, Search, Target
from optcomp.decompose.share import Book, PoolWorth, share_out
from optcomp.engine import Executor
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray

MOST_PRICES = 24  # prices at most for a limit; usually two or three are enough
HIGHEST_PRICE = 1e4  # points a move: a hundred times all ARR
DEARER = 4.0  # factor on the price while all choices have too many moves
SEARCH_GAP = 0.3  # share of the gap that the search at a price may leave open
MOST_SETUPS = 64  # sets of filled positions under one plan a segment that are looked at one by one
MOST_ROUNDS = 60  # times that pools are asked for their best books, with one plan a segment
FEW_ROUNDS = 3  # the same where other plans wait, whose pools nobody asks
POLISH_ROUNDS = 6  # the same once the gap that was asked for is reached, and a smaller one is aimed at


@dataclass(frozen=True, slots=True)
class Limited:
    """The best choice found within a limit on moves (None: none found), its objective and proved bound in points."""

    choice: Choice | None
    value: float
    bound: float


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a limit on moves, the price in points of one more, and the plans that may be chosen."""

    limit: float
    most: float
    plans: Plans
    money: bool
    key: str

    def peak(self, total: FloatArray) -> tuple[float, int]:
        """The best of sums for at most 0, 1, … moves, with what moves beyond the limit cost, and its moves."""
        beyond = np.maximum(np.arange(len(total)) - self.limit, 0.0)
        net = total - self.most * beyond if np.isfinite(self.most) else total[beyond == 0.0]
        return float(net.max()), int(net.argmax())


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer so far, and the pools with moves that could still change it."""

    answer: Limited
    open: tuple[Ask, ...]


@dataclass
class MoveFrontier:
    """Answers any limit on moves for one problem; what one limit taught serves the next.

    problem : without a moves rule; the caller gives the limits
    memory : what other frontiers on the same problem found out
    has_crashed : the solver crashed on a pool
    """

    problem: Problem
    engine: Executor
    helper: Executor
    target: Target
    on_found: Callable[[Search, Found], None]
    memory: Memory = field(default_factory=Memory)
    has_crashed: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.problem = self.memory.problem = self.memory.problem or self.problem

    def within(self, limit: float, plans: Plans, *, most: float = np.inf, money: bool = True) -> Limited:
        """The best choice among these plans with at most `limit` moves; `most` is the price in points of one more."""
        asked = Question(limit, most, plans, money, plans_key(plans, money=money))
        if not self.memory.known(asked.key, most) and not self._at(asked, self._first_price(asked)):
            return Limited(None, -np.inf, -np.inf if asked.key in self.memory.impossible else np.inf)
        standing = self._standing(asked)
        for _ in range(MOST_PRICES):
            if self._is_done(standing, self.target.gap) or (price := self._next_price(asked)) is None:
                break
            if not self._at(asked, price):
                break
            standing = self._standing(asked)
        standing = self._standing(asked)
        standing = self._ask_pools(asked, standing, self.target.gap, MOST_ROUNDS)
        if self.memory.aim < 1.0 and standing.answer.bound - standing.answer.value <= self.target.gap:
            standing = self._ask_pools(asked, standing, self._aim, POLISH_ROUNDS)
        return standing.answer

    def _ask_pools(self, asked: Question, standing: Standing, gap: float, rounds: int) -> Standing:
        """Ask the pools that could change the answer until it is known up to a gap."""
        for _ in range(rounds if self._has_one_plan(asked) else min(rounds, FEW_ROUNDS)):
            is_polish = gap < self.target.gap
            asks = [ask for ask in standing.open if not (is_polish and self._pools.is_polished(ask))]
            if self._is_done(standing, gap) or not asks:
                break
            self._pools.ask(asks, is_polish=is_polish)
            standing = self._standing(asked)
        return standing

    def certificate(self, limit: float, plans: Plans, *, most: float = np.inf) -> Certificate | None:
        """What the bound for a limit rests on, with money rules: that of the price which gives it."""
        known = self.memory.known(plans_key(plans, money=True), most)
        if not known:
            return None
        price = min(known, key=lambda p: known[p].bound + p * limit)
        found = known[price].certificate
        return None if found is None else replace(found, bound=found.bound + price * limit, move_limit=limit)

    def solution(self, choice: Choice) -> Solution:
        """The solution that a choice stands for."""
        problem, setup = self.problem, choice.setup
        owner: dict[int, int] = {}
        for k, (pool, filled, book) in enumerate(zip(self._free.pools, setup.filled, choice.books, strict=True)):
            tables = self._free.known[k][filled].structure(setup.plan[pool.segment]).tables
            owner.update(
                zip(tables.scope.accounts.tolist(), book.csm_of_unit[tables.account_unit].tolist(), strict=True)
            )
        return Solution(
            {s.name: problem.plans[i][setup.plan[i]].plan_id for i, s in enumerate(problem.segments)},
            {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
            frozenset(problem.csms.ids[j] for filled in setup.filled for j in filled),
        )

    # ---- prices -----------------------------------------------------------------------------------------------

    @property
    def _aim(self) -> float:
        """Points between bound and value that are aimed at."""
        return self.memory.aim * self.target.gap

    @cached_property
    def _is_short(self) -> bool:
        """Menus are short enough to keep every search."""
        return max(map(len, self.problem.plans)) <= MANY

    @cached_property
    def _free(self) -> Search:
        """A search that runs at no price, for its pools and structures."""
        return self._new_search(0.0)

    @cached_property
    def _pools(self) -> PoolMoves:
        return PoolMoves(self.memory, self.engine, self.target, self._free, self._worth)

    def _new_search(self, price: float) -> Search:
        """A search at a price; its own gap is a part of the whole one, for sharing moves out needs the rest."""
        inner = replace(self.target, gap=SEARCH_GAP * self.target.gap)
        return Search(
            self.problem,
            self.engine,
            self.helper,
            inner,
            self.on_found,
            move_price=price,
            shared=self.memory.structures,
        )

    def _at(self, asked: Question, price: float) -> bool:
        """Search at a price, once; whether there is a choice."""
        memory = self.memory
        if (asked.key, price) not in memory.priced:
            search = self._new_search(price)
            if self._is_short:
                self._teach(search)
                memory.searches[price] = search
            found = search.run(asked.plans, money=asked.money)
            self.has_crashed |= found.has_crashed
            if found.best is None and found.bound == -np.inf:
                memory.impossible.add(asked.key)
            memory.priced[asked.key, price] = None
            if found.best is not None:
                choice = _choice(search, found.best)
                memory.priced[asked.key, price] = Priced(choice, found.bound, certify(search, found.bound))
                for worth, book in zip(self._worths(choice.setup), choice.books, strict=True):
                    worth.take_book(book)
        return memory.priced[asked.key, price] is not None

    def _teach(self, search: Search) -> None:
        """Books that any price has found, and what the next lower and the next higher price have proved."""
        searches = self.memory.searches
        lower = max((p for p in searches if p < search.move_price), default=None)
        higher = min((p for p in searches if p > search.move_price), default=None)
        for price, other in sorted(searches.items()):
            for mine, theirs in zip(search.known, other.known, strict=True):
                for filled, known in mine.items():
                    known.learn_books(theirs[filled])
                    if price in (lower, search.move_price, higher):
                        known.learn_rows(theirs[filled])

    def _first_price(self, asked: Question) -> float:
        """No price, which says whether there are books at all; or the price of every move where none is free."""
        return asked.most if asked.limit <= 0.0 and np.isfinite(asked.most) else 0.0

    def _next_price(self, asked: Question) -> float | None:
        """Where the choices on both sides of the limit are worth the same; None where no price says more."""
        known = self.memory.known(asked.key, asked.most)
        above = [p.choice for p in known.values() if p.choice.moves > asked.limit]
        within = [p.choice for p in known.values() if p.choice.moves <= asked.limit]
        if not above:
            price = 0.0
        elif within:
            low = min(above, key=lambda c: (c.moves, -c.value))
            high = max(within, key=lambda c: (c.moves, c.value))
            price = max((low.value - high.value) / (low.moves - high.moves), 0.0)
        else:
            # A first guess: a tenth of the points that an average account is worth.
            guess = 0.1 * abs(above[0].value) / max(len(self.problem.accounts.ids), 1)
            price = max(DEARER * max(known), guess)
            if not np.isfinite(asked.most):
                self._count_fewest(asked)
            if price > HIGHEST_PRICE or self._is_too_few(asked):
                return None
        price = float(min(price, asked.most))
        return None if any(np.isclose(price, p, rtol=1e-9, atol=1e-12) for p in known) else price

    def _ceiling(self, asked: Question) -> float:
        """The least of the bounds that the prices prove for a limit; prices above `most` prove nothing."""
        known = self.memory.known(asked.key, asked.most)
        return min(p.bound + price * asked.limit for price, p in known.items())

    # ---- moves shared out -------------------------------------------------------------------------------------

    def _is_done(self, standing: Standing, gap: float) -> bool:
        answer = standing.answer
        is_impossible = answer.bound == -np.inf
        return is_impossible or answer.bound - answer.value <= gap or self.target.is_over()

    def _standing(self, asked: Question) -> Standing:
        """The best mix of known books, the bound, and the pools that could still change them."""
        if self._is_too_few(asked):
            return Standing(Limited(None, -np.inf, -np.inf), ())
        setups, is_whole = self._setups(asked)
        answer, bound = Limited(None, -np.inf, np.inf), -np.inf
        top: tuple[Ask, ...] = ()
        for setup in setups:
            worths = self._worths(setup)
            most = sum(w.size for w in worths)
            most = most if np.isfinite(asked.most) else int(min(asked.limit, most))
            low, up = (share_out([getattr(w, side) for w in worths], most) for side in ("lower", "upper"))
            value, moves = asked.peak(low.total)
            if setup.rest + value > answer.value:
                books = tuple(w.best(m) for w, m in zip(worths, low.of(moves), strict=True))
                answer = Limited(Choice(setup, books), setup.rest + value, np.inf)
            ceiling, moves = asked.peak(up.total)
            if setup.rest + ceiling > bound:
                bound = setup.rest + ceiling
                top = self._asks(setup, worths, up.of(moves))
        limit = self._ceiling(asked)
        return Standing(replace(answer, bound=min(bound, limit) if is_whole else limit), top)

    def _asks(self, setup: Setup, worths: Sequence[PoolWorth], moves: Sequence[int]) -> tuple[Ask, ...]:
        """Pools whose worth with these moves is still open."""
        asks = []
        for k, (pool, worth, m) in enumerate(zip(self._free.pools, worths, moves, strict=True)):
            m = min(m, worth.size)
            is_open = worth.upper[m] > -np.inf and worth.upper[m] - worth.lower[m] > self._pools.allowance(k)
            if is_open and m not in worth.spent:
                asks.append(Ask(k, setup.filled[k], setup.plan[pool.segment], m))
        return tuple(asks)

    def _has_one_plan(self, asked: Question) -> bool:
        """Pools alone decide: one plan a segment, and few enough sets of filled positions."""
        fillings = prod(len(by_filling) for by_filling in self._free.known)
        return all(len(rows) == 1 for rows in asked.plans) and fillings <= MOST_SETUPS

    def _setups(self, asked: Question) -> tuple[list[Setup], bool]:
        """Every setup, and True; or those of known choices, and False."""
        if self._has_one_plan(asked):
            if asked.key not in self.memory.setups:
                self.memory.setups[asked.key] = self._every_setup(asked)
            every = self.memory.setups[asked.key]
            if every is not None:
                return list(every), True
        known = self.memory.known(asked.key, asked.most)
        best = {(c.setup.plan, c.setup.filled): c.setup for c in (p.choice for p in known.values())}
        return list(best.values()), False

    def _every_setup(self, asked: Question) -> tuple[Setup, ...] | None:
        """Every set of filled positions that the money rules allow, under one plan a segment; None: not known."""
        plan = tuple(int(rows[0]) for rows in asked.plans)
        setups = []
        for filled in product(*self._free.known):
            sizes = [len(self.problem.plans[pool.segment]) for pool in self._free.pools]
            values = [
                {f: np.full(size, 0.0 if f == own else -np.inf) for f in by_filling}
                for by_filling, own, size in zip(self._free.known, filled, sizes, strict=True)
            ]
            pick = self._free.master.pick(values, asked.plans, money=asked.money)
            if self._free.master.has_failed:
                return None
            if pick is not None:
                setups.append(Setup(plan, filled, pick.value))
        return tuple(setups)

    def _worths(self, setup: Setup) -> list[PoolWorth]:
        return [
            self._worth(k, filled, setup.plan[pool.segment])
            for k, (pool, filled) in enumerate(zip(self._free.pools, setup.filled, strict=True))
        ]

    def _worth(self, pool: int, filled: frozenset[int], plan: int) -> PoolWorth:
        """What is known of a pool, with everything that prices have taught by now."""
        name = pool, filled, plan
        known = self._free.known[pool][filled]
        if name not in self.memory.worths:
            self.memory.worths[name] = PoolWorth(known.structure(plan).tables.num_units)
            self.memory.worths[name].take_price(0.0, known.simple_bound(plan))
        worth = self.memory.worths[name]
        for price, search in self.memory.searches.items():
            own = search.known[pool][filled]
            if price not in worth.seen and own.upper[plan] < np.inf:
                worth.seen.add(price)
                worth.take_price(price, float(own.upper[plan]))
                if own.book[plan] >= 0:
                    worth.take_book(_book(own, plan))
        return worth

    def _is_too_few(self, asked: Question) -> bool:
        """It is proved that every choice has more moves than the limit."""
        return not np.isfinite(asked.most) and self.memory.fewest.get(asked.key, 0) > asked.limit

    def _count_fewest(self, asked: Question) -> None:
        """Prove how many moves every choice has at least."""
        asks: list[list[tuple[int, frozenset[int], int]]] = []
        for k, (pool, by_filling) in enumerate(zip(self._free.pools, self._free.known, strict=True)):
            rows = np.asarray(asked.plans[pool.segment])
            asks.append([])
            for filled, known in by_filling.items():
                for kind in np.unique(known.quarterly[rows]):
                    own = rows[known.quarterly[rows] == kind]
                    # Fewest hours: books that any other plan of the kind allows are allowed under this one.
                    asks[k].append((k, filled, int(own[known.factors[own].argmin()])))
        counts = self._pools.fewest([ask for own in asks for ask in own])
        self.memory.fewest[asked.key] = sum(min(counts[ask] for ask in own) for own in asks)


def _choice(search: Search, pick: Pick) -> Choice:
    """The choice behind a pick of a search at a price."""
    books = tuple(
        _book(search.known[k][filled], pick.plan[pool.segment])
        for k, (pool, filled) in enumerate(zip(search.pools, pick.filled, strict=True))
    )
    charged = sum(b.value - search.move_price * b.moves for b in books)
    return Choice(Setup(pick.plan, pick.filled, pick.value - charged), books)


def _book(known: Knowledge, plan: int) -> Book:
    """The best known books of a pool under a plan, worth what they are without any price on moves."""
    csm_of_unit = known.books[known.book[plan]]
    moves = known.moves_of(csm_of_unit, plan)
    return Book(csm_of_unit, float(known.lower[plan]) + known.move_price * moves, moves)
