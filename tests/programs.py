"""Small programs for the tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from optcomp.engine import Program

Row = tuple[Sequence[float], float, float]


def program(
    objective: ArrayLike,
    rows: Sequence[Row] = (),
    *,
    lower: ArrayLike = 0.0,
    upper: ArrayLike = np.inf,
    integer: ArrayLike = False,
    offset: float = 0.0,
) -> Program:
    """A program from (coefficients, least, most) for each row, written out in full; scalars hold for all columns."""
    worth = np.array(objective, dtype=float)
    n = len(worth)
    matrix = np.array([coefficients for coefficients, _, _ in rows], dtype=float).reshape(len(rows), n)
    used = matrix != 0
    return Program(
        objective=worth,
        offset=offset,
        lower=np.broadcast_to(np.asarray(lower, dtype=float), (n,)),
        upper=np.broadcast_to(np.asarray(upper, dtype=float), (n,)),
        integer=np.broadcast_to(np.asarray(integer), (n,)),
        row_lower=np.array([least for _, least, _ in rows], dtype=float),
        row_upper=np.array([most for _, _, most in rows], dtype=float),
        starts=np.concatenate([[0], np.cumsum(used.sum(axis=1))]),
        columns=np.nonzero(used)[1],
        values=matrix[used],
    )


def knapsack(*, offset: float = 0.0) -> Program:
    """Things worth 5, 4, 3 that weigh 4, 3, 2 and five kilos to carry: the last two, 4 + 3 = 7."""
    return program([5, 4, 3], [([4, 3, 2], -np.inf, 5)], upper=1, integer=True, offset=offset)


def assignment(num_csms: int, num_accounts: int, seed: int = 0) -> Program:
    """A generalised assignment problem of the hard kind (type D); 10 × 100 is not closed in a minute."""
    generator = np.random.default_rng(seed)
    hours = generator.integers(5, 100, (num_accounts, num_csms)).astype(float)
    cost = 111 - hours + generator.integers(-10, 10, hours.shape)
    num_pairs = hours.size
    pairs = np.arange(num_pairs).reshape(hours.shape)
    ceiling = np.floor(0.8 * hours.sum(axis=0) / num_csms)
    starts = np.arange(num_accounts + 1) * num_csms
    return Program(
        objective=-cost.ravel(),
        offset=0.0,
        lower=np.zeros(num_pairs),
        upper=np.ones(num_pairs),
        integer=np.ones(num_pairs, dtype=bool),
        row_lower=np.concatenate([np.ones(num_accounts), np.full(num_csms, -np.inf)]),
        row_upper=np.concatenate([np.ones(num_accounts), ceiling]),
        starts=np.concatenate([starts, num_pairs + np.arange(1, num_csms + 1) * num_accounts]),
        columns=np.concatenate([pairs.ravel(), pairs.T.ravel()]),
        values=np.concatenate([np.ones(num_pairs), hours.T.ravel()]),
    )
