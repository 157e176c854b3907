"""A harsher or a kinder world (000-33): churn, expansion and turnover shifted for every account and everybody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.optimize import brentq

from optcomp.errors import Finding, InputError
from optcomp.problem import Problem
from optcomp.response.outcome import logit, sigmoid
from optcomp.stress import Stress
from optcomp.types import FloatArray

# Log-odds beyond which a chance is as good as 0 or 1 (e^-30 = 1 in 10 million million).
CERTAIN = 30.0
RENEW, EXPAND, QUIT = "response.shift_renew", "response.shift_expand", "response.base_quit"
UNITS = {
    RENEW: "log-odds of renewal, 0 = as predicted",
    EXPAND: "log-odds of expansion, 0 = as predicted",
    QUIT: "chance that a CSM at market pay leaves within the year",
}


def stressed(problem: Problem, key: str, value: float, *, in_points: bool = False) -> Problem:
    """The problem in which renewals, expansions or departures are shifted.

    A year-end value that the user gives for a pair is taken as it is, stressed or not.

    key : one of `UNITS`
    value : log-odds for the first two, a chance in (0, 1) for the third
    in_points : `value` is in percentage points of the mean chance at today's plans and books, weighted by ARR: of a
        renewal, or of an expansion in a quarter; for departures percentage points of the chance a year
    """
    if key == QUIT:
        turnover = problem.response.turnover
        chance = turnover.base_quit + value / 100.0 if in_points else value
        if not 0.0 < chance < 1.0:
            raise _out_of_range(key, f"the chance of leaving would be {chance:.3f}")
        return replace(problem, response=replace(problem.response, turnover=replace(turnover, base_quit=chance)))
    return _shifted(problem, key, shift_of(problem, key, value) if in_points else value)


def under(problem: Problem, stress: Stress) -> Problem:
    """The problem in another world: mean chances times the multiples of a stress model.

    Raises
    ------
    InputError
        When a chance would not lie between 0 and 1.
    """
    churn, expansion = 1.0 - mean_chance(problem, RENEW), mean_chance(problem, EXPAND)
    changes = {
        RENEW: 100.0 * churn * (1.0 - stress.churn),
        EXPAND: 100.0 * expansion * (stress.expansion - 1.0),
        QUIT: 100.0 * problem.response.turnover.base_quit * (stress.turnover - 1.0),
    }
    for key, points in changes.items():
        if points:
            problem = stressed(problem, key, points, in_points=True)
    return problem


def mean_chance(problem: Problem, key: str) -> float:
    """Mean chance of a renewal, or of an expansion in a quarter, at today's plans and books, weighted by ARR."""
    return _mean(*_odds(problem, key), 0.0)


def _odds(problem: Problem, key: str) -> tuple[FloatArray, FloatArray]:
    """Log-odds of every account with its CSM of today, and what it weighs."""
    everyone = np.arange(len(problem.accounts.ids))
    pairs = problem.pairs(everyone, problem.accounts.csm)
    return (pairs.renew, pairs.arr * pairs.due) if key == RENEW else (pairs.expand, pairs.arr)


def shift_of(problem: Problem, key: str, points: float) -> float:
    """Log-odds that move the mean chance by that many percentage points."""
    odds, weight = _odds(problem, key)
    now = _mean(odds, weight, 0.0)
    wanted = now + points / 100.0
    low, high = _mean(odds, weight, -CERTAIN), _mean(odds, weight, CERTAIN)
    if not low < wanted < high:
        raise _out_of_range(key, f"the mean chance would be {wanted:.3f}; it is {now:.3f} now")
    return float(brentq(lambda shift: _mean(odds, weight, shift) - wanted, -CERTAIN, CERTAIN, xtol=1e-9))


def _mean(odds: FloatArray, weight: FloatArray, shift: float) -> float:
    total = float(weight.sum())
    return float((sigmoid(odds + shift) * weight).sum()) / total if total > 0.0 else 0.0


def _shifted(problem: Problem, key: str, shift: float) -> Problem:
    raised = _raised(shift)
    outcome, instance = problem.response.outcome, problem.instance
    if key == RENEW:
        outcome = replace(outcome, shift_renew=outcome.shift_renew + shift)
        accounts = tuple(replace(a, renewal_probability=raised(a.renewal_probability)) for a in instance.accounts)
        pairs = tuple(replace(p, renewal_probability=raised(p.renewal_probability)) for p in instance.pairs)
    else:
        outcome = replace(outcome, shift_expand=outcome.shift_expand + shift)
        accounts = tuple(replace(a, expansion=raised(a.expansion)) for a in instance.accounts)
        pairs = tuple(replace(p, expansion=raised(p.expansion)) for p in instance.pairs)
    return replace(
        problem,
        instance=replace(instance, accounts=accounts, pairs=pairs),
        response=replace(problem.response, outcome=outcome),
    )


def _raised(shift: float) -> Callable[[float | None], float | None]:
    return lambda p: None if p is None else float(sigmoid(logit(p) + shift))


def _out_of_range(key: str, found: str) -> InputError:
    return InputError(Finding("stress", found, "A chance between 0 and 1", file=f"--over {key}"))
