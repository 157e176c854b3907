"""The joint path: one program for pay and books, with starts from deciding one after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.search import Target
from optcomp.engine import Ending, Executor, Job, Limits, Outcome
from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.compile import Compiled, compile_model
from optcomp.formulation.extract import column_of, extract, load_error, start_at
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import Scope, whole_scope
from optcomp.formulation.simple_bound import simple_bound
from optcomp.hooks import Hook
from optcomp.joint_certificate import JointCertificate
from optcomp.problem import Problem
from optcomp.solution import Solution

TANGENT_ERROR = 0.1  # share of the gap that the tangents of the load curve may miss
START_SHARE = 0.2  # share of the remaining time that each of the two starts may take


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program gave: a solution with its exact value in points (None: none found), and a proved bound."""

    solution: Solution | None
    value: float | None
    bound: float
    has_crashed: bool = False


@dataclass
class JointPath:
    """Solves scopes of the joint program, adding tangents of the load curve where it is under-estimated.

    on_bound : called with every bound in points that a solve of the whole program proves
    """

    problem: Problem
    engine: Executor
    target: Target
    hooks: Sequence[Hook]
    on_bound: Callable[[float], None]
    tangents: dict[int, set[float]] = field(default_factory=dict)
    _relaxed: JointCertificate | None = None

    def certificate(self, bound: float) -> JointCertificate | None:
        """What a bound of the whole program rests on; None where its relaxation was not solved in time."""
        if self._relaxed is None or not math.isfinite(bound):
            return None
        return replace(self._relaxed, bound=bound)

    def books_under(self, plans: Sequence[int]) -> Answer:
        """The best books when every segment's plan is given."""
        scope = replace(whole_scope(self.problem), plans={s: (p,) for s, p in enumerate(plans)})
        return self._solve(scope, share=START_SHARE)

    def plans_for(self, solution: Solution) -> Answer:
        """The best plans for the books of a solution."""
        return self._solve(whole_scope(self.problem), share=START_SHARE, books=solution)

    def everything(self, start: Solution | None) -> Answer:
        """The whole program, begun from a solution."""
        return self._solve(whole_scope(self.problem), share=1.0, start=start, is_whole=True)

    def _solve(
        self,
        scope: Scope,
        *,
        share: float,
        start: Solution | None = None,
        books: Solution | None = None,
        is_whole: bool = False,
    ) -> Answer:
        deadline = time.monotonic() + share * max(self.target.deadline - time.monotonic(), 0.0)
        answer = Answer(None, None, math.inf)
        while True:
            frame, compiled = self._build(scope)
            if books is not None:
                compiled = _with_books(frame, compiled, books)
            if is_whole:
                outcome = self._run_whole(frame, compiled, start, deadline)
            else:
                outcome = self.engine.solve(self._job(frame, compiled, start, deadline))
            known = sum(map(len, self.tangents.values()))
            answer, error = self._better(answer, frame, compiled, outcome)
            if is_whole:
                self.on_bound(answer.bound)
            is_closed = answer.value is not None and answer.bound - answer.value <= self.target.gap
            stop = self.target.is_over() or time.monotonic() >= deadline or outcome.ending is not Ending.OPTIMAL
            # Without a new tangent the same program gives the same point: what is missed is the solver's tolerance.
            stop = stop or sum(map(len, self.tangents.values())) == known
            if stop or (is_closed and error <= TANGENT_ERROR * self.target.gap):
                return answer
            start = answer.solution

    def _build(self, scope: Scope) -> tuple[Frame, Compiled]:
        extras = Extras({j: sorted(loads) for j, loads in self.tangents.items()}, [hook.add for hook in self.hooks])
        frame = formulate(self.problem, scope, extras)
        return frame, compile_model(frame.model)

    def _job(self, frame: Frame, compiled: Compiled, start: Solution | None, deadline: float) -> Job:
        limits = Limits(
            time_limit_seconds=max(deadline - time.monotonic(), 0.0),
            gap_absolute=0.5 * self.target.gap,
            seed=self.target.seed,
        )
        point = None if start is None else start_at(frame, compiled, start)
        return Job(compiled.program, limits, start=point)

    def _run_whole(self, frame: Frame, compiled: Compiled, start: Solution | None, deadline: float) -> Outcome:
        """The outcome of the whole program; beside it its relaxation, whose duals are what a certificate can hold."""
        simple = simple_bound(frame, compiled)  # a solver may have no better one for minutes
        self.on_bound(simple)
        job = self._job(frame, compiled, start, deadline)
        limits = replace(job.limits, time_limit_seconds=START_SHARE * job.limits.time_limit_seconds)
        linear = Job(compiled.program, limits, relax=True)
        relaxed, outcome = self.engine.solve_many(
            [linear, job], on_progress=lambda progress: self.on_bound(progress.bound), deadline=deadline
        )
        if relaxed.row_duals is not None and math.isfinite(relaxed.bound):
            tangents = [(j, load) for j, loads in sorted(self.tangents.items()) for load in sorted(loads)]
            found = JointCertificate(relaxed.bound, relaxed.bound, relaxed.row_duals, tuple(tangents))
            if self._relaxed is None or found.relaxed < self._relaxed.relaxed:
                self._relaxed = found
        return replace(outcome, bound=min(outcome.bound, relaxed.bound, simple))

    def _better(self, answer: Answer, frame: Frame, compiled: Compiled, outcome: Outcome) -> tuple[Answer, float]:
        """The answer after one more solve, and the points by which tangents under-estimate the load at its point."""
        has_crashed = answer.has_crashed or outcome.ending is Ending.CRASHED
        bound = min(answer.bound, outcome.bound)
        if outcome.point is None or outcome.value is None:
            return Answer(answer.solution, answer.value, bound, has_crashed), 0.0
        error, loads = load_error(frame, compiled, outcome.point)
        for csm, load in loads.items():
            if load > 0.0:
                self.tangents.setdefault(csm, set()).add(load)
        value = outcome.value - error
        if answer.value is not None and answer.value >= value:
            return Answer(answer.solution, answer.value, bound, has_crashed), error
        return Answer(extract(frame, compiled, outcome.point), value, bound, has_crashed), error


def _with_books(frame: Frame, compiled: Compiled, books: Solution) -> Compiled:
    """The program with every account kept where a solution has it."""
    start = start_at(frame, compiled, books)
    columns = column_of(compiled)
    fixed = [columns[id(v)] for part in (frame.model.x, frame.model.o) for v in part.values()]
    lower, upper = compiled.program.lower.copy(), compiled.program.upper.copy()
    lower[fixed] = upper[fixed] = start[np.array(fixed, dtype=np.int64)]
    return replace(compiled, program=replace(compiled.program, lower=lower, upper=upper))
