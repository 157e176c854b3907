"""What the master chooses from: plans and filled positions with their worth and cost; bounds by prices on money."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.pools import Pool
from optcomp.problem import Problem
from optcomp.rules import Rule
from optcomp.types import FloatArray, IntArray

Values = Sequence[Mapping[frozenset[int], FloatArray]]  # per pool: filled positions → worth in points under every plan


@dataclass(frozen=True, slots=True)
class Choices:
    """The master's program in columns: a choice per (segment, plan), then one per (pool, filled, plan) where open.

    worth : points of every column; money : USD that every column adds to each money rule, shape (rules, columns)
    """

    segment: IntArray
    plan: IntArray
    pool: IntArray
    filled: list[frozenset[int]]
    worth: FloatArray
    money: FloatArray


class Money:
    """Worth and cost of everything that may be chosen; knows no solver.

    money_rules : rule, its USD table and its limit in USD, for each money rule that is on
    """

    def __init__(self, problem: Problem, pools: Sequence[Pool]) -> None:
        self.problem, self.pools = problem, pools
        ratio = problem.rules["exposure"]["max_ratio"]
        budget = problem.instance.pay_budget
        rules = (("budget", problem.pay_cost, budget), ("exposure", problem.exposure, ratio * budget))
        self.money_rules: list[tuple[Rule, tuple[FloatArray, ...], float]] = [
            (problem.rules[name], table, limit) for name, table, limit in rules if problem.rules[name].is_on
        ]
        # What a segment costs under every plan without open positions, for each money rule.
        paid = ~problem.csms.is_open
        self.always = [
            [table[s][paid & (problem.csms.segment == s)].sum(axis=0) for s in range(len(problem.segments))]
            for _, table, _ in self.money_rules
        ]

    def valid(self, price: FloatArray) -> FloatArray:
        """The prices in points per share of a limit, as far as a bound may use them."""
        price = np.maximum(price, 0.0)
        for k, (rule, _, limit) in enumerate(self.money_rules):
            if rule.is_soft:  # bending it is never dearer than its own price
                price[k] = min(price[k], self.points(rule.price) * max(limit, 1.0))
        return price

    def ceilings_at(self, choices: Choices, plans: Sequence[IntArray], price: FloatArray) -> list[FloatArray]:
        """For every active plan of every segment, a bound in points on all choices that take it, at valid prices."""
        net = self.net(choices.worth, choices.money, price)
        score = [self._score(choices, net, s, rows) for s, rows in enumerate(plans)]
        best = [float(line.max()) for line in score]
        return [line - best[s] + sum(best) + self.room(price) for s, line in enumerate(score)]

    def net(self, worth: FloatArray, money: FloatArray, price: FloatArray) -> FloatArray:
        """Worth less the price of the money it takes."""
        return worth - (price / self._scales) @ money if len(price) else worth

    def room(self, price: FloatArray) -> float:
        """What the limits themselves are worth at these prices."""
        limits = np.array([limit for *_, limit in self.money_rules])
        return float((price * limits / self._scales).sum()) if len(price) else 0.0

    @property
    def _scales(self) -> FloatArray:
        return np.array([max(limit, 1.0) for *_, limit in self.money_rules])

    def _score(self, choices: Choices, net: FloatArray, segment: int, rows: IntArray) -> FloatArray:
        """Priced worth of every active plan of a segment, with the best filling of every pool."""
        own = (choices.segment == segment) & (choices.pool < 0)
        score = dict(zip(choices.plan[own].tolist(), net[own].tolist(), strict=True))
        for k, pool in enumerate(self.pools):
            if pool.segment != segment or not pool.open_csms:
                continue
            best: dict[int, float] = {}
            for c in np.flatnonzero(choices.pool == k):
                best[int(choices.plan[c])] = max(best.get(int(choices.plan[c]), -np.inf), float(net[c]))
            score = {p: value + best.get(p, -np.inf) for p, value in score.items()}
        return np.array([score.get(int(p), -np.inf) for p in rows])

    def points(self, usd: float) -> float:
        """Points of NRR that an amount is."""
        return 100.0 * usd / self.problem.arr_scale

    def choices(self, values: Values, plans: Sequence[IntArray]) -> Choices | None:
        """The columns; plans for which some pool has no worth are left out. None when a segment has no plan left."""
        parts: list[tuple[IntArray, int, int, frozenset[int], FloatArray, FloatArray]] = []
        for s, rows in enumerate(plans):
            worth = -self.points(1.0) * self.problem.plan_soft_cost[s][rows]
            for k, pool in enumerate(self.pools):
                if pool.segment == s and not pool.open_csms:
                    worth = worth + values[k][frozenset()][rows]
            is_possible = worth > -np.inf
            if not is_possible.any():
                return None
            money = np.array([line[s][rows] for line in self.always]).reshape(len(self.money_rules), len(rows))
            parts.append((rows[is_possible], s, -1, frozenset(), worth[is_possible], money[:, is_possible]))
        # A filling under a plan that has no column of its own would be bound by no row.
        possible = {p[1]: p[0] for p in parts}
        for k, pool in enumerate(self.pools):
            if pool.open_csms:
                parts += self._open_parts(values[k], k, possible[pool.segment])
        return Choices(
            segment=np.concatenate([np.full(len(p[0]), p[1]) for p in parts]),
            plan=np.concatenate([p[0] for p in parts]),
            pool=np.concatenate([np.full(len(p[0]), p[2]) for p in parts]),
            filled=[p[3] for p in parts for _ in p[0]],
            worth=np.concatenate([p[4] for p in parts]),
            money=np.concatenate([p[5] for p in parts], axis=1),
        )

    def _open_parts(
        self, values: Mapping[frozenset[int], FloatArray], pool: int, rows: IntArray
    ) -> list[tuple[IntArray, int, int, frozenset[int], FloatArray, FloatArray]]:
        """Columns of a pool with open positions: what filling them brings, costs and saves."""
        segment = self.pools[pool].segment
        rule = self.problem.rules["open_positions"]
        parts = []
        for filled, worth in values.items():
            unfilled = len(self.pools[pool].open_csms) - len(filled)
            line = worth[rows] - (self.points(rule.price) * unfilled if rule.is_soft else 0.0)
            ok = line > -np.inf
            money = np.zeros((len(self.money_rules), len(rows)))
            for k, (_, table, _) in enumerate(self.money_rules):
                money[k] = table[segment][np.ix_(np.array(sorted(filled), dtype=np.int64), rows)].sum(axis=0)
            parts.append((rows[ok], segment, pool, filled, line[ok], money[:, ok]))
        return parts
