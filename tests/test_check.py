"""`optcomp check`: everything wrong at once, what is doubtful, what was read, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from folders import ACCOUNTS, CSMS, TOML, write_folder

from optcomp import cli
from optcomp.cli.layout import WIDTH, paragraph, table

INSTANCES = Path(__file__).parents[1] / "instances"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = cli.run(["check", *arguments])
    output = capsys.readouterr()
    assert output.err == ""
    return code, output.out


def test_a_sound_instance_exits_with_0_and_says_what_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, text = run(capsys, str(write_folder(tmp_path / "i")))

    assert code == 0
    assert "What was read: small, as of 2026-11-01" in text
    # Two accounts, two CSMs, 1,000 + 2,000.5 of ARR; 2 × 32 h by default; 2 × 1,560 h.
    assert "growth          2     2    3,000            64        3,120" in text
    assert "budget 220,000" in text
    assert "No errors" in text


def test_every_error_of_every_file_is_told_at_once_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_folder(
        tmp_path / "i",
        toml=TOML.replace("220000", "-1"),
        accounts=ACCOUNTS.replace(",1000,", ",-5,").replace("C2", "C9"),
    )

    code, text = run(capsys, str(folder))

    assert code == 3
    assert text.startswith("3 errors\n")
    flat = " ".join(text.split())
    assert "instance.toml, row 6, column budget.pay" in flat
    assert "accounts.csv, row 2, column arr" in flat
    assert "accounts.csv, row 3, column csm" in flat


def test_wrong_names_of_models_are_told_together_with_errors_in_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A user mends everything in one go, not first the tables and then the models."""
    folder = write_folder(
        tmp_path / "i",
        toml=TOML.replace("all-or-nothing-90", "no-such-mix") + '[models]\nrules = "standrd"\n',
        accounts=ACCOUNTS.replace(",1000,", ",-5,"),
    )

    code, text = run(capsys, str(folder))

    flat = " ".join(text.split())
    assert code == 3
    assert "3 errors" in flat
    assert "no-such-mix" in flat
    assert "Perhaps 'standard' is meant" in flat
    assert "accounts.csv, row 2, column arr" in flat


def test_a_setting_is_laid_over_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, text = run(capsys, str(write_folder(tmp_path / "i")), "--set", "budget.pay=300000")

    assert code == 0
    assert "budget 300,000" in text


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("budget.pay=1000", "The cheapest plans cost"),
        ("segments.growth.max_accounts=0", "may have 0 accounts together, and there are 2"),
    ],
)
def test_sums_that_cannot_work_out_exit_with_4(
    setting: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code, text = run(capsys, str(write_folder(tmp_path / "i")), "--set", setting)

    assert code == 4
    assert text.startswith("Nothing fits")
    assert reason in " ".join(text.split())


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"accounts": ACCOUNTS.replace("csm\n", "csm,region\n").replace("C1\n", "C1,EU\n").replace("C2\n", "C2,\n"),
          "csms": CSMS.replace("variable\n", "variable,region\n").replace("000\n", "000,US\n")}, "A1"),
        ({"csms": CSMS.replace("variable\n", "variable,status,end\n").replace("000\n", "000,leaving,2027-02-01\n")},
         "A1, A2"),
    ],
)  # fmt: skip
def test_accounts_that_nobody_may_have_are_named_before_any_solve(
    files: dict[str, str], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Row 71: by eligibility, or because everybody leaves."""
    code, text = run(capsys, str(write_folder(tmp_path / "i", **files)))

    assert code == 4
    assert f"No CSM may look after {named}:" in " ".join(text.split())


def test_a_soft_limit_that_no_total_fits_is_a_finding_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    settings = ("segments.growth.max_accounts=0", 'rules.account_count.state="soft"')
    code, text = run(capsys, str(write_folder(tmp_path / "i")), *(part for s in settings for part in ("--set", s)))

    assert code == 0
    assert "The rule is soft or off" in " ".join(text.split())


def test_json_is_one_object_with_the_same_content(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, text = run(capsys, str(write_folder(tmp_path / "i")), "--json")

    told = json.loads(text)
    assert code == 0
    assert (told["schema"], told["status"]) == ("optcomp/check/1", "ok")
    assert told["read"]["total"]["accounts"] == 2
    assert "000-38" in {finding["requirement"] for finding in told["review"]}


def test_json_of_a_broken_instance_lists_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_folder(tmp_path / "i", accounts=ACCOUNTS.replace(",1000,", ",-5,"))
    code, text = run(capsys, str(folder), "--json")

    told = json.loads(text)
    assert (code, told["status"]) == (3, "invalid")
    assert [(e["file"], e["row"], e["column"]) for e in told["errors"]] == [("accounts.csv", 2, "arr")]


def test_a_path_that_does_not_exist_is_an_error_of_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code, text = run(capsys, str(tmp_path / "nothing"))

    assert code == 3
    assert "There is no such file or folder" in " ".join(text.split())


@pytest.mark.parametrize("name", ["team-of-15", "mid-market"])
def test_the_shipped_instances_pass_and_their_findings_are_those_of_the_texts(
    name: str, capsys: pytest.CaptureFixture[str]
):
    code, text = run(capsys, str(INSTANCES / name), "--json")

    found = {finding["code"] for finding in json.loads(text)["review"]}
    assert code == 0
    # The guide's plan (000-38): one binary metric on logos, 15 % of base.
    assert {
        "uncontrollable-share",
        "pay-mix",
        "wholly-renewal",
        "retention-only",
        "objective-not-paid",
        "cliff",
    } <= found
    # 002's limit of 15 million on an enterprise book (002-20).
    assert "limits-against-contracts" in found


def test_nothing_is_wider_than_the_terminal(capsys: pytest.CaptureFixture[str]):
    _, text = run(capsys, str(INSTANCES / "mid-market"))

    assert [line for line in text.splitlines() if len(line) > WIDTH] == []


def test_a_name_cannot_steer_the_terminal():
    assert "\x1b" not in paragraph("a\x1b[2J", "b\x1b[31m") + table(["x"], [["\x1b[2J"]])


def test_a_wide_table_wraps_its_last_column():
    text = table(["name", "what"], [["a", "word " * 40]], left=(0, 1))

    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.count("word") == 40


@pytest.mark.parametrize("width", range(60, 80))
def test_no_line_break_parts_a_number_from_its_per_cent_sign(width: int):
    text = "x" * width + " gains 100 %, then 5 %."

    for said in (
        paragraph("-", text, hang=2),
        table(["a", "b"], [["1", text]], left=(0, 1)),
        table(["a", "b"], [[text]]),
    ):
        assert all(not line.lstrip().startswith("%") for line in said.splitlines())
        assert "100 %," in said
