"""The hidden truth of a world: parameters redrawn for each, centred on the published priors.

The behaviour is not that of the fitted model: people best-respond over four tasks with corner solutions, attention
saturates, pushing upsells harms renewals, and gaming pays where a plan has a cliff. Source: SCIENCE 4.1, 2.2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.catalog import load_response
from optcomp.response.outcome import logit
from optcomp.types import FloatArray
from optcomp.world.firm import SEGMENTS

TASKS = ("retain", "expand", "playbook", "gaming")
# How a dollar on each metric pulls on (retain, expand, playbook): judgement, redrawn per world (SCIENCE 1.4).
METRIC_NAMES = ("GRR", "EXP", "CSAT", "ACT", "RES", "TEAM", "LOGO")


@dataclass(frozen=True, slots=True)
class Truth:
    """What nobody in the world knows. Log-odds unless said; arrays over tasks are (retain, expand, playbook).

    renew, expand, contract : per segment, at reference attention, health and fit
    kappa_renew, kappa_expand, kappa_contract : gain of full attention; saturation : how fast it is reached
    push, push_from : log-odds of renewal lost per unit of upsell attention above `push_from` times the reference
    load_power : attention is effort over load to this power
    intrinsic : marginal value of each of the four tasks without pay; scale : effort at which a task's value flattens
    cost, cost_power : marginal cost of total effort T is cost · T ** cost_power
    pull : marginal value per 10,000 USD; cliff : strength of an all-or-nothing target against a linear one
    game : marginal value of gaming per 10,000 USD of convex pay; leak : share of bookings lost at full gaming
    hazard : log-odds of quitting in a quarter at market pay; quit_* : its slopes
    """

    renew: FloatArray
    expand: FloatArray
    contract: FloatArray
    size: FloatArray
    depth: FloatArray
    size_sd: float
    kappa_renew: FloatArray
    kappa_expand: FloatArray
    kappa_contract: FloatArray
    saturation: FloatArray
    push: float
    push_from: float
    load_power: float
    health_renew: float
    health_expand: float
    arr_renew: float
    industry: FloatArray
    fit_renew: float
    fit_expand: float
    fit_weights: FloatArray
    hand_renew: float
    hand_expand: float
    hand_relief: float
    intrinsic: FloatArray
    scale: FloatArray
    cost: float
    cost_power: float
    loading: FloatArray
    pull: float
    dilution: float
    cliff: float
    game: float
    leak: float
    hazard: float
    quit_pay: float
    quit_load: float
    quit_variable: float
    quarter_sd: float


def draw_truth(rng: np.random.Generator) -> Truth:
    """The parameters of one world; effects are lognormal around the priors with sd .2 to .5."""
    prior = load_response("priors-v0", None)
    outcome, effort, turnover = prior.outcome, prior.effort, prior.turnover
    rates = [prior.base_rates(segment) for segment in SEGMENTS]

    def spread(center: float, sd: float = 0.3) -> float:
        return float(center * np.exp(rng.normal(0.0, sd) - sd * sd / 2.0))

    def around(values: FloatArray, sd: float) -> FloatArray:
        return np.asarray(values * np.exp(rng.normal(0.0, sd, np.shape(values))))

    saturation = around(np.ones(3), 0.2)
    # At the reference the slope of kappa · (1 - exp(-saturation · x)) on log x is the prior's log-odds per log-effort.
    per_log = saturation * np.exp(-saturation)
    count = len(SEGMENTS)
    depth = np.array([r.contraction_depth for r in rates])
    loading = np.array([effort.loading[metric] for metric in METRIC_NAMES])
    return Truth(
        renew=logit(np.array([r.renewal for r in rates])) + rng.normal(0.0, 0.15, count),
        expand=logit(np.array([r.expansion for r in rates])) + rng.normal(0.0, 0.15, count),
        contract=logit(np.array([r.contraction for r in rates]) / depth) + rng.normal(0.0, 0.2, count),
        size=around(np.array([r.expansion_size for r in rates]), 0.1),
        depth=depth,
        size_sd=0.5,
        kappa_renew=around(np.array(outcome.renew), 0.4) / per_log,
        kappa_expand=around(np.array(outcome.expand), 0.4) / per_log,
        kappa_contract=rng.normal(0.0, 0.1, 3) / per_log,
        saturation=saturation,
        push=spread(0.25, 0.5),
        push_from=float(rng.uniform(1.3, 1.8)),
        # The slope on log load is this times the sum of the slopes on attention, .7: about the prior's .40.
        load_power=spread(0.57, 0.3),
        health_renew=spread(0.3),
        health_expand=spread(0.15),
        arr_renew=float(rng.normal(0.05, 0.05)),
        industry=rng.normal(0.0, 0.12, 6),
        fit_renew=spread(outcome.fit_renew, 0.4),
        fit_expand=spread(outcome.fit_expand, 0.4),
        fit_weights=rng.dirichlet(20.0 * np.array([0.5, 0.2, 0.3])),
        hand_renew=-spread(-outcome.hand_renew, 0.3),
        hand_expand=float(rng.normal(outcome.hand_expand, 0.1)),
        hand_relief=float(rng.uniform(0.2, 0.6)),
        intrinsic=np.append(around(np.array(effort.base), 0.2), 0.0),
        # Together with the cost these give a total effort of 1 without pay, and an elasticity of single tasks below 1.
        scale=around(np.full(4, 0.22), 0.15),
        cost=spread(0.69, 0.2),
        cost_power=float(rng.uniform(2.0, 4.0)),
        loading=np.clip(around(loading, 0.2) + (loading > 0) * rng.normal(0.0, 0.05, loading.shape), 0.0, None),
        pull=spread(effort.pull, 0.3),
        dilution=float(np.clip(rng.normal(effort.team_dilution, 0.15), 0.2, 1.1)),
        cliff=float(rng.uniform(0.5, 0.85)),
        game=spread(0.5, 0.4),
        leak=spread(0.30, 0.3),
        hazard=float(logit(1.0 - (1.0 - np.clip(spread(turnover.base_quit, 0.25), 0.08, 0.35)) ** 0.25)),
        quit_pay=spread(turnover.pay, 0.25),
        quit_load=spread(turnover.overload, 0.4),
        quit_variable=float(rng.normal(turnover.variable, 0.3)),
        quarter_sd=0.10,
    )
