"""Why nothing fits, as far as simple sums show it: in the user's words, before any deeper analysis."""

from __future__ import annotations

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.problem import Problem
from optcomp.reviews.sums import is_proof, reason, review_sums

MOST_NAMED = 5


def why_nothing_fits(problem: Problem) -> tuple[str, ...]:
    """Sentences that each name a sum that cannot work out; empty when the sums alone show nothing."""
    return (*_without_csm(problem), *(reason(f) for f in review_sums(problem) if is_proof(f)))


def _without_csm(problem: Problem) -> list[str]:
    """Accounts that nobody may look after, with the rules that forbid it."""
    lonely = np.flatnonzero(np.bincount(problem.allowed.account, minlength=len(problem.accounts.ids)) == 0)
    if not len(lonely):
        return []
    everybody = np.arange(len(problem.csms.ids))[:, None]  # one at a time: all accounts may be lonely
    hard = [
        rule_id
        for rule_id in PAIR_RULES
        if problem.rules[rule_id].is_hard and any(broken_pairs(problem, rule_id, lonely, j).any() for j in everybody)
    ]
    names = ", ".join(problem.accounts.ids[a] for a in lonely[:MOST_NAMED])
    more = f" and {len(lonely) - MOST_NAMED} more" if len(lonely) > MOST_NAMED else ""
    return [
        f"No CSM may look after {names}{more}: the rules {', '.join(hard) or 'on hours'} exclude everybody. "
        "Widen eligibility, unlock, or set one of these rules to soft."
    ]
