"""What everybody costs and how likely they are to leave, under every plan of their segment.

Tables have shape (csms, plans) for one segment; only rows of the segment's own CSMs mean anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from optcomp.payout import (
    chance_of_share,
    expected_curve,
    gate_miss_probability,
    largest_payout,
)
from optcomp.plan import Component, Curve, Mix, Plan
from optcomp.response.outcome import sigmoid
from optcomp.response.turnover import quit_probability
from optcomp.types import FloatArray, IntArray

if TYPE_CHECKING:
    from optcomp.problem import Problem


def quit_table(problem: Problem, segment: int) -> FloatArray:
    """Yearly quit probability."""
    base, variable = pay_at_target(problem, problem.plans[segment])
    market = market_pay(problem)[:, None]
    is_paid = base + variable > 0.0
    ote = np.where(is_paid, base + variable, market)  # nothing is known of somebody without pay: as at market
    return quit_probability(
        ote,
        market,
        variable / ote,
        np.array([c.tenure_years for c in problem.csm_list])[:, None],
        problem.response.turnover,
    )


def pay_at_target(problem: Problem, plans: Sequence[Plan]) -> tuple[FloatArray, FloatArray]:
    """Base and variable at target of every CSM under every plan, USD a full year, shape (csms, plans)."""
    own = np.array([c.base for c in problem.csm_list])
    base = np.outer(own, [p.base_factor for p in plans])
    variable = base * np.array([p.variable_per_base for p in plans])
    for k, plan in enumerate(plans):
        if plan.is_today:
            variable[:, k] = [c.variable for c in problem.csm_list]
    return base, variable


def market_pay(problem: Problem) -> FloatArray:
    """Market OTE of every CSM in USD: stated, else the middle of the benchmark band, else what they have today."""
    return np.array([_market_of(problem, j) for j in range(len(problem.csm_list))])


def _market_of(problem: Problem, j: int) -> float:
    csm = problem.csm_list[j]
    if csm.market_ote is not None:
        return csm.market_ote
    band = problem.benchmarks.band(csm.level, csm.region)
    return band.ote_mid if band else csm.base + csm.variable


def cost_table(problem: Problem, segment: int) -> FloatArray:
    """Base plus expected variable in the plan year, USD."""
    multiple = expected_multiples(problem, segment, problem.plans[segment], problem.accounts.csm)
    return _paid(problem, segment, multiple)


def exposure_table(problem: Problem, segment: int) -> FloatArray:
    """Base plus the largest variable that the plan can pay, USD."""
    largest = np.array([largest_payout(p) for p in problem.plans[segment]])
    return _paid(problem, segment, np.broadcast_to(largest, (len(problem.csm_list), len(largest))))


def _paid(problem: Problem, segment: int, multiple: FloatArray) -> FloatArray:
    base, variable = pay_at_target(problem, problem.plans[segment])
    return np.asarray(problem.csms.presence[:, None] * (base + variable * multiple))


def expected_multiples(problem: Problem, segment: int, plans: Sequence[Plan], owner: IntArray) -> FloatArray:
    """Expected variable over variable at target, shape (csms, plans), for the books that `owner` (CSM of each
    account) says.

    Targets equal the forecast for the book as dealt, so attainment has mean 1; only a fixed threshold on the raw metric
    (an `absolute` curve) depends on the book.
    """
    mixes = {id(p.mix): p.mix for p in plans}
    lines: dict[tuple[str, Curve], Component] = {
        (c.metric, c.curve): c for mix in mixes.values() for c in mix.components
    }
    by_line = {key: _component_multiples(problem, segment, c, owner) for key, c in lines.items()}
    by_mix = {key: _mix_multiples(problem, mix, by_line) for key, mix in mixes.items()}
    return np.column_stack([by_mix[id(p.mix)] for p in plans])


def _mix_multiples(problem: Problem, mix: Mix, by_line: Mapping[tuple[str, Curve], FloatArray]) -> FloatArray:
    """Expected variable over variable at target of a mix, shape (csms,); `by_line` has every metric with its curve."""
    attainment = problem.response.attainment
    gate_miss = gate_miss_probability(mix.gate, attainment.csat_mean, attainment.csat_sd)
    at_risk = mix.gate.at_risk if mix.gate else 0.0
    paid = sum(
        (c.weight * by_line[c.metric, c.curve] for c in mix.components),
        start=np.zeros(len(problem.csm_list)),
    )
    return np.asarray(paid * (1.0 - at_risk * gate_miss))


def _component_multiples(problem: Problem, segment: int, component: Component, owner: IntArray) -> FloatArray:
    count = len(problem.csm_list)
    if not component.curve.absolute:
        sd = problem.response.attainment.sd.get(component.metric, 0.0)
        return np.full(count, expected_curve(component.curve, 1.0, sd))
    pairs = problem.pairs(np.arange(len(owner)), problem.accounts.csm)
    keeps = pairs.due * sigmoid(pairs.renew) + 1.0 - pairs.due
    own = np.full(count, np.nan)
    for j in np.flatnonzero(problem.csms.segment == segment):
        own[j] = _book_multiple(component, keeps[owner == j], pairs.arr[owner == j])
    peers = own[~np.isnan(own)]
    # Somebody without a book yet is expected to fare like the colleagues of the segment.
    return np.where(np.isnan(own), peers.mean() if len(peers) else 1.0, own)


def _book_multiple(component: Component, keeps: FloatArray, arr: FloatArray) -> float:
    """Expected multiple of a fixed threshold on the share kept, for one book at today's plan; NaN for an empty book.

    keeps : chance that each account of the book stays; arr : its ARR, USD
    """
    if not len(keeps):
        return float("nan")
    if component.metric == "LOGO" and component.curve.kind == "all-or-nothing":
        return chance_of_share(keeps, component.curve.threshold)
    weight = arr / arr.sum() if component.metric == "GRR" else np.full(len(keeps), 1.0 / len(keeps))
    sd = float(np.sqrt((weight**2 * keeps * (1.0 - keeps)).sum()))
    return expected_curve(component.curve, float((weight * keeps).sum()), sd)
