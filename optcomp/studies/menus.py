"""Menus that give extra money somewhere to go: more levels on the usual menu, and the three forced strategies.

A menu fits the budget of today: with 30 % more to spend its highest plan may be paid for everybody, and the curve would
end flat for want of plans. `wider_menus` therefore adds levels in fixed steps. A *forced strategy* (000-32) puts all
extra money into one thing on top of today's plan; its plans are compared, never proposed.
"""

from __future__ import annotations

import math
from dataclasses import replace

from optcomp.plan import Component, MenuSpec, Mix, Plan
from optcomp.problem import Problem

STEP = 0.05  # of base factors and variable shares that are added
# Share of full pay that the levels added reach at most: the highest that the rule on it allows in the standard pack,
# which drops what is above its own limit.
HIGHEST_SHARE = 0.40
RUNG = 0.01  # a forced strategy rises in steps of 1 % of base pay
# A forced strategy may pay one segment up to this many times what an equal rise for everybody would be.
REACH = 2.0
MOST_RUNGS = 150

BASE, EXPANSION, TEAM = "base", "expansion", "team"
STRATEGIES = (BASE, EXPANSION, TEAM)


def wider_menus(problem: Problem, highest: float) -> Problem:
    """The problem with base factors up to 1 + `highest` and variable shares up to 40 %, in steps of 0.05, added.

    highest : share by which the budget rises at most, e.g. 0.30
    """
    instance = problem.instance
    segments = tuple(replace(s, menu=_wider(s.menu, highest)) if s.menu else s for s in instance.segments)
    return replace(problem, instance=replace(instance, menu=_wider(instance.menu, highest), segments=segments))


def _wider(menu: MenuSpec, highest: float) -> MenuSpec:
    rises = math.ceil(max(highest, 0.0) / STEP - 1e-9)
    factors = {*menu.base_factors, *(round(1.0 + STEP * k, 4) for k in range(rises + 1))}
    shares = {*menu.variable_shares, *(round(STEP * k, 4) for k in range(1, round(HIGHEST_SHARE / STEP) + 1))}
    return replace(menu, base_factors=tuple(sorted(factors)), variable_shares=tuple(sorted(shares)))


def with_forced(problem: Problem, highest_budget: float) -> Problem:
    """The problem with the plans of the three forced strategies at the end of every segment's menu.

    highest_budget : USD in the plan year; the plans reach as far as it can pay for
    """
    rungs = _rungs(problem, highest_budget)
    forced = {
        segment.name: tuple(plan for name in STRATEGIES for plan in _ladder(problem, s, name, rungs))
        for s, segment in enumerate(problem.segments)
    }
    return replace(problem, forced=forced)


def strategy_of(plan: Plan) -> str:
    """The forced strategy that a plan belongs to; empty for a plan that is none."""
    return plan.plan_id.split()[0].removeprefix("all-into-") if plan.is_forced else ""


def _rungs(problem: Problem, highest_budget: float) -> int:
    """How many steps of 1 % of base pay can be of use."""
    declared = ~problem.csms.is_open
    today = sum(
        float(problem.pay_cost[s][declared & (problem.csms.segment == s), 0].sum())
        for s in range(len(problem.segments))
    )
    base = sum(c.base * p for c, p, d in zip(problem.csm_list, problem.csms.presence, declared, strict=True) if d)
    equal_rise = max(highest_budget - today, 0.0) / base if base > 0.0 else 0.0
    return min(math.ceil(REACH * equal_rise / RUNG), MOST_RUNGS)


def _ladder(problem: Problem, segment: int, strategy: str, rungs: int) -> list[Plan]:
    """Today's plan with 1, 2, 3 … % of base pay on top, all of it as the strategy says."""
    today = problem.today_plan(segment)
    plans = []
    for k in range(1, rungs + 1):
        name = f"all-into-{strategy} +{k}%"
        rise = RUNG * k
        if strategy == BASE:
            variable = today.variable_per_base / (1.0 + rise)  # the same dollars on a higher base
            plans.append(Plan(name, today.mix, 1.0 + rise, variable / (1.0 + variable), is_forced=True))
        else:
            variable = today.variable_per_base + rise
            mix = _with_more(today.mix, "EXP" if strategy == EXPANSION else "TEAM", rise / variable, name)
            plans.append(Plan(name, mix, 1.0, variable / (1.0 + variable), is_forced=True))
    return plans


def _with_more(mix: Mix, metric: str, weight: float, name: str) -> Mix:
    """The mix with a further component of that weight; what is paid already keeps its dollars."""
    kept = tuple(replace(c, weight=c.weight * (1.0 - weight)) for c in mix.components)
    scope = "team" if metric == "TEAM" else "individual"
    more = Component(metric, weight, scope)  # type: ignore[arg-type]
    return Mix(name, (*kept, more), mix.gate)
