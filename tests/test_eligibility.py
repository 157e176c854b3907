"""Pairs that may be: the set of allowed pairs says what the rules say pair by pair, in memory of its own size."""

from __future__ import annotations

import tracemalloc

import builders
import numpy as np
import pytest
from hypothesis import given
from strategies import problems

from optcomp.eligibility import PAIR_RULES, PairSet, allowed_pairs, broken_pairs
from optcomp.problem import Problem


def may(problem: Problem, a: int, j: int) -> bool:
    """What the documented rules say of one pair, in plain words and one pair at a time."""
    account, csm, on = problem.account_list[a], problem.csm_list[j], lambda name: problem.rules[name].is_hard
    marks = {p.eligible for p in problem.instance.pairs if (p.account_id, p.csm_id) == (account.account_id, csm.csm_id)}
    lines = {line.account_id: line.csm_id for line in problem.instance.kept}
    holder = lines.get(account.account_id, account.csm if account.locked else None)
    traits = (
        on("eligible_segment") and account.segment != csm.segment,
        on("eligible_region") and bool(account.region and csm.region) and account.region != csm.region,
        on("eligible_language") and bool(account.language and csm.languages) and account.language not in csm.languages,
        on("eligible_skill") and bool(account.industry and csm.industries) and account.industry not in csm.industries,
    )
    others = (
        on("forbidden_pairs") and False in marks,
        on("locks") and holder is not None and holder != csm.csm_id,
        on("leavers") and csm.status == "leaving",
        problem.csms.hours[j] <= 0.0,
    )
    return not any(others) and (True in marks or not any(traits))


@given(where=problems(focus=PAIR_RULES))
def test_the_set_holds_what_the_rules_allow_pair_by_pair(where: Problem) -> None:
    shape = (len(where.accounts.ids), len(where.csms.ids))
    expected = [[may(where, a, j) for j in range(shape[1])] for a in range(shape[0])]
    account, csm = np.arange(shape[0])[:, None], np.arange(shape[1])

    allowed = where.allowed

    assert allowed.has(account, csm).tolist() == expected
    listed = np.column_stack([allowed.account, allowed.csm])
    assert listed.tolist() == np.argwhere(np.array(expected, dtype=bool).reshape(shape)).tolist()
    hours = where.csms.hours > 0.0
    refused = [broken_pairs(where, r, account, csm) for r in PAIR_RULES if where.rules[r].is_hard]
    assert (allowed.has(account, csm) == (hours & ~np.any(refused, axis=0))).all()


def test_a_set_finds_its_pairs_and_no_others() -> None:
    pairs = PairSet(np.array([0, 2, 4]), (2, 3))  # account 0 with CSMs 0 and 2, account 1 with CSM 1

    assert len(pairs) == 3
    assert (pairs.account.tolist(), pairs.csm.tolist()) == ([0, 0, 1], [0, 2, 1])
    assert [rows.tolist() for rows in pairs.accounts_of_csm] == [[0], [1], [0]]
    assert pairs.place(np.array([0, 0, 1, 1]), np.array([2, 1, 1, 2])).tolist() == [1, -1, 2, -1]
    assert pairs.for_all([0, 1]).tolist() == [False, False, False]
    assert pairs.for_all([0]).tolist() == [True, False, True]


@pytest.mark.parametrize(("accounts", "csms"), [(0, 0), (0, 3), (3, 0)])
def test_a_set_without_accounts_or_csms_is_empty(accounts: int, csms: int) -> None:
    where = builders.problem([builders.account(f"A{k}", None) for k in range(accounts)],
                             [builders.csm(f"C{k}") for k in range(csms)])  # fmt: skip

    assert (len(where.allowed), where.allowed.shape) == (0, (accounts, csms))
    assert [len(rows) for rows in where.allowed.accounts_of_csm] == [0] * csms


def test_memory_grows_with_the_pairs_that_may_be_and_not_with_accounts_times_csms() -> None:
    """200 segments with 20 accounts and 2 CSMs each: 8,000 pairs among 1,600,000 of an account and a CSM."""
    names = [f"S{k}" for k in range(200)]
    where = builders.problem(
        [builders.account(f"A{k}", None, segment=names[k // 20]) for k in range(4_000)],
        [builders.csm(f"C{k}", segment=names[k // 2]) for k in range(400)],
        segments=[builders.segment(name) for name in names],
        rules=builders.rules(eligible_segment={"state": "hard"}),
    )
    where.account_index, where.csm_index, where.accounts, where.csms  # noqa: B018  worked out before it counts
    tracemalloc.start()
    try:
        allowed = allowed_pairs(where)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert len(allowed) == 8_000
    assert most < 4_000 * 400 / 2  # one byte per account and CSM is twice as much
