"""Why nothing fits, as far as simple sums show it: in the user's words, before any deeper analysis."""

from __future__ import annotations

import numpy as np

from optcomp.decompose.pools import components
from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.problem import Problem

MOST_NAMED = 5


def why_nothing_fits(problem: Problem) -> tuple[str, ...]:
    """Sentences that each name a sum that cannot work out; empty when the sums alone show nothing."""
    return (*_without_csm(problem), *_without_hours(problem), *_without_money(problem))


def _without_csm(problem: Problem) -> list[str]:
    """Accounts that nobody may look after, with the rules that forbid it."""
    lonely = np.flatnonzero(~problem.allowed.any(axis=1))
    if not len(lonely):
        return []
    hard = [r for r in PAIR_RULES if problem.rules[r].is_hard and broken_pairs(problem, r)[lonely].any()]
    names = ", ".join(problem.accounts.ids[a] for a in lonely[:MOST_NAMED])
    more = f" and {len(lonely) - MOST_NAMED} more" if len(lonely) > MOST_NAMED else ""
    return [
        f"No CSM may look after {names}{more}: the rules {', '.join(hard) or 'on hours'} exclude everybody. "
        "Widen eligibility, unlock, or set one of these rules to soft."
    ]


def _without_hours(problem: Problem) -> list[str]:
    """Pools that need more hours than the ceiling allows."""
    rule = problem.rules["hours"]
    if not rule.is_hard:
        return []
    sentences = []
    for accounts, csms in components(problem):
        needed = float(problem.accounts.hours[accounts].sum())
        there = float(problem.csms.hours[csms].sum()) * rule["ceiling"]
        if needed > there * (1.0 + 1e-9) and len(csms):
            who = ", ".join(problem.csms.ids[j] for j in csms[:MOST_NAMED])
            others = " and others" if len(csms) > MOST_NAMED else ""
            sentences.append(
                f"{len(accounts)} accounts need {needed:,.0f} hours and {who}{others} can give {there:,.0f} at the "
                f"ceiling: add {needed - there:,.0f} hours or raise rules.hours.ceiling."
            )
    return sentences


def _without_money(problem: Problem) -> list[str]:
    """A budget below the cheapest plans."""
    if not problem.rules["budget"].is_hard:
        return []
    paid = ~problem.csms.is_open
    least = sum(
        float(table[paid & (problem.csms.segment == s)].sum(axis=0).min()) for s, table in enumerate(problem.pay_cost)
    )
    budget = problem.instance.pay_budget
    if least <= budget * (1.0 + 1e-9):
        return []
    return [
        f"The cheapest plans cost {least:,.0f} a year and the budget is {budget:,.0f}: "
        f"raise budget.pay by {least - budget:,.0f} or add cheaper plans to the menu."
    ]
