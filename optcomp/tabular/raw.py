"""A table as it stands in its file, before anything is checked, and how files are to be read."""

from __future__ import annotations

from dataclasses import dataclass

from optcomp.errors import Finding, InputError

# Measured with 21 columns: 100,000 rows take 2.5 s and 0.15 GB, this many 42 s and 1.8 GB; ten times more would swap.
MAX_ROWS = 1_000_000
# Ours have 22 columns at most; an export of a whole CRM object with more than this should be cut before it is read.
MAX_COLUMNS = 200
# What one cell of Excel holds. Longer ones are files gone wrong, mostly an unclosed quote.
MAX_CELL = 32_767
# Files are read whole. Larger ones would take several times this in memory.
MAX_FILE_BYTES = 250_000_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the tables of an instance are written; empty means "find out" or the plain form.

    decimal, thousands : the characters in numbers; thousands "" means that numbers are not grouped
    date_format : made of DD, MM and YYYY, for example ``DD.MM.YYYY``
    """

    encoding: str = "utf-8"
    delimiter: str = ""
    decimal: str = "."
    thousands: str = ""
    date_format: str = "YYYY-MM-DD"


@dataclass(frozen=True, slots=True)
class RawTable:
    """Headers and cells as found.

    file : how messages name it, e.g. ``accounts.csv`` or ``team.xlsx, sheet accounts``
    header_row : row of the headers, as the user's editor counts it
    rows : the row of each record, as the user's editor counts it
    columns : the cells of each header, all as long as `rows`
    is_typed : cells have types (Excel, Parquet), so a number kept as text is worth a warning
    """

    file: str
    headers: tuple[str, ...]
    rows: tuple[int, ...]
    columns: tuple[tuple[object, ...], ...]
    is_typed: bool = False
    header_row: int = 1
    warnings: tuple[Finding, ...] = ()


def refuse(code: str, found: str, allowed: str, hint: str = "", *, file: str, row: int | None = None) -> InputError:
    """The error for a file that cannot be read on."""
    return InputError(Finding(code, found, allowed, hint, file=file, row=row))
