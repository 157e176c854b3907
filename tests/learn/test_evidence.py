"""What is said about the evidence: grades, the one-plan sentence, trends, controls, survivors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from histories import make, schedule
from scipy.sparse import csr_array

from optcomp.errors import InputError
from optcomp.learn.evidence import ONE_PLAN, grade, smallest_detectable
from optcomp.learn.fit import fit
from optcomp.learn.history import History
from optcomp.learn.identify import clustered_slope, nuisance, rank, varies
from optcomp.learn.posterior import is_plan_effect
from optcomp.learn.priors import Priors, load_priors
from optcomp.world.world import make_world_of


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors("priors-v0", None)


@pytest.mark.parametrize("seed", range(12))
def test_a_one_plan_history_is_flagged_every_time(seed: int, priors: Priors) -> None:
    """100 %, and no plan effect has a grade above not identifiable."""
    one, history = make("one", csms=4 + seed % 3 * 2, book=10, seed=seed)

    found = fit(history, one, priors, draws=8)

    assert found.identification.is_one_plan
    assert found.warnings[0] == ONE_PLAN
    assert {lever.grade for lever in found.levers if is_plan_effect(lever.key)} == {"not identifiable"}
    assert all(np.isinf(lever.mde) for lever in found.levers if is_plan_effect(lever.key))


@pytest.mark.parametrize("seed", range(3))
def test_one_plan_is_flagged_where_people_behave_unlike_the_model_too(seed: int, priors: Priors) -> None:
    """Worlds with planted truth: joiners, leavers, hand-overs, and one plan throughout."""
    from optcomp.assemble import assemble

    past = make_world_of(8, 200, 2, seed).live("one-plan")

    found = fit(past.history(), assemble(past.instance()), priors, draws=8)

    assert found.warnings[0] == ONE_PLAN


@pytest.mark.parametrize("kind", ["switch-all", "staggered", "pilot"])
def test_other_histories_are_not_flagged_as_one_plan(kind: str, priors: Priors) -> None:
    """Something can be told, however little."""
    one, history = make(kind, csms=6, book=12)

    found = fit(history, one, priors, draws=8)

    assert not found.identification.is_one_plan
    assert found.identification.changed_at_once == (kind == "switch-all")
    assert ONE_PLAN not in found.warnings


def test_todays_plan_on_other_terms_is_still_one_plan(priors: Priors) -> None:
    """A constant difference from today is part of the level of a segment."""
    one, history = make("one", csms=6, book=12)
    plans = replace(
        history.plans, plans=(replace(history.plans.plans[0], variable_share=0.3), *history.plans.plans[1:])
    )

    assert fit(replace(history, plans=plans), one, priors, draws=8).identification.is_one_plan


def test_a_plan_that_came_last_quarter_says_nothing_about_renewals(priors: Priors) -> None:
    """Exposure counts the two quarters before."""
    one, history = make("pilot", csms=6, book=20)
    plan = np.zeros_like(history.plans.by_csm)
    plan[::2, -1] = 1
    late = replace(history, plans=replace(history.plans, by_csm=plan))

    found = fit(late, one, priors, draws=8)

    assert (found.identification.renew, found.identification.expand > 0) == (0, True)
    assert "too late for renewals" in found.warnings[0]


@pytest.mark.parametrize(
    ("contraction", "expected"),
    [
        (0.0, "the prior decides"),
        (0.099, "the prior decides"),
        (0.10, "mixed"),
        (0.50, "mixed"),
        (0.51, "data decides"),
    ],
)
def test_grades_change_at_their_thresholds(contraction: float, expected: str) -> None:
    """Below .10, up to .50, above."""
    assert grade(contraction, True) == expected
    assert grade(contraction, False) == "not identifiable"


def test_the_smallest_detectable_effect_is_that_of_the_data_alone() -> None:
    """Prior sd 1 and a posterior sd of 1/sqrt(2) mean data with an sd of 1: 2.80 of them."""
    assert smallest_detectable(1.0, 2.0**-0.5) == pytest.approx(2.80, abs=0.01)
    assert smallest_detectable(1.0, 1.0) == np.inf


def test_an_effect_of_that_size_is_found_in_four_of_five_histories() -> None:
    """The definition, by simulation: 2,000 estimates with an sd of 1, significant at 5 %."""
    effect = smallest_detectable(1.0, 2.0**-0.5)
    estimates = np.random.default_rng(1).normal(effect, 1.0, 2000)

    assert (np.abs(estimates) > 1.96).mean() == pytest.approx(0.80, abs=0.03)


def test_more_data_never_lower_a_grade(priors: Priors) -> None:
    """The grades of a long pilot with many accounts reach "mixed" at least."""
    order = ["not identifiable", "the prior decides", "mixed", "data decides"]
    few, many = (
        {lever.key: order.index(lever.grade) for lever in fit(h, one, priors, draws=8).levers}
        for one, h in (make("pilot", csms=12, book=book) for book in (10, 80))
    )

    assert few["outcome.expand.expand"] <= many["outcome.expand.expand"]
    assert many["outcome.expand.expand"] >= 2


def test_rank_counts_directions_that_are_left() -> None:
    """Two columns that move together count once; what quarters explain counts not at all."""
    quarter = np.repeat(np.arange(4), 25)
    own = np.random.default_rng(1).normal(size=100)
    columns = np.column_stack([own, 2.0 * own, quarter.astype(float)])
    left = nuisance(quarter).residual(columns)

    assert rank(left) == 1
    assert varies(columns[:, 0], left[:, 0])
    assert not varies(columns[:, 2], left[:, 2])


def test_the_pre_trend_test_rarely_cries_wolf() -> None:
    """12 clusters, no effect: at most one in eight p-values is below .10 (200 trials: sd 0.02)."""
    rng = np.random.default_rng(3)
    cluster = np.repeat(np.arange(12), 30)
    labels = nuisance(np.tile(np.arange(10), 36))
    p = []
    for _ in range(200):
        x = np.repeat(rng.normal(size=12), 30)
        y = rng.normal(size=360) + np.repeat(rng.normal(size=12), 30)
        slope = clustered_slope(y, x, labels, cluster)
        assert slope is not None
        p.append(slope.p)

    assert (np.array(p) < 0.10).mean() <= 0.16


def test_labels_are_taken_out_of_a_bootstrap_sample_as_of_the_data() -> None:
    """Moments of clusters by the short formula are those of outcomes that are multiplied first and cleaned then."""
    rng = np.random.default_rng(5)
    cluster = np.repeat(np.arange(6), 20)
    labels = nuisance(np.tile(np.arange(4), 30), cluster // 2)
    members = csr_array((np.ones(120), (cluster, np.arange(120))), shape=(6, 120))
    x, y = (labels.residual(rng.normal(size=(120, 1)))[:, 0] for _ in range(2))
    weights = rng.normal(size=6)

    short = weights * (members @ (x * y)) - labels.taken_up(x, y, members) @ weights

    cleaned = labels.residual((weights[cluster] * y)[:, None])[:, 0]
    assert short == pytest.approx(members @ (x * cleaned), abs=1e-9)


def test_a_drift_before_the_plan_is_seen(priors: Priors) -> None:
    """Those who were going to get the new plan grew more and more in the four quarters before it."""
    one, history = make("one", csms=10, book=60)
    plan = np.zeros_like(history.plans.by_csm)
    plan[::4, 4:] = plan[1::4, 4:] = 1
    cells = history.account_quarters
    drift = np.random.default_rng(1).random(len(cells.account)) < 0.12 * cells.quarter
    grows = (cells.expansion > 0) | (drift & ~cells.churned & (plan[cells.csm, -1] == 1))
    drifting = replace(
        history,
        plans=replace(history.plans, by_csm=plan),
        account_quarters=replace(cells, expansion=np.where(grows, 0.2 * cells.arr_start, 0.0)),
    )

    found = fit(drifting, one, priors, draws=8)

    assert [c.outcome for c in found.checks if c.warns and c.name == "pre-trend"] == ["expand"]
    assert any("drifted apart" in warning for warning in found.warnings)


def test_accounts_without_a_csm_that_move_with_the_plan_give_it_away(priors: Priors) -> None:
    """They cannot feel a plan; when they expand with it, something else came with it."""
    one, history = make("staggered", csms=8, book=60)
    cells = history.account_quarters
    # Every other account of each CSM.
    nobody = cells.account // 8 % 2 == 0
    felt = history.plans.by_segment[cells.segment, cells.quarter] > 0
    luck = np.random.default_rng(1).random(len(felt)) < np.where(felt, 0.6, 0.1)
    expansion = np.where(nobody, np.where(luck & ~cells.churned, 0.2 * cells.arr_start, 0.0), cells.expansion)
    csm = np.where(nobody, -1, cells.csm)
    confounded = replace(history, account_quarters=replace(cells, csm=csm, expansion=expansion))

    found = fit(confounded, one, priors, draws=8)

    assert [c.outcome for c in found.checks if c.warns and c.name == "negative control"] == ["expand"]


@pytest.mark.parametrize(("factor", "warns"), [(0.75, True), (1.0, False)])
def test_expansions_that_shrink_under_a_plan_are_said(factor: float, warns: bool, priors: Priors) -> None:
    """A quarter off under the new plan, with a log sd of 0.5 and some 200 expansions on each side: about 5 sd."""
    one, history = make("switch-all", csms=10, book=60)
    cells = history.account_quarters
    luck = np.exp(np.random.default_rng(1).normal(0.0, 0.5, len(cells.account)))
    share = 0.1 * luck * np.where(history.account_plan == 1, factor, 1.0)
    expansion = np.where(cells.expansion > 0.0, share * cells.arr_start, 0.0)
    gamed = replace(history, account_quarters=replace(cells, expansion=expansion))

    found = fit(gamed, one, priors, draws=8)

    assert [c.warns for c in found.checks if c.name == "size"] == [warns]
    assert any(w.startswith("Expansions under balanced were 2") for w in found.warnings) == warns


def test_sizes_are_not_compared_where_expansions_are_few(priors: Priors) -> None:
    """49 under the new plan tell a third at most."""
    one, history = make("switch-all", csms=4, book=12)

    assert not [c for c in fit(history, one, priors, draws=8).checks if c.name == "size"]


def without_losses(history: History) -> History:
    cells = history.account_quarters
    return replace(history, account_quarters=replace(cells, renewed=cells.due.copy()))


def test_a_history_without_a_single_loss_is_refused(priors: Priors) -> None:
    """Survivors only: nothing can be learned from them but flattery."""
    one, history = make("pilot", csms=6, book=40)

    with pytest.raises(InputError, match="renewals was lost"):
        fit(without_losses(history), one, priors)


def test_a_large_team_that_nobody_ever_left_is_refused(priors: Priors) -> None:
    """48 years of work without a leaver; 12 years without one are luck."""
    for csms, is_refused in ((24, True), (6, False)):
        one, history = make("pilot", csms=csms, book=10)
        stayed = replace(history.csm_quarters, left=np.zeros_like(history.csm_quarters.left))
        lived = replace(history, csm_quarters=stayed)
        if is_refused:
            with pytest.raises(InputError, match="nobody left"):
                fit(lived, one, priors)
        else:
            assert fit(lived, one, priors, draws=8).seconds > 0.0


def test_an_answer_that_hangs_on_the_prior_is_said_to(priors: Priors) -> None:
    """With one plan, no effect at all is as good a prior as any: today's plans would be kept."""
    one, history = make("one", csms=6, book=20)

    found = fit(history, one, priors, draws=8)

    assert "prior effects x 0" in found.sensitivity.changes
    assert dict(found.sensitivity.choices[1].plans) == {"enterprise": "today", "growth": "today"}
    assert any("hangs on the prior" in warning for warning in found.warnings)


def test_schedule_of_the_pilot_mixes_arms_within_segments() -> None:
    """Else the segment and not the plan would be compared."""
    arms = schedule("pilot", 12, 8)[:, -1]

    assert len(set(arms[::2])) > 1
