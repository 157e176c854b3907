"""Pools: accounts and CSMs that no eligible pair connects with the rest."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from optcomp.problem import Problem
from optcomp.types import IntArray

MAX_OPEN = 4  # open positions of a pool whose filling is enumerated: 2**4 = 16 sets


@dataclass(frozen=True)
class Pool:
    """One connected part of the eligibility graph; all its CSMs belong to one segment.

    accounts, csms : rows, sorted; open_csms : its open positions
    """

    segment: int
    accounts: IntArray
    csms: IntArray
    open_csms: tuple[int, ...]

    @property
    def fillings(self) -> list[frozenset[int]]:
        """Every set of open positions that may be filled."""
        return [frozenset(s) for n in range(len(self.open_csms) + 1) for s in combinations(self.open_csms, n)]


def why_joint(problem: Problem) -> str:
    """Why the problem does not fall apart once the plans are chosen, in words; empty when it does."""
    for pool in components(problem):
        segments = np.unique(problem.csms.segment[pool[1]])
        if len(segments) > 1:
            return "some accounts may go to CSMs of different segments"
        if problem.csms.is_open[pool[1]].sum() > MAX_OPEN:
            return f"a pool has more than {MAX_OPEN} open positions"
    return ""


def split(problem: Problem) -> tuple[Pool, ...]:
    """The pools of a problem that falls apart (`why_joint` is empty), in the order of their first account."""
    pools = []
    for accounts, csms in components(problem):
        segment = int(problem.csms.segment[csms[0]]) if len(csms) else int(problem.accounts.segment[accounts[0]])
        pools.append(Pool(segment, accounts, csms, tuple(int(j) for j in csms if problem.csms.is_open[j])))
    return tuple(pools)


def components(problem: Problem) -> list[tuple[IntArray, IntArray]]:
    """Connected components of accounts and CSMs; families stay in one component, leavers are left out."""
    num_accounts = len(problem.accounts.ids)
    label = np.arange(num_accounts + len(problem.csms.ids))
    groups = [
        np.append(problem.allowed.accounts_of_csm[j], num_accounts + j)
        for j in np.flatnonzero(~problem.csms.is_leaving)
    ]
    if problem.rules["families"].is_on:
        family = problem.accounts.family
        order = np.argsort(family, kind="stable")
        groups += [g for g in np.split(order, np.flatnonzero(np.diff(family[order])) + 1) if len(g) > 1]
    changed = True
    while changed:  # labels fall to the smallest of each group; a few rounds, as eligibility is made of blocks
        before = label.copy()
        for group in groups:
            label[group] = label[group].min()
        changed = bool((before != label).any())
    is_there = np.append(np.ones(num_accounts, dtype=bool), ~problem.csms.is_leaving)
    return [
        (np.flatnonzero(label[:num_accounts] == name), np.flatnonzero((label == name)[num_accounts:]))
        for name in np.unique(label[is_there])
    ]
