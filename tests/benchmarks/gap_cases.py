"""The public generalised assignment instances beside the checkout, their best known values, and who judges answers.

Instances: Cattrysse 1994 (gap1 to gap12), Chu and Beasley 1997 (A to D), Yagiura and others 2004 (C to E). They are
read from `../shared/gap`, never copied here.
"""

from __future__ import annotations

import csv
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from optcomp.types import FloatArray

FOLDER = Path(__file__).parents[3] / "shared" / "gap"
CLASSES = ("gap", "a", "b", "c", "d", "e")


@dataclass(frozen=True, slots=True)
class Case:
    """A published instance. usable : a cost that is known to be reached, so that no bound may lie above it."""

    path: str
    csms: int
    accounts: int
    best: float
    usable: float
    is_proved: bool

    @property
    def name(self) -> str:
        return self.path.split("/")[1]

    @property
    def kind(self) -> str:
        """The class: gap for gap1 to gap12, else its letter."""
        return "gap" if self.name.startswith("gap") else self.name[0]


@cache
def cases() -> tuple[Case, ...]:
    """All instances in the order of the list; none where the folder is absent.

    The best known cost is the least of what is claimed and what was checked.
    """
    path = FOLDER / "best_known.csv"
    if not path.exists():
        return ()
    with path.open(newline="", encoding="utf-8") as file:
        return tuple(_case(row) for row in csv.DictReader(file))


def _case(row: dict[str, str]) -> Case:
    checked = float(row["verified_value"]) if row["verified_feasible"] == "True" else np.inf
    usable = min(float(row["best_upper_bound_usable"]), checked)
    best = min(float(row["best_known"]), checked)
    is_proved = row["proved_optimal"] != "open"
    return Case(row["path"], int(row["agents"]), int(row["jobs"]), best, usable, is_proved)


@cache
def judge() -> ModuleType:
    """The reader and the check that come with the instances; they share no code with any solver."""
    spec = importlib.util.spec_from_file_location("check_gap", FOLDER / "check_gap.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(FOLDER / "check_gap.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(case: Case) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Costs and hours, shape (csms, accounts), and capacities, shape (csms,)."""
    costs, hours, capacity = judge().read(FOLDER / "instances" / case.path)
    return costs.astype(np.float64), hours.astype(np.float64), capacity.astype(np.float64)


@dataclass(frozen=True, slots=True)
class Score:
    """An answer, judged. gap : of its cost to the best known, per cent, inf without one; is_proved : cost = bound."""

    cost: float
    bound: float
    gap: float
    is_proved: bool
    seconds: float


def score(case: Case, answer: dict[str, Any]) -> Score:
    """Judge an answer: cost by the check that comes with the instances, bound by what is known to be reached.

    Raises
    ------
    AssertionError
        When the answer breaks a capacity, or its bound lies above a cost that is reached.
    """
    cost = np.inf
    if answer["owner"] is not None:
        value, is_feasible, _ = judge().check(*judge().read(FOLDER / "instances" / case.path), answer["owner"])
        assert is_feasible, f"{case.name}: the answer takes more than there is"
        cost = float(value)
    reached = min(case.usable, cost)
    bound = float(np.ceil(answer["bound"] - 1e-6))  # all costs are whole
    assert bound <= reached, f"{case.name}: the bound {bound} lies above {reached}, which is reached"
    return Score(cost, bound, 100.0 * (cost / case.best - 1.0), bool(bound == cost), float(answer["seconds"]))
