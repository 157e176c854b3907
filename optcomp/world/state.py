"""A world at one moment, and how it gets from one quarter to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optcomp.plan import Plan
from optcomp.response.outcome import sigmoid
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by
from optcomp.world.agents import best_response, plan_pull
from optcomp.world.firm import SEGMENTS, Firm
from optcomp.world.market import Chances, attention, chances, deal, kept_share
from optcomp.world.traits import Customers, People
from optcomp.world.truth import Truth

# Nobody quits in the first year; so whoever quits within a plan year does so once.
SETTLED_QUARTERS = 4


@dataclass(frozen=True, slots=True)
class Hidden:
    """Everything about a world that does not change."""

    firm: Firm
    truth: Truth
    people: People
    customers: Customers


@dataclass(frozen=True, slots=True)
class State:
    """A moment. Seats: generation, quarters since the person was hired, pay. Slots: customer, owner, ARR and so on.

    due_in : quarters until the term ends (0 = in this quarter); took_over : quarters since the hand-over, NaN for none
    attention : shape (2, slots, 3), of the last quarter and the one before
    """

    person: IntArray
    employed: IntArray
    customer: IntArray
    owner: IntArray
    arr: FloatArray
    due_in: IntArray
    took_over: FloatArray
    attention: FloatArray


@dataclass(frozen=True, slots=True)
class Duty:
    """What plans and books make of everybody in a quarter; arrays over seats.

    pay : base and variable at target, USD a year; effort (seats, 4); hazard of quitting in the quarter
    """

    base: FloatArray
    variable: FloatArray
    load: FloatArray
    effort: FloatArray
    attention: FloatArray
    kept: FloatArray
    hazard: FloatArray


def book_load(hidden: Hidden, owner: IntArray) -> FloatArray:
    """Hours needed over hours available, per seat."""
    seats = hidden.firm.csms
    return np.asarray(sum_by(owner, hidden.firm.accounts.hours, len(seats.pool)) / seats.hours)


def duty(hidden: Hidden, state: State, owner: IntArray, plans: tuple[Plan, ...], plan: IntArray) -> Duty:
    """Everybody's best response to a plan (index per seat) with these books."""
    firm, truth, seats = hidden.firm, hidden.truth, np.arange(len(plan))
    base = firm.csms.base * np.array([p.base_factor for p in plans])[plan]
    variable = base * np.array([p.variable_per_base for p in plans])[plan]
    heads = np.bincount(firm.csms.segment, minlength=len(SEGMENTS))
    pulls = np.array([[plan_pull(p, truth, max(int(n), 1)) for n in heads] for p in plans])
    money = hidden.people.money[state.person, seats] * variable / 10_000.0
    value = hidden.people.taste[state.person, seats] * truth.intrinsic
    effort = best_response(value + money[:, None] * pulls[plan, firm.csms.segment], truth)
    load = book_load(hidden, owner)
    log_odds = (
        truth.hazard
        - truth.quit_pay * np.log((base + variable) / firm.csms.market_ote)
        + truth.quit_load * np.maximum(load - 1.0, 0.0)
        + truth.quit_variable * (variable / (base + variable) - 0.2)
    )
    return Duty(
        base, variable, load, effort, attention(effort, load, truth), kept_share(truth, effort), sigmoid(log_odds)
    )


@dataclass(frozen=True, slots=True)
class Quarter:
    """What happened in a quarter; arrays over slots, `quits` over seats. Money is USD a year."""

    due: BoolArray
    renewed: BoolArray
    contraction: FloatArray
    expansion: FloatArray
    quits: BoolArray
    chances: Chances


def play_quarter(
    hidden: Hidden, state: State, work: Duty, rng: np.random.Generator, mood: float = 0.0
) -> tuple[Quarter, State]:
    """One quarter drawn at random, and the world after it; `mood` is the quarter's own log-odds."""
    truth, slots = hidden.truth, len(state.owner)
    now = work.attention[state.owner]
    dealt = deal(
        hidden.firm, truth, hidden.people, hidden.customers,
        owner=state.owner, person=state.person, customer=state.customer,
    ).shifted(mood)  # fmt: skip
    odds = chances(dealt, truth, recent=state.attention.mean(axis=0), now=now, took_over=state.took_over)
    due = state.due_in == 0
    renewed = due & (rng.random(slots) < odds.renew)
    lost = due & ~renewed
    shrinks = renewed & (rng.random(slots) < odds.contract)
    grows = (rng.random(slots) < odds.expand) & ~lost
    spread = np.exp(rng.normal(0.0, truth.size_sd, slots) - truth.size_sd**2 / 2.0)
    size = truth.size[dealt.segment] * spread * work.kept[state.owner]
    quits = (rng.random(len(state.person)) < work.hazard) & (state.employed >= SETTLED_QUARTERS)
    contraction = np.where(shrinks, state.arr * truth.depth[dealt.segment], 0.0)
    quarter = Quarter(due, renewed, contraction, np.where(grows, state.arr * size, 0.0), quits, odds)
    return quarter, _after(hidden, state, quarter, now)


def _after(hidden: Hidden, state: State, quarter: Quarter, now: FloatArray) -> State:
    """New people in the seats of those who quit, new customers in the slots of those who churned."""
    lost = quarter.due & ~quarter.renewed
    slots, terms = np.arange(len(lost)), hidden.firm.accounts.term // 3
    customer = state.customer + lost
    handed = quarter.quits[state.owner]
    took_over = np.where(handed, 0.0, np.where(lost, np.nan, state.took_over + 1.0))
    return State(
        person=state.person + quarter.quits,
        employed=np.where(quarter.quits, 0, state.employed + 1),
        customer=customer,
        owner=state.owner,
        arr=np.where(lost, hidden.customers.arr[customer, slots], state.arr - quarter.contraction + quarter.expansion),
        due_in=np.where(quarter.due, terms - 1, state.due_in - 1),
        took_over=np.where(handed & lost, np.nan, took_over),
        attention=np.stack([now, state.attention[0]]),
    )


def moved(state: State, owner: IntArray) -> State:
    """The same moment with other books; whoever changes hands is handed over now."""
    return replace(state, owner=owner, took_over=np.where(owner != state.owner, 0.0, state.took_over))
