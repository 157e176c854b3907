"""The master: one plan per segment and one set of filled positions per pool, under the money rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyomo.environ as pyo

from optcomp.decompose.pools import Pool
from optcomp.engine import Ending, Engine, Job, Limits
from optcomp.formulation.compile import compile_model
from optcomp.formulation.extract import column_of
from optcomp.problem import Problem


@dataclass
class Entry:
    """A pool under one plan of its segment with one set of positions filled, and what is known of it, in points of NRR.

    upper : no books are worth more; lower : the best known books, in `owner` (account row → CSM row), are worth that
    rows_seen : proven rows that the upper bound made use of; nodes : search nodes that the next try may take
    """

    pool: int
    plan: int
    filled: frozenset[int]
    upper: float = np.inf
    lower: float = -np.inf
    owner: dict[int, int] = field(default_factory=dict)
    rows_seen: int = -1
    nodes: int = 500
    has_failed: bool = False

    @property
    def is_possible(self) -> bool:
        """Not proved infeasible."""
        return self.upper > -np.inf

    def raise_lower(self, value: float, owner: dict[int, int]) -> None:
        """Take books over if they are better than those known."""
        if value > self.lower:
            self.lower, self.owner = value, owner


@dataclass(frozen=True, slots=True)
class Pick:
    """What the master chose: plan row per segment and one entry per pool; `value` in points, all prices included."""

    plan: tuple[int, ...]
    entries: tuple[Entry, ...]
    value: float


@dataclass(frozen=True)
class Master:
    """Chooses among entries; `pools` in the order of the entries' pool numbers."""

    problem: Problem
    pools: Sequence[Pool]
    engine: Engine

    def pick(
        self,
        values: Mapping[int, float],
        entries: Sequence[Entry],
        plans: Sequence[Sequence[int]],
        *,
        money: bool = True,
    ) -> Pick | None:
        """The best choice when entry number i is worth values[i]; None when nothing is possible.

        plans : plan rows allowed per segment; money : whether budget and exposure bind
        """
        usable = [
            i for i, e in enumerate(entries) if values[i] > -np.inf and e.plan in plans[self.pools[e.pool].segment]
        ]
        if len({entries[i].pool for i in usable}) < len(self.pools):
            return None
        model = self._model(values, entries, usable, plans)
        if money:
            self._add_money(model, entries, usable, plans)
        compiled = compile_model(model)
        outcome = self.engine.solve(Job(compiled.program, Limits(time_limit_seconds=3600.0)))
        if outcome.ending is not Ending.OPTIMAL or outcome.point is None:
            return None
        columns = column_of(compiled)
        plan = tuple(
            next(p for p in plans[s] if outcome.point[columns[id(model.z[s, p])]] > 0.5) for s in range(len(plans))
        )
        chosen = {entries[i].pool: entries[i] for i in usable if outcome.point[columns[id(model.e[i])]] > 0.5}
        return Pick(plan, tuple(chosen[k] for k in range(len(self.pools))), float(outcome.bound))

    def _model(
        self,
        values: Mapping[int, float],
        entries: Sequence[Entry],
        usable: Sequence[int],
        plans: Sequence[Sequence[int]],
    ) -> pyo.ConcreteModel:
        model = pyo.ConcreteModel()
        model.z = pyo.Var([(s, p) for s, rows in enumerate(plans) for p in rows], domain=pyo.Binary)
        model.e = pyo.Var(list(usable), domain=pyo.Binary)
        model.slack = pyo.VarList(domain=pyo.NonNegativeReals)
        model.rows = pyo.ConstraintList()
        for s, rows in enumerate(plans):
            model.rows.add(sum(model.z[s, p] for p in rows) == 1)
        by_pool_plan: dict[tuple[int, int], list[int]] = {}
        for i in usable:
            by_pool_plan.setdefault((entries[i].pool, entries[i].plan), []).append(i)
        for k, pool in enumerate(self.pools):
            for p in plans[pool.segment]:
                mine = by_pool_plan.get((k, p), [])
                model.rows.add(sum((model.e[i] for i in mine), 0.0) - model.z[pool.segment, p] == 0)
        points = 100.0 / self.problem.total_arr
        model.nrr = pyo.Objective(
            expr=sum(values[i] * model.e[i] for i in usable)
            - sum(
                points * self.problem.plan_soft_cost[s][p] * model.z[s, p] for s, rows in enumerate(plans) for p in rows
            )
            - sum(points * self._unfilled_price(entries[i]) * model.e[i] for i in usable),
            sense=pyo.maximize,
        )
        return model

    def _unfilled_price(self, entry: Entry) -> float:
        rule = self.problem.rules["open_positions"]
        return rule.price * (len(self.pools[entry.pool].open_csms) - len(entry.filled)) if rule.is_soft else 0.0

    def _add_money(
        self, model: pyo.ConcreteModel, entries: Sequence[Entry], usable: Sequence[int], plans: Sequence[Sequence[int]]
    ) -> None:
        """Budget and worst case, as in the joint program; what an open position costs hangs on its entry."""
        problem = self.problem
        budget = problem.instance.pay_budget
        limits = {"budget": (problem.pay_cost, budget)}
        limits["exposure"] = (problem.exposure, problem.rules["exposure"]["max_ratio"] * budget)
        always = ~problem.csms.is_open
        for rule_id, (tables, limit) in limits.items():
            rule = problem.rules[rule_id]
            if not rule.is_on:
                continue
            scale = max(limit, 1.0)
            body = sum(
                float(tables[s][always & (problem.csms.segment == s), p].sum()) / scale * model.z[s, p]
                for s, rows in enumerate(plans)
                for p in rows
            )
            for i in usable:
                extra = sum(
                    float(tables[self.pools[entries[i].pool].segment][j, entries[i].plan]) for j in entries[i].filled
                )
                body += extra / scale * model.e[i]
            if rule.is_soft:
                slack = model.slack.add()
                body -= slack
                model.nrr.expr -= rule.price * scale * 100.0 / problem.total_arr * slack
            model.rows.add(body <= limit / scale)


def plans_of_all(problem: Problem) -> list[list[int]]:
    """Every plan row of every segment."""
    return [list(range(len(rows))) for rows in problem.plans]
