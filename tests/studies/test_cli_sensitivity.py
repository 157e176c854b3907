"""`optcomp sensitivity`: its files, its text, its errors, and what it tells of targets."""

from __future__ import annotations

import csv
import json
import math
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from solved import TINY

from optcomp import cli
from optcomp.assemble import read
from optcomp.goal import goals
from optcomp.solve import Engines
from optcomp.studies.over import over, span
from optcomp.studies.points import Settings
from optcomp.studies.stress import RENEW


def run(*arguments: str) -> int:
    return cli.run(["sensitivity", str(TINY), "--jobs", "1", *arguments])


def test_the_command_writes_private_files_that_are_the_same_every_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    pytest.importorskip("matplotlib")
    assert run("--budget", "0%..20%", "--steps", "3", "--out", str(tmp_path / "one")) == 0
    said = capsys.readouterr()
    assert run("--budget", "0%..20%", "--steps", "3", "--out", str(tmp_path / "two"), "--quiet") == 0

    assert "+15 %: what does it buy, and where should it go?" in said.out
    assert [line for line in said.out.splitlines()[:-2] if len(line) > 80] == []  # the last ones hold the path
    one, two = sorted((tmp_path / "one").iterdir()), sorted((tmp_path / "two").iterdir())
    assert [p.name for p in one] == ["chart.png", "chart.svg", "curve.csv", "money.csv", "summary.json"]
    assert all(stat.S_IMODE(p.stat().st_mode) == 0o600 for p in one)
    assert stat.S_IMODE((tmp_path / "one").stat().st_mode) == 0o700
    assert [a.read_bytes() for a in one[:-1]] == [b.read_bytes() for b in two[:-1]]
    rows = list(csv.DictReader((tmp_path / "one" / "curve.csv").read_text(encoding="utf-8").splitlines()))
    assert [r["value"] for r in rows if r["strategy"] == "best"] == ["0", "0.1", "0.15", "0.2"]
    assert all(float(r["gap_pp"]) <= 0.01 + 1e-9 for r in rows)


def test_the_command_prints_json_for_another_number(capsys: pytest.CaptureFixture[str]):
    assert run("--over", "response.shift_expand=-0.5..0.5", "--steps", "2", "--json", "--quiet") == 0

    summary = json.loads(capsys.readouterr().out)
    assert summary["varied"] == "response.shift_expand"
    low, high = summary["curves"]["best"]
    assert low["nrr"] < high["nrr"]


def test_the_command_puts_worlds_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("matplotlib")
    assert run("--over", "stress=market-down,market-up", "--quiet", "--out", str(tmp_path / "out")) == 0

    said = capsys.readouterr().out
    assert "market-down" in said
    assert "as predicted" in said
    assert [line for line in said.splitlines()[:-2] if len(line) > 80] == []
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["steps"] == [
        "as predicted",
        "market-down",
        "market-up",
    ]


def test_a_world_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]):
    assert run("--over", "stress=market-dwon", "--quiet") == 3

    assert "market-down" in capsys.readouterr().err


def test_a_number_that_nothing_reads_is_refused(capsys: pytest.CaptureFixture[str]):
    assert run("--over", "rules.exposure.max_ratio=1..2", "--quiet") == 3

    assert "--set rules.exposure.state=hard" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--budget", "5"], ["--budget", "0..3"], ["--over", "x"], ["--over", "a=b"]])
def test_what_cannot_be_varied_is_wrong_usage(more: list[str]):
    assert run(*more) == 2


# ---- targets --------------------------------------------------------------------------------------------------------


def test_every_target_is_told_as_reached_or_proved_out_of_reach(capsys: pytest.CaptureFixture[str]):
    """tiny is worth 107.96 % at best; each further tenth takes more expansion."""
    assert run("--over", "goal.nrr=1.0..1.3", "--steps", "4", "--quiet", "--json") == 0
    told = json.loads(capsys.readouterr().out)["goals"]
    assert [told[name]["is_reached"] for name in ("1", "1.1", "1.2", "1.3")] == [True, False, False, False]
    factors = [told[name]["expansion_factor"] for name in ("1.1", "1.2", "1.3")]
    assert 1.0 < factors[0] < factors[1] < factors[2]

    assert run("--over", "goal.nrr=1.0..1.3", "--steps", "4", "--quiet") == 0
    said = capsys.readouterr().out.splitlines()
    assert max(map(len, said)) <= 80
    rows = [line.split("  ")[-2:] for line in said if line.strip().startswith("1")]
    assert [row[-1].strip() for row in rows] == ["reached", *(f"{factor:.2f} x" for factor in factors)]


def test_targets_that_are_close_together_are_told_apart(capsys: pytest.CaptureFixture[str]):
    assert run("--over", "goal.nrr=1.0..1.000002", "--steps", "3", "--quiet", "--json") == 0
    assert list(json.loads(capsys.readouterr().out)["goals"]) == ["1", "1.000001", "1.000002"]


def test_a_target_of_which_nothing_is_proved_has_no_ceiling(engines: Engines):
    """A bound of infinity is none, and JSON knows no infinity."""
    settings = Settings(gap_pp=0.001, workers=1)
    study = over(lambda more: read(TINY, overrides=more), "goal.nrr", span("5..6"), 2, settings, engines=engines)
    here = replace(study.best.solved[0], bound=math.inf)

    (found,) = goals(replace(study, curves=(replace(study.best, points=(here,)),))).values()

    assert (found.ceiling, found.is_reached) == (None, None)
    assert "nothing is proved yet" in found.sentences[0]


def test_other_studies_tell_of_no_target(capsys: pytest.CaptureFixture[str]):
    assert run("--over", f"{RENEW}=-5pp..0pp", "--steps", "2", "--quiet", "--json") == 0
    assert "goals" not in json.loads(capsys.readouterr().out)
