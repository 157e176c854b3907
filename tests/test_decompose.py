"""The fast path: pruning, bounds from duals, envelopes of plans, the frontier of moves."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import brute_force
import builders as b
import numpy as np
import pytest

from optcomp.assemble import load
from optcomp.decompose import search
from optcomp.decompose.bounds import bounds, prices
from optcomp.decompose.envelope import GROUP, envelope, groups
from optcomp.decompose.frontier import MoveFrontier
from optcomp.decompose.pools import split
from optcomp.decompose.search import Target, plans_of_all
from optcomp.decompose.structure import build_structure
from optcomp.engine import Job
from optcomp.menu import grid_mixes
from optcomp.plan import GridSpec, MenuSpec
from optcomp.problem import Problem
from optcomp.prune import undominated
from optcomp.solve import Engines, Settings, Status, solve

GRID = GridSpec(
    ("GRR", "EXP", "ACT", "TEAM"), step=0.5, min_weight=0.5, gates=(0.0, 0.2), scopes=("individual", "team")
)


def small(menu: MenuSpec, **rules: dict[str, object]) -> Problem:
    """Three accounts, two CSMs, a budget that not every plan fits."""
    accounts = [
        b.account("A1", "C1", arr=300_000.0),
        b.account("A2", "C1", arr=150_000.0, renewal_probability=0.8),
        b.account("A3", "C2", arr=200_000.0, health=40.0),
    ]
    return b.problem(
        accounts,
        [b.csm("C1"), b.csm("C2", level="senior")],
        menu=menu,
        budget=203_000.0,
        rules=b.rules(budget={}, **rules),
    )


def unpruned(problem: Problem) -> Problem:
    """The same problem with every mix of the grid named, so that nothing is pruned."""
    menu = problem.instance.menu
    assert menu.grid is not None
    mixes = {mix.name: mix for mix in grid_mixes(menu.grid)}
    instance = replace(problem.instance, menu=replace(menu, grid=None, mixes=tuple(mixes)))
    return replace(problem, instance=instance, mixes={**problem.mixes, **mixes})


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"hours": {"ceiling": 0.25}},
        {"hours": {"state": "soft", "ceiling": 0.2, "price": 50.0}},
        {"exposure": {"state": "soft", "max_ratio": 1.0, "price": 0.5}},
        {"max_weight": {"state": "soft", "max": 0.5, "price": 20_000.0}},
        {"readiness": {}},
    ],
    ids=["plain", "hours", "soft hours", "exposure", "soft design", "readiness"],
)
def test_pruning_loses_nothing(rules: dict[str, dict[str, object]]) -> None:
    """The best of the plans that are left is the best of all, by brute force over both menus."""
    pruned = small(MenuSpec((1.0, 1.05), (0.1, 0.2), (), GRID), **rules)
    full = unpruned(pruned)

    assert len(pruned.plans[0]) < len(full.plans[0])
    best, best_of_all = brute_force.best(pruned), brute_force.best(full)
    assert best is not None
    assert best_of_all is not None
    assert best[1].objective == pytest.approx(best_of_all[1].objective, abs=1e-12)


def test_only_rows_that_are_beaten_everywhere_are_left_out() -> None:
    """Equal rows keep the first; a row that is better in one number stays."""
    numbers = np.array([[1.0, 2.0], [2.0, 1.0], [1.0, 2.0], [0.5, 1.5], [2.0, 0.5]])

    assert list(undominated(numbers)) == [0, 1]


def test_duals_of_one_plan_bound_every_other(engines: Engines) -> None:
    """Above the other plan's own linear bound, and equal to it at the plan that they come from."""
    problem = small(MenuSpec((1.0, 1.05), (0.1, 0.2), ("balanced", "active")), hours={"ceiling": 0.25})
    structure = build_structure(problem, split(problem)[0], frozenset(), 0)
    plans = np.arange(len(problem.plans[0]))
    factors = problem.effects[0].hours_factor
    jobs = [Job(structure.program_at(int(p)), relax=True) for p in plans]
    outcomes = engines.main.solve_many(jobs)
    own = np.array([outcome.bound for outcome in outcomes])

    for job, outcome, plan in zip(jobs, outcomes, plans, strict=True):
        price = prices(structure, job.program, outcome.row_duals)
        limit = bounds(structure, price, structure.worth(plans), factors)
        assert (limit >= own - 1e-7).all()
        assert limit[plan] == pytest.approx(own[plan], abs=1e-6)


def test_any_prices_give_a_bound(engines: Engines) -> None:
    """Duals of the wrong size or sign make the bound loose, never wrong."""
    problem = small(MenuSpec((1.0,), (0.1, 0.2), ("balanced", "active")), hours={"ceiling": 0.25})
    structure = build_structure(problem, split(problem)[0], frozenset(), 0)
    plans = np.arange(len(problem.plans[0]))
    jobs = [Job(structure.program_at(int(p))) for p in plans]
    best = np.array([outcome.value for outcome in engines.main.solve_many(jobs)])
    random = np.random.default_rng(1)

    for _ in range(20):
        duals = random.normal(size=jobs[0].program.num_rows)
        limit = bounds(
            structure,
            prices(structure, jobs[0].program, duals),
            structure.worth(plans),
            problem.effects[0].hours_factor,
        )
        assert (limit >= best - 1e-9).all()


def test_an_envelope_is_worth_at_least_every_plan_of_its_group() -> None:
    """Pair by pair, so that bounds on groups hold for their plans."""
    problem = small(MenuSpec((1.0, 1.05), (0.1, 0.2), (), replace(GRID, step=0.125, min_weight=0.125)))
    structure = build_structure(problem, split(problem)[0], frozenset(), 0)
    parts = groups(problem, 0, np.arange(len(problem.plans[0])))

    assert sorted(np.concatenate(parts).tolist()) == list(range(len(problem.plans[0])))
    assert max(len(part) for part in parts) <= GROUP
    assert max(len(part) for part in parts) > 1
    for part, worth in zip(parts, structure.worth_of(envelope(problem, 0, parts)), strict=True):
        assert (structure.worth(part) <= worth + 1e-12).all()


def test_a_menu_of_hundreds_is_proved_like_a_short_one(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sampling, groups and dropping give the answer of looking at every plan."""
    problem = small(MenuSpec((1.0, 1.05), (0.08, 0.12, 0.2), (), replace(GRID, step=0.05, min_weight=0.05)))
    assert len(problem.plans[0]) > search.MANY

    coarse = solve(problem, Settings(gap_pp=1e-4), engines=engines)
    monkeypatch.setattr(search, "MANY", 10**9)
    every = solve(problem, Settings(gap_pp=1e-4), engines=engines)

    assert coarse.status is every.status is Status.OPTIMAL
    assert coarse.evaluation is not None
    assert every.evaluation is not None
    assert coarse.evaluation.objective == pytest.approx(every.evaluation.objective, abs=2e-6)
    assert coarse.objective_bound >= every.evaluation.objective - 1e-9
    assert every.objective_bound >= coarse.evaluation.objective - 1e-9


def test_the_frontier_of_moves_meets_brute_force_at_every_limit(engines: Engines) -> None:
    """Each further move is worth no less than nothing, and every rung is the best there is."""
    accounts = [b.account(f"A{i}", "C1", arr=50_000.0 * (i + 1), industry="x" if i % 2 else "y") for i in range(5)]
    csms = [b.csm("C1", industries=("y",)), b.csm("C2", industries=("x",), level="senior")]
    problem = b.problem(accounts, csms, menu=MenuSpec(), rules=b.rules())
    target = Target(1e-5, time.monotonic() + 600.0, 0, lambda: False)
    frontier = MoveFrontier(problem, engines.main, engines.helper, target, lambda search, found: None)

    values = []
    for limit in range(6):
        answer = frontier.within(limit, plans_of_all(problem))
        hard = replace(problem, rules=b.rules(moves={"max": limit}))
        best = brute_force.best(hard)
        assert best is not None
        assert answer.choice is not None
        assert answer.choice.moves <= limit
        assert answer.value <= answer.bound + 1e-6
        assert answer.value == pytest.approx(100.0 * best[1].objective, abs=1e-3)
        assert answer.bound >= 100.0 * best[1].objective - 1e-6
        values.append(answer.value)
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_a_limit_below_the_moves_that_hours_force_is_infeasible(engines: Engines) -> None:
    """However dear moves are, one must be made: the joint program proves that none is too few."""
    accounts = [b.account(f"A{i}", "C1", hours=100.0) for i in range(3)]
    csms = [b.csm("C1", hours=200.0), b.csm("C2", hours=200.0)]

    def answer(limit: int) -> Status:
        rules = b.rules(hours={"ceiling": 1.0}, moves={"max": limit})
        return solve(b.problem(accounts, csms, rules=rules), Settings(gap_pp=1e-4), engines=engines).status

    assert answer(1) is Status.OPTIMAL
    assert answer(0) is Status.INFEASIBLE


def test_equal_csms_leave_a_large_pool_solvable(engines: Engines) -> None:
    """The few best pairs of every unit must not all be with the same CSMs: 20 alike have room, three have not."""
    accounts = [b.account(f"A{i:03}", None, hours=100.0) for i in range(170)]
    csms = [b.csm(f"C{j:02}") for j in range(20)]
    problem = b.problem(accounts, csms, menu=MenuSpec(), rules=b.rules(hours={"ceiling": 1.0}))

    assert solve(problem, Settings(time_limit_seconds=60.0), engines=engines).status is Status.OPTIMAL


def test_no_time_at_all_is_an_answer_even_on_a_large_menu(engines: Engines) -> None:
    """Without duals every plan still has a bound."""
    problem = small(MenuSpec((1.0, 1.05), (0.08, 0.12, 0.2), (), replace(GRID, step=0.05, min_weight=0.05)))

    result = solve(problem, Settings(time_limit_seconds=0.0), engines=engines)

    assert result.status in (Status.FEASIBLE, Status.NO_SOLUTION)


def test_without_accounts_the_plans_are_still_decided(engines: Engines) -> None:
    """Today's pay is above the budget and a plan of the menu is not."""
    problem = b.problem(
        [], [b.csm("C1")], menu=MenuSpec((1.0,), (0.05,), ("balanced",)), budget=85_000.0, rules=b.rules(budget={})
    )

    result = solve(problem, Settings(), engines=engines)

    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert result.solution.plan_by_segment == {"S": "balanced b1 v0.05"}


def test_plans_that_differ_by_a_little_have_names_of_their_own() -> None:
    """12 % and 12.5 % at risk, and base levels of 1 and 1.00004, are four plans."""
    grid = GridSpec(("EXP",), step=1.0, gates=(0.12, 0.125))
    problem = b.problem([b.account("A")], [b.csm("C1")], menu=MenuSpec((1.0, 1.00004), (0.2,), (), grid))

    names = [plan.plan_id for plan in unpruned(problem).plans[0]]

    assert len(names) == len(set(names)) == 5


def test_a_unit_that_nobody_may_have_bounds_a_filling_at_nothing(engines: Engines) -> None:
    """The last account has only the open position: without it there are no books, and no crash."""
    accounts = [b.account("A1", None, region="US"), b.account("A2", None, region="EU")]
    csms = [b.csm("C1", region="US"), b.csm("C2", status="open")]
    problem = b.problem(accounts, csms, rules=b.rules(eligible_region={}))

    result = solve(problem, Settings(gap_pp=1e-4), engines=engines)

    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert result.solution.filled == {"C2"}


def test_books_first_is_worth_the_same_whatever_was_searched_before(engines: Engines) -> None:
    """With a narrow gap it is decided again after the joint search, which knows better books for the better plans."""
    team = load(Path(__file__).parents[1] / "instances" / "team-of-15").problem

    usual = solve(team, Settings(), engines=engines)
    narrow = solve(team, Settings(gap_pp=0.005), engines=engines)

    for name in ("books_first", "pay_first"):
        one, other = getattr(usual, name), getattr(narrow, name)
        assert 100.0 * one.objective == pytest.approx(100.0 * other.objective, abs=0.01)
