"""Pay that comes and goes at a step: the chance of an average, a good and a weak CSM with the book as dealt.

A step is where a plan pays less at once: an all-or-nothing target, the threshold of a curve, a satisfaction gate.
Logos against a fixed share: the exact distribution of independent renewals (`payout.chance_of_share`). Other results of
accounts: the history played again (`replay`). Satisfaction, activities and customers' results have no account model:
their chance is normal about the team's mean in the quarter, with the luck and the differences of people that were seen.

Source: 000-38, REQUIREMENTS 3, SCIENCE 1.3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from optcomp.learn.audit.expected import Outcomes
from optcomp.learn.audit.payline import QUARTERS, Line, dummies
from optcomp.learn.audit.replay import LEVELS, PLAYED, Replay
from optcomp.learn.audit.variance import spreads
from optcomp.learn.history import NO_PLAN, History
from optcomp.payout import chance_of_share
from optcomp.plan import Component, Gate
from optcomp.problem import Problem
from optcomp.response.outcome import logit, sigmoid
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# Pay that an average CSM gets in this range of chances is decided by luck more than by anything else.
LUCK = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Cliff:
    """A step of the pay of one segment.

    metric, threshold : where it lies; kind : all or nothing, threshold or gate
    due : renewals due in a typical quarter, NaN where it does not hang on them
    average, good, weak : chance to be on the paid side in a quarter with books as dealt
    seen : share of quarters that were; at_stake : USD a year that hangs on it, all CSMs together
    year : the same chance for a whole plan year of today's books, by the response model; NaN where it does not apply
    """

    segment: str
    metric: str
    kind: str
    threshold: float
    due: float
    average: float
    good: float
    weak: float
    seen: float
    at_stake: float
    year: float

    @property
    def is_luck(self) -> bool:
        """Neither near certain nor near impossible for an average CSM, and skill moves it less than luck does."""
        swing = self.good - self.weak
        return LUCK[0] < self.average < LUCK[1] and swing < 2.0 * float(np.sqrt(self.average * (1.0 - self.average)))

    @property
    def to_weak(self) -> float:
        """Of all full payments to a good and a weak CSM, the share that goes to the weak one; a lottery makes it half.

        It is the chance that full pay was luck, told only that it was paid. NaN where an average CSM is all but sure of
        it, or of none: then it says nothing of anybody.
        """
        if not LUCK[0] < self.average < LUCK[1]:
            return float("nan")
        return self.weak / (self.good + self.weak)


@dataclass(frozen=True)
class Field:
    """What the finder looks at."""

    history: History
    outcomes: Outcomes
    paid: Sequence[Line]
    again: Replay
    problem: Problem


def cliffs(field: Field) -> tuple[Cliff, ...]:
    """Every step that the history paid by, per segment: components first, then gates."""
    return (*_steps(field), *_gates(field))


# ---- components -----------------------------------------------------------------------------------------------------


def _steps(field: Field) -> Iterator[Cliff]:
    people = field.history.csm_quarters
    for line in field.paid:
        for number, component in enumerate(line.components):
            if component.curve.threshold <= 0.0:
                continue
            for s, name in enumerate(field.history.segments):
                rows = np.flatnonzero((people.segment == s) & (line.number == number) & ~np.isnan(line.attainment))
                if len(rows):
                    yield _step(field, line, component, name, rows)


def _step(field: Field, line: Line, component: Component, segment: str, rows: IntArray) -> Cliff:
    history, step = field.history, component.curve.threshold
    is_exact = line.metric == "LOGO" and component.curve.absolute
    if is_exact:
        chances = logo_chances(history, field.outcomes, rows.tolist(), step).mean(axis=0)
    elif line.metric in PLAYED:
        again = field.again.attainment[line.metric][:, :, rows]
        # Nothing due means nothing missed, in one draw as in the history.
        chances = np.nanmean(np.where(np.isnan(again), np.nan, again >= step), axis=(1, 2))
    else:
        chances = _normal_chances(history, line.attainment, rows, step)
    whole = component.curve.kind == "all-or-nothing"
    # Below a threshold that share of the target's dollars is lost which the curve pays there.
    stake = QUARTERS * float(np.nansum(line.target[rows])) / len(history.quarters) * (1.0 if whole else min(step, 1.0))
    return Cliff(
        segment, line.metric, "all or nothing" if whole else "threshold", step, _due(history, line.metric, rows),
        float(chances[1]), float(chances[2]), float(chances[0]), float((line.attainment[rows] >= step).mean()), stake,
        _year(field.problem, segment, step) if is_exact else float("nan"),
    )  # fmt: skip


def _due(history: History, metric: str, rows: IntArray) -> float:
    """Renewals due in a typical quarter of these CSM-quarters."""
    if metric not in ("GRR", "LOGO"):
        return float("nan")
    cells, people = history.account_quarters, history.csm_quarters
    mine = cells.due & (cells.csm >= 0)
    count = len(history.csm_ids) * len(history.quarters)
    due = sum_by(cells.csm[mine] * len(history.quarters) + cells.quarter[mine], np.ones(int(mine.sum())), count)
    return float(np.median(due[people.csm[rows] * len(history.quarters) + people.quarter[rows]]))


def logo_chances(history: History, outcomes: Outcomes, rows: Sequence[int], threshold: float) -> FloatArray:
    """Chance of full pay of a weak, an average and a good CSM, exactly; shape (CSM-quarters, 3)."""
    people, cells = history.csm_quarters, history.account_quarters
    due = np.flatnonzero(cells.due[outcomes.rows])
    key = cells.csm[outcomes.rows[due]] * len(history.quarters) + cells.quarter[outcomes.rows[due]]
    order = np.argsort(key, kind="stable")
    key, odds = key[order], logit(outcomes.renew[due][order])
    result = []
    for row in rows:
        wanted = int(people.csm[row]) * len(history.quarters) + int(people.quarter[row])
        mine = odds[np.searchsorted(key, wanted) : np.searchsorted(key, wanted, side="right")]
        result.append([chance_of_share(sigmoid(mine + skill), threshold) for skill in LEVELS])
    return np.array(result)


def _normal_chances(history: History, reached: FloatArray, rows: IntArray, step: float) -> FloatArray:
    """Chances of the three levels of skill where only the team's own spread is known; all of it is of one segment."""
    people = history.csm_quarters
    z = dummies(people.quarter[rows])
    usual = z @ np.linalg.lstsq(z, reached[rows], rcond=1e-10)[0]
    between, within = spreads(reached[rows], people.csm[rows], z)
    levels = np.array([-between, 0.0, between])
    # Where everybody reaches the same in every quarter there is no luck: the chance is 0 or 1.
    return np.asarray(norm.cdf((usual[None, :] + levels[:, None] - step) / max(within, 1e-9)).mean(axis=1))


def _year(problem: Problem, segment: str, threshold: float) -> float:
    """Mean chance over the segment's books of today that the share of accounts which stay reaches the threshold."""
    s = next(n for n, found in enumerate(problem.segments) if found.name == segment)
    accounts, chances = problem.accounts, []
    for j in np.flatnonzero(problem.csms.segment == s).tolist():
        book = np.flatnonzero(accounts.csm == j)
        if len(book):
            pairs = problem.pairs(book, accounts.csm[book])
            chances.append(chance_of_share(pairs.due * sigmoid(pairs.renew) + 1.0 - pairs.due, threshold))
    return float(np.mean(chances)) if chances else float("nan")


# ---- gates ----------------------------------------------------------------------------------------------------------


def _gates(field: Field) -> Iterator[Cliff]:
    history, people = field.history, field.history.csm_quarters
    plan_gates = [plan.mix.gate for plan in history.plans.plans]
    score = mean_score(history)
    for gate in dict.fromkeys(g for g in plan_gates if g):
        has_it = _has(history, [g == gate for g in plan_gates])
        for s, name in enumerate(history.segments):
            rows = np.flatnonzero((people.segment == s) & has_it & ~np.isnan(score))
            if len(rows):
                yield _gate(history, gate, name, score, rows)


def _has(history: History, is_it: Sequence[bool]) -> BoolArray:
    return np.asarray(np.array([*is_it, False])[np.where(history.csm_plan == NO_PLAN, len(is_it), history.csm_plan)])


def _gate(history: History, gate: Gate, segment: str, score: FloatArray, rows: IntArray) -> Cliff:
    chances = _normal_chances(history, score, rows, gate.target)
    stake = gate.at_risk * float(history.csm_quarters.variable[rows].sum()) / len(history.quarters)
    return Cliff(
        segment, "CSAT", "gate", gate.target, float("nan"), float(chances[1]), float(chances[2]), float(chances[0]),
        float((score[rows] >= gate.target).mean()), stake, float("nan"),
    )  # fmt: skip


def mean_score(history: History) -> FloatArray:
    """Mean satisfaction score of each CSM's accounts in the quarter; NaN where nobody answered."""
    rows, people = history.account_quarters, history.csm_quarters
    known = ~np.isnan(rows.csat) & (rows.csm >= 0)
    count = len(history.csm_ids) * len(history.quarters)
    key = rows.csm[known] * len(history.quarters) + rows.quarter[known]
    total, number = sum_by(key, rows.csat[known], count), sum_by(key, np.ones(int(known.sum())), count)
    mean = np.divide(total, number, out=np.full(count, np.nan), where=number > 0.0)
    return np.asarray(mean[people.csm * len(history.quarters) + people.quarter])
