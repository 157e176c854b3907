"""Every sentence of an explanation is true: each claim is computed again on generated problems."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import claim_oracle
import strategies
from builders import account, apart, csm, problem, rules, segment
from hypothesis import HealthCheck, Phase, given, seed, settings
from planted import planted

from optcomp.evaluate import evaluate
from optcomp.hooks import hook_violations
from optcomp.menu import grid_mixes
from optcomp.plan import GridSpec, MenuSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.claims import Claim, between, gain_or_loss, price
from optcomp.studies.explain import Explainer
from optcomp.studies.explain_csm import explain_csm
from optcomp.studies.explain_plan import PlanExplainer
from optcomp.studies.resolve import Resolver
from optcomp.words import measured

ENOUGH = 500


def explained(where: Problem, engines: Engines) -> tuple[list[Claim], claim_oracle.Oracle] | None:
    """Every claim about the best solution of a tiny problem, or None where there is none."""
    result = solve(where, Settings(gap_pp=1e-3, workers=1), engines=engines)
    if result.solution is None or not math.isfinite(result.objective_bound):
        return None
    explainer = Explainer(where, result.solution, Resolver(where, result.solution, engines.main))
    claims: list[Claim] = []
    for name in where.accounts.ids[:2]:
        claims += explainer.account(name)
        for to in where.csms.ids[:2]:
            claims += explainer.insist(name, to)
    claims += explain_csm(explainer, where.csms.ids[0])
    plans = PlanExplainer(explainer, result.objective_bound * where.total_arr, engines)
    claims += plans.explain(where.segments[0].name)
    return claims, claim_oracle.Oracle(where, result.solution)


# Rules that are on in the examples, and how many examples: rules that limit books and moves leave most to explain.
FOCUS = ((strategies.SWITCHED, 35), (strategies.LIMIT_RULES, 25), ((*strategies.MONEY_RULES, "moves", "locks"), 15))


def test_five_hundred_claims_of_every_kind_and_none_is_false(engines: Engines):
    counted: Counter[str] = Counter()

    def check(focus: Sequence[str], count: int) -> None:
        @seed(20271102)
        @settings(
            max_examples=count, deadline=None, database=None, phases=[Phase.generate],
            suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.nested_given, HealthCheck.too_slow],
        )  # fmt: skip
        @given(strategies.problems(focus))
        def of_some(where: Problem) -> None:
            found = explained(where, engines)
            if found is not None:
                claims, oracle = found
                assert [c for c in claims if not oracle.is_true(c)] == []
                counted.update(c.kind for c in claims)

        of_some()

    for focus, count in FOCUS:
        check(focus, count)

    assert sum(counted.values()) >= ENOUGH, counted
    assert set(counted) >= {
        "where", "held", "let_go", "move", "next_best", "move_breaks", "parts", "would", "could", "forbidden", "insist",
        "impossible", "stay_if", "without", "only", "book", "csm_book", "csm_moves", "csm_load", "room", "more_hours",
        "plan", "today_plan", "shift", "runner_up", "no_other_plan", "only_plan", "more_budget", "more_moves",
        "move_price",
    }, counted  # fmt: skip


def test_the_runner_up_of_a_grid_may_be_a_plan_that_only_the_chosen_one_beats(engines: Engines):
    """A bonus for results of the team is worth less than one for those of everybody's own book, and more than none."""
    grid = GridSpec(("RES",), step=1.0, scopes=("individual", "team"))
    accounts, people = [account("A1", "C1"), account("A2", "C2")], [csm("C1"), csm("C2")]
    segments = [segment(mix="base-only")]
    on_grid = problem(accounts, people, menu=MenuSpec((1.0,), (0.2,), (), grid), segments=segments)
    mixes = {m.name: m for m in grid_mixes(grid)}
    named = problem(accounts, people, menu=MenuSpec((1.0,), (0.2,), tuple(mixes)), segments=segments)
    named = replace(named, mixes={**named.mixes, **mixes})
    result = solve(on_grid, Settings(gap_pp=1e-4, workers=1), engines=engines)
    assert result.solution is not None
    chosen = result.solution.plan_by_segment["S"]
    assert chosen != "today"
    assert len(on_grid.plans[0]) < len(named.plans[0])

    explainer = Explainer(on_grid, result.solution, Resolver(on_grid, result.solution, engines.main))
    plans = PlanExplainer(explainer, result.objective_bound * on_grid.total_arr, engines)
    claim = next(c for c in plans.explain("S") if c.kind == "runner_up")

    worth = {
        p.plan_id: evaluate(named, replace(result.solution, plan_by_segment={"S": p.plan_id})).objective
        for p in named.plans[0]
    }
    second = max((usd, name) for name, usd in worth.items() if name != chosen)
    exact = (worth[chosen] - second[0]) * on_grid.total_arr
    assert claim.numbers["low"] - 1.0 <= exact <= claim.numbers["high"] + 1.0
    assert claim.numbers["other"] == second[1]
    assert second[1] not in {p.plan_id for p in on_grid.plans[0]}


def test_what_a_constraint_of_ones_own_forbids_is_explained_and_kept(engines: Engines):
    """Everybody is best off with the skilled C1, and A1 and A2 may not share a CSM."""
    where = planted("locks", "off")
    hooks = (apart("A1", "A2"),)
    result = solve(where, Settings(gap_pp=1e-4, workers=1, hooks=hooks), engines=engines)
    assert result.solution is not None
    other = next(a for a in ("A1", "A2") if result.solution.csm_by_account[a] != "C1")
    resolver = Resolver(where, result.solution, engines.main, hooks=hooks)

    claims = Explainer(where, result.solution, resolver).insist(other, "C1")

    oracle = claim_oracle.Oracle(where, result.solution)
    allowed = [
        (s, usd) for s, usd in oracle.everything if not hook_violations(hooks, where, s) and oracle.same_plans(s)
    ]
    there = max(usd for s, usd in allowed if s.csm_by_account[other] == "C1")
    insist = next(c for c in claims if c.kind == "insist")
    assert [c.kind for c in claims if "cannot stay with C1" in c.sentence] == ["own_breaks"]
    assert insist.numbers["low"] - oracle.slack <= max(usd for _, usd in allowed) - there
    assert max(usd for _, usd in allowed) - there <= insist.numbers["high"] + oracle.slack
    assert there < oracle.top(lambda s: oracle.same_plans(s) and s.csm_by_account[other] == "C1") - 1.0


def test_an_amount_has_no_more_digits_than_it_needs_and_one_is_singular():
    assert measured(60.0, "hours a year") == "60 hours a year"
    assert measured(1.0, "accounts") == "1 account"
    assert measured(0.25, "points") == "0.25 points"


def test_prices_of_one_unit_are_rounded_outwards():
    assert price(32_433.0, 37_399.0, 14_662.5, "USD") == "$2.21 to $2.56"
    assert price(11_560.0, 11_735.0, 63.0, "USD") == "$183 to $187"
    assert price(299.5, 300.0, 100.0, "USD") == "$2.99 to $3.00"


def test_ranges_are_rounded_outwards():
    assert between(2_900.6, 3_100.2, "USD") == "costs at least $2,900 and at most $3,101"
    assert between(0.4, 120.0, "USD") == "costs at most $120: too close to call"
    assert between(5.0, math.inf, "USD") == "costs at least $5; how much at most is not known"


def test_a_gain_of_nothing_is_called_nothing():
    assert gain_or_loss(0.2, "USD") == "change nothing to speak of"
    assert gain_or_loss(-3_100.0, "USD") == "lose $3,100"


def test_an_account_that_does_not_fit_is_told_what_is_missing(engines: Engines):
    """C2 has 150 hours for two accounts of 100; 50 more would do."""
    where = problem(
        [account("A1", "C1"), account("A2", "C2")],
        [csm("C1", hours=150.0), csm("C2", hours=150.0)],
        rules=rules(hours={"ceiling": 1.0}),
    )
    result = solve(where, Settings(workers=1), engines=engines)
    assert result.solution is not None

    claims = Explainer(where, result.solution, Resolver(where, result.solution, engines.main)).insist("A1", "C2")

    oracle = claim_oracle.Oracle(where, result.solution)
    assert all(oracle.is_true(c) for c in claims)
    sentences = " ".join(c.sentence for c in claims)
    assert "A1 cannot go to C2 with nothing else changed: hours would be broken by 50 hours a year (C2)." in sentences
    assert "It could go there if C2 had 50 more hours a year." in sentences
