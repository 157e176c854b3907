"""Excel in: one sheet is one table; what Excel hides or never computed is said."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import python_calamine as calamine

from optcomp.cells import shown
from optcomp.errors import Finding, InputError
from optcomp.tabular.archive import Archive, open_archive
from optcomp.tabular.raw import MAX_CELL, MAX_COLUMNS, MAX_ROWS, RawTable, refuse
from optcomp.tabular.sheet import SheetFacts, cell_name, extent, sheet_facts, sheet_part
from optcomp.toml_text import Document, lay_over, literal, parse_path

SETTINGS_SHEET = "instance"
# A million rows of twenty columns, about 1 GB in the reader.
_MAX_CELLS = 20_000_000
_ALLOWED = "An .xlsx workbook"


@dataclass(frozen=True, slots=True)
class Workbook:
    """An opened workbook; `sheets` maps the names without case to the names as written."""

    file: str
    archive: Archive
    book: calamine.CalamineWorkbook
    sheets: Mapping[str, str]

    def has(self, name: str) -> bool:
        """There is a sheet of this name, whatever its case."""
        return name.casefold() in self.sheets


def kind_of_file(data: bytes, suffix: str) -> str:
    """What a file is by its first bytes, in words."""
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        is_locked = "EncryptedPackage".encode("utf-16-le") in data
        return "a workbook with a password" if is_locked else "an old Excel workbook (.xls)"
    if data.startswith(b"PK"):
        return "an Excel workbook or another zip archive"
    if data.startswith(b"PAR1"):
        return "a Parquet file"
    if b"\0" not in data[:4096]:
        return "text, perhaps CSV"
    return f"a file of unknown kind ({suffix or 'no ending'})"


def open_workbook(data: bytes, file: str) -> Workbook:
    """The workbook, after its archive was checked.

    Raises
    ------
    InputError
        When it is something else (the message says what) or hostile.
    """
    if not data.startswith(b"PK\x03\x04"):
        hint = "Take the password off" if b"E\0n\0c\0r\0y\0p\0t\0e\0d" in data else "Save it as .xlsx"
        found = "The file is empty" if not data else f"The file is {kind_of_file(data, '.xlsx')}"
        raise refuse("wrong-file-type", found, _ALLOWED, hint, file=file)
    archive = open_archive(data, file)
    try:
        book = calamine.load_workbook(io.BytesIO(data))
    except calamine.CalamineError as error:
        raise _broken(file, error) from None
    return Workbook(file, archive, book, {name.casefold(): name for name in book.sheet_names})


def _broken(file: str, error: Exception) -> InputError:
    return refuse(
        "broken-workbook", f"The workbook cannot be read ({str(error)[:80]})", _ALLOWED, "Save it again", file=file
    )


def read_sheet(workbook: Workbook, name: str) -> RawTable:
    """The table on a sheet: the first row with a cell is the header.

    Raises
    ------
    InputError
        For merged cells, formulas that were never computed, error cells, cells outside the table.
    """
    file, grid = _grid(workbook, name)
    facts = sheet_facts(workbook.archive, sheet_part(workbook.archive, workbook.sheets[name]))
    start = next((i for i, row in enumerate(grid) if any(cell is not None for cell in row)), None)
    if start is None:
        raise refuse("empty-file", "The sheet is empty", "A header row and one row for each record", file=file)
    width = max(i + 1 for row in grid[start:] for i, cell in enumerate(row) if cell is not None)
    findings = [*_bad_cells(grid, facts, file), *_merged(workbook, name, file)]
    if findings:
        raise InputError(findings)
    body = [(i + 1, row[:width]) for i, row in enumerate(grid) if i > start and any(c is not None for c in row)]
    columns = tuple(zip(*(row for _, row in body), strict=True)) if body else tuple(() for _ in range(width))
    headers = tuple("" if cell is None else str(cell) for cell in grid[start][:width])
    warnings = _hidden(workbook, name, facts, file)
    rows = tuple(number for number, _ in body)
    return RawTable(file, headers, rows, columns, is_typed=True, header_row=start + 1, warnings=warnings)


def _grid(workbook: Workbook, name: str) -> tuple[str, list[list[object]]]:
    """Every cell of a sheet from A1 on; empty ones are None."""
    file = f"{workbook.file}, sheet {workbook.sheets[name]}"
    _check_extent(workbook, name, file)
    try:
        sheet = workbook.book.get_sheet_by_name(workbook.sheets[name])
    except calamine.CalamineError as error:
        raise _broken(file, error) from None
    return file, [[_cell(c) for c in row] for row in sheet.to_python(skip_empty_area=False)]


def _check_extent(workbook: Workbook, name: str, file: str) -> None:
    """The reader makes room for every cell up to the last one, so one cell far away takes all memory."""
    rows, columns = extent(workbook.archive, sheet_part(workbook.archive, workbook.sheets[name]))
    if columns > MAX_COLUMNS:
        found = f"A cell in column {columns:,}"
        raise refuse(
            "too-many-columns", found, f"At most {MAX_COLUMNS} columns", "Leave out what is not used", file=file
        )
    if rows > MAX_ROWS or rows * columns > _MAX_CELLS:
        found, hint = f"{rows:,} rows and {columns:,} columns", "Delete what stands far below the table"
        raise refuse("too-many-rows", found, f"At most {MAX_ROWS:,} rows and {_MAX_CELLS:,} cells", hint, file=file)


def _cell(content: object) -> object:
    if content == "":
        return None
    if isinstance(content, time | timedelta):
        return str(content)
    return content


def _bad_cells(grid: list[list[object]], facts: SheetFacts, file: str) -> list[Finding]:
    findings = [
        Finding("cell-too-long", f"{len(cell):,} characters", f"At most {MAX_CELL:,}", file=file, row=i + 1)
        for i, row in enumerate(grid)
        for cell in row
        if isinstance(cell, str) and len(cell) > MAX_CELL
    ]
    hint = "Mend the formula and save again"
    for name, row_number in facts.errors:
        found = f"{name} holds an error such as #REF!"
        findings.append(Finding("error-cell", found, "A value", hint, file=file, row=row_number))
    hint = "Open the workbook in Excel, let it compute, and save"
    for name, row_number in facts.uncomputed:
        found = f"{name} holds a formula without a value"
        findings.append(Finding("uncomputed-formula", found, "A value", hint, file=file, row=row_number))
    return findings


def _merged(workbook: Workbook, name: str, file: str) -> list[Finding]:
    ranges = workbook.book.get_sheet_by_name(workbook.sheets[name]).merged_cell_ranges or []
    return [
        Finding(
            "merged-cells", f"{cell_name(*first)}:{cell_name(*last)} are merged", "One value in each cell",
            "Unmerge them and fill in each cell", file=file, row=first[0] + 1,
        )
        for first, last in ranges
    ]  # fmt: skip


def _hidden(workbook: Workbook, name: str, facts: SheetFacts, file: str) -> tuple[Finding, ...]:
    sheet = next(s for s in workbook.book.sheets_metadata if s.name == workbook.sheets[name])
    found = []
    if sheet.visible != calamine.SheetVisibleEnum.Visible:
        found.append("The sheet is hidden and was read")
    if facts.hidden_rows:
        found.append(f"{len(facts.hidden_rows)} hidden rows were read, the first is row {facts.hidden_rows[0]}")
    if facts.hidden_columns:
        found.append(f"Hidden columns were read: {', '.join(facts.hidden_columns[:5])}")
    return tuple(
        Finding("hidden", text, "", "Delete what should not count", file=file, severity="warning") for text in found
    )


def read_settings(workbook: Workbook) -> Document:
    """The settings on the sheet `instance`: dotted keys in the first column, values in the second.

    Raises
    ------
    InputError
        When the sheet is missing, or for every key that cannot be placed.
    """
    if not workbook.has(SETTINGS_SHEET):
        names = ", ".join(shown(s) for s in workbook.sheets.values())
        found = f"The sheet {SETTINGS_SHEET} is missing; there are {names}"
        raise refuse("missing-sheet", found, "Sheets instance, accounts, csms", file=workbook.file)
    file, grid = _grid(workbook, SETTINGS_SHEET)
    document = Document(file, {})
    findings: list[Finding] = []
    for i, row in enumerate(grid):
        key, value = (*row, None, None)[:2]
        if key is None or value is None or (i == 0 and str(key).casefold() == "key"):
            continue
        path = parse_path(str(key))
        problem = lay_over(document.data, path, _setting(value)) if path else "it is not a key"
        if path in document.places:
            problem = f"it stands in row {document.places[path][1]} too"
        if problem:
            found = f"{shown(str(key))} cannot be used: {problem}"
            findings.append(Finding("bad-key", found, "A key such as budget.pay", file=file, row=i + 1))
        document.places[path] = (file, i + 1)
    if findings:
        raise InputError(findings)
    return document


def _setting(value: object) -> object:
    """A cell of the settings: whole numbers are integers, text that is a TOML value counts as that value."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, bool | date):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, str):
        return value
    try:
        return literal(value.strip())
    except ValueError:
        return value.strip()
