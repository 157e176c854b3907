"""The page that a CSM reads: right dollars, plain words, nobody else's pay."""

import re
from dataclasses import replace

import pytest
from builders import MIXES, account, csm, problem, segment
from solved import result_of, small_problem, with_plan

from optcomp.evaluate import current_solution
from optcomp.frames import View
from optcomp.plan import Component, Curve, Gate, MenuSpec, Mix
from optcomp.plan_page import markdown, plan_pages, unchanged


def page(where, plan_id: str) -> str:
    return plan_pages(View(result_of(where, with_plan(where, plan_id))))


def test_full_pay_is_worked_out_on_a_round_base():
    """20 % of OTE is 25 % of base: 25,000 on 100,000."""
    text = page(small_problem(), "balanced b1 v0.2")

    assert "$25,000 variable at target, $125,000 in all" in text
    assert "| **Gross revenue retention** | 50 % | $12,500 |" in text


def test_outcomes_at_80_100_and_120_per_cent_with_and_without_the_gate():
    """Linear curves pay in proportion; a missed gate takes a fifth."""
    text = page(small_problem(), "balanced b1 v0.2")

    assert "| 80 % | $10,000 | $10,000 | **$20,000** (80 %) | **$16,000** (64 %) |" in text
    assert "| 100 % | $12,500 | $12,500 | **$25,000** (100 %) | **$20,000** (80 %) |" in text
    assert "| 120 % | $15,000 | $15,000 | **$30,000** (120 %) | **$24,000** (96 %) |" in text


def test_an_all_or_nothing_plan_pays_nothing_below_and_no_more_above():
    where = small_problem()

    text = plan_pages(View(result_of(where, current_solution(where))))

    assert "| 80 % | $0 | **$0** (0 %) |" in text
    assert "| 120 % | $10,000 | **$10,000** (100 %) |" in text
    assert "90 % for everybody" in text


def test_base_only_has_no_targets():
    where = small_problem(menu=MenuSpec((1.05,), (0.2,), ("base-only",)))

    text = page(where, "base-only b1.05 v0")

    assert "Your base pay becomes 105 % of what it is today." in text
    assert "Your targets" not in text


@pytest.mark.parametrize("plan_id", ["today", "balanced b1 v0.2"])
def test_nobodys_pay_is_on_the_page(plan_id):
    """One CSM in the segment: any mean would be that person's salary."""
    where = problem([account("A1")], [csm("C1", base=83_219.0, variable=17_393.0)])

    text = page(where, plan_id)

    assert [n for n in re.findall(r"[\d,]+", text) if n.replace(",", "")[:4] in ("8321", "1739", "1006")] == []


def test_a_page_for_every_segment():
    where = problem(
        [account("A1"), account("B1", "C2", segment="T")],
        [csm("C1"), csm("C2", segment="T")],
        segments=[segment("S"), segment("T", title="Key accounts")],
    )

    text = plan_pages(View(result_of(where, current_solution(where))))

    assert re.findall(r"^# .*", text, re.MULTILINE) == ["# Your pay plan: S", "# Your pay plan: Key accounts"]


@pytest.mark.parametrize("name", ["../../x", "<script>alert(1)</script>", "\x1b[31mred", "a\n# b", "| x |", "[a](b)"])
def test_a_hostile_segment_name_is_text(name):
    text = markdown(name)

    assert not re.search(r"(?<!\\)<script", text)
    assert "\x1b" not in text
    assert "\n" not in text
    assert not re.search(r"(?<!\\)[<>|\[\]]", text)


def test_what_stays_is_listed():
    today = replace(MIXES["balanced"], name="now")
    where = small_problem()
    plan = View(result_of(where, with_plan(where, "balanced b1 v0.2"))).plan(0)

    said = unchanged(plan, replace(plan, mix=today, is_today=True))

    assert "Your base pay." in said
    assert "The satisfaction gate." in said
    assert "Gross revenue retention is still paid." in said


def test_a_curve_with_a_threshold_an_accelerator_and_a_cap_is_explained(monkeypatch):
    steep = Mix("steep", (Component("EXP", 1.0, "team", "quarter", Curve("linear", 0.7, 1.5, 1.8)),), Gate(0.2))
    monkeypatch.setitem(MIXES, "steep", steep)
    where = small_problem(menu=MenuSpec((1.0,), (0.2,), ("steep",)))

    text = page(where, "steep b1 v0.2")

    assert (
        "Below 70 % it pays nothing; from there it pays in proportion and 1.5 times the rate above it, up to 180 %."
        in text
    )
    assert "your segment's | every quarter" in text
