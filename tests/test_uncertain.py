"""Values over draws: averages, chances, caution, and what is recommended; against brute force where it is small."""

from __future__ import annotations

from dataclasses import replace

import agreement
import brute_force
import numpy as np
import pytest
from builders import account, apart, csm, problem, response, segment
from solved import result_of, small_problem, with_plan

from optcomp.advice import recommend
from optcomp.average import MOST_PLANS, refuse_many, with_draws
from optcomp.cautious import BLEND, blended, hardest_weights
from optcomp.errors import InputError
from optcomp.evaluate import current_solution, evaluate, nrr_by_draw
from optcomp.plan import GridSpec, MenuSpec
from optcomp.response.belief import Belief
from optcomp.response.parameters import Saturating
from optcomp.solution import Solution
from optcomp.solve import Settings, Status, solve
from optcomp.studies.guardrails import is_quick, price_guardrails
from optcomp.uncertain import (
    LIKELY,
    honest_gain,
    shown_chance,
    today_by_draw,
    uncertainty,
    worst_mean,
    worst_weights,
)

BALANCED = "balanced b1 v0.2"


def belief(count: int = 6, *, is_identified: bool = True, scale: float = 1.0, honest: float = float("nan")) -> Belief:
    """Draws that differ in what incentives, hand-overs and load do; every other one under the saturating map."""
    rng = np.random.default_rng(5)
    drawn = []
    for k in range(count):
        effort, expand = scale * rng.normal(0.5, 0.5), scale * rng.normal(0.5, 0.5)
        one = response(
            renew=(effort, 0.0, 0.2) if k % 2 else (0.0, 0.0, 0.0),
            expand=(0.0, expand, 0.2) if k % 2 else (0.0, 0.0, 0.0),
            hand_renew=-float(rng.uniform(0.1, 0.8)),
            load_renew=float(rng.uniform(0.1, 0.6)),
        )
        second = Saturating(10_000.0, (effort, 0.1, 0.0, 0.3, 0.0, 0.0), (0.0, expand, 0.0, 0.1, 0.0, 0.0))
        drawn.append(one if k % 2 else replace(one, saturating=second))
    return Belief(tuple(drawn), is_identified, honest)


def uncertain_problem(**more):
    """Two segments, so that plans and books are chosen in both."""
    accounts = [account("A1"), account("A2", "C2", arr=50_000.0), account("B1", "C3", segment="T")]
    people = [csm("C1"), csm("C2", hours=120.0), csm("C3", segment="T")]
    where = problem(
        accounts, people, segments=[segment(), segment("T", mix="base-only")],
        menu=MenuSpec((1.0,), (0.2,), ("balanced", "active")), **more,
    )  # fmt: skip
    return replace(where, belief=belief())


# ---- averages -------------------------------------------------------------------------------------------------------


def test_the_average_is_the_mean_of_the_exact_values_of_every_draw():
    """Whatever the plans and books: the mean of the non-linear value, not the value at the mean."""
    where = uncertain_problem().averaged(6)
    others = [p[1].plan_id for p in where.plans]
    moved = Solution({"S": others[0], "T": others[1]}, {"A1": "C2", "A2": "C1", "B1": "C3"})

    for solution in (current_solution(where), moved):
        alone = [evaluate(member, solution).nrr for member in where.members]
        assert evaluate(where, solution).nrr == pytest.approx(np.mean(alone), abs=1e-12)
        assert nrr_by_draw(where, solution) == pytest.approx(alone, abs=1e-12)


def test_today_is_worth_the_same_whatever_pay_does():
    """Plan effects count from today's plan under both maps."""
    where = uncertain_problem()
    bland = replace(where, belief=belief(scale=0.0).changed(lambda r: replace(r, saturating=None)))
    lively = replace(
        where,
        belief=belief(scale=0.0).changed(
            lambda r: replace(r, saturating=Saturating(10_000.0, (2.0,) * 6, (2.0,) * 6)) if r.saturating else r
        ),
    )

    assert today_by_draw(lively) == pytest.approx(today_by_draw(bland), abs=1e-12)


@pytest.mark.parametrize("weights", [(1 / 6,) * 6, (0.4, 0.3, 0.1, 0.1, 0.05, 0.05)])
def test_every_path_proves_the_best_average(weights, engines):
    """Brute force, pools and the joint program agree with any weights."""
    assert agreement.disagreements(replace(uncertain_problem(), weights=weights), engines) == []


def test_tables_and_single_solutions_give_the_same_average():
    where = uncertain_problem().averaged(4)
    account_rows, csm_rows = where.allowed.account, where.allowed.csm
    own = where.csms.segment[csm_rows] == 0
    pairs = where.pairs(account_rows[own], csm_rows[own])
    all_plans = np.arange(len(where.plans[0]))

    table = where.predict_many(pairs, 0, where.plan_numbers(0, all_plans)).total
    again = replace(where).predict(pairs, 0, 1).total

    assert table[1] == pytest.approx(again, abs=1e-9)


def test_some_draws_come_from_both_maps():
    some = belief(6).some(4)

    assert len(some.responses) == 4
    assert sum(r.saturating is not None for r in some.responses) == 2
    assert belief(6).some(99) == belief(6)


def test_without_draws_nothing_is_averaged():
    where = small_problem()

    assert with_draws(where, None).weights == ()
    assert with_draws(uncertain_problem(), 0).weights == ()
    assert len(with_draws(uncertain_problem(), None).weights) == 6


def test_a_menu_that_only_pruning_makes_small_is_refused():
    """One plan more than can be worked out under every draw."""
    plans = small_problem().plans[0][:1]

    refuse_many("S", plans * MOST_PLANS)
    with pytest.raises(InputError, match="under every draw"):
        refuse_many("S", plans * (MOST_PLANS + 1))


# ---- chances --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "share", "mean"),
    [
        ([3.0, 1.0, 2.0, 4.0, 5.0], 0.2, 1.0),
        ([3.0, 1.0, 2.0, 4.0], 0.5, 1.5),
        ([1.0, 3.0, 9.0], 0.5, (1 + 3 / 2) / 1.5),
    ],
)
def test_the_worst_share_counts_the_edge_in_part(values, share, mean):
    """Of three values the worst half is one and a half of them."""
    assert worst_mean(np.array(values), share) == pytest.approx(mean)
    assert worst_weights(np.array(values), share).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("chance", "is_identified", "shown"),
    [
        (0.87, True, 0.85),
        (0.88, True, 0.9),
        (1.0, True, 1.0),
        (1.0, False, 0.95),
        (0.0, False, 0.05),
        (0.5, False, 0.5),
    ],
)
def test_chances_are_shown_in_steps_and_never_as_certain_without_evidence(chance, is_identified, shown):
    assert shown_chance(chance, is_identified=is_identified) == shown


def test_an_honest_gain_is_smaller_and_a_loss_stays_whole():
    assert honest_gain(2.0, 0.5) < honest_gain(2.0, 1.0) < 2.0
    assert honest_gain(2.0, float("nan")) == honest_gain(2.0, 1.0)
    assert honest_gain(-2.0, 0.5) == -2.0


def test_uncertainty_is_none_without_draws_and_paired_with_them():
    where = uncertain_problem()

    assert uncertainty(small_problem(), current_solution(small_problem())) is None
    known = uncertainty(where, current_solution(where))
    assert known is not None
    assert (known.uplift, known.bad_case) == (0.0, 0.0)  # today against itself: what is common cancels
    assert known.nrr_low < known.nrr_high


# ---- caution --------------------------------------------------------------------------------------------------------


def test_weights_stay_in_the_risk_set_and_bound_every_gain():
    """Under the hardest weights the best gain is no better than under any others of the set."""
    rng = np.random.default_rng(1)
    gains = [rng.normal(size=20) for _ in range(4)]

    weights, value = hardest_weights(gains)

    assert weights.sum() == pytest.approx(1.0)
    assert weights.min() >= (1.0 - BLEND) / 20 - 1e-9
    assert value == pytest.approx(max(float(weights @ g) for g in gains), abs=1e-6)
    assert value >= max(blended(g) for g in gains) - 1e-9


def test_caution_finds_the_best_blend_within_its_proved_gap(engines):
    """Brute force over every plan and book of a small team."""
    where = uncertain_problem()
    today = today_by_draw(where)
    best = max(
        blended(100.0 * (nrr_by_draw(where, s) - today))
        for s in brute_force.every_solution(where)
        if not evaluate(where, s).violations
    )

    result = solve(where, Settings(risk="cvar", draws=6, gap_pp=0.01, workers=1), engines=engines)

    assert result.caution is not None
    assert result.caution.bound >= best - 1e-6
    assert result.caution.value <= best + 1e-6
    assert best - result.caution.value <= result.caution.gap_pp + 1e-6
    assert result.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert (result.status is Status.OPTIMAL) == (result.caution.gap_pp <= 0.01 + 1e-9)


@pytest.mark.parametrize("risk", ["cvar", "likely"])
def test_caution_keeps_constraints_of_ones_own(risk, engines):
    """Whoever changes hands may be lost, so today is safest; but A1 and A2, whom C1 has, are to be apart."""
    lost = Belief(tuple(response(hand_renew=-x) for x in (1.0, 2.0, 3.0)), True)
    where = replace(small_problem(menu=MenuSpec()), belief=lost)

    result = solve(where, Settings(risk=risk, draws=3, workers=1, hooks=(apart("A1", "A2"),)), engines=engines)

    assert result.caution is not None
    assert result.solution is not None
    assert result.solution.csm_by_account["A1"] != result.solution.csm_by_account["A2"]


def leaning(chance_of_ten: int) -> Belief:
    """Ten draws: incentives help a lot in so many, and harm a little in the others."""
    good, bad = (response(renew=(x, 0.0, x), expand=(0.0, x, x)) for x in (2.0, -0.4))
    return Belief((good,) * chance_of_ten + (bad,) * (10 - chance_of_ten), True)


@pytest.mark.parametrize(("chance_of_ten", "is_careful"), [(8, False), (7, True)])
def test_what_is_not_likely_better_is_looked_at_with_caution(chance_of_ten, is_careful, engines):
    """Both sides of 80 %: the best on average stands, or gives way to what caution finds by itself."""
    where = replace(small_problem(), belief=leaning(chance_of_ten))
    ways = {
        risk: solve(where, Settings(risk=risk, draws=10, workers=1), engines=engines)
        for risk in ("mean", "cvar", "likely")
    }

    assert uncertainty(ways["mean"].problem, ways["mean"].solution).chance == chance_of_ten / 10
    assert (ways["likely"].caution is not None) == is_careful
    assert ways["likely"].solution == ways["cvar" if is_careful else "mean"].solution
    assert ways["likely"].objective_bound == pytest.approx(ways["mean"].objective_bound, abs=1e-9)


def test_without_draws_likely_is_the_plain_solve(engines):
    assert solve(small_problem(), Settings(risk="likely", workers=1), engines=engines).caution is None


def test_caution_without_draws_is_refused(engines):
    with pytest.raises(InputError, match="no draws"):
        solve(small_problem(), Settings(risk="cvar"), engines=engines)


def test_a_guardrail_costs_what_the_solve_without_it_finds(engines):
    """A rule that is off has no price."""
    where = small_problem()
    result = solve(where, Settings(workers=1), engines=engines)

    prices = price_guardrails(result, Settings(workers=1), engines=engines)

    assert {p.rule for p in prices} == {r for r in ("max_weight", "moves") if where.rules[r].is_on}
    assert all(0.0 <= p.points <= (p.most or np.inf) + 1e-6 for p in prices)


def test_only_short_solves_are_priced_without_being_asked():
    """A grid of plans is no short solve, nor are many accounts."""
    where = small_problem()
    menu = where.instance.menu
    on_grid = replace(where, instance=replace(where.instance, menu=replace(menu, grid=GridSpec(("GRR", "EXP")))))
    accounts = tuple(replace(where.instance.accounts[0], account_id=f"A{k}") for k in range(2_501))
    large = replace(where, instance=replace(where.instance, accounts=accounts))

    assert (is_quick(where), is_quick(on_grid), is_quick(large)) == (True, False, False)


# ---- what is recommended --------------------------------------------------------------------------------------------


def with_fit(known: Belief):
    where = small_problem(response_model=response(renew=(1.0, 0.0, 1.0), expand=(0.0, 2.0, 1.0)))
    return replace(where, response=replace(where.response, origin="fitted"), belief=known)


def advice_of(known: Belief):
    where = with_fit(known)
    result = result_of(where, with_plan(where, BALANCED))
    return recommend(result, 0.0, uncertainty(where, result.solution))


def sure(*, is_identified: bool) -> Belief:
    """Draws that all say that incentives help."""
    one = response(renew=(1.0, 0.0, 1.0), expand=(0.0, 2.0, 1.0))
    return Belief((one,) * 4, is_identified)


def harmful() -> Belief:
    """Draws that mostly say that incentives harm."""
    good, bad = (response(renew=(x, 0.0, x), expand=(0.0, x, x)) for x in (1.0, -1.0))
    return Belief((good, bad, bad, bad), True)


def test_a_change_that_is_likely_better_is_adopted_with_what_is_likely_to_come_true():
    advice = advice_of(sure(is_identified=True))

    assert advice.verdict == "adopt"
    assert "likely to come true" in advice.why


def test_a_change_of_plan_that_the_history_cannot_judge_is_piloted():
    assert advice_of(sure(is_identified=False)).verdict == "pilot"


def test_a_change_that_is_not_likely_enough_is_piloted_and_says_how_likely_it_is():
    advice = advice_of(harmful())

    assert advice.verdict == "pilot"
    assert f"at least {100 * LIKELY:.0f} %" in advice.why


def test_sure_books_do_not_carry_doubtful_plans():
    """All in all likely better; but with the same books the plans are so in 6 of 10 cases only."""
    where = with_fit(sure(is_identified=True))
    result = result_of(where, with_plan(where, BALANCED))
    known = uncertainty(where, result.solution)
    doubtful, good = (replace(known, plans_chance=x, plans_shown=x) for x in (0.6, LIKELY))

    assert known.chance == 1.0
    assert recommend(result, 0.0, doubtful).verdict == "pilot"
    assert "the new plans are better than today's in about 60 %" in recommend(result, 0.0, doubtful).why
    assert recommend(result, 0.0, good).verdict == "adopt"


def test_plans_are_held_against_todays_with_the_same_books():
    """Where only plans change it is the chance of the whole; where none does there is none."""
    where = with_fit(leaning(7))

    known = uncertainty(where, with_plan(where, BALANCED))

    assert known.plans_chance == known.chance == 0.7
    assert uncertainty(where, current_solution(where)).plans_chance is None


def test_the_chance_of_plans_is_not_that_of_the_books():
    """Every plan and book of a small team: the same books under today's plans are what counts."""
    where = uncertain_problem()
    today = current_solution(where).plan_by_segment
    for solution in brute_force.every_solution(where):
        known = uncertainty(where, solution)
        same_books = nrr_by_draw(where, replace(solution, plan_by_segment=today))

        if solution.plan_by_segment != today:
            assert known.plans_chance == (nrr_by_draw(where, solution) > same_books).mean()
