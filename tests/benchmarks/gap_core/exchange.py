"""Local search: the books of a few CSMs are thrown together and put together anew at least cost, all others kept.

Accounts that nobody else among these CSMs could use stay where they are, so that the rest fits into the bits of one
number. Prices of the accounts that may change hands are found anew for every try: they say at once when nothing can be
gained, and else which books can be part of a gain. Equal costs are taken too: that is what walks along plateaus.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray
from tests.benchmarks.gap_core.books import BITS, SLACK, Books, Item, cheapest, join
from tests.benchmarks.gap_core.knapsack import Climb, Grid, Packing, climb, grid, wanted
from tests.benchmarks.gap_core.task import Assignment

MOST_BOOKS = 600  # cheapest books of every CSM that are joined
STEPS = 60  # of the prices of a try; with half as many, only smaller parts can be settled
FIRST_SIZE = 4.0  # CSMs of a try
# By how much the number of CSMs changes after a try that prices settled, and after one that found nothing: at rest two
# tries in three are settled, the others are worth their time.
GROW, SHRINK = 0.05, 0.1
LEAST_SIZE = 2.0


@dataclass(frozen=True, slots=True)
class Landscape:
    """What the search looks at: the task, hours on a grid, cost minus price, and what a pair raises the bound by.

    net, rise : shape (csms, accounts)
    near : how well a pair fits, 1 for the best, shape (csms, accounts)
    """

    task: Assignment
    hours: Grid
    net: FloatArray
    rise: FloatArray
    near: FloatArray


def landscape(task: Assignment, price: FloatArray, rise: FloatArray) -> Landscape:
    """Pairs fit well when they raise the bound by little, as the second pair of a typical account does."""
    second = np.partition(rise, min(1, task.num_csms - 1), axis=0)[min(1, task.num_csms - 1)]
    usual = float(np.median(second[np.isfinite(second)])) if np.isfinite(second).any() else 0.0
    near = np.exp(-rise / usual) if usual > 0.0 else (rise <= 0.0).astype(np.float64)
    return Landscape(task, grid(task), task.cost - price, rise, near)


@dataclass(frozen=True, slots=True)
class Part:
    """Some CSMs and the accounts that may change hands among them.

    cost : cost minus price, shape (csms, accounts); steps, hours : what is left to every CSM, on the grid and as it is
    """

    csms: IntArray
    accounts: IntArray
    cost: FloatArray
    steps: IntArray
    hours: FloatArray


@dataclass
class Exchange:
    """An assignment that is made better step by step; owner : CSM of every account."""

    scape: Landscape
    owner: IntArray
    random: np.random.Generator
    size: float = FIRST_SIZE

    def run(self, *, most_tries: int, deadline: float) -> None:
        """Try that often, or until the deadline."""
        for _ in range(most_tries):
            if time.monotonic() > deadline:
                return
            part = self._part(self._pick())
            step = GROW if part is None else self._improve(part)
            self.size = float(np.clip(self.size + step, LEAST_SIZE, max(self.scape.task.num_csms, LEAST_SIZE)))

    def _pick(self) -> IntArray:
        """Some CSMs: the first by chance, the others by how well their accounts fit each other's books."""
        count = self.scape.task.num_csms
        size = min(int(self.size + self.random.random()), count)
        chosen = [int(self.random.integers(count))]
        while len(chosen) < size:
            mine = np.isin(self.owner, chosen)
            near = self.scape.near
            pull = near[:, mine].sum(axis=1) + np.bincount(self.owner, near[chosen].max(axis=0), minlength=count)
            noisy = (pull + 1e-3) * self.random.exponential(size=count)
            noisy[chosen] = -1.0
            chosen.append(int(noisy.argmax()))
        return np.sort(np.array(chosen))

    def _part(self, csms: IntArray) -> Part | None:
        """The accounts of these CSMs that fit the others best, as many as there are bits; None for fewer than two."""
        scape, owner = self.scape, self.owner
        mine = np.flatnonzero(np.isin(owner, csms))
        others = scape.rise[np.ix_(csms, mine)]
        others[np.searchsorted(csms, owner[mine]), np.arange(len(mine))] = np.inf
        closest = others.min(axis=0)
        free = np.argsort(closest, kind="stable")[:BITS]
        free = np.sort(free[np.isfinite(closest[free])])
        if len(free) < 2:
            return None
        accounts = mine[free]
        is_fixed = np.isin(owner, csms)
        is_fixed[accounts] = False
        fixed = np.flatnonzero(is_fixed)
        holder = np.searchsorted(csms, owner[fixed])
        steps = np.bincount(holder, scape.hours.load[owner[fixed], fixed], len(csms)).astype(np.int64)
        hours = np.bincount(holder, scape.task.load[owner[fixed], fixed], len(csms))
        cost = scape.net[np.ix_(csms, accounts)]
        left = scape.task.capacity[csms] * (1.0 + 1e-12) - hours
        return Part(csms, accounts, cost, np.maximum(scape.hours.steps[csms] - steps, 0), left)

    def _improve(self, part: Part) -> float:
        """Put the books together anew if that costs no more; by how much the next try should be larger."""
        place = np.searchsorted(part.csms, self.owner[part.accounts])
        before = float(part.cost[place, np.arange(len(part.accounts))].sum())
        least = 1.0 - 1e-6 if self.scape.task.is_whole else SLACK  # values that are whole differ by 1
        hours = Grid(self.scape.hours.load[np.ix_(part.csms, part.accounts)], part.steps)
        start = np.zeros(len(part.accounts))
        prices = climb(part.cost, hours, start, Climb(before - least, STEPS))
        if prices.least_cost > before - least:
            return GROW
        net = part.cost - prices.price
        floor, _ = Packing(wanted(net, hours), hours).best()
        room = before - prices.least_cost
        books = [self._books(part, hours, net, k, float(floor[k]) + room) for k in range(len(part.csms))]
        everyone = (1 << len(part.accounts)) - 1
        limit = before - float(prices.price.sum())
        rows = join(books, everyone, limit=limit, random=self.random)
        if rows is None:
            return -SHRINK
        for j, book, row in zip(part.csms, books, rows, strict=True):
            bits: BoolArray = (int(book.members[row]) >> np.arange(len(part.accounts))) & 1 == 1
            self.owner[part.accounts[bits]] = j
        return 0.0

    def _books(self, part: Part, hours: Grid, net: FloatArray, k: int, limit: float) -> Books:
        can = np.flatnonzero(np.isfinite(net[k]))
        of_task = self.scape.task.load[part.csms[k], part.accounts[can]]
        items = Item(can, net[k, can], hours.load[k, can], of_task)
        return cheapest(items, int(part.steps[k]), float(part.hours[k]), limit=limit, most=MOST_BOOKS)

    def restart(self, owner: IntArray) -> None:
        """Go on from this assignment."""
        self.owner = owner.copy()
