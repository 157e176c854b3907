"""`optcomp generate`: the same files for the same options, and what it will not do."""

from __future__ import annotations

from pathlib import Path

import pytest

from optcomp.assemble import load
from optcomp.cli import run
from optcomp.learn.read_history import has_history, read_history
from optcomp.read import read_instance


def _generate(path: Path, *options: str) -> int:
    return run(["generate", str(path), *options])


def _files(path: Path) -> dict[str, bytes]:
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}


def test_a_generated_company_can_be_read_and_has_a_history(tmp_path: Path) -> None:
    code = _generate(tmp_path / "demo", "--seed", "1", "--history", "pilot")

    loaded = load(tmp_path / "demo")
    history, said = read_history(tmp_path / "demo", loaded.problem.instance)
    assert (code, loaded.warnings, said) == (0, (), ())
    assert len(history.quarters) == 8
    assert len(history.plans.plans) == 3


def test_the_same_options_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        _generate(tmp_path / name, "--seed", "3", "--history", "staggered", "--quarters", "5")

    assert _files(tmp_path / "one") == _files(tmp_path / "two")
    assert len(_files(tmp_path / "one")) == 6


def test_a_large_instance_has_no_history_unless_asked_for(tmp_path: Path) -> None:
    code = _generate(tmp_path / "large", "--csms", "20", "--accounts", "700", "--pools", "6")

    instance, _ = read_instance(tmp_path / "large")
    assert (code, len(instance.csms), len(instance.accounts)) == (0, 20, 700)
    assert not has_history(tmp_path / "large")


def test_a_company_of_any_size_can_have_a_history(tmp_path: Path) -> None:
    code = _generate(tmp_path / "any", "--csms", "20", "--accounts", "700", "--history", "switch-all")

    assert code == 0
    assert has_history(tmp_path / "any")


def test_none_leaves_the_history_out(tmp_path: Path) -> None:
    assert _generate(tmp_path / "bare", "--history", "none") == 0
    assert not has_history(tmp_path / "bare")


def test_a_written_instance_is_the_one_that_was_drawn(tmp_path: Path) -> None:
    from optcomp.world import large_instance
    from optcomp.world.folder import write_folder

    drawn = large_instance(9, 200, 3, seed=2)
    write_folder(tmp_path / "drawn", drawn)

    assert read_instance(tmp_path / "drawn") == (drawn, ())


@pytest.mark.parametrize(
    "options",
    [
        ("--csms", "5"),
        ("--accounts", "50"),
        ("--pools", "3"),
        ("--csms", "5", "--accounts", "4"),
        ("--csms", "5", "--accounts", "50", "--pools", "6"),
        ("--quarters", "25"),
        ("--history", "sometimes"),
    ],
)
def test_sizes_that_make_no_company_are_wrong_usage(tmp_path: Path, options: tuple[str, ...]) -> None:
    assert _generate(tmp_path / "no", *options) == 2
    assert not (tmp_path / "no").exists()


def test_a_history_of_survivors_only_is_not_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = _generate(tmp_path / "short", "--csms", "1", "--accounts", "3", "--pools", "1", "--history", "one-plan",
                     "--quarters", "1")  # fmt: skip

    assert code == 3
    assert "No CSM left" in capsys.readouterr().err
    assert not (tmp_path / "short").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    assert _generate(tmp_path, "--history", "none") == 8
    assert _files(tmp_path) == {"mine.txt": b"mine"}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert _generate(tmp_path / "link", "--history", "none") == 8


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    assert _generate(tmp_path / "file" / "below", "--history", "none") == 8


def test_only_the_owner_can_read_what_is_written(tmp_path: Path) -> None:
    _generate(tmp_path / "demo", "--seed", "1")

    modes = {p.stat().st_mode & 0o077 for p in [tmp_path / "demo", *(tmp_path / "demo").rglob("*")]}
    assert modes == {0}
