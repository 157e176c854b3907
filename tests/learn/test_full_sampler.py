"""Laplace against a full sampler that also draws sigma_u, on one panel of 15 CSMs (SCIENCE 3.1)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from full_sampler import log_density, sample
from histories import make
from scipy.optimize import approx_fprime

from optcomp.learn.newton import fit_rows
from optcomp.learn.panel import Panel
from optcomp.learn.priors import load_priors

SCALE = 0.3


def test_every_slope_is_within_015_sd_of_the_full_posterior() -> None:
    """2,000 draws put the mean of a slope within about 0.03 sd; its sd is right to a tenth."""
    priors = load_priors("priors-v0", None)
    one, history = make("pilot", csms=15, book=40)
    design = Panel(history, replace(one, response=priors.response), priors).renewals("effort")
    mode = fit_rows(design.rows, SCALE)

    draws = sample(mode, SCALE, count=2000, seed=1)

    slopes = [k for k, name in enumerate(design.names) if name.startswith("outcome.")]
    sd = draws.std(axis=0)
    assert (np.abs(mode.beta - draws.mean(axis=0)) / sd)[slopes].max() <= 0.15
    assert np.abs(mode.sd / sd - 1.0)[slopes].max() <= 0.15


def test_the_sampler_knows_its_own_slope() -> None:
    """Against finite differences: a wrong gradient would make the comparison worthless."""
    priors = load_priors("priors-v0", None)
    one, history = make("pilot", csms=6, book=10)
    rows = Panel(history, replace(one, response=priors.response), priors).renewals("effort").rows
    theta = np.random.default_rng(1).normal(0.0, 0.3, rows.x.shape[1] + rows.groups + 1)

    numeric = approx_fprime(theta, lambda t: log_density(rows, SCALE, t)[0], 1e-6)

    # Health points and log ARR have columns of size 30: differences of 1e-6 are good to 1e-2 there.
    assert np.abs(log_density(rows, SCALE, theta)[1] - numeric).max() < 0.02
