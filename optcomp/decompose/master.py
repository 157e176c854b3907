"""The master: one plan per segment and one set of filled positions per pool, under the money rules.

Maximises what the pools are worth under the plans, less the prices of plans and of money rules that are bent. With
upper bounds it proves, with known books it chooses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.money import Choices, Money, Values
from optcomp.decompose.pools import Pool
from optcomp.engine import Ending, Executor, Job, Limits, Program
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray

LIMITS = Limits(time_limit_seconds=3600.0)  # the master is small; it must end, whatever the clock of the solve says


@dataclass(frozen=True, slots=True)
class Pick:
    """What the master chose: plan row per segment, positions filled per pool; `value` in points, prices included."""

    plan: tuple[int, ...]
    filled: tuple[frozenset[int], ...]
    value: float


class Master(Money):
    """Chooses among the plans that are still active, one array of plan rows per segment."""

    def __init__(self, problem: Problem, pools: Sequence[Pool], engine: Executor) -> None:
        super().__init__(problem, pools)
        self.engine = engine
        self.has_failed = False  # the solver ended without an answer, which is no proof that there is none

    def pick(self, values: Values, plans: Sequence[IntArray], *, money: bool = True) -> Pick | None:
        """The best choice, or None when nothing is possible; `has_failed` says that this is no proof."""
        self.has_failed = False
        choices = self.choices(values, plans)
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
        choices = self.choices(values, plans)
        if choices is None:
            return [np.full(len(rows), -np.inf) for rows in plans]
        return self.ceilings_at(choices, plans, self.price(choices, plans))

    def price(self, choices: Choices, plans: Sequence[IntArray]) -> FloatArray:
        """What the money of each rule is worth, in points per share of its limit, from the master's relaxation."""
        outcome = self.engine.solve(Job(self._program(choices, plans, True), LIMITS, relax=True))
        count = len(self.money_rules)
        return self.valid(outcome.row_duals[-count:] if outcome.row_duals is not None and count else np.zeros(count))

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
                prices[k] = self.points(rule.price) * scale
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
