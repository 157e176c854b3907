"""The gap that is asked for: a narrower one is reached by way of the usual one, and never ends worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from optcomp.assemble import assemble
from optcomp.decompose.search import gaps_to
from optcomp.engine import Executor, Job, Outcome
from optcomp.engine.executor import OnProgress
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, Status, solve
from optcomp.world import large_instance


@dataclass
class Recorder(Executor):
    """An executor that writes down what each job may leave open, and how many nodes it may take."""

    inner: Executor
    asked: list[tuple[bool, float, int | None]] = field(default_factory=list)

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        """The outcomes of the executor inside."""
        self.asked += [(job.relax, job.limits.gap_absolute, job.limits.max_nodes) for job in jobs]
        return self.inner.solve_many(jobs, on_progress=on_progress, deadline=deadline)


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Two pools of four CSMs and fifty accounts together, with mixes to choose from."""
    return assemble(large_instance(4, 50, 2, 1))


def test_no_gap_begins_with_what_the_usual_gap_asks_of_the_solver(problem: Problem, engines: Engines) -> None:
    """Whoever stops it on the way has had at least that: 0.63 points were left open where it began at no gap."""
    usual, none = Recorder(engines.main), Recorder(engines.main)

    solve(problem, Settings(gap_pp=0.01), engines=Engines(usual, engines.helper))
    solve(problem, Settings(gap_pp=0.0), engines=Engines(none, engines.helper))

    assert len(none.asked) > len(usual.asked) > 0
    assert none.asked[: len(usual.asked)] == usual.asked


def test_no_gap_ends_no_worse_than_the_usual_one(problem: Problem, engines: Engines) -> None:
    """In value and in bound, and it goes on to the best there is."""
    usual = solve(problem, Settings(gap_pp=0.01), engines=engines)
    none = solve(problem, Settings(gap_pp=0.0), engines=engines)

    assert usual.evaluation is not None
    assert none.evaluation is not None
    assert none.evaluation.objective >= usual.evaluation.objective - 1e-12
    assert none.objective_bound <= usual.objective_bound + 1e-12
    assert none.status is Status.OPTIMAL
    assert none.gap_pp < 1e-6  # the solver's own rounding of a bound, in points


@pytest.mark.parametrize(
    ("gap", "steps"), [(0.02, [0.02]), (0.01, [0.01]), (0.001, [0.01, 0.001]), (0.0, [0.01, 1e-4, 1e-6, 0.0])]
)
def test_a_narrow_gap_is_reached_by_way_of_wider_ones(gap: float, steps: list[float]) -> None:
    """The usual gap and wider ones are gone for at once."""
    assert gaps_to(gap) == steps
