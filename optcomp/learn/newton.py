r"""Posterior of one outcome: a generalised linear model with Gaussian priors and one random effect a CSM.

.. math::
    \eta_i = x_i^\top \beta + u_{g(i)}, \quad \beta_k \sim N(m_k, s_k^2), \quad u_j \sim N(0, \sigma_u^2)

The mode comes from Newton's method. With :math:`A = X^\top W X + \mathrm{diag}(s^{-2})`,
:math:`B_j = \sum_{g(i)=j} w_i x_i` and :math:`D_j = \sum_{g(i)=j} w_i + \sigma_u^{-2}`, the random
effects are eliminated exactly: :math:`S = A - B^\top D^{-1} B` is the joint precision of :math:`\beta` alone. Nothing
of the size rows × CSMs is ever held. The priors keep the mode finite when the data separate perfectly.
Source: SCIENCE 0.1, 1.6, 3.1, 3.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.sparse import csr_array
from scipy.special import expit

from optcomp.types import FloatArray, IntArray, sum_by

# Newton's decrement (twice the possible gain in log posterior) at which the mode is found; 1e-12 is far below noise.
TOLERANCE = 1e-12
# A penalised logit takes 5 to 10 steps; 100 means that something is wrong with the numbers.
MAX_STEPS = 100
SMALLEST_STEP = 2.0**-30
# Grid of sigma_u as multiples of its half-normal scale.
SPREAD_GRID = (1 / 3, 2 / 3, 1.0, 5 / 3)


@dataclass(frozen=True)
class Rows:
    """Observations of one outcome and the priors of its coefficients.

    x : shape (rows, coefficients); y : 0 or 1 for `logit`, any number for `gaussian`
    group : shape (rows,), CSM of each row, 0 to groups - 1; groups = 0 means no random effect
    mean, sd : priors of the coefficients; noise : sd of a `gaussian` observation
    """

    x: FloatArray
    y: FloatArray
    group: IntArray
    groups: int
    mean: FloatArray
    sd: FloatArray
    kind: Literal["logit", "gaussian"] = "logit"
    noise: float = 1.0

    @cached_property
    def members(self) -> csr_array:
        """Groups × rows, 1 where the row belongs to the group."""
        count = len(self.y)
        entries = (np.ones(count), (self.group, np.arange(count)))
        return csr_array(entries, shape=(self.groups, count))

    def predictor(self, beta: FloatArray, u: FloatArray) -> FloatArray:
        """Linear predictor of every row."""
        fixed = self.x @ beta
        return np.asarray(fixed + u[self.group] if self.groups else fixed)

    def expected(self, eta: FloatArray) -> FloatArray:
        """Mean of the outcome."""
        return np.asarray(expit(eta) if self.kind == "logit" else eta)

    def log_likelihood(self, eta: FloatArray) -> float:
        """Log likelihood up to a constant of the data."""
        if self.kind == "logit":
            return float((self.y * eta - np.logaddexp(0.0, eta)).sum())
        return float(-0.5 * (((self.y - eta) / self.noise) ** 2).sum() - len(self.y) * np.log(self.noise))

    def slope(self, eta: FloatArray) -> FloatArray:
        """Derivative of the log likelihood by the predictor, per row."""
        scale = 1.0 if self.kind == "logit" else self.noise**-2
        return np.asarray((self.y - self.expected(eta)) * scale)

    def weight(self, eta: FloatArray) -> FloatArray:
        """Minus the second derivative of the log likelihood by the predictor, per row."""
        if self.kind == "gaussian":
            return np.full(len(self.y), self.noise**-2)
        chance = expit(eta)
        return np.asarray(chance * (1.0 - chance))


@dataclass(frozen=True)
class Curvature:
    """Blocks of minus the Hessian: A and S (coefficients, coefficients), B (groups, coefficients), D (groups,)."""

    a: FloatArray
    b: FloatArray
    d: FloatArray

    @cached_property
    def s(self) -> FloatArray:
        """Precision of the coefficients once the random effects are eliminated (Schur complement)."""
        return np.asarray(self.a - self.b.T @ (self.b / self.d[:, None]))

    @cached_property
    def factor(self) -> FloatArray:
        """Lower Cholesky factor of `s`."""
        return np.asarray(np.linalg.cholesky(self.s))


@dataclass(frozen=True)
class Mode:
    """The posterior mode of `rows` and the curvature there.

    spread : sigma_u; log_evidence : Laplace approximation, up to a constant of the data
    """

    rows: Rows
    beta: FloatArray
    u: FloatArray
    spread: float
    curvature: Curvature
    log_evidence: float
    steps: int

    @cached_property
    def covariance(self) -> FloatArray:
        """Laplace covariance of the coefficients."""
        return np.asarray(cho_solve((self.curvature.factor, True), np.eye(len(self.beta))))

    @cached_property
    def sd(self) -> FloatArray:
        """Laplace sd of the coefficients."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @cached_property
    def u_sd(self) -> FloatArray:
        """Laplace sd of the random effects."""
        link = self.curvature.b / self.curvature.d[:, None]
        return np.asarray(np.sqrt(1.0 / self.curvature.d + ((link @ self.covariance) * link).sum(axis=1)))

    @cached_property
    def expected(self) -> FloatArray:
        """Mean of the outcome of every row at the mode."""
        return self.rows.expected(self.rows.predictor(self.beta, self.u))


@dataclass(frozen=True)
class Point:
    """A value of the coefficients and random effects, with the log posterior there; everything is computed once."""

    rows: Rows
    spread: float
    beta: FloatArray
    u: FloatArray

    @cached_property
    def eta(self) -> FloatArray:
        """Linear predictor of every row."""
        return self.rows.predictor(self.beta, self.u)

    @cached_property
    def log_posterior(self) -> float:
        """Log posterior density up to a constant."""
        prior = (((self.beta - self.rows.mean) / self.rows.sd) ** 2).sum() + (self.u**2).sum() / self.spread**2
        return self.rows.log_likelihood(self.eta) - 0.5 * float(prior)

    def gradient(self) -> tuple[FloatArray, FloatArray]:
        """Gradient of the log posterior by the coefficients and by the random effects."""
        rows, slope = self.rows, self.rows.slope(self.eta)
        by_beta = slope @ rows.x - (self.beta - rows.mean) / rows.sd**2
        by_u = (sum_by(rows.group, slope, rows.groups) if rows.groups else np.zeros(0)) - self.u / self.spread**2
        return np.asarray(by_beta), np.asarray(by_u)

    def curvature(self) -> Curvature:
        """Minus the Hessian of the log posterior, in blocks."""
        rows, weight = self.rows, self.rows.weight(self.eta)
        rooted = rows.x * np.sqrt(weight)[:, None]
        a = rooted.T @ rooted + np.diag(rows.sd**-2.0)
        if not rows.groups:
            return Curvature(a, np.zeros((0, rows.x.shape[1])), np.zeros(0))
        members = rows.members
        by_group = csr_array((weight[members.indices], members.indices, members.indptr), shape=members.shape)
        d = sum_by(rows.group, weight, rows.groups) + self.spread**-2.0
        return Curvature(a, np.asarray(by_group @ rows.x), d)


def find_mode(rows: Rows, spread: float, start: Mode | None = None) -> Mode:
    """The posterior mode at a given sigma_u, by Newton's method with step halving.

    Raises
    ------
    FloatingPointError
        When it is not reached, which only numbers that are not finite can cause.
    """
    at = Point(rows, spread, *((start.beta, start.u) if start else (rows.mean.copy(), np.zeros(rows.groups))))
    for step in range(MAX_STEPS):
        gradient, bend = at.gradient(), at.curvature()
        direction = _newton_step(bend, *gradient)
        decrement = sum(float(g @ d) for g, d in zip(gradient, direction, strict=True))
        if decrement < TOLERANCE:
            return Mode(rows, at.beta, at.u, spread, bend, _log_evidence(at, bend), step)
        at = _climb(at, *direction)
    raise FloatingPointError("Newton's method did not converge")


def _newton_step(bend: Curvature, by_beta: FloatArray, by_u: FloatArray) -> tuple[FloatArray, FloatArray]:
    right = by_beta - bend.b.T @ (by_u / bend.d)
    step_beta = cho_solve((bend.factor, True), right)
    return np.asarray(step_beta), np.asarray((by_u - bend.b @ step_beta) / bend.d)


def _climb(at: Point, step_beta: FloatArray, step_u: FloatArray) -> Point:
    """The farthest of the points at 1, 1/2, 1/4 … of the step that is not below where we stand."""
    here, length = at.log_posterior, 1.0
    while length > SMALLEST_STEP:
        there = Point(at.rows, at.spread, at.beta + length * step_beta, at.u + length * step_u)
        # Rounding makes equal heights differ by about 1e-13 of their size.
        if there.log_posterior >= here - 1e-12 * abs(here):
            return there
        length /= 2.0
    raise FloatingPointError("Newton's step leads nowhere up")


def _log_evidence(at: Point, bend: Curvature) -> float:
    log_det = 2.0 * np.log(np.diag(bend.factor)).sum() + np.log(bend.d).sum()
    norms = np.log(at.rows.sd).sum() + at.rows.groups * np.log(at.spread)
    return at.log_posterior - float(norms) - 0.5 * float(log_det)


def fit_rows(rows: Rows, scale: float) -> Mode:
    """The mode at the sigma_u of a four-point grid with the highest Laplace evidence under a half-normal(scale)."""
    if not rows.groups:
        return find_mode(rows, scale)
    modes: list[Mode] = []
    for multiple in SPREAD_GRID:
        modes.append(find_mode(rows, multiple * scale, modes[-1] if modes else None))
    return max(modes, key=lambda mode: _with_spread_prior(mode, scale))


def _with_spread_prior(mode: Mode, scale: float) -> float:
    return mode.log_evidence - 0.5 * (mode.spread / scale) ** 2


def clustered_sd(mode: Mode) -> FloatArray:
    r"""Sd of the coefficients when rows of one CSM may depend on each other in any way.

    .. math::
        \operatorname{diag}\left(S^{-1} (\textstyle\sum_j s_j s_j^\top + \mathrm{diag}(s^{-2})) S^{-1}\right)^{1/2}

    with the marginal score :math:`s_j = X_j^\top r_j` of CSM j (the residuals r are net of the random effects). The
    closed form of a bootstrap that draws CSMs (SCIENCE 3.3): on worlds of 15 CSMs it was 0.78 to 1.22 of that one's sd,
    1.01 at the median. The bootstrap leaves the prior out. Never above the prior's sd; without groups the
    Laplace sd.
    """
    rows = mode.rows
    if rows.groups < 2:
        return mode.sd
    meat = score_products(mode) + np.diag(rows.sd**-2.0)
    clustered = np.sqrt(np.diag(mode.covariance @ meat @ mode.covariance))
    return np.minimum(clustered, rows.sd)


def score_products(mode: Mode) -> FloatArray:
    """Sum over CSMs of the outer product of their scores, corrected for few CSMs by G / (G - 1)."""
    rows = mode.rows
    slope = rows.slope(rows.predictor(mode.beta, mode.u))
    scores = np.asarray(rows.members @ (rows.x * slope[:, None]))
    return np.asarray(scores.T @ scores * (rows.groups / (rows.groups - 1)))


def draw(
    mode: Mode,
    generator: np.random.Generator,
    count: int,
    *,
    at_least_0: Sequence[int] = (),
    widening: FloatArray | float = 1.0,
) -> tuple[FloatArray, FloatArray]:
    """Draws of the coefficients (count, coefficients) and of the random effects (count, groups).

    Draws come in pairs mirrored at the mode, so that their mean is the mode. A draw with a negative coefficient among
    `at_least_0` is drawn again, and clipped when that fails. widening : factor on the distance from the mode, by
    coefficient
    """
    half = generator.standard_normal((-(-count // 2), len(mode.beta)))
    beta = mode.beta + widening * _colour(mode, np.concatenate([half, -half])[:count])
    signs = list(at_least_0)
    for _ in range(50):
        wrong = np.flatnonzero((beta[:, signs] < 0.0).any(axis=1))
        if not len(wrong):
            break
        beta[wrong] = mode.beta + widening * _colour(mode, generator.standard_normal((len(wrong), len(mode.beta))))
    beta[:, signs] = np.maximum(beta[:, signs], 0.0)
    link = mode.curvature.b / mode.curvature.d[:, None]
    noise = generator.standard_normal((count, mode.rows.groups)) / np.sqrt(mode.curvature.d)
    return beta, np.asarray(mode.u - (beta - mode.beta) @ link.T + noise)


def _colour(mode: Mode, white: FloatArray) -> FloatArray:
    return np.asarray(solve_triangular(mode.curvature.factor.T, white.T).T)
