"""What people, tools and payroll saw of a quarter: health, CSAT, activities, attainment, payouts. All of it noisy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.payout import curve_value
from optcomp.plan import Plan
from optcomp.response.outcome import sigmoid
from optcomp.types import FloatArray, IntArray, sum_by
from optcomp.world.agents import reference_effort
from optcomp.world.state import Duty, Hidden, Quarter, State

# Health score of an average customer, its points per sd of latent health, per playbook attention, and noise.
_HEALTH, _PER_LATENT, _PER_PLAYBOOK, _HEALTH_NOISE = 70.0, 11.0, 6.0, 8.0
_UNSCORED = 0.06
_ANSWERS = 0.6  # share of customers who answer the survey
_WEEKS = 13.0


@dataclass(frozen=True, slots=True)
class Seen:
    """Per slot: health on the first day, CSAT (NaN where not answered), expansion booked in the last two weeks."""

    health: FloatArray
    csat: FloatArray
    late: FloatArray


def look(hidden: Hidden, state: State, work: Duty, quarter: Quarter, rng: np.random.Generator) -> Seen:
    """What is seen of the customers; health rises with attention, so it must not be a control."""
    slots = np.arange(len(state.owner))
    latent = hidden.customers.latent[state.customer, slots]
    health = look_at_health(hidden, state, rng)
    game = _gaming(hidden, work)[state.owner]
    felt = 0.85 + 0.03 * latent + 0.02 * np.log(np.maximum(work.attention[state.owner, 2], 0.1)) + 0.08 * game
    csat = np.clip(np.round(felt + rng.normal(0.0, 0.08, len(slots)), 2), 0.0, 1.0)
    # Gaming moves bookings to the deadline.
    is_late = rng.random(len(slots)) < np.minimum(2.0 / _WEEKS + 0.6 * game, 1.0)
    return Seen(
        health=health,
        csat=np.where(rng.random(len(slots)) < _ANSWERS, csat, np.nan),
        late=np.where(is_late, quarter.expansion, 0.0),
    )


def look_at_health(hidden: Hidden, state: State, rng: np.random.Generator) -> FloatArray:
    """Health scores on the first day of a quarter, NaN where not scored."""
    slots = np.arange(len(state.owner))
    latent = hidden.customers.latent[state.customer, slots]
    playbook = np.log(np.maximum(state.attention[0, :, 2], 0.1))
    score = _HEALTH + _PER_LATENT * latent + _PER_PLAYBOOK * playbook + rng.normal(0.0, _HEALTH_NOISE, len(slots))
    return np.where(rng.random(len(slots)) < _UNSCORED, np.nan, np.clip(np.round(score), 1.0, 99.0))


def _gaming(hidden: Hidden, work: Duty) -> FloatArray:
    """Gaming effort as a share of full gaming, per seat."""
    return np.asarray(1.0 - np.exp(-work.effort[:, 3] / hidden.truth.scale[3]))


@dataclass(frozen=True, slots=True)
class Results:
    """Per seat: activities logged and as traced, attainment and payout (USD for the quarter) by metric."""

    activities: FloatArray
    traced: FloatArray
    attainment: dict[str, FloatArray]
    payout: dict[str, FloatArray]


def results(
    hidden: Hidden, state: State, work: Duty, quarter: Quarter, seen: Seen, *,
    plans: tuple[Plan, ...], plan: IntArray, rng: np.random.Generator,
) -> Results:  # fmt: skip
    """What every seat reached against targets that are fair for the book, and what it was paid."""
    game, seats = _gaming(hidden, work), len(plan)
    relative = work.effort[:, :3] / reference_effort(hidden.truth)
    traced = np.round(relative[:, 2] ** 0.7 * np.exp(rng.normal(0.0, 0.12, seats)), 3)
    logged = np.round(traced + 0.5 * game * rng.random(seats), 3)
    reached = _outcomes(hidden, state, quarter)
    reached["ACT"] = logged
    reached["RES"] = (0.6 * relative[:, 2] + 0.4 * relative[:, 0]) * np.exp(rng.normal(0.0, 0.2, seats))
    csat = _mean(state.owner, seen.csat, seats)
    reached["CSAT"] = csat / 0.85
    attainment, payout = _paid(plans, plan, work.variable, reached, csat)
    return Results(logged, traced, attainment, payout)


def _outcomes(hidden: Hidden, state: State, quarter: Quarter) -> dict[str, FloatArray]:
    """Attainment of outcome metrics: result over what an average person would have got from this book."""
    seats, owner, segment = len(state.person), state.owner, hidden.firm.accounts.segment
    truth = hidden.truth
    renew = sigmoid(truth.renew)[segment]
    expand = sigmoid(truth.expand)[segment] * truth.size[segment]
    kept = np.where(quarter.renewed, state.arr - quarter.contraction, 0.0)
    due = state.arr * quarter.due
    team = hidden.firm.csms.segment
    end = np.where(quarter.due, kept, state.arr) + quarter.expansion
    fair = np.where(quarter.due, renew, 1.0) * state.arr + expand * state.arr
    groups = int(team.max()) + 1
    return {
        "GRR": _ratio(sum_by(owner, kept, seats), sum_by(owner, due * renew, seats)),
        "LOGO": _ratio(
            sum_by(owner, quarter.renewed.astype(float), seats), sum_by(owner, quarter.due.astype(float), seats)
        ),
        "EXP": _ratio(sum_by(owner, quarter.expansion, seats), sum_by(owner, expand * state.arr, seats)),
        "TEAM": _ratio(sum_by(segment, end, groups), sum_by(segment, fair, groups))[team],
    }


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.asarray(np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0.0))


def _mean(label: IntArray, values: FloatArray, count: int) -> FloatArray:
    there = ~np.isnan(values)
    return _ratio(sum_by(label[there], values[there], count), sum_by(label[there], np.ones(there.sum()), count))


def _paid(
    plans: tuple[Plan, ...], plan: IntArray, variable: FloatArray, reached: dict[str, FloatArray], csat: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Attainment and payout of the metrics that each seat's plan pays; who had nothing to reach is paid at target."""
    paid = sorted({c.metric for p in plans for c in p.mix.components})
    attainment: dict[str, FloatArray] = {metric: np.full(len(plan), np.nan) for metric in paid}
    payout: dict[str, FloatArray] = {metric: np.full(len(plan), np.nan) for metric in paid}
    for j, index in enumerate(plan.tolist()):
        gate = plans[index].mix.gate
        kept = 1.0 - gate.at_risk if gate and csat[j] < gate.target else 1.0
        for component in plans[index].mix.components:
            value = float(reached[component.metric][j])
            multiple = 1.0 if np.isnan(value) else curve_value(component.curve, value)
            attainment[component.metric][j] = value
            payout[component.metric][j] = variable[j] / 4.0 * component.weight * multiple * kept
    return attainment, payout
