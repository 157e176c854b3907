"""`optcomp solve` as a process: signals, kills, broken pipes, odd surroundings, and what it must never let out."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from solved import TINY

from optcomp import cli
from optcomp.publish import reserved
from optcomp.write import FILES

START = "from optcomp.cli import main; main()"
TEAM = TINY.parent / "team-of-15"
# Two plans a segment and no gap: the joint program is built in a second and not solved in a minute.
LONG = (
    "--method", "joint", "--gap", "0", "--time-limit", "90", "--jobs", "1", "--set", "menu.base_factors=[1.0]",
    "--set", "menu.variable_shares=[0.13]", "--set", 'menu.mixes=["expansion-led"]',
)  # fmt: skip


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", START, *map(str, arguments)]


def solve_command(out: Path, *more: str | Path, instance: Path = TINY) -> list[str]:
    return command("solve", instance, "--out", out, "--jobs", "1", *more)


def run(arguments: list[str], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]


def is_whole(out: Path) -> bool:
    """All files are there and hold what the manifest says."""
    return {p.name for p in out.iterdir()} >= set(FILES) and cli.run(["evaluate", str(out)]) == 0


def decided(out: Path) -> dict[str, object]:
    files: dict[str, object] = {p.name: p.read_bytes() for p in out.iterdir() if p.suffix != ".json"}
    return files | {"summary": json.loads((out / "summary.json").read_text()) | {"seconds": 0}}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a solve of tiny decides in the usual surroundings."""
    out = tmp_path_factory.mktemp("usual") / "out"
    assert cli.run(["solve", str(TINY), "--out", str(out), "--jobs", "1", "--quiet"]) == 0
    return decided(out)


# ---- signals --------------------------------------------------------------------------------------------------------


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    """Read progress until a line says so."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return
    pytest.fail("The solve ended first.")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_best_and_says_which_it_was(tmp_path: Path, number: signal.Signals, code: int):
    """Row 64: SIGTERM or SIGINT once: 143 or 130, and the best that was verified is written."""
    out = tmp_path / "out"
    with subprocess.Popen(
        solve_command(out, *LONG, instance=TEAM), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_for(process, "pay first")
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)

    assert process.returncode == code
    assert is_whole(out)
    assert "this solution" in said


def test_a_second_signal_ends_it_at_once_and_leaves_nothing_half(tmp_path: Path):
    """Row 64: SIGTERM again and again."""
    out = tmp_path / "out"
    with subprocess.Popen(
        solve_command(out, *LONG, instance=TEAM), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        wait_for(process, "books first")
        for _ in range(100):
            if process.poll() is not None:
                break
            process.send_signal(signal.SIGTERM)
            time.sleep(0.02)
        process.communicate(timeout=60)

    assert process.returncode in (143, -signal.SIGTERM)
    assert not out.exists() or is_whole(out)
    assert [p.name for p in tmp_path.iterdir() if ".tmp-" in p.name] == []


def test_a_kill_at_any_time_leaves_the_old_or_the_new_solution(tmp_path: Path):
    """Row 63: spread over a whole solve; `test_publish` kills 20 times while files are written."""
    out = tmp_path / "out"
    assert run(solve_command(out, "--quiet", "--time-limit", "0")).returncode == 0
    for delay in (0.5, 1.0, 1.5, 2.0):
        with subprocess.Popen(solve_command(out, "--quiet", "--force"), stdout=subprocess.DEVNULL) as process:
            time.sleep(delay)
            process.kill()
        assert is_whole(out)

    assert run(solve_command(out, "--quiet", "--force")).returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_goes_away_is_no_error_and_the_files_are_there(tmp_path: Path, more: list[str]):
    """Row 65: as `optcomp solve … | head` meets it."""
    read_end, write_end = os.pipe()
    os.close(read_end)

    with os.fdopen(write_end, "wb") as stdout:
        done = subprocess.run(
            solve_command(tmp_path / "out", "--quiet", *more),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 141
    assert done.stderr == ""
    assert is_whole(tmp_path / "out")


# ---- surroundings ---------------------------------------------------------------------------------------------------


def test_two_runs_at_once_do_not_meet(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Row 68: exit 8."""
    with reserved(tmp_path / "out", frozenset(FILES)):
        assert cli.run(["solve", str(TINY), "--out", str(tmp_path / "out")]) == 8

    assert "Another run is writing" in capsys.readouterr().err


def test_files_are_private_under_any_umask(tmp_path: Path):
    """Row 81: 0600 in 0700."""
    before = os.umask(0)
    try:
        cli.run(["solve", str(TINY), "--out", str(tmp_path / "out"), "--jobs", "1", "--quiet"])
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "out").iterdir()} == {0o600}


@pytest.mark.parametrize(
    "surroundings",
    [
        {"PYTHONHASHSEED": "1", "TERM": "dumb", "COLUMNS": "1", "TZ": "Asia/Kathmandu"},
        {"PYTHONHASHSEED": "2", "HOME": "/proc/none", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONUTF8": "0"},
        {"PYTHONHASHSEED": "random", "LC_ALL": "de_DE.UTF-8", "TZ": "America/Sao_Paulo"},
    ],
)
def test_surroundings_change_nothing(tmp_path: Path, usual: dict[str, object], surroundings: dict[str, str]):
    """Rows 69 and 84: hash seed, terminal, time zone, locale, home and working folder."""
    (tmp_path / "here").mkdir()

    done = run(solve_command(tmp_path / "out", "--quiet"), env=os.environ | surroundings, cwd=tmp_path / "here")

    assert (done.returncode, done.stderr) == (0, "")
    assert decided(tmp_path / "out") == usual


OFFLINE = """
import sys

def refuse(event, arguments):
    is_remote = event in ("socket.connect", "socket.bind", "socket.sendto") and isinstance(arguments[1], tuple)
    if is_remote or event in ("socket.getaddrinfo", "socket.gethostbyname"):
        sys.stderr.write("touched the network\\n")
        raise OSError("offline")

sys.addaudithook(refuse)
"""


def test_nothing_touches_the_network(tmp_path: Path):
    """Row 85: solver processes included: they import the same sitecustomize."""
    (tmp_path / "sitecustomize.py").write_text(OFFLINE)
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}

    probe = run([sys.executable, "-c", "import socket; socket.getaddrinfo('localhost', 1)"], env=environment)
    done = run(solve_command(tmp_path / "out", "--quiet"), env=environment)

    assert "touched the network" in probe.stderr  # the blocker works
    assert (done.returncode, done.stderr) == (0, "")


# ---- secrets --------------------------------------------------------------------------------------------------------

SALARY = "41357"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """tiny with a salary to look for and a name beside it."""
    copy = tmp_path / "instance"
    copy.mkdir(mode=0o700)
    for path in TINY.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
        (copy / path.name).chmod(0o600)
    text = (copy / "csms.csv").read_text()
    (copy / "csms.csv").write_text(text.replace("40000", SALARY, 1))
    assert SALARY in (copy / "csms.csv").read_text()
    return copy


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--set", "budget.pay=200000"], 0),
        (["--set", "budget.pay=1000"], 4),
        (["--set", "budget.pay=200000", "--time-limit", "0"], 0),
    ],
)
def test_a_salary_is_nowhere_but_in_the_solution(tmp_path: Path, planted: Path, more: list[str], code: int):
    """Row 82: output streams, home and the folder for temporary files, when all goes well and when not."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    environment = os.environ | {"TMPDIR": str(tmp_path / "tmp"), "HOME": str(tmp_path / "home")}

    done = run(solve_command(tmp_path / "out", *more, instance=planted), env=environment)

    assert done.returncode == code
    assert SALARY not in done.stderr + done.stdout
    assert [p for p in tmp_path.rglob("*") if p.is_file() and p.parent not in (planted, tmp_path / "out")] == []


def test_a_plan_page_has_nobodys_salary(tmp_path: Path, planted: Path):
    """Row 82: the page that CSMs read."""
    assert (
        cli.run(["solve", str(planted), "--out", str(tmp_path / "out"), "--quiet", "--set", "budget.pay=200000"]) == 0
    )

    assert SALARY not in (tmp_path / "out" / "plan.md").read_text().replace(",", "")
    assert SALARY in (tmp_path / "out" / "books.csv").read_text()
