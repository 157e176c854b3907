"""Steps of pay: chances by hand, by brute force, and as seen; every kind of step is found where a plan has one."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from optcomp.assemble import assemble, load
from optcomp.learn.audit.audit import Audit, audit
from optcomp.learn.audit.cliffs import Cliff, logo_chances, mean_score
from optcomp.learn.audit.expected import expect
from optcomp.learn.audit.replay import AVERAGE, curve_values
from optcomp.learn.history import History
from optcomp.learn.read_history import read_history
from optcomp.payout import curve_value
from optcomp.plan import Component, Curve, Gate
from optcomp.world.world import make_world

TEAM = Path(__file__).resolve().parents[2] / "instances" / "team-of-15"


@cache
def team() -> Audit:
    problem = load(TEAM).problem
    return audit(read_history(TEAM, problem.instance)[0], problem)


@cache
def company() -> Audit:
    past = make_world("M", 2).live("one-plan")
    return audit(past.history(), assemble(past.instance()))


def with_plan(components: tuple[Component, ...], gate: Gate | None = None) -> Audit:
    """The company as if this had been its plan; attainments and payouts stay as they were written."""
    found = company()
    plans = found.history.plans
    changed = tuple(replace(p, mix=replace(p.mix, components=components, gate=gate)) for p in plans.plans)
    return audit(replace(found.history, plans=replace(plans, plans=changed)), found.problem)


def test_the_cliff_of_the_team_is_luck_in_every_segment() -> None:
    """000-38: all or nothing at 90 % of logos; skill moves full pay by less than chance does."""
    found = team().cliffs

    assert {c.segment for c in found} == {"enterprise", "growth", "mid-market"}
    assert all(c.is_luck and c.kind == "all or nothing" for c in found)
    assert all(c.weak < c.average < c.good for c in found)
    # 40 quarters a segment: what was seen is within two standard errors of the exact chance.
    assert all(abs(c.seen - c.average) < 2.0 * np.sqrt(c.average * (1 - c.average) / 40) for c in found)


def test_chances_of_logos_are_exact() -> None:
    """Ten renewals at 0.9 each: at least nine come with 10 * 0.9^9 * 0.1 + 0.9^10 = 0.736 (REQUIREMENTS 3)."""
    history = team().history
    outcomes, people, cells = expect(history), history.csm_quarters, history.account_quarters
    due = np.flatnonzero(cells.due)
    row = next(
        r for r in range(len(people.csm))
        if ((cells.csm[due] == people.csm[r]) & (cells.quarter[due] == people.quarter[r])).sum() == 10
    )  # fmt: skip

    chances = logo_chances(history, replace(outcomes, renew=np.where(outcomes.renew < 1.0, 0.9, 1.0)), [row], 0.9)

    assert chances[0, 1] == pytest.approx(10 * 0.9**9 * 0.1 + 0.9**10)


def test_the_history_played_again_agrees_with_the_exact_chance() -> None:
    """Of an average CSM to keep 90 % of logos, CSM-quarter by CSM-quarter: 200 draws, so within 3.5 points each."""
    found = team()
    rows = np.flatnonzero(~np.isnan(found.lines[0].attainment))
    again = (found.again.attainment["LOGO"][AVERAGE][:, rows] >= 0.9).mean(axis=0)
    exact = logo_chances(found.history, found.outcomes, rows.tolist(), 0.9)[:, AVERAGE]

    assert np.abs(again - exact).max() < 5.0 * 0.5 / np.sqrt(200)  # of 120 chances none strays by five errors
    assert abs(float((again - exact).mean())) < 4.0 * 0.5 / np.sqrt(200 * len(rows))


@pytest.mark.parametrize("metric", ["GRR", "EXP"])
def test_people_of_average_skill_reach_what_was_to_be_expected(metric: str) -> None:
    """Mean result over the draws against the account model, all books together: a ratio of 1 within 2 %."""
    found = company()
    line = next(x for x in found.lines if x.metric == metric)
    known = (line.attainment > 0.0) & (found.cells.observed[metric] > 0.0)
    target = found.cells.observed[metric][known] / line.attainment[known]
    mean = found.again.attainment[metric][AVERAGE].mean(axis=0)[known]

    assert float((mean * target).sum() / found.cells.expected[metric][known].sum()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("metric", "kind", "step"), [("GRR", "linear", 0.9), ("EXP", "all-or-nothing", 1.0), ("TEAM", "linear", 0.95)]
)
def test_a_step_of_any_metric_is_found_with_its_chance(metric: str, kind: str, step: float) -> None:
    """Seen and played again: what a plan without one does not show. Attainments are the company's own."""
    found = company()
    history = found.history
    attainment = history.csm_quarters.attainment
    if metric not in attainment:
        team_nrr = {"TEAM": np.random.default_rng(1).normal(1.0, 0.05, len(history.csm_quarters.csm))}
        people = replace(history.csm_quarters, attainment={**attainment, **team_nrr})
        history = replace(history, csm_quarters=people)
    curve = Curve(kind=kind, threshold=step)  # type: ignore[arg-type]
    mixes = tuple(
        replace(p, mix=replace(p.mix, components=(Component(metric, 1.0, curve=curve),)))  # type: ignore[arg-type]
        for p in history.plans.plans
    )
    cliffs = audit(replace(history, plans=replace(history.plans, plans=mixes)), found.problem).cliffs

    assert [c.metric for c in cliffs] == [metric] * 3
    assert {c.kind for c in cliffs} == {"threshold" if kind == "linear" else "all or nothing"}
    assert all(c.weak <= c.average <= c.good for c in cliffs)
    # People here differ in skill by no more than the three levels do: what was seen lies near their range.
    assert all(c.weak - 0.12 < c.seen < c.good + 0.12 for c in cliffs)


def test_no_step_no_line() -> None:
    """A plan in proportion to the result has nothing to fall off."""
    assert company().cliffs == ()


def test_below_a_threshold_only_what_the_curve_pays_there_is_lost() -> None:
    """At stake: the target's dollars for all or nothing, 60 % of them at a threshold of 60 %."""
    whole, part = (
        with_plan((Component("GRR", 1.0, curve=Curve(kind=k, threshold=0.6)),)).cliffs  # type: ignore[arg-type]
        for k in ("all-or-nothing", "linear")
    )

    assert [c.at_stake for c in part] == pytest.approx([0.6 * c.at_stake for c in whole])


def test_a_gate_on_satisfaction_is_a_step_where_scores_lie_near_it() -> None:
    """At the median of the team's scores it is luck, as often as was seen; far below it is certain."""
    score = mean_score(company().history)
    near = with_plan((Component("GRR", 1.0),), Gate(0.2, float(np.nanmedian(score)))).cliffs
    far = with_plan((Component("GRR", 1.0),), Gate(0.2, 0.3)).cliffs

    assert {(c.metric, c.kind) for c in (*near, *far)} == {("CSAT", "gate")}
    # Scores of a segment in a quarter are no exact normal: ten points off at most, over 50 CSM-quarters and more.
    assert all(abs(c.average - c.seen) < 0.1 and c.is_luck for c in near)
    assert all(c.average > 0.99 and not c.is_luck and np.isnan(c.to_weak) for c in far)
    variable = company().history.csm_quarters.variable.sum() / len(company().history.quarters)
    assert sum(c.at_stake for c in near) == pytest.approx(0.2 * variable, rel=0.02)


def test_the_mean_score_is_that_of_the_accounts_of_the_quarter() -> None:
    history = company().history
    rows, people = history.account_quarters, history.csm_quarters
    row = 11
    mine = (rows.csm == people.csm[row]) & (rows.quarter == people.quarter[row])

    assert mean_score(history)[row] == pytest.approx(np.nanmean(rows.csat[mine]))


@pytest.mark.parametrize(
    ("weak", "average", "good", "luck"),
    [(0.5, 0.7, 0.8, True), (0.9, 0.96, 0.99, False), (0.01, 0.04, 0.1, False), (0.01, 0.5, 1.02, False)],
)
def test_a_cliff_is_luck_between_certain_and_impossible(weak: float, average: float, good: float, luck: bool) -> None:
    """Both ends of the range, and a skill that decides."""
    cliff = Cliff("s", "LOGO", "all or nothing", 0.9, 10, average, good, weak, seen=0.5, at_stake=1.0, year=0.5)

    assert cliff.is_luck is luck


def test_full_pay_says_nothing_in_a_lottery() -> None:
    """Weak 0.6, good 0.6: half of the full payments go to the weak one; 0.2 and 0.6: a quarter."""

    def of(weak: float) -> float:
        return Cliff("s", "LOGO", "gate", 0.9, 10, 0.6, 0.6, weak, seen=0.5, at_stake=1.0, year=0.5).to_weak

    assert of(0.6) == pytest.approx(0.5)
    assert of(0.2) == pytest.approx(0.25)


@pytest.mark.parametrize(
    "curve",
    [
        Curve(),
        Curve(threshold=0.8, accelerator=2.0, cap=1.5),
        Curve("all-or-nothing", 0.9, absolute=True),
        Curve(cap=1.0),
    ],
)
def test_curves_of_arrays_pay_like_curves_of_numbers(curve: Curve) -> None:
    """At every kind of place, break points included."""
    places = np.array([[0.0, 0.5, 0.8, 0.9], [1.0, 1.2, 1.5, 9.0]])

    assert curve_values(curve, places).ravel().tolist() == [curve_value(curve, y) for y in places.ravel().tolist()]
    assert np.isnan(curve_values(curve, np.array([np.nan]))).all()


def test_the_same_seed_plays_the_same_history() -> None:
    def again(history: History, seed: int) -> float:
        return float(np.nansum(audit(history, team().problem, seed=seed).again.attainment["LOGO"]))

    assert again(team().history, 1) == again(team().history, 1) != again(team().history, 2)
