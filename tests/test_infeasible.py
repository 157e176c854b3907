"""That nothing fits is proved by pools as well as by the joint program, and said in the user's units."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from builders import account, csm, problem, rules, segment

import optcomp
from optcomp.infeasible import why_nothing_fits
from optcomp.instance import Pair

TINY = Path(__file__).parents[1] / "instances" / "tiny"


@pytest.mark.parametrize("method", ["decomposed", "joint"])
@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("rules.hours.ceiling=0.9", "add 23 hours"),  # 200 hours are needed at 90 % load: 222.2, and 2 x 100 are there
        ("budget.pay=90000", "raise budget.pay by 10,000"),  # two CSMs at 50,000 each
    ],
)
def test_what_cannot_fit_is_proved_infeasible(method: str, override: str, reason: str):
    result = optcomp.solve(optcomp.read(TINY, overrides=[override]), optcomp.Settings(method=method))

    assert result.status.value == "infeasible"
    assert result.objective_bound == -math.inf
    assert reason in " ".join(result.reasons)


def test_fewer_hours_with_one_csm_are_no_reason_to_call_a_problem_infeasible():
    """The account needs 100 hours with anybody else and 40 with C1, who has 50."""
    hard = rules(hours={"ceiling": 1.0})
    case = problem([account("A1")], [csm("C1", hours=50.0)], pairs=[Pair("A1", "C1", hours=40.0)], rules=hard)

    assert why_nothing_fits(case) == ()


@pytest.mark.parametrize(
    ("limits", "own", "changes", "reason"),
    [
        ({"max_accounts": 1}, {}, {"account_count": {}}, "may have 2 accounts together, and there are 3"),
        ({"min_accounts": 2}, {}, {"account_count": {}}, "must have 4 accounts together, and there are 3"),
        ({"max_arr": 120_000.0}, {}, {"book_arr": {}}, "may have 240,000 ARR together, and there are 300,000"),
        ({}, {"max_accounts": 1}, {"own_limits": {}}, "may have 2 accounts together, and there are 3"),
        ({"max_arr": 90_000.0}, {}, {"book_arr": {}}, "larger in ARR than any book"),
    ],
)
def test_limits_that_cannot_hold_everything_are_reasons(limits: dict, own: dict, changes: dict, reason: str):
    people = [csm("C1", **own), csm("C2", **own)]
    case = problem(
        [account("A1"), account("A2"), account("A3")], people, segments=[segment(**limits)], rules=rules(**changes)
    )

    assert reason in " ".join(why_nothing_fits(case))
