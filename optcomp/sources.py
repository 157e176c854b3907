"""Where an instance lies: a folder of files or one workbook, and which file is which table."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Protocol

from optcomp.cells import shown
from optcomp.errors import Finding, OutputError
from optcomp.headers import did_you_mean
from optcomp.tables import Table, TableName
from optcomp.tabular.parquet import read_parquet
from optcomp.tabular.raw import MAX_FILE_BYTES, Dialect, RawTable, refuse
from optcomp.tabular.text import read_csv
from optcomp.tabular.workbook import Workbook, kind_of_file, open_workbook, read_settings, read_sheet
from optcomp.toml_text import Document, parse_toml

SETTINGS_FILE = "instance.toml"
_OUR_FILES = (SETTINGS_FILE, "accounts.csv", "csms.csv", "pairs.csv")
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet")
_NEEDED = f"A folder with {SETTINGS_FILE}, accounts.csv and csms.csv, or one .xlsx workbook with these as sheets"
_INIT = "`optcomp init DIR` writes a template that solves as it stands"


class Source(Protocol):
    """Something that an instance can be read from."""

    def document(self) -> Document:
        """The settings."""

    def table(self, table: Table, files: Mapping[TableName, str], dialect: Dialect) -> RawTable | None:
        """One table as it stands, or None where it is optional and not there."""

    def files(self, files: Mapping[TableName, str]) -> list[Path]:
        """The files that are read."""

    def warnings(self, files: Mapping[TableName, str]) -> list[Finding]:
        """What is doubtful about the files themselves."""


def open_source(path: Path) -> Source:
    """The folder or workbook at the path.

    Raises
    ------
    InputError
        When there is neither.
    """
    if not path.exists():
        raise refuse("no-such-path", "There is no such file or folder", _NEEDED, _INIT, file=str(path))
    if path.is_dir():
        return Folder(path)
    if path.name == SETTINGS_FILE:
        raise refuse("not-a-folder", "This is a file", _NEEDED, f"Name its folder: {path.parent}", file=str(path))
    data = read_bytes(path, path.name)
    if path.suffix.casefold() == ".xlsx":
        return WorkbookSource(path, open_workbook(data, path.name))
    raise refuse("wrong-file-type", f"This is {kind_of_file(data, path.suffix)}", _NEEDED, _INIT, file=path.name)


def read_bytes(path: Path, file: str) -> bytes:
    """The content of a regular file of at most `MAX_FILE_BYTES`.

    Raises
    ------
    InputError
        When it is a folder, a device, a pipe, or too large.
    """
    # A pipe would block for ever, so it is looked at before it is opened.
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise refuse("not-a-file", "This is not a regular file", "A file", file=file)
    if info.st_size > MAX_FILE_BYTES:
        found, hint = f"{info.st_size:,} bytes", "Leave out columns, or solve the regions one by one"
        raise refuse("file-too-large", found, f"At most {MAX_FILE_BYTES:,} bytes", hint, file=file)
    return path.read_bytes()


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Says which file the operating system would not give.

    Raises
    ------
    OutputError
        Where it would not.
    """
    try:
        yield
    except OSError as error:
        name = error.filename or path
        raise OutputError(f"{name}: cannot be read ({error.strerror}). Check the permissions.") from None


@dataclass(frozen=True, slots=True)
class Folder:
    """An instance folder."""

    path: Path

    def document(self) -> Document:
        """`instance.toml`."""
        path = self.path / SETTINGS_FILE
        if not path.exists():
            names = ", ".join(sorted(p.name for p in self.path.iterdir())[:8]) or "nothing"
            found = f"{SETTINGS_FILE} is missing; the folder holds {names}"
            raise refuse("missing-file", found, _NEEDED, _INIT, file=str(self.path))
        self._check_inside(path)
        return parse_toml(read_bytes(path, SETTINGS_FILE), SETTINGS_FILE)

    def table(self, table: Table, files: Mapping[TableName, str], dialect: Dialect) -> RawTable | None:
        """One table, from CSV or Parquet."""
        path = self._file(table.name, files.get(table.name, ""))
        if path is None:
            if not table.required:
                return None
            found = f"{table.name}.csv is missing ({table.description.rstrip('.')})"
            others = sorted(p.name for p in self.path.iterdir() if p.name not in _OUR_FILES)
            hint = did_you_mean(f"{table.name}.csv", others) or _INIT
            raise refuse("missing-file", found, _NEEDED, hint, file=f"{table.name}.csv")
        file = path.relative_to(self.path).as_posix()
        data = read_bytes(path, file)
        if path.suffix.casefold() == ".parquet":
            return read_parquet(data, file)
        known = [name for column in table.columns for name in (column.name, *column.aliases)]
        return read_csv(data, file, known, dialect=dialect)

    def files(self, files: Mapping[TableName, str]) -> list[Path]:
        """`instance.toml` and the tables that are there."""
        names: tuple[TableName, ...] = ("accounts", "csms", "pairs")
        tables = [self._file(name, files.get(name, "")) for name in names]
        return [self.path / SETTINGS_FILE, *(path for path in tables if path is not None)]

    def warnings(self, files: Mapping[TableName, str]) -> list[Finding]:
        """Salaries that everybody on this machine can read."""
        path = self._file("csms", files.get("csms", ""))
        return readable_by_all(path) if path is not None and path.exists() else []

    def _file(self, name: TableName, declared: str) -> Path | None:
        if declared:
            return self._declared(name, declared)
        here = [p for p in (self.path / f"{name}.csv", self.path / f"{name}.parquet") if p.exists()]
        if len(here) > 1:
            found, hint = f"{name} stands in {here[0].name} and {here[1].name}", f"Name one under [tables]: {name} = …"
            raise refuse("two-files", found, "One file for each table", hint, file=SETTINGS_FILE)
        if here:
            self._check_inside(here[0])
        return here[0] if here else None

    def _declared(self, name: TableName, declared: str) -> Path:
        path = self.path / declared
        parts = (*PurePosixPath(declared).parts, *PureWindowsPath(declared).parts)
        absolute = PurePosixPath(declared).is_absolute() or PureWindowsPath(declared).drive or declared.startswith("\\")
        if absolute or ".." in parts or "\0" in declared:
            found = f"[tables] names {shown(declared)} for {name}"
            raise refuse("outside-folder", found, "A file inside the instance folder", file=SETTINGS_FILE)
        if path.suffix.casefold() not in _SUFFIXES:
            found = f"[tables] names {shown(declared)} for {name}"
            raise refuse("wrong-file-type", found, f"A file that ends in {', '.join(_SUFFIXES)}", file=SETTINGS_FILE)
        if not path.exists():
            found = f"[tables] names {shown(declared)} for {name}, which does not exist"
            raise refuse("missing-file", found, "A file inside the instance folder", file=SETTINGS_FILE)
        self._check_inside(path)
        return path

    def _check_inside(self, path: Path) -> None:
        if not path.resolve().is_relative_to(self.path.resolve()):
            found = f"{path.name} leads out of the instance folder"
            raise refuse("outside-folder", found, "A file inside it", "Copy the file here", file=path.name)


@dataclass(frozen=True, slots=True)
class WorkbookSource:
    """One .xlsx workbook."""

    path: Path
    book: Workbook

    def document(self) -> Document:
        """The sheet `instance`."""
        return read_settings(self.book)

    def table(self, table: Table, files: Mapping[TableName, str], dialect: Dialect) -> RawTable | None:
        """The sheet that has the table's name."""
        sheet = table.name.rpartition("/")[2]  # a sheet's name may not hold a slash
        if not self.book.has(sheet):
            if not table.required:
                return None
            found, hint = f"The sheet {sheet} is missing", did_you_mean(sheet, self.book.sheets) or _INIT
            raise refuse("missing-sheet", found, _NEEDED, hint, file=self.path.name)
        return read_sheet(self.book, sheet)

    def files(self, files: Mapping[TableName, str]) -> list[Path]:
        """The workbook."""
        return [self.path]

    def warnings(self, files: Mapping[TableName, str]) -> list[Finding]:
        """Salaries that everybody on this machine can read."""
        return readable_by_all(self.path)


def readable_by_all(path: Path) -> list[Finding]:
    """A warning where other users of the machine can read the file."""
    if os.name != "posix" or not path.stat().st_mode & stat.S_IROTH or not path.parent.stat().st_mode & stat.S_IXOTH:
        return []
    found, hint = "Every user of this machine can read these salaries", f"chmod o-r {path.name}"
    return [Finding("world-readable", found, "", hint, file=path.name, severity="warning")]
