"""Groups of plans that are bounded together, by a plan that is at least as good as every one of them.

Year-end ARR rises with the effects on renewal and expansion and falls with contraction, leak and hours; at one base
level and variable share everybody's chance of leaving is the same. So the best of each number over a group bounds all
its plans, and a menu of thousands costs hundreds of evaluations.
"""

from __future__ import annotations

import numpy as np

from optcomp.decompose.bounds import spread
from optcomp.problem import PlanNumbers, Problem
from optcomp.types import FloatArray, IntArray

GROUP = 8  # plans of a group at most
# What a unit of each number moves NRR by, roughly, in a usual book: groups are kept small where it matters.
WEIGHTS = {"renew": 0.06, "expand": 0.06, "contract": 0.02, "leak": 0.13, "hours_factor": 0.09}


def groups(problem: Problem, segment: int, plans: IntArray) -> list[IntArray]:
    """Plans split by what must be equal in a group (pay level, quarterly pay), then into small neighbourhoods."""
    quarterly = problem.effects[segment].pays_renewals_quarterly
    by_level: dict[tuple[float, float, bool, bool], list[int]] = {}
    for p in plans.tolist():
        plan = problem.plans[segment][p]
        by_level.setdefault((plan.base_factor, plan.variable_share, plan.is_today, bool(quarterly[p])), []).append(p)
    numbers = problem.plan_numbers(segment, np.arange(len(problem.plans[segment])))
    traits = weighted_traits(numbers)
    return [part for rows in by_level.values() for part in _halved(np.array(rows), traits)]


def weighted_traits(numbers: PlanNumbers) -> FloatArray:
    """Numbers of plans in roughly equal worth, shape (plans, numbers)."""
    return np.column_stack([weight * getattr(numbers, name) for name, weight in WEIGHTS.items()])


def sample(problem: Problem, segment: int, plans: IntArray, count: int) -> IntArray:
    """Plans that stand for all: of every pay level a few that lie far apart, sorted."""
    chosen: list[int] = []
    by_level: dict[tuple[float, float, bool], list[int]] = {}
    for p in plans.tolist():
        plan = problem.plans[segment][p]
        by_level.setdefault((plan.base_factor, plan.variable_share, plan.is_today), []).append(p)
    traits = weighted_traits(problem.plan_numbers(segment, np.arange(len(problem.plans[segment]))))
    for rows in by_level.values():
        own = np.array(rows)
        best = own[np.argsort(-traits[own, :2].sum(axis=1), kind="stable")]  # the most effective one comes first
        chosen += best[spread(traits[best], count)].tolist()
    return np.unique(np.array(chosen, dtype=np.int64))


def _halved(rows: IntArray, traits: FloatArray) -> list[IntArray]:
    """Rows cut in half along their widest trait until every part is small."""
    if len(rows) <= GROUP:
        return [rows]
    widest = int(np.ptp(traits[rows], axis=0).argmax())
    order = rows[np.argsort(traits[rows, widest], kind="stable")]
    middle = len(order) // 2
    return [*_halved(order[:middle], traits), *_halved(order[middle:], traits)]


def envelope(problem: Problem, segment: int, parts: list[IntArray]) -> PlanNumbers:
    """For every group, numbers at least as good as those of each of its plans."""
    each = [problem.plan_numbers(segment, part) for part in parts]
    return PlanNumbers(
        renew=np.array([n.renew.max() for n in each]),
        expand=np.array([n.expand.max() for n in each]),
        contract=np.array([n.contract.min() for n in each]),
        leak=np.array([n.leak.min() for n in each]),
        hours_factor=np.array([n.hours_factor.min() for n in each]),
        row=np.array([n.row[0] for n in each]),
    )
