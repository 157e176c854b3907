"""The shipped instance `tiny` against the arithmetic of its README, repeated here in fractions."""

from __future__ import annotations

from fractions import Fraction as F
from pathlib import Path

import pytest

from optcomp.assemble import read
from optcomp.evaluate import evaluate
from optcomp.solution import Solution
from optcomp.solve import Settings, Status, solve

TINY = Path(__file__).parent.parent / "instances" / "tiny"
RETENTION, EXPANSION = "today", "paid-on-expansion b1 v0.2"
TODAY, SWAPPED = {"A": "C1", "B": "C1", "C": "C2", "D": "C2"}, {"A": "C2", "B": "C2", "C": "C1", "D": "C1"}


def probability(odds: F) -> F:
    return odds / (1 + odds)


def year_end(arr: int, renewal: F, expansion: F) -> F:
    """p + (1 + p)/2 × 4 × 0.25 × e per ARR dollar."""
    return arr * (renewal + (1 + renewal) / 2 * expansion)


def by_hand(plan: str, books: dict[str, str]) -> F:
    """Year-end ARR of a candidate, as on the README."""
    effect = {RETENTION: F(12, 10), EXPANSION: F(8, 10)}[plan]
    expansion = probability(F(1, 9) * {RETENTION: F(8, 10), EXPANSION: F(16, 10)}[plan])
    good_fit = {"A": books["A"] == "C2", "B": books["B"] == "C2"}
    fit = {name: F(2) if good else F(1, 2) for name, good in good_fit.items()}
    hand_over = F(1) if books["A"] == "C1" else F(1, 2)
    a = probability(9 * F(12, 10) * fit["A"] * hand_over)
    b = probability(9 * effect * fit["B"])
    c = probability(9 * effect * 2)
    return (
        year_end(400_000, a, expansion)
        + year_end(200_000, b, expansion)
        + year_end(300_000, c, expansion)
        + year_end(100_000, F(1), expansion)
    )


@pytest.mark.parametrize("plan", [RETENTION, EXPANSION])
@pytest.mark.parametrize("books", [TODAY, SWAPPED], ids=["today's books", "swapped books"])
def test_evaluate_gives_the_number_on_paper(plan: str, books: dict[str, str]) -> None:
    """The evaluator cannot drift away from what a reader can check with a calculator."""
    result = evaluate(read(TINY), Solution({"all": plan}, books))

    assert result.nrr * 1_000_000 == pytest.approx(
        float(by_hand(plan, books)), abs=0.01
    )  # base quit of 1e-9 moves cents
    assert not result.violations


def test_the_numbers_on_the_readme_are_those_of_the_fractions() -> None:
    """The page and the test say the same."""
    page = (TINY / "README.md").read_text(encoding="utf-8")

    for plan in (RETENTION, EXPANSION):
        for books in (TODAY, SWAPPED):
            assert f"{float(by_hand(plan, books)):,.0f}" in page


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_solve_finds_and_proves_the_optimum_on_paper(method: str) -> None:
    """Both paths give 107.9569 %, with nothing left open."""
    result = solve(read(TINY), Settings(gap_pp=1e-6, method=method))

    assert result.status is Status.OPTIMAL
    assert result.solution is not None
    assert result.evaluation is not None
    assert result.solution.plan_by_segment == {"all": EXPANSION}
    assert dict(result.solution.csm_by_account) == SWAPPED
    assert result.evaluation.nrr == pytest.approx(1.079569, abs=1e-6)
    assert result.objective_bound == pytest.approx(1.079569, abs=1e-6)


def test_a_book_of_more_hours_than_the_csm_has_is_refused() -> None:
    """A, C and D together need 160 of 100 hours."""
    result = evaluate(read(TINY), Solution({"all": RETENTION}, {"A": "C2", "B": "C1", "C": "C2", "D": "C2"}))

    assert [(b.rule_id, b.subject, b.amount) for b in result.violations] == [("hours", "C2", 60.0)]


def test_the_higher_base_does_not_fit_the_budget() -> None:
    """42,000 base and 10,500 variable for two are 105,000, and the budget is 100,000."""
    result = evaluate(read(TINY), Solution({"all": "paid-on-expansion b1.05 v0.2"}, TODAY))

    assert [(b.rule_id, round(b.amount)) for b in result.violations] == [("budget", 5000)]
