"""What the guardrails against a wrong model cost: the same problem solved without each of them.

A guardrail costs points when the response is right and saves more when it is wrong (SCIENCE 0.4), so its price is
shown and not hidden.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve
from optcomp.words import POINTS

if TYPE_CHECKING:
    from optcomp.solve import Result

GUARDRAILS = {
    "max_weight": "no component above its largest weight in a new plan",
    "moves": "the limit on moves",
}


MOST_ACCOUNTS = 2_500
"""Up to here a price takes seconds; above, and on grids of plans, it is a matter of minutes that somebody must want."""


@dataclass(frozen=True, slots=True)
class Price:
    """A guardrail and what the best solution without it is worth more, in points of NRR.

    points : by solutions found; most : not more than this (None: nothing is proved)
    """

    rule: str
    points: float
    most: float | None


def is_quick(problem: Problem) -> bool:
    """Whether guardrails are priced without being asked to."""
    menus = [segment.menu or problem.instance.menu for segment in problem.segments]
    return len(problem.accounts.ids) <= MOST_ACCOUNTS and all(menu.grid is None for menu in menus)


def without(problem: Problem, rule_id: str) -> Problem:
    """The problem with a rule switched off."""
    rule = replace(problem.rules[rule_id], state="off")
    return replace(problem, rules=replace(problem.rules, by_id={**problem.rules.by_id, rule_id: rule}))


def price_guardrails(result: Result, settings: Settings, *, engines: Engines | None = None) -> tuple[Price, ...]:
    """The price of every guardrail that is on; each takes one more solve, within what the first left of its time."""
    if result.evaluation is None or result.signal:
        return ()
    deadline = time.monotonic() + settings.time_limit_seconds - result.seconds
    prices = []
    # What is compared must have been valued alike.
    settings = replace(settings, risk="mean" if result.caution is None else "cvar")
    for rule_id in GUARDRAILS:
        left = deadline - time.monotonic()
        if not result.problem.rules[rule_id].is_on or left <= 0.0:
            continue
        free = solve(without(result.problem, rule_id), replace(settings, time_limit_seconds=left), engines=engines)
        if free.evaluation is None:
            continue
        (value, _), (freer, most) = _worth(result), _worth(free)
        proved = max(most - value, 0.0)
        prices.append(Price(rule_id, max(freer - value, 0.0), proved if proved < POINTS else None))
    return tuple(prices)


def _worth(result: Result) -> tuple[float, float]:
    """What was maximised and its bound, in points: the blended gain, or the objective."""
    if result.caution is not None:
        return result.caution.value, result.caution.bound
    found = -float("inf") if result.evaluation is None else POINTS * result.evaluation.objective
    return found, POINTS * result.objective_bound
