"""What a crash leaves behind: the kind of error, where in the code it came up, and versions. Never data."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import traceback
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
# Distributions whose version can explain a crash.
REPORTED = ("optcomp", "click", "highspy", "numpy", "pandas", "pydantic", "pyomo", "scipy")


def write_crash_report(error: BaseException) -> Path:
    """Path of a new file, readable by its owner only, that holds `crash_report(error)`.

    Raises
    ------
    OSError
        When the folder for temporary files cannot be written.
    """
    # mkstemp makes the file with mode 0600 and a name nobody else holds.
    descriptor, name = tempfile.mkstemp(prefix="optcomp-crash-", suffix=".txt")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(crash_report(error))
    return Path(name)


def crash_report(error: BaseException) -> str:
    """Types, frames and versions as text.

    The message of the error is left out, for it may quote a name or a salary, and so are local variables, command
    line and folders: of a file only its place inside its package is kept.
    """
    lines = ["optcomp crash report", ""]
    for link in _chain(error):
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
        lines.extend(
            f"  {_place(frame.filename)}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(link.__traceback__)
        )
    lines += ["", f"python {platform.python_version()} on {sys.platform} {platform.machine()}"]
    lines.extend(f"{name} {_version(name)}" for name in REPORTED)
    return "\n".join(lines) + "\n"


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what it came from, newest first."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _place(filename: str) -> str:
    """The file from its package on (``optcomp/cli/solve.py``); the bare name for files of no known package."""
    parts = Path(filename).parts
    for start in ("site-packages", "dist-packages"):
        if start in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(start) :])
    if Path(filename).is_relative_to(PACKAGE):
        return Path(filename).relative_to(PACKAGE.parent).as_posix()
    return parts[-1] if parts else "?"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
