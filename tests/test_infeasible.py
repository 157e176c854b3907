"""That nothing fits is proved by pools as well as by the joint program, and said in the user's units."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import optcomp

TINY = Path(__file__).parents[1] / "instances" / "tiny"


@pytest.mark.parametrize("method", ["decomposed", "joint"])
@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("rules.hours.ceiling=0.9", "add 20 hours"),  # 200 hours are needed, 2 x 100 x 0.9 are there
        ("budget.pay=90000", "raise budget.pay by 10,000"),  # two CSMs at 50,000 each
    ],
)
def test_what_cannot_fit_is_proved_infeasible(method: str, override: str, reason: str):
    result = optcomp.solve(optcomp.read(TINY, overrides=[override]), optcomp.Settings(method=method))

    assert result.status.value == "infeasible"
    assert result.objective_bound == -math.inf
    assert reason in " ".join(result.reasons)
