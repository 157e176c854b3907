"""One solve from beginning to end: along pools, within a limit on moves, or by the joint program."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.best import Best, checked
from optcomp.certificates import AnyCertificate
from optcomp.decompose.certificate import certify
from optcomp.decompose.frontier import MoveFrontier
from optcomp.decompose.master import Pick
from optcomp.decompose.memory import Memory
from optcomp.decompose.pools import why_joint
from optcomp.decompose.search import STEPS, Found, Search, Target, plans_of_all
from optcomp.decompose.verify import without_moves
from optcomp.engine import Executor
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.formulation.scope import POINTS, has_priced_moves
from optcomp.infeasible import why_nothing_fits
from optcomp.joint import Answer, JointPath
from optcomp.pay_first import plans_at_books
from optcomp.problem import Problem
from optcomp.result import Keeper, OnProgress, Progress, Result, Settings, Status
from optcomp.solution import Solution
from optcomp.types import IntArray

TOGETHER = "pay and books"


@dataclass
class Run:
    """What is known while a problem is solved: the best solution, the bound in points, and what it rests on.

    memory : what solves of the same problem with other limits on moves, or prices of them, have taught
    """

    problem: Problem
    settings: Settings
    on_progress: OnProgress
    keeper: Keeper | None = None
    memory: Memory | None = None
    bound: float = math.inf
    phase: str = "today's plans and books"
    has_crashed: bool = False
    pay_first: Evaluation | None = None
    books_first: Evaluation | None = None
    certificate: AnyCertificate | None = None
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
        if self.method == "decomposed" and (self._limits_moves or self.memory is not None):
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
            self._decide_in_turn(search, STEPS[0])
        self.phase = TOGETHER
        if start is not None and self.best.evaluation is not None:
            search.floor = POINTS * self.best.evaluation.objective
        found = search.run(plans_of_all(self.problem))
        self.has_crashed = found.has_crashed
        self.bound = min(self.bound, found.bound)  # -inf where nothing fits, which no progress has told
        self.certificate = certify(search, self.bound)
        if self._has_choice and self.settings.gap_pp < STEPS[0] and not search.target.is_over():
            self._decide_in_turn(search, self.settings.gap_pp)

    def _decide_in_turn(self, search: Search, gap: float) -> None:
        """Books first and then pay, and pay first and then books, each to a gap in points."""
        self.phase = "books first, then pay"
        found = search.run([np.array([0]) for _ in self.problem.segments], money=False, gap=gap)
        if found.best is not None:
            self.books_first = self._offer(search, search.plans_for_books(found.best), books=found.best)
        self.phase = "pay first, then books"
        plans = plans_at_books(self.problem, search.helper)
        if plans is not None:
            self.pay_first = self._offer(search, search.run([np.array([p]) for p in plans], gap=gap).best)

    @property
    def _limits_moves(self) -> bool:
        """Moves are limited, or free up to a number, which couples the pools."""
        rule = self.problem.rules["moves"]
        return rule.is_on and not has_priced_moves(self.problem)

    def _solve_within_moves(self, engine: Executor, helper: Executor, target: Target) -> None:
        rule, memory = self.problem.rules["moves"], self.memory or Memory()
        frontier = MoveFrontier(
            without_moves(self.problem), engine, helper, target, lambda search, found: self._report(), memory
        )
        limit = rule["max"] if rule.is_on else 0.0
        most = math.inf if rule.is_hard else rule.price * POINTS / self.problem.arr_scale if rule.is_soft else 0.0

        def take(plans: Sequence[IntArray]) -> tuple[Evaluation | None, float]:
            answer = frontier.within(limit, plans, most=most)
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
        self.has_crashed = frontier.has_crashed
        priced = frontier.certificate(limit, plans_of_all(self.problem), most=most)
        # What prices prove holds with the limit as well; branch and bound on single pools adds its word.
        is_claimed = priced is not None and self.bound < priced.bound
        self.certificate = replace(priced, jointly=self.bound) if priced and is_claimed else priced
        self._report()
        if self._is_open and not target.is_over():
            # Prices reach the limits between which each further move brings less; elsewhere something may be left.
            self.method, self.why_joint = "joint", "prices on moves leave a gap at this limit on moves"
            path = JointPath(self.problem, engine, target, self.settings.hooks, self._on_bound)
            answer = path.everything(self.best.solution)
            self._take(answer)
            self._on_bound(answer.bound)
            self.has_crashed |= answer.has_crashed
            # What the prices prove holds with the limit as well; branch and bound adds its word.
            self.certificate = replace(priced, jointly=self.bound) if priced else path.certificate(self.bound)

    @property
    def _has_choice(self) -> bool:
        """Some segment can be paid by more than one plan, so that pay and books can be decided one after the other."""
        return any(len(plans) > 1 for plans in self.problem.plans)

    @property
    def _is_open(self) -> bool:
        """The gap is not closed, and nothing proves that there is no solution."""
        if self.best.evaluation is None:
            return self.bound > -math.inf
        return self.bound - POINTS * self.best.evaluation.objective > self.settings.gap_pp + 1e-9

    def _offer(self, search: Search, pick: Pick | None, *, books: Pick | None = None) -> Evaluation | None:
        return None if pick is None else self.best.offer(search.solution(pick, books), pick.value)

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
        self.certificate = path.certificate(self.bound)
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
        proved = checked(
            self.bound, self.best.evaluation
        )  # at every report, so that a wrong bound ends the solve where it appears
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
            objective_bound=checked(self.bound, self.best.evaluation) / POINTS,
            seconds=time.monotonic() - self.started,
            method=self.method,
            why_joint=self.why_joint,
            pay_first=self.pay_first if self._has_choice else evaluation,
            books_first=self.books_first if self._has_choice else evaluation,
            signal=signal,
            reasons=() if evaluation is not None else why_nothing_fits(self.problem),
            certificate=self.certificate,
        )

    def _status(self) -> Status:
        if self.best.evaluation is None:
            if self.bound == -math.inf:
                return Status.INFEASIBLE
            return Status.SOLVER_CRASHED if self.has_crashed else Status.NO_SOLUTION
        open_points = checked(self.bound, self.best.evaluation) - POINTS * self.best.evaluation.objective
        if open_points <= self.settings.gap_pp + 1e-9:
            return Status.OPTIMAL
        return Status.SOLVER_CRASHED if self.has_crashed else Status.FEASIBLE
