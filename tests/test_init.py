"""`optcomp init`: the template is private, explains every column, and solves as it stands in both forms."""

from __future__ import annotations

import csv
import errno
import os
import stat
from pathlib import Path

import openpyxl
import pytest

from optcomp import cli, templates
from optcomp.assemble import load
from optcomp.descriptions import column_texts
from optcomp.errors import OutputError
from optcomp.solve import Settings, Status, solve
from optcomp.tables import TABLES
from optcomp.template_rows import SETTINGS
from optcomp.template_workbook import write_workbook
from optcomp.templates import README, table_csv, write_template_folder, write_template_workbook


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_template_folder(tmp_path / "team")
    return tmp_path / "team"


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return write_template_workbook(tmp_path / "book")[0]


def test_both_forms_solve_as_they_stand_and_give_the_same(folder: Path, workbook: Path):
    settings = Settings(time_limit_seconds=60.0)
    results = [solve(load(path).problem, settings) for path in (folder, workbook)]

    assert [r.status for r in results] == [Status.OPTIMAL, Status.OPTIMAL]
    assert results[0].solution == results[1].solution
    assert results[0].evaluation is not None
    assert results[1].evaluation is not None
    assert results[0].evaluation.objective == results[1].evaluation.objective
    # The example is there to show something: the solution is worth more than today.
    assert results[0].evaluation.objective > results[0].current.nrr + 0.01
    assert results[0].evaluation.moves > 0


def test_both_forms_hold_the_same_facts(folder: Path, workbook: Path):
    assert load(folder).problem.instance == load(workbook).problem.instance


def test_the_template_is_read_without_a_warning(folder: Path, workbook: Path):
    assert load(folder).warnings == ()
    assert load(workbook).warnings == ()


@pytest.mark.parametrize("form", [[], ["--workbook"]])
def test_the_command_says_what_comes_next_and_it_works(
    form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.run(["init", str(tmp_path / "new"), *form]) == 0
    told = capsys.readouterr().out
    target = next(line for line in told.splitlines() if line.startswith("Next:")).split()[-1]

    assert cli.run(["check", target]) == 0
    assert "No errors" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_what_is_written_is_private_to_the_user(folder: Path, workbook: Path):
    def mode(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert {mode(folder), mode(workbook.parent)} == {0o700}
    assert {mode(path) for path in [*folder.iterdir(), workbook]} == {0o600}


@pytest.mark.parametrize("form", [[], ["--workbook"]])
def test_a_folder_with_something_in_it_is_refused_and_left_alone(
    form: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "mine.txt").write_text("mine")

    assert cli.run(["init", str(tmp_path), *form]) == 8
    assert "exists already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "team").write_text("mine")

    assert cli.run(["init", str(tmp_path / "team")]) == 8
    assert (tmp_path / "team").read_text() == "mine"


def test_an_empty_folder_is_taken(tmp_path: Path):
    (tmp_path / "team").mkdir()

    assert cli.run(["init", str(tmp_path / "team")]) == 0


def test_a_place_that_cannot_be_written_is_an_error_of_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The parent of the new folder is a file."""
    (tmp_path / "file").write_text("")

    assert cli.run(["init", str(tmp_path / "file" / "team")]) == 8


def test_nothing_is_left_behind_beside_the_template(folder: Path):
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_tables_have_every_column_and_the_readme_explains_it(folder: Path):
    readme = (folder / README).read_text()
    for name, table in TABLES.items():
        with (folder / f"{name}.csv").open() as file:
            assert next(csv.reader(file)) == [column.name for column in table.columns]
        for column in column_texts(table):
            assert f"| `{column.name}` | {column.description} |" in readme


def test_every_setting_has_a_comment(folder: Path):
    lines = (folder / "instance.toml").read_text().splitlines()

    for setting in SETTINGS:
        assert f"# {setting.comment}" in lines


def test_the_workbook_has_a_sheet_for_everything_with_typed_cells(workbook: Path):
    book = openpyxl.load_workbook(workbook)

    assert book.sheetnames == ["instance", "accounts", "csms", "pairs", "columns"]
    first = {head.value: cell for head, cell in zip(book["accounts"][1], book["accounts"][2], strict=True)}
    assert (first["arr"].data_type, first["renewal_date"].is_date, first["account_id"].data_type) == ("n", True, "s")
    book.close()


def test_the_same_workbook_is_the_same_bytes(tmp_path: Path, workbook: Path):
    (tmp_path / "again").mkdir()
    again = write_template_workbook(tmp_path / "again" / "book")[0]

    assert again.read_bytes() == workbook.read_bytes()


def test_a_column_that_the_table_does_not_have_cannot_be_in_the_example():
    with pytest.raises(ValueError, match="not in fieldnames"):
        table_csv(TABLES["accounts"], [{"acount_id": "A-001"}])


def test_text_that_looks_like_a_formula_stays_text(tmp_path: Path):
    rows = {name: [] for name in TABLES} | {"accounts": [{"account_id": "007", "name": "=1+1"}]}

    write_workbook(tmp_path / "book.xlsx", SETTINGS, rows)

    book = openpyxl.load_workbook(tmp_path / "book.xlsx")
    account_id, name = book["accounts"]["A2"], book["accounts"]["B2"]
    assert [(cell.data_type, cell.value) for cell in (account_id, name)] == [("s", "007"), ("s", "=1+1")]
    book.close()


def test_a_disk_that_fills_up_half_way_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written: list[Path] = []

    def write_one_then_fail(path: Path, data: bytes) -> None:
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        path.write_bytes(data)
        written.append(path)

    monkeypatch.setattr(templates, "_write_private", write_one_then_fail)

    with pytest.raises(OutputError, match="No space left on device"):
        write_template_folder(tmp_path / "team")
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "team").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputError, match="exists already"):
        write_template_folder(tmp_path / "team")
