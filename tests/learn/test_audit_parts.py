"""Shrinkage, many tests at once, luck shares, cliffs: parts of the audit against figures that can be checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from optcomp.assemble import load
from optcomp.learn.audit.audit import audit
from optcomp.learn.audit.inference import clustered_slope, found_among, ranks, shrink, without
from optcomp.learn.audit.payline import dummies
from optcomp.learn.audit.variance import luck_share, spreads
from optcomp.learn.read_history import read_history

TEAM = Path(__file__).resolve().parents[2] / "instances" / "team-of-15"


@pytest.fixture(scope="module")
def team():
    problem = load(TEAM).problem
    return problem, read_history(TEAM, problem.instance)[0]


def test_many_tests_are_counted_together() -> None:
    """Benjamini-Hochberg by hand: 0.01 <= 0.1/5, 0.03 <= 0.2/5, 0.05 <= 0.3/5; 0.09 > 0.4/5."""
    assert found_among([0.05, 0.5, 0.01, 0.09, 0.03]).tolist() == [True, False, True, False, True]
    assert found_among([0.2, 0.3]).tolist() == [False, False]
    assert found_among([]).tolist() == []


def test_estimates_are_shrunk_as_far_as_luck_explains_them() -> None:
    """Luck of 10 against differences of 1: next to nothing is left; luck of 0.1: nearly everything."""
    values = np.array([-1.0, 0.0, 1.0])

    noisy, clean = shrink(values, np.full(3, 10.0), 1.0, mean=0.0), shrink(values, np.full(3, 0.1), 1.0, mean=0.0)

    assert noisy.reliability.max() < 0.05
    assert clean.reliability.min() > 0.95
    assert (noisy.low < noisy.value).all()
    assert (np.abs(noisy.value) < np.abs(clean.value) + 1e-12).all()


def test_nothing_to_shrink_is_no_error() -> None:
    assert shrink(np.zeros(0), np.zeros(0), 1.0).value.size == 0


def test_a_slope_that_is_not_there_is_found_as_often_as_promised() -> None:
    """300 draws of 15 clusters with an effect of their own: p below 0.1 in about 30, within three standard errors."""
    rng, cluster = np.random.default_rng(1), np.repeat(np.arange(15), 7)
    z, hits = np.ones((105, 1)), 0
    for _ in range(300):
        y = rng.normal(0, 1, 15)[cluster] + rng.normal(0, 1, 105)
        x = rng.normal(0, 1, 15)[cluster] + rng.normal(0, 1, 105)
        slope = clustered_slope(y, x, z, cluster)
        assert slope is not None
        hits += slope.p < 0.1
        assert (slope.low > 0.0 or slope.high < 0.0) == (slope.p <= 0.1) or abs(slope.p - 0.1) < 0.01

    assert 14 <= hits <= 46


def test_too_few_clusters_or_no_variation_give_no_slope() -> None:
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=(2, 40))

    assert clustered_slope(y, x, np.ones((40, 1)), np.repeat(np.arange(4), 10)) is None
    assert clustered_slope(y, np.ones(40), np.ones((40, 1)), np.arange(40)) is None


def test_columns_are_taken_out_as_by_least_squares() -> None:
    """Dummies of two labels follow from each other, one column is all zero; lstsq is the slow way to the same."""
    rng = np.random.default_rng(4)
    labels = dummies(rng.integers(0, 4, 300), rng.integers(0, 3, 300))
    z = np.column_stack([labels, 1e6 * rng.random(300), np.zeros(300)])
    columns = rng.normal(size=(300, 2)) + z[:, :2]

    slow = columns - z @ np.linalg.lstsq(z, columns, rcond=1e-10)[0]

    # Sums of 300 numbers of size 1 are exact to 1e-13; the normal equations square the condition number of some 30.
    assert without(columns, z) == pytest.approx(slow, abs=1e-9)


def test_spreads_tell_people_from_quarters() -> None:
    """400 people of spread 2 and a quarter's luck of 1, eight quarters: both within three standard errors."""
    rng, csm = np.random.default_rng(6), np.repeat(np.arange(400), 8)

    people, luck = spreads(rng.normal(0, 2, 400)[csm] + rng.normal(0, 1, 3200), csm, np.ones((3200, 1)))

    assert people == pytest.approx(2.0, abs=3 * 2.0 / np.sqrt(2 * 400))
    assert luck == pytest.approx(1.0, abs=3 * 1.0 / np.sqrt(2 * 2800))
    assert spreads(np.array([1.0, 3.0]), np.array([0, 1]), np.ones((2, 1))) == (0.0, 1.0)


def test_equal_values_share_their_rank() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_luck_is_all_of_noise_and_next_to_nothing_of_habit() -> None:
    """30 people, eight quarters."""
    rng, csm = np.random.default_rng(2), np.repeat(np.arange(30), 8)
    z = dummies(np.tile(np.arange(8), 30))
    noise, habit = rng.normal(size=240), rng.normal(size=30)[csm]

    lottery, steady = luck_share(noise, csm, z), luck_share(habit + 0.1 * noise, csm, z)

    assert lottery is not None
    assert steady is not None
    assert lottery.low > 0.5
    assert lottery.high == 1.0
    assert steady.high < 0.02
    assert steady.controllable > 0.95
    assert luck_share(np.ones(240), csm, z) is None


def test_the_interval_of_luck_holds_the_truth_nine_times_in_ten() -> None:
    """Variance of people 1/8 of a quarter's luck: a year's pay is 1 / (1 + 4/8) = 2/3 luck."""
    rng, csm = np.random.default_rng(3), np.repeat(np.arange(15), 8)
    inside = 0
    for _ in range(200):
        found = luck_share(rng.normal(0, 8**-0.5, 15)[csm] + rng.normal(size=120), csm, np.ones((120, 1)))
        assert found is not None
        inside += found.low <= 2.0 / 3.0 <= found.high

    # 180 are expected with an sd of 4.2.
    assert 167 <= inside <= 193


def test_the_team_of_15_is_paid_by_luck(team) -> None:
    """The worked example's plan, on its own history: the sentence of the guide, measured."""
    problem, history = team
    found = audit(history, problem)

    assert [(c.metric, c.label) for c in found.components] == [("LOGO", "pays for luck")]
    assert {"000-38"} <= {f.requirement for f in found.design}
    assert [s.state for s in found.screens].count("worth a look") == 0
