"""What errors and checks of a fit are worth: the clustered sd against a bootstrap, and false alarms of the checks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from optcomp.assemble import assemble
from optcomp.learn.newton import Mode, Rows, find_mode, score_products
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Fitted, Posterior, fit_posterior
from optcomp.learn.priors import load_priors
from optcomp.learn.trends import WARN_BELOW, checks
from optcomp.types import FloatArray
from optcomp.world.schedule import HistoryKind
from optcomp.world.world import make_world

BOOTSTRAPS = 100
BOOTSTRAPPED: tuple[tuple[int, HistoryKind], ...] = ((1, "pilot"), (2, "staggered"), (3, "switch-all"), (4, "one-plan"))
WORLDS = range(1, 21)
KINDS: tuple[HistoryKind, ...] = ("pilot", "staggered", "switch-all")
# Histories drawn anew from the fit of each of so many worlds: nobody drifts in them.
REDRAWN, NULL_WORLDS = 25, range(1, 9)
OUTCOMES = ("renew", "expand")


@cache
def fitted_world(seed: int, kind: HistoryKind) -> tuple[Panel, Posterior]:
    """A world of 15 CSMs, fitted."""
    past, priors = make_world("S", seed).live(kind), load_priors("priors-v0", None)
    panel = Panel(past.history(), replace(assemble(past.instance()), response=priors.response), priors)
    return panel, fit_posterior(panel)


# ---- the clustered sd ---------------------------------------------------------------------------------------------


def bootstrap_rows() -> list[list[object]]:
    """Clustered sd without the prior's part over the sd of a bootstrap that draws CSMs, by history and outcome."""
    rows: list[list[object]] = []
    for seed, kind in BOOTSTRAPPED:
        for outcome in OUTCOMES:
            mode = fitted_world(seed, kind)[1].of(outcome, "effort")
            ratio = _ratios(mode)
            figures = [f"{ratio.min():.2f}", f"{np.median(ratio):.2f}", f"{ratio.max():.2f}"]
            rows.append([kind, outcome, len(np.unique(mode.mode.rows.group)), *figures])
    return rows


def _ratios(fitted: Fitted) -> FloatArray:
    """Of the slopes that the history moves at all."""
    mode, rng = fitted.mode, np.random.default_rng(0)
    drawn = np.std([find_mode(anew(mode.rows, rng), mode.spread).beta for _ in range(BOOTSTRAPS)], axis=0)
    slopes = [k for k, n in enumerate(fitted.design.names) if n.startswith("outcome.") and drawn[k] > 1e-4]
    return np.asarray(_without_prior(mode)[slopes] / drawn[slopes])


def _without_prior(mode: Mode) -> FloatArray:
    """The clustered sd without what the prior adds to it, for a bootstrap does not draw the prior."""
    return np.asarray(np.sqrt(np.diag(mode.covariance @ score_products(mode) @ mode.covariance)))


def anew(rows: Rows, generator: np.random.Generator) -> Rows:
    """As many CSMs, drawn with replacement, each with all of its rows; one that is drawn twice counts as two."""
    picks = generator.integers(0, rows.groups, rows.groups)
    index = [np.flatnonzero(rows.group == g) for g in picks]
    every = np.concatenate(index)
    group = np.repeat(np.arange(rows.groups), [len(part) for part in index])
    return replace(rows, x=rows.x[every], y=rows.y[every], group=group)


# ---- checks -------------------------------------------------------------------------------------------------------


def alarm_rows() -> list[list[object]]:
    """Warnings of each check: in worlds as they are, and in histories drawn anew from their fits."""
    rows: list[list[object]] = []
    for kind in KINDS:
        lived = [p for seed in WORLDS for p in _p_values(*fitted_world(seed, kind))]
        null = [p for seed in NULL_WORLDS for p in _redrawn(*fitted_world(seed, kind))]
        for name, outcome in dict.fromkeys((n, o) for n, o, _ in lived):
            own, drawn = ([p for n, o, p in found if (n, o) == (name, outcome)] for found in (lived, null))
            rows.append([name, outcome, kind, _alarms(own), _alarms(drawn)])
    return rows


def _alarms(values: Sequence[float]) -> str:
    if not values:
        return ""
    return f"{sum(p < WARN_BELOW for p in values)} of {len(values)} ({np.mean(np.array(values) < WARN_BELOW):.2f})"


def _p_values(panel: Panel, posterior: Posterior) -> list[tuple[str, str, float]]:
    return [(c.name, c.outcome, c.slope.p) for c in checks(panel, posterior) if c.slope is not None]


def _redrawn(panel: Panel, posterior: Posterior) -> Iterator[tuple[str, str, float]]:
    """P-values where outcomes follow the fit, fitted again."""
    rng = np.random.default_rng(0)
    for _ in range(REDRAWN):
        renew, expand = (_anew(posterior.of(outcome, "effort"), rng) for outcome in OUTCOMES)
        size = posterior.size
        noise = rng.normal(0.0, size.mode.rows.noise, len(size.mode.expected))
        other = replace(size.mode.rows, y=size.mode.expected + noise)
        again = replace(
            posterior,
            renew={**posterior.renew, "effort": renew},
            expand={**posterior.expand, "effort": expand},
            size=Fitted(replace(size.design, rows=other), find_mode(other, size.mode.spread, size.mode)),
        )
        yield from _p_values(panel, again)


def _anew(fitted: Fitted, rng: np.random.Generator) -> Fitted:
    mode = fitted.mode
    rows = replace(mode.rows, y=(rng.random(len(mode.expected)) < mode.expected).astype(float))
    return Fitted(replace(fitted.design, rows=rows), find_mode(rows, mode.spread, mode))
