"""The response: effort index on paper, load curve, turnover, and what is predicted for pairs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from builders import account, csm, problem, response, segment

from optcomp.formulation.outcome import FIRST_LOADS
from optcomp.instance import Pair
from optcomp.plan import Component, Mix, Plan
from optcomp.problem import Problem
from optcomp.response.effort import PlanEffects, plan_effects
from optcomp.response.load import load_cost
from optcomp.response.outcome import logit, sigmoid
from optcomp.response.turnover import quit_probability


def effects(mix: Mix, *, base: float = 86_400.0, share: float = 0.2, heads: int = 10) -> PlanEffects:
    """Effects of one plan; $86,400 at 20 % is $108,000 OTE with $21,600 variable."""
    model = response()
    plan = Plan("p", mix, 1.0, share)
    return plan_effects([plan], mean_base=base, heads=heads, effort=model.effort, attainment=model.attainment)


def test_phi_is_that_of_the_worked_units_check() -> None:
    """z = (1.696, 1.068, 0.654), Z = 3.418: log(.9941 · z / Z) - log(b / sum b), worked with all digits.

    SCIENCE section 6 prints (-.01, +.21, -.27): it rounds the share .3126 to .31 on the way, hence 0.01 against it.
    """
    mix = Mix("units", (Component("GRR", 0.4), Component("EXP", 0.4), Component("CSAT", 0.2)))
    z = np.array([1.1 + 0.6 * (0.864 + 0.3 * 0.432), 0.55 + 0.6 * 0.864, 0.55 + 0.6 * 0.4 * 0.432])
    exact = np.log((z.sum() / 3.5) ** 0.25 * z / z.sum()) - np.log([0.5, 0.25, 0.25])

    assert effects(mix).phi[0] == pytest.approx(exact, abs=1e-12)
    assert exact == pytest.approx([-0.01, 0.21, -0.27], abs=0.01)


def test_no_incentive_has_no_effect_but_that_of_the_reference() -> None:
    """Base only: shares are the intrinsic ones, and phi = eta · log(sum b / Z_ref) for every task."""
    assert effects(Mix("none", ()), share=0.0).phi[0] == pytest.approx(np.full(3, 0.25 * np.log(2.2 / 3.5)), abs=1e-12)


def test_more_money_means_more_effort_with_falling_return() -> None:
    """On the paid task."""
    mix = Mix("exp", (Component("EXP", 1.0),))
    phi = [effects(mix, share=v).phi[0, 1] for v in (0.0, 0.1, 0.2, 0.3)]

    steps = np.diff(phi)
    assert (steps > 0.0).all()


def test_a_team_result_pulls_less_in_a_larger_team() -> None:
    """n^-psi: alone it pulls in full."""
    own, team = Component("EXP", 1.0), Component("EXP", 1.0, scope="team")
    alone = effects(Mix("own", (own,)), heads=1).phi[0, 1]

    assert effects(Mix("team", (team,)), heads=1).phi[0, 1] == pytest.approx(alone)
    assert effects(Mix("team", (team,)), heads=20).phi[0, 1] < effects(Mix("team", (team,)), heads=5).phi[0, 1] < alone


def test_the_load_curve_is_convex_and_zero_at_load_one_and_none() -> None:
    """kappa · L · log(L / H)."""
    hours = np.linspace(0.0, 3000.0, 301)
    cost = load_cost(2.0, hours, np.full(301, 1000.0), 1.0)

    assert cost[0] == 0.0
    assert load_cost(2.0, np.array([1000.0]), np.array([1000.0]), 1.0)[0] == 0.0
    assert (np.diff(cost, 2) >= -1e-9).all()
    assert cost.min() == pytest.approx(-2.0 * 1000.0 / np.e, rel=1e-3)


def test_tangents_lie_below_the_load_curve_by_no_more_than_stated() -> None:
    """Between neighbours 4 % apart at most rho · 0.04² / 8 of kappa · H."""
    rho = np.linspace(FIRST_LOADS[0], FIRST_LOADS[-1], 20_001)
    tangents = np.max([rho * (np.log(m) + 1.0) - m for m in FIRST_LOADS], axis=0)

    missed = rho * np.log(rho) - tangents
    assert missed.min() >= -1e-12
    assert (missed <= rho * 0.04**2 / 8.0 * 1.03).all()  # 3 %: the next order of the series


def test_a_plan_that_takes_hours_is_a_busier_book() -> None:
    """kappa · L · log(g L / H) = kappa · L · log(L / H) + kappa · L · log g."""
    hours, there = np.array([800.0]), np.array([1000.0])

    extra = load_cost(3.0, hours, there, 1.1) - load_cost(3.0, hours, there, 1.0)
    assert extra[0] == pytest.approx(3.0 * 800.0 * np.log(1.1))


def test_at_market_pay_a_fifth_leave() -> None:
    """20 % is `base_quit`, at market OTE and the reference variable share; better pay keeps people."""
    turnover = response().turnover

    def chance(ote: float) -> float:
        return float(quit_probability(*(np.array([x]) for x in (ote, 100.0, 0.2, 2.0)), turnover)[0])

    assert chance(100.0) == pytest.approx(0.2)
    assert chance(110.0) < 0.2 < chance(90.0)


def one(*, pairs: tuple[Pair, ...] = (), **facts: object) -> Problem:
    """One account with C1 today, and C2 beside."""
    people = [csm("C1", market_ote=92_000.0), csm("C2", market_ote=92_000.0)]
    return problem([account("A", **facts)], people, pairs=pairs, segments=[segment(mix="base-only")])


def kept(tiny: Problem, owner: int, plan: int = 0) -> float:
    """ARR kept of the account with a CSM under a plan, in USD."""
    return float(tiny.predict(tiny.pairs(np.array([0]), np.array([owner])), 0, plan).kept[0])


def test_own_predictions_are_the_baseline_at_todays_plan_and_csm() -> None:
    """The log-odds of the pair with today's CSM are those of the prediction, whatever fit and health say."""
    tiny = one(renewal_probability=0.7, expansion=0.1, contraction=0.05, health=10.0, complexity=5.0)
    pair = tiny.pairs(np.array([0]), np.array([0]))

    assert sigmoid(pair.renew)[0] == pytest.approx(0.7)
    assert sigmoid(pair.expand)[0] == pytest.approx(0.1)
    assert (pair.depth * sigmoid(pair.contract))[0] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("renewal", "share"),
    [(date(2027, 2, 1), 1.0), (date(2027, 6, 30), 1.0), (date(2027, 7, 1), 0.0), (None, 0.5), (date(2028, 1, 1), 0.0)],
)
def test_a_hand_over_counts_for_renewals_within_two_quarters(renewal: date | None, share: float) -> None:
    """Full, none, and half where no date is known; fit is the same for both CSMs."""
    tiny = one(renewal_date=renewal)
    stay, move = (tiny.pairs(np.array([0]), np.array([j])) for j in (0, 1))
    fit = tiny.fit(np.array([0]), np.array([0]))[0]

    assert (move.renew - stay.renew)[0] == pytest.approx(-0.7 * (1.0 - 0.4 * fit) * share)
    assert (move.expand - stay.expand)[0] == pytest.approx(-0.15 / 2.0)


def test_an_account_that_is_not_due_is_kept() -> None:
    """It cannot churn or contract in the year, only expand."""
    tiny = one(renewal_date=date(2028, 5, 1), renewal_probability=0.1, contraction=0.4)

    assert kept(tiny, 0) == kept(tiny, 1) == 100_000.0


def test_a_new_plan_reaches_later_renewals_more() -> None:
    """Exposure 0, ½, 1, 1 by quarter."""
    step = []
    for month in (2, 5, 8, 11):
        tiny = one(renewal_date=date(2027, month, 1))
        pairs = tiny.pairs(np.array([0]), np.array([0]))
        step.append(float(tiny.shift(pairs, tiny.plan_numbers(0, np.array([1]))).renew[0, 0]))

    assert step[0] == 0.0
    assert step[1] == pytest.approx(step[2] / 2.0)
    assert step[2] == step[3] != 0.0


def test_a_pairs_value_is_used_as_it_is_under_every_plan() -> None:
    """120,000 of an account of 100,000: all kept and 20,000 added."""
    tiny = one(pairs=(Pair("A", "C2", value=120_000.0, hours=50.0, fit=1.0),))
    pair = tiny.pairs(np.array([0]), np.array([1]))

    for plan in (0, 1):
        predicted = tiny.predict(pair, 0, plan)
        assert (predicted.kept[0], predicted.expanded[0]) == (100_000.0, 20_000.0)
    assert pair.hours[0] == 50.0
    assert tiny.fit(np.array([0]), np.array([1]))[0] == 1.0


def test_a_pairs_probabilities_are_used_as_they_are() -> None:
    """Fit, skill and hand-over are in them already."""
    tiny = one(pairs=(Pair("A", "C2", renewal_probability=0.6, expansion=0.3, contraction=0.35),))
    pair = tiny.pairs(np.array([0]), np.array([1]))

    assert sigmoid(pair.renew)[0] == pytest.approx(0.6)
    assert sigmoid(pair.expand)[0] == pytest.approx(0.3)
    assert (pair.depth * sigmoid(pair.contract))[0] == pytest.approx(0.35, abs=1e-9)


def test_log_odds_of_certainty_stay_finite() -> None:
    """Predictions of 0 and 1 are allowed."""
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    assert sigmoid(logit(np.array([0.0, 0.3, 1.0]))) == pytest.approx([0.0, 0.3, 1.0], abs=1e-11)


def test_an_undated_account_is_due_by_its_term() -> None:
    """A 36-month contract is up with a chance of a third."""
    due = [one(renewal_date=None, term_months=months).accounts.due[0] for months in (6, 12, 36)]

    assert due == pytest.approx([1.0, 1.0, 1.0 / 3.0])


def test_a_joiner_gives_ramped_hours_and_a_leaver_those_until_the_end() -> None:
    """Hours of the year, not of a full one."""
    people = [
        csm("C1", status="joining", start=date(2027, 7, 1)),
        csm("C2", status="leaving", end=date(2027, 7, 1)),
        replace(csm("C3"), hours=None, fte=0.5),
    ]
    tiny = problem([account("A", csm=None)], people)

    assert tiny.csms.hours == pytest.approx([1000.0 * 184 / 365, 1000.0 * 181 / 365, 0.5 * 1950.0 * 0.8])
