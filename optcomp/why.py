"""Why each account is where it is, in a few words that the facts bear out."""

from __future__ import annotations

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.judge import Decision
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.types import FloatArray

# A gain below this is no reason, USD of year-end ARR: less than anybody would move an account for.
SMALL_GAIN = 1.0


def move_reasons(problem: Problem, decision: Decision, gain: FloatArray) -> list[str]:
    """A reason for every account.

    gain : USD of year-end ARR with its new CSM against today's, under the same plan, at load 1
    """
    forced = _forced_reasons(problem, decision)
    free = _free_reasons(problem, decision, gain)
    facts = problem.accounts
    kept = {line.account_id: line for line in problem.instance.kept}
    reasons = []
    for a, account in enumerate(problem.account_list):
        line = kept.get(account.account_id)
        if line is not None and problem.csm_index[line.csm_id] == decision.owner[a]:
            reasons.append(line.reason)
        elif facts.csm[a] < 0:
            reasons.append("had no CSM")
        elif not decision.moved[a]:
            reasons.append(f"locked: {account.lock_reason}".rstrip(": ") if account.locked else "stays")
        else:
            reasons.append(forced[a] or free[a])
    return reasons


def _forced_reasons(problem: Problem, decision: Decision) -> list[str]:
    """Which hard rule forbids today's CSM; empty where none does."""
    reasons = [""] * len(problem.accounts.ids)
    rows = np.flatnonzero(decision.forced)
    today = problem.accounts.csm[rows]
    for a, j in zip(rows, today, strict=True):
        reasons[a] = "forced: today's CSM leaves" if problem.csms.is_leaving[j] else "forced: today's CSM has no hours"
    for rule_id in reversed(PAIR_RULES):
        if rule_id == "leavers" or not problem.rules[rule_id].is_hard:
            continue
        for a in rows[broken_pairs(problem, rule_id, rows, today)]:
            if not problem.csms.is_leaving[problem.accounts.csm[a]]:
                sentence = SPECS[rule_id].sentence
                reasons[a] = f"forced: {sentence[0].lower()}{sentence[1:].rstrip('.')} ({rule_id})"
    return reasons


def _free_reasons(problem: Problem, decision: Decision, gain: FloatArray) -> list[str]:
    """Why an account moves that could have stayed."""
    today = problem.accounts.csm
    rows = np.arange(len(today))
    fit_from, fit_to = problem.fit(rows, np.maximum(today, 0)), problem.fit(rows, np.maximum(decision.owner, 0))
    today_hours = _today_load(problem)
    reasons = []
    for a in rows:
        better_fit = fit_to[a] > fit_from[a]
        if gain[a] > SMALL_GAIN and better_fit:
            reasons.append(f"better fit: {fit_from[a]:.2f} to {fit_to[a]:.2f}")
        elif gain[a] > SMALL_GAIN:
            reasons.append("better outlook with this CSM")
        elif _is_reunited(problem, decision, int(a)):
            reasons.append("joins its family")
        elif today_hours[today[a]] > today_hours[decision.owner[a]]:
            reasons.append("evens out load")
        else:
            reasons.append("makes room for others or evens out books")
    return reasons


def _today_load(problem: Problem) -> FloatArray:
    """Load of every CSM's book as it is today, without a plan's extra hours; 0 where there are no hours."""
    has = problem.accounts.csm >= 0
    needed = np.bincount(problem.accounts.csm[has], problem.accounts.hours[has], minlength=len(problem.csms.ids))
    available = problem.csms.hours
    return np.divide(needed, available, out=np.zeros(len(available)), where=available > 0.0)


def _is_reunited(problem: Problem, decision: Decision, account: int) -> bool:
    """Its family had several CSMs and now has one."""
    members = np.flatnonzero(problem.accounts.family == problem.accounts.family[account])
    before, after = problem.accounts.csm[members], decision.owner[members]
    return len(set(before.tolist())) > 1 and len(set(after.tolist())) == 1
