"""Pay first: the plans that would be best if the books stayed as they are today."""

from __future__ import annotations

import numpy as np

from optcomp.decompose.master import Master
from optcomp.decompose.pools import Pool
from optcomp.decompose.search import plans_of_all
from optcomp.engine import Executor
from optcomp.formulation.scope import POINTS
from optcomp.problem import Problem
from optcomp.response.load import load_cost
from optcomp.types import FloatArray, sum_by


def plans_at_books(problem: Problem, engine: Executor) -> tuple[int, ...] | None:
    """Plan row of every segment that is best for today's books within the budget, or None when no plans fit it.

    Accounts of a leaver count as if the leaver stayed, so that pay is not chosen on a gap in the books.
    """
    staying = problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem
    nothing = np.array([], dtype=np.int64)
    segments = range(len(problem.segments))
    worth = [{frozenset[int](): _worth(staying, s)} for s in segments]
    pick = Master(problem, [Pool(s, nothing, nothing, ()) for s in segments], engine).pick(worth, plans_of_all(problem))
    return None if pick is None else pick.plan


def _worth(problem: Problem, segment: int) -> FloatArray:
    """Points of NRR that the books of a segment's CSMs, as they are today, bring under every plan."""
    owner = problem.accounts.csm
    rows = np.flatnonzero((owner >= 0) & (problem.csms.segment[np.maximum(owner, 0)] == segment))
    count = len(problem.plans[segment])
    if not len(rows):
        return np.zeros(count)
    pairs = problem.pairs(rows, owner[rows])
    hours = sum_by(owner[rows], pairs.hours, len(problem.csms.ids))
    usd = np.empty(count)
    for plan in range(count):
        factor = float(problem.effects[segment].hours_factor[plan])
        cost = load_cost(float(problem.kappa[segment]), hours, problem.csms.hours, factor).sum()
        usd[plan] = problem.predict(pairs, segment, plan).total.sum() - cost
    return usd * POINTS / problem.arr_scale
