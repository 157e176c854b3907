"""One independent check per rule: by how much a decision bends it, who does, and what that costs.

Written from the rules' sentences and the facts alone; the formulation has its own builders and the two never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# A limit counts as kept when it is missed by no more than this share of it (or this much, for limits below 1): solver
# rows hold to 1e-6 and sums of floats to about 1e-12 of their size (conventions 5.2).
TOLERANCE = 1e-6

COMPLETE = "complete"  # not a rule that can be switched off: every account has one CSM who is there


@dataclass(frozen=True, slots=True)
class Bend:
    """A rule that is bent: by whom, by how much in the rule's unit, and the cost in USD (0 for a hard rule)."""

    rule_id: str
    subject: str
    amount: float
    cost: float
    is_violation: bool


@dataclass(frozen=True)
class Decision:
    """A solution in rows: `owner` is the CSM of each account (-1: none), `plan` the plan row of each segment."""

    problem: Problem
    owner: IntArray
    plan: IntArray
    filled: BoolArray

    def plan_of(self, csm: int) -> Plan:
        """The plan that pays a CSM."""
        segment = int(self.problem.csms.segment[csm])
        return self.problem.plans[segment][int(self.plan[segment])]

    def rows_by_plan_segment(self) -> Iterator[tuple[int, IntArray]]:
        """For each segment, the accounts whose CSM belongs to it."""
        of_owner = np.where(self.owner >= 0, self.problem.csms.segment[np.maximum(self.owner, 0)], -1)
        for segment in range(len(self.problem.segments)):
            rows = np.flatnonzero(of_owner == segment)
            if len(rows):
                yield segment, rows

    @cached_property
    def holds_book(self) -> BoolArray:
        """CSMs who look after accounts: not leaving, with hours, and filled where the position is open."""
        csms = self.problem.csms
        return np.asarray(~csms.is_leaving & (csms.hours > 0.0) & (~csms.is_open | self.filled))

    @cached_property
    def book_hours(self) -> FloatArray:
        """Service hours of every book without the plan's extra hours."""
        has = self.owner >= 0
        pairs = self.problem.pairs(np.flatnonzero(has), self.owner[has])
        return sum_by(self.owner[has], pairs.hours, len(self.problem.csms.ids))

    @cached_property
    def hours_factor(self) -> FloatArray:
        """Factor on the hours of every CSM's book under the plan of the segment."""
        factors = [float(self.problem.effects[s].hours_factor[k]) for s, k in enumerate(self.plan)]
        return np.array(factors)[self.problem.csms.segment]

    def sum_by_csm(self, values: FloatArray) -> FloatArray:
        """Sum of an account figure over every book."""
        has = self.owner >= 0
        return sum_by(self.owner[has], values[has], len(self.problem.csms.ids))

    def renewals_due(self) -> tuple[IntArray, FloatArray]:
        """Number and ARR of renewals per CSM and quarter of the plan year, shape (csms, 4)."""
        quarter, arr = self.problem.accounts.quarter, self.problem.accounts.arr
        counts = [self.sum_by_csm((quarter == q).astype(float)) for q in range(4)]
        sums = [self.sum_by_csm(np.where(quarter == q, arr, 0.0)) for q in range(4)]
        return np.column_stack(counts).astype(np.int64), np.column_stack(sums)

    @cached_property
    def moved(self) -> BoolArray:
        """Accounts that had a CSM and get another."""
        today = self.problem.accounts.csm
        return np.asarray((today >= 0) & (self.owner >= 0) & (self.owner != today))

    @cached_property
    def forced(self) -> BoolArray:
        """Accounts that cannot stay: a hard rule on single pairs forbids today's CSM."""
        return np.asarray((self.problem.accounts.csm >= 0) & ~self.problem.may_stay)

    @property
    def moves_counted(self) -> int:
        """Moves that the moves rule counts: not the forced ones, and a family that must stay together once."""
        counted = self.moved & ~self.forced
        if self.problem.rules["families"].is_hard:
            return len(np.unique(self.problem.accounts.family[counted]))
        return int(counted.sum())


Amounts = Iterator[tuple[str, float, float]]  # subject, amount, the limit that the amount is measured from
Check = Callable[[Problem, Decision], Amounts]


def judge_rules(problem: Problem, decision: Decision, pay: FloatArray, exposure: FloatArray) -> tuple[Bend, ...]:
    """Every bend of every rule that is on, in the order of the catalogue."""
    bends = [Bend(COMPLETE, who, amount, 0.0, True) for who, amount in _complete(problem, decision)]
    for rule_id in SPECS:
        rule = problem.rules[rule_id]
        if not rule.is_on:
            continue
        for subject, amount, limit in _amounts(problem, decision, rule_id, pay, exposure):
            if amount > TOLERANCE * max(1.0, abs(limit)):
                bends.append(Bend(rule_id, subject, amount, rule.price * amount * rule.is_soft, rule.is_hard))
    return tuple(bends)


def _amounts(problem: Problem, decision: Decision, rule_id: str, pay: FloatArray, exposure: FloatArray) -> Amounts:
    rule = problem.rules[rule_id]
    if rule.spec.stage == "plan":
        yield from _plan_design(problem, decision, rule_id)
    elif rule_id in PAIR_RULES:
        yield from _single_pairs(problem, decision, rule_id)
    elif rule_id == "budget":
        budget = problem.instance.pay_budget
        yield "pay", max(pay.sum() - budget, 0.0), budget
    elif rule_id == "exposure":
        limit = rule["max_ratio"] * problem.instance.pay_budget
        yield "pay", max(exposure.sum() - limit, 0.0), limit
    else:
        yield from _BOOK_CHECKS[rule_id](problem, decision)


def _complete(problem: Problem, decision: Decision) -> Iterator[tuple[str, float]]:
    for a in np.flatnonzero(decision.owner < 0):
        yield problem.accounts.ids[a], 1.0
    for j in np.flatnonzero(problem.csms.is_open & ~decision.filled):
        if (decision.owner == j).any():
            yield f"{problem.csms.ids[j]} (not filled)", float((decision.owner == j).sum())
    for j in np.flatnonzero(problem.csms.hours <= 0.0):
        if (decision.owner == j).any():
            yield f"{problem.csms.ids[j]} (no hours in the plan year)", float((decision.owner == j).sum())


def _plan_design(problem: Problem, decision: Decision, rule_id: str) -> Amounts:
    for s, segment in enumerate(problem.segments):
        plan = problem.plans[s][int(decision.plan[s])]
        if not plan.is_exempt:
            yield segment.name, problem.design_amounts(plan, s).get(rule_id, 0.0), 0.0


def _single_pairs(problem: Problem, decision: Decision, rule_id: str) -> Amounts:
    rows = np.flatnonzero(decision.owner >= 0)
    broken = broken_pairs(problem, rule_id, rows, decision.owner[rows])
    for a in rows[broken]:
        yield problem.accounts.ids[a], 1.0, 0.0


def _hours(problem: Problem, decision: Decision) -> Amounts:
    limit = problem.rules["hours"]["ceiling"] * problem.csms.hours
    hours = decision.book_hours * decision.hours_factor
    for j, name in enumerate(problem.csms.ids):
        yield name, max(hours[j] - limit[j], 0.0), limit[j]


def _segment_limits(problem: Problem, decision: Decision, values: FloatArray, what: str) -> Amounts:
    for j in np.flatnonzero(decision.holds_book):
        segment = problem.segments[problem.csms.segment[j]]
        low = _or(segment.min_accounts if what == "accounts" else segment.min_arr, 0.0)
        high = _or(segment.max_accounts if what == "accounts" else segment.max_arr, np.inf)
        yield problem.csms.ids[j], max(values[j] - high, low - values[j], 0.0), low if values[j] < low else high


def _or(limit: float | None, default: float) -> float:
    """A declared limit, or the default where none is."""
    return default if limit is None else float(limit)


def _account_count(problem: Problem, decision: Decision) -> Amounts:
    yield from _segment_limits(problem, decision, decision.sum_by_csm(np.ones(len(decision.owner))), "accounts")


def _book_arr(problem: Problem, decision: Decision) -> Amounts:
    yield from _segment_limits(problem, decision, decision.sum_by_csm(problem.accounts.arr), "arr")


def _own_limits(problem: Problem, decision: Decision) -> Amounts:
    mean_arr = problem.arr_scale / max(len(problem.accounts.ids), 1)
    counts = decision.sum_by_csm(np.ones(len(decision.owner)))
    arr = decision.sum_by_csm(problem.accounts.arr)
    for j, name in enumerate(problem.csms.ids):
        yield name, max(counts[j] - problem.csms.max_accounts[j], 0.0), 1.0
        if np.isfinite(problem.csms.max_arr[j]) and mean_arr > 0.0:
            limit = problem.csms.max_arr[j] / mean_arr
            yield name, max(arr[j] / mean_arr - limit, 0.0), limit


def _workload_spread(problem: Problem, decision: Decision) -> Amounts:
    spread = problem.rules["workload_spread"]["spread"]
    declared = problem.csms.is_declared
    for s in range(len(problem.segments)):
        available = problem.csms.hours[declared & (problem.csms.segment == s)].sum()
        needed = problem.accounts.hours[problem.accounts.segment == s].sum()
        load = needed / available if available > 0 else 0.0
        for j in np.flatnonzero(decision.holds_book & (problem.csms.segment == s)):
            even = load * problem.csms.hours[j]
            yield problem.csms.ids[j], max(abs(decision.book_hours[j] - even) - spread * even, 0.0), even


def _equal_chance(problem: Problem, decision: Decision) -> Amounts:
    tolerance = problem.rules["equal_chance"]["tolerance"]
    arr = problem.accounts.arr
    book_arr = decision.sum_by_csm(arr)
    for what, potential in (("renewal", problem.neutral.kept), ("expansion", problem.neutral.expanded)):
        book = decision.sum_by_csm(potential)
        for s in range(len(problem.segments)):
            own = problem.accounts.segment == s
            if not own.any():  # a segment without accounts has no potential to be equal to
                continue
            even = potential[own].sum() / arr[own].sum()
            average = max(even * arr[own].mean(), potential.mean())
            for j in np.flatnonzero(decision.holds_book & (problem.csms.segment == s)):
                distance = abs(book[j] - even * book_arr[j])
                limit = tolerance * even * book_arr[j]
                # A limit of 0 has no size of its own, so what counts as nothing is a share of an average account.
                yield f"{problem.csms.ids[j]} ({what})", max(distance - limit, 0.0), max(limit, average)


def _renewals_due(problem: Problem, decision: Decision) -> Amounts:
    share = problem.rules["renewals_due"]["min_share"]
    counts, arr = decision.renewals_due()
    facts, csms = problem.accounts, problem.csms
    for s in range(len(problem.segments)):
        if not problem.plans[s][int(decision.plan[s])].pays_renewals_quarterly:
            continue
        available = csms.hours[csms.is_declared & (csms.segment == s)].sum()
        for q in range(4):
            due = (facts.segment == s) & (facts.quarter == q)
            if not due.any() or available <= 0.0:
                continue
            mean_arr = facts.arr[due].mean()
            for j in np.flatnonzero(decision.holds_book & (csms.segment == s)):
                even = share * due.sum() * csms.hours[j] / available
                yield f"{csms.ids[j]} Q{q + 1}", max(even - counts[j, q], 0.0), even
                yield f"{csms.ids[j]} Q{q + 1} (ARR)", max(even - arr[j, q] / mean_arr, 0.0), even


def _families(problem: Problem, decision: Decision) -> Amounts:
    family = problem.accounts.family
    members = np.bincount(family)
    for f in np.flatnonzero(members > 1):
        rows = np.flatnonzero(family == f)
        yield problem.accounts.ids[rows[0]], float(len(np.unique(decision.owner[rows])) - 1), 0.0


def _moves(problem: Problem, decision: Decision) -> Amounts:
    limit = problem.rules["moves"]["max"]
    yield "moves", max(decision.moves_counted - limit, 0.0), 1.0


def _open_positions(problem: Problem, decision: Decision) -> Amounts:
    for j in np.flatnonzero(problem.csms.is_open & ~decision.filled):
        yield problem.csms.ids[j], 1.0, 0.0


_BOOK_CHECKS: dict[str, Check] = {
    "hours": _hours,
    "account_count": _account_count,
    "book_arr": _book_arr,
    "own_limits": _own_limits,
    "workload_spread": _workload_spread,
    "equal_chance": _equal_chance,
    "renewals_due": _renewals_due,
    "families": _families,
    "moves": _moves,
    "open_positions": _open_positions,
}
