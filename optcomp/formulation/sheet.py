"""A program under construction in arrays: for programs that nobody reads, as a Pyomo model takes ten times as long.

The builders write to it as they write to a Pyomo model, and the program that comes out is the one that `compile_model`
would make of that model, entry by entry.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import scipy.sparse as sp

from optcomp.engine.program import Program
from optcomp.types import IntArray, sum_by

Bounds = tuple[float, float] | Callable[[Any], tuple[float, float]]  # the same for all, or by key


class Sheet:
    """Columns and rows in the order in which they were added; a variable is the number of its column until the end.

    x, z, y, o, w, rho, cost, family_csm : variables by key, as on a Pyomo model (`frame.Frame`)
    """

    x: dict[Any, int]
    z: dict[Any, int]
    y: dict[Any, int]
    o: dict[Any, int]
    w: dict[Any, int]
    rho: dict[Any, int]
    cost: dict[Any, int]
    family_csm: dict[Any, int]
    never: dict[Any, int]

    def __init__(self) -> None:
        self._groups: list[list[int]] = []  # numbers of the variables that were declared together
        self._slacks: list[int] | None = None
        self._bounds: list[tuple[float, float]] = []
        self._whole: list[bool] = []
        self._columns: list[Sequence[int]] = []
        self._values: list[Sequence[float]] = []
        self._sides: list[tuple[float, float]] = []

    @property
    def num_rows(self) -> int:
        """Rows so far."""
        return len(self._sides)

    def variables(self, keys: Sequence[Hashable], bounds: Bounds, *, whole: bool) -> dict[Any, int]:
        """New variables by key."""
        first = len(self._bounds)
        self._bounds += [bounds(key) if callable(bounds) else bounds for key in keys]
        self._whole += [whole] * len(keys)
        numbers = list(range(first, len(self._bounds)))
        self._groups.append(numbers)
        return dict(zip(keys, numbers, strict=True))

    def begin_slacks(self) -> None:
        """Slacks have their place among the columns here, whenever they are added."""
        self._slacks = []
        self._groups.append(self._slacks)

    def slack(self, most: float) -> int:
        """A new variable from 0 to `most`."""
        if self._slacks is None:
            self.begin_slacks()
        assert self._slacks is not None
        self._slacks.append(len(self._bounds))
        self._bounds.append((0.0, most))
        self._whole.append(False)
        return self._slacks[-1]

    def add_row(self, values: Sequence[float], variables: Sequence[int], low: float | None, high: float | None) -> None:
        """low <= values · variables <= high."""
        self._columns.append(variables)
        self._values.append(values)
        self._sides.append((-np.inf if low is None else low, np.inf if high is None else high))

    def program(self, objective: Sequence[tuple[float, int]], constant: float) -> Program:
        """The program that maximises the sum of these terms and the constant."""
        order = np.array(list(chain.from_iterable(self._groups)), dtype=np.int64)
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        lengths = [len(row) for row in self._columns]
        numbers = np.fromiter(chain.from_iterable(self._columns), dtype=np.int64, count=sum(lengths))
        values = np.fromiter(chain.from_iterable(self._values), dtype=np.float64, count=sum(lengths))
        rows = np.repeat(np.arange(len(lengths)), lengths)
        weight = np.array([c for c, _ in objective], dtype=np.float64)
        where = place[np.array([v for _, v in objective], dtype=np.int64)]
        used, rank = _first_use(np.concatenate([where, place[numbers]]), len(order))
        matrix = sp.coo_array((values, (rows, rank[place[numbers]])), shape=(len(lengths), len(order))).tocsr()
        matrix.sum_duplicates()  # one entry a column and row
        bounds = np.array(self._bounds, dtype=np.float64).reshape(-1, 2)[order]
        sides = np.array(self._sides, dtype=np.float64).reshape(-1, 2)
        return Program(
            objective=sum_by(where, weight, len(order)),
            offset=constant,
            lower=bounds[:, 0],
            upper=bounds[:, 1],
            integer=np.array(self._whole, dtype=bool)[order],
            row_lower=sides[:, 0],
            row_upper=sides[:, 1],
            starts=matrix.indptr,
            columns=used[matrix.indices],
            values=matrix.data,
        )

    def column_of(self) -> dict[int, int]:
        """Column of the program of every variable's number."""
        return {number: column for column, number in enumerate(chain.from_iterable(self._groups))}


def _first_use(columns: IntArray, count: int) -> tuple[IntArray, IntArray]:
    """Columns in the order of their first use, in which Pyomo has the entries of a row; and the place of each."""
    used, first = np.unique(columns, return_index=True)
    order = np.concatenate([used[np.argsort(first)], np.setdiff1d(np.arange(count), used)])
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)
    return order, rank
