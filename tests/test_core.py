"""Large pools by a core of their relaxation: the same proof, from a few pairs of every unit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import builders as b
import numpy as np
import pytest

from optcomp.assemble import assemble
from optcomp.decompose import tighten
from optcomp.decompose.core import Core, Sifted
from optcomp.decompose.core_books import CoreWork
from optcomp.decompose.pools import split
from optcomp.decompose.structure import Row, Structure, build_structure
from optcomp.decompose.verify import verify
from optcomp.engine import Job, Limits, Outcome, Program
from optcomp.engine.dual_bound import dual_bound
from optcomp.plan import MenuSpec, PlanSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, Result, Settings, Status, solve
from optcomp.world import large_instance

GAP = 0.02


def one_pool(mixes: tuple[str, ...] = (), **rules: dict[str, object]) -> Problem:
    """Five CSMs who may all look after 100 accounts, paid for renewals by the quarter, with fair books."""
    instance = large_instance(5, 100, 1, 3)
    segment = replace(instance.segments[0], today=PlanSpec("quarterly-renewals", 0.15))
    wanted = {
        "hours": {"ceiling": 1.15},
        "equal_chance": {"tolerance": 0.1},
        "renewals_due": {"min_share": 0.6},
        **rules,
    }
    return replace(
        assemble(
            replace(
                instance,
                segments=(segment,),
                accounts=tuple(replace(a, segment=segment.name) for a in instance.accounts),
                csms=tuple(replace(c, segment=segment.name) for c in instance.csms),
                menu=MenuSpec((1.0,), (0.15,), mixes),
            )
        ),
        rules=b.rules(**wanted),
    )


def by_core(problem: Problem, engines: Engines, monkeypatch: pytest.MonkeyPatch) -> Result:
    """The answer by cores, however small the pool."""
    with monkeypatch.context() as patch:
        patch.setattr(tighten, "WITH_CORE", 0)
        return solve(problem, Settings(gap_pp=GAP, time_limit_seconds=100.0), engines=engines)


@pytest.fixture(scope="module")
def structure() -> Structure:
    """The program of the pool under today's plan."""
    problem = one_pool()
    return build_structure(problem, split(problem)[0], frozenset(), 0)


def test_a_core_proves_what_the_whole_relaxation_does(structure: Structure, engines: Engines) -> None:
    """Within what was asked for, and never below it; from some of the pairs."""
    sizes: list[int] = []

    def solve_part(program: Program) -> Outcome:
        sizes.append(program.num_columns)
        return engines.main.solve(Job(program, relax=True, interior=True))

    core = Core(structure, np.random.default_rng(0))
    sifted = core.sift(0, (), solve_part, tolerance=1e-3)
    whole = engines.main.solve(Job(sifted.program, relax=True))

    assert whole.value is not None
    assert whole.value - 1e-6 <= sifted.bound <= whole.value + 1e-3 + 1e-6
    assert sifted.excess <= 1e-3
    assert core.member.sum() < len(core.member)
    assert sifted.point is not None
    assert structure.fractional_error(sifted.program, sifted.point) <= 1e-3


def test_duals_of_a_core_that_was_stopped_name_every_row_that_there_is_by_then(engines: Engines) -> None:
    """Tangents join after a solve; without a place for them the proven rows would be taken for tangents."""
    problem = one_pool()
    structure = build_structure(problem, split(problem)[0], frozenset(), 0)
    proven = Row(structure.pair_columns[:1], np.ones(1), 1.0)
    solved: list[Outcome] = []

    def solve_part(program: Program) -> Outcome:
        outcome = engines.main.solve(Job(program, relax=True, interior=True))
        solved.append(replace(outcome, row_duals=None) if solved else outcome)
        return solved[-1]

    sifted = Core(structure, np.random.default_rng(0)).sift(0, (proven,), solve_part, tolerance=1e-9)

    assert len(solved) == 2
    assert structure.tangents
    assert sifted.duals is not None
    assert len(sifted.duals) == sifted.program.num_rows == structure.program.num_rows + len(structure.tangents) + 1
    assert sifted.duals[-1] == solved[0].row_duals[-1]  # type: ignore[index]
    assert not sifted.duals[structure.program.num_rows : -1].any()
    assert dual_bound(sifted.program, sifted.duals) == pytest.approx(sifted.bound, abs=1e-9)


def test_a_core_that_cannot_get_closer_is_not_solved_for_ever(
    structure: Structure, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interior point is not precise enough on some program: then books are looked for with the bound that there is."""
    work = CoreWork(structure, (0,))

    def far(self: Core, plan: int, rows: object, solve: Callable[[Program], Outcome], *, tolerance: float) -> Sifted:
        program = structure.program_at(plan)
        outcome = solve(program)
        return Sifted(program, outcome.row_duals, outcome.bound, 1.0, None)

    monkeypatch.setattr(Core, "sift", far)
    tries = []
    for _ in range(2):
        work.relax(0, (), engines.main, Limits(10.0), math.inf, 1e-3)
        tries.append(work.excess[0])

    assert tries == [1.0, 0.0]


@pytest.mark.parametrize(
    ("mixes", "rules"),
    [
        ((), {}),
        ((), {"equal_chance": {"state": "soft", "tolerance": 0.0, "price": 0.05}}),
        ((), {"renewals_due": {"state": "soft", "min_share": 1.0, "price": 500.0}}),
        (("quarterly-renewals", "team-bonus"), {}),
    ],
    ids=["hard", "soft chance", "soft renewals", "with a menu"],
)
def test_cores_and_whole_programs_agree(
    mixes: tuple[str, ...], rules: dict[str, dict[str, object]], engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No ceiling lies below what the other way found, and the certificate is proved again with numpy."""
    problem = one_pool(mixes, **rules)

    core = by_core(problem, engines, monkeypatch)
    whole = solve(problem, Settings(gap_pp=GAP, time_limit_seconds=100.0), engines=engines)

    assert core.status is whole.status is Status.OPTIMAL
    assert core.evaluation is not None
    assert whole.evaluation is not None
    assert core.objective_bound >= whole.evaluation.objective - 1e-9
    assert whole.objective_bound >= core.evaluation.objective - 1e-9
    assert core.certificate is not None
    assert verify(problem, core.certificate).holds


def test_two_runs_by_cores_are_the_same(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The units that are freed by chance come from the seed."""
    problem = one_pool()

    first, second = (by_core(problem, engines, monkeypatch) for _ in range(2))

    assert first.solution == second.solution
    assert first.objective_bound == second.objective_bound


def test_a_pool_that_cannot_be_looked_after_is_infeasible_by_its_core_as_well(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that a core misses at any price are for the whole program to refuse."""
    problem = one_pool(hours={"ceiling": 0.5})

    assert by_core(problem, engines, monkeypatch).status is Status.INFEASIBLE


def test_an_interior_relaxation_bounds_like_a_corner(structure: Structure, engines: Engines) -> None:
    """Its duals prove the value of the relaxation, to the precision of interior point."""
    program = structure.program_at(0)

    inner, corner = engines.main.solve_many([Job(program, Limits(), relax=True, interior=i) for i in (True, False)])

    assert corner.value is not None
    assert corner.value - 1e-6 <= inner.bound <= corner.value + 1e-4
    assert inner.row_duals is not None
