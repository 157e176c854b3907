"""The program as a file: the same optimum, no names."""

import stat
from pathlib import Path

import highspy
import pytest
from solved import TINY

from optcomp import cli

# By hand, instances/tiny/README.md: 1,079,569 USD of 1,000,000.
OPTIMUM = 107.9569


@pytest.mark.parametrize("ending", [".lp", ".mps"])
def test_another_reader_finds_the_optimum_of_the_file(tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / f"tiny{ending}"

    assert cli.run(["export", str(TINY), "--out", str(out)]) == 0

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.readModel(str(out))
    solver.run()
    assert solver.getInfo().objective_function_value == pytest.approx(OPTIMUM, abs=1e-3)
    assert "39 variables" in capsys.readouterr().out


def test_the_file_is_private_and_without_ids(tmp_path: Path):
    """Variables are numbers; ids of accounts and CSMs are not in the file."""
    out = tmp_path / "tiny.lp"

    cli.run(["export", str(TINY), "--out", str(out)])

    words = {
        word for word in out.read_text().replace("(", " ").replace("_", " ").split() if word in ("A", "B", "C1", "C2")
    }
    assert words == set()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_kept_without_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "tiny.lp"
    out.write_text("mine")

    assert cli.run(["export", str(TINY), "--out", str(out)]) == 8
    assert out.read_text() == "mine"
    assert cli.run(["export", str(TINY), "--out", str(out), "--force"]) == 0


def test_another_ending_is_wrong_usage(tmp_path: Path):
    assert cli.run(["export", str(TINY), "--out", str(tmp_path / "tiny.txt")]) == 2


def test_a_hook_adds_its_rows(tmp_path: Path):
    hook = tmp_path / "one.py"
    hook.write_text(
        "def add(frame):\n    frame.row([(1.0, frame.model.x[0])], 1.0, 1.0)\n"
        "def check(problem, solution):\n    return []\n"
    )
    plain, more = tmp_path / "plain.lp", tmp_path / "more.lp"

    cli.run(["export", str(TINY), "--out", str(plain)])
    cli.run(["export", str(TINY), "--out", str(more), "--hook", str(hook)])

    assert more.read_text().count("c_e_") > plain.read_text().count("c_e_")
