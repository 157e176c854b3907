"""CSV in: encoding, delimiter and the width of every row are settled before any value is looked at."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator

from optcomp.cells import shown
from optcomp.errors import Finding, InputError
from optcomp.tabular.raw import MAX_CELL, MAX_COLUMNS, MAX_ROWS, Dialect, RawTable, refuse

DELIMITERS = (",", ";", "\t", "|")
# Beginnings of files that are something else whatever their name says.
_MAGIC = {
    b"PK\x03\x04": "a zip archive, perhaps an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook (.xls)",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip archive",
    b"%PDF": "a PDF",
}
_LINE_END = re.compile(r"\r\n|\r|\n")
# More than any header that is allowed: 200 columns of 100 characters are 20,000.
_LONGEST_HEADER = 100_000
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_csv(data: bytes, file: str, known: Iterable[str], *, dialect: Dialect) -> RawTable:
    """The table in the bytes of a CSV file.

    known : headers that are expected, by which the delimiter is recognised

    Raises
    ------
    InputError
        When the file cannot be cut into rows of equal width; every row that does not fit is listed.
    """
    first_line = _first_line(data, file, dialect.encoding)
    delimiter = dialect.delimiter or _delimiter(first_line, known)
    records = _records(data, file, delimiter, dialect.encoding)
    header_row, header = next(records, (1, []))
    _check_header(header, delimiter, file, first_line)
    rows, cells = _body(records, file, len(header))
    columns = tuple(zip(*cells, strict=True)) if cells else tuple(() for _ in header)
    return RawTable(file, tuple(header), tuple(rows), columns, header_row=header_row)


def _first_line(data: bytes, file: str, encoding: str) -> str:
    """The first line that is not blank, once it is sure that all of the file is text."""
    if not data.strip():
        raise refuse("empty-file", "The file is empty", "A header row and one row for each record", file=file)
    for magic, kind in _MAGIC.items():
        if data.startswith(magic):
            raise refuse("wrong-file-type", f"The file is {kind}", "A CSV file", "Export it as CSV", file=file)
    if data.startswith(_UTF16) and encoding != "utf-16":
        hint = 'Save it as "CSV UTF-8", or declare encoding = "utf-16" under [tables] in instance.toml'
        raise refuse("encoding", "The file is UTF-16", f"Text in {encoding}", hint, file=file)
    try:
        text = data.decode(_codec(encoding))
    except UnicodeDecodeError as error:
        raise _undecodable(data, file, encoding, error) from None
    if "\0" in text:
        row = len(_LINE_END.findall(text, 0, text.index("\0"))) + 1
        raise refuse("nul-byte", "A NUL byte", "Text only", "Export the file again", file=file, row=row)
    return re.split(r"[\r\n]", text.lstrip()[:_LONGEST_HEADER], maxsplit=1)[0]


def _codec(encoding: str) -> str:
    return "utf-8-sig" if encoding == "utf-8" else encoding


def _undecodable(data: bytes, file: str, encoding: str, error: UnicodeDecodeError) -> InputError:
    row = len(re.findall(rb"\r\n|\r|\n", data[: error.start])) + 1
    found = f"Byte {error.start} is 0x{data[error.start]:02X}, which is not {encoding}"
    hint = 'Save it as "CSV UTF-8", or declare encoding = "cp1252" under [tables] in instance.toml'
    return refuse("encoding", found, f"Text in {encoding}", hint, file=file, row=row)


def _delimiter(first: str, known: Iterable[str]) -> str:
    """The delimiter by which the first line holds most headers that are known, then most fields."""
    names = {_plain(name) for name in known}

    def score(delimiter: str) -> tuple[int, int]:
        fields = [_plain(field) for field in first.split(delimiter)]
        return sum(field in names for field in fields), len(fields)

    return max(DELIMITERS, key=score)


def _plain(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", header.casefold())


def _records(data: bytes, file: str, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins; lines that are all blank are passed over."""
    # Decoded again bit by bit, because a whole text in StringIO takes four bytes a character.
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=_codec(encoding), newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 0
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _broken_quote(file, line + 1, str(error)) from None
        if any(field and not field.isspace() for field in record):
            yield line + 1, record
        line = reader.line_num


def _broken_quote(file: str, row: int, reason: str) -> InputError:
    if "field larger" in reason:
        found, code = "A cell that does not end within 131,072 characters", "cell-too-long"
    elif "unexpected end" in reason:
        found, code = "A quote that opens here is never closed", "unclosed-quote"
    else:
        found, code = f"A quote in the wrong place ({reason})", "stray-quote"
    allowed = f"Cells of at most {MAX_CELL:,} characters, quotes in pairs"
    return refuse(code, found, allowed, 'A quote inside a quoted cell is written twice: ""', file=file, row=row)


def _check_header(header: list[str], delimiter: str, file: str, first: str) -> None:
    if not header:
        raise refuse("empty-file", "The file holds no header", "A header row", file=file)
    if len(header) > MAX_COLUMNS:
        found = f"{len(header):,} columns"
        raise refuse(
            "too-many-columns", found, f"At most {MAX_COLUMNS} columns", "Leave out what is not used", file=file
        )
    if len(header) == 1:
        better = next((d for d in DELIMITERS if d != delimiter and d in first), "")
        hint = f'Declare delimiter = "{better}" under [tables] in instance.toml' if better else ""
        found = f"Only one column, {shown(header[0])}, with the delimiter {delimiter!r}"
        raise refuse("one-column", found, "Columns separated by a delimiter", hint, file=file, row=1)


def _body(records: Iterator[tuple[int, list[str]]], file: str, width: int) -> tuple[list[int], list[list[str]]]:
    rows: list[int] = []
    cells: list[list[str]] = []
    findings: list[Finding] = []
    for row, record in records:
        if len(rows) == MAX_ROWS:
            found, hint = f"More than {MAX_ROWS:,} rows", "Solve the regions one by one"
            raise refuse("too-many-rows", found, f"At most {MAX_ROWS:,} rows", hint, file=file)
        rows.append(row)
        cells.append(record)
        if len(record) != width:
            findings.append(_wrong_width(file, row, len(record), width))
        elif max(map(len, record)) > MAX_CELL:
            found = f"A cell of {max(map(len, record)):,} characters"
            findings.append(Finding("cell-too-long", found, f"At most {MAX_CELL:,} characters", file=file, row=row))
    if findings:
        raise InputError(findings)
    return rows, cells


def _wrong_width(file: str, row: int, found: int, width: int) -> Finding:
    code = "row-too-long" if found > width else "row-too-short"
    hint = "Put a cell that holds the delimiter in quotes" if found > width else "Is a cell missing?"
    return Finding(code, f"{found} cells", f"{width} cells, as in the header", hint, file=file, row=row)
