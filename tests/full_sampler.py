"""Hamiltonian Monte Carlo for one outcome, sigma_u included: what the Laplace posterior is compared with.

Test code: numpy only, slow, and independent of Newton's method except for the scale of its steps.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from optcomp.learn.newton import Mode, Rows
from optcomp.types import FloatArray

LEAPS = 12


def log_density(rows: Rows, scale: float, theta: FloatArray) -> tuple[float, FloatArray]:
    """Log posterior and gradient of (coefficients, standardised effects, log sigma_u); sigma_u half-normal(scale)."""
    width = rows.x.shape[1]
    beta, z, spread = theta[:width], theta[width:-1], float(np.exp(theta[-1]))
    eta = rows.x @ beta + spread * z[rows.group]
    slope = rows.y - expit(eta)
    by_group = np.bincount(rows.group, slope, minlength=rows.groups)
    value = float((rows.y * eta - np.logaddexp(0.0, eta)).sum())
    value += -0.5 * float((((beta - rows.mean) / rows.sd) ** 2).sum() + (z**2).sum() + (spread / scale) ** 2)
    value += float(theta[-1])  # The Jacobian of the logarithm.
    by_beta = rows.x.T @ slope - (beta - rows.mean) / rows.sd**2
    by_spread = spread * float(z @ by_group) - (spread / scale) ** 2 + 1.0
    return value, np.concatenate([by_beta, spread * by_group - z, [by_spread]])


def sample(mode: Mode, scale: float, *, count: int, seed: int, step: float = 0.25) -> FloatArray:
    """Draws of the coefficients, shape (count, coefficients), after a fifth as many steps of warming up."""
    rows, rng = mode.rows, np.random.default_rng(seed)
    width = len(mode.beta)
    # Positions are preconditioned by the Laplace covariance of the coefficients; the rest has a scale near 1.
    root = np.eye(width + rows.groups + 1)
    root[:width, :width] = np.linalg.cholesky(mode.covariance)
    root[-1, -1] = 0.5
    at = np.concatenate([mode.beta, mode.u / mode.spread, [np.log(mode.spread)]])
    value, slope = log_density(rows, scale, at)
    kept = np.empty((count, width))
    for n in range(-(count // 5), count):
        push = rng.standard_normal(len(at))
        there, there_value, there_slope, there_push = at, value, slope, push
        length = step * rng.uniform(0.8, 1.2)
        for _ in range(LEAPS):
            half = there_push + 0.5 * length * (root.T @ there_slope)
            there = there + length * (root @ half)
            there_value, there_slope = log_density(rows, scale, there)
            there_push = half + 0.5 * length * (root.T @ there_slope)
        gain = there_value - value - 0.5 * float(there_push @ there_push - push @ push)
        if np.log(rng.random()) < gain:
            at, value, slope = there, there_value, there_slope
        if n >= 0:
            kept[n] = at[:width]
    return kept
