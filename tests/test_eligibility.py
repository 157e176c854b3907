"""Pairs that may be: the set of allowed pairs says what the rules say pair by pair, in memory of its own size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import builders
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import problems

from optcomp.eligibility import PAIR_RULES, PairSet, allowed_pairs, broken_pairs
from optcomp.formulation.scope import Scope, Tables, unit_of_account
from optcomp.infeasible import _without_csm
from optcomp.instance import Kept
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


@st.composite
def with_kept_lines(draw: st.DrawFn) -> Problem:
    """A problem some of whose accounts a person keeps with a CSM by hand, locked ones among them."""
    where = draw(problems(focus=PAIR_RULES))
    ids = draw(st.sets(st.sampled_from(where.accounts.ids), max_size=2))
    kept = tuple(Kept(name, draw(st.sampled_from(where.csms.ids)), "") for name in sorted(ids))
    return replace(where, instance=replace(where.instance, kept=kept))


@settings(deadline=None)
@given(where=with_kept_lines())
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
    assert [rows.tolist() for rows in pairs.within(np.array([1, 0]), np.array([1, 2]))] == [[0, 1], [0, 1]]


def test_nobody_is_no_csm_of_a_set() -> None:
    """CSM -1 of account 1 would be numbered like the last CSM of account 0."""
    pairs = PairSet(np.arange(6), (2, 3))

    assert pairs.has(np.array([0, 1]), np.array([-1, -1])).tolist() == [False, False]
    assert pairs.place(np.array([0, 1]), np.array([-1, -1])).tolist() == [-1, -1]


@settings(deadline=None)
@given(where=problems(focus=(*PAIR_RULES, "families")), data=st.data())
def test_a_unit_goes_to_those_whom_every_member_may_go_to(where: Problem, data: st.DataObject) -> None:
    accounts = sorted(data.draw(st.sets(st.sampled_from(range(len(where.accounts.ids))))))
    csms = sorted(data.draw(st.sets(st.sampled_from(range(len(where.csms.ids))))))
    units = unit_of_account(where)
    members = [[a for a in accounts if units[a] == u] for u in sorted({units[a] for a in accounts})]
    expected = [(u, j) for u, rows in enumerate(members) for j in csms if all(may(where, a, j) for a in rows)]

    tables = Tables(where, Scope(np.array(accounts, dtype=np.int64), np.array(csms, dtype=np.int64), {}))

    assert list(zip(tables.pair_unit.tolist(), tables.pair_csm.tolist(), strict=True)) == expected
    assert tables.count.tolist() == [len(members[u]) for u, _ in expected]
    behind = [(a, j) for a in accounts for u, j in expected if a in members[u]]
    assert list(zip(tables.members.account.tolist(), tables.members.csm.tolist(), strict=True)) == behind


@pytest.mark.parametrize(("accounts", "csms"), [(0, 0), (0, 3), (3, 0)])
def test_a_set_without_accounts_or_csms_is_empty(accounts: int, csms: int) -> None:
    where = builders.problem([builders.account(f"A{k}", None) for k in range(accounts)],
                             [builders.csm(f"C{k}") for k in range(csms)])  # fmt: skip

    assert (len(where.allowed), where.allowed.shape) == (0, (accounts, csms))
    assert [len(rows) for rows in where.allowed.accounts_of_csm] == [0] * csms


def many_segments(hours: float = 1_000.0) -> Problem:
    """200 segments with 20 accounts and 2 CSMs each: 8,000 pairs among 1,600,000 of an account and a CSM."""
    names = [f"S{k}" for k in range(200)]
    where = builders.problem(
        [builders.account(f"A{k}", None, segment=names[k // 20]) for k in range(4_000)],
        [builders.csm(f"C{k}", segment=names[k // 2], hours=hours) for k in range(400)],
        segments=[builders.segment(name) for name in names],
        rules=builders.rules(eligible_segment={"state": "hard"}),
    )
    where.account_index, where.csm_index, where.accounts, where.csms  # noqa: B018  worked out before it counts
    return where


Found = TypeVar("Found")


def within_half_a_byte_per_account_and_csm(work: Callable[[], Found]) -> Found:
    """What the work returns, if it took less memory than half a byte for every account and CSM."""
    tracemalloc.start()
    try:
        found = work()
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 4_000 * 400 / 2
    return found


def test_memory_grows_with_the_pairs_that_may_be_and_not_with_accounts_times_csms() -> None:
    where = many_segments()
    assert len(within_half_a_byte_per_account_and_csm(lambda: allowed_pairs(where))) == 8_000

    where.allowed  # noqa: B018
    everything = Scope(np.arange(4_000), np.arange(400), {})
    assert len(within_half_a_byte_per_account_and_csm(lambda: Tables(where, everything).pair_unit)) == 8_000


def test_accounts_without_a_csm_are_explained_without_a_table_of_everybody() -> None:
    where = many_segments(hours=0.0)
    where.allowed  # noqa: B018
    (sentence,) = within_half_a_byte_per_account_and_csm(lambda: _without_csm(where))
    assert "eligible_segment" in sentence
