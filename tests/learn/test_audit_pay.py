"""How pay is spread, what the book explains of it, and pay at equal effort: by hand, by brute force, and as planted."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from audit_plants import paid_as_reached

from optcomp.assemble import assemble, load
from optcomp.errors import InputError
from optcomp.learn.audit.audit import Audit, audit
from optcomp.learn.audit.book import FAIR_R2, index_of
from optcomp.learn.audit.distribution import ahead, convexity, gini, seen
from optcomp.learn.audit.equal_effort import FAIR_SPREAD
from optcomp.learn.audit.expected import CONTROLS, expect
from optcomp.learn.audit.fairness import inherited_risk
from optcomp.learn.audit.payline import dummies, lines, total_multiple
from optcomp.learn.history import History
from optcomp.learn.read_history import read_history
from optcomp.pay import expected_multiples
from optcomp.plan import Component, Curve, Gate, Plan
from optcomp.problem import Problem
from optcomp.types import FloatArray
from optcomp.world.world import make_world

TEAM = Path(__file__).resolve().parents[2] / "instances" / "team-of-15"


@cache
def company() -> tuple[History, Problem]:
    """40 CSMs under one plan, paid for renewals and expansion."""
    past = make_world("M", 2).live("one-plan")
    return past.history(), assemble(past.instance())


@cache
def team() -> Audit:
    problem = load(TEAM).problem
    return audit(read_history(TEAM, problem.instance)[0], problem)


def flat(history: History, reached: FloatArray) -> History:
    """Every component of the company paid in proportion to the same attainment."""
    for metric in history.csm_quarters.attainment:
        history = paid_as_reached(history, reached, metric)
    return history


# ---- how pay is spread ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 1.0, 1.0], 0.0), ([0.0, 0.0, 1.0], 2 / 3), ([1.0, 3.0], 0.25), ([0.0], np.nan), ([], np.nan)],
)
def test_gini_by_hand(values: list[float], expected: float) -> None:
    """1 and 3: the mean difference of two is (0 + 2 + 2 + 0) / 4 = 1, over twice the mean of 2: 0.25."""
    assert gini(np.array(values)) == pytest.approx(expected, nan_ok=True)


def test_every_figure_of_the_spread_is_that_of_the_payouts() -> None:
    """40 % of people are paid nothing, 40 % in full (the cap is 2), 20 % at target, in every quarter."""
    history, problem = company()
    csm = history.csm_quarters.csm
    level = np.array([0.0, 0.0, 1.0, 2.0, 2.0])[csm % 5]
    found = seen(flat(history, level), lines(flat(history, level)))

    for s, one in enumerate(found):
        mine = level[history.csm_quarters.segment == s]
        assert one.zero == pytest.approx((mine == 0.0).mean())
        assert one.full == pytest.approx((mine == 2.0).mean())
        assert (one.low, one.high) == (0.0, 2.0)
        assert 0.2 < one.below_half < 0.6
        assert one.gini == pytest.approx(0.5, abs=0.1)
    assert [one.segment for one in found] == list(history.segments)
    assert problem.segments


def test_equal_pay_has_no_spread() -> None:
    history = flat(company()[0], np.ones(len(company()[0].csm_quarters.csm)))

    for one in seen(history, lines(history)):
        assert (one.gini, one.below_half, one.zero, one.full) == (pytest.approx(0.0), 0.0, 0.0, 0.0)
        assert (one.low, one.median, one.high) == (pytest.approx(1.0),) * 3


def test_a_history_without_payouts_has_no_spread() -> None:
    history = company()[0]
    bare = replace(history, csm_quarters=replace(history.csm_quarters, payout={}))

    assert seen(bare, lines(bare)) == ()


@pytest.mark.parametrize("which", ["team", "company"])
def test_next_year_is_paid_what_the_closed_form_expects(which: str) -> None:
    """2,000 draws a person against E[pi] of SCIENCE 1.3: within four standard errors of a spread of one half."""
    problem = team().problem if which == "team" else company()[1]
    for one in ahead(problem, seed=0):
        s = next(n for n, segment in enumerate(problem.segments) if segment.name == one.segment)
        mine = problem.csms.segment == s
        expected = expected_multiples(problem, s, [problem.today_plan(s)], problem.accounts.csm)[mine, 0]
        assert one.mean == pytest.approx(expected.mean(), abs=4 * 0.5 / np.sqrt(2000 * mine.sum()))
        variable = np.array([c.variable for c in problem.csm_list])[mine] * problem.csms.presence[mine]
        assert one.cost == pytest.approx((expected * variable).sum(), rel=0.03)
        assert one.cost_high > one.cost


def test_next_year_of_a_cliff_is_full_pay_or_nothing() -> None:
    """Nothing, and below half, have the same chance; the mean is the rest."""
    for one in ahead(team().problem, seed=0):
        assert one.zero == one.below_half == pytest.approx(1.0 - one.mean)
        assert one.convexity == 1.0


def test_a_team_is_paid_together_and_a_gate_takes_its_share() -> None:
    """Team scope: one draw for all, so nobody differs. A gate that is always missed takes what is at risk."""
    problem = company()[1]
    shared = (Component("GRR", 1.0, scope="team"),)
    gated = (Component("GRR", 1.0, curve=Curve(cap=1.0)),)

    assert all(one.gini == pytest.approx(0.0, abs=1e-9) for one in ahead(problem, 0, paying(problem, shared)))
    with_gate, without = (ahead(problem, 0, paying(problem, gated, gate)) for gate in (Gate(0.25, 2.0), None))
    assert [one.mean for one in with_gate] == pytest.approx([0.75 * one.mean for one in without])


def paying(problem: Problem, components: tuple[Component, ...], gate: Gate | None = None) -> list[Plan]:
    """Every segment's plan with this mix."""
    plans = [problem.today_plan(s) for s in range(len(problem.segments))]
    return [replace(p, mix=replace(p.mix, components=components, gate=gate)) for p in plans]


@pytest.mark.parametrize(
    ("curve", "expected"),
    [(Curve(), 0.0), (Curve("all-or-nothing", 1.0), 1.0), (Curve(accelerator=3.0, cap=np.inf), 0.5)],
)
def test_steepness_by_hand(curve: Curve, expected: float) -> None:
    """At target half of an accelerator is in force: 1 + (3 - 1) / 2 = 2 marginal, of which 1 is the accelerator."""
    problem = company()[1]
    plan = replace(problem.today_plan(0), mix=replace(problem.today_plan(0).mix, components=(
        Component("EXP", 1.0, curve=curve),)))  # fmt: skip

    # The linear curve's own part is Phi(1/s) below and 1 - Phi at its cap: both within 0.3 % at a spread of 0.35.
    assert convexity(problem, plan) == pytest.approx(expected, abs=0.005)


# ---- what the book explains -----------------------------------------------------------------------------------------


def test_the_book_is_taken_out_of_every_component_by_itself() -> None:
    """Renewals pay the book, expansion a lottery: only the first is explained, and only as paid."""
    history, problem = company()
    cells, rng = audit(history, problem).cells, np.random.default_rng(3)
    index = index_of("GRR", cells)
    history = paid_as_reached(history, index / np.nanmean(index) * rng.normal(1.0, 0.02, len(index)), "GRR")
    history = paid_as_reached(history, np.maximum(rng.normal(1.0, 0.3, len(index)), 0.0), "EXP")

    found = audit(history, problem).fairness.by_metric

    assert found["GRR"].before > 0.5
    assert found["GRR"].after < FAIR_R2
    assert max(found["EXP"].before, found["EXP"].after) < FAIR_R2


def test_pay_on_satisfaction_is_held_against_health_as_dealt() -> None:
    """Satisfaction that follows the health of the book: explained as paid, and not with a target from health."""
    history, problem = company()
    plans = history.plans
    mixes = tuple(replace(p, mix=replace(p.mix, components=(Component("CSAT", 1.0),))) for p in plans.plans)
    history = replace(history, plans=replace(plans, plans=mixes))
    cells = audit(history, problem).cells
    people, rng = history.csm_quarters, np.random.default_rng(3)
    blank = replace(people, attainment={"CSAT": np.ones(len(people.csm))}, payout={"CSAT": np.ones(len(people.csm))})
    gap = np.nan_to_num(cells.health - np.nanmean(cells.health)) / 20.0
    history = paid_as_reached(replace(history, csm_quarters=blank), 1.0 + gap + rng.normal(0, 0.05, len(gap)), "CSAT")

    found = audit(history, problem).fairness

    assert found.by_metric["CSAT"].before > FAIR_R2
    assert found.by_metric["CSAT"].after < FAIR_R2
    assert found.total == found.by_metric["CSAT"]


def test_a_team_result_has_no_book_of_its_own() -> None:
    history, problem = company()
    mixes = tuple(replace(p, mix=replace(p.mix, components=tuple(replace(c, scope="team") for c in p.mix.components)))
                  for p in history.plans.plans)  # fmt: skip

    found = audit(replace(history, plans=replace(history.plans, plans=mixes)), problem).fairness

    assert found.by_metric == {}


@pytest.mark.parametrize(("cost", "is_found"), [(1.0, True), (0.0, False)])
def test_pay_that_falls_with_inherited_risk_is_found(cost: float, is_found: bool) -> None:
    """A unit less of target for a book that is all taken over in bad health; the interval holds what was planted."""
    history, problem = company()
    plain = audit(history, problem)
    risk = inherited_risk(history, plain.cells, plain.health)
    rng = np.random.default_rng(4)
    reached = np.maximum(1.0 - cost * risk + rng.normal(0.0, 0.05, len(risk)), 0.0)

    slope = audit(flat(history, reached), problem).fairness.inherited

    assert slope is not None
    assert slope.low <= -cost <= slope.high
    assert (slope.high < 0.0) == is_found


def test_inherited_risk_is_a_share_of_the_book() -> None:
    """Of what was taken over in the lowest quarter of health, and of nothing else; by hand for one CSM-quarter."""
    history, problem = company()
    found = audit(history, problem)
    risk, rows, people = (
        inherited_risk(history, found.cells, found.health),
        history.account_quarters,
        history.csm_quarters,
    )
    row = int(np.argmax(risk))
    mine = (rows.csm == people.csm[row]) & (rows.quarter == people.quarter[row])
    scored = ~np.isnan(found.health) & (rows.csm >= 0)
    bad = mine & ~np.isnan(rows.took_over) & (found.health <= np.quantile(found.health[scored], 0.25))

    assert risk[row] == pytest.approx(rows.arr_start[bad].sum() / rows.arr_start[mine].sum())
    assert 0.0 <= risk.min() <= risk.max() <= 1.0


# ---- equal effort ---------------------------------------------------------------------------------------------------


def test_pay_that_is_the_same_for_all_has_no_spread_at_equal_effort() -> None:
    """The curves pay 1 whatever is reached: neither the book nor luck moves anything."""
    history, problem = company()
    always = Curve("all-or-nothing", 0.0)
    plans = history.plans
    mixes = tuple(
        replace(p, mix=replace(p.mix, components=tuple(replace(c, curve=always) for c in p.mix.components)))
        for p in plans.plans
    )
    history = replace(history, plans=replace(plans, plans=mixes))
    found = audit(flat(history, np.ones(len(history.csm_quarters.csm))), problem).equal_effort

    # The two components add up to 1 in every draw, but for rounding.
    assert (found.book, found.luck) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))


def test_targets_that_ignore_the_book_are_unfair_at_equal_effort() -> None:
    """Half of the people of each segment get targets that are half as high again: the book decides, by a third."""
    history, problem = company()
    hard = np.where(history.csm_quarters.csm % 2 == 0, 1.0, 1.5)
    for metric, values in company()[0].csm_quarters.attainment.items():
        history = paid_as_reached(history, values / hard, metric)

    plain, found = (audit(h, problem).equal_effort for h in (company()[0], history))

    assert plain.book < FAIR_SPREAD < found.book
    assert 0.2 < found.book < 0.5


def test_what_a_gate_took_it_takes_at_equal_effort_too() -> None:
    """The same attainments, and a fifth of every payout gone: everything is a fifth smaller."""
    history, problem = company()
    people = history.csm_quarters
    cut = replace(people, payout={metric: 0.8 * usd for metric, usd in people.payout.items()})

    whole, less = (audit(replace(history, csm_quarters=p), problem).equal_effort for p in (people, cut))

    assert (less.book, less.luck) == (pytest.approx(0.8 * whole.book), pytest.approx(0.8 * whole.luck))


def test_luck_at_equal_effort_is_no_more_than_what_was_seen() -> None:
    """Within people and quarters, the year's luck of the replay against the year's differences that were paid."""
    history, problem = company()
    found = audit(history, problem)
    total = total_multiple(history, found.lines)
    known = ~np.isnan(total)
    people = history.csm_quarters
    z = dummies(people.csm[known], people.quarter[known])
    left = total[known] - z @ np.linalg.lstsq(z, total[known], rcond=1e-10)[0]

    # A quarter's spread over two is that of a year of four; people and quarters take some of it out.
    assert found.equal_effort.luck == pytest.approx(float(left.std()) / 2.0, rel=0.25)


# ---- controls -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csat", "health", "activities", "attainment_GRR", "late"])
def test_a_result_of_the_plan_is_refused_as_a_control(name: str) -> None:
    """Holding it fixed would hide what the audit looks for (SCIENCE 3.4)."""
    with pytest.raises(InputError, match="result of the plan"):
        audit(*company(), controls=["complexity", name])


def test_a_control_that_is_no_fact_of_an_account_is_refused_with_those_that_are() -> None:
    with pytest.raises(InputError, match="complexity, language, region"):
        audit(*company(), controls=["shoe_size"])


@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_taken_out_of_what_is_expected(name: str) -> None:
    """Twice is once; what is expected still adds up to what was seen, within two standard deviations of luck."""
    history, problem = company()
    plain, more = expect(history), audit(history, problem, controls=[name, name]).outcomes

    assert not np.array_equal(plain.renew, more.renew)
    assert abs(more.observed["NRR"].sum() - more.expected["NRR"].sum()) <= 2.0 * np.sqrt(more.variance["NRR"].sum())
