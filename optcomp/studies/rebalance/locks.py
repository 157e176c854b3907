"""Accounts that should not move, by rule and not by name: computed from facts, each with its reasons."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from optcomp.config import Rebalance
from optcomp.dates import add_months
from optcomp.instance import Account, Instance
from optcomp.problem import Problem

LOCKS = ("renewal", "at-risk", "just-moved", "strategic")


@dataclass(frozen=True, slots=True)
class Lock:
    """An account that should stay: why, and what speaks against it (empty: it is locked)."""

    account_id: str
    csm_id: str
    reasons: tuple[str, ...]
    obstacle: str = ""

    @property
    def is_kept(self) -> bool:
        """The account is locked."""
        return not self.obstacle


def find_locks(problem: Problem, settings: Rebalance, off: Collection[str] = ()) -> tuple[Lock, ...]:
    """Every account that a lock rule speaks for, in the order of ids; those locked by name are not among them.

    An account that must move (its CSM leaves, or a hard rule forbids them) is never locked, nor a family that has to be
    brought together.

    off : names of lock rules that are switched off
    """
    must_move = _must_move(problem)
    locks = []
    for a, account in enumerate(problem.account_list):
        if account.csm is None or account.locked:
            continue
        reasons = lock_reasons(account, problem.instance, settings, off)
        if reasons:
            obstacle = _obstacle(problem, a, must_move)
            locks.append(Lock(account.account_id, account.csm, reasons, obstacle))
    return tuple(locks)


def with_locks(instance: Instance, locks: Collection[Lock]) -> Instance:
    """The instance with those accounts locked, each with its reasons."""
    kept = {lock.account_id: "; ".join(lock.reasons) for lock in locks if lock.is_kept}
    accounts = tuple(
        replace(a, locked=True, lock_reason=kept[a.account_id]) if a.account_id in kept else a
        for a in instance.accounts
    )
    return replace(instance, accounts=accounts)


def lock_reasons(
    account: Account, instance: Instance, settings: Rebalance, off: Collection[str] = ()
) -> tuple[str, ...]:
    """Why the account should stay, one sentence a rule."""
    as_of = instance.as_of
    reasons = {
        "renewal": _renewal(account, as_of, settings.lock_renewal_days),
        "at-risk": _at_risk(account, settings.lock_health_below),
        "just-moved": _just_moved(account, as_of, settings.lock_moved_days),
        "strategic": _strategic(account, instance, settings.lock_arr_above),
    }
    return tuple(reasons[name] for name in LOCKS if name not in off and reasons[name])


def _renewal(account: Account, as_of: date, days: int) -> str:
    due = account.renewal_date
    if due is None or not days:
        return ""
    term = 0
    while due < as_of:  # an earlier renewal; the next follows a whole number of terms later (conventions 3.3)
        term += account.term_months
        due = add_months(account.renewal_date or due, term)
    return f"renewal on {due}, within {days} days" if due <= as_of + timedelta(days=days) else ""


def _at_risk(account: Account, below: float) -> str:
    if account.health is None or account.health >= below:
        return ""
    return f"at risk: health {account.health:g} is below {below:g}"


def _just_moved(account: Account, as_of: date, days: int) -> str:
    since = account.csm_since
    if since is None or not days or since < as_of - timedelta(days=days):
        return ""
    return f"just moved: with its CSM only since {since}"


def _strategic(account: Account, instance: Instance, above: float) -> str:
    if not above or account.arr <= above:
        return ""
    return f"strategic: ARR {account.arr:,.0f} {instance.currency} is above {above:,.0f}"


def _must_move(problem: Problem) -> np.ndarray:
    return np.asarray((problem.accounts.csm >= 0) & ~problem.may_stay)


def _obstacle(problem: Problem, account: int, must_move: np.ndarray) -> str:
    if must_move[account]:
        leaves = problem.csms.is_leaving[problem.accounts.csm[account]]
        return "its CSM leaves" if leaves else "a hard rule forbids its CSM"
    if not problem.rules["families"].is_hard:
        return ""
    family = np.flatnonzero(problem.accounts.family == problem.accounts.family[account])
    owner = problem.accounts.csm[account]
    others = problem.accounts.csm[family[~must_move[family]]]
    if (others[others >= 0] != owner).any():
        return "its family is with several CSMs and must come together"
    if not problem.allowed.has(family, owner).all():
        return "a member of its family must move to somebody else"
    return ""
