"""Limits on both sides of their edge: what just fits bends nothing, what just does not is counted exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import pytest
from builders import MIXES, account, csm, problem, response, rules, segment
from planted import CHEAP, LOVED, lively

from optcomp.errors import CheckFailed
from optcomp.evaluate import current_solution, evaluate
from optcomp.instance import Account, Pair
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.rules import SPECS
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


# ---- rules on books and money: one solution is possible, and a rule allows it or not --------------------------------


def locked(name: str, owner: str, **more: object) -> Account:
    """An account that the locks rule, where it is on, keeps where it is."""
    return account(name, owner, locked=True, **more)


@dataclass(frozen=True)
class Case:
    """A rule with what just fits and what just does not, each as parts of a problem.

    `both` holds for both sides; a side may give `accounts`, `csms`, `books` (of the solution that is judged, else
    today's), `filled`, `numbers` (of the rule), and parts of `problem`. `more`: further rules, all hard.
    """

    rule_id: str
    name: str
    fits: Mapping[str, object]
    misses: Mapping[str, object]
    amount: float
    both: Mapping[str, object] = field(default_factory=dict)
    more: tuple[str, ...] = ("locks",)
    price: float = 3_000.0  # a USD amount that no gap of 0.01 points hides


PEOPLE = {"csms": [csm("C1"), csm("C2")]}
ALONE = {"csms": [csm("C1")]}
EQUAL = {**PEOPLE, "response_model": response(fit_renew=0.0, fit_expand=0.0)}  # own predictions are potentials
QUARTERLY = {**PEOPLE, "segments": [segment(mix="quarterly")]}
QUARTER = ("C1", "C1", "C2")

CASES = [
    # 300 h for 2 × 1,000 h is 150 each; C1 has 200 h and C2 100 h, a third of 150 off.
    Case(
        "workload_spread",
        "both ends",
        {"numbers": {"spread": 1 / 3}},
        {"numbers": {"spread": 0.3}},
        2 * (50 - 45),
        {**PEOPLE, "accounts": [locked(f"A{k}", who) for k, who in enumerate(QUARTER)]},
        price=10.0,
    ),
    # Renewal at 0.8 and 0.6 of 100,000 USD each: both are 10,000 off 70,000.
    Case(
        "equal_chance",
        "renewal",
        {"numbers": {"tolerance": 1 / 7}},
        {"numbers": {"tolerance": 0.1}},
        2 * (10_000 - 7_000),
        {
            **EQUAL,
            "accounts": [
                locked("A0", "C1", renewal_probability=0.8, contraction=0.0),
                locked("A1", "C2", renewal_probability=0.6, contraction=0.0),
            ],
        },
        price=1.0,
    ),
    # Nobody renews; an expansion at 0.04 and 0.02 a quarter, of 20,000 USD: 3,200 and 1,600, both 800 off 2,400.
    Case(
        "equal_chance",
        "expansion",
        {"numbers": {"tolerance": 1 / 3}},
        {"numbers": {"tolerance": 0.3}},
        2 * (800 - 720),
        {
            **EQUAL,
            "accounts": [
                locked("A0", "C1", renewal_date=date(2029, 6, 1), expansion=0.04),
                locked("A1", "C2", renewal_date=date(2029, 6, 1), expansion=0.02),
            ],
        },
        price=1.0,
    ),
    # Three renewals of one size in a quarter for two: an even share is 1.5, and C2 has 1 of it, by count and by ARR.
    Case(
        "renewals_due",
        "count and ARR",
        {"numbers": {"min_share": 2 / 3}},
        {"numbers": {"min_share": 0.8}},
        2 * (1.2 - 1),
        {**QUARTERLY, "accounts": [locked(f"A{k}", who) for k, who in enumerate(QUARTER)]},
    ),
    # Four renewals, 150,000 USD on average, 2 an even share: C2's one is two by ARR.
    Case(
        "renewals_due",
        "count",
        {"numbers": {"min_share": 0.5}},
        {"numbers": {"min_share": 0.6}},
        1.2 - 1,
        {**QUARTERLY, "accounts": [*(locked(f"A{k}", "C1") for k in range(3)), locked("A3", "C2", arr=300_000.0)]},
    ),
    # Two renewals, 100,000 USD on average, 1 an even share: C2's one is a half by ARR.
    Case(
        "renewals_due",
        "ARR",
        {"numbers": {"min_share": 0.5}},
        {"numbers": {"min_share": 0.6}},
        0.6 - 0.5,
        {**QUARTERLY, "accounts": [locked("A0", "C1", arr=150_000.0), locked("A1", "C2", arr=50_000.0)]},
    ),
    Case(
        "renewals_due",
        "quarterly plans only",
        {"segments": [segment(mix="balanced")]},
        {"segments": [segment(mix="quarterly")]},
        2 * 1.0,
        {**PEOPLE, "numbers": {"min_share": 1.0}, "accounts": [locked("A0", "C1"), locked("A1", "C1")]},
    ),
    Case(
        "families",
        "three CSMs are two too many",
        {"accounts": [locked(f"A{k}", "C1", parent="P") for k in range(3)]},
        {"accounts": [locked(f"A{k}", f"C{k + 1}", parent="P") for k in range(3)]},
        2.0,
        {"csms": [csm("C1"), csm("C2"), csm("C3")]},
    ),
    Case(
        "locks",
        "the other CSM is forbidden, or the own",
        {"pairs": [Pair("A0", "C2", eligible=False)]},
        {"pairs": [Pair("A0", "C1", eligible=False)], "books": {"A0": "C2"}},
        1.0,
        {**PEOPLE, "accounts": [locked("A0", "C1")]},
        more=("forbidden_pairs",),
    ),
    # C1 may keep one of three.
    Case(
        "moves",
        "two are needed",
        {"numbers": {"max": 2}},
        {"numbers": {"max": 1}},
        1.0,
        {
            "accounts": [account(f"A{k}") for k in range(3)],
            "csms": [csm("C1", max_accounts=1), csm("C2")],
            "books": {"A0": "C1", "A1": "C2", "A2": "C2"},
        },
        more=("own_limits",),
    ),
    Case(
        "forbidden_pairs",
        "marked or not",
        {"pairs": [Pair("A0", "C1", eligible=True)]},
        {"pairs": [Pair("A0", "C1", eligible=False)]},
        1.0,
        {**ALONE, "accounts": [account("A0"), account("A1")]},
    ),
    Case(
        "eligible_segment",
        "own or other",
        {"accounts": [account("A0")]},
        {"accounts": [account("A0", segment="T")]},
        1.0,
        {**ALONE, "segments": [segment(mix="base-only"), segment("T", mix="base-only")]},
    ),
    Case(
        "eligible_region",
        "own or other; blank is no objection",
        {"accounts": [account("A0", region="EU"), account("A1")]},
        {"accounts": [account("A0", region="US"), account("A1")]},
        1.0,
        {"csms": [csm("C1", region="EU")]},
    ),
    Case(
        "eligible_language",
        "one of two or none",
        {"accounts": [account("A0", language="de"), account("A1", language="fr")]},
        {"accounts": [account("A0", language="es"), account("A1", language="it")]},
        2.0,
        {"csms": [csm("C1", languages=("de", "fr"))]},
    ),
    Case(
        "eligible_skill",
        "known or not",
        {"accounts": [account("A0", industry="bank")]},
        {"accounts": [account("A0", industry="retail")]},
        1.0,
        {"csms": [csm("C1", industries=("bank",))]},
    ),
    Case(
        "leavers",
        "stays or leaves",
        {"csms": [csm("C1")]},
        {"csms": [csm("C1", status="leaving", end=date(2027, 12, 31))]},
        2.0,
        {"accounts": [account("A0"), account("A1")]},
    ),
    # 80,000 USD of base for each of two.
    Case(
        "open_positions",
        "money for both or not",
        {"budget": 160_000.0, "filled": ("C2",)},
        {"budget": 159_990.0},
        1.0,
        {"accounts": [account("A0")], "csms": [csm("C1"), csm("C2", status="open")]},
        more=("budget",),
    ),
]


def built(case: Case, state: str, side: Mapping[str, object]) -> tuple[Problem, Solution]:
    """The problem of one side, and the solution that it is about."""
    parts = {"segments": [segment(mix="base-only")], "menu": MenuSpec((1.0,), (0.2,), ()), **case.both, **side}
    books, filled, numbers = (parts.pop(k, v) for k, v in (("books", {}), ("filled", ()), ("numbers", {})))
    further = {name: {"state": "hard"} for name in case.more}
    wanted = rules(**further, **{case.rule_id: {"state": state, "price": case.price, **numbers}})
    where = problem(parts.pop("accounts"), parts.pop("csms"), rules=wanted, **parts)
    today = current_solution(where)
    return where, Solution(today.plan_by_segment, {**today.csm_by_account, **books}, frozenset(filled))


@pytest.mark.parametrize("case", CASES, ids=[f"{c.rule_id}: {c.name}" for c in CASES])
def test_books_at_the_edge_of_a_rule_are_kept_and_those_over_it_are_not(case: Case, engines: Engines) -> None:
    """Exactly counted; hard is infeasible, soft costs price × amount, along both paths."""
    (inside, kept), (outside, bent) = built(case, "hard", case.fits), built(case, "hard", case.misses)
    is_priced = "soft" in SPECS[case.rule_id].states
    priced, _ = built(case, "soft" if is_priced else "hard", case.misses)
    over = [b for b in evaluate(outside, bent).bends if b.rule_id == case.rule_id]
    cost = case.price * case.amount / priced.total_arr

    assert not evaluate(inside, kept).bends
    assert sum(b.amount for b in over) == pytest.approx(case.amount, rel=1e-9)
    assert evaluate(outside, bent).violations == tuple(over)
    for method in ("decomposed", "joint"):
        how = Settings(method=method)
        assert solve(inside, how, engines=engines).status is Status.OPTIMAL
        assert solve(outside, how, engines=engines).status is Status.INFEASIBLE
        if is_priced:
            end = solve(priced, how, engines=engines)
            assert end.status is Status.OPTIMAL
            assert end.evaluation.soft_cost == pytest.approx(cost, rel=1e-9)


# ---- rules on plans: the one plan on the menu besides today's is there or not ---------------------------------------

READY = ("GRR", "EXP", "CSAT", "ACT", "TEAM", "LOGO")


def without(*metrics: str) -> dict[str, object]:
    """A team that is ready for the other metrics."""
    return {"ready_metrics": tuple(m for m in READY if m not in metrics)}


# rule, what just fits, what just does not, by how much. Keys: numbers, segment, menu (mix, base factor), base. The plan
# is half GRR, half EXP, with 0.2 behind a CSAT gate, at a variable share of 0.2 of OTE, unless said otherwise.
PLAN_EDGES: list[tuple[str, dict, dict, float]] = [
    ("max_components", {"numbers": {"max": 2}}, {"numbers": {"max": 1}}, 1.0),
    ("max_weight", {"numbers": {"max": 0.5}}, {"numbers": {"max": 0.4}}, 0.2),
    ("weight_bounds", {"numbers": {"max_grr": 0.5}}, {"numbers": {"max_grr": 0.4}}, 0.1),
    ("weight_bounds", {"numbers": {"min_exp": 0.5}}, {"numbers": {"min_exp": 0.6}}, 0.1),
    ("uncontrollable_share", {"numbers": {"max": 0.5}}, {"numbers": {"max": 0.45}}, 0.05),
    ("csat_as_gate", {}, {"menu": ("loved", 1.0)}, 0.5),
    ("gate_share", {"numbers": {"min": 0.2}}, {"numbers": {"min": 0.25}}, 0.05),
    ("gate_share", {"numbers": {"max": 0.2}}, {"numbers": {"max": 0.18}}, 0.02),
    ("ownership", {}, {"segment": {"owns_renewals": False}}, 0.5),
    ("ownership", {}, {"segment": {"owns_renewals": False, "owns_expansion": False}}, 1.0),
    ("readiness", {"segment": without("ACT", "TEAM", "LOGO")}, {"segment": without("GRR")}, 0.5),
    ("readiness", {"segment": without("ACT", "TEAM", "LOGO")}, {"segment": without("CSAT")}, 0.2),
    ("readiness", {"menu": ("active", 1.0), "segment": without("CSAT")}, {"segment": without("CSAT", "EXP")}, 0.7),
    ("variable_share", {"numbers": {"max": 0.2}}, {"numbers": {"max": 0.19}}, 0.01),
    ("variable_share", {"numbers": {"min": 0.2}}, {"numbers": {"min": 0.25}}, 0.05),
    ("pay_protection", {}, {"menu": ("balanced", 0.99)}, 800.0),
    # The band of the level is 90,000 to 120,000 USD of OTE, and OTE is base / 0.8.
    ("pay_bands", {"base": 72_000.0}, {"base": 71_992.0}, 10.0),
    ("pay_bands", {"base": 96_000.0}, {"base": 96_008.0}, 10.0),
    (
        "pay_bands",
        {"base": 68_400.0, "numbers": {"slack": 0.05}},
        {"base": 68_400.0, "numbers": {"slack": 0.04}},
        900.0,
    ),
]


def menu_of_one(rule_id: str, state: str, side: Mapping[str, object]) -> Problem:
    """Two accounts, a CSM, and a plan that is better than today's, which pays nothing."""
    mix, factor = side.get("menu", ("balanced", 1.0))
    where = problem(
        [account("A0"), account("A1")],
        [csm("C1", base=side.get("base", 80_000.0))],
        segments=[segment(mix="base-only", **side.get("segment", {}))],
        menu=MenuSpec((factor,), (0.2,), (mix,)),
        rules=rules(**{rule_id: {"state": state, "price": 1.0, **side.get("numbers", {})}}),
        response_model=lively(),
    )
    return replace(where, mixes={**MIXES, "loved": LOVED})


@pytest.mark.parametrize(("rule_id", "fits", "misses", "amount"), PLAN_EDGES)
def test_a_plan_at_the_edge_of_a_rule_is_on_the_menu_and_one_over_it_is_not(
    rule_id: str, fits: dict, misses: dict, amount: float, engines: Engines
) -> None:
    """Exactly counted; hard leaves today's plan only, soft costs price × amount, along both paths."""
    inside, outside = menu_of_one(rule_id, "hard", fits), menu_of_one(rule_id, "hard", misses)
    priced = menu_of_one(rule_id, "soft", misses)
    chosen, bent = (Solution({"S": where.plans[0][1].plan_id}, {"A0": "C1", "A1": "C1"}) for where in (inside, priced))
    cost = amount / priced.total_arr

    assert not evaluate(inside, chosen).bends
    assert len(outside.plans[0]) == 1
    with pytest.raises(CheckFailed, match="not on its menu"):
        evaluate(outside, bent)
    assert sum(b.amount for b in evaluate(priced, bent).bends) == pytest.approx(amount, rel=1e-9)
    for method in ("decomposed", "joint"):
        ends = [solve(p, Settings(method=method), engines=engines) for p in (inside, outside, priced)]
        assert [e.status for e in ends] == [Status.OPTIMAL] * 3
        assert [e.solution.plan_by_segment["S"] == "today" for e in ends] == [False, True, False]
        assert ends[2].evaluation.soft_cost == pytest.approx(cost, rel=1e-9)


def test_every_rule_has_both_sides_of_its_edge() -> None:
    """A rule that is added to the catalogue needs a case here."""
    assert {*(e[0] for e in EDGES), *(c.rule_id for c in CASES), *(e[0] for e in PLAN_EDGES)} == set(SPECS)
