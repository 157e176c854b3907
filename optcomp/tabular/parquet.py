"""Parquet in, through the optional pyarrow: plain columns exactly as they are, anything nested refused."""

from __future__ import annotations

import io
from types import ModuleType
from typing import Any

from optcomp.cells import shown
from optcomp.errors import Finding, InputError
from optcomp.tabular.raw import MAX_COLUMNS, MAX_ROWS, RawTable, refuse

# What the file may become in memory; the compressed file says so itself and is not believed beyond this.
_MAX_INFLATED = 2_000_000_000


def read_parquet(data: bytes, file: str) -> RawTable:
    """The table in the bytes of a Parquet file; row 1 is the first record, as there is no header row.

    Raises
    ------
    InputError
        When pyarrow is not installed, the file is broken or too large, or a column is nested.
    """
    pyarrow = _pyarrow(file)
    import pyarrow.parquet as parquet  # optional and slow to load

    try:
        stored = parquet.ParquetFile(io.BytesIO(data))
        _check_size(stored.metadata, file)
        table = stored.read()
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0][:120]
        hint = "Write it again; it may be cut short"
        raise refuse(
            "broken-parquet", f"The file cannot be read ({reason})", "A Parquet file", hint, file=file
        ) from None
    findings = [f for field in table.schema if (f := _refused(pyarrow, field, file))]
    if findings:
        raise InputError(findings)
    columns = tuple(_cells(pyarrow, table.column(i)) for i in range(table.num_columns))
    rows = tuple(range(1, table.num_rows + 1))
    return RawTable(file, tuple(table.column_names), rows, columns, is_typed=True, header_row=0)


def _pyarrow(file: str) -> ModuleType:
    try:
        import pyarrow  # optional: 170 MB that most users never need

        module: ModuleType = pyarrow
    except ImportError:
        hint = "pip install 'optcomp[parquet]', or write the table as CSV"
        raise refuse("no-pyarrow", "Parquet needs pyarrow, which is not installed", "", hint, file=file) from None
    return module


def _check_size(metadata: Any, file: str) -> None:
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    if metadata.num_rows > MAX_ROWS:
        found, hint = f"{metadata.num_rows:,} rows", "Solve the regions one by one"
        raise refuse("too-many-rows", found, f"At most {MAX_ROWS:,} rows", hint, file=file)
    if metadata.num_columns > MAX_COLUMNS:
        found, hint = f"{metadata.num_columns:,} columns", "Leave out what is not used"
        raise refuse("too-many-columns", found, f"At most {MAX_COLUMNS} columns", hint, file=file)
    if size > _MAX_INFLATED:
        raise refuse("file-too-large", f"{size:,} bytes inflated", f"At most {_MAX_INFLATED:,} bytes", file=file)


def _plain_type(pyarrow: Any, kind: Any) -> Any:
    return kind.value_type if pyarrow.types.is_dictionary(kind) else kind


def _refused(pyarrow: Any, field: Any, file: str) -> Finding | None:
    """A finding for a column whose cells are not numbers, dates, texts or yes and no."""
    types, kind = pyarrow.types, _plain_type(pyarrow, field.type)
    is_plain = (
        types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
        or types.is_date(kind) or types.is_timestamp(kind) or types.is_null(kind)
    )  # fmt: skip
    if is_plain:
        return None
    found = f"The column {shown(field.name)} holds {str(field.type)[:60]}"
    allowed = "Numbers, dates, texts, yes or no"
    return Finding("nested-column", found, allowed, "Cast it to text before writing", file=file, column=field.name)


def _cells(pyarrow: Any, column: Any) -> tuple[object, ...]:
    """Python values; microseconds are as fine as they get, because a day is all that is used."""
    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns":
        column = column.cast(pyarrow.timestamp("us", tz=column.type.tz), safe=False)
    return tuple(column.to_pylist())
