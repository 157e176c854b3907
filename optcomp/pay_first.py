"""Pay first: the plans that would be best if the books stayed as they are today."""

from __future__ import annotations

import numpy as np

from optcomp.decompose.master import Entry, Master, plans_of_all
from optcomp.decompose.pools import Pool
from optcomp.engine import Engine
from optcomp.formulation.scope import POINTS
from optcomp.problem import Problem
from optcomp.response.load import load_cost
from optcomp.types import sum_by


def plans_at_books(problem: Problem, engine: Engine) -> tuple[int, ...] | None:
    """Plan row of every segment that is best for today's books within the budget, or None when no plans fit it.

    Accounts of a leaver count as if the leaver stayed, so that pay is not chosen on a gap in the books.
    """
    staying = problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem
    nothing = np.array([], dtype=np.int64)
    pools = [Pool(s, nothing, nothing, ()) for s in range(len(problem.segments))]
    entries = [Entry(s, p, frozenset()) for s, plans in enumerate(problem.plans) for p in range(len(plans))]
    values = {i: _worth(staying, e.pool, e.plan) for i, e in enumerate(entries)}
    pick = Master(problem, pools, engine).pick(values, entries, plans_of_all(problem))
    return None if pick is None else pick.plan


def _worth(problem: Problem, segment: int, plan: int) -> float:
    """Points of NRR that the books of a segment's CSMs, as they are today, bring under a plan."""
    owner = problem.accounts.csm
    rows = np.flatnonzero((owner >= 0) & (problem.csms.segment[np.maximum(owner, 0)] == segment))
    if not len(rows):
        return 0.0
    pairs = problem.pairs(rows, owner[rows])
    hours = sum_by(owner[rows], pairs.hours, len(problem.csms.ids))
    factor = float(problem.effects[segment].hours_factor[plan])
    cost = load_cost(float(problem.kappa[segment]), hours, problem.csms.hours, factor).sum()
    return float(problem.predict(pairs, segment, plan).total.sum() - cost) * POINTS / problem.total_arr
