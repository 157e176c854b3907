"""How a solve ends: statuses, limits at their extremes, signals, odd problems."""

from __future__ import annotations

import importlib
import itertools
import math
import signal
import time

import numpy as np
import pytest
from builders import account, csm, problem, response, rules

from optcomp.decompose.search import Found, Search
from optcomp.engine import Engine, Job, Program
from optcomp.engine.program import verified
from optcomp.engine.task import Task
from optcomp.engine.worker import Worker
from optcomp.errors import SolverError
from optcomp.evaluate import current_solution, evaluate
from optcomp.joint import Answer, JointPath
from optcomp.problem import Problem
from optcomp.run import Run
from optcomp.solution import Solution
from optcomp.solve import Best, Engines, Progress, Settings, Status, solve


def team(count: int = 6, **more: object) -> Problem:
    """Accounts of different worth for two CSMs."""
    accounts = [account(f"A{k}", f"C{1 + k % 2}", arr=50_000.0 + 10_000.0 * k) for k in range(count)]
    return problem(accounts, [csm("C1"), csm("C2", hours=800.0)], **more)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
@pytest.mark.parametrize("limit", [0.0, 0.001])
def test_without_time_todays_books_are_the_answer(method: str, limit: float, engines: Engines) -> None:
    """Row 67: they are evaluated before any clock is asked, and no bound is invented."""
    result = solve(team(), Settings(time_limit_seconds=limit, method=method), engines=engines)

    assert result.status is Status.FEASIBLE
    assert result.evaluation.objective == evaluate(team(), current_solution(team())).objective
    assert result.objective_bound >= result.evaluation.objective


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_without_time_and_books_there_is_no_solution_and_no_claim(method: str, engines: Engines) -> None:
    """ "No solution" is not "infeasible"."""
    tiny = problem([account("A", csm=None), account("B", csm=None)], [csm("C1"), csm("C2")])

    result = solve(tiny, Settings(time_limit_seconds=0.0, method=method), engines=engines)

    assert result.status is Status.NO_SOLUTION
    assert result.solution is None
    assert result.gap_pp == math.inf


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_what_was_solved_before_changes_nothing(method: str, engines: Engines) -> None:
    """Row 84: tests, studies and notebooks solve in any order, in processes that live on."""
    settings, first, second = Settings(method=method), team(7), team(8)

    answers = [solve(where, settings, engines=engines) for where in (first, second, second, first)]

    said = [(answer.solution, answer.evaluation.objective, answer.objective_bound) for answer in answers]
    assert (said[0], said[1]) == (said[3], said[2])


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_an_age_of_time_is_no_overflow(method: str, engines: Engines) -> None:
    """Row 67: 1e9 s are 31 years."""
    assert solve(team(), Settings(time_limit_seconds=1e9, method=method), engines=engines).status is Status.OPTIMAL


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_gap_of_zero_ends(method: str, engines: Engines) -> None:
    """Row 67: it ends by itself, within what the solver's tolerances are worth, and never claims more than it has."""
    result = solve(team(), Settings(gap_pp=0.0, method=method, time_limit_seconds=60.0), engines=engines)

    assert result.seconds < 59.0
    assert result.gap_pp <= 1e-4
    assert result.status is (Status.OPTIMAL if result.gap_pp <= 1e-9 else Status.FEASIBLE)


def test_a_crash_is_told_where_moves_are_limited(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither "infeasible" nor "out of time"."""
    tiny = problem([account("A", csm=None)], [csm("C1")], rules=rules(moves={"state": "hard", "max": 0}))
    monkeypatch.setattr(Search, "run", lambda *_, **__: Found(None, math.inf, has_crashed=True))
    monkeypatch.setattr(JointPath, "everything", lambda *_: Answer(None, None, math.inf))

    assert solve(tiny, Settings(), engines=engines).status is Status.SOLVER_CRASHED


@pytest.mark.parametrize("moves", ["off", "hard"])
def test_a_gap_of_zero_ends_where_a_tangent_is_missed_by_tolerance(moves: str, engines: Engines) -> None:
    """The load of 100 hours of 150 has its tangent soon; the solver misses it by its tolerance whatever is added."""
    alone = problem([account("A")], [csm("C1", hours=150.0)], rules=rules(moves={"state": moves, "max": 0}))

    result = solve(alone, Settings(gap_pp=0.0, time_limit_seconds=60.0), engines=engines)

    assert result.seconds < 59.0
    assert result.gap_pp <= 1e-4


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_infeasible_by_hours_says_so_in_numbers(method: str, engines: Engines) -> None:
    """600 hours for 2 × 100 at a ceiling of 1."""
    people = [csm("C1", hours=100.0), csm("C2", hours=100.0)]
    tiny = problem([account(f"A{k}") for k in range(6)], people, rules=rules(hours={"ceiling": 1.0}))

    result = solve(tiny, Settings(method=method), engines=engines)

    assert result.status is Status.INFEASIBLE
    assert any("600 hours" in reason and "200" in reason for reason in result.reasons)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_infeasible_by_rounding_of_whole_accounts(method: str, engines: Engines) -> None:
    """Three accounts of 100 hours fit 2 × 150 in hours, but not as whole accounts."""
    people = [csm("C1", hours=150.0), csm("C2", hours=150.0)]
    tiny = problem([account(f"A{k}") for k in range(3)], people, rules=rules(hours={"ceiling": 1.0}))

    assert solve(tiny, Settings(method=method), engines=engines).status is Status.INFEASIBLE


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_infeasible_by_budget_and_by_eligibility(method: str, engines: Engines) -> None:
    """Row 71: each with its own reason, the account that nobody may have by its id."""
    poor = solve(team(budget=1000.0, rules=rules(budget={})), Settings(method=method), engines=engines)
    accounts = [account("A", region="EU"), account("B")]
    alone = problem(accounts, [csm("C1", region="US")], rules=rules(eligible_region={}))
    lonely = solve(alone, Settings(method=method), engines=engines)

    assert poor.status is lonely.status is Status.INFEASIBLE
    assert any("budget" in reason for reason in poor.reasons)
    assert any("A" in reason and "eligible_region" in reason for reason in lonely.reasons)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
@pytest.mark.parametrize("count", [0, 1])
def test_no_account_and_one_account_have_trivial_answers(count: int, method: str, engines: Engines) -> None:
    """Row 73: own limits divide by the mean ARR, which is 0 without accounts."""
    accounts = [account("A")] * count
    tiny = problem(accounts, [csm("C1", max_arr=1e6)], rules=rules(own_limits={}))

    result = solve(tiny, Settings(method=method), engines=engines)

    assert result.status is Status.OPTIMAL
    assert result.solution.csm_by_account == {"A": "C1"} if count else result.solution.csm_by_account == {}


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_identical_accounts_are_no_obstacle(method: str, engines: Engines) -> None:
    """Row 73: eight that nothing tells apart, for two CSMs who are the same."""
    tiny = problem([account(f"A{k}") for k in range(8)], [csm("C1"), csm("C2")], rules=rules(hours={"ceiling": 0.5}))

    assert solve(tiny, Settings(method=method), engines=engines).status is Status.OPTIMAL


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_where_nothing_matters_everything_is_right(method: str, engines: Engines) -> None:
    """Row 73: all weights 0. No plan, fit, hand-over or load changes anything, so every solution is optimal."""
    zero = (0.0, 0.0, 0.0)
    dull = response(
        **dict.fromkeys(("renew", "expand", "contract"), zero),
        **{f"{what}_{where}": 0.0 for what in ("load", "fit", "hand") for where in ("renew", "expand")},
    )
    tiny = team(response_model=dull, rules=rules(hours={"ceiling": 0.5}))

    result = solve(tiny, Settings(method=method), engines=engines)

    assert result.status is Status.OPTIMAL
    assert result.evaluation.nrr == pytest.approx(result.current.nrr, abs=1e-12)
    assert result.gap_pp == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_accounts_from_tiny_to_huge_are_solved_and_rechecked(method: str, engines: Engines) -> None:
    """Row 74: ARR from 1 cent to a billion: `solve` raises if program and evaluator differ."""
    accounts = [account(f"A{k}", arr=arr) for k, arr in enumerate((0.01, 1.0, 1e5, 1e9))]
    tiny = problem(accounts, [csm("C1"), csm("C2")], rules=rules(equal_chance={"state": "soft"}))

    assert solve(tiny, Settings(method=method), engines=engines).status is Status.OPTIMAL


def test_a_point_that_is_almost_whole_is_rounded_and_rechecked() -> None:
    """Row 76: 0.9999993 counts as 1, and the rows are checked with 1."""
    program = Program(
        objective=np.ones(1),
        offset=0.0,
        lower=np.zeros(1),
        upper=np.ones(1),
        integer=np.ones(1, dtype=bool),
        row_lower=np.full(1, -np.inf),
        row_upper=np.ones(1),
        starts=np.array([0, 1]),
        columns=np.zeros(1),
        values=np.ones(1),
    )

    assert verified(program, np.array([0.9999993])).tolist() == [1.0]
    program.row_upper[0] = 0.9999  # 0.9999 itself would fit, but it stands for 1
    assert verified(program, np.array([0.9999])) is None


def test_a_nan_after_validation_is_refused_before_the_solver(engines: Engines) -> None:
    """Row 75: HiGHS would call it optimal."""
    program = Program(
        np.ones(1), 0.0, np.zeros(1), np.ones(1), np.zeros(1, bool), np.zeros(0), np.zeros(0), [0], [], []
    )
    program.objective[0] = np.nan

    with pytest.raises(ValueError, match="not finite"):
        engines.main.solve(Job(program))


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_signal_keeps_the_best_solution_and_its_bound(method: str) -> None:
    """Row 64: Ctrl-C at the first word of progress: today's books are there by then."""
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if len(told) == 1:
            signal.raise_signal(signal.SIGINT)

    with Engine(1) as main, Engine(1) as helper:
        result = solve(team(), Settings(method=method, workers=1), stop, engines=Engines(main, helper))

    assert result.signal == signal.SIGINT
    assert result.evaluation is not None
    assert result.objective_bound >= result.evaluation.objective


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_solver_that_always_crashes_leaves_todays_books_and_says_so(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 66: every worker dies at its first job. What was verified before stays, and no bound is made up."""

    def dies(worker: Worker, task: object, *, patience_seconds: float) -> None:
        raise BrokenPipeError

    monkeypatch.setattr(Worker, "send", dies)
    with Engine(1) as main, Engine(1) as helper:
        result = solve(team(), Settings(method=method), engines=Engines(main, helper))

    assert result.status is Status.SOLVER_CRASHED
    assert result.evaluation.objective >= evaluate(team(), current_solution(team())).objective
    assert result.objective_bound > result.evaluation.objective


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_solver_that_crashes_once_is_started_again(
    method: str, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 66: the worker is killed as it starts to compute, twice; the second attempts prove the optimum."""
    usual = solve(team(), Settings(method=method), engines=engines)
    send, kills = Worker.send, []

    def killed(worker: Worker, task: Task, *, patience_seconds: float) -> None:
        send(worker, task, patience_seconds=patience_seconds)
        if not task.plain and len(kills) < 2:
            kills.append(worker)
            worker.kill()

    monkeypatch.setattr(Worker, "send", killed)
    with Engine(1) as main, Engine(1) as helper:
        result = solve(team(), Settings(method=method), engines=Engines(main, helper))

    assert kills
    assert result.status is Status.OPTIMAL
    assert result.evaluation.objective == pytest.approx(usual.evaluation.objective, abs=1e-4)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_clock_that_jumps_changes_nothing(method: str, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 69: the wall clock goes back a day at every look; limits and deadlines count on the other clock."""
    usual = solve(team(), Settings(method=method), engines=engines)
    looks = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 2e9 - 86_400.0 * next(looks))

    result = solve(team(), Settings(method=method), engines=engines)

    assert (result.status, result.solution) == (usual.status, usual.solution)
    assert result.objective_bound == usual.objective_bound
    assert 0.0 < result.seconds < 60.0


def test_a_promise_that_the_evaluator_does_not_confirm_is_an_error() -> None:
    """Neither a broken rule nor a wrong value is ever published."""
    tiny = team(rules=rules(hours={"ceiling": 0.1}))

    with pytest.raises(SolverError, match="breaks hours"):
        Best(tiny, ()).offer(current_solution(tiny), promised=90.0)
    with pytest.raises(SolverError, match="disagree by"):
        Best(team(), ()).offer(current_solution(team()), promised=90.0)


def test_a_bound_below_a_solution_is_an_error() -> None:
    """Never a warning."""
    run = Run(team(), Settings(), lambda progress: None)
    run.best.offer(current_solution(team()))
    run.bound = 1.0

    with pytest.raises(SolverError, match="lies below"):
        run.result(0)


def test_an_account_of_somebody_without_hours_is_a_violation() -> None:
    """Row 71: a joiner who starts after the plan year looks after nobody, hours rule or not."""
    late = csm("C2", status="joining", start=importlib.import_module("datetime").date(2028, 2, 1))
    tiny = problem([account("A")], [csm("C1"), late])
    plan = tiny.plans[0][0].plan_id

    assert evaluate(tiny, Solution({"S": plan}, {"A": "C2"})).violations
    assert not evaluate(tiny, Solution({"S": plan}, {"A": "C1"})).violations


def test_a_bound_is_held_against_the_best_solution_whenever_it_is_told() -> None:
    """A wrong bound ends the solve where it appears, not at the end."""
    run = Run(team(), Settings(), lambda progress: None)
    run.best.offer(current_solution(team()))

    with pytest.raises(SolverError, match="lies below"):
        run._on_bound(1.0)
