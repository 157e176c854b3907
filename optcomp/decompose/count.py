"""The best choice of plans and filled positions under the money rules, by counting those that could be good enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.decompose.money import Choices, Money
from optcomp.types import FloatArray, IntArray

# Choices that are looked at, in all: 50 MB and a second.
MOST = 1_000_000
# What a money rule may be missed by, as a share of its limit: the same as in the judge and in the solver.
ALLOWANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Options:
    """Partial choices: worth in points; money in USD, shape (rules, options); the plan of the last segment added."""

    worth: FloatArray
    money: FloatArray
    plan: IntArray

    def take(self, rows: IntArray) -> Options:
        """Some of them."""
        return Options(self.worth[rows], self.money[:, rows], self.plan[rows])


def best_of(money: Money, choices: Choices, price: FloatArray, enough: float) -> float | None:
    """The most points that a choice is worth if that is above `enough`, else -inf; None where there are too many.

    A choice that cannot rise above `enough` even if money cost no more than its price is left out on the way.
    """
    options = [_options(money, choices, s) for s in range(len(money.problem.segments))]
    if any(own is None for own in options):
        return None
    known = [own for own in options if own is not None]
    best = [float(money.net(own.worth, own.money, price).max(initial=-np.inf)) for own in known]
    total = Options(np.zeros(1), np.zeros((len(money.money_rules), 1)), np.zeros(1, dtype=np.int64))
    for s, own in enumerate(known):
        rest = sum(best[s + 1 :]) + money.room(price)
        own = own.take(
            np.flatnonzero(money.net(own.worth, own.money, price) - best[s] + sum(best) + money.room(price) > enough)
        )
        if len(total.worth) * len(own.worth) > MOST:
            return None
        i, j = np.divmod(np.arange(len(total.worth) * len(own.worth)), max(len(own.worth), 1))
        total = Options(total.worth[i] + own.worth[j], total.money[:, i] + own.money[:, j], own.plan[j])
        total = total.take(np.flatnonzero(money.net(total.worth, total.money, price) + rest > enough))
    return float(_net_of_rules(money, total).max(initial=-np.inf))


def _options(money: Money, choices: Choices, segment: int) -> Options | None:
    """Every plan of a segment with every filling of its pools."""
    own = np.flatnonzero((choices.segment == segment) & (choices.pool < 0))
    options = Options(choices.worth[own], choices.money[:, own], choices.plan[own])
    for k, pool in enumerate(money.pools):
        if pool.segment != segment or not pool.open_csms:
            continue
        columns = np.flatnonzero(choices.pool == k)
        columns = columns[np.argsort(choices.plan[columns], kind="stable")]
        first = np.searchsorted(choices.plan[columns], options.plan)
        count = np.searchsorted(choices.plan[columns], options.plan, side="right") - first
        if count.sum() > MOST:
            return None
        i = np.repeat(np.arange(len(count)), count)
        j = columns[np.repeat(first - np.append(0, np.cumsum(count)[:-1]), count) + np.arange(int(count.sum()))]
        options = Options(
            options.worth[i] + choices.worth[j], options.money[:, i] + choices.money[:, j], options.plan[i]
        )
    return options


def _net_of_rules(money: Money, options: Options) -> FloatArray:
    """Worth less the prices of money rules that are bent; -inf where a hard one is broken."""
    net = options.worth.copy()
    for (rule, _, limit), spent in zip(money.money_rules, options.money, strict=True):
        over = np.maximum(spent - limit, 0.0)
        if rule.is_hard:
            net[over > ALLOWANCE * max(1.0, abs(limit))] = -np.inf
        else:
            net -= money.points(rule.price) * over
    return net
