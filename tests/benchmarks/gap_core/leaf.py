"""Assignments among books that are all at hand: branch and bound without pricing.

Where few pairs are left, all books that can be in an assignment of a given cost are listed. What remains is to choose
one of every CSM so that each account is in one, which is searched by bounds from duals over the listed books.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray
from tests.benchmarks.gap_core.books import SLACK
from tests.benchmarks.gap_core.bounding import MORE
from tests.benchmarks.gap_core.columns import BookSet, Master, cost_of
from tests.benchmarks.gap_core.knapsack import exact
from tests.benchmarks.gap_core.task import Assignment

BOX = 4.0


class Verdict(Enum):
    """Whether there is an assignment of at most the cost asked for."""

    FOUND = "found"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Effort:
    """When to give up: nodes, and a deadline on time.monotonic."""

    most_nodes: int
    deadline: float


class Leaf:
    """All books that can be in an assignment of at most some cost.

    Accounts that are in all books of one CSM and in no others are settled: rows are for the others.
    """

    def __init__(self, task: Assignment, books: BookSet, price: FloatArray, most_cost: float) -> None:
        order = np.argsort(books.csm, kind="stable")
        self.whole, self.most_cost, self.task = books.of(order), most_cost, task
        self.first = np.searchsorted(self.whole.csm, np.arange(task.num_csms))
        self.cost = cost_of(task, self.whole)
        held = np.array([self.whole.used[self.whole.csm == j].sum(axis=0) for j in range(task.num_csms)])
        count = np.bincount(self.whole.csm, minlength=task.num_csms)[:, None]
        self.open = ~((held.sum(axis=0) > 0) & ((held == 0) | (held == count)).all(axis=0))
        self.owner = held.argmax(axis=0)
        self.books = BookSet(self.whole.csm, self.whole.used[:, self.open])
        self.shape = (task.num_csms, int(self.open.sum()))
        self.row, self.account = np.nonzero(self.books.used)
        self.pair = self.books.csm[self.row] * self.shape[1] + self.account
        self.load = (task.load / np.maximum(task.capacity, 1e-9)[:, None])[:, self.open]
        self.master = Master(*self.shape, BOX)
        self.master.add(self.books, self.cost)
        self.master.centre(price[self.open])
        self.nodes = 0

    def search(self, effort: Effort) -> tuple[Verdict, IntArray | None]:
        """Look for an assignment; its owners when there is one."""
        if len(np.unique(self.whole.csm)) < self.task.num_csms or not self.whole.used.any(axis=0).all():
            return Verdict.NONE, None
        stack: list[BoolArray] = [np.ones(self.books.count, dtype=np.bool_)]
        while stack:
            if self.nodes >= effort.most_nodes or time.monotonic() > effort.deadline:
                return Verdict.UNKNOWN, None
            self.nodes += 1
            live = self._agree(stack.pop())
            if live is None:
                continue
            self.master.allow(live)
            point = self.master.solve()
            if point is None:
                return Verdict.UNKNOWN, None
            live = self._affordable(live, exact(point.price))
            live = None if live is None else self._agree(live)
            if live is None:
                continue
            amount = np.where(live, point.amount, 0.0)
            use = np.bincount(self.pair, amount[self.row], self.load.size).reshape(self.shape)
            owner = self.owner.copy()
            owner[self.open] = use.argmax(axis=0)
            if (use.max(axis=0) > 1.0 - 1e-6).all() and -self.task.worth(owner) <= self.most_cost + MORE:
                return Verdict.FOUND, owner
            stack += self._branches(live, use)
        return Verdict.NONE, None

    def _affordable(self, live: BoolArray, price: FloatArray) -> BoolArray | None:
        """Books that can be in an assignment of the cost asked for, by the bound at these prices; None without any."""
        reduced = self.cost - np.bincount(self.row, price[self.account], self.books.count)
        reduced = np.where(live, reduced, np.inf)
        best = np.minimum.reduceat(reduced, self.first)
        room = self.most_cost - float(price.sum() + best.sum())
        if room < -MORE:
            return None
        return np.asarray(reduced - best[self.books.csm] <= room + SLACK)

    def _agree(self, live: BoolArray) -> BoolArray | None:
        """Books without those that leave out an account nobody else can hold; None when an account has no book."""
        while True:
            counts = np.bincount(self.pair[live[self.row]], minlength=self.load.size) > 0
            can = counts.reshape(self.shape)
            many = can.sum(axis=0)
            if (many == 0).any():
                return None
            forced = can & (many == 1)
            ok = live & ~(forced[self.books.csm] & ~self.books.used).any(axis=1)
            # An account that is in every book of a CSM is in nobody else's.
            per_csm = np.add.reduceat(ok.astype(np.int64), self.first)
            if (per_csm == 0).any():
                return None
            held = np.bincount(self.pair[ok[self.row]], minlength=self.load.size).reshape(can.shape)
            always = held == per_csm[:, None]
            twice = always.sum(axis=0)
            if (twice > 1).any():
                return None
            ok &= ~(self.books.used & (twice > 0) & ~always[self.books.csm]).any(axis=1)
            if (ok == live).all():
                return live
            live = ok

    def _branches(self, live: BoolArray, use: FloatArray) -> list[BoolArray]:
        """The pair closest to being used half is used in one branch and not in the other."""
        can = np.bincount(self.pair[live[self.row]], minlength=use.size).reshape(use.shape)
        per_csm = np.add.reduceat(live.astype(np.int64), self.first)[:, None]
        open_pair = (can > 0) & (can < per_csm)
        weight = np.where(open_pair, -np.abs(use - 0.6) + 0.1 * self.load, -np.inf)
        j, a = np.unravel_index(int(weight.argmax()), weight.shape)
        mine, has = self.books.csm == j, self.books.used[:, a]
        return [live & ~(mine & has), live & (mine == has)]
