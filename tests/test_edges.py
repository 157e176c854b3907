"""Limits on both sides of their edge: what just fits bends nothing, what just does not is counted exactly."""

from __future__ import annotations

from datetime import date

import pytest
from builders import account, csm, problem, rules, segment
from planted import CHEAP

from optcomp.evaluate import evaluate
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.solve import Engines, Settings, Status, solve


def book(
    rule_id: str, facts: dict, numbers: dict, *, state: str = "hard", mix: str = "base-only", **more: object
) -> Problem:
    """Three accounts of 100 hours and 100,000 USD, which C1 has and nobody else may have."""
    accounts = [account(f"A{k}", renewal_date=date(2027, 2 + 3 * min(k, 1), 1)) for k in range(3)]
    return problem(
        accounts,
        [csm("C1", hours=1000.0, **more)],
        segments=[segment(mix=mix, **facts)],
        menu=MenuSpec((1.0,), (0.2,), ()),
        rules=rules(**{rule_id: {"state": state, "price": 100.0 * CHEAP, **numbers}}),
        budget=80_000.0,
    )


# rule, what just fits, what just does not, the amount by which it does not: (segment facts, rule numbers, CSM facts)
EDGES = [
    ("hours", ({}, {"ceiling": 0.3}, {}), ({}, {"ceiling": 0.29}, {}), 10.0),
    ("account_count", ({"max_accounts": 3}, {}, {}), ({"max_accounts": 2}, {}, {}), 1.0),
    ("account_count", ({"min_accounts": 3}, {}, {}), ({"min_accounts": 5}, {}, {}), 2.0),
    ("book_arr", ({"max_arr": 300_000.0}, {}, {}), ({"max_arr": 299_990.0}, {}, {}), 10.0),
    ("book_arr", ({"min_arr": 300_000.0}, {}, {}), ({"min_arr": 300_010.0}, {}, {}), 10.0),
    ("own_limits", ({}, {}, {"max_accounts": 3}), ({}, {}, {"max_accounts": 1}), 2.0),
    ("own_limits", ({}, {}, {"max_arr": 300_000.0}), ({}, {}, {"max_arr": 250_000.0}), 0.5),
    ("budget", ({}, {}, {"base": 80_000.0}), ({}, {}, {"base": 80_010.0}), 10.0),
    ("exposure", ({}, {"max_ratio": 1.0}, {}), ({}, {"max_ratio": 0.999}, {}), 80.0),
]


@pytest.mark.parametrize(("rule_id", "fits", "misses", "amount"), EDGES)
def test_a_limit_is_kept_at_its_edge_and_bent_by_what_is_over_it(
    rule_id: str, fits: tuple, misses: tuple, amount: float, engines: Engines
) -> None:
    """In the evaluator, and along both paths: hard is infeasible, soft costs price × amount."""
    inside, outside = (book(rule_id, f, n, **c) for f, n, c in (fits, misses))
    priced = book(rule_id, misses[0], misses[1], state="soft", **misses[2])
    today = Solution({"S": "today"}, {f"A{k}": "C1" for k in range(3)})

    assert not evaluate(inside, today).bends
    assert sum(b.amount for b in evaluate(outside, today).violations) == pytest.approx(amount, rel=1e-9)
    cost = rules(**{rule_id: {"price": 100.0 * CHEAP}})[rule_id].price * amount / 300_000.0
    assert evaluate(priced, today).soft_cost == pytest.approx(cost, rel=1e-9)
    for method in ("decomposed", "joint"):
        ends = [solve(p, Settings(method=method), engines=engines) for p in (inside, outside, priced)]
        assert [e.status for e in ends] == [Status.OPTIMAL, Status.INFEASIBLE, Status.OPTIMAL]
        assert ends[2].evaluation.soft_cost == pytest.approx(cost, rel=1e-9)
