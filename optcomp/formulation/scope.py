"""Which part of a problem a program decides, and its coefficients as arrays, before any Pyomo.

A *unit* is what moves as one: an account, or a whole family where the families rule is hard. A *pair* is a unit with
a CSM who may look after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.problem import PlanNumbers, Problem
from optcomp.response.outcome import PairTable
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

POINTS = 100.0  # the objective counts percentage points of NRR


@dataclass(frozen=True)
class Scope:
    """The accounts, CSMs and plans that a program decides on.

    accounts, csms : rows, sorted; plans : plan rows that may be chosen, for the segment of every CSM in scope
    optional : open positions whose filling is decided here; other open positions in `csms` are filled
    is_whole : money rules and the move limit, which couple everything, are part of the program
    """

    accounts: IntArray
    csms: IntArray
    plans: Mapping[int, tuple[int, ...]]
    optional: frozenset[int] = frozenset()
    is_whole: bool = True


def whole_scope(problem: Problem) -> Scope:
    """Everything is decided at once: the joint program."""
    plans = {s: tuple(range(len(problem.plans[s]))) for s in range(len(problem.segments))}
    is_open = problem.csms.is_open
    csms = np.flatnonzero(~problem.csms.is_leaving)
    return Scope(np.arange(len(problem.accounts.ids)), csms, plans, frozenset(np.flatnonzero(is_open).tolist()))


def has_priced_moves(problem: Problem) -> bool:
    """Every move has a price, so that moves are part of the worth of pairs and need no row."""
    rule = problem.rules["moves"]
    return rule.is_soft and rule["max"] == 0.0


def unit_of_account(problem: Problem) -> IntArray:
    """Number of the unit that every account belongs to."""
    if problem.rules["families"].is_hard:
        return problem.accounts.family
    return np.arange(len(problem.accounts.ids))


@dataclass(frozen=True)
class Tables:
    """Coefficients of a scope; pair arrays have shape (pairs,).

    units : unit number of each row of units in scope; pair_unit : row of the unit; pair_csm : CSM row of the problem
    """

    problem: Problem
    scope: Scope

    @cached_property
    def account_unit(self) -> IntArray:
        """Row of the unit of every account in scope."""
        return np.unique(unit_of_account(self.problem)[self.scope.accounts], return_inverse=True)[1]

    @cached_property
    def num_units(self) -> int:
        """How many units there are."""
        return int(self.account_unit.max()) + 1 if len(self.account_unit) else 0

    @cached_property
    def _allowed(self) -> tuple[IntArray, IntArray, IntArray]:
        """Account place in scope and pair of every allowed account × CSM; key of every pair: unit × CSMs + CSM place.

        A pair is a unit with a CSM who may look after every member.
        """
        account, column = self.problem.allowed.within(self.scope.accounts, self.scope.csms)
        key, pair, members = np.unique(
            self.account_unit[account] * len(self.scope.csms) + column, return_inverse=True, return_counts=True
        )
        is_whole = members == np.bincount(self.account_unit)[key // max(len(self.scope.csms), 1)]
        number = np.cumsum(is_whole) - 1
        return account[is_whole[pair]], number[pair[is_whole[pair]]], key[is_whole]

    @cached_property
    def pair_unit(self) -> IntArray:
        """Row of the unit of every pair."""
        return self._allowed[2] // max(len(self.scope.csms), 1)

    @cached_property
    def pair_csm(self) -> IntArray:
        """CSM row of every pair."""
        return self.scope.csms[self._allowed[2] % max(len(self.scope.csms), 1)]

    @cached_property
    def pair_segment(self) -> IntArray:
        """Segment of the CSM of every pair: its plan is the one that the account feels."""
        return self.problem.csms.segment[self.pair_csm]

    @cached_property
    def _member(self) -> tuple[IntArray, IntArray]:
        """Account row (of the problem) and pair of every account × CSM combination in scope."""
        place, pair, _ = self._allowed
        return self.scope.accounts[place], pair

    @cached_property
    def members(self) -> PairTable:
        """Account × CSM pairs behind the pairs of units."""
        account, pair = self._member
        return self.problem.pairs(account, self.pair_csm[pair])

    def _by_pair(self, values: FloatArray) -> FloatArray:
        return sum_by(self._member[1], values, len(self.pair_unit))

    @cached_property
    def hours(self) -> FloatArray:
        """Service hours a year of every pair, without a plan's extra hours."""
        return self._by_pair(self.members.hours)

    def _account_sum(self, values: FloatArray) -> FloatArray:
        """Sum of an account figure over the unit of every pair."""
        return sum_by(self.account_unit, values[self.scope.accounts], self.num_units)[self.pair_unit]

    @cached_property
    def count(self) -> FloatArray:
        """Accounts of every pair."""
        return self._account_sum(np.ones(len(self.problem.accounts.ids)))

    @cached_property
    def arr(self) -> FloatArray:
        """ARR of every pair, USD."""
        return self._account_sum(self.problem.accounts.arr)

    @cached_property
    def potential(self) -> dict[str, FloatArray]:
        """Baseline renewal and expansion potential of every pair, USD."""
        neutral = self.problem.neutral
        return {"renewal": self._account_sum(neutral.kept), "expansion": self._account_sum(neutral.expanded)}

    def due(self, quarter: int) -> tuple[FloatArray, FloatArray]:
        """Number and ARR (USD) of renewals due in a quarter, of every pair."""
        is_due = (self.problem.accounts.quarter == quarter).astype(float)
        return self._account_sum(is_due), self._account_sum(is_due * self.problem.accounts.arr)

    @cached_property
    def moves(self) -> FloatArray:
        """Moves that the moves rule counts, of every pair: forced ones not, a family that stays together once."""
        account, pair = self._member
        today, csm = self.problem.accounts.csm[account], self.pair_csm[pair]
        moves = self._by_pair((self.problem.may_stay[account] & (today != csm)).astype(float))
        return np.minimum(moves, 1.0) if self.problem.rules["families"].is_hard else moves

    @cached_property
    def soft_pairs(self) -> FloatArray:
        """Price in USD of the soft rules on single pairs that every pair bends; moves too, where none is free."""
        account, pair = self._member
        price = np.zeros(len(account))
        for rule_id in PAIR_RULES:
            rule = self.problem.rules[rule_id]
            if rule.is_soft:
                price += rule.price * broken_pairs(self.problem, rule_id, account, self.pair_csm[pair])
        moves = self.problem.rules["moves"]
        own = moves.price * self.moves if has_priced_moves(self.problem) else 0.0
        return self._by_pair(price) + own

    @property
    def points_per_usd(self) -> float:
        """Percentage points of NRR that one USD of year-end ARR is."""
        return POINTS / self.problem.arr_scale

    @cached_property
    def value(self) -> dict[tuple[int, int], FloatArray]:
        """Worth in points of every pair under (segment, plan): year-end ARR, less the plan's extra hours and soft
        pairs.

        Zero for pairs of other segments. The extra hours g enter as kappa · L · log g, which is linear (DESIGN 3.3).
        """
        return {(s, p): self.value_at(s, p) for s, rows in self.scope.plans.items() for p in rows}

    def value_at(self, segment: int, plan: int) -> FloatArray:
        """Worth in points of every pair under one plan; zero for pairs of other segments."""
        return self.values_at(segment, np.array([plan]))[0]

    def values_at(self, segment: int, plans: IntArray) -> FloatArray:
        """Worth in points of every pair under several plans of a segment, shape (plans, pairs)."""
        return self.values_of(segment, self.problem.plan_numbers(segment, plans))

    def values_of(self, segment: int, numbers: PlanNumbers, wanted: IntArray | None = None) -> FloatArray:
        """Worth in points of pairs under plans with these numbers, shape (plans, pairs); of all pairs, or some."""
        count = len(self.pair_unit)
        wanted = np.arange(count) if wanted is None else wanted
        column = np.full(count, -1)
        column[wanted] = np.arange(len(wanted))
        member_column = column[self._member[1]]
        own = (member_column >= 0) & (self.pair_segment[self._member[1]] == segment)
        pair = member_column[own]
        usd = self.problem.predict_many(_rows(self.members, own), segment, numbers).total
        if len(pair) != len(wanted) or not (pair == np.arange(len(wanted))).all():  # families, or other segments' pairs
            usd = np.array([sum_by(pair, line, len(wanted)) for line in usd]).reshape(len(numbers.row), len(wanted))
        extra = np.outer(np.log(numbers.hours_factor), self.hours[wanted])
        values = (usd - self.problem.kappa[segment] * extra - self.soft_pairs[wanted]) * self.points_per_usd
        foreign = self.pair_segment[wanted] != segment
        if foreign.any():
            values[:, foreign] = 0.0
        return values


def _rows(pairs: PairTable, mask: BoolArray) -> PairTable:
    return PairTable(*(getattr(pairs, name)[mask] for name in PairTable.__slots__))
