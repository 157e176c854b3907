"""`optcomp fit` from a folder to files, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from optcomp import cli
from optcomp.assemble import read
from optcomp.catalog import load_response
from optcomp.learn.draws import load_draws
from optcomp.learn.evidence import ONE_PLAN
from optcomp.world.folder import write_folder
from optcomp.world.world import make_world_of

Fit = Callable[..., Result]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same small company with two pasts."""
    root = tmp_path_factory.mktemp("companies")
    for kind in ("one-plan", "pilot"):
        past = make_world_of(9, 270, 3, 1).live(kind)  # type: ignore[arg-type]
        write_folder(root / kind, past.instance(), past.history())
    return {kind: root / kind for kind in ("one-plan", "pilot")}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.cli, ["fit", *map(str, arguments)])


def test_the_report_fits_a_terminal_and_says_who_decides(folders: dict[str, Path], tmp_path: Path) -> None:
    """80 columns, a grade for every lever, and where the files are."""
    result = run(folders["pilot"], "--out", tmp_path / "f.toml")

    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if not line.startswith(("wrote", "warning:"))]
    assert max(map(len, lines)) <= 80
    assert "the prior decides" in result.output
    assert "MDE" in result.output
    assert (tmp_path / "f.draws.npz").exists()


def test_one_plan_is_said_on_the_terminal_in_json_and_in_the_file(folders: dict[str, Path], tmp_path: Path) -> None:
    """Whoever looks anywhere must see it."""
    text = run(folders["one-plan"], "--out", tmp_path / "f.toml").output
    as_json = json.loads(run(folders["one-plan"], "--out", tmp_path / "f.toml", "--json").stdout)

    assert ONE_PLAN in " ".join(text.split()).replace("Warning ", "")
    assert ONE_PLAN in as_json["warnings"]
    assert as_json["identification"]["one_plan"] is True
    assert ONE_PLAN in (tmp_path / "f.toml").read_text()


def test_a_written_file_is_what_the_instance_then_solves_with(folders: dict[str, Path]) -> None:
    """Beside the instance, by --set models.response."""
    folder = folders["pilot"]

    assert run(folder, "--out", folder / "fitted.toml", "--draws", 16, "--seed", 3).exit_code == 0
    problem = read(folder, overrides=["models.response='fitted.toml'"])

    assert problem.response == load_response("fitted.toml", folder)
    assert problem.response.origin == "fitted"
    assert len(load_draws(folder / "fitted.draws.npz")) == 16


def test_the_history_may_lie_elsewhere(folders: dict[str, Path], tmp_path: Path) -> None:
    """The company of one folder with the past of the other."""
    found = run(folders["pilot"], "--history", folders["one-plan"], "--out", tmp_path / "f.toml", "--json")

    assert json.loads(found.stdout)["identification"]["one_plan"] is True


def test_no_history_is_an_error_in_words(tmp_path: Path, folders: dict[str, Path]) -> None:
    """With the exit code of wrong input."""
    past = make_world_of(9, 270, 3, 1).live("one-plan")
    write_folder(tmp_path / "new", past.instance())

    assert cli.run(["fit", str(tmp_path / "new"), "--out", str(tmp_path / "f.toml")]) == 3
    assert not (tmp_path / "f.toml").exists()


def test_plots_are_the_same_every_time(folders: dict[str, Path], tmp_path: Path) -> None:
    """Byte for byte, with their text as text."""
    pytest.importorskip("matplotlib")
    for name in ("a", "b"):
        run(folders["pilot"], "--out", tmp_path / "f.toml", "--plots", tmp_path / name)

    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert names == ["levers.svg", "reliability.svg", "response.svg"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "Renewals" in (tmp_path / "a" / "reliability.svg").read_text()


def test_reliability_points_lie_on_the_line_when_predictions_are_right() -> None:
    """50,000 outcomes drawn from their own predictions: every tenth within four standard errors."""
    from optcomp.learn.held_out import bins_of, reliability

    rng = np.random.default_rng(1)
    chance = rng.uniform(0.05, 0.95, 50_000)

    points = reliability(chance, (rng.random(50_000) < chance).astype(float), bins_of(chance))

    assert points.shape == (10, 3)
    assert (np.abs(points[:, 0] - points[:, 1]) <= 4.0 * points[:, 2]).all()
