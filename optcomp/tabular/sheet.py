"""What calamine does not tell of a sheet: formulas without a value, hidden rows and columns. Read from its XML."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from xml.etree import ElementTree

from optcomp.tabular.archive import Archive
from optcomp.tabular.raw import refuse

_NAMESPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """uncomputed, errors : name and row of each cell with a formula and no value, and with an error such as #REF!."""

    uncomputed: tuple[tuple[str, int], ...] = ()
    errors: tuple[tuple[str, int], ...] = ()
    hidden_rows: tuple[int, ...] = ()
    hidden_columns: tuple[str, ...] = ()


def cell_name(row: int, column: int) -> str:
    """For example ``B5`` for row 4, column 1, both counted from 0."""
    return f"{_letters(column)}{row + 1}"


def _letters(column: int) -> str:
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def sheet_part(archive: Archive, name: str) -> str:
    """Which part of the archive holds the sheet."""
    book = _parse(archive, "xl/workbook.xml")
    links = _parse(archive, "xl/_rels/workbook.xml.rels")
    if book is None or links is None:
        return ""
    link = next((s.get(_RELATION) for s in book.iter(f"{_NAMESPACE}sheet") if s.get("name") == name), None)
    target = next((r.get("Target", "") for r in links if r.get("Id") == link), "")
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\br\s*=\s*[\"']([A-Z]{1,3})([0-9]{1,10})[\"'][^>]*>")


def extent(archive: Archive, part: str) -> tuple[int, int]:
    """Rows and columns from A1 to the last cell that is not blank."""
    rows, columns = 0, set()
    for match in _CELL.finditer(archive.part(part)):
        if not match[0].endswith(b"/>"):
            rows = max(rows, int(match[2]))
            columns.add(match[1])
    return rows, max((_number(letters) for letters in columns), default=0)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - ord("A") + 1
    return number


def _parse(archive: Archive, part: str) -> ElementTree.Element | None:
    text = archive.part(part)
    try:
        # Safe with the standard parser: archives with document types or entities were refused before.
        return ElementTree.fromstring(text) if text else None
    except ElementTree.ParseError as error:
        raise refuse(
            "broken-workbook", f"{part} is not XML ({error})", "An .xlsx workbook", file=archive.file
        ) from None


def sheet_facts(archive: Archive, part: str) -> SheetFacts:
    """The facts; the XML is only walked through when it holds a formula or something hidden."""
    text = archive.part(part)
    if not re.search(rb"<(?:\w+:)?f[ >/]|hidden=|t=[\"']e[\"']", text):
        return SheetFacts()
    uncomputed: list[tuple[str, int]] = []
    errors: list[tuple[str, int]] = []
    rows: list[int] = []
    columns: list[str] = []
    try:
        for _, element in ElementTree.iterparse(io.BytesIO(text)):
            tag = element.tag.removeprefix(_NAMESPACE)
            is_hidden = element.get("hidden") in ("1", "true")
            if tag == "c" and element.get("t") == "e":
                errors.append(_place(element))
            elif tag == "c" and element.find(f"{_NAMESPACE}f") is not None and not _value(element):
                uncomputed.append(_place(element))
            elif tag == "row":
                rows += [int(element.get("r", "0"))] if is_hidden else []
                element.clear()
            elif tag == "col" and is_hidden:
                columns.append(_letters(int(element.get("min", "1")) - 1))
    except (ElementTree.ParseError, ValueError) as error:
        found = f"A sheet is not XML ({str(error)[:60]})"
        raise refuse("broken-workbook", found, "An .xlsx workbook", file=archive.file) from None
    return SheetFacts(tuple(uncomputed), tuple(errors), tuple(rows), tuple(columns))


def _place(cell: ElementTree.Element) -> tuple[str, int]:
    name = cell.get("r", "")
    return name, int(re.sub(r"\D", "", name) or 0)


def _value(cell: ElementTree.Element) -> str:
    value = cell.find(f"{_NAMESPACE}v")
    return (value.text or "") if value is not None else ""
