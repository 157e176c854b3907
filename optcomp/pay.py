"""What everybody costs and how likely they are to leave, under every plan of their segment.

Tables have shape (csms, plans) for one segment; only rows of the segment's own CSMs mean anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optcomp.design import own_base, own_ote, own_variable
from optcomp.payout import (
    chance_of_share,
    expected_curve,
    expected_payout,
    gate_miss_probability,
    largest_payout,
)
from optcomp.plan import Component, Plan
from optcomp.response.outcome import sigmoid
from optcomp.response.turnover import quit_probability
from optcomp.types import FloatArray, IntArray

if TYPE_CHECKING:
    from optcomp.problem import Problem


def quit_table(problem: Problem, segment: int) -> FloatArray:
    """Yearly quit probability."""
    plans, csms = problem.plans[segment], problem.csm_list
    ote = np.array([[own_ote(p, c) for p in plans] for c in csms])
    variable = np.array([[own_variable(p, c) for p in plans] for c in csms])
    return quit_probability(
        ote,
        market_pay(problem)[:, None],
        variable / ote,
        np.array([c.tenure_years for c in csms])[:, None],
        problem.response.turnover,
    )


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
    plans = problem.plans[segment]
    full = np.array(
        [
            [own_base(p, c) + own_variable(p, c) * multiple[j, k] for k, p in enumerate(plans)]
            for j, c in enumerate(problem.csm_list)
        ]
    ).reshape(len(problem.csm_list), len(plans))
    return np.asarray(problem.csms.presence[:, None] * full)


def expected_multiples(problem: Problem, segment: int, plans: tuple[Plan, ...], owner: IntArray) -> FloatArray:
    """Expected variable over variable at target, shape (csms, plans), for the books that `owner` (CSM of each
    account) says.

    Targets equal the forecast for the book as dealt, so attainment has mean 1; only a fixed threshold on the raw metric
    (an `absolute` curve) depends on the book.
    """
    attainment = problem.response.attainment
    table = np.empty((len(problem.csm_list), len(plans)))
    for k, plan in enumerate(plans):
        gate_miss = gate_miss_probability(plan.mix.gate, attainment.csat_mean, attainment.csat_sd)
        columns = {c.metric: _component_multiples(problem, segment, c, owner) for c in plan.mix.components}
        for j in range(len(problem.csm_list)):
            table[j, k] = expected_payout(plan, {m: float(v[j]) for m, v in columns.items()}, gate_miss)
    return table


def _component_multiples(problem: Problem, segment: int, component: Component, owner: IntArray) -> FloatArray:
    count = len(problem.csm_list)
    if not component.curve.absolute:
        sd = problem.response.attainment.sd.get(component.metric, 0.0)
        return np.full(count, expected_curve(component.curve, 1.0, sd))
    own = np.array([_book_multiple(problem, component, np.flatnonzero(owner == j)) for j in range(count)])
    peers = own[(problem.csms.segment == segment) & ~np.isnan(own)]
    # Somebody without a book yet is expected to fare like the colleagues of the segment.
    return np.where(np.isnan(own), peers.mean() if len(peers) else 1.0, own)


def _book_multiple(problem: Problem, component: Component, book: IntArray) -> float:
    """Expected multiple of a fixed threshold on the share kept, for one book at today's plan; NaN for an empty book."""
    if not len(book):
        return float("nan")
    pairs = problem.pairs(book, problem.accounts.csm[book])
    keeps = pairs.due * sigmoid(pairs.renew) + 1.0 - pairs.due
    if component.metric == "LOGO" and component.curve.kind == "all-or-nothing":
        return chance_of_share(keeps, component.curve.threshold)
    weight = pairs.arr / pairs.arr.sum() if component.metric == "GRR" else np.full(len(book), 1.0 / len(book))
    sd = float(np.sqrt((weight**2 * keeps * (1.0 - keeps)).sum()))
    return expected_curve(component.curve, float((weight * keeps).sum()), sd)
