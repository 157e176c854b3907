"""What the checkout must hold so that a fresh machine can install, test and ship it."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_everything_forced_into_the_wheel_exists():
    """Hatch refuses to build or install, editable too, when a forced folder is missing: git keeps no empty folder."""
    forced = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert forced == {"models": "optcomp/_models"}
    assert all((ROOT / source).is_dir() for source in forced)


def test_the_licence_is_the_one_that_the_metadata_names():
    assert PYPROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0, January 2004" in text("LICENSE")


def test_every_locked_line_is_one_exact_version():
    """No hash, address or path: the file must work with any package index."""
    lines = [line for line in text("requirements.lock").splitlines() if not line.startswith("#")]

    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []


def test_every_declared_dependency_is_locked():
    extras = PYPROJECT["project"]["optional-dependencies"]
    declared = [*PYPROJECT["project"]["dependencies"], *(name for extra in extras.values() for name in extra)]

    names = {plain_name(requirement) for requirement in declared} - {"optcomp"}
    locked = {plain_name(line) for line in text("requirements.lock").splitlines() if "==" in line}

    assert names - locked == set()


def test_ci_ends_with_the_test_command_of_the_readme():
    assert "\n.venv/bin/python -m pytest -n 2 -q\n" in text("README.md")
    assert text(".ci/run").rstrip().endswith("\npython -m pytest -n 2 -q")


def test_ci_runs_every_command_of_the_commit_hooks():
    """A hook that CI does not know, or the other way round, lets a change pass here and fail there."""
    entries = re.findall(r"entry: (.+)", text(".pre-commit-config.yaml"))

    assert entries == ["ruff check", "ruff format --check", "mypy", "lint-imports"]
    assert [entry for entry in entries if f"\n{entry}\n" not in text(".ci/run")] == []


def plain_name(requirement: str) -> str:
    """The name as the package index compares it: no version, no extra, dashes, lower case."""
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name.group()).lower()
