"""Sums that cannot work out: what a pool of CSMs may take against what its accounts bring, and the budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.pools import components
from optcomp.errors import Finding
from optcomp.judge import TOLERANCE
from optcomp.problem import Problem
from optcomp.reviews.words import counted, names, number, number_up, percent, percent_up, warn
from optcomp.types import FloatArray, IntArray

# A sum counts as kept where every book in it may miss its limit by as much as the judge lets pass (conventions 5.2).
ROOM = TOLERANCE
_NOTHING_FITS = "Nothing fits: "
_MEND = "change the limit or the team, or set the rule to soft"
_IS_SOFT = "The rule is soft or off, so the limit will be bent"


def review_sums(problem: Problem) -> tuple[Finding, ...]:
    """Findings about totals, and about accounts larger than any book."""
    pools = [_Pool(problem, accounts, csms) for accounts, csms in components(problem) if len(accounts) and len(csms)]
    found = [finding for pool in pools for finding in pool.findings()]
    return (*found, *_too_large(problem), *_budget(problem))


def is_proof(finding: Finding) -> bool:
    """The finding is a sum that breaks a hard rule whatever is decided."""
    return finding.hint.startswith(_NOTHING_FITS)


def reason(finding: Finding) -> str:
    """A proof as a sentence: what does not work out, and what would mend it."""
    return f"{finding.found}: {finding.hint.removeprefix(_NOTHING_FITS)}."


@dataclass(frozen=True)
class _Pool:
    """Accounts and CSMs that no eligible pair connects with the rest; open positions count as filled."""

    problem: Problem
    accounts: IntArray
    csms: IntArray

    def findings(self) -> Iterator[Finding]:
        """Every total that does not work out."""
        facts = self.problem.accounts
        yield from self._hours()
        yield from self._between("accounts", np.ones(len(self.accounts)), "account_count", "000-39")
        yield from self._between("ARR", facts.arr[self.accounts], "book_arr", "002-20")

    @property
    def who(self) -> str:
        """The pool in words."""
        return counted([self.problem.csms.ids[j] for j in self.csms], "CSM")

    def _hours(self) -> Iterator[Finding]:
        rule = self.problem.rules["hours"]
        needed = float(_least_hours(self.problem)[self.accounts].sum())
        there = float(self.problem.csms.hours[self.csms].sum())
        if there > 0.0 and needed > there * rule["ceiling"] * (1.0 + ROOM):
            found = (
                f"{len(self.accounts)} accounts need {number(needed)} hours, and {self.who} can give "
                f"{number(there * rule['ceiling'])} at the ceiling of {percent(rule['ceiling'])}"
            )
            allowed = f"At most {percent(rule['ceiling'])} load"
            mend = f"add {number_up(needed / rule['ceiling'] - there)} hours, or raise rules.hours.ceiling to at least "
            hint = _hint(rule.is_hard, mend + (percent_up(needed / there)))
            yield warn("hours-total", found, allowed, hint, requirement="002-17")

    def _between(self, what: str, amounts: FloatArray, rule_id: str, requirement: str) -> Iterator[Finding]:
        total, allowed = float(amounts.sum()), "The total has to fit the limits"
        for is_hard in (True, False):
            most = float(_most(self.problem, what, hard_only=is_hard)[self.csms].sum())
            if total > most * (1.0 + ROOM):
                found = f"{self.who} may have {number(most)} {what} together, and there are {number(total)}"
                yield warn("above-all-limits", found, allowed, _hint(is_hard), requirement=requirement)
                break
        least = float(_least(self.problem, what)[self.csms].sum())
        if total < least * (1.0 - ROOM):
            found = f"{self.who} must have {number(least)} {what} together, and there are {number(total)}"
            hint = _hint(self.problem.rules[rule_id].is_hard)
            yield warn("below-all-limits", found, allowed, hint, requirement=requirement)


def _hint(is_hard: bool, mend: str = _MEND) -> str:
    return _NOTHING_FITS + mend if is_hard else _IS_SOFT


def _least_hours(problem: Problem) -> FloatArray:
    """Fewest hours that each account needs with any CSM."""
    hours = problem.accounts.hours.copy()
    for pair in problem.instance.pairs:
        if pair.hours is not None:
            row = problem.account_index[pair.account_id]
            hours[row] = min(hours[row], pair.hours)
    return hours


def _least(problem: Problem, what: str) -> FloatArray:
    """Fewest accounts, or least ARR, that everybody must have by the limits of their segment; 0 for open positions."""
    segments = [problem.segments[s] for s in problem.csms.segment]
    limits = [s.min_accounts if what == "accounts" else s.min_arr for s in segments]
    must = (problem.csms.hours > 0.0) & ~problem.csms.is_open & ~problem.csms.is_leaving
    return np.where(must, [0.0 if limit is None else float(limit) for limit in limits], 0.0)


def _most(problem: Problem, what: str, *, hard_only: bool) -> FloatArray:
    """Most accounts, ARR or hours that everybody may have by every limit or every hard one; inf where there is none."""
    segments = [problem.segments[s] for s in problem.csms.segment]
    csms, hours = problem.csms, problem.rules["hours"]["ceiling"] * problem.csms.hours
    limits = {
        "accounts": (("account_count", _or_inf([s.max_accounts for s in segments])), ("own_limits", csms.max_accounts)),
        "ARR": (("book_arr", _or_inf([s.max_arr for s in segments])), ("own_limits", csms.max_arr)),
        "hours": (("hours", hours),),
    }
    most = np.full(len(segments), np.inf)
    for rule_id, limit in limits[what]:
        if problem.rules[rule_id].is_hard or not hard_only:
            most = np.minimum(most, limit)
    return np.where(csms.hours > 0.0, most, 0.0)


def _or_inf(limits: Sequence[float | None]) -> FloatArray:
    return np.array([np.inf if limit is None else limit for limit in limits], dtype=float)


def _too_large(problem: Problem) -> Iterator[Finding]:
    """Accounts, and families that stay together, that are larger than any book that may hold them (U22)."""
    for what, amounts in (("ARR", problem.accounts.arr), ("hours", _least_hours(problem))):
        for is_hard in (True, False):
            limit = _most(problem, what, hard_only=is_hard)
            found = _larger_than_any(problem, amounts, limit)
            if found:
                text = f"{counted(found, 'account')} {'are' if len(found) > 1 else 'is'} larger in {what} than any book"
                allowed = "The largest account, or family, has to fit some book"
                yield warn("larger-than-any-book", text, allowed, _hint(is_hard), requirement="U22")
                break


def _units(problem: Problem) -> tuple[IntArray, IntArray]:
    """Rows of accounts, those that stay together side by side, and where each such unit starts."""
    rows = np.arange(len(problem.accounts.ids))
    if not problem.rules["families"].is_hard:
        return rows, rows
    family = problem.accounts.family
    order = np.argsort(family, kind="stable")
    return order, np.flatnonzero(np.diff(family[order], prepend=-1))


def _larger_than_any(problem: Problem, amounts: FloatArray, limit: FloatArray) -> list[str]:
    """First account of every unit that fits no CSM who may have all of it."""
    order, starts = _units(problem)
    if not len(order) or not len(limit):
        return []
    unit = np.empty(len(order), dtype=np.int64)
    unit[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    pairs = problem.allowed
    key, members = np.unique(unit[pairs.account] * pairs.shape[1] + pairs.csm, return_counts=True)
    key = key[members == np.bincount(unit)[key // pairs.shape[1]]]  # every member may go to this CSM
    largest = np.full(len(starts), -np.inf)
    np.maximum.at(largest, key // pairs.shape[1], limit[key % pairs.shape[1]])
    # A unit that nobody may have at all is another problem, and said elsewhere.
    too_large = np.isfinite(largest) & (np.add.reduceat(amounts[order], starts) > largest * (1.0 + ROOM))
    return sorted(problem.accounts.ids[a] for a in order[starts[too_large]])


def _budget(problem: Problem) -> Iterator[Finding]:
    rule, budget = problem.rules["budget"], problem.instance.pay_budget
    paid = ~problem.csms.is_open
    tables = [table[paid & (problem.csms.segment == s)] for s, table in enumerate(problem.pay_cost)]
    least = sum(float(table.sum(axis=0).min()) for table in tables)
    if least > budget * (1.0 + ROOM):
        cheapest = [problem.plans[s][int(table.sum(axis=0).argmin())].plan_id for s, table in enumerate(tables)]
        found = f"The cheapest plans cost {number(least)} ({names(cheapest)}), and the budget is {number(budget)}"
        hint = _hint(rule.is_hard, f"raise budget.pay by {number_up(least - budget)}, or add cheaper plans to the menu")
        yield warn("budget-total", found, "Some plan has to be affordable", hint, requirement="000-7")
