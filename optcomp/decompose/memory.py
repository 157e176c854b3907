"""What searches at prices on moves found out about one problem, kept for other limits on moves and for other solves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from optcomp.decompose.certificate import Certificate
from optcomp.decompose.search import Search
from optcomp.decompose.share import Book, PoolWorth
from optcomp.decompose.structure import Structure
from optcomp.problem import Problem
from optcomp.types import IntArray

Plans = Sequence[IntArray]  # per segment, rows of the plans that may be chosen


@dataclass(frozen=True, slots=True)
class Setup:
    """Plan rows per segment, positions filled per pool, and what these cost in points without any books."""

    plan: tuple[int, ...]
    filled: tuple[frozenset[int], ...]
    rest: float


@dataclass(frozen=True, slots=True)
class Choice:
    """One book for every pool of a setup."""

    setup: Setup
    books: tuple[Book, ...]

    @property
    def value(self) -> float:
        """Worth in points, without any price on moves."""
        return self.setup.rest + sum(b.value for b in self.books)

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


@dataclass
class Memory:
    """What is known of one problem, which has no rule on moves of its own.

    aim : share of the gap asked for that answers are brought down to, as far as pools can do it quickly; small where
        their differences are read
    structures : programs of pools; searches : by price, kept where menus are short
    priced : by plans that may be chosen and price, None where a search found nothing; impossible : plans without books
    worths : by pool, positions filled and plan row; fewest : by plans that may be chosen, moves that every choice has
    setups : by plans that may be chosen, where each segment has one
    """

    problem: Problem | None = None
    aim: float = 1.0
    structures: dict[tuple[int, frozenset[int], bool], Structure] = field(default_factory=dict)
    searches: dict[float, Search] = field(default_factory=dict)
    priced: dict[tuple[str, float], Priced | None] = field(default_factory=dict)
    impossible: set[str] = field(default_factory=set)
    worths: dict[tuple[int, frozenset[int], int], PoolWorth] = field(default_factory=dict)
    fewest: dict[str, int] = field(default_factory=dict)
    setups: dict[str, tuple[Setup, ...] | None] = field(default_factory=dict)

    def known(self, key: str, most: float = np.inf) -> dict[float, Priced]:
        """What searches at prices up to `most` found."""
        return {price: p for (k, price), p in self.priced.items() if k == key and p is not None and price <= most}


def plans_key(plans: Plans, *, money: bool) -> str:
    """A name for plans that may be chosen, with or without the money rules."""
    return repr(([np.asarray(rows).tolist() for rows in plans], money))
