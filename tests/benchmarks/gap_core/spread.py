"""The same function on several works, here or in processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Protocol, TypeVar

Work, Result = TypeVar("Work"), TypeVar("Result")


class Spread(Protocol):
    """Does a function on every work, in the order of these."""

    def __call__(self, function: Callable[[Work], Result], works: Sequence[Work], /) -> list[Result]: ...


def in_turn(function: Callable[[Work], Result], works: Sequence[Work]) -> list[Result]:
    """One after the other, here."""
    return [function(work) for work in works]


def at_once(pool: ProcessPoolExecutor, function: Callable[[Work], Result], works: Sequence[Work]) -> list[Result]:
    """All at once, in the processes of a pool."""
    return list(pool.map(function, works))
