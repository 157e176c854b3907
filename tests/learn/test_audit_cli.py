"""`optcomp audit` as a user runs it: 80 columns, private tables, the same bytes, no names."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from optcomp import cli
from optcomp.errors import InputError
from optcomp.learn.audit.tables import FILES, PLOTS
from optcomp.learn.audit.tables import _text as cell
from optcomp.world.folder import write_folder
from optcomp.world.world import make_world, make_world_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """15 CSMs with a pilot."""
    past = make_world("S", 1).live("pilot")
    folder = tmp_path_factory.mktemp("company") / "c"
    write_folder(folder, past.instance(), past.history())
    return folder


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The shipped team with its history, readable by us only."""
    shutil.copytree(ROOT / "instances" / "team-of-15", tmp_path / "team")
    return tmp_path / "team"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.cli, ["audit", *map(str, arguments)])


def ids(folder: Path) -> list[str]:
    with (folder / "history" / "csm_quarters.csv").open(encoding="utf-8", newline="") as stream:
        return sorted({row["csm_id"] for row in csv.DictReader(stream)})


def test_the_report_fits_a_terminal_and_names_nobody(company: Path) -> None:
    """Every part is there, nothing is wider than 80 columns, no id of a CSM stands in it."""
    result = run(company)

    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    for part in (
        "In short", "What each component pays for", "How pay was spread", "Next year under today's plans",
        "Paid for the book", "best paid?", "Patterns", "Design rules", "Note",
    ):  # fmt: skip
        assert part in result.stdout
    assert "not a verdict on a person" in " ".join(result.stdout.split())
    assert [name for name in ids(company) if name in result.stdout] == []


def test_json_holds_the_same_without_a_person(company: Path) -> None:
    """And no p-value."""
    result = run(company, "--json")
    found = json.loads(result.stdout)

    assert {c["metric"] for c in found["components"]} >= {"GRR", "EXP"}
    assert [name for name in ids(company) if f'"{name}"' in result.stdout] == []
    assert '"p"' not in result.stdout
    assert len(found["screens"]) == 11
    assert {p["segment"] for p in found["pay"]} == {"enterprise", "mid-market", "growth"}
    assert {"r2_by_metric", "inherited_risk", "equal_effort"} <= set(found["book"])


def test_tables_are_private_and_the_same_every_time(company: Path, tmp_path: Path) -> None:
    """0700 and 0600, through the same door as a solution."""
    for name in ("a", "b"):
        assert run(company, "--out", tmp_path / name).exit_code == 0

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o700
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(FILES)
    for name in FILES:
        assert stat.S_IMODE((tmp_path / "a" / name).stat().st_mode) == 0o600
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_every_table_can_be_read_and_has_its_rows(team: Path, tmp_path: Path) -> None:
    """19 people, three outcomes of one component, three cliffs and segments, four quarters, eleven screens."""
    assert run(team, "--out", tmp_path / "out").exit_code == 0
    rows = {}
    for name in FILES:
        if name.endswith(".csv"):
            with (tmp_path / "out" / name).open(encoding="utf-8", newline="") as stream:
                rows[name] = list(csv.DictReader(stream))

    counts = {name: len(r) for name, r in rows.items()}
    assert counts["people.csv"] == 19
    assert [counts[f"{n}.csv"] for n in ("components", "cliffs", "quartiles", "screens")] == [3, 3, 4, 11]
    assert [counts[f"{n}.csv"] for n in ("pay", "next_year")] == [3, 3]
    # All pay, its one component, three parts of a slope, and two of equal effort.
    assert counts["fairness.csv"] == 7
    assert {row["note"] for row in rows["people.csv"]} == {"not a verdict on a person"}


def test_a_folder_that_is_not_empty_is_kept_unless_forced(company: Path, tmp_path: Path) -> None:
    assert run(company, "--out", tmp_path / "out").exit_code == 0

    assert cli.run(["audit", str(company), "--out", str(tmp_path / "out")]) == 8
    assert cli.run(["audit", str(company), "--out", str(tmp_path / "out"), "--force"]) == 0


def test_plots_are_the_same_every_time_and_need_a_folder(company: Path, tmp_path: Path) -> None:
    """Byte for byte, with their text as text."""
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        assert run(company, "--out", tmp_path / name, "--plots").exit_code == 0

    for name in PLOTS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "not a verdict" in (tmp_path / "a" / "performance.svg").read_text()
    assert cli.run(["audit", str(company), "--plots"]) == 2


def test_no_history_and_a_history_elsewhere(company: Path, tmp_path: Path) -> None:
    """Without one it is an error in words; --history says where it lies."""
    bare = tmp_path / "bare"
    shutil.copytree(company, bare, ignore=shutil.ignore_patterns("history"))

    assert cli.run(["audit", str(bare)]) == 3
    assert run(bare, "--history", company).stdout == run(company).stdout


def test_a_short_history_of_a_small_team_is_labelled_and_ends_well(tmp_path: Path) -> None:
    """Three quarters of nine CSMs: a warning, no label, no traceback."""
    past = make_world_of(9, 300, 3, 2).live("one-plan", 3)
    history = past.history()
    write_folder(tmp_path / "c", past.instance(), history)
    if not (history.account_quarters.churned.any() and history.csm_quarters.left.any()):
        pytest.skip("nobody left in three quarters of this company")

    result = run(tmp_path / "c")

    assert result.exit_code == 0
    assert "Only 9 months of history" in " ".join(result.stdout.split())
    assert "too little data" in result.stdout


def test_a_result_of_the_plan_as_a_control_is_an_error_in_words(team: Path) -> None:
    """Exit code 3 and the reason; a fact of accounts is taken out, and said in the summary."""
    refused, taken = run(team, "--control", "csat"), run(team, "--control", "complexity", "--json")

    assert cli.run(["audit", str(team), "--control", "csat"]) == 3
    assert isinstance(refused.exception, InputError)
    assert "hide the effect" in str(refused.exception)
    assert json.loads(taken.stdout)["controls"] == ["complexity"]


@pytest.mark.parametrize("kind", ["parquet", "workbook"])
def test_parquet_and_a_workbook_are_audited_like_csv(team: Path, tmp_path: Path, kind: str) -> None:
    """The same report to the last character."""
    pytest.importorskip("pyarrow")
    expected = run(team).stdout
    elsewhere = as_parquet(team) if kind == "parquet" else as_workbook(team, tmp_path / "history.xlsx")

    assert run(team, "--history", elsewhere).stdout == expected


def as_parquet(folder: Path) -> Path:
    """The history's tables as Parquet in place of CSV."""
    for name, table in tables_of(folder):
        table.to_parquet(folder / "history" / f"{name}.parquet", index=False)
        (folder / "history" / f"{name}.csv").unlink()
    return folder


def as_workbook(folder: Path, path: Path) -> Path:
    """The history's tables as sheets of a workbook, without the instance."""
    settings = pd.DataFrame({"key": ["name"], "value": ["team"]})
    with pd.ExcelWriter(path) as book:
        settings.to_excel(book, sheet_name="instance", index=False)
        for name, table in tables_of(folder):
            table.to_excel(book, sheet_name=name, index=False)
    path.chmod(0o600)
    return path


def tables_of(folder: Path) -> list[tuple[str, pd.DataFrame]]:
    """The three tables with numbers and days as such."""
    result = []
    for name in ("account_quarters", "csm_quarters", "plans"):
        table = pd.read_csv(folder / "history" / f"{name}.csv", keep_default_na=False, na_values=[""])
        for column in {"quarter", "csm_since"} & set(table.columns):
            table[column] = pd.to_datetime(table[column]).dt.date
        result.append((name, table))
    return result


def test_cells_run_no_formula() -> None:
    """An id that begins like a formula is text in a spreadsheet."""
    assert cell("=1+1") == "'=1+1"
    assert cell(float("nan")) == ""
    assert cell(None) == ""
