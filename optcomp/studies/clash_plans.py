"""Pay plans as feasibility sees them: what they cost, how many hours they take, and which design rules forbid them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optcomp import pay
from optcomp.payout import largest_payout
from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.rules import SPECS, Rules
from optcomp.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A plan that may be chosen once the design rules that it breaks are dropped.

    numbers : what hard rules read of it, lower is better: pay without and with each open position, expected and at
        worst; hours factor; 1 where renewals are paid quarterly
    """

    plan: Plan
    broken: frozenset[str]
    cost: float
    open_cost: FloatArray
    exposure: float
    open_exposure: FloatArray
    hours_factor: float
    is_quarterly: bool


def candidates(problem: Problem, segment: int) -> list[Candidate]:
    """Plans of a segment, without those that another plan beats in everything that hard rules read."""
    variants = [problem, *_without_design_rules(problem)]
    plans: dict[str, Plan] = {}
    for variant in variants:
        for plan in variant.plans[segment]:
            plans.setdefault(plan.plan_id, plan)
    found = _candidates(problem, segment, list(plans.values()))
    return _undominated(problem, found)


def _without_design_rules(problem: Problem) -> list[Problem]:
    """The problem without each hard design rule, and without all of them, where that can matter."""
    rules = problem.rules
    if not any(rules[r].is_hard for r in ("budget", "exposure", "hours", "renewals_due")):
        return []
    hard = [r for r, spec in SPECS.items() if spec.stage == "plan" and rules[r].is_hard]
    dropped = [(r,) for r in hard] + ([tuple(hard)] if len(hard) > 1 else [])
    return [replace(problem, rules=_off(rules, ids)) for ids in dropped]


def _off(rules: Rules, ids: tuple[str, ...]) -> Rules:
    return Rules(rules.pack, {r: replace(rule, state="off") if r in ids else rule for r, rule in rules.by_id.items()})


def _candidates(problem: Problem, segment: int, plans: list[Plan]) -> list[Candidate]:
    effects = problem.effects_of(segment, plans)
    base, variable = pay.pay_at_target(problem, plans)
    expected = pay.expected_multiples(problem, segment, plans, problem.accounts.csm)
    presence = problem.csms.presence[:, None]
    cost = presence * (base + variable * expected)
    worst = presence * (base + variable * np.array([largest_payout(p) for p in plans]))
    own = problem.csms.segment == segment
    always, maybe = own & ~problem.csms.is_open, np.flatnonzero(own & problem.csms.is_open)
    return [
        Candidate(
            plan,
            frozenset() if plan.is_today else _broken(problem, plan, segment),
            float(cost[always, p].sum()),
            cost[maybe, p],
            float(worst[always, p].sum()),
            worst[maybe, p],
            float(effects.hours_factor[p]),
            plan.pays_renewals_quarterly,
        )
        for p, plan in enumerate(plans)
    ]


def _broken(problem: Problem, plan: Plan, segment: int) -> frozenset[str]:
    return frozenset(r for r in problem.design_amounts(plan, segment) if problem.rules[r].is_hard)


def _undominated(problem: Problem, found: list[Candidate]) -> list[Candidate]:
    """The first of equals, and nothing that is beaten by a plan that breaks no further rule."""
    rules = problem.rules
    numbers = np.array([_numbers(c, rules) for c in found])
    order = sorted(range(len(found)), key=lambda k: (len(found[k].broken), *numbers[k].tolist(), k))
    kept: list[int] = []
    for k in order:
        if not any(found[i].broken <= found[k].broken and (numbers[i] <= numbers[k]).all() for i in kept):
            kept.append(k)
    return [found[k] for k in sorted(kept)]


def _numbers(candidate: Candidate, rules: Rules) -> list[float]:
    budget, exposure = rules["budget"].is_hard, rules["exposure"].is_hard
    return [
        candidate.cost * budget,
        *(candidate.open_cost * budget).tolist(),
        candidate.exposure * exposure,
        *(candidate.open_exposure * exposure).tolist(),
        candidate.hours_factor * rules["hours"].is_hard,
        float(candidate.is_quarterly and rules["renewals_due"].is_hard),
    ]
