"""Which plan is worth trying in which segment, and what is believed of it at today's books."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.problem import Problem
from optcomp.response.outcome import sigmoid
from optcomp.types import FloatArray, IntArray

# Points of a segment's NRR below which a plan is not worth an experiment.
WORTH_TRYING = 0.10
# Without draws the doubt about a gain is taken to be as large as the gain itself, and at least this, in points.
LEAST_DOUBT = 1.0
# Sd of CSM effects in log-odds (models/response, fitting.sigma_u).
SIGMA_U = 0.30
# A segment needs two CSMs in each arm.
FEWEST = 4


@dataclass(frozen=True)
class Contender:
    """The plan to try in a segment; points are of the segment's NRR in a full year.

    csms : rows of those who may be drawn; accounts : rows of their accounts; gain, doubt : mean and sd of the gain
    """

    segment: int
    plan: int
    csms: IntArray
    accounts: IntArray
    gain: float
    doubt: float


def contenders(problem: Problem) -> list[Contender]:
    """The most promising new plan of every segment that can be tried, by segment."""
    found = (_of_segment(problem, s) for s in range(len(problem.segments)))
    return [c for c in found if c is not None]


def participants(problem: Problem, segment: int) -> IntArray:
    """CSMs of a segment who stay, are there today and have a book."""
    csms = problem.csms
    has_book = np.isin(np.arange(len(csms.ids)), problem.accounts.csm)
    return np.flatnonzero((csms.segment == segment) & ~csms.is_leaving & ~csms.is_open & has_book)


def _of_segment(problem: Problem, segment: int) -> Contender | None:
    people = participants(problem, segment)
    if len(people) < FEWEST or len(problem.plans[segment]) < 2:
        return None
    rows = np.flatnonzero(np.isin(problem.accounts.csm, people))
    values = _by_draw(problem, segment, rows)
    gains = 100.0 * (values - values[:, :1]) / max(float(problem.accounts.arr[rows].sum()), 1.0)
    mean = np.where(_affordable(problem, segment, people), gains.mean(axis=0), -np.inf)
    mean[0] = -np.inf
    best = int(mean.argmax())
    if mean[best] < WORTH_TRYING:
        return None
    doubt = float(gains[:, best].std()) if len(gains) > 1 else max(float(mean[best]), LEAST_DOUBT)
    return Contender(segment, best, people, rows, float(mean[best]), max(doubt, 1e-3))


def _by_draw(problem: Problem, segment: int, rows: IntArray) -> FloatArray:
    """Year-end ARR of accounts under every plan, in every draw; shape (draws, plans)."""
    everything = np.arange(len(problem.plans[segment]))
    problems = problem.members or (problem,)
    values = []
    for member in problems:
        pairs = member.pairs(rows, member.accounts.csm[rows])
        numbers = member.plan_numbers(segment, everything)
        values.append(member.predict_many(pairs, segment, numbers).total.sum(axis=1))
    return np.array(values)


def _affordable(problem: Problem, segment: int, people: IntArray) -> FloatArray:
    """1 for plans that fit the segment's share of the budget, by what everybody costs today."""
    cost = problem.pay_cost[segment][people].sum(axis=0)
    today = sum(problem.pay_cost[s][problem.csms.segment == s, 0].sum() for s in range(len(problem.segments)))
    return np.asarray(cost <= cost[0] * max(problem.instance.pay_budget / max(today, 1.0), 1.0) + 1e-6, dtype=float)


@dataclass(frozen=True, slots=True)
class Signal:
    """What the first quarters of a plan say about its two effects, renewals and expansions, at today's plan.

    renewals, expansions : expected events in all arms together, renewals counted by how much of the plan they felt
    churn : mean chance that a contract due is lost; info : sum of p (1 - p) of the events, (renew, expand)
    worth : points of the accounts' NRR in a full year per log-odds; between : sd of CSMs that their own last year does
        not explain, log-odds
    """

    renewals: float
    expansions: float
    churn: float
    info: tuple[float, float]
    worth: tuple[float, float]
    between: tuple[float, float]


def signal(problem: Problem, contender: Contender, quarters: int) -> Signal:
    """What `quarters` quarters of the plan year say."""
    rows, people = contender.accounts, len(contender.csms)
    pairs = problem.pairs(rows, problem.accounts.csm[rows])
    keep, expand = sigmoid(pairs.renew), sigmoid(pairs.expand)
    quarter, arr = problem.accounts.quarter[rows], max(float(pairs.arr.sum()), 1.0)
    due = np.where(quarter >= 0, quarter < quarters, pairs.due * quarters / 4.0).astype(float)
    felt = due * pairs.omega**2  # a renewal that felt half of the plan tells a quarter as much
    renewing, expanding = keep * (1.0 - keep), expand * (1.0 - expand)
    a_year = float((pairs.due * renewing).sum()), 4.0 * float(expanding.sum())
    alive = pairs.due * (1.0 + keep) / 2.0 + 1.0 - pairs.due
    return Signal(
        renewals=float(felt.sum()),
        expansions=quarters * float(expand.sum()),
        churn=float((due * (1.0 - keep)).sum() / max(float(due.sum()), 1e-9)),
        info=(float((felt * renewing).sum()), quarters * float(expanding.sum())),
        worth=(
            100.0 * float((pairs.arr * pairs.due * pairs.omega * renewing).sum()) / arr,
            100.0 * float((pairs.arr * alive * 4.0 * pairs.size * expanding).sum()) / arr,
        ),
        between=(_left(a_year[0] / people), _left(a_year[1] / people)),
    )


def _left(info: float) -> float:
    """Sd of a CSM's effect once a year of their own results is counted."""
    return float((SIGMA_U**-2 + info) ** -0.5)
