"""CSV and Parquet become tables: bytes, delimiters, quotes, widths, types."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from folders import ACCOUNTS, CSMS, TOML, Content, errors_of, write_folder
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optcomp.errors import InputError
from optcomp.read import read_instance
from optcomp.tabular.parquet import read_parquet
from optcomp.tabular.raw import Dialect
from optcomp.tabular.text import read_csv
from optcomp.toml_text import parse_toml

TWO = "id,arr\nA,1\n"


def code_and_row(data: bytes) -> list[tuple[str, int | None]]:
    with pytest.raises(InputError) as caught:
        read_csv(data, "t.csv", ["id", "arr"], dialect=Dialect())
    return [(f.code, f.row) for f in caught.value.findings]


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
