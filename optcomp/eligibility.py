"""Who may look after whom: which pairs of an account and a CSM each rule on single pairs speaks against.

Everything here is kept per account, per CSM, per kind of account or per pair that is allowed, and never per account ×
CSM: 50,000 × 500 would be 25 million, of which a thirtieth are candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optcomp.types import AnyArray, BoolArray, IntArray

if TYPE_CHECKING:
    from optcomp.problem import Problem

# Rules that compare something that an account states with what a CSM has; a pair marked eligible is not held to them.
TRAIT_RULES = ("eligible_segment", "eligible_region", "eligible_language", "eligible_skill")
PAIR_RULES = (*TRAIT_RULES, "forbidden_pairs", "locks", "leavers")


@dataclass(frozen=True)
class PairSet:
    """A set of pairs of an account and a CSM.

    key : account row × number of CSMs + CSM row of every pair, sorted
    shape : number of accounts, number of CSMs
    """

    key: IntArray
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.key)

    @property
    def account(self) -> IntArray:
        """Account row of every pair, shape (pairs,)."""
        return self.key // max(self.shape[1], 1)

    @property
    def csm(self) -> IntArray:
        """CSM row of every pair, shape (pairs,)."""
        return self.key % max(self.shape[1], 1)

    def has(self, account: IntArray | int, csm: IntArray | int) -> BoolArray:
        """Whether pairs are in the set, for rows of any shapes that go together; CSM -1, nobody, is with no account."""
        return np.asarray(_is_in(self._key_of(account, csm), self.key) & (np.asarray(csm) >= 0))

    def place(self, account: IntArray, csm: IntArray) -> IntArray:
        """Number of every pair in the set, -1 for those that are not in it."""
        return np.where(self.has(account, csm), np.searchsorted(self.key, self._key_of(account, csm)), -1)

    def _key_of(self, account: IntArray | int, csm: IntArray | int) -> IntArray:
        return np.asarray(np.asarray(account, dtype=np.int64) * self.shape[1] + csm)

    def within(self, accounts: IntArray, csms: IntArray) -> tuple[IntArray, IntArray]:
        """Pairs of these accounts with these CSMs: places in the two lists, sorted by account, then by CSM.

        accounts : rows, in any order; csms : rows, sorted
        """
        first, end = (np.searchsorted(self.key, (accounts + k) * self.shape[1]) for k in (0, 1))
        account, at = _ranges(first, end - first)
        column = np.full(self.shape[1], -1, dtype=np.int64)
        column[csms] = np.arange(len(csms))
        csm = column[self.key[at] % max(self.shape[1], 1)]
        return account[csm >= 0], csm[csm >= 0]

    def for_all(self, accounts: Sequence[int] | IntArray) -> BoolArray:
        """CSMs who are in the set with every one of these accounts, shape (csms,)."""
        return np.asarray(self.has(np.asarray(accounts)[:, None], np.arange(self.shape[1])).all(axis=0))

    @cached_property
    def accounts_of_csm(self) -> list[IntArray]:
        """Account rows of every CSM, sorted."""
        csm = self.csm
        order = np.argsort(csm, kind="stable")
        ends = np.searchsorted(csm[order], np.arange(1, self.shape[1]))
        return np.split(self.account[order], ends)[: self.shape[1]]


@dataclass(frozen=True)
class PairFacts:
    """What the rules on single pairs read.

    kind : trait rule → what every account states, as a number, shape (accounts,)
    objects : trait rule → whether that is something that a CSM does not have, shape (kinds, csms)
    eligible, forbidden : keys (see `PairSet`) of pairs that the user marked, sorted
    holder : CSM to whom an account is locked, or who keeps it by a line of the user's; -1 for none, shape (accounts,)
    """

    kind: dict[str, IntArray]
    objects: dict[str, BoolArray]
    eligible: IntArray
    forbidden: IntArray
    holder: IntArray


def pair_facts(problem: Problem) -> PairFacts:
    """Work out what the rules on single pairs read."""
    accounts, csms = problem.accounts, problem.csm_list
    kind, objects = {}, {}
    kind["eligible_segment"] = accounts.segment
    objects["eligible_segment"] = np.arange(len(problem.segments))[:, None] != problem.csms.segment
    for rule_id, stated, known in (
        ("eligible_region", accounts.region, [(c.region,) if c.region else () for c in csms]),
        ("eligible_language", accounts.language, [c.languages for c in csms]),
        ("eligible_skill", accounts.industry, [c.industries for c in csms]),
    ):
        values, number = np.unique(stated, return_inverse=True)
        kind[rule_id], objects[rule_id] = number.reshape(-1), _differs(values, known)
    holder = np.where(accounts.locked, accounts.csm, -1)
    for line in problem.instance.kept:
        holder[problem.account_index[line.account_id]] = problem.csm_index[line.csm_id]
    return PairFacts(kind, objects, _marked(problem, eligible=True), _marked(problem, eligible=False), holder)


def broken_pairs(problem: Problem, rule_id: str, account: IntArray, csm: IntArray) -> BoolArray:
    """Whether the rule speaks against pairs, whatever its state, for rows of any shapes that go together."""
    facts, count = problem.pair_facts, len(problem.csms.ids)
    if rule_id in TRAIT_RULES:
        broken = facts.objects[rule_id][facts.kind[rule_id][account], csm]
        return broken & ~_is_in(account * count + csm, facts.eligible)
    if rule_id == "forbidden_pairs":
        return _is_in(account * count + csm, facts.forbidden)
    if rule_id == "locks":
        return np.asarray((facts.holder[account] >= 0) & (facts.holder[account] != csm))
    if rule_id == "leavers":
        return np.broadcast_to(problem.csms.is_leaving[csm], np.broadcast_shapes(np.shape(account), np.shape(csm)))
    raise ValueError(f"{rule_id} is not a rule on single pairs")


def allowed_pairs(problem: Problem) -> PairSet:
    """Pairs that every hard rule on single pairs allows, with a CSM who has hours to give.

    Accounts that state the same go to the same CSMs, so traits are compared once for every kind of account.
    """
    shape = (len(problem.accounts.ids), len(problem.csms.ids))
    if not all(shape):
        return PairSet(np.zeros(0, dtype=np.int64), shape)
    facts = problem.pair_facts
    hard = [rule_id for rule_id in PAIR_RULES if problem.rules[rule_id].is_hard]
    traits = [rule_id for rule_id in hard if rule_id in TRAIT_RULES]
    stated = np.column_stack([np.zeros(shape[0], dtype=np.int64), *(facts.kind[rule_id] for rule_id in traits)])
    _, first, kind = np.unique(stated, axis=0, return_index=True, return_inverse=True)
    may = np.ones((len(first), shape[1]), dtype=bool)
    for rule_id in traits:
        may &= ~facts.objects[rule_id][facts.kind[rule_id][first]]
    key = _rows_of_kinds(may, kind.reshape(-1))  # numpy 2.0 keeps the axis
    key = np.union1d(key, facts.eligible) if traits and len(facts.eligible) else key
    account, csm = np.divmod(key, shape[1])
    keep = problem.csms.hours[csm] > 0.0
    for rule_id in hard:
        if rule_id not in TRAIT_RULES:
            keep &= ~broken_pairs(problem, rule_id, account, csm)
    return PairSet(key[keep], shape)


def _rows_of_kinds(may: BoolArray, kind: IntArray) -> IntArray:
    """Keys of every account with the CSMs of its kind; `may` has shape (kinds, csms)."""
    size = may.sum(axis=1)
    columns = np.nonzero(may)[1]
    account, at = _ranges((np.cumsum(size) - size)[kind], size[kind])
    return np.asarray(account * may.shape[1] + columns[at])


def _ranges(first: IntArray, count: IntArray) -> tuple[IntArray, IntArray]:
    """Runs of so many numbers from each first one, side by side: the number of the run, and the number itself."""
    run = np.repeat(np.arange(len(count)), count)
    return run, np.arange(len(run)) + np.repeat(first - (np.cumsum(count) - count), count)


def _differs(values: AnyArray, known: Iterable[tuple[str, ...]]) -> BoolArray:
    """Values that a CSM does not have, shape (values, csms); blank on either side is no objection."""
    columns = [(values != "") & ~np.isin(values, own) if own else np.zeros(len(values), dtype=bool) for own in known]
    return np.array(columns, dtype=bool).reshape(len(columns), len(values)).T


def _marked(problem: Problem, *, eligible: bool) -> IntArray:
    count = len(problem.csms.ids)
    marked = {
        problem.account_index[pair.account_id] * count + problem.csm_index[pair.csm_id]
        for pair in problem.instance.pairs
        if pair.eligible is eligible
    }
    return np.array(sorted(marked), dtype=np.int64)


def _is_in(wanted: IntArray, key: IntArray) -> BoolArray:
    """Whether keys are among the sorted ones."""
    if not len(key):
        return np.zeros(np.shape(wanted), dtype=bool)
    place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.asarray(key[place] == wanted)
