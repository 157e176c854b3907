"""Workbooks: the same instance as a folder; hostile, hidden, uncomputed and broken ones."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from folders import ACCOUNTS, errors_of, warnings_of, write_folder
from hypothesis import given, settings
from hypothesis import strategies as st

from optcomp.errors import InputError
from optcomp.read import read_instance
from optcomp.tabular.workbook import open_workbook, read_settings, read_sheet

Sheets = dict[str, list[list[object]]]
SETTINGS: list[list[object]] = [
    ["key", "value"],
    ["schema", "optcomp/instance/1"],
    ["name", "small"],
    ["as_of", date(2026, 11, 1)],
    ["plan_year_start", "2027-01-01"],
    ["budget.pay", 220000],
    ["segments.growth.today.mix", "all-or-nothing-90"],
    ["segments.growth.max_accounts", 40],
    ["menu.variable_shares", "[0.1, 0.2]"],
]
BOOK: Sheets = {
    "instance": SETTINGS,
    "accounts": [
        ["account_id", "name", "segment", "arr", "renewal_date", "csm"],
        ["A1", "Acme", "growth", 1000, date(2027, 3, 31), "C1"],
        ["A2", "Bolt", "growth", 2000.5, None, "C2"],
    ],
    "csms": [
        ["csm_id", "segment", "base", "variable"],
        ["C1", "growth", 85000, 15000],
        ["C2", "growth", 90000, 10000],
    ],
}


def write_book(
    path: Path, change: Callable[[openpyxl.Workbook], object] = lambda _: None, **sheets: list[list[object]]
) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in (BOOK | sheets).items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    change(book)
    file = path / "team.xlsx"
    book.save(file)
    path.chmod(0o700)
    return file


def with_part(file: Path, name: str, content: bytes) -> Path:
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr(name, content)
    return file


def replace_part(file: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    with zipfile.ZipFile(file) as parts:
        contents = {part: parts.read(part) for part in parts.namelist()}
    contents[name] = change(contents[name])
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for part, content in contents.items():
            parts.writestr(part, content)
    return file


def test_a_workbook_reads_as_the_folder_does(tmp_path: Path) -> None:
    """Issue 2: the same as sheets of one workbook."""
    instance, warnings = read_instance(write_book(tmp_path))

    folder, _ = read_instance(write_folder(tmp_path / "folder"))
    assert warnings == ()
    assert instance.accounts == folder.accounts
    assert instance.segments[0].max_accounts == 40
    assert instance.menu.variable_shares == (0.1, 0.2)


def test_findings_in_a_workbook_name_sheet_and_row(tmp_path: Path) -> None:
    """Row 54: numbers kept as text; the row is the one that Excel shows."""
    rows = [[None] * 6, *BOOK["accounts"]]
    rows[2] = ["A1", "Acme", "growth", "1000", "2027-03-31", "C1"]

    warnings = warnings_of(write_book(tmp_path, accounts=rows))

    assert [(f.code, f.file, f.row, f.column) for f in warnings] == [
        ("number-as-text", "team.xlsx, sheet accounts", 3, "arr"),
        ("number-as-text", "team.xlsx, sheet accounts", 3, "renewal_date"),
    ]


def test_numbers_as_dates_are_refused_and_times_dropped(tmp_path: Path) -> None:
    """Row 44: Excel serial, date with time."""
    rows = [list(row) for row in BOOK["accounts"]]
    rows[1][4], rows[2][4] = 46477, datetime(2027, 3, 31, 14, 30)
    file = write_book(tmp_path, accounts=rows)

    assert [(f.code, f.row) for f in errors_of(file)] == [("not-a-date", 2)]

    rows[1][4] = None
    assert [(f.code, f.row) for f in warnings_of(write_book(tmp_path, accounts=rows))] == [("time-dropped", 3)]


def test_a_numeric_id_in_excel_is_text_with_a_warning(tmp_path: Path) -> None:
    """Row 28: 00123 typed as a number has lost its zeros."""
    rows = [list(row) for row in BOOK["accounts"]]
    rows[1][0] = 123

    instance, warnings = read_instance(write_book(tmp_path, accounts=rows))

    assert instance.accounts[0].account_id == "123"
    assert [f.code for f in warnings] == ["id-is-number"]


def test_a_zip_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    """Row 50: 1.3 MB that inflate to 305 MB (here 30 MB, 1000-fold)."""
    file = with_part(write_book(tmp_path), "xl/worksheets/sheet9.xml", b" " * 30_000_000)

    assert [f.code for f in errors_of(file)] == ["zip-bomb"]


def test_a_part_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    """Row 50: the size in the directory is not believed."""
    file = with_part(write_book(tmp_path), "xl/big.bin", b"\0" * 3_000_000)
    data = file.read_bytes().replace((3_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))

    with pytest.raises(InputError) as caught:
        open_workbook(data, "t.xlsx")

    assert caught.value.findings[0].code in ("broken-archive", "zip-bomb")


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
EXTERNAL = b'<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>'


@pytest.mark.parametrize("content", [LAUGHS, EXTERNAL, LAUGHS.decode().encode("utf-16"), b" " * 65_530 + LAUGHS])
def test_xml_with_entities_is_refused(tmp_path: Path, content: bytes) -> None:
    """Row 51: billion laughs, external entity, also across a chunk and in UTF-16."""
    file = replace_part(write_book(tmp_path), "xl/worksheets/sheet2.xml", lambda _: content)

    assert [f.code for f in errors_of(file)] == ["xml-entities"]


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("xl/externalLinks/externalLink1.xml", "external-link"),
        ("xl/vbaProject.bin", "macros"),
        ("../outside.xml", "outside-archive"),
        ("mimetype", "wrong-file-type"),
    ],
)
def test_links_macros_and_names_that_lead_out_are_refused(tmp_path: Path, part: str, code: str) -> None:
    """Rows 51-52: external link, .xlsm renamed, path traversal in the archive, OpenDocument."""
    assert [f.code for f in errors_of(with_part(write_book(tmp_path), part, b"<x/>"))] == [code]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xd0\xcf\x11\xe0" + b"\0" * 100, r"old Excel workbook \(\.xls\)"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "workbook with a password"),
        (ACCOUNTS.encode(), "text, perhaps CSV"),
        (b"PAR1xxxx", "Parquet"),
        (b"", "empty"),
        (b"PK\x03\x04" + b"\0" * 40, "broken"),
    ],
)
def test_what_is_no_xlsx_is_named(tmp_path: Path, data: bytes, words: str) -> None:
    """Row 52: .xls, encrypted, CSV renamed .xlsx."""
    file = tmp_path / "team.xlsx"
    file.write_bytes(data)

    with pytest.raises(InputError, match=words):
        read_instance(file)


def test_an_xls_or_csv_given_as_instance_is_named(tmp_path: Path) -> None:
    """Rows 1 and 52: a file that is no workbook."""
    file = tmp_path / "team.xls"
    file.write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 100)

    with pytest.raises(InputError, match=r"old Excel workbook"):
        read_instance(file)


def test_formulas_never_computed_are_refused(tmp_path: Path) -> None:
    """Row 53: formulas without cached values."""
    rows = [list(row) for row in BOOK["accounts"]]
    rows[1][3] = "=500*2"

    assert [(f.code, f.row) for f in errors_of(write_book(tmp_path, accounts=rows))] == [("uncomputed-formula", 2)]


def test_error_cells_are_refused(tmp_path: Path) -> None:
    """Row 53: #REF!"""
    rows = [list(row) for row in BOOK["accounts"]]
    rows[2][1] = "#REF!"

    assert [(f.code, f.row) for f in errors_of(write_book(tmp_path, accounts=rows))] == [("error-cell", 3)]


def test_merged_cells_are_refused(tmp_path: Path) -> None:
    """Row 53: merged cells would leave the others blank."""
    file = write_book(tmp_path, lambda book: book["accounts"].merge_cells("F2:F3"))

    assert [(f.code, f.row) for f in errors_of(file)] == [("merged-cells", 2)]


def test_hidden_rows_columns_and_sheets_are_said(tmp_path: Path) -> None:
    """Row 53: hidden rows and sheets."""

    def hide(book: openpyxl.Workbook) -> None:
        book["accounts"].row_dimensions[3].hidden = True
        book["accounts"].column_dimensions["B"].hidden = True
        book["csms"].sheet_state = "hidden"

    found = [f.found for f in warnings_of(write_book(tmp_path, hide)) if f.code == "hidden"]

    assert found == [
        "1 hidden rows were read, the first is row 3",
        "Hidden columns were read: B",
        "The sheet is hidden and was read",
    ]


def test_missing_sheets_are_named(tmp_path: Path) -> None:
    """Row 2: the workbook has no accounts."""
    file = write_book(tmp_path, lambda book: book.remove(book["accounts"]))

    assert [(f.code, f.file) for f in errors_of(file)] == [("missing-sheet", "team.xlsx")]


def test_settings_in_a_workbook_are_placed_by_row(tmp_path: Path) -> None:
    """Row 48: unknown key, duplicate key."""
    rows = [*SETTINGS, ["budget.pey", 1]]
    assert [(f.code, f.row) for f in errors_of(write_book(tmp_path, instance=rows))] == [("unknown-key", 10)]

    rows = [*SETTINGS, ["name", "again"]]
    assert [(f.code, f.row) for f in errors_of(write_book(tmp_path, instance=rows))] == [("bad-key", 10)]


def test_far_cells_are_refused(tmp_path: Path) -> None:
    """Row 40: 300 columns in a sheet."""
    file = write_book(tmp_path, lambda book: book["accounts"].cell(1, 300, "x"))

    assert [f.code for f in errors_of(file)] == ["too-many-columns"]


def test_one_cell_far_below_is_refused_before_room_is_made(tmp_path: Path) -> None:
    """Row 40: a dense grid up to that cell would take gigabytes."""
    file = write_book(tmp_path, lambda book: book["accounts"].cell(1_040_000, 150, "x"))

    assert [f.code for f in errors_of(file)] == ["too-many-rows"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 6000), st.binary(min_size=1, max_size=4))
def test_a_damaged_workbook_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, start: int, patch: bytes
) -> None:
    """Rows 50-53: bytes of a workbook replaced at random."""
    data = write_book(tmp_path_factory.mktemp("book")).read_bytes()
    start %= len(data)
    try:
        book = open_workbook(data[:start] + patch + data[start + len(patch) :], "t.xlsx")
        read_settings(book)
        read_sheet(book, "accounts")
    except InputError:
        return
