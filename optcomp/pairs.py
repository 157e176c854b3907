"""Account × CSM pairs: log-odds of what happens to an account with a CSM, before any change of plan.

A prediction that the user brings per account is the baseline at today's plan, CSM and load 1, so only differences from
today's CSM are added to it; one per pair is used as it is (DESIGN 3.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optcomp.response.outcome import PairTable, logit
from optcomp.types import FloatArray, IntArray

if TYPE_CHECKING:
    from optcomp.problem import Problem


def pair_table(problem: Problem, account: IntArray, csm: IntArray) -> PairTable:
    """The pairs' table; `csm` may be -1 for a neutral CSM (reference fit, no skill, no hand-over)."""
    facts, outcome = problem.accounts, problem.response.outcome
    today = facts.csm[account]
    fit, fit_today = _fit(problem, account, csm), _fit(problem, account, today)
    moved = ((csm >= 0) & (today >= 0) & (csm != today)).astype(float)
    relief = 1.0 - outcome.hand_fit_relief * fit
    stay_renew, stay_expand = moved * facts.hand_over[account], moved / 2.0
    own = _own_logits(problem)
    start_renew, start_expand, contract, depth, size = (column[account] for column in _account_logits(problem))
    has_own_renew, has_own_expand = ~np.isnan(own[0][account]), ~np.isnan(own[1][account])
    skill_renew, skill_expand = _skills(problem)

    def personal(slope: float, skill: FloatArray, has_own: FloatArray) -> FloatArray:
        # Against the reference CSM, or against today's CSM where the user's own prediction already includes them.
        reference_fit = np.where(has_own, fit_today, outcome.fit_reference)
        reference_skill = np.where(has_own, skill[today], 0.0)
        return np.asarray(slope * (fit - reference_fit) + skill[csm] - reference_skill)

    return _with_pair_predictions(
        problem,
        PairTable(
            account=account,
            csm=csm,
            arr=facts.arr[account],
            hours=facts.hours[account].copy(),
            due=facts.due[account],
            omega=facts.omega[account],
            renew=start_renew
            + personal(outcome.fit_renew, skill_renew, has_own_renew)
            + outcome.hand_renew * stay_renew * relief,
            expand=start_expand
            + personal(outcome.fit_expand, skill_expand, has_own_expand)
            + outcome.hand_expand * stay_expand,
            contract=contract.copy(),
            depth=depth.copy(),
            size=size,
            leave_renew=outcome.hand_renew * relief * (np.maximum(stay_renew, 0.5) - stay_renew),
            leave_expand=outcome.hand_expand * (np.maximum(stay_expand, 0.5) - stay_expand),
            known=np.full(len(account), np.nan),
        ),
    )


def _fit(problem: Problem, account: IntArray, csm: IntArray) -> FloatArray:
    reference = problem.response.outcome.fit_reference
    if not len(problem.csms.ids):
        return np.full(len(account), reference)
    return np.where(csm >= 0, problem.fit(account, np.maximum(csm, 0)), reference)


def _skills(problem: Problem) -> tuple[FloatArray, FloatArray]:
    """Skill of every CSM, with a last entry 0 that index -1 (no CSM) picks."""
    skill = problem.response.skill
    renew = [skill[i].renew if i in skill else 0.0 for i in problem.csms.ids]
    expand = [skill[i].expand if i in skill else 0.0 for i in problem.csms.ids]
    return np.array([*renew, 0.0]), np.array([*expand, 0.0])


def _own_logits(problem: Problem) -> tuple[FloatArray, FloatArray]:
    facts = problem.accounts
    return (
        np.where(np.isnan(facts.own_renewal), np.nan, logit(np.nan_to_num(facts.own_renewal, nan=0.5))),
        np.where(np.isnan(facts.own_expansion), np.nan, logit(np.nan_to_num(facts.own_expansion, nan=0.5))),
    )


def _account_logits(problem: Problem) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Per account: log-odds of renewal, expansion, contraction at today's plan; contraction depth; expansion size."""
    facts, outcome = problem.accounts, problem.response.outcome
    rates = [problem.response.base_rates(s.name) for s in problem.segments]
    phi = problem.today_phi[problem.reference_segment]
    health = np.nan_to_num(facts.health - outcome.health_reference, nan=0.0)

    def of_segment(values: list[float]) -> FloatArray:
        return np.array(values)[facts.segment]

    renew = logit(of_segment([r.renewal for r in rates])) + outcome.shift_renew + outcome.health_renew * health
    expand = logit(of_segment([r.expansion for r in rates])) + outcome.shift_expand + outcome.health_expand * health
    depth = of_segment([r.contraction_depth for r in rates])
    contraction = of_segment([r.contraction for r in rates])
    own_renew, own_expand = _own_logits(problem)
    has_own = ~np.isnan(facts.own_contraction)
    # An own contraction above the usual depth can only come from deeper cuts, so the depth follows it.
    depth = np.where(has_own, np.maximum(depth, np.nan_to_num(facts.own_contraction)), depth)
    contract = logit(np.where(depth > 0.0, contraction / np.where(depth > 0.0, depth, 1.0), 0.0))
    own_contract = logit(np.nan_to_num(facts.own_contraction) / np.where(depth > 0.0, depth, 1.0))
    return (
        np.where(np.isnan(own_renew), renew + phi @ np.array(outcome.renew), own_renew),
        np.where(np.isnan(own_expand), expand + phi @ np.array(outcome.expand), own_expand),
        np.where(has_own, own_contract, contract + phi @ np.array(outcome.contract)),
        depth,
        of_segment([r.expansion_size for r in rates]),
    )


def _with_pair_predictions(problem: Problem, table: PairTable) -> PairTable:
    """Overwrite, in the fresh arrays of the table, what the user knows of single pairs."""
    if not problem.instance.pairs or not len(table.account):
        return table
    width = len(problem.csms.ids) + 1
    keys = table.account * width + table.csm
    order = np.argsort(keys, kind="stable")
    for pair in problem.instance.pairs:
        key = problem.account_index[pair.account_id] * width + problem.csm_index[pair.csm_id]
        first, last = np.searchsorted(keys[order], [key, key + 1])
        rows = order[first:last]
        if not len(rows):
            continue
        if pair.hours is not None:
            table.hours[rows] = pair.hours
        if pair.renewal_probability is not None:
            table.renew[rows] = logit(pair.renewal_probability)
        if pair.expansion is not None:
            table.expand[rows] = logit(pair.expansion)
        if pair.contraction is not None:
            table.depth[rows] = np.maximum(table.depth[rows], pair.contraction)
            table.contract[rows] = logit(pair.contraction / np.maximum(table.depth[rows], 1e-12))
        if pair.value is not None:
            table.known[rows] = pair.value
    return table
