"""Solve a problem: choose a path, keep the best verified solution and its proved bound, whatever happens on the way."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from optcomp.average import with_draws
from optcomp.best import AGREEMENT, Best
from optcomp.cautious import cautious
from optcomp.decompose.memory import Memory
from optcomp.engine import Engine, Executor, interruptible
from optcomp.errors import Finding, InputError
from optcomp.evaluate import current_solution
from optcomp.problem import Problem
from optcomp.result import Keeper, OnProgress, Progress, Result, Settings, Status
from optcomp.run import Run
from optcomp.uncertain import uncertainty

# What callers know from here; each has a file of its own.
__all__ = ["AGREEMENT", "Best", "Engines", "Keeper", "OnProgress", "Progress", "Result", "Settings", "Status", "solve"]


@dataclass(frozen=True, slots=True)
class Engines:
    """Live engines for many solves in a row, which need not start workers again (about a second each time).

    main : solves pools and joint programs, and stops when it is interrupted; after that it is of no more use
    helper : solves the small programs that must go on
    """

    main: Executor
    helper: Executor


def solve(
    problem: Problem,
    settings: Settings | None = None,
    on_progress: OnProgress | None = None,
    *,
    engines: Engines | None = None,
    keeper: Keeper | None = None,
    memory: Memory | None = None,
) -> Result:
    """The best plans and books, with a proved bound.

    Ctrl-C, SIGTERM, the time limit and a crash of the solver keep the best solution found and its bound.

    engines : the caller's own, left open; None means engines of `settings.workers` and one process for this solve
    keeper : gets every improvement while the solve runs, and may know a solution to begin with; not with `risk` cvar;
        with `likely` it keeps what is best on average
    memory : shared by solves that differ in the rule on moves alone, each of which learns from those before

    Raises
    ------
    SolverError
        When the solver contradicts the evaluator, which would be a bug.
    """
    settings = settings or Settings()
    _refuse_hooks_on_a_grid(problem, settings)
    problem = problem if problem.weights else with_draws(problem, settings.draws)
    if settings.risk == "cvar":
        return _solve_cautiously(problem, settings, on_progress, engines)
    run = Run(problem, settings, on_progress or (lambda progress: None), keeper, memory)
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        interruption = stack.enter_context(interruptible(engines.main))
        run.solve(engines.main, engines.helper, is_interrupted=lambda: interruption.received is not None)
        result = run.result(interruption.received or 0)
        if settings.risk == "likely" and _is_doubtful(result, settings):
            return _solve_cautiously(problem, settings, on_progress, engines, first=result)
        return result


def _is_doubtful(result: Result, settings: Settings) -> bool:
    """The best on average is not likely better than today, and there is time to look for one that is."""
    if result.solution is None or result.signal or result.seconds >= settings.time_limit_seconds:
        return False
    # Without weights the draws were not asked for.
    known = uncertainty(result.problem, result.solution) if result.problem.weights else None
    return known is not None and not known.is_likely and result.solution != current_solution(result.problem)


def _refuse_hooks_on_a_grid(problem: Problem, settings: Settings) -> None:
    menus = [problem.instance.menu, *(s.menu for s in problem.segments if s.menu)]
    if settings.hooks and any(menu.grid for menu in menus):
        raise InputError(
            Finding(
                "hook-and-grid",
                "A constraint of your own cannot be used with a weight grid",
                "A menu of named mixes",
                "Plans of a grid are left out by what the rules read, and nobody knows what your constraint reads",
                file="instance.toml",
                column="menu.grid",
            )
        )


def _solve_cautiously(
    problem: Problem,
    settings: Settings,
    on_progress: OnProgress | None,
    engines: Engines | None,
    first: Result | None = None,
) -> Result:
    """The best blend of mean and worst cases; `first` is the best on average where it is known already."""
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        ready = engines

        def solve_with(weighted: Problem, seconds: float) -> Result:
            if first is not None and weighted is problem:
                return first
            plain = replace(settings, risk="mean", time_limit_seconds=seconds)
            return solve(weighted, plain, on_progress, engines=ready)

        spent = first.seconds if first else 0.0
        seconds = settings.time_limit_seconds - spent
        result = cautious(problem, solve_with, seconds=seconds, gap_pp=settings.gap_pp, hooks=settings.hooks)
        result = replace(result, seconds=result.seconds + spent)
    if result.caution is None or result.status is Status.SOLVER_CRASHED:
        return result
    is_closed = result.caution.gap_pp <= settings.gap_pp + 1e-9
    return replace(result, status=Status.OPTIMAL if is_closed else Status.FEASIBLE)
