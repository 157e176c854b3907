"""What must hold between the answers to related problems, up to the proven gaps."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from agreement import GAP, methods, solved
from builders import account, csm, response, rules, segment
from builders import problem as build
from planted import SETTINGS, lively, planted

from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, Result

SLACK = 2.0 * GAP  # points: each of two answers may be short by the gap
SOFT = {"hours": {"state": "soft", "ceiling": 0.5}, "budget": {}, "account_count": {}}


def team(*, budget: float = 172_000.0, names: str = "ABCD", changes: dict | None = None, **more: object) -> Problem:
    """Four accounts, two CSMs, three plans, a budget and prices that matter."""
    facts = [(0.6, 80_000.0), (0.7, 120_000.0), (0.9, 150_000.0), (0.95, 60_000.0)]
    people = [csm(f"{names}1", hours=350.0), csm(f"{names}2", hours=300.0, base=70_000.0)]
    accounts = [
        account(
            f"{names[k]}x",
            arr=arr,
            **{"csm": people[k % 2].csm_id, "renewal_probability": p, **(more if k == 0 else {})},
        )
        for k, (p, arr) in enumerate(facts)
    ]
    segments = [segment(mix="base-only", max_accounts=3)]
    menu = MenuSpec((1.0,), (0.1, 0.2), ("balanced",))
    settings = rules(**{**SOFT, **(changes or {})})
    skilled = replace(lively(), skill={people[0].csm_id: lively().skill["C1"]})
    return build(accounts, people, segments=segments, menu=menu, budget=budget, rules=settings, response_model=skilled)


def points(result: Result) -> tuple[float, float]:
    """Value and bound; -inf where nothing fits."""
    value = 100.0 * result.evaluation.objective if result.evaluation else float("-inf")
    return value, 100.0 * result.objective_bound


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_more_budget_never_hurts(method: str, engines: Engines) -> None:
    """And it does help somewhere, else the budget would not bind."""
    values = [points(solved(team(budget=b), method, engines))[0] for b in (155e3, 160e3, 165e3, 172e3, 180e3, 200e3)]

    assert all(b >= a - SLACK for a, b in itertools.pairwise(values))
    assert values[-1] > values[0] + 0.1


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_other_names_in_another_order_change_nothing(method: str, engines: Engines) -> None:
    """Ids only break ties."""
    renamed = team(names="zyxw")
    turned = replace(
        renamed,
        instance=replace(renamed.instance, accounts=renamed.instance.accounts[::-1], csms=renamed.instance.csms[::-1]),
    )

    before, after = solved(team(), method, engines), solved(turned, method, engines)

    assert points(after) == pytest.approx(points(before), abs=SLACK)


def test_cents_for_dollars_change_nothing(engines: Engines) -> None:
    """All money of facts, prices, bands and the pull per dollar in cents: the same ratios and the same decision."""
    tiny, model = team(), response()
    facts = tiny.instance
    cents = replace(
        tiny,
        instance=replace(
            facts,
            pay_budget=100.0 * facts.pay_budget,
            accounts=tuple(replace(a, arr=100.0 * a.arr) for a in facts.accounts),
            csms=tuple(replace(c, base=100.0 * c.base, variable=100.0 * c.variable) for c in facts.csms),
        ),
        response=replace(tiny.response, effort=replace(model.effort, pull=model.effort.pull / 100.0)),
        benchmarks=replace(
            tiny.benchmarks,
            bands={
                k: replace(
                    b,
                    base_low=100.0 * b.base_low,
                    base_high=100.0 * b.base_high,
                    ote_low=100.0 * b.ote_low,
                    ote_high=100.0 * b.ote_high,
                )
                for k, b in tiny.benchmarks.bands.items()
            },
        ),
        # A price in USD per hour, account, ... becomes cents per hour; a price per USD of pay stays as it is.
        rules=replace(
            tiny.rules,
            by_id={
                k: replace(r, price=r.price * (1.0 if r.spec.unit.startswith("USD") else 100.0))
                for k, r in tiny.rules.by_id.items()
            },
        ),
    )

    for method in methods(tiny):
        before, after = solved(tiny, method, engines), solved(cents, method, engines)
        assert points(after) == pytest.approx(points(before), abs=SLACK)
        assert after.solution == before.solution


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_lock_never_helps(method: str, engines: Engines) -> None:
    """It takes choices away."""
    for owner in ("ABCD1", "ABCD2"):
        locked = team(changes={"locks": {}}, csm=owner, locked=True)
        # A move has a cost of its own, so the free one starts from the same books.
        free = points(solved(team(changes={"locks": {}}, csm=owner), method, engines))[0]
        assert points(solved(locked, method, engines))[0] <= free + SLACK


@pytest.mark.parametrize("rule_id", sorted(set(SETTINGS) - {"leavers"}))
def test_relaxing_a_rule_never_hurts(rule_id: str, engines: Engines) -> None:
    """Hard, then soft, then off."""
    values = []
    for state in ("hard", "soft", "off"):
        tiny = planted(rule_id, state)
        values.append(points(solved(tiny, methods(tiny)[0], engines))[0])

    assert values[0] <= values[1] + SLACK
    assert values[1] <= values[2] + SLACK


def test_one_more_csm_never_hurts_when_pay_and_shares_do_not_depend_on_them(engines: Engines) -> None:
    """They may stay without a book: no rule here counts heads."""
    two = team(budget=1e9, changes={"account_count": {"state": "off"}})
    more = replace(two.instance, csms=(*two.instance.csms, csm("Z9", base=75_000.0)))  # the mean base stays the same

    few, many = (points(solved(p, "decomposed", engines))[0] for p in (two, replace(two, instance=more)))
    assert many >= few - SLACK


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_deciding_jointly_is_never_worse_than_one_after_the_other(method: str, engines: Engines) -> None:
    """Both are given to the joint solve as a start."""
    result = solved(team(), method, engines)

    for other in (result.pay_first, result.books_first):
        assert other is not None
        assert result.evaluation.objective >= other.objective


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_the_same_problem_has_the_same_answer_twice(method: str, engines: Engines) -> None:
    """Value, bound and decision, to the last digit."""
    first, second = solved(team(), method, engines), solved(team(), method, engines)

    assert first.solution == second.solution
    assert points(first) == points(second)
