"""Components of invented companies with a known truth get the label that they should; names change nothing."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache

import numpy as np
import pytest
from audit_plants import KINDS, paid_as_reached, planted, skill

from optcomp.assemble import assemble
from optcomp.learn.audit.audit import Audit, audit
from optcomp.learn.audit.book import FAIR_R2, index_of
from optcomp.learn.audit.expected import expect, health_as_dealt
from optcomp.learn.audit.scores import cells_of, score
from optcomp.learn.audit.tables import audit_files
from optcomp.learn.history import NOBODY, History
from optcomp.problem import Problem
from optcomp.types import IntArray
from optcomp.world.world import Past, make_world, make_world_of

LABELS = {
    "results": "pays for results",
    "luck": "pays for luck",
    "book": "pays for the book",
    "habit": "no signal",
}


@cache
def company(size: str, seed: int) -> tuple[Past, Problem]:
    past = make_world(size, seed).live("one-plan")
    return past, assemble(past.instance())


@cache
def audited(kind: str, seed: int) -> Audit:
    past, problem = company("M", seed)
    return audit(planted(past, kind, seed), problem)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_a_component_is_labelled_by_what_it_pays_for(kind: str, seed: int) -> None:
    """40 CSMs and two years tell the four apart; the benchmark counts how often."""
    assert audited(kind, seed).components[0].label == LABELS[kind]


def test_luck_is_never_taken_for_results_with_a_small_team() -> None:
    """15 CSMs: silence is allowed, a wrong praise is not."""
    past, problem = company("S", 0)
    labels = {audit(planted(past, "luck", seed), problem).components[0].label for seed in range(8)}

    assert labels <= {"pays for luck", "no signal"}


def test_too_few_people_get_no_label() -> None:
    """Below 12 CSMs a label would be a guess (SCIENCE 5.2)."""
    past = make_world_of(8, 300, 3, 1).live("one-plan")
    found = audit(past.history(), assemble(past.instance()))

    assert {c.label for c in found.components} == {"too little data"}


def test_less_than_five_quarters_get_no_label() -> None:
    """Four quarters have three that are followed by another one."""
    past = make_world("M", 0).live("one-plan", 4)
    found = audit(past.history(), assemble(past.instance()))

    assert {c.label for c in found.components} == {"too little data"}


def test_everybody_paid_the_same_is_no_signal() -> None:
    """There is nothing that could be luck."""
    past, problem = company("M", 0)
    flat = paid_as_reached(past.history(), np.ones(len(past.history().csm_quarters.csm)))
    component = audit(flat, problem).components[0]

    assert component.luck is None
    assert component.label == "too little data"  # and nothing to learn from


def test_names_and_their_order_change_nothing() -> None:
    """Another numbering of accounts and CSMs gives the same labels and the same figures."""
    history, problem = planted(company("M", 0)[0], "results"), company("M", 0)[1]
    one, other = audit(history, problem), audit(renumbered(history), problem)

    for before, after in zip(one.components, other.components, strict=True):
        assert after.label == before.label
        for outcome, effect in before.effects.items():
            slope, again = effect.slope, after.effects[outcome].slope
            assert slope is not None
            assert again is not None
            # Sums in another order differ in their last bits.
            assert (again.value, again.low, again.high) == pytest.approx((slope.value, slope.low, slope.high), rel=1e-6)
    assert sorted(other.book_pay.usd) == pytest.approx(sorted(one.book_pay.usd), rel=1e-6, abs=1e-6)
    assert [s.state for s in other.screens] == [s.state for s in one.screens]


def renumbered(history: History) -> History:
    """The same history with accounts and CSMs in another order."""
    rng = np.random.default_rng(3)
    accounts, csms = rng.permutation(len(history.account_ids)), rng.permutation(len(history.csm_ids))
    cells, people = history.account_quarters, history.csm_quarters
    owner = np.where(cells.csm == NOBODY, NOBODY, csms[cells.csm])
    cells, people = replace(cells, account=accounts[cells.account], csm=owner), replace(people, csm=csms[people.csm])
    order = np.lexsort((cells.quarter, cells.account))
    cells = replace(cells, **{f.name: getattr(cells, f.name)[order] for f in fields(cells)})
    order = np.lexsort((people.quarter, people.csm))
    plain = [f.name for f in fields(people) if f.name not in ("attainment", "payout")]
    by_metric = {name: {m: v[order] for m, v in getattr(people, name).items()} for name in ("attainment", "payout")}
    people = replace(people, **{name: getattr(people, name)[order] for name in plain}, **by_metric)
    return replace(
        history,
        account_quarters=cells, csm_quarters=people,
        accounts=tuple(history.accounts[a] for a in inverse(accounts)),
        csms=tuple(history.csms[j] for j in inverse(csms)),
        plans=replace(history.plans, by_csm=history.plans.by_csm[inverse(csms)]),
    )  # fmt: skip


def inverse(permutation: IntArray) -> IntArray:
    return np.argsort(permutation)


def test_the_same_history_and_seed_give_the_same_bytes() -> None:
    """Tables and summary."""
    past, problem = company("S", 1)

    assert audit_files(audit(past.history(), problem)) == audit_files(audit(past.history(), problem))


def test_another_seed_changes_the_bootstrap_and_not_the_estimate() -> None:
    """The seed is that of the bootstraps alone."""
    past, problem = company("S", 1)
    one, other = (audit(past.history(), problem, seed=s).components[0].effects["NRR"].slope for s in (0, 1))

    assert one is not None
    assert other is not None
    assert one.value == other.value
    assert one.low != other.low


# ---- the book taken out ---------------------------------------------------------------------------------------------


def test_what_is_expected_adds_up_to_what_was_seen() -> None:
    """Over a whole company the account model misses by less than two standard deviations of luck."""
    history = company("M", 0)[0].history()
    outcomes = expect(history)

    for k in ("GRR", "EXP", "NRR"):
        gap = outcomes.observed[k].sum() - outcomes.expected[k].sum()
        assert abs(gap) <= 2.0 * np.sqrt(outcomes.variance[k].sum())


def test_scores_follow_the_true_skill() -> None:
    """Observed minus expected of 40 CSMs and their true skill: a correlation well above that of chance."""
    past = company("M", 0)[0]
    history = past.history()
    scores = score(history, cells_of(history, expect(history), health_as_dealt(history)))
    true = skill(past)[scores.csm]

    # 60 people: chance alone gives 0.21 once in ten times.
    assert np.corrcoef(true, scores.shrunk["NRR"].value)[0, 1] > 0.3


def test_health_is_that_of_the_take_over() -> None:
    """Scores that came later are the CSM's own work."""
    history = company("S", 0)[0].history()
    rows, dealt = history.account_quarters, health_as_dealt(history)
    same = (rows.account[1:] == rows.account[:-1]) & (rows.csm[1:] == rows.csm[:-1])

    both = ~np.isnan(dealt[1:]) & ~np.isnan(dealt[:-1])
    assert (dealt[1:][same & both] == dealt[:-1][same & both]).all()
    handed = np.append(False, (rows.account[1:] == rows.account[:-1]) & (rows.csm[1:] != rows.csm[:-1]))
    scored = handed & ~np.isnan(rows.health_start)
    assert scored.any()
    assert (dealt[scored] == rows.health_start[scored]).all()


def test_fair_targets_take_the_book_out_of_pay() -> None:
    """Pay that follows what the book led to expect: the book predicts it, and not once that is the target."""
    past, problem = company("M", 0)
    history, rng = past.history(), np.random.default_rng(5)
    cells = cells_of(history, expect(history), health_as_dealt(history))
    for metric in ("GRR", "EXP"):
        index = index_of(metric, cells)
        reached = index / np.nanmean(index) * rng.normal(1.0, 0.02, len(index))
        history = paid_as_reached(history, reached, metric)
    found = audit(history, problem)

    assert found.fairness.total.before > FAIR_R2
    assert found.fairness.total.after < FAIR_R2


def test_dollars_for_the_book_cancel_out_within_a_segment() -> None:
    """What one got for the book a colleague did not get: they are measured against each other."""
    paid = audited("book", 0).book_pay
    here = np.bincount(audited("book", 0).history.csm_quarters.csm)[paid.csm] / 4.0

    assert np.abs(paid.usd).max() > 100.0
    assert abs((paid.usd * here).sum()) < 0.01 * np.abs(paid.usd * here).sum() + 1.0


def test_pay_by_lot_does_not_follow_performance() -> None:
    """Pay and performance are taken from different quarters, else they would share their luck."""
    q = audited("luck", 1).quartiles

    assert q.low < 0.35
    assert audited("results", 1).quartiles.correlation > q.correlation
