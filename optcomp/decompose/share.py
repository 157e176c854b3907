r"""Moves shared out among pools: what each is worth with at most so many of them, added up by dynamic programming.

.. math:: \max \Big\{ \sum_k U_k(m_k) : \sum_k m_k \le M \Big\}

With proved bounds for :math:`U_k` the sum is a bound on all books with at most M moves, with known books it is the best
mix of them. Source: DESIGN 4.2, rows that couple pools.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from optcomp.types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Book:
    """Books of one pool: the CSM row of every unit, their worth in points under the plan, and the moves they count."""

    csm_of_unit: IntArray
    value: float
    moves: int


@dataclass
class PoolWorth:
    """Points that a pool with positions filled is worth under one plan with at most m moves, for every m up to `size`.

    upper, lower : proved, and that of the book whose number is in `book` (-1: none known); shape (size + 1,)
    nodes : moves → search nodes that the next try may take; spent : moves for which a try can do no more;
        polished : moves that have been tried with few nodes
    seen : prices whose searches were asked
    """

    size: int
    upper: FloatArray = field(init=False)
    lower: FloatArray = field(init=False)
    book: IntArray = field(init=False)
    books: list[Book] = field(default_factory=list)
    nodes: dict[int, int] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)
    polished: set[int] = field(default_factory=set)
    seen: set[float] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.upper, self.lower = np.full(self.size + 1, np.inf), np.full(self.size + 1, -np.inf)
        self.book = np.full(self.size + 1, -1)

    def take_price(self, price: float, bound: float) -> None:
        """No books are worth more than `bound` when every move costs `price`."""
        self.upper = np.minimum(self.upper, bound + price * np.arange(self.size + 1))

    def take_bound(self, moves: int, bound: float) -> None:
        """No books with at most so many moves are worth more than `bound`."""
        self.upper[: moves + 1] = np.minimum(self.upper[: moves + 1], bound)

    def take_book(self, book: Book) -> None:
        """Books that are known."""
        better = self.lower[book.moves :] < book.value
        if better.any():
            self.books.append(book)
            self.lower[book.moves :][better] = book.value
            self.book[book.moves :][better] = len(self.books) - 1
            # A bound below books that are known is the solver's rounding.
            self.upper = np.maximum(self.upper, self.lower)

    def best(self, moves: int) -> Book:
        """The best known books with at most so many moves."""
        return self.books[int(self.book[min(moves, self.size)])]


@dataclass(frozen=True, slots=True)
class Shared:
    """The best sums over pools for at most 0, 1, … moves in all, and how many moves each pool gets in them.

    total : shape (moves + 1,); given : per pool, shape (moves + 1,)
    """

    total: FloatArray
    given: tuple[IntArray, ...]

    def of(self, moves: int) -> tuple[int, ...]:
        """Moves of every pool where there are so many in all."""
        counts: list[int] = []
        for line in reversed(self.given):
            counts.append(int(line[moves]))
            moves -= counts[-1]
        return tuple(reversed(counts))


def share_out(lines: Sequence[FloatArray], most: int) -> Shared:
    """The best way to share out up to `most` moves; every line is a pool's worth by moves, and never falls."""
    total, given = np.zeros(most + 1), []
    for line in lines:
        rises = np.append(0, np.flatnonzero(line[1:] > line[:-1]) + 1)  # a move that brings nothing is not made
        best, moves = np.full(most + 1, -np.inf), np.zeros(most + 1, dtype=np.int64)
        for m in rises[rises <= most].tolist():
            value = total[: most + 1 - m] + line[m]
            better = value > best[m:]
            best[m:][better] = value[better]
            moves[m:][better] = m
        total = best
        given.append(moves)
    return Shared(total, tuple(given))
