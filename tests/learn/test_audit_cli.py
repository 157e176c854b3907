"""`optcomp audit` as a user runs it: 80 columns, private tables, the same bytes, no names."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optcomp import cli
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
    for part in ("What each component pays for", "Paid for the book", "best paid?", "Patterns", "Design rules", "Note"):
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
    assert len(found["screens"]) == 6


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
    """19 people, three outcomes of one component, three cliffs, four quarters, six screens."""
    assert run(team, "--out", tmp_path / "out").exit_code == 0
    rows = {}
    for name in FILES:
        if name.endswith(".csv"):
            with (tmp_path / "out" / name).open(encoding="utf-8", newline="") as stream:
                rows[name] = list(csv.DictReader(stream))

    counts = {name: len(r) for name, r in rows.items()}
    assert counts["people.csv"] == 19
    assert (counts["components.csv"], counts["cliffs.csv"], counts["quartiles.csv"], counts["screens.csv"]) == (
        3,
        3,
        4,
        6,
    )
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


def test_cells_run_no_formula() -> None:
    """An id that begins like a formula is text in a spreadsheet."""
    assert cell("=1+1") == "'=1+1"
    assert cell(float("nan")) == ""
    assert cell(None) == ""
