r"""Prices of accounts by a linear program over books: every CSM gets one, every account is in one (column generation).

Its duals are the best prices there are for the bound of `knapsack`; steps along subgradients end below them. It starts
from books that are nearly best at prices at hand and is given those that are best at its duals. An account may be left
out of all books or be in two of them, at a price that is a little off the one at hand: that keeps the duals near prices
that are known to be good, and the program feasible. No bound is taken from the program, only prices.

HiGHS is called in this process, not in one of the engine: every solve goes on from the basis of the last.

Source: Marsten, Hogan and Blankenship 1975, "The boxstep method for large-scale optimization"; Savelsbergh 1997, "A
branch-and-price algorithm for the generalized assignment problem".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import csr_matrix

from optcomp.types import BoolArray, FloatArray, IntArray
from tests.benchmarks.gap_core.books import SLACK, Item, books_within
from tests.benchmarks.gap_core.knapsack import Grid, Packing, wanted
from tests.benchmarks.gap_core.task import ROUNDING, Assignment


@dataclass(frozen=True, slots=True)
class BookSet:
    """Books in rows: whose each is, shape (books,), and the accounts in it, shape (books, accounts)."""

    csm: IntArray
    used: BoolArray

    @property
    def count(self) -> int:
        return len(self.csm)

    def of(self, rows: BoolArray | IntArray) -> BookSet:
        """Some of them."""
        return BookSet(self.csm[rows], self.used[rows])


@dataclass(frozen=True, slots=True)
class Pricing:
    """Which books are near the best: at most `room` dearer than a CSM's best, at most `most` of each CSM."""

    room: float
    most: int


def near_best(
    task: Assignment, cost: FloatArray, hours: Grid, price: FloatArray, want: Pricing, forced: BoolArray | None = None
) -> tuple[BookSet, float]:
    """Books that are near the best at these prices, all within the room when no CSM has `most`; and the bound at them.

    cost : shape (csms, accounts), infinite for a pair that may not be
    forced : pairs that every book of the CSM must have, shape (csms, accounts)
    """
    net = cost - price
    best, _ = Packing(wanted(net, hours), hours).best()
    csm, used = [], []
    for j in range(task.num_csms):
        must = np.zeros(task.num_accounts, dtype=np.bool_) if forced is None else forced[j]
        accounts = np.flatnonzero((net[j] <= want.room + SLACK) & ~must)
        items = Item(accounts, net[j, accounts], hours.load[j, accounts], task.load[j, accounts])
        steps = int(hours.steps[j] - hours.load[j, must].sum())
        have = float(task.capacity[j]) * (1.0 + ROUNDING) - float(task.load[j, must].sum())
        limit = float(best[j] + want.room - net[j, must].sum())
        if steps >= 0 and have >= 0.0:
            found = books_within(items, steps, have, limit=limit, most=want.most)
            rows = np.zeros((len(found.cost), task.num_accounts), dtype=np.bool_)
            rows[:, accounts] = found.used
            rows[:, must] = True
            csm.append(np.full(len(rows), j))
            used.append(rows)
    nobody = np.zeros((0, task.num_accounts), dtype=np.bool_)
    books = BookSet(np.concatenate([np.zeros(0, dtype=np.int64), *csm]), np.concatenate([nobody, *used]))
    return books, float(price.sum() + best.sum())


def cost_of(task: Assignment, books: BookSet) -> FloatArray:
    """Cost of every book, shape (books,)."""
    row, account = np.nonzero(books.used)
    return np.bincount(row, task.cost[books.csm[row], account], books.count)


@dataclass(frozen=True, slots=True)
class Point:
    """A solution of the program: prices, objective, how much of every book, and of accounts left out or held twice."""

    price: FloatArray
    objective: float
    amount: FloatArray
    astray: float


class Master:
    """The program over books. Columns: accounts left out, accounts held twice, then the books in order of coming."""

    def __init__(self, num_csms: int, num_accounts: int, box: float) -> None:
        self.num_csms, self.num_accounts, self.box = num_csms, num_accounts, box
        self.books = BookSet(np.zeros(0, dtype=np.int64), np.zeros((0, num_accounts), dtype=np.bool_))
        self._known: set[tuple[int, bytes]] = set()
        n, rows = num_accounts, num_accounts + num_csms
        self._solver = highspy.Highs()
        self._solver.setOptionValue("output_flag", False)
        self._solver.setOptionValue("threads", 1)
        none, no_values = np.zeros(rows, dtype=np.int32), np.zeros(0)
        self._solver.addRows(rows, np.ones(rows), np.ones(rows), 0, none, np.zeros(0, dtype=np.int32), no_values)
        for sign in (1.0, -1.0):
            self._columns(np.zeros(n), np.arange(n), np.arange(n), np.full(n, sign))

    def _columns(self, cost: FloatArray, starts: IntArray, rows: IntArray, values: FloatArray) -> None:
        size, most = len(cost), np.full(len(cost), highspy.kHighsInf)
        first, index = starts.astype(np.int32), rows.astype(np.int32)
        self._solver.addCols(size, cost, np.zeros(size), most, len(rows), first, index, values)

    def add(self, books: BookSet, cost: FloatArray) -> int:
        """Give it the books that it does not have yet; how many. cost : of every book, shape (books,)."""
        new = [k for k, key in enumerate(_keys(books)) if key not in self._known]
        self._known.update(_keys(books))
        if new:
            books = books.of(np.array(new))
            csms = np.zeros((books.count, self.num_csms), dtype=np.bool_)
            csms[np.arange(books.count), books.csm] = True
            entries = csr_matrix(np.concatenate([books.used, csms], axis=1))
            self._columns(cost[new], entries.indptr[:-1], entries.indices, np.ones(entries.nnz))
            csm, used = [self.books.csm, books.csm], [self.books.used, books.used]
            self.books = BookSet(np.concatenate(csm), np.concatenate(used))
        return len(new)

    def allow(self, rows: BoolArray) -> None:
        """Let only these books be used."""
        count = self.books.count
        columns = (2 * self.num_accounts + np.arange(count)).astype(np.int32)
        self._solver.changeColsBounds(count, columns, np.zeros(count), np.where(rows, highspy.kHighsInf, 0.0))

    def centre(self, price: FloatArray) -> None:
        """Keep duals within the box around these prices."""
        n = self.num_accounts
        cost = np.concatenate([price + self.box, self.box - price])
        self._solver.changeColsCost(2 * n, np.arange(2 * n, dtype=np.int32), cost)

    def solve(self, *, interior: bool = False) -> Point | None:
        """None when the solver gives up. interior : duals amid all that are best, found anew from nothing."""
        n = self.num_accounts
        self._solver.setOptionValue("solver", "ipm" if interior else "choose")
        self._solver.setOptionValue("run_crossover", "off" if interior else "on")
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        found, objective = self._solver.getSolution(), self._solver.getInfo().objective_function_value
        amount, price = np.array(found.col_value), np.array(found.row_dual)[:n]
        return Point(price, float(objective), amount[2 * n :], float(amount[: 2 * n].sum()))


def _keys(books: BookSet) -> Iterable[tuple[int, bytes]]:
    return [(int(j), row.tobytes()) for j, row in zip(books.csm, np.packbits(books.used, axis=1), strict=True)]
