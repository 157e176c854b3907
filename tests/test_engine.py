"""The engine: what HiGHS is asked, what of its answers is believed, and what happens when it misbehaves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from optcomp.engine import Ending, Engine, Job, Limits, Program


def program(objective, rows=(), *, lower=0.0, upper=np.inf, integer=False, offset=0.0) -> Program:
    """A program from (coefficients, least, most) for each row, written out in full."""
    n = len(objective)
    matrix = np.array([coefficients for coefficients, _, _ in rows], dtype=float).reshape(len(rows), n)
    used = matrix != 0
    return Program(
        objective=np.array(objective, dtype=float),
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


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(workers=1) as engine:
        yield engine


def test_a_small_program_is_solved_to_its_optimum(engine: Engine) -> None:
    """Of things worth 5, 4, 3 that weigh 4, 3, 2, five kilos hold the last two: 4 + 3 = 7, and 10 to begin with."""
    knapsack = program([5, 4, 3], [([4, 3, 2], -np.inf, 5)], upper=1, integer=True, offset=10.0)

    outcome = engine.solve(Job(knapsack, Limits(60)))

    assert outcome.ending is Ending.OPTIMAL
    assert outcome.point.tolist() == [0, 1, 1]
    assert outcome.value == outcome.bound == 17
    assert outcome.row_duals is None


def test_the_model_that_highs_1_14_gets_wrong_is_right(engine: Engine) -> None:
    """min 2x + 3z with x + z >= 4.5 and z integer is 9 (x = 4.5); HiGHS 1.14.0 says 15 (ERGO-Code/HiGHS#2961)."""
    wrong = program([-2, -3], [([1, 1], 4.5, np.inf)], integer=[False, True])

    assert engine.solve(Job(wrong, Limits(60))).value == -9


def test_a_relaxation_has_duals_and_a_bound(engine: Engine) -> None:
    """max x + y with x + 2y <= 3, x <= 1: x = 1, y = 1, value 2; the row is worth 1/2 a unit."""
    outcome = engine.solve(Job(program([1, 1], [([1, 2], -np.inf, 3)], upper=[1, 5], integer=True), relax=True))

    assert outcome.ending is Ending.OPTIMAL
    assert outcome.row_duals == pytest.approx([0.5])
    assert outcome.value == pytest.approx(2)
    assert outcome.bound == pytest.approx(2)
