"""Limits on single books: hours, number of accounts, ARR, own limits, spread of the work."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.frame import Frame, Term


def add_hours(frame: Frame) -> None:
    r"""Nobody is given more hours of service than the ceiling on their own hours.

    .. math:: \sum_{up} g_p h_{uj} \, y_{ujp} \le \text{ceiling} \cdot H_j \qquad \forall j

    h_uj  hours the unit needs with this CSM, h/year     Account.hours, service model
    g_p   hours factor of the plan                       response.effort.activity_hours
    H_j   hours CSM j has, h/year                        Csm.hours
    """
    rule, problem, hours = frame.problem.rules["hours"], frame.problem, frame.tables.hours
    for j in map(int, frame.scope.csms):
        available = float(problem.csms.hours[j])
        if available <= 0.0:
            continue
        segment = int(problem.csms.segment[j])
        terms: list[Term] = []
        for p in frame.scope.plans[segment]:
            factor = float(problem.effects[segment].hours_factor[p])
            pick = frame.model.y if frame.has_choice(segment) else None
            terms += [
                (factor * float(hours[k]), pick[int(k), p] if pick is not None else frame.model.x[int(k)])
                for k in frame.pairs_of_csm[j]
            ]
        frame.limit(rule, terms, rule["ceiling"] * available, scale=available)
        frame.hours_rows.append(frame.num_rows)


def add_account_count(frame: Frame) -> None:
    r"""Every book holds a number of accounts within the segment's limits.

    .. math:: n^{min}_s o_j \le \sum_u n_u x_{uj} \le n^{max}_s \qquad \forall j
    """
    _add_segment_limits(frame, "account_count", frame.tables.count, "accounts")


def add_book_arr(frame: Frame) -> None:
    r"""Every book holds ARR within the segment's limits.

    .. math:: A^{min}_s o_j \le \sum_u A_u x_{uj} \le A^{max}_s \qquad \forall j
    """
    _add_segment_limits(frame, "book_arr", frame.tables.arr, "arr")


def _add_segment_limits(frame: Frame, rule_id: str, weights: np.ndarray, what: str) -> None:
    rule, problem = frame.problem.rules[rule_id], frame.problem
    for j in map(int, frame.scope.csms):
        if problem.csms.hours[j] <= 0.0:
            continue
        segment = problem.segments[problem.csms.segment[j]]
        low, high = (
            (segment.min_accounts, segment.max_accounts) if what == "accounts" else (segment.min_arr, segment.max_arr)
        )
        terms = frame.pair_terms(j, weights)
        if high is not None:
            frame.limit(rule, terms, float(high), scale=max(float(high), 1.0))
        if low:
            presence, constant = frame.filled_terms(j, -float(low))
            frame.at_least(rule, [*terms, *presence], -constant, scale=float(low))


def add_own_limits(frame: Frame) -> None:
    r"""Nobody is given more accounts or ARR than their own limits.

    .. math:: \sum_u n_u x_{uj} \le n^{max}_j, \qquad \sum_u A_u x_{uj} \le A^{max}_j \qquad \forall j
    """
    rule, problem, tables = frame.problem.rules["own_limits"], frame.problem, frame.tables
    mean_arr = problem.arr_scale / max(len(problem.accounts.ids), 1)
    for j in map(int, frame.scope.csms):
        accounts, arr = float(problem.csms.max_accounts[j]), float(problem.csms.max_arr[j])
        if np.isfinite(accounts):
            frame.limit(rule, frame.pair_terms(j, tables.count), accounts, scale=max(accounts, 1.0))
        if np.isfinite(arr):
            scale = max(arr, mean_arr)
            frame.limit(rule, frame.pair_terms(j, tables.arr), arr, scale=scale, unit=1.0 / mean_arr)


def add_workload_spread(frame: Frame) -> None:
    r"""Everybody's load stays within a distance of the segment's load.

    .. math:: |L_j - \mu_s H_j o_j| \le \epsilon \mu_s H_j o_j, \qquad \mu_s = \sum_{a \in s} h_a / \sum_{j \in s} H_j
    """
    rule, problem = frame.problem.rules["workload_spread"], frame.problem
    declared = problem.csms.is_declared
    for j in map(int, frame.scope.csms):
        segment = problem.csms.segment[j]
        available = problem.csms.hours[declared & (problem.csms.segment == segment)].sum()
        needed = problem.accounts.hours[problem.accounts.segment == segment].sum()
        even = float(needed / available * problem.csms.hours[j]) if available > 0.0 else 0.0
        if problem.csms.hours[j] <= 0.0:
            continue
        terms = frame.pair_terms(j, frame.tables.hours)
        scale = max(even, 1.0)
        for sign, end in ((1.0, 1.0 + rule["spread"]), (-1.0, 1.0 - rule["spread"])):
            presence, constant = frame.filled_terms(j, -sign * end * even)
            frame.limit(rule, [*((sign * c, v) for c, v in terms), *presence], -constant, scale=scale)
