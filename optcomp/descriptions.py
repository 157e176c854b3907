"""The tables of an instance in words: one row a column, for the reference page and for what `optcomp init` writes."""

from __future__ import annotations

from dataclasses import dataclass

from optcomp.tables import Column, Table

_KINDS = {
    "id": "id",
    "text": "text",
    "number": "number",
    "integer": "whole number",
    "share": "share, also as 12 %",
    "date": "date, 2027-03-31",
    "flag": "true or false",
    "list": "texts, separated by ;",
    "choice": "one of several",
}


@dataclass(frozen=True, slots=True)
class ColumnText:
    """One column in words; `empty` says what an empty cell means."""

    name: str
    description: str
    kind: str
    unit: str
    allowed: str
    empty: str
    example: str


def column_texts(table: Table) -> tuple[ColumnText, ...]:
    """Every column of a table, in its order."""
    return tuple(
        ColumnText(c.name, c.description, _KINDS[c.kind], c.unit, allowed(c), empty(table, c), c.example)
        for c in table.columns
    )


def allowed(column: Column) -> str:
    """What may stand in a cell, beyond its kind."""
    if column.allowed:
        return ", ".join(column.allowed)
    if column.references:
        return "a segment of the settings" if column.references == "segments" else f"an id in {column.references}"
    return column.range_text.replace("e+", "e")


def empty(table: Table, column: Column) -> str:
    """What an empty cell means."""
    if column.required:
        return "not allowed"
    if "empty means" in column.description:
        return "as described"
    default = table.default(column.name)
    if default is None or default in ("", ()):
        return "nothing known"
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


def title(table: Table) -> str:
    """The table in one line: what it holds, and whether it must be there."""
    need = "Required" if table.required else "Optional"
    return f"{table.description} {need}; one row for each {' and '.join(table.key)}."
