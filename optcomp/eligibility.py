"""Who may look after whom: which account × CSM pairs each rule on single pairs speaks against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from optcomp.types import BoolArray

if TYPE_CHECKING:
    from optcomp.problem import Problem

PAIR_RULES = (
    "eligible_segment",
    "eligible_region",
    "eligible_language",
    "eligible_skill",
    "forbidden_pairs",
    "locks",
    "leavers",
)


def broken_pairs(problem: Problem, rule_id: str) -> BoolArray:
    """Pairs (accounts × CSMs) that the rule speaks against, whatever its state.

    A pair marked eligible by the user is not held to segment, region, language or skill.
    """
    accounts, csms = problem.accounts, problem.csm_list
    shape = (len(accounts.ids), len(csms))
    if rule_id == "locks":
        return _locked(problem)
    if rule_id == "leavers":
        return np.broadcast_to(problem.csms.is_leaving[None, :], shape)
    if rule_id == "forbidden_pairs":
        return _marked(problem, eligible=False)
    if rule_id == "eligible_segment":
        broken = accounts.segment[:, None] != problem.csms.segment[None, :]
    elif rule_id == "eligible_region":
        broken = np.column_stack([_differs(accounts.region, (c.region,) if c.region else ()) for c in csms])
    elif rule_id == "eligible_language":
        broken = np.column_stack([_differs(accounts.language, c.languages) for c in csms])
    elif rule_id == "eligible_skill":
        broken = np.column_stack([_differs(accounts.industry, c.industries) for c in csms])
    else:
        raise ValueError(f"{rule_id} is not a rule on single pairs")
    return np.asarray(broken & ~_marked(problem, eligible=True))


def allowed_pairs(problem: Problem) -> BoolArray:
    """Pairs that every hard rule on single pairs allows, with a CSM who has hours to give."""
    allowed = np.broadcast_to(problem.csms.hours > 0.0, (len(problem.accounts.ids), len(problem.csms.ids))).copy()
    if not len(problem.csms.ids):
        return allowed
    for rule_id in PAIR_RULES:
        if problem.rules[rule_id].is_hard:
            allowed &= ~broken_pairs(problem, rule_id)
    return allowed


def _differs(values: np.ndarray, known: tuple[str, ...]) -> BoolArray:
    """The account states something that the CSM does not have; blank on either side is no objection."""
    if not known:
        return np.zeros(len(values), dtype=bool)
    return np.asarray((values != "") & ~np.isin(values, known))


def _locked(problem: Problem) -> BoolArray:
    """Everybody but today's CSM of a locked account, and everybody but the CSM whom a kept line names."""
    accounts = problem.accounts
    owner = np.where(accounts.locked, accounts.csm, -1)
    for line in problem.instance.kept:
        owner[problem.account_index[line.account_id]] = problem.csm_index[line.csm_id]
    return np.asarray((owner >= 0)[:, None] & (owner[:, None] != np.arange(len(problem.csms.ids))[None, :]))


def _marked(problem: Problem, *, eligible: bool) -> BoolArray:
    marked = np.zeros((len(problem.accounts.ids), len(problem.csms.ids)), dtype=bool)
    for pair in problem.instance.pairs:
        if pair.eligible is eligible:
            marked[problem.account_index[pair.account_id], problem.csm_index[pair.csm_id]] = True
    return marked
