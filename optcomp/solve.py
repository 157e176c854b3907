"""Solve a problem: choose a path, keep the best verified solution and its proved bound, whatever happens on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np

from optcomp.average import with_draws
from optcomp.cautious import Caution, cautious
from optcomp.decompose.certificate import Certificate, certify
from optcomp.decompose.frontier import MoveFrontier
from optcomp.decompose.master import Pick
from optcomp.decompose.pools import why_joint
from optcomp.decompose.search import Found, Search, Target, plans_of_all
from optcomp.decompose.verify import without_moves
from optcomp.engine import Engine, Executor, interruptible
from optcomp.errors import Finding, InputError, SolverError
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.formulation.scope import POINTS, has_priced_moves
from optcomp.hooks import Hook, hook_violations
from optcomp.infeasible import why_nothing_fits
from optcomp.joint import Answer, JointPath
from optcomp.pay_first import plans_at_books
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import IntArray

if TYPE_CHECKING:
    from optcomp.studies.guardrails import Price

A_BUG = "This is a bug in optcomp; please report it."
TOGETHER = "pay and books together"
# Points by which the exact value of a solution and the program's may differ: sums of floats, the solver's row
# tolerance (conventions 5.3).
AGREEMENT = 1e-4


class Status(StrEnum):
    """How a solve ended, in the words of the summary."""

    OPTIMAL = "optimal"  # within the gap that was asked for
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no_solution"
    SOLVER_CRASHED = "solver_crashed"


@dataclass(frozen=True, slots=True)
class Settings:
    """How to solve.

    time_limit_seconds : for the whole solve
    gap_pp : percentage points of NRR within which a solution counts as optimal
    seed : for the solver; workers : solver processes at a time
    method : `auto` proves by pools where books do not couple, else by the joint program
    draws : of the response that the value is averaged over; None: the usual number where the menu has no grid
    risk : `cvar` blends the mean gain with that of the worst fifth of cases
    """

    time_limit_seconds: float = 600.0
    gap_pp: float = 0.01
    seed: int = 0
    workers: int = 2
    method: str = "auto"
    hooks: tuple[Hook, ...] = ()
    draws: int | None = None
    risk: Literal["mean", "cvar"] = "mean"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a solve stands; ratios (1.02 = 102 %), None where unknown."""

    phase: str
    objective: float | None
    bound: float | None
    seconds: float

    @property
    def gap_pp(self) -> float | None:
        """Percentage points between bound and objective."""
        if self.objective is None or self.bound is None:
            return None
        return max(POINTS * (self.bound - self.objective), 0.0)


@dataclass(frozen=True, slots=True)
class Result:
    """A solution and how it was found.

    current : today's plans and books, evaluated; `current_is_counterfactual` when leavers were counted as staying
    objective_bound : no plans and books within the rules are worth more (ratio; inf: nothing proved)
    caution : with `Settings.risk` cvar the blended value and its bound; `objective_bound` stays that of the mean
    pay_first, books_first : what deciding the one and then the other gives, None where that found nothing
    certificate : what the bound rests on, None where it comes from the joint program or there is none
    """

    problem: Problem
    status: Status
    solution: Solution | None
    evaluation: Evaluation | None
    current: Evaluation
    current_is_counterfactual: bool
    objective_bound: float
    seconds: float
    method: str
    why_joint: str
    pay_first: Evaluation | None = None
    books_first: Evaluation | None = None
    signal: int = 0
    reasons: tuple[str, ...] = ()
    caution: Caution | None = None
    guardrails: tuple[Price, ...] = ()
    certificate: Certificate | None = None

    @property
    def gap_pp(self) -> float:
        """Percentage points of NRR between the proved bound and the solution."""
        if self.evaluation is None:
            return math.inf
        return max(POINTS * (self.objective_bound - self.evaluation.objective), 0.0)


class Keeper(Protocol):
    """Who keeps the best solution of a running solve, and may bring one from an earlier run.

    start : a solution to begin with, which counts once `evaluate` has judged it; None for none
    """

    start: Solution | None

    def keep(self, solution: Solution, objective: float) -> None:
        """Take a verified solution that is better than all before, today's apart; `objective` is a ratio."""


@dataclass
class Best:
    """The best verified solution so far; every candidate is judged by `evaluate` before it counts."""

    problem: Problem
    hooks: Sequence[Hook]
    solution: Solution | None = None
    evaluation: Evaluation | None = None
    on_better: Callable[[Solution, float], None] = lambda solution, objective: None

    def offer(self, solution: Solution, promised: float | None = None) -> Evaluation | None:
        """Take a solution if it holds up and is better; its evaluation, or None where it breaks a hard rule.

        promised : the program's own value in points; a difference from `evaluate` is a bug, not a result
        """
        result = evaluate(self.problem, solution)
        if result.violations or hook_violations(self.hooks, self.problem, solution):
            if promised is not None:
                broken = ", ".join(sorted({b.rule_id for b in result.violations})) or "a constraint of your own"
                raise SolverError(f"The program and the evaluator disagree: a solution breaks {broken}. {A_BUG}")
            return None
        if promised is not None and abs(promised - POINTS * result.objective) > AGREEMENT:
            distance = promised - POINTS * result.objective
            raise SolverError(f"The program and the evaluator disagree by {distance:.6f} points of NRR. {A_BUG}")
        if self.evaluation is None or result.objective > self.evaluation.objective:
            self.solution, self.evaluation = solution, result
            self.on_better(solution, result.objective)
        return result


OnProgress = Callable[[Progress], None]


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
) -> Result:
    """The best plans and books, with a proved bound.

    Ctrl-C, SIGTERM, the time limit and a crash of the solver keep the best solution found and its bound.

    engines : the caller's own, left open; None means engines of `settings.workers` and one process for this solve
    keeper : gets every improvement while the solve runs, and may know a solution to begin with; not with `risk` cvar

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
    run = _Run(problem, settings, on_progress or (lambda progress: None), keeper)
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        interruption = stack.enter_context(interruptible(engines.main))
        run.solve(engines.main, engines.helper, is_interrupted=lambda: interruption.received is not None)
        return run.result(interruption.received or 0)


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
    problem: Problem, settings: Settings, on_progress: OnProgress | None, engines: Engines | None
) -> Result:
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        ready = engines

        def solve_with(weighted: Problem, seconds: float) -> Result:
            plain = replace(settings, risk="mean", time_limit_seconds=seconds)
            return solve(weighted, plain, on_progress, engines=ready)

        seconds = settings.time_limit_seconds
        result = cautious(problem, solve_with, seconds=seconds, gap_pp=settings.gap_pp)
    if result.caution is None or result.status is Status.SOLVER_CRASHED:
        return result
    is_closed = result.caution.gap_pp <= settings.gap_pp + 1e-9
    return replace(result, status=Status.OPTIMAL if is_closed else Status.FEASIBLE)


@dataclass
class _Run:
    problem: Problem
    settings: Settings
    on_progress: OnProgress
    keeper: Keeper | None = None
    bound: float = math.inf
    phase: str = "today's plans and books"
    has_crashed: bool = False
    pay_first: Evaluation | None = None
    books_first: Evaluation | None = None
    certificate: Certificate | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.best = Best(self.problem, self.settings.hooks)
        self.why_joint = "constraints of your own couple everything" if self.settings.hooks else why_joint(self.problem)
        self.method = self.settings.method
        if self.method == "auto":
            self.method = "joint" if self.why_joint else "decomposed"

    def solve(self, engine: Executor, helper: Executor, *, is_interrupted: Callable[[], bool]) -> None:
        """Try today's solution, then the two one-after-the-other ways, then both together."""
        deadline = self.started + self.settings.time_limit_seconds
        target = Target(
            gap=self.settings.gap_pp,
            deadline=deadline,
            seed=self.settings.seed,
            is_over=lambda: is_interrupted() or time.monotonic() >= deadline,
        )
        if (self.problem.accounts.csm >= 0).all():
            self.best.offer(current_solution(self.problem))
        start = self._start()
        self._report()
        if self.method == "decomposed" and self._limits_moves:
            self._solve_within_moves(engine, helper, target)
        elif self.method == "decomposed":
            self._solve_decomposed(Search(self.problem, engine, helper, target, self._on_found), start)
        else:
            self._solve_joint(JointPath(self.problem, engine, target, self.settings.hooks, self._on_bound), helper)

    def _start(self) -> Solution | None:
        """The solution that the keeper brings, if it holds; from here on the keeper gets what is better."""
        if self.keeper is None:
            return None
        self.best.on_better = self.keeper.keep
        start = self.keeper.start
        return start if start is not None and self.best.offer(start) is not None else None

    # ---- by pools ---------------------------------------------------------------------------------------------

    def _solve_decomposed(self, search: Search, start: Solution | None) -> None:
        if start is not None:
            search.suggest(start)
        if self._has_choice:
            self.phase = "books first, then pay"
            found = search.run([np.array([0]) for _ in self.problem.segments], money=False)
            if found.best is not None:
                self.books_first = self._offer(search, search.plans_for_books(found.best))
            self.phase = "pay first, then books"
            plans = plans_at_books(self.problem, search.helper)
            if plans is not None:
                self.pay_first = self._offer(search, search.run([np.array([p]) for p in plans]).best)
        self.phase = TOGETHER
        if start is not None and self.best.evaluation is not None:
            search.floor = POINTS * self.best.evaluation.objective
        found = search.run(plans_of_all(self.problem))
        self.has_crashed = found.has_crashed
        self.bound = min(self.bound, found.bound)  # -inf where nothing fits, which no progress has told
        self.certificate = certify(search, self.bound)

    @property
    def _limits_moves(self) -> bool:
        """Moves are limited, or free up to a number, which couples the pools."""
        rule = self.problem.rules["moves"]
        return rule.is_on and not has_priced_moves(self.problem)

    def _solve_within_moves(self, engine: Executor, helper: Executor, target: Target) -> None:
        rule = self.problem.rules["moves"]
        free = without_moves(self.problem)
        frontier = MoveFrontier(free, engine, helper, target, lambda search, found: self._report())
        most = rule.price * POINTS / self.problem.arr_scale if rule.is_soft else math.inf

        def take(plans: Sequence[IntArray]) -> tuple[Evaluation | None, float]:
            answer = frontier.within(rule["max"], plans, most=most)
            if answer.choice is None:
                return None, answer.bound
            return self.best.offer(frontier.solution(answer.choice), answer.value), answer.bound

        if self._has_choice:
            self.phase = "books first, then pay"
            self.books_first, _ = take([np.array([0]) for _ in self.problem.segments])
            self.phase = "pay first, then books"
            plans = plans_at_books(self.problem, helper)
            if plans is not None:
                self.pay_first, _ = take([np.array([p]) for p in plans])
        self.phase = TOGETHER
        _, self.bound = take(plans_of_all(self.problem))
        self.certificate = frontier.certificate(rule["max"], plans_of_all(self.problem), most=most)
        self._report()
        if self._is_open and not target.is_over():
            # Prices reach the limits between which each further move brings less; elsewhere something may be left.
            self.certificate = None
            self.method, self.why_joint = "joint", "prices on moves leave a gap at this limit on moves"
            path = JointPath(self.problem, engine, target, self.settings.hooks, self._on_bound)
            answer = path.everything(self.best.solution)
            self._take(answer)
            self._on_bound(answer.bound)

    @property
    def _has_choice(self) -> bool:
        """Some segment can be paid by more than one plan, so that pay and books can be decided one after the other."""
        return any(len(plans) > 1 for plans in self.problem.plans)

    @property
    def _is_open(self) -> bool:
        """The gap is not closed, and nothing proves that there is no solution."""
        if self.best.evaluation is None:
            return self.bound > -math.inf
        return self.bound - POINTS * self.best.evaluation.objective > self.settings.gap_pp

    def _offer(self, search: Search, pick: Pick | None) -> Evaluation | None:
        return None if pick is None else self.best.offer(search.solution(pick), pick.value)

    def _on_found(self, search: Search, found: Found) -> None:
        if self.phase == TOGETHER:
            self._offer(search, found.best)
            self.bound = min(self.bound, found.bound)
        self._report()

    # ---- the joint program ------------------------------------------------------------------------------------

    def _solve_joint(self, path: JointPath, helper: Executor) -> None:
        if self._has_choice:
            self.phase = "books first, then pay"
            books = path.books_under([0] * len(self.problem.segments)).solution
            if books is not None:
                self.books_first = self._take(path.plans_for(books))
            self.phase = "pay first, then books"
            plans = plans_at_books(self.problem, helper)
            if plans is not None:
                self.pay_first = self._take(path.books_under(plans))
        self.phase = TOGETHER
        answer = path.everything(self.best.solution)
        self._take(answer)
        self._on_bound(answer.bound)
        self.has_crashed = answer.has_crashed

    def _take(self, answer: Answer) -> Evaluation | None:
        taken = None if answer.solution is None else self.best.offer(answer.solution, answer.value)
        self._report()
        return taken

    def _on_bound(self, bound: float) -> None:
        self.bound = min(self.bound, bound)
        self._report()

    # ---- answers ----------------------------------------------------------------------------------------------

    def _report(self) -> None:
        objective = self.best.evaluation.objective if self.best.evaluation else None
        proved = self._checked_bound()  # at every report, so that a wrong bound ends the solve where it appears
        bound = proved / POINTS if math.isfinite(proved) else None
        self.on_progress(Progress(self.phase, objective, bound, time.monotonic() - self.started))

    def result(self, signal: int) -> Result:
        """What is known when the solve ends."""
        staying = self.problem.as_if_nobody_leaves() if self.problem.has_leavers_with_books else self.problem
        evaluation = self.best.evaluation
        return Result(
            problem=self.problem,
            status=self._status(),
            solution=self.best.solution,
            evaluation=evaluation,
            current=evaluate(staying, current_solution(staying)),
            current_is_counterfactual=self.problem.has_leavers_with_books,
            objective_bound=self._checked_bound() / POINTS,
            seconds=time.monotonic() - self.started,
            method=self.method,
            why_joint=self.why_joint,
            pay_first=self.pay_first if self._has_choice else evaluation,
            books_first=self.books_first if self._has_choice else evaluation,
            signal=signal,
            reasons=() if evaluation is not None else why_nothing_fits(self.problem),
            certificate=self.certificate,
        )

    def _checked_bound(self) -> float:
        """The bound in points; a bound below a solution that holds up is a bug, never a warning."""
        if self.best.evaluation is None:
            return self.bound
        value = POINTS * self.best.evaluation.objective
        if self.bound < value - AGREEMENT:
            raise SolverError(
                f"The proved bound {self.bound:.6f} lies below a solution of {value:.6f} points of NRR. {A_BUG}"
            )
        return max(self.bound, value)

    def _status(self) -> Status:
        if self.best.evaluation is None:
            if self.bound == -math.inf:
                return Status.INFEASIBLE
            return Status.SOLVER_CRASHED if self.has_crashed else Status.NO_SOLUTION
        if self._checked_bound() - POINTS * self.best.evaluation.objective <= self.settings.gap_pp + 1e-9:
            return Status.OPTIMAL
        return Status.SOLVER_CRASHED if self.has_crashed else Status.FEASIBLE
