"""From the posterior to draws and to point estimates, both in the numbers of a response model file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from optcomp.learn.draws import Draws
from optcomp.learn.maps import MAPS, MapName, feature_names
from optcomp.learn.newton import draw
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Fitted, Posterior
from optcomp.learn.priors import QUARTERS
from optcomp.model_files import NORMAL_90
from optcomp.types import FloatArray

# A probability of 0 or 1 has no finite logit, and no response file may hold it.
EDGE = 1e-6
# Sd of the share that an account loses when it contracts, about its segment's mean; fixes the weight of the prior.
DEPTH_NOISE = 0.15
OUTCOMES = ("renew", "expand", "contract", "size", "quit")
SHARED = ("load", "fit", "hand", "health")
TURNOVER = ("pay", "variable", "tenure", "overload")


@dataclass(frozen=True)
class _Sampled:
    """Draws of one outcome under one map."""

    fitted: Fitted
    beta: FloatArray
    u: FloatArray

    def column(self, name: str) -> FloatArray:
        return np.asarray(self.beta[:, self.fitted.position(name)])


def sample(panel: Panel, posterior: Posterior, *, count: int, generator: np.random.Generator) -> Draws:
    """Draws of every fitted number: the first half under the effort index, the rest under the saturating map."""
    halves = {"effort": count - count // 2, "hill": count // 2}
    parts = [_half(panel, posterior, which, halves[which], generator) for which in MAPS if halves[which]]
    return Draws(
        names=parts[0].names,
        values=np.concatenate([p.values for p in parts]),
        is_hill=np.concatenate([p.is_hill for p in parts]),
        csms=parts[0].csms,
        skill_renew=np.concatenate([p.skill_renew for p in parts]),
        skill_expand=np.concatenate([p.skill_expand for p in parts]),
    )


def at_mode(panel: Panel, posterior: Posterior, which: MapName) -> Draws:
    """The mode under one map, as a single draw."""
    sampled = {}
    for outcome in OUTCOMES:
        fitted = posterior.of(outcome, which)
        beta = np.array([[fitted.value(name) for name in fitted.design.names]])
        sampled[outcome] = _Sampled(fitted, beta, fitted.mode.u[None, :])
    depth = [np.array([np.clip(depth_posterior(panel, s)[0], 0.01, 1.0)]) for s in range(len(panel.segment_names))]
    return _as_draws(panel, which, sampled, depth)


def _half(panel: Panel, posterior: Posterior, which: MapName, count: int, generator: np.random.Generator) -> Draws:
    sampled = {outcome: _sampled(posterior.of(outcome, which), generator, count) for outcome in OUTCOMES}
    depth = [_depth_draws(panel, s, generator, count) for s in range(len(panel.segment_names))]
    return _as_draws(panel, which, sampled, depth)


def _as_draws(panel: Panel, which: MapName, sampled: dict[str, _Sampled], depth: list[FloatArray]) -> Draws:
    count = len(depth[0])
    columns = {"hill.kappa": np.full(count, panel.priors.kappa)}
    for outcome in ("renew", "expand", "contract"):
        columns |= _plan_columns(sampled[outcome], outcome, which)
    for outcome in ("renew", "expand"):
        names = [f"outcome.{part}_{outcome}" for part in SHARED]
        columns |= {name: sampled[outcome].column(name) for name in names}
        columns[f"outcome.shift_{outcome}"] = np.zeros(count)
    for s, name in enumerate(panel.segment_names):
        columns |= _base_columns(panel, s, sampled, depth[s], columns, name)
    columns["turnover.base_quit"] = 1.0 - (1.0 - expit(sampled["quit"].column("level.quit"))) ** QUARTERS
    columns |= {f"turnover.{part}": sampled["quit"].column(f"turnover.{part}") for part in TURNOVER}
    return Draws(
        names=tuple(columns),
        values=np.column_stack(list(columns.values())),
        is_hill=np.full(count, which == "hill"),
        csms=panel.history.csm_ids,
        skill_renew=sampled["renew"].u,
        skill_expand=sampled["expand"].u,
    )


def _sampled(fitted: Fitted, generator: np.random.Generator, count: int) -> _Sampled:
    beta, u = draw(fitted.mode, generator, count, at_least_0=fitted.design.signed, widening=fitted.widening)
    return _Sampled(fitted, beta, u)


def _plan_columns(sampled: _Sampled, outcome: str, which: MapName) -> dict[str, FloatArray]:
    """Coefficients of the draw's own map, and zeros for the other; contraction knows the effort index only."""
    zero = np.zeros(len(sampled.beta))
    maps: tuple[MapName, ...] = ("effort",) if outcome == "contract" else MAPS
    own = "effort" if outcome == "contract" else which
    return {name: sampled.column(name) if m == own else zero for m in maps for name in feature_names(m, outcome)}


def _base_columns(
    panel: Panel,
    segment: int,
    sampled: dict[str, _Sampled],
    depth: FloatArray,
    columns: dict[str, FloatArray],
    name: str,
) -> dict[str, FloatArray]:
    """Base rates of a segment at no incentive: today's level less what the effort index gives today's plan."""
    phi = panel.problem.effects_of(segment, [panel.problem.today_plan(segment)]).phi[0]

    def rate(outcome: str) -> FloatArray:
        slopes = np.column_stack([columns[key] for key in feature_names("effort", outcome)])
        log_odds = sampled[outcome].column(f"level.{outcome}.{name}") - slopes @ phi
        return np.asarray(np.clip(expit(log_odds), EDGE, 1.0 - EDGE))

    noise = sampled["size"].fitted.mode.rows.noise
    return {
        f"base.{name}.renewal": rate("renew"),
        f"base.{name}.expansion": rate("expand"),
        f"base.{name}.expansion_size": np.clip(
            np.exp(sampled["size"].column(f"level.size.{name}") + noise**2 / 2.0), EDGE, 10.0
        ),
        f"base.{name}.contraction": rate("contract") * depth,
        f"base.{name}.contraction_depth": depth,
    }


def depth_posterior(panel: Panel, segment: int) -> tuple[float, float]:
    """Mean and sd of the share that an account of a segment loses when it contracts."""
    name = panel.segment_names[segment]
    key = f"base.{name}.contraction_depth"
    key = key if key in panel.priors.by_key else "base.default.contraction_depth"
    cells = panel.history.account_quarters
    rows = (cells.contraction > 0.0) & (panel.segment == segment) & (cells.arr_start > 0.0)
    share = np.clip(cells.contraction[rows] / cells.arr_start[rows], 0.0, 1.0)
    weight, precision = panel.priors.sd(key) ** -2.0, len(share) / DEPTH_NOISE**2
    mean = (weight * panel.priors.mean(key) + share.sum() / DEPTH_NOISE**2) / (weight + precision)
    return float(mean), float((weight + precision) ** -0.5)


def _depth_draws(panel: Panel, segment: int, generator: np.random.Generator, count: int) -> FloatArray:
    mean, sd = depth_posterior(panel, segment)
    return np.clip(generator.normal(mean, sd, count), 0.01, 1.0)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of the response model file after the history: the value that `solve` reads, its sd and 90 % interval.

    sd is NaN for probabilities and shares, which have an interval only
    """

    key: str
    value: float
    sd: float
    low: float
    high: float


def estimates(panel: Panel, posterior: Posterior, draws: Draws) -> list[Estimate]:
    """Every fitted number.

    Coefficients: the mode under their map, and the mean over both maps where both have it. Base rates: the mode under
    the effort index, which is what `solve` combines them with; their intervals are those of the draws.
    """
    found = [
        _coefficient(posterior.of(o, m), n) for o in ("renew", "expand") for m in MAPS for n in feature_names(m, o)
    ]
    found += [_coefficient(posterior.contract, name) for name in feature_names("effort", "contract")]
    for outcome in ("renew", "expand"):
        found += [_over_maps(posterior, outcome, f"outcome.{part}_{outcome}") for part in SHARED]
        found.append(Estimate(f"outcome.shift_{outcome}", 0.0, float("nan"), 0.0, 0.0))
    found += [_coefficient(posterior.quits, f"turnover.{part}") for part in TURNOVER]
    middle = at_mode(panel, posterior, "effort")
    for name in draws.names:
        if name.startswith("base.") or name == "turnover.base_quit":
            value = float(middle.column(name)[0])
            low, high = np.quantile(draws.column(name)[~draws.is_hill], [0.05, 0.95])
            found.append(Estimate(name, value, float("nan"), min(float(low), value), max(float(high), value)))
    return found


def _coefficient(fitted: Fitted, name: str) -> Estimate:
    return _interval(name, fitted.value(name), float(fitted.sd[fitted.position(name)]))


def _over_maps(posterior: Posterior, outcome: str, name: str) -> Estimate:
    both = [_coefficient(posterior.of(outcome, which), name) for which in MAPS]
    values = np.array([e.value for e in both])
    sd = np.sqrt(np.mean([e.sd**2 for e in both]) + values.var())
    return _interval(name, float(values.mean()), float(sd))


def _interval(name: str, value: float, sd: float) -> Estimate:
    return Estimate(name, value, sd, value - NORMAL_90 * sd, value + NORMAL_90 * sd)
