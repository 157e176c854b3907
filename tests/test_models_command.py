"""`optcomp models`: what ships is listed and shown with its sources, and contradictions are told in words."""

from __future__ import annotations

import json

import pytest

from optcomp import cli
from optcomp.catalog import KINDS, find_model, model_names, numbers
from optcomp.cli.layout import WIDTH
from optcomp.cli.models import KINDS as OFFERED
from optcomp.model_texts import describe, figure

SHIPPED = [(kind, name) for kind in KINDS for name in model_names(kind)]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert cli.run(["models", *arguments]) == 0
    return capsys.readouterr().out


def test_the_kinds_offered_are_those_of_the_catalogue():
    assert OFFERED == KINDS


def test_list_names_every_shipped_model(capsys: pytest.CaptureFixture[str]):
    lines = [line.split()[:2] for line in run(capsys, "list").splitlines()]

    assert [pair for pair in SHIPPED if list(pair) not in lines] == []


def test_list_of_one_kind_names_no_other(capsys: pytest.CaptureFixture[str]):
    told = json.loads(run(capsys, "list", "service", "--json"))

    assert [(m["kind"], m["name"]) for m in told["models"]] == [("service", "tiers-2024")]


@pytest.mark.parametrize(("kind", "name"), SHIPPED)
def test_show_fits_the_terminal_and_has_every_number(kind: str, name: str, capsys: pytest.CaptureFixture[str]):
    text = run(capsys, "show", kind, name)

    assert max(map(len, text.splitlines())) <= WIDTH
    shown = [line.split() for line in text.splitlines()]
    for number in numbers(find_model(kind, name, None)):
        last = number.key.rpartition(".")[2]
        assert any(words[:2] == [last, figure(number.value)] for words in shown), number.key


def test_show_has_source_origin_unit_and_interval(capsys: pytest.CaptureFixture[str]):
    text = " ".join(run(capsys, "show", "compensation", "renewal-expansion-gate").split())

    assert "gate (prior; 002-1, 002-4) at_risk 0.2 0.15 to 0.25 share of variable" in text
    assert "target 0.8 0.75 to 0.9 share of the top score" in text


def test_rows_of_a_list_are_named_by_what_they_are():
    keys = [number.key for number in describe("compensation", "renewal-expansion-gate").numbers]

    assert keys[:2] == ["components.GRR.weight", "components.EXP.weight"]


def test_show_says_which_rules_a_pack_makes_hard(capsys: pytest.CaptureFixture[str]):
    text = " ".join(run(capsys, "show", "rules", "standard").split())

    assert "hard max_components, max_weight," in text


def test_show_of_an_unknown_name_says_which_is_near(capsys: pytest.CaptureFixture[str]):
    assert cli.run(["models", "show", "rules", "standrd"]) == 3
    assert "Perhaps 'standard' is meant" in capsys.readouterr().err


def test_contradictions_are_told_with_their_requirements_and_a_way_out(capsys: pytest.CaptureFixture[str]):
    text = " ".join(run(capsys, "contradictions").split())

    assert "design-002 and keys-004 cannot hold together" in text
    assert "With CSAT as a gate, which has no weight, the others can hold together." in text
    assert "[000-38]" in text


def test_contradictions_as_json(capsys: pytest.CaptureFixture[str]):
    told = json.loads(run(capsys, "contradictions", "--json"))

    assert all(c["sentence"] and c["requirements"] for c in told["contradictions"])


@pytest.mark.parametrize(("value", "text"), [(0.88, "0.88"), (95_000.0, "95,000"), (1.0, "1"), (1234.5, "1234.5")])
def test_figures_have_no_more_digits_than_they_need(value: float, text: str):
    assert figure(value) == text
