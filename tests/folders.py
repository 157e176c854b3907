"""Instance folders for the tests of the data layer: valid as they stand, each test changes what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optcomp.errors import Finding, InputError
from optcomp.read import read_instance

TOML = """\
schema = "optcomp/instance/1"
name = "small"
as_of = 2026-11-01
plan_year_start = 2027-01-01
[budget]
pay = 220000
[segments.growth]
[segments.growth.today]
mix = "all-or-nothing-90"
"""
ACCOUNTS = """\
account_id,name,segment,arr,renewal_date,csm
A1,Acme,growth,1000,2027-03-31,C1
A2,Bolt,growth,2000.5,,C2
"""
CSMS = """\
csm_id,name,segment,base,variable
C1,CSM one,growth,85000,15000
C2,CSM two,growth,90000,10000
"""
Content = str | bytes | None


def write_folder(path: Path, **files: Content) -> Path:
    """An instance folder; the keyword `accounts` replaces accounts.csv, None leaves it out, `toml` is instance.toml."""
    path.mkdir(exist_ok=True)
    path.chmod(0o700)
    contents: dict[str, Content] = {"toml": TOML, "accounts": ACCOUNTS, "csms": CSMS} | files
    for name, content in contents.items():
        if content is not None:
            file = "instance.toml" if name == "toml" else f"{name}.csv"
            (path / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def errors_of(path: Path, overrides: Sequence[str] = ()) -> tuple[Finding, ...]:
    """The errors that reading raises; none when it reads."""
    try:
        read_instance(path, overrides=overrides)
    except InputError as error:
        return error.findings
    return ()


def warnings_of(path: Path) -> tuple[Finding, ...]:
    """The warnings about an instance that can be read."""
    return read_instance(path)[1]
