"""Full pay that comes and goes by luck: the exact chance of an average, a good and a weak CSM with the book as dealt.

Source: 000-38, REQUIREMENTS 3; the distribution of a share of independent renewals is `payout.chance_of_share`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.expected import Outcomes
from optcomp.learn.audit.payline import QUARTERS, Line
from optcomp.learn.history import History
from optcomp.payout import chance_of_share
from optcomp.problem import Problem
from optcomp.response.outcome import logit, sigmoid
from optcomp.types import FloatArray

# A good CSM is one standard deviation of skill above the average: 0.3 log-odds of renewal (SCIENCE 2.2).
SKILL = 0.3
# Full pay that an average CSM gets in this range of chances is decided by luck more than by anything else.
LUCK = (0.05, 0.95)


@dataclass(frozen=True, slots=True)
class Cliff:
    """An all-or-nothing component on logos in one segment.

    due : renewals due in a typical quarter; average, good, weak : chance of full pay in a quarter with books as dealt
    seen : share of quarters that paid in full; at_stake : USD a year that hangs on it, all CSMs together
    year : the same chance for a whole plan year of today's books, by the response model; NaN where it does not apply
    """

    segment: str
    metric: str
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


def cliffs(history: History, outcomes: Outcomes, paid: Sequence[Line], problem: Problem) -> tuple[Cliff, ...]:
    """Every cliff that the history paid by, per segment."""
    return tuple(_cliffs(history, outcomes, paid, problem))


def _cliffs(history: History, outcomes: Outcomes, paid: Sequence[Line], problem: Problem) -> Iterator[Cliff]:
    people = history.csm_quarters
    for line in paid:
        if line.metric != "LOGO":
            continue
        for number, component in enumerate(line.components):
            if component.curve.kind != "all-or-nothing" or not component.curve.absolute:
                continue
            for s, name in enumerate(history.segments):
                rows = np.flatnonzero((people.segment == s) & (line.number == number) & ~np.isnan(line.attainment))
                if len(rows):
                    chances = _chances(history, outcomes, rows.tolist(), component.curve.threshold)
                    full = line.attainment[rows] >= component.curve.threshold
                    stake = QUARTERS * float(np.nansum(line.target[rows])) / len(history.quarters)
                    due = float(np.median(chances[:, 3]))
                    middle = chances[:, :3].mean(axis=0)
                    yield Cliff(
                        name, line.metric, component.curve.threshold, due, float(middle[1]), float(middle[2]),
                        float(middle[0]), float(full.mean()), stake, _year(problem, name, component.curve.threshold),
                    )  # fmt: skip


def _chances(history: History, outcomes: Outcomes, rows: Sequence[int], threshold: float) -> FloatArray:
    """Chance of full pay of a weak, an average and a good CSM, and the renewals due; shape (CSM-quarters, 4)."""
    people, cells = history.csm_quarters, history.account_quarters
    due = np.flatnonzero(cells.due[outcomes.rows])
    key = cells.csm[outcomes.rows[due]] * len(history.quarters) + cells.quarter[outcomes.rows[due]]
    order = np.argsort(key, kind="stable")
    key, odds = key[order], logit(outcomes.renew[due][order])
    result = []
    for row in rows:
        wanted = int(people.csm[row]) * len(history.quarters) + int(people.quarter[row])
        mine = odds[np.searchsorted(key, wanted) : np.searchsorted(key, wanted, side="right")]
        chances = [chance_of_share(sigmoid(mine + step), threshold) for step in (-SKILL, 0.0, SKILL)]
        result.append([*chances, float(len(mine))])
    return np.array(result)


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
