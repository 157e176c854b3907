"""Bounds on assignments that use some pairs only, and which of these pairs can be in one of a given cost.

Whatever prices the program over books gives, the bound at them is worked out anew by packing, in numbers without
rounding: a part is refused by that bound alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from optcomp.types import BoolArray, FloatArray
from tests.benchmarks.gap_core.columns import Master, Point, Pricing, cost_of, near_best
from tests.benchmarks.gap_core.knapsack import UnitPrices, exact, grid, reduced_costs
from tests.benchmarks.gap_core.task import ROUNDING, Assignment, within

FIRST = Pricing(0.15, 60)  # books that the program starts with
NEW = Pricing(0.01, 3)  # and those that it is given at new prices; more of them slow the program down
BOX = 0.5  # by how much duals may leave the best prices so far
TOWARDS = (1.0, 0.5, 0.2)  # how far prices go from the best so far to the duals, until one raises the bound
CLOSE = 0.02  # between the program's value and the bound: prices are good enough to decide on pairs
LEAST_GAIN = 1e-4  # of the bound, from one set of prices to the next
MORE = 1e-6  # by how much a bound must lie above a cost to refuse it


@dataclass(frozen=True, slots=True)
class Part:
    """Assignments that use only some pairs, shape (csms, accounts), and good prices for them."""

    keep: BoolArray
    price: FloatArray


@dataclass(frozen=True, slots=True)
class State:
    """A part after pricing: what is left of it, its bound, how much of every pair the program over books uses."""

    part: Part
    least_cost: float
    use: FloatArray

    @property
    def open_pairs(self) -> int:
        return int(self.part.keep.sum()) - self.part.keep.shape[1]

    @property
    def undecided(self) -> BoolArray:
        """Pairs that are used in part, shape (csms, accounts)."""
        return self.part.keep & (self.use > 1e-3) & (self.use < 1.0 - 1e-3)


class Bounding:
    """Bounds parts of a task by one program over books that keeps growing."""

    def __init__(self, task: Assignment, price: FloatArray, deadline: float) -> None:
        self.task, self.hours, self.deadline = task, grid(task), deadline
        self.master = Master(task.num_csms, task.num_accounts, BOX)
        self._add(task.cost, price, FIRST)
        # More than any book can lose by taking an account that has to be in it.
        self._must = 8.0 * float(np.abs(task.cost[np.isfinite(task.cost)]).max(initial=1.0))

    def _add(self, cost: FloatArray, price: FloatArray, want: Pricing, forced: BoolArray | None = None) -> float:
        """Give the program the books near the best at these prices; the bound at them."""
        books, bound = near_best(self.task, cost, self.hours, price, want, forced)
        self.master.add(books, cost_of(self.task, books))
        return bound

    def converge(self, prices: UnitPrices, *, close: float, most_rounds: int) -> UnitPrices:
        """Prices with the best bound for all pairs."""
        self.master.centre(prices.price)
        whole = Part(np.isfinite(self.task.cost), prices.price)
        for _ in range(most_rounds):
            point = self.master.solve(interior=True)
            if point is None or time.monotonic() > self.deadline or point.objective - prices.least_cost < close:
                break
            better = self._try(whole, prices, point.price)
            if better is not None:
                prices = UnitPrices(self.paid(replace(whole, price=better.price)), better.least_cost)
                self.master.centre(prices.price)
        return prices

    def _try(self, part: Part, prices: UnitPrices, dual: FloatArray) -> UnitPrices | None:
        """The first prices towards the duals that raise the bound; books near the best join the program."""
        forced, cost = self.forced(part.keep), np.where(part.keep, self.task.cost, np.inf)
        for share in TOWARDS:
            price = exact(prices.price + share * (dual - prices.price))
            bound = self._add(cost, self.paid(replace(part, price=price)), NEW, forced)
            if bound > prices.least_cost + LEAST_GAIN:
                return UnitPrices(price, bound)
        return None

    def forced(self, keep: BoolArray) -> BoolArray:
        """Pairs of accounts that have no other, shape (csms, accounts)."""
        return np.asarray(keep & (keep.sum(axis=0) == 1))

    def paid(self, part: Part) -> FloatArray:
        """Prices at which accounts that have only one pair are in every best book of that CSM."""
        own, single = part.keep.argmax(axis=0), part.keep.sum(axis=0) == 1
        must = self.task.cost[own, np.arange(len(own))] + self._must
        return exact(np.where(single, must, part.price))

    def bound(self, part: Part, most_cost: float, *, most_rounds: int = 8) -> State | None:
        """What is left of a part that may hold assignments of at most this cost; None when it holds none."""
        keep, task = part.keep, self.task
        forced = self.forced(keep)
        if not keep.any(axis=0).all() or ((forced * task.load).sum(axis=1) > task.capacity * (1.0 + ROUNDING)).any():
            return None
        cost = np.where(keep, task.cost, np.inf)
        # Books at these prices come first, so that every CSM has one that is allowed.
        prices = UnitPrices(part.price, self._add(cost, self.paid(part), NEW, forced))
        self._allow(keep, forced)
        point: Point | None = None
        for _ in range(most_rounds):
            if prices.least_cost > most_cost + MORE:
                return None
            self.master.centre(prices.price)
            known = self.master.books.count
            point = self.master.solve()
            if point is None or time.monotonic() > self.deadline:
                break
            better = self._try(part, prices, point.price)
            prices = better or prices
            done = point.objective - prices.least_cost < CLOSE and point.astray < MORE
            if done or (better is None and self.master.books.count == known):
                break
        if prices.least_cost > most_cost + MORE:
            return None
        left = Part(keep, prices.price)
        rise = reduced_costs(cost, self.hours, UnitPrices(self.paid(left), prices.least_cost))
        left = Part(keep & within(rise, most_cost - prices.least_cost), prices.price)
        return State(left, prices.least_cost, self._use(point)) if left.keep.any(axis=0).all() else None

    def _allow(self, keep: BoolArray, forced: BoolArray) -> None:
        books = self.master.books
        wrong = (books.used & ~keep[books.csm]).any(axis=1) | (forced[books.csm] & ~books.used).any(axis=1)
        self.master.allow(~wrong)

    def _use(self, point: Point | None) -> FloatArray:
        """How much of every pair a point uses, shape (csms, accounts)."""
        use = np.zeros(self.task.cost.shape)
        if point is not None:
            some = np.flatnonzero(point.amount > 1e-7)
            np.add.at(use, self.master.books.csm[some], point.amount[some, None] * self.master.books.used[some])
        return use
