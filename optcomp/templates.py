"""Templates of an instance: a folder or a workbook that solves as it stands, laid out by the description of the tables.

The header, the kinds of cells and the explanations all come from `tables`; the example itself from `template_rows`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from optcomp.descriptions import column_texts, title
from optcomp.errors import OutputError
from optcomp.sources import SETTINGS_FILE
from optcomp.tables import TABLES, Table
from optcomp.template_rows import ROWS, SETTINGS, Setting, Value
from optcomp.template_workbook import write_workbook

README = "README.md"


def write_template_folder(path: Path) -> list[Path]:
    """A new folder with settings, tables and a README, private to the user; its files, in the order of their names.

    Raises
    ------
    OutputError
        When something is there already, or the folder cannot be written. Nothing is left behind then.
    """
    texts = {SETTINGS_FILE: settings_toml(SETTINGS), README: readme()}
    texts |= {f"{table.name}.csv": table_csv(table, example_rows(table)) for table in TABLES.values()}
    with _new(path) as scratch:
        for name, text in texts.items():
            _write_private(scratch / name, text.encode())
    return [path / name for name in sorted(texts)]


def write_template_workbook(path: Path) -> list[Path]:
    """A new folder with one workbook: a sheet for the settings, one for each table, and one that explains the columns.

    Raises
    ------
    OutputError
        When something is there already, or the folder cannot be written. Nothing is left behind then.
    """
    name = f"{path.resolve().name}.xlsx"
    with _new(path) as scratch:
        _write_private(scratch / name, b"")
        write_workbook(scratch / name, SETTINGS, {name: example_rows(table) for name, table in TABLES.items()})
    return [path / name]


@contextmanager
def _new(path: Path) -> Iterator[Path]:
    """A private folder that takes the path's place when everything in it is written."""
    try:
        if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
            raise OutputError(f"{path} exists already and is not an empty folder. Name another place.")
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".optcomp-", dir=path.parent) as folder:
            scratch = Path(folder) / "new"
            scratch.mkdir(mode=0o700)
            yield scratch
            os.replace(scratch, path)
    except OSError as error:
        raise OutputError(f"{path} cannot be written ({error.strerror}). Check permissions and space.") from None


def _write_private(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def example_rows(table: Table) -> list[dict[str, str]]:
    """The example's rows of a table, by column; what the example leaves open is not there."""
    rows = csv.DictReader(io.StringIO(ROWS[table.name]), delimiter="|")
    return [{name: cell for name, cell in row.items() if cell} for row in rows]


def table_csv(table: Table, rows: Sequence[dict[str, str]]) -> str:
    """The rows under the header of all columns."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [column.name for column in table.columns], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def settings_toml(settings: Sequence[Setting]) -> str:
    """The settings as commented TOML, in the order given."""
    lines = [
        "# Settings of one planning problem. `optcomp check` says what is wrong with it, all at once.",
        "# There are more keys, all with a default: see the reference of instance.toml.",
        "",
    ]
    table = ""
    for setting in settings:
        above, _, key = setting.key.rpartition(".")
        if above != table:
            lines += ["", f"[{above}]"]
            table = above
        lines += [f"# {setting.comment}", f"{key} = {toml_value(setting.value)}"]
    return "\n".join(lines) + "\n"


def toml_value(value: Value) -> str:
    """A value as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(part) for part in value)}]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def readme() -> str:
    """What each file and each column of the template is."""
    lines = ["# An instance of optcomp", ""]
    lines += [
        "The companies and people in it do not exist. Replace the rows by your own, keep the headers, and run",
        "`optcomp check` on this folder until it is content, then `optcomp solve`.",
        f"Settings are in `{SETTINGS_FILE}`, with a comment for each. Empty cells mean what the last column says.",
    ]
    for table in TABLES.values():
        lines += ["", f"## {table.name}.csv", "", title(table), "", *columns_markdown(table)]
    return "\n".join(lines) + "\n"


def columns_markdown(table: Table) -> list[str]:
    """The columns of a table as a table in Markdown."""
    lines = ["| column | what it is | kind | unit | allowed | empty means | example |", "|---|---|---|---|---|---|---|"]
    for c in column_texts(table):
        cells = (f"`{c.name}`", c.description, c.kind, c.unit, c.allowed, c.empty, c.example)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines
