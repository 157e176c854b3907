r"""Bounds from prices of accounts: every CSM packs the book that pays best at them (Lagrangian relaxation).

With a price u_a for every account, and the book of every CSM chosen for itself,

.. math:: \sum_a u_a + \sum_j \min_{B : h_j(B) \le H_j} \sum_{a \in B} (c_{aj} - u_a)

is at most the cost of every assignment. It is tighter than the linear relaxation, because books are packed whole.
Books are packed by dynamic programs over hours, for all CSMs at once. Hours on a grid are rounded down, which can only
allow more, so the bound holds.

Source: Fisher, Jaikumar and Van Wassenhove 1986, "A multiplier adjustment method for the generalized assignment
problem"; Posta, Ferland and Michelon 2012, "An exact method with variable fixing for solving the generalized assignment
problem".
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray
from tests.benchmarks.gap_core.task import Assignment

MOST_CELLS = 4_000  # steps of a CSM's hours on the grid; twice as many double time and memory
FIRST_STEP = 1.0  # share of Polyak's step
SHRINK, PATIENCE = 0.7, 8  # the step shrinks to this share after so many steps without a better bound
MEMORY = 0.3  # weight of earlier directions in a step; damps zigzags
LEAST_STEP = 2e-3  # below, steps change nothing that matters


@dataclass(frozen=True, slots=True)
class Grid:
    """Hours as whole steps: load rounded down, shape (csms, accounts); steps, shape (csms,), that every CSM has."""

    load: IntArray
    steps: IntArray


def grid(task: Assignment) -> Grid:
    """Whole hours as they are when there are few enough; else steps that every CSM's hours are cut into."""
    whole = bool((task.load == np.rint(task.load)).all()) and float(task.capacity.max(initial=0.0)) <= MOST_CELLS
    scale = np.ones(task.num_csms) if whole else MOST_CELLS / np.maximum(task.capacity, 1e-9)
    # A little is added before rounding the hours that there are, and taken from those needed: never too strict.
    steps = np.floor(task.capacity * scale * (1.0 + 1e-9) + 1e-9).astype(np.int64)
    load = np.maximum(np.floor(task.load * scale[:, None] * (1.0 - 1e-9)), 0.0) if not whole else task.load
    return Grid(load.astype(np.int64), np.maximum(steps, 0))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Accounts that pay at every CSM, in a row each: account (-1: none), gain (0: none), load; shape (csms, most)."""

    account: IntArray
    gain: FloatArray
    load: IntArray


def wanted(reduced: FloatArray, hours: Grid) -> Wanted:
    """The accounts whose cost minus price is negative, by CSM; reduced : that difference, shape (csms, accounts)."""
    pays = (reduced < 0.0) & (hours.load <= hours.steps[:, None])
    most = int(pays.sum(axis=1).max(initial=0))
    order = np.argsort(~pays, axis=1, kind="stable")[:, :most]
    is_real = np.take_along_axis(pays, order, axis=1)
    gain = np.where(is_real, np.take_along_axis(np.where(pays, reduced, 0.0), order, axis=1), 0.0)
    load = np.where(is_real, np.take_along_axis(hours.load, order, axis=1), 0)
    return Wanted(np.where(is_real, order, -1), gain, load)


class Packing:
    """Best books of all CSMs by a dynamic program over their wanted accounts, one account of each at a time."""

    def __init__(self, wants: Wanted, hours: Grid) -> None:
        self.wants, self.hours = wants, hours
        self._csms = np.arange(len(hours.steps))
        self._pad = int(wants.load.max(initial=0))  # cells before 0 hours hold inf, so that nothing is read from them
        width = self._pad + int(hours.steps.max(initial=0)) + 1
        self._empty = np.full((len(hours.steps), width), np.inf)
        self._empty[:, self._pad :] = 0.0
        self._cells = (self._csms * width)[:, None] + np.arange(self._pad, width)[None, :]

    def tables(self, *, backwards: bool = False) -> list[FloatArray]:
        """Least cost by hours, shape (csms, steps + 1), before the first account and after each."""
        count = self.wants.gain.shape[1]
        line = self._empty.copy()
        tables = [line[:, self._pad :].copy()]
        for k in range(count - 1, -1, -1) if backwards else range(count):
            np.minimum(line[:, self._pad :], self._with(line, k), out=line[:, self._pad :])
            tables.append(line[:, self._pad :].copy())
        return tables

    def _with(self, line: FloatArray, k: int) -> FloatArray:
        """Least cost by hours when the k-th wanted account of every CSM is in its book."""
        return np.asarray(line.ravel().take(self._cells - self.wants.load[:, k, None]) + self.wants.gain[:, k, None])

    def best(self) -> tuple[FloatArray, BoolArray]:
        """Cost of the best book of every CSM, shape (csms,), and which wanted accounts are in it, (csms, wanted)."""
        line, taken = self._empty.copy(), []
        for k in range(self.wants.gain.shape[1]):
            other = self._with(line, k)
            taken.append(other < line[:, self._pad :])
            np.minimum(line[:, self._pad :], other, out=line[:, self._pad :])
        left = self.hours.steps.copy()
        cost = line[self._csms, self._pad + left]
        chosen = np.zeros(self.wants.gain.shape, dtype=bool)
        for k in range(len(taken) - 1, -1, -1):
            chosen[:, k] = taken[k][self._csms, left]
            left = left - np.where(chosen[:, k], self.wants.load[:, k], 0)
        return cost, chosen


@dataclass(frozen=True, slots=True)
class UnitPrices:
    """Prices of accounts, shape (accounts,), and the cost that no assignment goes below."""

    price: FloatArray
    least_cost: float


def value_of(cost: FloatArray, hours: Grid, price: FloatArray) -> tuple[float, FloatArray]:
    """The bound on cost at these prices, and how often every account is left over (1 - times packed)."""
    wants = wanted(cost - price, hours)
    packed, chosen = Packing(wants, hours).best()
    times = np.bincount(wants.account[chosen], minlength=len(price))
    return float(price.sum() + packed.sum()), 1.0 - times


@dataclass(frozen=True, slots=True)
class Climb:
    """How far to climb: `target`, cost of a known assignment; steps at most; `deadline` on time.monotonic."""

    target: float
    most_steps: int
    deadline: float = np.inf


def climb(cost: FloatArray, hours: Grid, price: FloatArray, until: Climb) -> UnitPrices:
    """Prices with a high bound, by subgradient steps with memory from `price`.

    cost : shape (csms, accounts), infinite for a pair that may not be
    """
    price = exact(price)
    best, best_price = -np.inf, price.copy()
    share, since = FIRST_STEP, 0
    memory = np.zeros(len(price))
    for _ in range(until.most_steps):
        bound, rest = value_of(cost, hours, price)
        if bound > best + 1e-4 * max(until.target - bound, 0.0):
            best, best_price, since = bound, price.copy(), 0
        else:
            since += 1
        if not rest.any() or share < LEAST_STEP or until.target - bound <= 0.0 or time.monotonic() > until.deadline:
            break
        memory = (1.0 - MEMORY) * rest + MEMORY * memory
        if since >= PATIENCE:
            share, since, price = SHRINK * share, 0, best_price.copy()
            continue
        price = exact(price + share * (until.target - bound) / float(memory @ memory) * memory)
    return UnitPrices(best_price, best)


def exact(price: FloatArray) -> FloatArray:
    """Prices in steps of 2^-16: sums of them and of costs that are whole have no rounding at all."""
    return np.asarray(np.rint(price * 65536.0) / 65536.0)


def reduced_costs(cost: FloatArray, hours: Grid, prices: UnitPrices) -> FloatArray:
    """By how much the bound rises when a pair is used, shape (csms, accounts); infinite where it does not fit."""
    reduced = cost - prices.price
    wants = wanted(reduced, hours)
    packing = Packing(wants, hours)
    before, after = packing.tables(), packing.tables(backwards=True)
    csms = np.arange(len(cost))
    best = before[-1][csms, hours.steps]
    room = hours.steps[:, None] - hours.load
    rise = np.where(room >= 0, reduced + before[-1][csms[:, None], np.maximum(room, 0)], np.inf) - best[:, None]
    count = wants.gain.shape[1]
    cells = np.arange(before[0].shape[1])
    for k in range(count):  # a wanted account is taken out of the others' books before it is put in
        left = (hours.steps - wants.load[:, k])[:, None] - cells
        other = np.where(left >= 0, np.take_along_axis(after[count - 1 - k], np.maximum(left, 0), axis=1), np.inf)
        forced = (before[k] + other).min(axis=1) + wants.gain[:, k] - best
        real = wants.account[:, k] >= 0
        rise[csms[real], wants.account[real, k]] = forced[real]
    return np.maximum(rise, 0.0)
