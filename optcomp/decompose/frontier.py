r"""The best choice within a limit on moves, which couples all pools: by a price on moves.

With a price :math:`\lambda` on every move the pools fall apart again, and a bound :math:`U(\lambda)` on that search
gives

.. math:: \max_{\text{moves} \le M} \text{NRR} \le \min_{\lambda \ge 0} \; U(\lambda) + \lambda M

for every limit M at once. The price is bisected between choices with too many moves and choices with few enough; books
that any price has found are then mixed pool by pool to use the limit up, and what is left of it is offered to single
pools. Moves that are free up to a number and then have a price are the same with :math:`\lambda` at most that price.
Source: DESIGN 4.2, rows that couple pools.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.certificate import Certificate, certify
from optcomp.decompose.master import Pick
from optcomp.decompose.search import Found, Search, Target
from optcomp.decompose.structure import Row, Structure
from optcomp.engine import Ending, Executor, Job, Limits, Program
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import IntArray

MOST_PRICES = 24  # bisection steps at most; usually five to eight are enough
HIGHEST_PRICE = 1e4  # points a move: a hundred times all ARR
MOST_OFFERS = 6  # pools that are offered moves left over
NODES = 5000  # search nodes for each of them
SEARCH_GAP = 0.3  # share of the gap that the search at a price may leave open


@dataclass(frozen=True, slots=True)
class Book:
    """Books of one pool: the CSM row of every unit, their worth in points under the plan, and the moves they count."""

    csm_of_unit: IntArray
    value: float
    moves: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One book for every pool, under plan rows and with positions filled; `rest` is what these cost, in points."""

    plan: tuple[int, ...]
    filled: tuple[frozenset[int], ...]
    books: tuple[Book, ...]
    rest: float

    @property
    def value(self) -> float:
        """Worth in points, without any price on moves."""
        return self.rest + sum(b.value for b in self.books)

    @property
    def moves(self) -> int:
        """Moves that the rule counts."""
        return sum(b.moves for b in self.books)


@dataclass(frozen=True, slots=True)
class Priced:
    """What a search at a price ended with: a choice, and a bound in points with the price charged."""

    choice: Choice
    bound: float
    certificate: Certificate | None


@dataclass(frozen=True, slots=True)
class Limited:
    """The best choice found within a limit on moves (None: none found), its objective and proved bound in points."""

    choice: Choice | None
    value: float
    bound: float


@dataclass
class MoveFrontier:
    """Answers any limit on moves for one problem; what one limit taught serves the next.

    problem : without a moves rule; the caller gives the limits
    """

    problem: Problem
    engine: Executor
    helper: Executor
    target: Target
    on_found: Callable[[Search, Found], None]
    _shared: dict[tuple[int, frozenset[int], bool], Structure] = field(default_factory=dict)
    _priced: dict[tuple[str, float], Priced | None] = field(default_factory=dict)
    _impossible: set[str] = field(default_factory=set)

    def within(self, limit: float, plans: Sequence[IntArray], *, most: float = np.inf, money: bool = True) -> Limited:
        """The best choice among these plans with at most `limit` moves; `most` is the price in points of one more."""
        key = _key(plans, money)
        if self._at(key, 0.0, plans, money) is None:
            return Limited(None, -np.inf, -np.inf if key in self._impossible else np.inf)
        for _ in range(MOST_PRICES):
            low, high = self._ends(key, limit, most)
            found = max(_worth(low, limit, most), _worth(high, limit, most) if high else -np.inf)
            if (
                low.moves <= limit
                or self._ceiling(key, limit, most) - found <= self.target.gap
                or self.target.is_over()
            ):
                break
            price = self._next_price(key, low, high, most)
            is_hopeless = price > HIGHEST_PRICE  # even at this price some moves are made: they cannot be avoided
            if is_hopeless or (key, price) in self._priced or self._at(key, price, plans, money) is None:
                break
        return self._best(key, limit, most)

    def certificate(self, limit: float, plans: Sequence[IntArray], *, most: float = np.inf) -> Certificate | None:
        """What the bound for a limit rests on, with money rules: that of the price which gives it."""
        known = {price: p for price, p in self._known(_key(plans, True)).items() if price <= most}
        if not known:
            return None
        price = min(known, key=lambda p: known[p].bound + p * limit)
        found = known[price].certificate
        return None if found is None else replace(found, bound=found.bound + price * limit, move_limit=limit)

    # ---- what is known ----------------------------------------------------------------------------------------

    def _known(self, key: str) -> dict[float, Priced]:
        return {price: p for (k, price), p in self._priced.items() if k == key and p is not None}

    def _ceiling(self, key: str, limit: float, most: float) -> float:
        """The least of the bounds that the prices prove for a limit; prices above `most` prove nothing."""
        return min(p.bound + price * limit for price, p in self._known(key).items() if price <= most)

    def _ends(self, key: str, limit: float, most: float) -> tuple[Choice, Choice | None]:
        """The choice with the fewest moves above the limit (the free one where none is), and that with the most within.

        Prices above `most` are never asked for, so a choice above the limit may be the best there is.
        """
        choices = [p.choice for p in self._known(key).values()]
        above = [c for c in choices if c.moves > limit]
        within = [c for c in choices if c.moves <= limit]
        low = min(above, key=lambda c: (c.moves, -c.value)) if above else self._known(key)[0.0].choice
        return low, max(within, key=lambda c: (c.moves, c.value)) if within else None

    # ---- prices -----------------------------------------------------------------------------------------------

    def _search(self, price: float) -> Search:
        """A search at a price; its own gap is a part of the whole one, for prices and mixing need the rest."""
        inner = replace(self.target, gap=SEARCH_GAP * self.target.gap)
        return Search(
            self.problem, self.engine, self.helper, inner, self.on_found, move_price=price, shared=self._shared
        )

    def _at(self, key: str, price: float, plans: Sequence[IntArray], money: bool) -> Priced | None:
        """The search at a price, once."""
        if (key, price) not in self._priced:
            search = Search(
                self.problem,
                self.engine,
                self.helper,
                self.target,
                self.on_found,
                move_price=price,
                shared=self._shared,
            )
            found = search.run(plans, money=money)
            if found.best is None and found.bound == -np.inf:
                self._impossible.add(key)
            choice = None if found.best is None else _choice(search, found.best, price)
            priced = None if choice is None else Priced(choice, found.bound, certify(search, found.bound))
            self._priced[key, price] = priced
        return self._priced[key, price]

    def _next_price(self, key: str, low: Choice, high: Choice | None, most: float) -> float:
        """Where the two ends are worth the same; dearer while all choices have too many moves."""
        if high is not None:
            return float(min(max((low.value - high.value) / max(low.moves - high.moves, 1), 0.0), most))
        dearest = max(self._known(key))
        # A first guess: a tenth of the points that an average account is worth.
        guess = 0.1 * abs(low.value) / max(len(self.problem.accounts.ids), 1)
        return float(min(4.0 * dearest if dearest > 0.0 else guess, most))

    # ---- books ------------------------------------------------------------------------------------------------

    def _best(self, key: str, limit: float, most: float) -> Limited:
        """The best of the choices found, their pools mixed, and left-over moves offered to single pools."""
        known = [p.choice for p in self._known(key).values()]
        low, high = self._ends(key, limit, most)
        ceiling = self._ceiling(key, limit, most)
        answers = [c for c in known if _worth(c, limit, most) > -np.inf]
        for end in (low, high) if high is not None and low.moves > limit else ():
            alike = [c for c in known if c.plan == end.plan and c.filled == end.filled]
            mixed = self._mix(alike, limit, most)
            if mixed is not None:
                answers.append(self._offer_rest(mixed, alike, limit, ceiling, most))
        if not answers:
            return Limited(None, -np.inf, ceiling)
        best = max(answers, key=lambda c: _worth(c, limit, most))
        return Limited(best, _worth(best, limit, most), ceiling)

    def _mix(self, alike: Sequence[Choice], limit: float, most: float) -> Choice | None:
        """One of the known books of every pool, worth most within the limit."""
        pools = len(alike[0].books)
        books = [(k, c.books[k]) for k in range(pools) for c in alike]
        count = len(books)
        owner = np.array([k for k, _ in books])
        extra = 1 if np.isfinite(most) else 0  # a last column counts the moves beyond the limit
        moves = np.append([float(b.moves) for _, b in books], [-1.0] * extra)
        rows = [np.flatnonzero(owner == k) for k in range(pools)]
        program = Program(
            objective=np.append([b.value for _, b in books], [-most] * extra),
            offset=0.0,
            lower=np.zeros(count + extra),
            upper=np.append(np.ones(count), [float(moves.sum() + 1.0)] * extra),
            integer=np.append(np.ones(count, dtype=bool), np.zeros(extra, dtype=bool)),
            row_lower=np.append(np.ones(pools), -np.inf),
            row_upper=np.append(np.ones(pools), limit),
            starts=np.append(0, np.cumsum([*(len(r) for r in rows), count + extra])),
            columns=np.concatenate([*rows, np.arange(count + extra)]),
            values=np.append(np.ones(count), moves),
        )
        outcome = self.helper.solve(Job(program, Limits(time_limit_seconds=3600.0)))
        if outcome.ending is not Ending.OPTIMAL or outcome.point is None:
            return None
        chosen = tuple(books[i][1] for i in np.flatnonzero(outcome.point[:count] > 0.5))
        return Choice(alike[0].plan, alike[0].filled, chosen, alike[0].rest)

    def _offer_rest(self, choice: Choice, alike: Sequence[Choice], limit: float, ceiling: float, most: float) -> Choice:
        """Give moves that are left over to the pools that could make most of them, one after the other."""
        best = [max(c.books[k].value for c in alike) for k in range(len(choice.books))]
        order = sorted(range(len(best)), key=lambda k: choice.books[k].value - best[k])
        for k in order[:MOST_OFFERS]:
            rest = int(limit - choice.moves)
            if rest <= 0 or ceiling - _worth(choice, limit, most) <= self.target.gap or self.target.is_over():
                break
            better = self._pool_within(choice, k, choice.books[k].moves + rest)
            if better is not None and better.value > choice.books[k].value:
                books = (*choice.books[:k], better, *choice.books[k + 1 :])
                choice = Choice(choice.plan, choice.filled, books, choice.rest)
        return choice

    def _pool_within(self, choice: Choice, pool: int, moves: int) -> Book | None:
        """Books of one pool with at most so many moves, found by branch and bound from those it has."""
        search = self._search(0.0)
        known = search.known[pool][choice.filled[pool]]
        plan = choice.plan[search.pools[pool].segment]
        structure = known.structure(plan)
        count = structure.tables.moves
        columns = structure.pair_columns[count > 0.0]
        program = structure.program_at(plan, [Row(columns, count[count > 0.0], float(moves))])
        limits = Limits(
            time_limit_seconds=1e6,
            gap_absolute=0.1 * search.allowance[pool],
            max_nodes=NODES,
            seed=self.target.seed,
        )
        start = structure.start(choice.books[pool].csm_of_unit, program.num_columns)
        outcome = self.engine.solve(Job(program, limits, start=start), deadline=self.target.deadline)
        if outcome.point is None or outcome.value is None:
            return None
        value = outcome.value - structure.load_error(outcome.point)
        used = structure.used(outcome.point)
        return Book(structure.csm_of_unit(outcome.point), value, int(count[used].sum() + 0.5))

    def solution(self, choice: Choice) -> Solution:
        """The solution that a choice stands for."""
        problem = self.problem
        owner: dict[int, int] = {}
        search = self._search(0.0)
        for k, (pool, filled, book) in enumerate(zip(search.pools, choice.filled, choice.books, strict=True)):
            tables = search.known[k][filled].structure(choice.plan[pool.segment]).tables
            owner.update(
                zip(tables.scope.accounts.tolist(), book.csm_of_unit[tables.account_unit].tolist(), strict=True)
            )
        return Solution(
            {s.name: problem.plans[i][choice.plan[i]].plan_id for i, s in enumerate(problem.segments)},
            {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
            frozenset(problem.csms.ids[j] for filled in choice.filled for j in filled),
        )


def _key(plans: Sequence[IntArray], money: bool) -> str:
    return repr(([np.asarray(rows).tolist() for rows in plans], money))


def _choice(search: Search, pick: Pick, price: float) -> Choice:
    """The choice behind a pick of a search at a price."""
    books = []
    for k, (pool, filled) in enumerate(zip(search.pools, pick.filled, strict=True)):
        known, plan = search.known[k][filled], pick.plan[pool.segment]
        csm_of_unit = known.books[known.book[plan]]
        tables = known.structure(plan).tables
        used = csm_of_unit[tables.pair_unit] == tables.pair_csm
        moves = int(tables.moves[used].sum() + 0.5)
        books.append(Book(csm_of_unit, float(known.lower[plan]) + price * moves, moves))
    charged = sum(b.value - price * b.moves for b in books)
    return Choice(pick.plan, pick.filled, tuple(books), pick.value - charged)


def _worth(choice: Choice, limit: float, most: float) -> float:
    """Objective in points: moves beyond the limit cost `most` each, or are not allowed."""
    beyond = max(choice.moves - limit, 0.0)
    if beyond and not np.isfinite(most):
        return -np.inf
    return choice.value - (most * beyond if beyond else 0.0)
