"""The assignment core as a noun: accounts, CSMs, one capacity of hours each; and what is found for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# Sums of floats differ by this share when they are added in another order. Far below a cent in a billion.
ROUNDING = 1e-9


@dataclass(frozen=True, eq=False)
class Assignment:
    r"""Every account to one CSM, for the most value, within the hours that every CSM has.

    .. math:: \max \sum v_{aj} x_{aj}, \quad \sum_j x_{aj} = 1, \quad \sum_a h_{aj} x_{aj} \le H_j

    account, csm : the pairs that are allowed, shape (pairs,), each pair once
    value : of every pair, any unit; hours : of every pair, 0 or more, shape (pairs,)
    capacity : hours of every CSM, shape (csms,); num_accounts : accounts are numbered from 0
    """

    account: IntArray
    csm: IntArray
    value: FloatArray
    hours: FloatArray
    capacity: FloatArray
    num_accounts: int

    @property
    def num_csms(self) -> int:
        return len(self.capacity)

    @cached_property
    def cost(self) -> FloatArray:
        """Minus the value, shape (csms, accounts); infinite for a pair that is not allowed or does not fit alone."""
        table = np.full((self.num_csms, self.num_accounts), np.inf)
        fits = self.hours <= self.capacity[self.csm]
        table[self.csm[fits], self.account[fits]] = -self.value[fits]
        return table

    @cached_property
    def load(self) -> FloatArray:
        """Hours, shape (csms, accounts); 0 for a pair that is not allowed."""
        table = np.zeros((self.num_csms, self.num_accounts))
        table[self.csm, self.account] = self.hours
        return table

    @cached_property
    def is_whole(self) -> bool:
        """Whether all values are whole numbers, so that a bound may be rounded."""
        return bool((self.value == np.rint(self.value)).all())

    def loads(self, owner: IntArray) -> FloatArray:
        """Hours that every CSM gives, shape (csms,); owner : CSM of every account."""
        return sum_by(owner, self.load[owner, np.arange(self.num_accounts)], self.num_csms)

    def worth(self, owner: IntArray) -> float:
        """Value of an assignment; -inf when it takes a pair that is not allowed or more hours than there are."""
        fits = (self.loads(owner) <= self.capacity * (1.0 + ROUNDING)).all()
        return -float(self.cost[owner, np.arange(self.num_accounts)].sum()) if fits else -np.inf

    def step_down(self, bound: float) -> float:
        """The least bound on value that `bound` proves: values that are whole have whole sums."""
        if not np.isfinite(bound):
            return bound
        return float(np.floor(bound + 1e-6)) if self.is_whole else bound + ROUNDING * abs(bound)

    def is_closed(self, value: float, bound: float) -> bool:
        """Whether nothing can be better than `value`, up to rounding of sums."""
        return bool(np.isfinite(value)) and bound - value <= ROUNDING * abs(value)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for an assignment.

    owner : CSM of every account, or None; value : of it, -inf without one
    bound : nothing is worth more; -inf when there is no assignment at all
    """

    owner: IntArray | None
    value: float
    bound: float

    @property
    def is_optimal(self) -> bool:
        """Whether the value is proved best."""
        return bool(np.isfinite(self.value)) and self.bound - self.value <= ROUNDING * abs(self.value)


def within(reduced: FloatArray, limit: float) -> BoolArray:
    """Pairs whose reduced cost is at most `limit`, up to rounding."""
    return np.asarray(reduced <= limit + ROUNDING * max(1.0, abs(limit)))
