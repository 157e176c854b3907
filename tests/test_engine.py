"""The engine: what HiGHS is asked, and what comes back when all goes well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from programs import assignment, knapsack, program

from optcomp.engine import Ending, Engine, Job, Limits
from optcomp.engine.program import activity, value_at
from optcomp.errors import SolverError


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine(workers=1) as engine:
        yield engine


@pytest.fixture
def fresh() -> Iterator[Engine]:
    """An engine that has not started a process yet."""
    with Engine(workers=2) as engine:
        yield engine


def test_a_small_program_is_solved_to_its_optimum(engine: Engine) -> None:
    """Value 7 (see the builder) and the offset of 10; HiGHS never sees the offset."""
    outcome = engine.solve(Job(knapsack(offset=10.0)))

    assert outcome.ending is Ending.OPTIMAL
    assert outcome.point.tolist() == [0, 1, 1]
    assert outcome.value == outcome.bound == 17
    assert outcome.row_duals is None


def test_the_model_that_highs_1_14_gets_wrong_is_right(engine: Engine) -> None:
    """min 2x + 3z with x + z >= 4.5 and z integer is 9 (x = 4.5); HiGHS 1.14.0 says 15 (ERGO-Code/HiGHS#2961)."""
    wrong = program([-2, -3], [([1, 1], 4.5, np.inf)], integer=[False, True])

    assert engine.solve(Job(wrong)).value == -9


def test_a_relaxation_has_duals_and_a_bound(engine: Engine) -> None:
    """max x + y with x + 2y <= 3, x <= 1: x = 1, y = 1, value 2; the row is worth 1/2 a unit."""
    outcome = engine.solve(Job(program([1, 1], [([1, 2], -np.inf, 3)], upper=[1, 5], integer=True), relax=True))

    assert outcome.ending is Ending.OPTIMAL
    assert outcome.row_duals == pytest.approx([0.5])
    assert outcome.value == pytest.approx(2)
    assert outcome.bound == pytest.approx(2)


def test_a_relaxation_leaves_integers_fractional(engine: Engine) -> None:
    """Three kilos hold one thing of two kilos, or one and a half."""
    half = program([1, 1], [([2, 2], -np.inf, 3)], upper=1, integer=True)

    assert engine.solve(Job(half)).value == 1
    assert engine.solve(Job(half, relax=True)).value == pytest.approx(1.5)


def test_a_program_without_integers_has_duals_too(engine: Engine) -> None:
    """Prices are asked of the master and of load models, relaxed or not."""
    outcome = engine.solve(Job(program([1, 1], [([1, 2], -np.inf, 3)], upper=[1, 5])))

    assert outcome.row_duals == pytest.approx([0.5])


def test_a_value_of_a_million_is_still_solved_to_the_last_unit(engine: Engine) -> None:
    """HiGHS's default relative gap of 1e-4 is 100 units here, more than anything there is to gain."""
    pairs = assignment(5, 20)
    rows = np.array([*pairs.starts, pairs.starts[-1]])
    million = replace(
        pairs,
        objective=np.append(pairs.objective, 1e6),
        lower=np.append(pairs.lower, 0.0),
        upper=np.append(pairs.upper, 1.0),
        integer=np.append(pairs.integer, True),
        row_lower=np.append(pairs.row_lower, -1.0),
        row_upper=np.append(pairs.row_upper, 1.0),
        starts=np.append(rows[:-1], rows[-1] + 2),
        columns=np.append(pairs.columns, [0, pairs.num_columns]),
        values=np.append(pairs.values, [-1.0, 1.0]),
    )

    outcome = engine.solve(Job(million))

    assert outcome.ending is Ending.OPTIMAL
    assert outcome.bound - outcome.value <= 1e-6 * outcome.value
    assert outcome.value == 1e6 + engine.solve(Job(pairs)).value


def test_a_larger_gap_ends_sooner(engine: Engine) -> None:
    """The gap is absolute, in units of the objective, and the bound says how much of it was used."""
    hard = assignment(5, 60)

    outcome = engine.solve(Job(hard, Limits(gap_absolute=200.0)))

    assert outcome.ending is Ending.OPTIMAL
    assert 0 < outcome.bound - outcome.value <= 200


def test_infeasible_and_unbounded_are_answers(engine: Engine) -> None:
    """Both are proofs; an infeasible program has no point worth more than nothing at all."""
    infeasible = engine.solve(Job(program([1, 1], [([1, 1], 3, np.inf)], upper=1, integer=True)))
    unbounded = engine.solve(Job(program([1, 1], [([1, -1], -1, 1)])))

    assert (infeasible.ending, infeasible.point, infeasible.bound) == (Ending.INFEASIBLE, None, -np.inf)
    assert (unbounded.ending, unbounded.bound) == (Ending.UNBOUNDED, np.inf)


def test_a_node_limit_leaves_a_point_and_a_bound(engine: Engine) -> None:
    """It is the limit for runs that must repeat exactly."""
    hard = assignment(8, 60)

    outcome = engine.solve(Job(hard, Limits(max_nodes=1)))

    assert outcome.ending is Ending.NODE_LIMIT
    assert outcome.value < outcome.bound
    assert outcome.nodes >= 1


def test_the_point_holds_and_is_worth_what_it_says(engine: Engine) -> None:
    """Recomputed here from the arrays."""
    hard = assignment(5, 30)

    outcome = engine.solve(Job(hard, Limits(max_nodes=20)))

    assert set(outcome.point.tolist()) <= {0.0, 1.0}
    assert np.all(activity(hard, outcome.point) <= hard.row_upper)
    assert value_at(hard, outcome.point) == outcome.value <= outcome.bound


def test_the_same_job_gets_the_same_answer(engine: Engine, fresh: Engine) -> None:
    """Also in another process, and after other jobs in the same one."""
    job = Job(assignment(8, 60), Limits(max_nodes=5, seed=3))

    first, again = engine.solve(job), engine.solve(job)
    elsewhere = fresh.solve(job)

    for other in (again, elsewhere):
        assert (other.ending, other.value, other.bound, other.nodes) == (
            first.ending,
            first.value,
            first.bound,
            first.nodes,
        )
        assert np.array_equal(other.point, first.point)


def test_one_process_solves_many_jobs(engine: Engine) -> None:
    """Starting costs as much as a small solve; HiGHS fails the second time if its number of threads changes."""
    engine.solve(Job(knapsack()))
    before = engine.process_ids

    values = [engine.solve(Job(knapsack(offset=float(k)))).value for k in range(3)]

    assert values == [7, 8, 9]
    assert engine.process_ids == before
    assert len(before) == 1


def test_answers_come_in_the_order_of_the_jobs(fresh: Engine) -> None:
    """The first job takes longest and ends last."""
    jobs = [Job(assignment(5, 30), Limits(max_nodes=50))] + [Job(knapsack(offset=float(k))) for k in range(6)]

    outcomes = fresh.solve_many(jobs)

    assert [outcome.value for outcome in outcomes[1:]] == [7, 8, 9, 10, 11, 12]
    assert len(fresh.process_ids) == 2


def test_progress_rises_and_falls_and_names_its_job(engine: Engine) -> None:
    """Every step is a better value or a better bound than the last."""
    steps = []

    outcome = engine.solve(Job(assignment(5, 40), Limits(max_nodes=20), key=("pool", 1)), on_progress=steps.append)

    values = [step.incumbent for step in steps if step.incumbent is not None]
    bounds = [step.bound for step in steps]
    assert {step.key for step in steps} == {("pool", 1)}
    assert values == sorted(values)
    assert bounds == sorted(bounds, reverse=True)
    assert values[-1] == outcome.value


def test_a_good_start_is_kept(engine: Engine) -> None:
    """With no time to look for a better one, it is the answer."""
    hard = assignment(5, 30)
    good = engine.solve(Job(hard, Limits(max_nodes=20)))

    outcome = engine.solve(Job(hard, Limits(time_limit_seconds=0), start=good.point))

    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.value == good.value


@pytest.mark.parametrize("start", [[1, 1, 1], [-5, 9, 0.5], [np.nan, np.nan, 1], [np.nan] * 3, [np.inf, 0, 0]])
def test_a_start_that_is_infeasible_or_partial_does_no_harm(engine: Engine, start: list[float]) -> None:
    """Today's books may break tomorrow's rules."""
    outcome = engine.solve(Job(knapsack(), start=np.array(start)))

    assert (outcome.ending, outcome.value) == (Ending.OPTIMAL, 7)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 1e9, np.inf])
def test_any_time_limit_is_good_for_an_answer(fresh: Engine, seconds: float) -> None:
    """Row 67: no time is no reason to fail: the bound is then that of the columns alone, 5 + 4 + 3."""
    outcome = fresh.solve(Job(knapsack(), Limits(seconds)))

    assert bool(fresh.process_ids) == (seconds > 0)
    if seconds < 1:
        assert outcome.ending in (Ending.TIME_LIMIT, Ending.OPTIMAL)
        assert 7 <= outcome.bound <= 12
    else:
        assert (outcome.ending, outcome.value) == (Ending.OPTIMAL, 7)


def test_a_time_limit_ends_a_hard_solve_with_its_best(engine: Engine) -> None:
    """Without the limit it would outlast the test's own clock."""
    outcome = engine.solve(Job(assignment(10, 100), Limits(2.0)))

    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.value < outcome.bound < 0


def test_a_deadline_counts_beside_the_time_limit(engine: Engine) -> None:
    """A command has one clock for all its solves."""
    hard = Job(assignment(10, 100), Limits(1e9))

    assert engine.solve(hard, deadline=time.monotonic() - 1).ending is Ending.TIME_LIMIT
    assert engine.solve(hard, deadline=time.monotonic() + 1).ending is Ending.TIME_LIMIT


def test_no_columns_need_no_solver(fresh: Engine) -> None:
    """0 lies between the sides of a row or it does not."""
    fits, fails = program([], [([], -1, 0)], offset=3.0), program([], [([], 1, 2)])

    good, bad = fresh.solve_many([Job(fits), Job(fails)])

    assert (good.ending, good.value, good.bound, good.point.tolist()) == (Ending.OPTIMAL, 3, 3, [])
    assert (bad.ending, bad.value, bad.bound) == (Ending.INFEASIBLE, None, -np.inf)
    assert fresh.process_ids == []


def test_no_rows_need_no_solver(fresh: Engine) -> None:
    """Each column takes its better bound; whole columns stay whole; a column worth nothing stays near 0."""
    corner = program([1, -1, 2, 0], lower=[0, -3, 0, 1], upper=[4, 5, 2.5, 9], integer=[0, 0, 1, 0])
    endless = program([1, 0], upper=[np.inf, 1])

    good, bad = fresh.solve_many([Job(corner), Job(endless)])

    assert (good.ending, good.point.tolist(), good.value) == (Ending.OPTIMAL, [4, -3, 2, 1], 11)
    assert (bad.ending, bad.bound) == (Ending.UNBOUNDED, np.inf)
    assert fresh.solve(Job(corner, relax=True)).value == 12
    assert fresh.process_ids == []


@pytest.mark.parametrize(
    "crossed",
    [
        program([1], [([1], 2, 1)]),
        program([1], [([1], 0, 9)], lower=3, upper=2),
        program([1], [([1], 0, 9)], lower=0.2, upper=0.8, integer=True),
    ],
)
def test_bounds_that_cross_are_infeasible_without_a_solver(fresh: Engine, crossed) -> None:
    """HiGHS would refuse some of them as an error in the model."""
    assert fresh.solve(Job(crossed)).ending is Ending.INFEASIBLE
    assert fresh.process_ids == []


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e15])
@pytest.mark.parametrize("field", ["objective", "values", "offset"])
def test_a_coefficient_that_is_no_number_is_refused(field: str, poison: float) -> None:
    """Row 75: HiGHS calls a program with NaN in its objective optimal."""
    good = knapsack()
    bad = poison if field == "offset" else np.append(getattr(good, field)[:-1], poison)

    with pytest.raises(ValueError, match=field):
        replace(good, **{field: bad})


def test_a_coefficient_that_is_spoilt_later_is_refused_before_the_solver(fresh: Engine) -> None:
    """Row 75: arrays can be written to after the check at birth."""
    spoilt = knapsack()
    spoilt.objective[0] = np.nan

    with pytest.raises(ValueError, match="objective"):
        fresh.solve(Job(spoilt))
    assert fresh.process_ids == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lower": np.array([np.nan, 0, 0])}, "not a number"),
        ({"lower": np.array([np.inf, 0, 0])}, "wrong side"),
        ({"row_upper": np.array([-np.inf])}, "wrong side"),
        ({"upper": np.ones(2)}, "shape"),
        ({"columns": np.array([0, 1, 3])}, "column that does not exist"),
        ({"starts": np.array([0, 2])}, "starts"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change: dict[str, np.ndarray], message: str) -> None:
    """A mistake of the caller, named by its field."""
    with pytest.raises(ValueError, match=message):
        replace(knapsack(), **change)


@pytest.mark.parametrize(
    "change",
    [
        {"time_limit_seconds": -1},
        {"time_limit_seconds": np.nan},
        {"gap_absolute": -1},
        {"gap_absolute": np.inf},
        {"max_nodes": -1},
        {"max_nodes": 2**31},
        {"seed": -1},
        {"seed": 2**31},
    ],
)
def test_limits_out_of_range_are_refused(change: dict[str, float]) -> None:
    """HiGHS would ignore some of them and keep its default."""
    with pytest.raises(ValueError, match=next(iter(change))):
        Limits(**change)


def test_a_start_of_the_wrong_length_is_refused() -> None:
    """It belongs to another program."""
    with pytest.raises(ValueError, match=r"Job\.start"):
        Job(knapsack(), start=np.zeros(2))
    with pytest.raises(ValueError, match="workers"):
        Engine(workers=0)


def test_a_tiny_coefficient_counts(engine: Engine) -> None:
    """Row 74: HiGHS drops entries below 1e-9 by default: the row would be gone and x free to reach 1e10, not 1e9."""
    tiny = program([1], [([5e-10], -np.inf, 0.5)], upper=1e10)

    assert engine.solve(Job(tiny)).value == pytest.approx(1e9)


def test_two_entries_for_one_column_are_not_guessed_at(engine: Engine) -> None:
    """HiGHS refuses such a row; the message says what to look for."""
    doubled = replace(knapsack(), columns=np.array([0, 0, 2]))

    with pytest.raises(SolverError, match="twice"):
        engine.solve(Job(doubled))
    assert engine.solve(Job(knapsack())).value == 7
