"""Equal chance to earn, and enough renewals in every quarter."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.frame import Frame, Term


def add_equal_chance(frame: Frame) -> None:
    r"""Potential per ARR dollar of every book stays close to the segment's.

    .. math:: \left|\sum_u (\text{pot}_u - \mu_s A_u) x_{uj}\right| \le \epsilon \mu_s \sum_u A_u x_{uj} \quad \forall j

    pot_u  baseline renewal, or expansion, potential at today's plan and a neutral CSM, USD
    mu_s   the segment's total potential over its total ARR
    """
    rule, problem, tables = frame.problem.rules["equal_chance"], frame.problem, frame.tables
    arr, segments = problem.accounts.arr, problem.accounts.segment
    for what, total in (("renewal", problem.neutral.kept), ("expansion", problem.neutral.expanded)):
        potential = tables.potential[what]
        for j in map(int, frame.scope.csms):
            own = segments == problem.csms.segment[j]
            if not own.any() or problem.csms.hours[j] <= 0.0:
                continue
            even = float(total[own].sum() / arr[own].sum())
            # An average potential: where a segment's own is nothing, other segments' accounts still have one.
            scale = max(even * float(arr[own].mean()), float(total.mean()), 1.0)
            for sign in (1.0, -1.0):
                weights = sign * (potential - even * tables.arr) - rule["tolerance"] * even * tables.arr
                frame.limit(rule, frame.pair_terms(j, weights), 0.0, scale=scale)


def add_renewals_due(frame: Frame) -> None:
    r"""Under a plan that pays renewals quarterly everybody has enough renewals in every quarter, by count and by ARR.

    .. math:: \sum_u n_{uq} x_{uj} \ge \text{share} \cdot N_{sq} \frac{H_j}{\sum H}
              \left(\sum_{p \text{ quarterly}} z_{sp} + o_j - 1\right) \quad \forall j, q

    N_sq  renewals of the segment in the quarter; the same with ARR, counted in average renewals of the quarter
    """
    rule, problem = frame.problem.rules["renewals_due"], frame.problem
    facts, csms = problem.accounts, problem.csms
    for segment in sorted(frame.scope.plans):
        quarterly = problem.effects[segment].pays_renewals_quarterly.astype(float)
        if not any(quarterly[p] for p in frame.scope.plans[segment]):
            continue
        available = float(csms.hours[csms.is_declared & (csms.segment == segment)].sum())
        for quarter in range(4):
            due = (facts.segment == segment) & (facts.quarter == quarter)
            if not due.any() or available <= 0.0:
                continue
            number, arr = frame.tables.due(quarter)
            for j in frame.csms_of(segment):
                if csms.hours[j] <= 0.0:
                    continue
                even = rule["min_share"] * float(due.sum()) * float(csms.hours[j]) / available
                for weights in (number, arr / float(facts.arr[due].mean())):
                    _add_minimum(frame, j, weights, even, quarterly)


def _add_minimum(frame: Frame, csm: int, weights: np.ndarray, even: float, quarterly: np.ndarray) -> None:
    """sum of weights >= even × (chosen plan is quarterly + position is filled - 1)."""
    segment = int(frame.problem.csms.segment[csm])
    plan_terms, plan_constant = frame.plan_terms(segment, [-even * float(q) for q in quarterly])
    filled_terms, filled_constant = frame.filled_terms(csm, -even)
    terms: list[Term] = [*frame.pair_terms(csm, weights), *plan_terms, *filled_terms]
    low = -(plan_constant + filled_constant + even)
    frame.at_least(frame.problem.rules["renewals_due"], terms, low, scale=max(even, 1.0))
