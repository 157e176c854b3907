"""The exact expected outcome of plans and books in a world: no draws, every case of a CSM quitting with its chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from optcomp.payout import expected_curve, expected_payout, gate_miss_probability
from optcomp.plan import Plan
from optcomp.types import FloatArray, IntArray
from optcomp.world.market import chances, deal
from optcomp.world.state import SETTLED_QUARTERS, Duty, Hidden, State, duty, moved

QUARTERS = 4
# Spread of attainment around fair targets, and CSAT, by which expected pay is counted (SCIENCE 1.2).
_SD = {"GRR": 0.08, "EXP": 0.35, "CSAT": 0.10, "ACT": 0.15, "RES": 0.25, "TEAM": 0.06, "LOGO": 0.10}
_CSAT_MEAN, _CSAT_SD = 0.85, 0.08


@dataclass(frozen=True, slots=True)
class TrueValue:
    """What plans and books bring in the plan year, in expectation.

    nrr : ARR on the last day from today's accounts over their ARR on the first; arr_end : per account, USD
    cost : base plus expected variable, USD; quits : chance to leave within the year, loads : hours needed over hours
        available, both per CSM
    """

    nrr: float
    cost: float
    arr_end: FloatArray
    quits: FloatArray
    loads: FloatArray


def true_value(hidden: Hidden, state: State, owner: IntArray, plans: tuple[Plan, ...], plan: IntArray) -> TrueValue:
    """Expected outcome when the books and plans (index per seat) apply from now on, by slots and seats."""
    start = moved(state, owner)
    work = duty(hidden, start, owner, plans, plan)
    successors = replace(start, person=start.person + 1)
    cases = (start, work), (successors, duty(hidden, successors, owner, plans, plan))
    share = np.zeros(len(owner))
    for last, chance in _last_quarters(start, work):
        share += chance[owner] * _share_left(hidden, cases, last)
    quits = 1.0 - np.prod([1.0 - h for h in _hazards(start, work)], axis=0)
    arr_end = state.arr * share
    multiples = np.array([_expected_multiple(p) for p in plans])[plan]
    cost = float((work.base + work.variable * multiples).sum())
    return TrueValue(float(arr_end.sum() / state.arr.sum()), cost, arr_end, quits, work.load)


def _hazards(state: State, work: Duty) -> list[FloatArray]:
    """Chance to quit at the end of each quarter for those who are still there."""
    return [np.where(state.employed + q >= SETTLED_QUARTERS, work.hazard, 0.0) for q in range(QUARTERS)]


def _last_quarters(state: State, work: Duty) -> Iterator[tuple[int, FloatArray]]:
    """Each quarter at whose end everybody might quit, with its chance per seat; QUARTERS - 1 stands for later or
    never, because who quits at the end of the year hands over after it."""
    stays = np.ones(len(work.hazard))
    hazards = _hazards(state, work)
    for quarter in range(QUARTERS - 1):
        yield quarter, stays * hazards[quarter]
        stays = stays * (1.0 - hazards[quarter])
    yield QUARTERS - 1, stays


def _share_left(hidden: Hidden, cases: tuple[tuple[State, Duty], tuple[State, Duty]], last: int) -> FloatArray:
    """ARR at the year's end over ARR now of every slot's customer, if everybody quits at the end of quarter `last`.

    cases : the people of today, and the next generation in every seat, with what they do
    """
    truth, state = hidden.truth, cases[0][0]
    share, recent = np.ones(len(state.owner)), state.attention
    for quarter in range(QUARTERS):
        here, work = cases[int(quarter > last)]
        now, kept = work.attention[here.owner], work.kept[here.owner]
        dealt = deal(
            hidden.firm, truth, hidden.people, hidden.customers,
            owner=here.owner, person=here.person, customer=here.customer,
        )  # fmt: skip
        since = state.took_over + quarter if quarter <= last else np.full(len(share), float(quarter - last - 1))
        odds = chances(dealt, truth, recent=recent.mean(axis=0), now=now, took_over=since)
        grown = odds.expand * truth.size[dealt.segment] * kept
        shrunk = odds.contract * truth.depth[dealt.segment]
        share = share * np.where(state.due_in == quarter, odds.renew * (1.0 - shrunk + grown), 1.0 + grown)
        recent = np.stack([now, recent[0]])
    return share


def _expected_multiple(plan: Plan) -> float:
    """Expected variable over variable at target when targets equal the forecast for the book."""
    parts: dict[str, float] = {c.metric: expected_curve(c.curve, 1.0, _SD[c.metric]) for c in plan.mix.components}
    return expected_payout(plan, parts, gate_miss_probability(plan.mix.gate, _CSAT_MEAN, _CSAT_SD))
