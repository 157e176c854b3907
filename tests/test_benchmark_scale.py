"""The size benchmark fits growth as it says, and its rows are what the table calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from tests.benchmarks.scale_cases import CASES, problem_of
from tests.benchmarks.scale_plot import Point, Power, draw


def test_growth_of_known_power_is_found() -> None:
    """3 · n^1.5 at three counts lies on a line of slope 1.5 in logarithms, so least squares has nothing to average."""
    counts = [10, 60, 500]

    power = Power.fit(counts, [3.0 * n**1.5 for n in counts])

    assert power.exponent == pytest.approx(1.5, abs=1e-9)  # rounding of logarithms
    assert power.at(100) == pytest.approx(3000.0, rel=1e-9)


def test_the_same_figures_draw_the_same_bytes(tmp_path: Path) -> None:
    """A picture in the repository changes only when its figures do."""
    points = [Point("ten", 10, 4.0, 160.0), Point("large", 200, 55.0, 493.0)]

    draw(points, tmp_path / "a.svg")
    draw(points, tmp_path / "b.svg")

    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_the_hard_pool_is_one_pool_with_balance_and_quarterly_renewals_hard() -> None:
    """50 CSMs × 5,000 accounts with every pair allowed, and a single plan that pays renewals by the quarter."""
    case = next(case for case in CASES if case.is_hard)

    problem = problem_of(case)

    assert problem.allowed.shape == (5_000, 50)
    assert len(problem.allowed) == 250_000
    assert [[plan.pays_renewals_quarterly for plan in plans] for plans in problem.plans] == [[True]]
    assert problem.rules["equal_chance"].is_hard
    assert problem.rules["renewals_due"].is_hard
