"""The master: one plan per segment and one set of filled positions per pool, under the money rules.

Maximises what the pools are worth under the plans, less the prices of plans and of money rules that are bent. With
upper bounds it proves, with known books it chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.pools import Pool
from optcomp.engine import Ending, Executor, Job, Limits, Program
from optcomp.problem import Problem
from optcomp.rules import Rule
from optcomp.types import FloatArray, IntArray

LIMITS = Limits(time_limit_seconds=3600.0)  # the master is small; it must end, whatever the clock of the solve says
Values = Sequence[Mapping[frozenset[int], FloatArray]]  # per pool: filled positions → worth in points under every plan


@dataclass(frozen=True, slots=True)
class Pick:
    """What the master chose: plan row per segment, positions filled per pool; `value` in points, prices included."""

    plan: tuple[int, ...]
    filled: tuple[frozenset[int], ...]
    value: float


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


class Master:
    """Chooses among the plans that are still active, one array of plan rows per segment."""

    def __init__(self, problem: Problem, pools: Sequence[Pool], engine: Executor) -> None:
        self.problem, self.pools, self.engine = problem, pools, engine
        self.has_failed = False  # the solver ended without an answer, which is no proof that there is none
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

    def pick(self, values: Values, plans: Sequence[IntArray], *, money: bool = True) -> Pick | None:
        """The best choice, or None when nothing is possible."""
        choices = self._choices(values, plans)
        if choices is None:
            return None
        program = self._program(choices, plans, money)
        outcome = self.engine.solve(Job(program, LIMITS))
        if outcome.ending is not Ending.OPTIMAL or outcome.point is None:
            self.has_failed = outcome.ending is not Ending.INFEASIBLE
            return None
        chosen = np.flatnonzero(outcome.point[: len(choices.plan)] > 0.5)
        plan = {int(choices.segment[c]): int(choices.plan[c]) for c in chosen if choices.pool[c] < 0}
        filled = {int(choices.pool[c]): choices.filled[c] for c in chosen if choices.pool[c] >= 0}
        return Pick(
            tuple(plan[s] for s in range(len(plans))),
            tuple(filled.get(k, frozenset()) for k in range(len(self.pools))),
            float(outcome.bound),
        )

    def ceilings(self, values: Values, plans: Sequence[IntArray]) -> list[FloatArray]:
        """For every active plan of every segment, a bound in points on all choices that take it.

        The money rules are priced by the duals of the master's relaxation; with any prices the bound holds.
        """
        choices = self._choices(values, plans)
        if choices is None:
            return [np.full(len(rows), -np.inf) for rows in plans]
        outcome = self.engine.solve(Job(self._program(choices, plans, True), LIMITS, relax=True))
        count = len(self.money_rules)
        duals = outcome.row_duals[-count:] if outcome.row_duals is not None and count else np.zeros(count)
        price = np.maximum(duals, 0.0)
        for k, (rule, _, limit) in enumerate(self.money_rules):
            if rule.is_soft:  # bending it is never dearer than its own price
                price[k] = min(price[k], self._points(rule.price) * max(limit, 1.0))
        scales = np.array([max(limit, 1.0) for _, _, limit in self.money_rules])
        net = choices.worth - (price / scales) @ choices.money if count else choices.worth
        room = float((price * np.array([limit for *_, limit in self.money_rules]) / scales).sum()) if count else 0.0
        score = [self._score(choices, net, s, rows) for s, rows in enumerate(plans)]
        best = [float(line.max()) for line in score]
        return [line - best[s] + sum(best) + room for s, line in enumerate(score)]

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

    def _points(self, usd: float) -> float:
        return 100.0 * usd / self.problem.total_arr

    def _choices(self, values: Values, plans: Sequence[IntArray]) -> Choices | None:
        """The columns; plans for which some pool has no worth are left out. None when a segment has no plan left."""
        parts: list[tuple[IntArray, int, int, frozenset[int], FloatArray, FloatArray]] = []
        for s, rows in enumerate(plans):
            worth = -self._points(1.0) * self.problem.plan_soft_cost[s][rows]
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
            line = worth[rows] - (self._points(rule.price) * unfilled if rule.is_soft else 0.0)
            ok = line > -np.inf
            money = np.zeros((len(self.money_rules), len(rows)))
            for k, (_, table, _) in enumerate(self.money_rules):
                money[k] = table[segment][np.ix_(np.array(sorted(filled), dtype=np.int64), rows)].sum(axis=0)
            parts.append((rows[ok], segment, pool, filled, line[ok], money[:, ok]))
        return parts

    def _program(self, choices: Choices, plans: Sequence[IntArray], money: bool) -> Program:
        """Rows: one plan per segment; a filling of every open pool under the chosen plan; the money rules."""
        count, rules = len(choices.plan), len(self.money_rules) if money else 0
        rows: list[tuple[IntArray, FloatArray, float, float]] = []
        is_plan = choices.pool < 0
        for s in range(len(plans)):
            columns = np.flatnonzero(is_plan & (choices.segment == s))
            rows.append((columns, np.ones(len(columns)), 1.0, 1.0))
        for k, pool in enumerate(self.pools):
            for c in np.flatnonzero(is_plan & (choices.segment == pool.segment)) if pool.open_csms else ():
                fillings = np.flatnonzero((choices.pool == k) & (choices.plan == choices.plan[c]))
                rows.append((np.append(fillings, c), np.append(np.ones(len(fillings)), -1.0), 0.0, 0.0))
        prices = np.zeros(rules)
        for k, (rule, _, limit) in enumerate(self.money_rules[:rules]):
            scale = max(limit, 1.0)
            columns, values = np.arange(count), choices.money[k] / scale
            if rule.is_soft:
                columns, values = np.append(columns, count + k), np.append(values, -1.0)
                prices[k] = self._points(rule.price) * scale
            rows.append((columns, values, -np.inf, limit / scale))
        soft = np.array([rule.is_soft for rule, *_ in self.money_rules[:rules]], dtype=bool)
        # A money rule cannot be bent by more than everything costs; a hard one not at all.
        most = np.where(soft, np.abs(choices.money[:rules]).sum(axis=1) if rules else 0.0, 0.0)
        return Program(
            objective=np.append(choices.worth, -prices),
            offset=0.0,
            lower=np.zeros(count + rules),
            upper=np.append(np.ones(count), most),
            integer=np.append(np.ones(count, dtype=bool), np.zeros(rules, dtype=bool)),
            row_lower=np.array([r[2] for r in rows]),
            row_upper=np.array([r[3] for r in rows]),
            starts=np.append(0, np.cumsum([len(r[0]) for r in rows])),
            columns=np.concatenate([r[0] for r in rows]),
            values=np.concatenate([r[1] for r in rows]),
        )
