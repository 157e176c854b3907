"""Files become tables: bytes, delimiters, quotes, widths; workbooks and Parquet; text that is safe to show."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import ACCOUNTS, CSMS, TOML, Content, errors_of, warnings_of, write_folder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optcomp.cells import neutralise, printable, restore
from optcomp.errors import InputError
from optcomp.read import read_instance
from optcomp.tabular.parquet import read_parquet
from optcomp.tabular.raw import Dialect
from optcomp.tabular.text import read_csv
from optcomp.tabular.workbook import open_workbook, read_settings, read_sheet
from optcomp.toml_text import parse_toml

TWO = "id,arr\nA,1\n"


def code_and_row(data: bytes) -> list[tuple[str, int | None]]:
    with pytest.raises(InputError) as caught:
        read_csv(data, "t.csv", ["id", "arr"], dialect=Dialect())
    return [(f.code, f.row) for f in caught.value.findings]


# --- CSV ---------------------------------------------------------------------------------------------------------


def test_an_empty_csv_is_refused() -> None:
    """Row 3: 0-byte CSV."""
    assert code_and_row(b"") == [("empty-file", None)]
    assert code_and_row(b" \r\n\n") == [("empty-file", None)]


def test_a_byte_order_mark_is_no_part_of_the_first_header() -> None:
    """Row 5: UTF-8 BOM in CSV."""
    assert read_csv(b"\xef\xbb\xbf" + TWO.encode(), "t.csv", [], dialect=Dialect()).headers == ("id", "arr")


def test_utf_16_is_refused_with_the_way_out_and_read_when_declared() -> None:
    """Row 6: UTF-16 with BOM."""
    data = TWO.encode("utf-16")

    with pytest.raises(InputError, match='encoding = "utf-16"'):
        read_csv(data, "t.csv", [], dialect=Dialect())

    assert read_csv(data, "t.csv", [], dialect=Dialect("utf-16")).columns == (("A",), ("1",))


def test_latin_1_bytes_are_refused_with_offset_and_row_and_read_when_declared() -> None:
    """Row 7: Latin-1 and CP1252 bytes."""
    data = "id,arr\r\nA,1\rMüller,2\n".encode("cp1252")

    with pytest.raises(InputError, match=r'row 3: Byte 13 is 0xFC.*encoding = "cp1252"'):
        read_csv(data, "t.csv", [], dialect=Dialect())

    assert read_csv(data, "t.csv", [], dialect=Dialect("cp1252")).columns[0] == ("A", "Müller")


def test_mixed_line_ends_count_as_the_editor_counts() -> None:
    """Row 8: mixed CRLF, LF and CR."""
    assert read_csv(b"id,arr\r\nA,1\nB,2\rC,3\r\n\nD,4", "t.csv", [], dialect=Dialect()).rows == (2, 3, 4, 6)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    """Row 9: semicolon or tab as delimiter."""
    data = f"id{delimiter}arr\n{delimiter.join(['A', '1'])}\n".encode()

    assert read_csv(data, "t.csv", ["id", "arr"], dialect=Dialect()).headers == ("id", "arr")


def test_a_declared_delimiter_that_gives_one_column_is_refused() -> None:
    """Row 9: never one wide column."""
    with pytest.raises(InputError, match='delimiter = ";"'):
        read_csv(b"id;arr\nA;1\n", "t.csv", [], dialect=Dialect(delimiter=","))


def test_rows_of_another_width_are_refused_the_first_one_included() -> None:
    """Row 35: row too long or too short."""
    assert code_and_row(b"id,arr\n1,2,3\nA,1\nB\n") == [("row-too-long", 2), ("row-too-short", 4)]


def test_an_unclosed_quote_is_placed_where_it_opens() -> None:
    """Row 36: unclosed quote to the end of the file."""
    assert code_and_row(b'id,arr\nA,1\n"B,2\nC,3\n') == [("unclosed-quote", 3)]


def test_an_unclosed_quote_in_a_large_file_is_placed_where_it_opens() -> None:
    """Row 36: the cell then ends at csv's own limit."""
    assert code_and_row(b'id,arr\nA,1\n"B,2\n' + b"C,3\n" * 40_000) == [("cell-too-long", 3)]


def test_text_after_a_closing_quote_is_refused() -> None:
    """Row 36: a quote in the wrong place."""
    assert code_and_row(b'id,arr\n"A"x,1\n') == [("stray-quote", 2)]


def test_a_line_end_inside_quotes_does_not_shift_the_rows() -> None:
    """Row 37: embedded newline in a quoted field."""
    raw = read_csv(b'id,arr\n"A\r\nB",1\nC,2\n', "t.csv", [], dialect=Dialect())

    assert raw.rows == (2, 4)
    assert raw.columns[0] == ("A\r\nB", "C")


def test_a_nul_byte_is_refused() -> None:
    """Row 38: NUL byte."""
    assert code_and_row(b"id,arr\nA,1\nB\0,2\n") == [("nul-byte", 3)]


@pytest.mark.parametrize("length", [40_000, 2_000_000])
def test_a_huge_cell_is_refused(length: int) -> None:
    """Row 39: a single cell of 2 MB."""
    assert code_and_row(b"id,arr\nA," + b"x" * length + b"\n") == [("cell-too-long", 2)]


def test_three_hundred_columns_are_refused() -> None:
    """Row 40: 300 columns."""
    assert code_and_row(",".join(f"c{i}" for i in range(300)).encode()) == [("too-many-columns", None)]


def test_more_rows_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 40: ten million rows (the limit is lowered here so that the test is quick)."""
    monkeypatch.setattr("optcomp.tabular.text.MAX_ROWS", 3)

    assert code_and_row(b"id,arr\n" + b"A,1\n" * 4) == [("too-many-rows", None)]
    assert len(read_csv(b"id,arr\n" + b"A,1\n" * 3, "t.csv", [], dialect=Dialect()).rows) == 3


def test_a_file_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    """Row 40: 300 MB of holes stand for ten million rows."""
    folder = write_folder(tmp_path)
    with (folder / "accounts.csv").open("r+b") as file:
        file.truncate(300_000_000)

    assert [f.code for f in errors_of(folder)] == ["file-too-large"]


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"\x1f\x8b", b"%PDF"])
def test_another_kind_of_file_named_csv_is_refused(magic: bytes) -> None:
    """Row 52: a file that is not what its name says."""
    assert code_and_row(magic + b"\0" * 50) == [("wrong-file-type", None)]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet='id,arr;\t"\r\n\0 A1é', max_size=80).map(str.encode)))
@example(b'id,arr\n"')
@example(b"\xff\xfe")
@example(b"\xef\xbb\xbf")
def test_any_bytes_are_a_table_or_an_input_error(data: bytes) -> None:
    """Rows 1-40: byte-level fuzz of the CSV reader."""
    try:
        raw = read_csv(data, "t.csv", ["id", "arr"], dialect=Dialect())
    except InputError:
        return

    assert all(len(column) == len(raw.rows) for column in raw.columns)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(alphabet="ab[]{}=.\"'#\n 1-:e", max_size=80).map(str.encode)))
@example(b"a = " + b"[" * 900)
@example(b"a = " + b"9" * 5000)
def test_any_bytes_are_a_document_or_an_input_error(data: bytes) -> None:
    """Rows 48-49: byte-level fuzz of the TOML reader."""
    try:
        parse_toml(data, "t.toml")
    except InputError:
        return


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["toml", "accounts", "csms"]), st.integers(0, 400), st.integers(0, 12), st.binary(max_size=12))
def test_a_damaged_folder_is_an_instance_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, start: int, length: int, patch: bytes
) -> None:
    """Rows 1-60: bytes of a valid folder replaced at random."""
    content = {"toml": TOML, "accounts": ACCOUNTS, "csms": CSMS}[name].encode()
    files: dict[str, Content] = {name: content[:start] + patch + content[start + length :]}
    errors = errors_of(write_folder(tmp_path_factory.mktemp("damaged"), **files))

    assert all(f.code and f.found for f in errors)


# --- Excel -------------------------------------------------------------------------------------------------------

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


# --- Parquet -----------------------------------------------------------------------------------------------------


def parquet_bytes(**columns: pa.Array) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_parquet_types_become_exact_values() -> None:
    """Row 55: decimal128, categorical, dates, nanoseconds."""
    data = parquet_bytes(
        id=pa.array(["A", "B"]).dictionary_encode(),
        arr=pa.array([Decimal("1234.50"), None], pa.decimal128(12, 2)),
        renewal_date=pa.array([date(2027, 3, 31), None]),
        since=pa.array([1_700_000_000_123_456_789, None], pa.timestamp("ns")),
    )

    raw = read_parquet(data, "t.parquet")

    assert raw.columns[0] == ("A", "B")
    assert raw.columns[1] == (Decimal("1234.50"), None)
    assert raw.columns[2] == (date(2027, 3, 31), None)
    assert str(raw.columns[3][0]) == "2023-11-14 22:13:20.123456"


@pytest.mark.parametrize("column", [pa.array([["a"], ["b"]]), pa.array([{"x": 1}, None]), pa.array([b"a", b"b"])])
def test_nested_parquet_columns_are_refused(column: pa.Array) -> None:
    """Row 55: nested columns."""
    with pytest.raises(InputError) as caught:
        read_parquet(parquet_bytes(id=pa.array(["A", "B"]), arr=column), "t.parquet")

    assert [(f.code, f.column) for f in caught.value.findings] == [("nested-column", "arr")]


@pytest.mark.parametrize("cut", [0, 3, 4, 50, -1, -8])
def test_a_cut_parquet_file_is_refused(cut: int) -> None:
    """Row 55: corrupt or truncated."""
    data = parquet_bytes(id=pa.array(["A"]))[:cut]

    with pytest.raises(InputError) as caught:
        read_parquet(data, "t.parquet")

    assert caught.value.findings[0].code == "broken-parquet"


def test_parquet_beside_toml_is_read_by_itself_or_by_name(tmp_path: Path) -> None:
    """Row 55: the same values as from CSV."""
    accounts = parquet_bytes(
        account_id=pa.array(["A1", "A2"]),
        name=pa.array(["Acme", "Bolt"]),
        segment=pa.array(["growth", "growth"]),
        arr=pa.array([1000.0, 2000.5]),
        renewal_date=pa.array([date(2027, 3, 31), None]),
        csm=pa.array(["C1", "C2"]),
    )
    expected, _ = read_instance(write_folder(tmp_path / "csv"))

    folder = write_folder(tmp_path / "plain", accounts=None)
    (folder / "accounts.parquet").write_bytes(accounts)
    named = write_folder(tmp_path / "named", toml=TOML + '[tables]\naccounts = "big.parquet"\n')
    (named / "big.parquet").write_bytes(accounts)

    assert read_instance(folder)[0] == expected
    assert read_instance(named)[0] == expected


def test_without_pyarrow_parquet_is_refused_clearly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 55: pyarrow is an optional extra."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(InputError, match=r"pip install 'optcomp\[parquet\]'"):
        read_parquet(b"PAR1", "t.parquet")


# --- Text that is shown ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "@SUM(A1)", "\t=1", "-2", "＝1", "\r", "\0", "\n"])
def test_formulas_are_neutralised_and_come_back(text: str) -> None:
    """Row 56: account names that a spreadsheet could run."""
    assert neutralise(text) == "'" + text
    assert restore(neutralise(text)) == text


@given(st.text(alphabet="'=+-@\t\r\n＝ab", max_size=6))
@example("'=1")
@example("''")
def test_every_text_comes_back(text: str) -> None:
    """Row 56: read-back equal, whatever the text."""
    safe = neutralise(text)

    assert restore(safe) == text
    assert not safe.startswith(tuple("=+-@\t\r\n＝"))


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb", "\x07", "\u2066", "\x9b31m", "a\u200bb", "\ud800"])
def test_what_steers_a_terminal_is_made_visible(text: str) -> None:
    """Row 58: ANSI escapes, bidi overrides, control characters."""
    assert printable(text).isprintable()
    assert "<U+" in printable(text)


@pytest.mark.parametrize("text", ["Müller & Söhne", "株式会社", "👩‍💻 team", "مرحبا", "[red]", "e\u0301"])
def test_letters_of_every_script_stay(text: str) -> None:
    """Rows 58-59: RTL, emoji and combining names."""
    assert printable(text) == text
