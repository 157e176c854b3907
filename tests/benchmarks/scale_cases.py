"""The instances of the size benchmark, from a seed and never stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from optcomp.assemble import assemble, read
from optcomp.plan import GridSpec, MenuSpec, PlanSpec
from optcomp.problem import Problem
from optcomp.world import large_instance

SEED = 1
HARD_SEED = 3
TEAM = "team-of-15"
FULL_MENU = MenuSpec(
    base_factors=(1.0, 1.05, 1.1),
    variable_shares=(0.08, 0.13, 0.18, 0.23),
    mixes=(),
    grid=GridSpec(
        ("GRR", "EXP", "ACT", "RES", "TEAM", "LOGO"),
        step=0.05,
        min_weight=0.05,
        gates=(0.0, 0.15, 0.2, 0.25),
        scopes=("individual", "team"),
    ),
)
# Every book within 10 % of the segment's potential per ARR dollar, at least 60 % of an even share of renewals in each
# quarter, and nothing that splits the pool or ties accounts to books.
HARD_RULES = (
    ("equal_chance", (("state", "hard"), ("tolerance", 0.1))),
    ("renewals_due", (("state", "hard"), ("min_share", 0.6))),
    ("locks", (("state", "off"),)),
    ("eligible_language", (("state", "off"),)),
    ("account_count", (("state", "off"),)),
    ("families", (("state", "off"),)),
)


@dataclass(frozen=True, slots=True)
class Case:
    """One row: gap asked for in points, and the seconds that the project aims for."""

    name: str
    csms: int
    accounts: int
    pools: int
    gap_pp: float
    bar_seconds: float
    is_hard: bool = False


CASES = (
    Case("ten", 10, 300, 3, 0.01, 60),
    Case(TEAM, 15, 425, 3, 0.01, 60),
    Case("mid", 60, 2_500, 12, 0.01, 60),
    Case("large", 200, 10_000, 12, 0.01, 300),
    Case("extra large", 500, 50_000, 30, 0.02, 1_200),
    Case("one hard pool", 50, 5_000, 1, 0.001, 60, is_hard=True),
)


def problem_of(case: Case) -> Problem:
    """The problem of a row: the full menu, or for the hard pool today's plan, which pays renewals by the quarter."""
    if case.is_hard:
        return _hard_pool(case)
    if case.name == TEAM:
        problem = read(Path(__file__).parents[2] / "instances" / TEAM)
        return replace(problem, instance=replace(problem.instance, menu=FULL_MENU))
    return assemble(replace(large_instance(case.csms, case.accounts, case.pools, SEED), menu=FULL_MENU))


def _hard_pool(case: Case) -> Problem:
    instance = large_instance(case.csms, case.accounts, case.pools, HARD_SEED)
    segment = replace(instance.segments[0], today=PlanSpec("quarterly-renewals", 0.15))
    return assemble(
        replace(
            instance,
            segments=(segment,),
            accounts=tuple(replace(a, segment=segment.name) for a in instance.accounts),
            csms=tuple(replace(c, segment=segment.name) for c in instance.csms),
            menu=MenuSpec((1.0,), (0.15,), ()),
            rule_overrides=HARD_RULES,
        )
    )
