"""What the peers are asked: instances with menus for which a joint program can exist, and how large that would be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from optcomp.assemble import assemble, read
from optcomp.formulation.outcome import FIRST_LOADS
from optcomp.formulation.scope import Tables, whole_scope
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.world import large_instance
from tests.benchmarks.scale_cases import FULL_MENU, SEED

INSTANCES = Path(__file__).parents[2] / "instances"
# Six mixes at two variable shares: the menu of the shipped `mid-market`.
FEW = MenuSpec(
    (1.0,),
    (0.13, 0.18),
    (
        "individual-bonus", "renewal-expansion-gate", "expansion-led", "renewal-expansion-team",
        "activities-renewal-expansion", "quarterly-renewals",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One instance: generated with these numbers, or shipped under this name where `csms` is 0.

    menu : `own` (of the instance), `few` or `full`; seconds : every peer's time limit
    is_measured : every peer is run; else only the size of the program is worked out
    """

    name: str
    csms: int
    accounts: int
    pools: int
    menu: str
    seconds: float
    is_measured: bool = True


CASES = (
    Case("tiny", 0, 0, 0, "own", 10.0),
    Case("team-of-15", 0, 0, 0, "own", 60.0),
    Case("mid", 60, 2_500, 12, "own", 120.0),
    Case("large-few", 200, 10_000, 12, "few", 120.0),
    Case("large", 200, 10_000, 12, "own", 0.0, is_measured=False),
    Case("mid-full", 60, 2_500, 12, "full", 0.0, is_measured=False),
    Case("large-full", 200, 10_000, 12, "full", 0.0, is_measured=False),
)
BY_NAME = {case.name: case for case in CASES}


def problem_of(case: Case) -> Problem:
    """The problem of a case, the same in every process."""
    if not case.csms:
        return read(INSTANCES / case.name)
    instance = large_instance(case.csms, case.accounts, case.pools, SEED)
    menu = {"own": instance.menu, "few": FEW, "full": FULL_MENU}[case.menu]
    return assemble(replace(instance, menu=menu))


@dataclass(frozen=True, slots=True)
class Size:
    """Columns, rows and coefficients in rows of a joint program, without the rows and slacks of rules."""

    columns: int
    rows: int
    entries: int


def size_of(problem: Problem, plans: tuple[int, ...]) -> Size:
    """What the joint program needs at least, worked out and not built, with so many plans on each segment's menu.

    A product of pair and plan is in three rows: of its pair, of the link to its plan, of the hours of its CSM.
    """
    tables = Tables(problem, whole_scope(problem))
    pairs = np.bincount(tables.pair_segment, minlength=len(plans))
    units = [len(np.unique(tables.pair_unit[tables.pair_segment == s])) for s in range(len(plans))]
    csms = len(np.unique(tables.pair_csm))
    columns, rows, entries = len(tables.pair_unit) + 2 * csms, tables.num_units, len(tables.pair_unit)
    rows += csms * (len(FIRST_LOADS) + 2)
    entries += len(tables.pair_unit) + csms * (2 * len(FIRST_LOADS) + 3)
    for count, own, own_units in zip(plans, pairs.tolist(), units, strict=True):
        if count > 1:
            columns += own * count + count
            rows += own + own_units * count + 1
            entries += 3 * own * count + own + own_units * count + count
    return Size(columns, rows, entries)
