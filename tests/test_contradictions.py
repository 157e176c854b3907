"""Rule packs that cannot hold together are found, with the statements that clash and no others."""

from __future__ import annotations

import numpy as np
import pytest

from optcomp.catalog import load_rules, load_sayings, model_names
from optcomp.contradictions import STEPS, Statement, find_contradictions, weight_grid
from optcomp.disagreements import all_contradictions, find_disagreements
from optcomp.plan import METRICS
from optcomp.rule_packs import Saying


def saying(pack: str, *metrics: str, at_least: float | None = None, at_most: float | None = None) -> Saying:
    return Saying(pack, "a claim", f"{pack}-1", metrics, at_least, at_most)


def test_the_grid_holds_every_split_once() -> None:
    """26 choose 6 splits of 20 steps over 7 metrics."""
    grid = weight_grid()

    assert grid.shape == (230_230, 7)
    assert len(np.unique(np.rint(grid * STEPS).astype(int), axis=0)) == 230_230
    assert np.allclose(grid.sum(axis=1), 1, atol=1e-12)  # Sums of seven multiples of 0.05.


def test_002_and_004_clash_when_satisfaction_is_weighted() -> None:
    """GRR 40 + CSAT 15 leave 45 % where 004-7 asks for 50."""
    (found,) = find_contradictions([load_sayings("design-002"), load_sayings("keys-004")])

    assert found.packs == ("design-002", "keys-004")
    assert {(s.metrics, s.sense, s.limit) for s in found.statements} == {
        (("GRR",), "at least", 0.40),
        (("CSAT",), "at least", 0.15),
        (("ACT", "RES", "EXP"), "at least", 0.50),
    }
    assert {"002-1", "004-7"} <= set(found.requirements)
    assert "105 % of 100 %" in str(found)
    assert "gate" in found.way_out


def test_with_satisfaction_as_a_gate_002_and_004_hold_together() -> None:
    """GRR 50 / EXP 50 behind a gate meets both packs as they are set."""
    assert find_contradictions([load_rules("design-002", None), load_rules("keys-004", None)]) == []


def test_the_standard_rules_clash_with_no_pack_as_set() -> None:
    packs = [load_rules(name, None) for name in model_names("rules")]

    assert find_contradictions(packs) == []


@pytest.mark.parametrize("name", ["guide-000", "strategy-001", "design-002", "models-003", "keys-004", "standard"])
def test_every_shipped_pack_can_hold_alone(name: str) -> None:
    assert find_contradictions([load_rules(name, None), load_sayings(name)]) == []


def test_without_any_one_clashing_statement_the_others_hold() -> None:
    """The set is smallest: that is what the deletion filter promises."""
    (found,) = find_contradictions([load_sayings("design-002"), load_sayings("keys-004")])
    grid = weight_grid()

    for left_out in found.statements:
        rest = [s.holds(grid) for s in found.statements if s is not left_out]
        assert np.logical_and.reduce(rest).any()
    assert not np.logical_and.reduce([s.holds(grid) for s in found.statements]).any()


def test_a_pack_that_asks_for_too_much_contradicts_itself() -> None:
    (found,) = find_contradictions([(saying("A", "GRR", at_least=0.6), saying("A", "EXP", at_least=0.5))])

    assert found.packs == ("A",)
    assert "contradicts itself" in found.sentence
    assert "110 % of 100 %" in found.sentence


def test_a_pack_that_asks_for_all_of_it_holds() -> None:
    assert find_contradictions([(saying("A", "GRR", at_least=0.5), saying("A", "EXP", at_least=0.5))]) == []


def test_limits_that_leave_some_of_the_variable_over_clash() -> None:
    rest = tuple(m for m in METRICS if m != "GRR")

    (found,) = find_contradictions([(saying("A", "GRR", at_most=0.4),), (saying("B", *rest, at_most=0.5),)])

    assert "allow 90 % of 100 %" in found.sentence


def test_a_pack_that_fails_alone_is_not_reported_again_in_pairs() -> None:
    impossible = (saying("A", "GRR", at_least=0.6), saying("A", "EXP", at_least=0.6))

    found = find_contradictions([impossible, (saying("B", "ACT", at_least=0.5),)])

    assert [c.packs for c in found] == [("A",)]


def test_a_soft_rule_can_bend_and_so_does_not_clash() -> None:
    """At most half on retention, set hard, clashes with 60 % on it; set soft, it does not."""
    wants = (saying("B", "GRR", at_least=0.6),)
    no_cap = [("max_weight", [("state", "off")])]
    hard = load_rules("standard", None, no_cap)
    soft = load_rules("standard", None, [*no_cap, ("uncontrollable_share", [("state", "soft")])])

    assert [c.packs for c in find_contradictions([hard, wants])] == [("standard", "B")]
    assert find_contradictions([soft, wants]) == []


def test_a_least_weight_where_paid_lets_a_metric_be_left_out() -> None:
    bounds = load_rules("standard", None, [("weight_bounds", [("state", "hard"), ("min_team", 0.3)])])

    assert find_contradictions([bounds, (saying("B", "TEAM", at_most=0.0),)]) == []
    some = (saying("B", "TEAM", at_least=0.05), saying("B", "TEAM", at_most=0.25))
    assert len(find_contradictions([bounds, some])) == 1


def test_a_number_of_components_is_counted_on_paid_metrics_only() -> None:
    grid = np.array([[0.5, 0.5, 0, 0, 0, 0, 0], [0.4, 0.3, 0.3, 0, 0, 0, 0]])

    assert Statement("A", "", "", "components at most", 2).holds(grid).tolist() == [True, False]


def test_the_figures_of_the_texts_disagree_in_four_places() -> None:
    """14 x 50-100k is 0.7-1.4M, not 8-15M; 25 is not 40-60; 60 % is not 17-23 %; 15 % of 85k is 12,750 or 15,000."""
    found = [str(c) for c in find_disagreements()]

    assert len(found) == 4
    for number, part in enumerate((
        ("0.7-1.4M USD", "8-15M USD", "0.571-1.07M USD", "002-20"),
        ("25 accounts", "40-60", "62 h against 26-39 h", "002-19"),
        ("60 % of OTE", "17-23 %", "15 %", "000-22"),
        ("12,750", "1,466,250", "15,000", "1,500,000", "219,938", "225,000"),
    )):  # fmt: skip
        assert [p for p in part if p not in found[number]] == []


def test_all_contradictions_come_in_the_same_order_every_time() -> None:
    assert [str(c) for c in all_contradictions()] == [str(c) for c in all_contradictions()]
    assert len(all_contradictions()) == 5
