"""A bound that is wrong ends the run with an error, on every path: it is never printed and never a warning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import account, csm, problem, rules, segment
from solved import TINY

from optcomp import cli
from optcomp.engine import Ending, Engine, Executor, Job, Outcome
from optcomp.engine.executor import OnProgress
from optcomp.errors import SolverError
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.points import Settings as StudySettings
from optcomp.studies.sensitivity import budget_curve

Lie = Callable[[Outcome], Outcome]
METHODS = ("decomposed", "joint")


class Liar(Executor):
    """An engine that changes what the solver says of programs with whole numbers; relaxations it leaves alone."""

    def __init__(self, engine: Executor, lie: Lie, *, about_relaxations: bool = False) -> None:
        self._engine, self._lie, self._relaxations = engine, lie, about_relaxations
        self.lies = 0

    @property
    def info(self) -> str:
        return "a liar"

    def solve_many(
        self, jobs: Sequence[Job], *, on_progress: OnProgress | None = None, deadline: float | None = None
    ) -> list[Outcome]:
        truth = self._engine.solve_many(jobs, deadline=deadline)
        return [self._told(job, outcome) for job, outcome in zip(jobs, truth, strict=True)]

    def _told(self, job: Job, outcome: Outcome) -> Outcome:
        if job.is_linear != self._relaxations:
            return outcome
        self.lies += 1
        return self._lie(outcome)


def far_too_low(outcome: Outcome) -> Outcome:
    """Solved to the end, and nothing comes near today's books."""
    return replace(outcome, ending=Ending.OPTIMAL, point=None, value=None, bound=outcome.bound - 80.0)


def nothing_fits(outcome: Outcome) -> Outcome:
    """Today's books hold, so this is a lie."""
    return replace(outcome, ending=Ending.INFEASIBLE, point=None, value=None, bound=-np.inf)


def team(**more: object) -> Problem:
    """Hours so tight that the relaxation splits accounts, and branch and bound has to speak."""
    accounts = [account(f"A{k}", f"C{1 + k % 2}", arr=60_000.0 + 17_000.0 * k, hours=150.0 + 9.0 * k) for k in range(7)]
    people = [csm("C1", hours=800.0), csm("C2", hours=700.0)]
    changes: dict[str, object] = {"hours": {"ceiling": 0.95}} | more
    return problem(accounts, people, rules=rules(**changes), menu=MenuSpec((1.0,), (0.1, 0.2), ("balanced", "active")))  # type: ignore[arg-type]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lie", [far_too_low, nothing_fits])
def test_a_wrong_bound_of_branch_and_bound_is_an_error(method: str, lie: Lie, engines: Engines) -> None:
    liar = Liar(engines.main, lie)

    with pytest.raises(SolverError, match=r"lies below a solution"):
        solve(team(), Settings(method=method, gap_pp=1e-4), engines=Engines(liar, engines.helper))

    assert liar.lies


@pytest.mark.parametrize("method", METHODS)
def test_wrong_duals_cost_time_and_nothing_else(method: str, engines: Engines) -> None:
    """Duals are not believed: what they prove is computed here, so wrong ones prove little."""
    generator = np.random.default_rng(1)

    def noise(outcome: Outcome) -> Outcome:
        if outcome.row_duals is None:
            return outcome
        wrong = outcome.row_duals * generator.normal(1.0, 0.5, len(outcome.row_duals))
        return replace(outcome, row_duals=wrong)

    usual = solve(team(), Settings(method=method, gap_pp=1e-4), engines=engines)
    liar = Liar(engines.main, noise, about_relaxations=True)

    told = solve(team(), Settings(method=method, gap_pp=1e-4), engines=Engines(liar, engines.helper))

    assert liar.lies
    assert told.objective_bound >= usual.evaluation.objective - 1e-9
    assert 100.0 * told.evaluation.objective == pytest.approx(100.0 * usual.evaluation.objective, abs=2e-4)


@pytest.mark.parametrize("lie", [far_too_low, nothing_fits])
def test_a_wrong_bound_at_a_price_on_moves_is_an_error(lie: Lie, engines: Engines) -> None:
    limited = team(moves={"max": 1.0})

    with pytest.raises(SolverError, match=r"lies below a solution"):
        solve(limited, Settings(gap_pp=1e-4), engines=Engines(Liar(engines.main, lie), engines.helper))


@pytest.mark.parametrize("rises", [(0.0, 0.15, 0.3), (-0.2, 0.0, 0.3)])  # today's pay is above the first of these
def test_a_wrong_bound_of_a_budget_step_is_an_error(rises: tuple[float, ...], engines: Engines) -> None:
    """The master chooses between plans by such bounds, also where books for all of them are known already."""
    told: list[Outcome] = []

    def later_too_low(outcome: Outcome) -> Outcome:
        told.append(outcome)
        return outcome if len(told) == 1 else far_too_low(outcome)

    accounts = [account(f"{s}{k}", f"{s}{1 + k % 2}", segment=s, hours=150.0 + 9.0 * k) for s in "ST" for k in range(5)]
    people = [csm(f"{s}{k}", segment=s, hours=570.0) for s in "ST" for k in (1, 2)]
    two = problem(
        accounts, people, segments=(segment("S"), segment("T")), budget=420_000.0,
        rules=rules(hours={"ceiling": 0.95}, eligible_segment={}, budget={}),
        menu=MenuSpec((1.0, 1.05), (0.1, 0.2), ("balanced", "active")),
    )  # fmt: skip
    liar = Engines(Liar(engines.main, later_too_low), engines.helper)

    with pytest.raises(SolverError, match=r"lies below a solution"):
        budget_curve(two, rises, StudySettings(gap_pp=1e-4, strategies=()), engines=liar)


def test_the_command_ends_with_an_error_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 1, as for every bug; no folder, no half of one."""
    honest = Engine.solve_many

    def lying(engine: Engine, jobs: Sequence[Job], **more: object) -> list[Outcome]:
        truth = honest(engine, jobs, **more)  # type: ignore[arg-type]
        return [o if j.is_linear else nothing_fits(o) for j, o in zip(jobs, truth, strict=True)]

    monkeypatch.setattr(Engine, "solve_many", lying)
    out = tmp_path / "out"

    code = cli.run(["solve", str(TINY), "--out", str(out), "--method", "joint", "--jobs", "1", "--quiet"])

    said = capsys.readouterr()
    assert code not in (0, 4, 5, 6)
    assert "lies below a solution" in said.err
    assert not out.exists()
