"""What the engine believes of HiGHS's last words, told to it without HiGHS; and bounds from any duals."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from programs import assignment, knapsack, program

from optcomp.engine import Ending, Engine, Job, Limits, Program
from optcomp.engine.dual_bound import dual_bound, implied_bounds
from optcomp.engine.program import verified
from optcomp.engine.run import ReportError, Run
from optcomp.engine.task import Report
from optcomp.engine.worker import check_version
from optcomp.errors import SolverError


def says(status: str, point: list[float] | None, bound: float) -> Report:
    return Report(status, None if point is None else np.array(point, dtype=float), bound, None, 1)


def test_an_optimal_point_with_its_bound_is_believed() -> None:
    """The plain case, so that the refusals below refuse for their own reason."""
    outcome = Run(Job(knapsack())).conclude(says("kOptimal", [0, 1, 1], 7.0))

    assert (outcome.ending, outcome.value, outcome.bound) == (Ending.OPTIMAL, 7, 7)


def test_a_bound_below_a_verified_value_is_an_error() -> None:
    """One of the two is wrong, and a wrong bound would be printed as a proof."""
    with pytest.raises(SolverError, match="below the value"):
        Run(Job(knapsack())).conclude(says("kOptimal", [0, 1, 1], 6.9))


def test_a_bound_below_the_value_by_rounding_is_lifted_to_it() -> None:
    """1e-6 of the value is what HiGHS's tolerances can do."""
    outcome = Run(Job(knapsack())).conclude(says("kOptimal", [0, 1, 1], 7 - 6e-6))

    assert outcome.bound == outcome.value == 7


def test_infeasible_with_a_feasible_start_at_hand_is_an_error() -> None:
    """HiGHS 1.13 did that (ERGO-Code/HiGHS#2980)."""
    with pytest.raises(SolverError, match="infeasible"):
        Run(Job(knapsack(), start=np.array([0.0, 1, 1]))).conclude(says("kInfeasible", None, np.inf))


@pytest.mark.parametrize("point", [[np.nan, 1, 1], [np.inf, 0, 0], [1, 1, 1], [0, 1, 2], [0, 1], None])
def test_optimal_with_a_point_that_does_not_hold_is_doubted(point: list[float] | None) -> None:
    """NaN, infinite, too heavy, out of its bounds, too short, missing."""
    run = Run(Job(knapsack()))

    with pytest.raises(ReportError):
        run.conclude(says("kOptimal", point, 7.0))
    assert run.value is None


@pytest.mark.parametrize("point", [[np.nan], [2.0], None])
def test_a_linear_program_is_optimal_only_by_a_point_that_holds(point: list[float] | None) -> None:
    """The start holds but is not what HiGHS calls optimal; NaN passes every comparison of rows and bounds."""
    line = program([1], [([1], -np.inf, 1)], upper=9)

    with pytest.raises(ReportError):
        Run(Job(line, start=np.array([0.5]))).conclude(says("kOptimal", point, 1.0))


def test_optimal_by_an_earlier_point_is_believed() -> None:
    """HiGHS's last point is too heavy, but an earlier one is worth the bound, so nothing can be better."""
    run = Run(Job(knapsack(), start=np.array([0.0, 1, 1])))

    assert run.conclude(says("kOptimal", [1, 1, 1], 7.0)).value == 7


def test_optimal_with_a_gap_is_doubted() -> None:
    """The point is worth 7, so a bound of 8 is no proof; with a gap of 1 allowed it is one."""
    with pytest.raises(ReportError):
        Run(Job(knapsack(), Limits(gap_absolute=0.9))).conclude(says("kOptimal", [0, 1, 1], 8.0))

    assert Run(Job(knapsack(), Limits(gap_absolute=1.0))).conclude(says("kOptimal", [0, 1, 1], 8.0)).bound == 8


@pytest.mark.parametrize("status", ["kUnknown", "kSolveError", "kUnboundedOrInfeasible", "kMemoryLimit", "kNotset"])
def test_an_ending_that_is_no_answer_is_doubted(status: str) -> None:
    """Worth a second attempt with other options."""
    with pytest.raises(ReportError, match=status):
        Run(Job(knapsack())).conclude(says(status, None, np.inf))


def test_the_best_point_and_bound_ever_seen_are_kept() -> None:
    """Whatever the solver says last."""
    run = Run(Job(knapsack()))
    run.take_point(np.array([0.0, 1, 1]))
    run.take_bound(8.0)

    outcome = run.conclude(says("kTimeLimit", [0, 0, 1], 9.0))

    assert (outcome.ending, outcome.value, outcome.bound) == (Ending.TIME_LIMIT, 7, 8)


def test_a_bound_that_is_no_number_is_ignored() -> None:
    """5 + 4 + 3 is known without a solver."""
    run = Run(Job(knapsack()))
    run.take_bound(np.nan)

    assert run.bound == 12


def test_a_second_attempt_has_other_options_and_the_best_point() -> None:
    """The same options would meet the same crash."""
    run = Run(Job(knapsack(), Limits(seed=4)))
    run.take_point(np.array([0.0, 1, 1]))

    first, second = run.task(is_second=False), run.task(is_second=True)

    assert (first.plain, second.plain) == (False, True)
    assert second.start.tolist() == [0, 1, 1]


def test_a_point_is_rounded_before_its_rows_are_checked() -> None:
    """Row 76: 0.9999993 is 1 to the solver. With 1, x + y <= 1.9999993 breaks by < 1e-6, 1000 x <= 999.9993 by more."""
    near = np.array([0.9999993, 1.0])
    loose = program([1, 1], [([1, 1], -np.inf, 1.9999993)], upper=1, integer=[True, False])
    steep = program([1, 1], [([1000, 0], -np.inf, 999.9993 - 0.001)], upper=1, integer=[True, False])

    assert verified(loose, near).tolist() == [1, 1]
    assert verified(steep, near) is None
    assert verified(steep, near * 0.99999, relaxed=True) is not None


@pytest.mark.parametrize(("excess", "holds"), [(0.9e-6, True), (1.1e-6, False)])
def test_a_row_may_be_missed_by_a_millionth_of_its_side(excess: float, holds: bool) -> None:
    """Both sides of the edge, for a side below 1 and for one of 1,800 hours, for both directions."""
    small = program([1], [([1], -np.inf, 0.5)], upper=9999)
    large = program([1], [([1], -np.inf, 1800)], upper=9999)
    least = program([1], [([1], 1800, np.inf)], upper=9999)

    assert (verified(small, np.array([0.5 + excess])) is not None) is holds
    assert (verified(large, np.array([1800 * (1 + excess)])) is not None) is holds
    assert (verified(least, np.array([1800 * (1 - excess)])) is not None) is holds


def test_a_point_just_outside_a_bound_is_moved_onto_it() -> None:
    """So that a share is never -1e-9; farther out it is refused."""
    share = program([1], [([1], -np.inf, 1)], upper=1)

    assert verified(share, np.array([-5e-7])).tolist() == [0.0]
    assert verified(share, np.array([1 + 5e-7])).tolist() == [1.0]
    assert verified(share, np.array([-5e-6])) is None


def test_a_highs_that_is_known_to_be_wrong_is_refused() -> None:
    """1.14.0 calls wrong answers optimal."""
    check_version("1.15.1")

    with pytest.raises(SolverError, match=r"1\.15\.1 or later"):
        check_version("1.14.0")


def test_a_broken_highs_is_refused_when_its_worker_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version is that of the library which solves, not of a package list."""
    monkeypatch.setattr("optcomp.engine.worker.BROKEN_VERSIONS", ("1.15.1", "1.15.2", "1.15.3"))

    with Engine() as engine, pytest.raises(SolverError, match="wrong answers"):
        engine.solve(Job(knapsack()))


def test_the_bound_of_a_relaxation_is_the_one_that_its_duals_prove() -> None:
    """max x + y with x + 2y <= 3, x <= 1, y <= 5: at 1/2 a unit 3/2 + 1/2 = 2; at 1 a unit 3 + 0; at 0 1 + 5."""
    two = program([1, 1], [([1, 2], -np.inf, 3)], upper=[1, 5])

    bounds = [dual_bound(two, np.array([price])) for price in (0.5, 1.0, 0.0)]

    assert bounds == pytest.approx([2, 3, 6])
    assert min(bounds) >= 2


def test_a_dual_that_prices_a_missing_side_is_ignored() -> None:
    """-1 would price the lower side of a row that has none; NaN prices nothing."""
    two = program([1, 1], [([1, 2], -np.inf, 3)], upper=[1, 5])

    assert dual_bound(two, np.array([-1.0])) == pytest.approx(6)
    assert dual_bound(two, np.array([np.nan])) == pytest.approx(6)
    assert dual_bound(two, np.array([0.5, 0.5])) == np.inf


def test_a_column_without_a_bound_takes_one_from_its_row() -> None:
    """x >= 0 without end, x + y <= 3: the row says x <= 3, so even a price of 0 proves 3 for x (and 1 for y)."""
    open_ended = program([1, 1], [([1, 1], -np.inf, 3)], upper=[np.inf, 1])

    low, high = implied_bounds(open_ended)

    assert (low[0], high[0]) == pytest.approx((0, 3))
    assert 4 <= dual_bound(open_ended, np.array([0.0])) <= 4.1


def test_a_column_that_nothing_bounds_proves_nothing() -> None:
    """Rather no bound than a wrong one."""
    assert dual_bound(program([1, 1], [([1, -1], -np.inf, 3)]), np.array([0.0])) == np.inf


def load_cost() -> Program:
    """max x - t: hours r = 2x, x <= 1; cost t above the tangents r - 1 and 2r - 3 of a curve; t and r free in sign."""
    free = np.inf
    return program(
        [1, 0, -1],
        [([2, -1, 0], 0, 0), ([0, -1, 1], -1, free), ([0, -2, 1], -3, free)],
        lower=[0, -free, -free],
        upper=[1, free, free],
    )


@pytest.mark.parametrize("noise", [0.0, 1e-16, -1e-16, 1e-12, -1e-12, 1e-9, -1e-9, 1e-7, -1e-7])
def test_rounding_in_the_duals_of_a_load_curve_costs_next_to_nothing(noise: float) -> None:
    """At x = 0: r = 0, t = -1, value 1; at x = 1: r = 2, t = 1, value 0. Free columns keep the bound finite."""
    # Stationary for t: the prices of the tangents sum to -1; for r: -y0 - y1 - 2 y2 = 0, so y0 = 1 with y1 = -1.
    duals = np.array([1.0, -1.0, 0.0]) + noise

    bound = dual_bound(load_cost(), duals)

    assert 1 <= bound <= 1 + 1e-5


@pytest.mark.parametrize("seed", range(30))
def test_an_open_column_is_held_by_a_price_a_little_too_high(seed: int) -> None:
    """min w t with a t >= 1, t open above: a price of w / a is right, more makes t run away, and w / a is rounded."""
    w, a = np.random.default_rng(seed).uniform(0.1, 10, 2)
    open_above = program([-w], [([a], 1, np.inf)])

    bound = dual_bound(open_above, np.array([-w / a * (1 + 1e-9)]))

    assert -w / a <= bound <= -w / a * (1 - 1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_rounding_never_takes_from_the_bound(seed: int) -> None:
    """Against the formula in exact fractions; plain sums of doubles are below it every other time."""
    generator = np.random.default_rng(seed)
    matrix, worth, duals = generator.normal(size=(3, 8)), generator.normal(size=8), generator.normal(size=3)
    exact = sum(abs(Fraction(dual)) for dual in duals)  # each row's side is 1 or -1
    for column in range(8):
        price = sum(Fraction(matrix[row, column]) * Fraction(duals[row]) for row in range(3))
        exact += abs(Fraction(worth[column]) - price)  # each column is between -1 and 1

    bound = dual_bound(program(worth, [(row, -1, 1) for row in matrix], lower=-1, upper=1), duals)

    assert exact <= Fraction(bound) <= exact + Fraction(1, 10**12)


@pytest.mark.parametrize("seed", range(40))
def test_no_duals_prove_less_than_the_optimum(seed: int) -> None:
    """Random duals on random programs around a known feasible point: its value is never above the bound."""
    generator = np.random.default_rng(seed)
    n, m = 6, 4
    matrix = generator.integers(-3, 4, (m, n)).astype(float)
    point = generator.uniform(-2, 2, n)
    left = matrix @ point
    rows = [
        (matrix[i], left[i] - generator.choice([0, 1, np.inf]), left[i] + generator.choice([0, 1, np.inf]))
        for i in range(m)
    ]
    lower = point - generator.choice([0, 1, np.inf], n, p=[0.4, 0.4, 0.2])
    upper = point + generator.choice([0, 1, np.inf], n, p=[0.4, 0.4, 0.2])
    worth = generator.normal(size=n)
    anything = program(worth, rows, lower=lower, upper=upper)

    for _ in range(25):
        duals = generator.normal(size=m) * generator.choice([0, 1e-12, 1, 100], m)
        assert dual_bound(anything, duals) >= worth @ point


def test_the_solvers_own_duals_prove_its_value() -> None:
    """On a pool of real shape the safe bound costs no more than a millionth."""
    with Engine(workers=1) as engine:
        outcome = engine.solve(Job(assignment(5, 60), relax=True))

    assert outcome.value <= outcome.bound <= outcome.value + 1e-6 * abs(outcome.value)
