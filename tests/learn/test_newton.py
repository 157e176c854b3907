"""The numerics of the fit, on plain arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from optcomp.learn.newton import Point, Rows, clustered_sd, draw, find_mode, fit_rows
from optcomp.types import FloatArray

SPREAD = 0.3


def panel(count: int = 400, groups: int = 8, kind: str = "logit", seed: int = 1) -> tuple[Rows, FloatArray]:
    """Rows with an intercept and two slopes, and the coefficients that made them."""
    generator = np.random.default_rng(seed)
    beta = np.array([1.5, 0.6, -0.4])
    x = np.column_stack([np.ones(count), generator.standard_normal((count, 2))])
    group = generator.integers(0, groups, count)
    eta = x @ beta + generator.normal(0.0, SPREAD, groups)[group]
    if kind == "logit":
        y = (generator.random(count) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    else:
        y = eta + generator.normal(0.0, 0.7, count)
    mean, sd = np.zeros(3), np.array([1.5, 0.5, 0.5])
    return Rows(x, y, group, groups, mean, sd, kind=kind, noise=0.7), beta  # type: ignore[arg-type]


def joined(rows: Rows, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
    return theta[: rows.x.shape[1]], theta[rows.x.shape[1] :]


def dense_hessian(rows: Rows, beta: FloatArray, u: FloatArray) -> FloatArray:
    design = np.column_stack([rows.x, np.eye(rows.groups)[rows.group]])
    weight = rows.weight(rows.predictor(beta, u))
    prior = np.concatenate([rows.sd**-2.0, np.full(rows.groups, SPREAD**-2.0)])
    return np.asarray(design.T @ (design * weight[:, None]) + np.diag(prior))


@pytest.mark.parametrize("kind", ["logit", "gaussian"])
def test_the_gradient_is_the_slope_of_the_log_posterior(kind: str) -> None:
    """Against finite differences, at a point away from the mode."""
    rows, _ = panel(kind=kind)
    theta = np.random.default_rng(2).normal(0.0, 0.5, 3 + rows.groups)

    slope = np.concatenate(Point(rows, SPREAD, *joined(rows, theta)).gradient())
    numeric = approx_fprime(theta, lambda t: Point(rows, SPREAD, *joined(rows, t)).log_posterior, 1e-6)

    # Differences of 1e-6 lose half of the 16 digits of a value near 300.
    assert slope == pytest.approx(numeric, abs=2e-3)


@pytest.mark.parametrize("kind", ["logit", "gaussian"])
def test_the_blocks_are_minus_the_slope_of_the_gradient(kind: str) -> None:
    """Against central differences of the gradient."""
    rows, _ = panel(kind=kind)
    theta = np.random.default_rng(3).normal(0.0, 0.5, 3 + rows.groups)
    width = len(theta)

    def slope(t: FloatArray) -> FloatArray:
        return np.concatenate(Point(rows, SPREAD, *joined(rows, t)).gradient())

    steps = 1e-5 * np.eye(width)
    numeric = np.array([(slope(theta - h) - slope(theta + h)) / 2e-5 for h in steps])
    bend = Point(rows, SPREAD, *joined(rows, theta)).curvature()
    blocks = np.block([[bend.a, bend.b.T], [bend.b, np.diag(bend.d)]])

    assert blocks == pytest.approx(numeric, abs=1e-5)


def test_eliminating_the_random_effects_loses_nothing() -> None:
    """The covariance of the coefficients and of the effects is that of the full dense matrix."""
    rows, _ = panel()
    mode = find_mode(rows, SPREAD)

    dense = np.linalg.inv(dense_hessian(rows, mode.beta, mode.u))

    assert mode.covariance == pytest.approx(dense[:3, :3], abs=1e-12)
    assert mode.u_sd == pytest.approx(np.sqrt(np.diag(dense)[3:]), abs=1e-12)


def test_the_mode_is_a_mode() -> None:
    """Nothing is uphill from it."""
    rows, _ = panel()

    mode = find_mode(rows, SPREAD)

    assert np.concatenate(Point(rows, SPREAD, mode.beta, mode.u).gradient()) == pytest.approx(0.0, abs=1e-6)


def test_planted_coefficients_come_back() -> None:
    """Over 40 panels the 90 % intervals hold the truth about as often as they say, and the middle is unbiased."""
    scores = []
    for seed in range(40):
        rows, beta = panel(800, seed=seed)
        mode = fit_rows(replace(rows, sd=np.full(3, 3.0)), SPREAD)
        scores.append((mode.beta - beta) / mode.sd)
    held = (np.abs(np.array(scores)) < 1.645).mean()

    # 120 intervals: sd of the share 0.027, a little more because those of one panel move together.
    assert 0.81 <= held <= 0.97
    assert np.abs(np.mean(scores, axis=0)).max() < 3.0 / np.sqrt(40)


def test_relabelled_csms_change_nothing() -> None:
    """Who is called what is no information."""
    rows, _ = panel()
    swap = np.random.default_rng(4).permutation(rows.groups)

    plain, relabelled = fit_rows(rows, SPREAD), fit_rows(replace(rows, group=swap[rows.group]), SPREAD)

    assert relabelled.beta == pytest.approx(plain.beta, abs=1e-9)
    assert relabelled.u[swap] == pytest.approx(plain.u, abs=1e-9)
    assert relabelled.covariance == pytest.approx(plain.covariance, abs=1e-9)


def test_shuffled_rows_change_nothing() -> None:
    """Nor is the order in which rows come."""
    rows, _ = panel()
    order = np.random.default_rng(5).permutation(len(rows.y))
    shuffled = replace(rows, x=rows.x[order], y=rows.y[order], group=rows.group[order])

    assert fit_rows(shuffled, SPREAD).beta == pytest.approx(fit_rows(rows, SPREAD).beta, abs=1e-9)
    assert clustered_sd(find_mode(shuffled, SPREAD)) == pytest.approx(clustered_sd(find_mode(rows, SPREAD)), abs=1e-9)


def test_twice_the_data_narrows() -> None:
    """Every coefficient is known better."""
    rows, _ = panel()
    twice = replace(
        rows,
        x=np.vstack([rows.x, rows.x]),
        y=np.concatenate([rows.y, rows.y]),
        group=np.concatenate([rows.group, rows.group]),
    )

    assert (find_mode(twice, SPREAD).sd < find_mode(rows, SPREAD).sd).all()


def test_the_clustered_sd_is_that_of_drawing_csms_anew() -> None:
    """Slopes differ between 40 CSMs, which no random intercept knows: 200 bootstraps give an sd to 5 %.

    A wide prior, for a bootstrap does not draw the prior.
    """
    generator = np.random.default_rng(4)
    group = np.repeat(np.arange(40), 50)
    x = np.column_stack([np.ones(2000), generator.normal(0.5, 1.0, 2000)])
    own = 0.8 + generator.normal(0.0, 0.5, 40)[group]
    y = (generator.random(2000) < 1.0 / (1.0 + np.exp(-(0.3 + own * x[:, 1])))).astype(float)
    rows = Rows(x, y, group, 40, np.zeros(2), np.full(2, 10.0))
    mode = find_mode(rows, SPREAD)

    drawn = np.array([find_mode(anew(rows, generator), SPREAD).beta[1] for _ in range(200)])

    assert clustered_sd(mode)[1] == pytest.approx(drawn.std(), rel=0.2)
    assert clustered_sd(mode)[1] > 1.3 * mode.sd[1]


def anew(rows: Rows, generator: np.random.Generator) -> Rows:
    """As many CSMs, drawn with replacement, each with all of its rows; one that is drawn twice counts as two."""
    picks = generator.integers(0, rows.groups, rows.groups)
    index = [np.flatnonzero(rows.group == g) for g in picks]
    every = np.concatenate(index)
    group = np.repeat(np.arange(rows.groups), [len(part) for part in index])
    return replace(rows, x=rows.x[every], y=rows.y[every], group=group)


def test_separable_data_do_not_diverge() -> None:
    """All that lies right of 0 is 1 and all left of it 0: without the prior the slope would be infinite."""
    x = np.column_stack([np.ones(200), np.linspace(-1.0, 1.0, 200)])
    rows = Rows(x, (x[:, 1] > 0).astype(float), np.zeros(200, dtype=np.int64), 1, np.zeros(2), np.array([1.5, 1.0]))

    mode = find_mode(rows, SPREAD)

    assert np.isfinite(mode.beta).all()
    assert 1.0 < mode.beta[1] < 10.0
    assert (mode.sd <= rows.sd).all()


def test_an_outcome_that_never_happens_leaves_a_finite_level() -> None:
    """No leaver in the whole history is a low hazard, not a hazard of minus infinity."""
    rows = Rows(np.ones((80, 1)), np.zeros(80), np.zeros(80, dtype=np.int64), 0, np.array([-2.9]), np.array([0.5]))

    mode = fit_rows(rows, SPREAD)

    assert -5.0 < mode.beta[0] < -2.9


def test_no_rows_leave_the_prior() -> None:
    """Contraction is never seen where nobody renewed."""
    rows = Rows(np.zeros((0, 2)), np.zeros(0), np.zeros(0, dtype=np.int64), 0, np.array([1.0, 2.0]), np.array([0.5, 1]))

    mode = fit_rows(rows, SPREAD)

    assert mode.beta == pytest.approx(rows.mean)
    assert mode.sd == pytest.approx(rows.sd)


def test_a_column_without_variation_keeps_its_prior_exactly() -> None:
    """The plan column of a one-plan history is all zeros: no contraction at all."""
    rows, _ = panel()
    flat = replace(rows, x=np.column_stack([rows.x[:, :2], np.zeros(len(rows.y))]))

    mode = fit_rows(flat, SPREAD)

    assert mode.beta[2] == pytest.approx(flat.mean[2], abs=1e-9)
    assert mode.sd[2] == pytest.approx(flat.sd[2], rel=1e-9)
    assert clustered_sd(mode)[2] == pytest.approx(flat.sd[2], rel=1e-9)


def test_draws_reproduce_with_the_seed() -> None:
    """The same seed gives the same draws, another one others."""
    mode = find_mode(panel()[0], SPREAD)

    first, second, other = (draw(mode, np.random.default_rng(s), 64)[0] for s in (7, 7, 8))

    assert (first == second).all()
    assert not (first == other).all()


def test_draws_have_the_mean_and_covariance_of_the_posterior() -> None:
    """20,000 draws: the sd of an estimated sd is 0.5 %."""
    rows, _ = panel()
    mode = find_mode(rows, SPREAD)
    beta, u = draw(mode, np.random.default_rng(9), 20_000)

    dense = np.linalg.inv(dense_hessian(rows, mode.beta, mode.u))
    together = np.cov(np.column_stack([beta, u]).T)

    assert beta.mean(axis=0) == pytest.approx(mode.beta, abs=1e-9)
    assert together == pytest.approx(dense, abs=0.03 * np.diag(dense).max())


def test_a_coefficient_with_a_sign_never_comes_out_with_the_other() -> None:
    """Although its posterior reaches below 0."""
    rows, _ = panel()
    mode = find_mode(replace(rows, mean=np.array([0.0, 0.6, -0.4])), SPREAD)

    beta, _ = draw(mode, np.random.default_rng(9), 128, at_least_0=(1, 2))

    assert beta[:, 2].min() >= 0.0
    assert mode.beta[2] < 0.0
