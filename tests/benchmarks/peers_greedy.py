"""A greedy with local search: what one would write in a week, without a solver and without a proof.

Deal every account to the CSM under whom it is worth most and who has hours left; choose the plans that are best for
these books within the budget; move and swap accounts while that gains anything; choose plans again. Then, until the
time is over: move a few accounts of one pool at random, mend, and keep the result if it is no worse (iterated local
search; Lourenço, Martin and Stützle, 2003).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from optcomp.formulation.scope import POINTS
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray
from tests.benchmarks.peers_books import COUNT, HOURS, RENEWAL, WIDTH, Prices, Sums
from tests.benchmarks.peers_log import Log

LEAST_GAIN = 1e-9  # points; less is rounding
KICK = 6  # accounts that change hands at random; 3 to 12 gave about the same
KICKS_BETWEEN = 200  # kicks after which plans are chosen again
TRIES = 20  # times that plans and books are chosen in turn at the start


def solve(problem: Problem, log: Log, *, seconds: float, seed: int = 0, max_kicks: int | None = None) -> None:
    """Search until the time is over, or after so many kicks."""
    log.begin()
    search = Greedy(problem, np.random.default_rng(seed), log, seconds)
    search.deal()
    for _ in range(TRIES):
        has_changed = search.choose_plans()
        search.tell()
        search.descend(np.arange(search.sums.num_units))
        search.tell()
        if not has_changed:
            break
    kicks = 0
    while not search.is_over and (max_kicks is None or kicks < max_kicks):
        kicks += 1
        search.kick()
        if kicks % KICKS_BETWEEN == 0 and search.choose_plans():
            search.descend(np.arange(search.sums.num_units))
        search.tell()
    log.note(kicks=kicks)
    log.ended("time limit" if search.is_over else "done")


class Greedy:
    """The state of the search.

    pair : the pair that every unit uses; held : shape (csms, WIDTH), sums of every book; plans : row by segment
    worth : shape (pairs,), points of every pair under the plans
    """

    def __init__(self, problem: Problem, rng: np.random.Generator, log: Log, seconds: float) -> None:
        self.problem, self.rng, self.log, self.limit = problem, rng, log, seconds
        self.sums = Sums(problem)
        self.pair = np.full(self.sums.num_units, -1, dtype=np.int64)
        self.held = np.zeros((self.sums.num_csms, WIDTH))
        self.everyone = np.arange(self.sums.num_csms)
        self.pairs_of = np.split(
            np.argsort(self.sums.unit, kind="stable"),
            np.cumsum(np.bincount(self.sums.unit, minlength=self.sums.num_units))[:-1],
        )
        self.pools = _pools(self.sums)
        self.best = -np.inf
        self._set_plans(np.zeros(len(problem.segments), dtype=np.int64))

    @property
    def is_over(self) -> bool:
        """The time is over."""
        return self.log.seconds >= self.limit

    def _set_plans(self, plans: IntArray) -> None:
        tables = self.sums.tables
        self.plans, self.price_of = plans, Prices(self.sums, plans)
        self.worth = sum(tables.value_at(s, int(p)) for s, p in enumerate(self.plans))

    # ---- the greedy part --------------------------------------------------------------------------------------

    def deal(self) -> None:
        """Units with the most to lose first: each to its best CSM with hours left, else to the least full one."""
        sums, ceiling = self.sums, self.problem.rules["hours"]["ceiling"] * self.problem.csms.hours
        at_stake = [np.ptp(self.worth[own]) for own in self.pairs_of]
        for unit in np.argsort(at_stake)[::-1]:
            own = self.pairs_of[unit]
            csm, part = sums.csm[own], sums.part[own]
            after = self.held[csm] + part
            fits = (after[:, HOURS] <= ceiling[csm]) & (after[:, COUNT:RENEWAL] <= sums.high[csm]).all(axis=1)
            fullness = after[:, HOURS] / np.maximum(ceiling[csm], 1e-9)
            choice = np.argmax(np.where(fits, self.worth[own], -1e6 * fullness))
            self.pair[unit] = own[choice]
            self.held[csm[choice]] += part[choice]

    def choose_plans(self) -> bool:
        """The best plans for these books within the budget, by enumeration; whether they are other plans."""
        values = [self._values(s) for s in range(len(self.plans))]
        costs = [cost[self.problem.csms.segment == s].sum(axis=0) for s, cost in enumerate(self.problem.pay_cost)]
        chosen = knapsack(values, costs, self.problem.instance.pay_budget)
        if chosen is None or (chosen == self.plans).all():
            return False
        self._set_plans(chosen)
        return True

    def _values(self, segment: int) -> FloatArray:
        """Points that the books of a segment bring under every plan."""
        tables, csms = self.sums.tables, np.flatnonzero(self.sums.segment == segment)
        used = np.sort(self.pair[self.sums.segment[self.sums.csm[self.pair]] == segment])
        rows = np.arange(len(self.problem.plans[segment]))
        values = tables.values_of(segment, self.problem.plan_numbers(segment, rows), used).sum(axis=1)
        values -= self.problem.plan_soft_cost[segment] * POINTS / self.problem.arr_scale
        for p in rows:
            plans = self.plans.copy()
            plans[segment] = p
            values[p] -= Prices(self.sums, plans)(csms, self.held[csms]).sum()
        return np.asarray(values)

    # ---- the local search -------------------------------------------------------------------------------------

    def descend(self, units: IntArray) -> None:
        """Moves, then swaps, until neither of a single unit gains anything."""
        price = self.price_of(self.everyone, self.held)
        has_gained = True
        while has_gained and not self.is_over:
            has_gained = False
            for unit in self.rng.permutation(units):
                if self.is_over:
                    return
                has_gained |= self._move(int(unit), price) or self._swap(int(unit), price, units)

    def _move(self, unit: int, price: FloatArray) -> bool:
        """Give a unit to the CSM where that gains most."""
        own, now = self.pairs_of[unit], int(self.pair[unit])
        csm, old = self.sums.csm[own], int(self.sums.csm[now])
        without = self.price_of(np.array([old]), (self.held[old] - self.sums.part[now])[None, :])[0]
        gain = self.worth[own] - self.worth[now] + price[old] - without
        gain += price[csm] - self.price_of(csm, self.held[csm] + self.sums.part[own])
        gain[csm == old] = 0.0
        best = int(np.argmax(gain))
        if gain[best] <= LEAST_GAIN:
            return False
        self._give(unit, int(own[best]), price)
        return True

    def _swap(self, unit: int, price: FloatArray, units: IntArray) -> bool:
        """Exchange a unit for the one with which that gains most."""
        sums, now = self.sums, int(self.pair[unit])
        old = int(sums.csm[now])
        owner = sums.csm[self.pair[units]]
        there, back = sums.pair_at[unit, owner], sums.pair_at[units, old]
        kept = (there >= 0) & (back >= 0) & (owner != old)
        if not kept.any():
            return False
        other, csm, there, back = units[kept], owner[kept], there[kept], back[kept]
        leaving = self.pair[other]
        gain = self.worth[there] + self.worth[back] - self.worth[now] - self.worth[leaving] + price[csm] + price[old]
        gain -= self.price_of(csm, self.held[csm] + sums.part[there] - sums.part[leaving])
        gain -= self.price_of(np.full(len(csm), old), self.held[old] - sums.part[now] + sums.part[back])
        best = int(np.argmax(gain))
        if gain[best] <= LEAST_GAIN:
            return False
        self._give(unit, int(there[best]), price)
        self._give(int(other[best]), int(back[best]), price)
        return True

    def _give(self, unit: int, pair: int, price: FloatArray) -> None:
        old = int(self.pair[unit])
        touched = np.array([self.sums.csm[old], self.sums.csm[pair]])
        self.held[touched[0]] -= self.sums.part[old]
        self.held[touched[1]] += self.sums.part[pair]
        self.pair[unit] = pair
        price[touched] = self.price_of(touched, self.held[touched])

    def kick(self) -> None:
        """Change a few accounts of one pool at random, mend, and go back if that was a loss."""
        units = self.pools[int(self.rng.integers(len(self.pools)))]
        before, held, value = self.pair.copy(), self.held.copy(), self.value
        price = self.price_of(self.everyone, self.held)
        for unit in self.rng.choice(units, size=min(KICK, len(units)), replace=False):
            self._give(int(unit), int(self.rng.choice(self.pairs_of[unit])), price)
        self.descend(units)
        if self.value < value:
            self.pair, self.held = before, held

    # ---- the answer -------------------------------------------------------------------------------------------

    @property
    def value(self) -> float:
        """Points of the choice, less `BROKEN` and more for every hard rule that is broken."""
        usd = sum(float(cost[p]) for cost, p in zip(self.problem.plan_soft_cost, self.plans, strict=True))
        price = float(self.price_of(self.everyone, self.held).sum())
        return float(self.worth[self.pair].sum()) - price - usd * POINTS / self.problem.arr_scale

    def tell(self) -> None:
        """Write the choice down where it is better than all before."""
        if self.value > self.best + LEAST_GAIN:
            self.best = self.value
            self.log.found(np.sort(self.pair).tolist(), self.plans.tolist())


def _pools(sums: Sums) -> list[IntArray]:
    """Units that can exchange accounts with each other, through CSMs that they have in common."""
    size = sums.num_units + sums.num_csms
    graph = coo_matrix((np.ones(len(sums.unit)), (sums.unit, sums.num_units + sums.csm)), shape=(size, size))
    label = connected_components(graph, directed=False)[1][: sums.num_units]
    return [np.flatnonzero(label == name) for name in np.unique(label)]


def knapsack(values: list[FloatArray], costs: list[FloatArray], budget: float) -> IntArray | None:
    """One plan a segment, worth most in all within the budget: choices that cost more and bring less are dropped."""
    total, spent, chosen = np.zeros(1), np.zeros(1), np.zeros((1, 0), dtype=np.int64)
    for value, cost in zip(values, costs, strict=True):
        total = (total[:, None] + value[None, :]).ravel()
        spent = (spent[:, None] + cost[None, :]).ravel()
        pick = np.tile(np.arange(len(value)), len(chosen))
        chosen = np.column_stack([np.repeat(chosen, len(value), axis=0), pick])
        order = np.lexsort((-total, spent))
        order = order[spent[order] <= budget * (1.0 + 1e-9)]
        best_before = np.maximum.accumulate(np.concatenate([[-np.inf], total[order]]))[:-1]
        order = order[total[order] > best_before]
        total, spent, chosen = total[order], spent[order], chosen[order]
    return chosen[int(np.argmax(total))] if len(total) else None
