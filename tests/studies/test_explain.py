"""Every sentence of an explanation is true: each claim is computed again on generated problems."""

from __future__ import annotations

import math
from collections import Counter

import claim_oracle
import strategies
from builders import account, csm, problem, rules
from hypothesis import HealthCheck, Phase, given, seed, settings

from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.claims import Claim, between, gain_or_loss
from optcomp.studies.explain import Explainer
from optcomp.studies.explain_csm import explain_csm
from optcomp.studies.explain_plan import PlanExplainer
from optcomp.studies.resolve import Resolver

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


def test_five_hundred_claims_of_every_kind_and_none_is_false(engines: Engines):
    counted: Counter[str] = Counter()

    @seed(20271102)
    @settings(
        max_examples=45, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.nested_given, HealthCheck.too_slow],
    )  # fmt: skip
    @given(strategies.problems())
    def check(where: Problem) -> None:
        found = explained(where, engines)
        if found is not None:
            claims, oracle = found
            assert [c for c in claims if not oracle.is_true(c)] == []
            counted.update(c.kind for c in claims)

    check()

    assert sum(counted.values()) >= ENOUGH, counted
    assert set(counted) >= {
        "where", "move", "move_breaks", "parts", "would", "forbidden", "insist", "without", "book", "csm_book",
        "csm_moves", "csm_load", "more_hours", "plan", "today_plan", "shift", "runner_up",
    }, counted  # fmt: skip


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
    assert (
        "A1 cannot go to C2 with nothing else changed: hours would be broken by 50.00 hours a year (C2)." in sentences
    )
    assert "It could go there if C2 had 50 more hours a year." in sentences
