"""Designs of an experiment, and the cheapest one that would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from optcomp.problem import Problem
from optcomp.studies.pilot.contenders import Contender, Signal, contenders, signal
from optcomp.studies.pilot.guarantee import Pay, pay_in_pilot
from optcomp.studies.pilot.power import (
    Decision,
    decision,
    design_effect,
    intraclass,
    smallest_odds_ratio,
    smallest_rise,
)
from optcomp.types import IntArray

QUARTERS = (2, 3, 4)
SHARES = (1 / 3, 1 / 2)
# A design settles it when the result decides with this chance.
SETTLES = 0.80
# Years beyond which nobody waits for a result.
LONGEST = 100.0


@dataclass(frozen=True)
class Arm:
    """Who tries a new plan in a segment: rows of CSMs on the new plan and on today's, and what the new plan pays."""

    contender: Contender
    treated: IntArray
    control: IntArray
    pay: tuple[Pay, ...]


@dataclass(frozen=True)
class Design:
    """One experiment. Points are of the NRR of the accounts that take part, in a full year under the plan.

    expected : the gain that is believed in; error : standard error of the measured one, analysed by `optcomp fit` with
        each CSM's own year before
    cost : expected pay on top of today's; most : the largest that can become; renewals, expansions : in the smaller arm
    odds_ratio, rise : smallest effects on churn and on expansions that would show; None where none would
    """

    quarters: int
    arms: tuple[Arm, ...]
    expected: float
    error: float
    decision: Decision
    cost: float
    most: float
    renewals: float
    effect_of_design: float
    expansions: float
    odds_ratio: float | None
    rise: float | None
    doubt: float

    @property
    def num_treated(self) -> int:
        """CSMs on a new plan."""
        return sum(len(arm.treated) for arm in self.arms)

    @property
    def years_to_settle(self) -> float | None:
        """Years after which a result would decide, if more of the same came in; None where the doubt itself is small.

        CSM effects do not average out with time, so this is the least that it takes.
        """
        years = self.quarters / 4.0
        for longer in np.geomspace(1.0, LONGEST / years, 200):
            error = self.error / math.sqrt(longer)
            if decision(self.expected, self.doubt, error).settles >= SETTLES:
                return years * float(longer)
        return None

    @property
    def settles(self) -> bool:
        """The result decides with a chance of 80 %."""
        return self.decision.settles >= SETTLES


def designs(problem: Problem, seed: int) -> tuple[Design, ...]:
    """Every design that is considered, cheapest first."""
    found = contenders(problem)
    if not found:
        return ()
    every = [_design(problem, found, quarters, share, seed) for quarters in QUARTERS for share in SHARES]
    distinct = {(d.quarters, d.num_treated): d for d in every}  # in small segments both shares are the same people
    return tuple(sorted(distinct.values(), key=lambda d: (d.cost, d.quarters)))


def cheapest(every: tuple[Design, ...]) -> Design:
    """The cheapest design that settles it; where none does, the one that comes nearest."""
    return next((d for d in every if d.settles), max(every, key=lambda d: (round(d.decision.settles, 3), -d.cost)))


def _design(problem: Problem, found: list[Contender], quarters: int, share: float, seed: int) -> Design:
    arms = tuple(_arm(problem, c, quarters, share, seed) for c in found)
    signals = [signal(problem, c, quarters) for c in found]
    sizes = np.array([problem.accounts.arr[c.accounts].sum() for c in found])
    weights = sizes / max(float(sizes.sum()), 1.0)
    error = math.sqrt(sum((w * _error(a, s)) ** 2 for w, a, s in zip(weights, arms, signals, strict=True)))
    gain = float(sum(w * c.gain for w, c in zip(weights, found, strict=True)))
    doubt = float(sum(w * c.doubt for w, c in zip(weights, found, strict=True)))  # what is not known is common to them
    people, treated = sum(len(c.csms) for c in found), sum(len(arm.treated) for arm in arms)
    smaller = min(treated, people - treated) / people
    renewals, expansions = (sum(getattr(s, k) for s in signals) for k in ("renewals", "expansions"))
    effects = [
        design_effect(count / people, intraclass(max(s.between[k] for s in signals)))
        for k, count in enumerate((renewals, expansions))
    ]
    churn = sum(s.churn * s.renewals for s in signals) / max(renewals, 1e-9)
    paid = [p for arm in arms for p in arm.pay]
    return Design(
        quarters=quarters,
        arms=arms,
        expected=gain,
        error=error,
        decision=decision(gain, doubt, max(error, 1e-6)),
        cost=sum(p.guaranteed - p.today for p in paid),
        most=sum(p.most for p in paid),
        renewals=renewals * smaller,
        effect_of_design=effects[0],
        expansions=expansions * smaller,
        odds_ratio=smallest_odds_ratio(min(max(churn, 1e-3), 0.9), renewals * smaller / effects[0]),
        rise=smallest_rise(expansions * smaller / effects[1]),
        doubt=doubt,
    )


def _error(arm: Arm, found: Signal) -> float:
    """Standard error of a segment's gain in points of its NRR in a full year: both effects, luck and CSMs."""
    treated, control = len(arm.treated), len(arm.control)
    part = treated / (treated + control)
    total = 0.0
    for info, worth, between in zip(found.info, found.worth, found.between, strict=True):
        luck = 1.0 / max(info * part * (1.0 - part), 1e-9)
        # Nobody believes in effects above 1 in log-odds; what is not measured at all is not known any worse than that.
        total += worth**2 * min(luck + between**2 * (1.0 / treated + 1.0 / control), 1.0)
    return math.sqrt(total)


def _arm(problem: Problem, contender: Contender, quarters: int, share: float, seed: int) -> Arm:
    """CSMs drawn by lot, at least two on either side; a larger arm contains the smaller one."""
    order = np.random.default_rng([seed, contender.segment]).permutation(contender.csms)
    count = min(max(round(share * len(order)), 2), len(order) - 2)
    treated, control = np.sort(order[:count]), np.sort(order[count:])
    pay = tuple(pay_in_pilot(problem, int(j), contender.plan, quarters / 4.0, seed) for j in treated)
    return Arm(contender, treated, control, pay)
