"""The template as one .xlsx workbook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter

from optcomp.descriptions import column_texts
from optcomp.tables import TABLES, Column, Table
from optcomp.tabular.workbook import SETTINGS_SHEET
from optcomp.template_rows import Setting, Value

# Text must stay text: a name that begins with `=` is no formula, and an id of digits is no number.
_OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
# The same workbook byte for byte, whenever it is written.
_CREATED = datetime(2026, 1, 1)
COLUMNS_SHEET = "columns"
_WIDEST = 60


def write_workbook(path: Path, settings: Sequence[Setting], rows: Mapping[str, Sequence[dict[str, str]]]) -> None:
    """Settings, tables, and a sheet that explains the columns; every cell has its type."""
    with xlsxwriter.Workbook(path, _OPTIONS) as book:
        book.set_properties({"created": _CREATED})
        styles = {
            "head": book.add_format({"bold": True, "bottom": 1}),
            "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "text": book.add_format({"num_format": "@"}),
            "": None,
        }
        _settings_sheet(book.add_worksheet(SETTINGS_SHEET), settings, styles)
        for name, table in TABLES.items():
            _table_sheet(book.add_worksheet(name), table, rows[name], styles)
        _columns_sheet(book.add_worksheet(COLUMNS_SHEET), styles)


def _settings_sheet(sheet: Any, settings: Sequence[Setting], styles: Mapping[str, Any]) -> None:
    _header(sheet, ["key", "value", "what it is (not read)"], [34, 40, _WIDEST], styles)
    for i, setting in enumerate(settings, start=1):
        value = _in_one_cell(setting.value)
        sheet.write(i, 0, setting.key)
        sheet.write(i, 1, value, styles["date" if isinstance(value, date) else ""])
        sheet.write(i, 2, setting.comment)


def _in_one_cell(value: Value) -> str | float | int | date:
    if not isinstance(value, tuple):
        return value
    return "[" + ", ".join(f'"{part}"' if isinstance(part, str) else repr(part) for part in value) + "]"


def _table_sheet(sheet: Any, table: Table, rows: Sequence[dict[str, str]], styles: Mapping[str, Any]) -> None:
    widths = [max(len(text) for text in (c.name, *(row.get(c.name, "") for row in rows))) + 2 for c in table.columns]
    _header(sheet, [c.name for c in table.columns], widths, styles)
    for k, column in enumerate(table.columns):
        style = styles["date" if column.kind == "date" else "text" if column.kind in ("id", "text", "list") else ""]
        for i, row in enumerate(rows, start=1):
            if column.name in row:
                sheet.write(i, k, typed(column, row[column.name]), style)
        if column.allowed:
            # For rows that are still to come as well.
            sheet.data_validation(1, k, 1000, k, {"validate": "list", "source": list(column.allowed)})


def typed(column: Column, cell: str) -> str | float | bool | date:
    """The cell as a spreadsheet should hold it."""
    if column.kind in ("number", "integer", "share"):
        return float(cell)
    if column.kind == "date":
        return date.fromisoformat(cell)
    return cell == "true" if column.kind == "flag" else cell


def _columns_sheet(sheet: Any, styles: Mapping[str, Any]) -> None:
    header = ["sheet", "column", "what it is", "kind", "unit", "allowed", "empty means", "example"]
    _header(sheet, header, [10, 20, _WIDEST, 22, 14, 34, 16, 20], styles)
    texts = [(name, c) for name, table in TABLES.items() for c in column_texts(table)]
    for i, (name, c) in enumerate(texts, start=1):
        cells = (name, c.name, c.description, c.kind, c.unit, c.allowed, c.empty, c.example)
        for k, cell in enumerate(cells):
            sheet.write_string(i, k, cell)


def _header(sheet: Any, names: Sequence[str], widths: Sequence[int], styles: Mapping[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    for k, (name, width) in enumerate(zip(names, widths, strict=True)):
        sheet.set_column(k, k, min(width, _WIDEST))
        sheet.write_string(0, k, name, styles["head"])
