"""A solve that is killed leaves its best solution whole, and `--resume` begins with it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders import account, csm, problem
from solved import TINY

from optcomp import cli
from optcomp.assemble import load
from optcomp.errors import InputError, OutputError
from optcomp.evaluate import current_solution, evaluate
from optcomp.manifest import Origin
from optcomp.partial import Partial, digest_of_inputs
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.solve import Engines, Settings, solve

START = "from optcomp.cli import main; main()"
TEAM = TINY.parent / "team-of-15"


def partial_of(out: Path) -> Path:
    return out.with_name(f".{out.name}.partial")


def saved(path: Path, where: Problem) -> Solution:
    """The decision in a saved file, which has to be whole."""
    partial = Partial(path.with_name(path.name.removeprefix(".").removesuffix(".partial")), digest="")
    partial._digest = json.loads(path.read_text())["inputs"]
    assert partial.read(where)
    assert partial.start is not None
    return partial.start


def optcomp(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-c", START, *map(str, arguments)]


# ---- kills --------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="kills by signal")
def test_a_kill_at_any_time_leaves_a_whole_solution_and_a_rerun_ends_as_well_as_a_calm_one(tmp_path: Path) -> None:
    """Row 63. Ten kills, from the start of the program to the writing of the folder; nothing half, nothing lost."""
    out, where = tmp_path / "out", load(TEAM).problem
    generator = random.Random(0)
    best = -1.0
    for _ in range(10):
        arguments = optcomp("solve", TEAM, "--out", out, "--gap", "0.001", "--jobs", "1", "--quiet", "--resume")
        with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            deadline = time.monotonic() + 60.0
            while not partial_of(out).exists() and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(generator.uniform(0.0, 3.0))
            process.kill()
        if out.exists():  # it was faster than the kill: again from nothing
            assert json.loads((out / "summary.json").read_text())["objective"] >= best
            shutil.rmtree(out)
            best = -1.0
            continue
        now = evaluate(where, saved(partial_of(out), where))
        assert not now.violations
        assert now.objective >= best
        best = now.objective

    code = cli.run(["solve", str(TEAM), "--out", str(out), "--force", "--quiet", "--resume"])

    assert code == 0
    found = json.loads((out / "summary.json").read_text())
    assert found["objective"] >= best
    assert cli.run(["evaluate", str(out)]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
    # As good as a solve that nobody killed: both proved within the gap, so neither lies above the other's ceiling.
    assert cli.run(["solve", str(TEAM), "--out", str(tmp_path / "calm"), "--quiet"]) == 0
    calm = json.loads((tmp_path / "calm" / "summary.json").read_text())
    assert (found["status"], calm["status"]) == ("optimal", "optimal")
    assert max(found["objective"], calm["objective"]) <= min(found["objective_bound"], calm["objective_bound"]) + 1e-9
    assert 100.0 * abs(found["objective"] - calm["objective"]) <= 0.01


# ---- what is kept -------------------------------------------------------------------------------------------------


@pytest.fixture
def team() -> Problem:
    """Two CSMs, one of whom has all the accounts."""
    return problem([account(f"A{k}", "C1", arr=50_000.0 + 10_000.0 * k) for k in range(6)], [csm("C1"), csm("C2")])


class Memory:
    """A keeper that only remembers."""

    def __init__(self, start: Solution | None = None) -> None:
        self.start = start
        self.kept: list[tuple[Solution, float]] = []

    def keep(self, solution: Solution, objective: float) -> None:
        self.kept.append((solution, objective))


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_every_improvement_is_kept_and_each_is_better(team: Problem, engines: Engines, method: str) -> None:
    memory = Memory()

    result = solve(team, Settings(method=method, workers=1), engines=engines, keeper=memory)

    values = [objective for _, objective in memory.kept]
    assert values == sorted(set(values))
    assert memory.kept[-1] == (result.solution, result.evaluation.objective)
    assert all(solution != current_solution(team) for solution, _ in memory.kept)


@pytest.mark.parametrize("method", ["decomposed", "joint"])
def test_a_solve_begins_with_what_it_is_given(team: Problem, engines: Engines, method: str) -> None:
    """Without any time the start is the answer; with time the answer is the same as without a start."""
    best = solve(team, Settings(method=method, workers=1), engines=engines)

    at_once = solve(
        team, Settings(method=method, time_limit_seconds=0.0), engines=engines, keeper=Memory(best.solution)
    )
    again = solve(team, Settings(method=method, workers=1), engines=engines, keeper=Memory(best.solution))

    assert at_once.solution == best.solution
    assert again.evaluation.objective == pytest.approx(best.evaluation.objective, abs=1e-9)
    assert again.status is best.status
    assert again.objective_bound >= best.evaluation.objective


def test_a_start_that_breaks_a_rule_does_not_count(team: Problem, engines: Engines) -> None:
    """It is judged like everything else."""
    today = current_solution(team)
    wrong = Solution(today.plan_by_segment, {a: c for a, c in today.csm_by_account.items() if a != "A0"})

    result = solve(team, Settings(workers=1), engines=engines, keeper=Memory(wrong))

    assert result.evaluation is not None
    assert set(result.solution.csm_by_account) == set(team.accounts.ids)


# ---- the file -----------------------------------------------------------------------------------------------------


def test_it_is_private_whole_and_comes_back(team: Problem, tmp_path: Path) -> None:
    partial, solution = Partial(tmp_path / "out", "digest"), current_solution(team)

    partial.keep(solution, 1.0)
    again = Partial(tmp_path / "out", "digest")

    assert again.read(team)
    assert again.start == solution
    assert stat.S_IMODE(partial.path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [".out.partial"]


def test_improvements_in_quick_succession_are_written_together(
    team: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("optcomp.partial.time.monotonic", lambda: now[0])
    partial, solution = Partial(tmp_path / "out", "digest"), current_solution(team)

    def written() -> float:
        return float(json.loads(partial.path.read_text())["objective"])

    partial.keep(solution, 1.0)
    now[0] = 1.0
    partial.keep(solution, 1.1)
    assert written() == 1.0
    now[0] = 2.0
    partial.flush()
    assert written() == 1.1


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "..out.partial.tmp-1234").mkdir()
    (tmp_path / "..other.partial.tmp-1234").mkdir()

    Partial(tmp_path / "out", "digest")

    assert [p.name for p in tmp_path.iterdir()] == ["..other.partial.tmp-1234"]


def test_a_disk_that_refuses_does_not_end_the_solve(
    team: Problem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **more: object) -> None:
        raise OutputError("The disk is full.")

    monkeypatch.setattr("optcomp.partial.published_file", refuse)
    partial = Partial(tmp_path / "out", "digest")

    partial.keep(current_solution(team), 1.0)

    assert partial.trouble == "The disk is full."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": "other"}, "other inputs"),
        ({"schema": "optcomp/partial/99"}, "not a saved solution"),
        ({"plan_by_segment": {}}, "not a solution of the instance"),
        ({"plan_by_segment": {"S": "no such plan"}}, "not a solution of the instance"),
        ({"csm_by_account": {"A0": "nobody"}}, "not a solution of the instance"),
        ({"csm_by_account": {"nobody": "C1"}}, "not a solution of the instance"),
        ({"csm_by_account": []}, "not a solution of the instance"),
        ({"filled": [["C1"]]}, "not a solution of the instance"),
    ],
)
def test_a_file_that_does_not_belong_is_refused(
    team: Problem, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    partial = Partial(tmp_path / "out", "digest")
    partial.keep(current_solution(team), 1.0)
    partial.path.write_text(json.dumps(json.loads(partial.path.read_text()) | change))

    with pytest.raises(InputError, match=said):
        partial.read(team)


def test_a_file_that_is_a_link_is_refused(team: Problem, tmp_path: Path) -> None:
    partial = Partial(tmp_path / "out", "digest")
    partial.path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(InputError, match="symbolic link"):
        partial.read(team)


def test_the_digest_changes_with_every_input_and_not_with_patience() -> None:
    loaded = load(TINY)
    origin = Origin(TINY, loaded.files)

    digest = digest_of_inputs(origin, loaded.problem, (None, "mean"))

    assert digest == digest_of_inputs(Origin(TINY, loaded.files), load(TINY).problem, (None, "mean"))
    assert digest != digest_of_inputs(origin, loaded.problem, (None, "cvar"))
    assert digest != digest_of_inputs(Origin(TINY, loaded.files[1:]), loaded.problem, (None, "mean"))
    assert digest != digest_of_inputs(Origin(TINY, loaded.files, ["a=1"]), loaded.problem, (None, "mean"))


# ---- the command --------------------------------------------------------------------------------------------------


def test_the_command_says_what_it_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing to resume, then something that is not asked for, then something of other inputs."""
    out = tmp_path / "out"
    usual = ["solve", str(TINY), "--out", str(out), "--force", "--quiet", "--jobs", "1"]

    assert cli.run([*usual, "--resume"]) == 0
    assert "Nothing to resume" in capsys.readouterr().err
    Partial(out, "of another instance").keep(current_solution(load(TINY).problem), 1.0)
    assert cli.run([*usual, "--resume"]) == 3
    assert "other inputs" in capsys.readouterr().err
    assert cli.run(usual) == 0
    assert "--resume would begin" in capsys.readouterr().err
    assert not partial_of(out).exists()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_solve_that_ends_by_a_signal_needs_no_resuming(tmp_path: Path) -> None:
    """Its best solution is in the folder."""
    out = tmp_path / "out"
    arguments = optcomp("solve", TEAM, "--out", out, "--gap", "0.001", "--jobs", "1", "--quiet")
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        while not partial_of(out).exists() and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)

    assert process.returncode == 143
    assert [p.name for p in tmp_path.iterdir()] == ["out"]
