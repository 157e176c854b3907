"""Every shipped instance meets its recorded best value, with a proof that agrees with the recorded one."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from optcomp.assemble import read
from optcomp.solve import Engines, Settings, Status, solve

INSTANCES = Path(__file__).resolve().parents[1] / "instances"
GAP = 0.01 / 100.0  # the gap that a solve is asked for, as a ratio
ROUNDING = 1e-6  # the file has six decimals


def recorded() -> list[dict[str, str]]:
    """The rows of the file of best known values."""
    with (INSTANCES / "best_known.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_instance_that_ships_is_recorded() -> None:
    """A new instance cannot be forgotten."""
    shipped = {folder.parent.name for folder in INSTANCES.glob("*/instance.toml")}

    assert {row["instance"] for row in recorded()} == shipped


@pytest.mark.parametrize("row", recorded(), ids=lambda row: row["instance"])
def test_a_solve_meets_the_recorded_value_and_proof(row: dict[str, str], engines: Engines) -> None:
    """Value within the gap of the best known one, gap proved, and neither proof below the other's solution."""
    result = solve(read(INSTANCES / row["instance"]), Settings(), engines=engines)
    best, ceiling = float(row["objective"]), float(row["ceiling"])

    assert result.status is Status.OPTIMAL
    assert result.gap_pp <= 0.01
    assert result.evaluation is not None
    assert result.current.nrr == pytest.approx(float(row["nrr_today"]), abs=ROUNDING)
    assert result.evaluation.objective >= best - GAP - ROUNDING
    assert result.evaluation.objective <= ceiling + ROUNDING
    assert result.objective_bound >= best - ROUNDING
