"""The command line around the commands: help, version, and how each kind of failure ends."""

import os
import re
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import click
import pytest

from optcomp import cli
from optcomp.errors import CheckFailed, Finding, InputError, OutputError, SolverError

START = "from optcomp.cli import main; main()"
HEAVY = {"highspy", "numpy", "pandas", "pyomo", "scipy", "pydantic", "pyarrow", "rich"}


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Makes ``optcomp fake`` run a function of the test."""

    def register(body: Callable[[], object]) -> None:
        monkeypatch.setattr(cli.cli, "commands", {"fake": click.Command("fake", callback=body)})

    return register


@pytest.fixture
def crash_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def failing(error: BaseException) -> Callable[[], object]:
    def body() -> object:
        raise error

    return body


def optcomp(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", START, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_lists_every_command(flag: str, capsys: pytest.CaptureFixture[str]):
    code = cli.run([flag])

    output = capsys.readouterr().out
    assert code == 0
    assert [name for name in cli.COMMANDS if not re.search(rf"^  {name} +\w", output, re.MULTILINE)] == []


def test_help_imports_nothing_heavy():
    """Start-up is what a user feels first: pandas and pyomo together cost more than a second."""
    script = (
        "import sys; from optcomp.cli import run; code = run(['--help']); "
        f"print(*sorted({HEAVY} & sys.modules.keys()), file=sys.stderr); sys.exit(code)"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert done.stderr.strip() == ""


def test_version_is_the_installed_one(capsys: pytest.CaptureFixture[str]):
    code = cli.run(["--version"])

    assert code == 0
    assert capsys.readouterr().out == f"optcomp {metadata.version('optcomp')}\n"


@pytest.mark.parametrize("arguments", [["no-such-command"], ["--no-such-option"], []])
def test_wrong_usage_exits_with_2_and_leaves_stdout_empty(arguments: list[str]):
    done = optcomp(*arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert "Usage: optcomp" in done.stderr


def test_the_exit_code_of_a_command_is_what_it_returns(fake):
    fake(lambda: 6)

    assert cli.run(["fake"]) == 6


def test_a_command_that_returns_nothing_has_succeeded(fake):
    fake(lambda: None)

    assert cli.run(["fake"]) == 0


@pytest.mark.parametrize(("error", "code"), [(SolverError("no"), 1), (CheckFailed("no"), 7), (OutputError("no"), 8)])
def test_an_error_on_purpose_is_one_line_and_its_own_code(error, code, fake, capsys: pytest.CaptureFixture[str]):
    fake(failing(error))

    assert cli.run(["fake"]) == code
    assert capsys.readouterr() == ("", "error: no\n")


def test_every_finding_of_an_input_error_has_its_own_line_and_severity(fake, capsys: pytest.CaptureFixture[str]):
    wrong = Finding(
        "below-zero", "-3 is below 0", "Hours must be 0 or more", file="accounts.csv", row=14, column="hours"
    )
    doubtful = Finding(
        "mix", "40 % is variable", "Most plans stay below 30 %", severity="warning", requirement="002-20"
    )
    fake(failing(InputError([wrong, doubtful])))

    assert cli.run(["fake"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "error: accounts.csv, row 14, column hours: -3 is below 0. Hours must be 0 or more.",
        "warning: 40 % is variable. Most plans stay below 30 %. [002-20]",
    ]


def test_an_error_is_wrapped_for_a_person_at_a_terminal(
    fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    fake(failing(InputError(Finding("long", "word " * 30, "", file="accounts.csv"))))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    assert cli.run(["fake"]) == 3

    first, *rest = capsys.readouterr().err.splitlines()
    assert first.startswith("error: accounts.csv: word word")
    assert rest
    assert all(len(line) <= 80 for line in (first, *rest))
    assert all(line.startswith("       word") for line in rest)


def test_an_interrupt_exits_with_130(fake, capsys: pytest.CaptureFixture[str]):
    fake(failing(KeyboardInterrupt()))

    assert cli.run(["fake"]) == 130
    assert capsys.readouterr() == ("", "Interrupted.\n")


def test_a_reader_that_goes_away_is_not_an_error():
    """Row 65: `optcomp --help | head -0` prints no traceback; 141 is what a shell reports where SIGPIPE ends a tool."""
    read_end, write_end = os.pipe()
    os.close(read_end)

    with os.fdopen(write_end, "wb") as stdout:
        done = subprocess.run(
            [sys.executable, "-c", START, "--help"], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False
        )

    assert done.returncode == 141
    assert done.stderr == ""


def test_a_pipe_to_a_child_that_breaks_is_an_error(fake, crash_folder: Path, capfd: pytest.CaptureFixture[str]):
    """Only our own reader may leave in silence; a solver process that dies may not."""
    fake(failing(BrokenPipeError()))

    assert cli.run(["fake"]) == 1
    assert "BrokenPipeError" in capfd.readouterr().err


def test_an_unknown_error_exits_with_1_and_names_a_report(fake, crash_folder: Path, capsys: pytest.CaptureFixture[str]):
    fake(failing(RuntimeError("Ada earns 85123")))

    code = cli.run(["fake"])

    (report,) = crash_folder.iterdir()
    assert code == 1
    assert str(report) in capsys.readouterr().err


def test_a_crash_report_can_be_read_by_its_owner_only(fake, crash_folder: Path):
    fake(failing(RuntimeError()))

    cli.run(["fake"])

    (report,) = crash_folder.iterdir()
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_a_crash_tells_no_data_anywhere(fake, crash_folder: Path, capsys: pytest.CaptureFixture[str]):
    """Row 82: neither the message of an error, nor that of its cause, nor a local variable: each may hold a salary."""

    def body() -> object:
        salary = "85123"
        try:
            raise KeyError(salary)
        except KeyError as error:
            raise RuntimeError(f"no band for {salary}") from error

    fake(body)

    cli.run(["fake"])

    (report,) = crash_folder.iterdir()
    told = report.read_text() + "".join(capsys.readouterr())
    assert "85123" not in told
    assert str(Path(__file__).parent) not in told


def test_a_crash_report_says_what_a_developer_needs(fake, crash_folder: Path):
    fake(failing(RuntimeError()))

    cli.run(["fake"])

    (report,) = crash_folder.iterdir()
    lines = report.read_text().splitlines()
    assert "builtins.RuntimeError" in lines
    assert any(re.fullmatch(r"  optcomp/cli/__init__\.py:\d+ in _invoke", line) for line in lines)
    assert f"highspy {metadata.version('highspy')}" in lines


def test_a_crash_without_a_place_for_its_report_still_says_so(fake, monkeypatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(tempfile, "tempdir", "/nonexistent")
    fake(failing(RuntimeError()))

    assert cli.run(["fake"]) == 1
    assert "no crash report could be written" in capsys.readouterr().err


def test_a_registered_target_that_is_no_command_is_refused():
    with pytest.raises(TypeError, match="is not a click command"):
        cli.load(cli.LazyCommand("optcomp.errors:OptcompError", "Not a command."))


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_registered_command_lives_in_a_file_of_its_name(name: str):
    assert cli.COMMANDS[name].target == f"optcomp.cli.{name}:command"


@pytest.mark.parametrize(
    ("typed", "said"),
    [("solv", "No such command 'solv'. (Did you mean 'solve'?)"), ("xyz", "No such command 'xyz'.")],
)
def test_a_mistyped_command_is_answered_with_the_one_that_was_meant(
    typed: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([typed]) == 2
    assert capsys.readouterr().err.strip().endswith(f"Error: {said}")
