"""The cheapest books of a CSM at given prices, and the cheapest way to put books of several CSMs together.

Books are found by a search that a dynamic program steers: the table says what the accounts that are still to be decided
can bring at most, so that the cheapest books are found without looking at others. Books of a few CSMs are joined by
sets of accounts kept as bits: those of one half of the CSMs by the accounts that they leave for the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from optcomp.types import BoolArray, FloatArray, IntArray

BITS = 62  # accounts that may change hands at a time: one bit each in a signed 64-bit number
SLACK = 1e-9  # sums of floats in another order
MOST_PARTIAL = 4_000  # cheapest joins of two CSMs' books that a third's are joined to
MOST_JOINED = 400_000  # joins that are looked at in detail; about 10 ms

Bits = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Item:
    """Accounts that may be in a CSM's book: number of its bit, cost minus price, hours on the grid and as they are."""

    bit: IntArray
    cost: FloatArray
    load: IntArray
    hours: FloatArray


@dataclass(frozen=True, slots=True)
class Books:
    """Books of one CSM, cheapest first: who is in which, and cost minus prices, shape (books,)."""

    members: Bits
    cost: FloatArray


@dataclass(frozen=True, slots=True)
class Found:
    """Books by the items in them, cheapest first: shape (books, items), and cost minus prices, (books,)."""

    used: BoolArray
    cost: FloatArray


def cheapest(items: Item, steps: int, hours: float, *, limit: float, most: int) -> Books:
    """The `most` cheapest books that fit, of those that cost at most `limit`, as bits.

    steps, hours : what the CSM has, on the grid and as it is
    """
    found = books_within(items, steps, hours, limit=limit, most=most)
    return Books(found.used @ (np.int64(1) << items.bit.astype(np.int64)), found.cost)


def books_within(items: Item, steps: int, hours: float, *, limit: float, most: int) -> Found:
    """The same for any number of items. With fewer than `most` books, all that cost at most `limit` are there."""
    tables = _least(items, steps)
    cost, left, spare = np.zeros(1), np.array([steps]), np.array([hours])
    layers: list[tuple[IntArray, BoolArray]] = []
    for k in range(len(items.bit) - 1, -1, -1):
        load = int(items.load[k])
        room = np.flatnonzero((left >= load) & (spare >= items.hours[k]))
        origin = np.concatenate([np.arange(len(cost)), room])
        count = len(cost)
        cost = np.concatenate([cost, cost[room] + items.cost[k]])
        spare = np.concatenate([spare, spare[room] - items.hours[k]])
        left = np.concatenate([left, left[room] - load])
        reach = cost + tables[k][left]
        kept = np.flatnonzero(reach <= limit + SLACK)
        if len(kept) > most:  # what lies ahead is known, so this leaves out none of the cheapest
            kept = kept[np.argpartition(reach[kept], most)[:most]]
        layers.append((origin[kept], kept >= count))
        cost, left, spare = cost[kept], left[kept], spare[kept]
    order = np.argsort(cost, kind="stable")
    used, at = np.zeros((len(order), len(items.bit)), dtype=np.bool_), order
    for k, (origin, with_item) in enumerate(reversed(layers)):
        used[:, k] = with_item[at]
        at = origin[at]
    return Found(used, cost[order])


def _least(items: Item, steps: int) -> FloatArray:
    """Least cost by hours on the grid before the first item and after each, shape (items + 1, steps + 1)."""
    table = np.zeros((len(items.bit) + 1, steps + 1))
    for k, load in enumerate(items.load.tolist()):
        table[k + 1] = table[k]
        if load <= steps:
            np.minimum(table[k, load:], table[k, : steps + 1 - load] + items.cost[k], out=table[k + 1, load:])
    return table


@dataclass(frozen=True, slots=True)
class Joined:
    """Books of several CSMs that share no account: all their accounts, cost, and the row of every CSM's book."""

    members: Bits
    cost: FloatArray
    rows: IntArray


def join(books: Sequence[Books], everyone: int, *, limit: float, random: np.random.Generator) -> IntArray | None:
    """One book of every CSM so that every account is in exactly one, of least cost; the rows of the books.

    everyone : bits of all accounts; None where no such books cost at most `limit`. Equal ones are drawn from.
    """
    floor = [float(b.cost[0]) if len(b.cost) else np.inf for b in books]
    if sum(floor) > limit + SLACK:
        return None
    half = (len(books) + 1) // 2
    left = _all_of(books[:half], limit - sum(floor[half:]))
    right = _all_of(books[half:], limit - sum(floor[:half]))
    order = np.argsort(right.members, kind="stable")
    keys = right.members[order]
    wanted = np.int64(everyone) & ~left.members
    first = np.searchsorted(keys, wanted)
    last = np.searchsorted(keys, wanted, side="right")
    count = last - first
    row = np.repeat(np.arange(len(wanted)), count)
    match = order[np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)]
    cost = left.cost[row] + right.cost[match]
    if not len(cost) or cost.min() > limit + SLACK:
        return None
    best = random.choice(np.flatnonzero(cost <= cost.min() + SLACK))
    return np.concatenate([left.rows[row[best]], right.rows[match[best]]])


def _all_of(books: Sequence[Books], limit: float) -> Joined:
    """Joins of some CSMs' books that cost at most `limit`; the cheapest where there are too many."""
    result = Joined(books[0].members, books[0].cost, np.arange(len(books[0].cost))[:, None])
    for k, more in enumerate(books[1:], start=1):
        rest = sum(float(b.cost[0]) for b in books[k + 1 :])
        result = _with(result, more, limit - rest)
    return result


def _with(few: Joined, more: Books, limit: float) -> Joined:
    """Joins extended by the books of one more CSM."""
    if len(few.cost) > MOST_PARTIAL:
        kept = np.argpartition(few.cost, MOST_PARTIAL)[:MOST_PARTIAL]
        few = Joined(few.members[kept], few.cost[kept], few.rows[kept])
    row, column = np.nonzero((few.members[:, None] & more.members[None, :]) == 0)
    cost = few.cost[row] + more.cost[column]
    kept = np.flatnonzero(cost <= limit + SLACK)
    if len(kept) > MOST_JOINED:
        kept = kept[np.argpartition(cost[kept], MOST_JOINED)[:MOST_JOINED]]
    row, column = row[kept], column[kept]
    rows = np.column_stack([few.rows[row], column])
    return Joined(few.members[row] | more.members[column], cost[kept], rows)
