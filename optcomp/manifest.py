"""manifest.json: what a solution was made from and with, so that anybody can check and repeat it. No data, no paths of
the user's machine beyond the way from the solution to its instance."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from optcomp.catalog import model_files

if TYPE_CHECKING:
    from optcomp.solve import Settings

SCHEMA_NAME = "optcomp/manifest/"
SCHEMA_VERSION = 1
DEPENDENCIES = ("click", "highspy", "numpy", "pandas", "pydantic", "pyomo", "python-calamine", "rich", "scipy")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a problem came from.

    instance : the folder or workbook; files : every file that was read, model files included
    overrides : settings laid over instance.toml; hooks : files of the user's own constraints
    """

    instance: Path
    files: Sequence[Path]
    overrides: Sequence[str] = ()
    hooks: Sequence[Path] = ()


def manifest(origin: Origin, settings: Settings, out: Path, files: Mapping[str, bytes]) -> dict[str, object]:
    """The manifest of a solution that is written to `out` as these files."""
    return {
        "schema": f"{SCHEMA_NAME}{SCHEMA_VERSION}",
        "optcomp": version("optcomp"),
        "python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
        "dependencies": {name: version(name) for name in DEPENDENCIES},
        "instance": relative(origin.instance, out),
        "inputs": digests(origin.files, origin.instance),
        "hooks": {path.name: digest_of(path) for path in origin.hooks},
        "overrides": list(origin.overrides),
        "settings": {
            "time_limit_seconds": settings.time_limit_seconds,
            "gap_pp": settings.gap_pp,
            "seed": settings.seed,
            "workers": settings.workers,
            "method": settings.method,
            "draws": settings.draws,
            "risk": settings.risk,
        },
        "outputs": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "text_cells_neutralised": True,
    }


def relative(path: Path, start: Path) -> str:
    """The way from one folder to a path, with forward slashes."""
    try:
        return Path(os.path.relpath(path.resolve(), start.resolve())).as_posix()
    except ValueError:  # another drive on Windows
        return path.name


def digests(files: Iterable[Path], instance: Path) -> dict[str, str]:
    """Label → SHA-256 of every input file."""
    return {label(path, instance): digest_of(path) for path in files}


def label(path: Path, instance: Path) -> str:
    """A file's name without the folders of the user's machine: inside the instance, or among the shipped models."""
    full, root = path.resolve(), model_files().resolve()
    beside = (instance if instance.is_dir() else instance.parent).resolve()
    if full.is_relative_to(beside):
        return full.relative_to(beside).as_posix()
    return f"optcomp:{full.relative_to(root).as_posix()}" if full.is_relative_to(root) else full.name


def digest_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def version(name: str) -> str:
    """Version of an installed distribution, or ``not installed``."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
