"""`optcomp evaluate` finds whatever is wrong with a written solution, from its files alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from solved import SETTINGS, TINY, result_of

from optcomp import cli
from optcomp.assemble import load
from optcomp.manifest import Origin
from optcomp.recheck import _apart, recheck
from optcomp.solution import Solution
from optcomp.write import write_solution


@pytest.fixture(scope="module")
def tiny():
    """The instance with its best solution, found by trying all."""
    loaded = load(TINY)
    return loaded, result_of(loaded.problem)


@pytest.fixture
def solution(tiny, tmp_path: Path) -> Path:
    """A written solution of tiny."""
    loaded, result = tiny
    out = tmp_path / "out"
    write_solution(result, out, origin=Origin(TINY, loaded.files), settings=SETTINGS, warnings=loaded.warnings)
    return out


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_bytes().decode()
    after = change(before)
    assert after != before
    path.write_bytes(after.encode())


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def reasons(folder: Path, **more: object) -> str:
    return " ".join(recheck(folder, **more).reasons)  # type: ignore[arg-type]


def test_an_untouched_solution_holds(solution: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["evaluate", str(solution)]) == 0

    assert "holds: 4 accounts, 2 CSMs" in capsys.readouterr().out


def test_json_says_the_same(solution: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["evaluate", str(solution), "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["holds"] is True
    assert said["nrr"] == pytest.approx(1.079569, abs=1e-6)  # instances/tiny/README.md


def test_a_failure_exits_with_7_and_its_reasons(solution: Path, capsys: pytest.CaptureFixture[str]):
    edit(solution / "assignment.csv", lambda text: text.replace("1", "2", 1))

    assert cli.run(["evaluate", str(solution)]) == 7

    output = capsys.readouterr()
    assert "does not hold" in output.out
    assert "assignment.csv" in output.out


def test_a_failure_names_the_other_version_that_wrote_it(solution: Path, capsys: pytest.CaptureFixture[str]):
    """Words may differ from version to version, and a user should not take that for a forgery."""
    edit_json(solution / "manifest.json", optcomp="0.0.7")
    assert cli.run(["evaluate", str(solution)]) == 0
    assert "0.0.7" not in capsys.readouterr().out

    edit_json(solution / "summary.json", recommended_why="because")
    assert cli.run(["evaluate", str(solution)]) == 7
    assert "It was written by optcomp 0.0.7, which may have worded" in capsys.readouterr().out


def test_a_version_of_any_length_is_its_own(solution: Path, monkeypatch: pytest.MonkeyPatch):
    name = "1.2.3.dev45+g0123456789abcdef"
    edit_json(solution / "manifest.json", optcomp=name)
    monkeypatch.setattr("optcomp.recheck.version", lambda package: name)
    assert recheck(solution).writer == ""


def drop_last_row(text: str) -> str:
    return "\r\n".join(text.split("\r\n")[:-2]) + "\r\n"


def double_last_row(text: str) -> str:
    return text + text.split("\r\n")[-2] + "\r\n"


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("assignment.csv", drop_last_row, "assignment.csv has no row for account"),
        ("assignment.csv", double_last_row, "assignment.csv has more than one row for account"),
        ("assignment.csv", lambda t: t.replace("\r\nA,", "\r\nZ,"), "that the instance does not have: Z"),
        ("assignment.csv", lambda t: t.replace(",C2,", ",C9,"), "to CSMs that the instance does not have: C9"),
        ("assignment.csv", lambda t: t.replace("account_id", "account"), "has no column account_id"),
        ("assignment.csv", lambda t: t + "A,B\r\n", "is not a table"),
        ("assignment.csv", lambda t: t.replace("forced", "free").replace("fit", "hit"), "which the facts give"),
        ("books.csv", drop_last_row, "books.csv has no row for CSM: C2"),
        ("books.csv", lambda t: t.replace("40000.00", "41000.00"), "which the facts give"),
        ("plan.csv", drop_last_row, "plan.csv has no row for segment"),
        ("plan.csv", lambda t: t.replace("paid-on-expansion b1", "golden b1"), "by a plan that is not on its menu"),
        ("plan.csv", lambda t: t.replace("1.000000", "0.500000", 1), "plan.csv, row 2, column base_factor"),
        ("plan.md", lambda t: t.replace("%", "percent"), "not what the manifest recorded: plan.md"),
    ],
)  # fmt: skip
def test_an_edited_table_is_found_out(solution: Path, file: str, change, said: str):
    """Row 77: rows removed, doubled or changed by hand."""
    edit(solution / file, change)

    assert said in reasons(solution)


@pytest.mark.parametrize("file", ["plan.csv", "assignment.csv", "books.csv", "summary.json", "plan.md"])
def test_a_missing_file_is_found_out(solution: Path, file: str):
    (solution / file).unlink()

    assert file in reasons(solution)


@pytest.mark.parametrize(
    ("key", "value"),
    [("nrr", 1.09), ("soft_cost", 0.1), ("moves", 3), ("pay_cost", 1.0), ("nrr_current", 0.9), ("recommended", "adopt"),
     ("gap_pp", 5.0), ("nrr_bound", 2.0), ("bends", [{}]), ("grr", None), ("nrr", "1.079569")],
)  # fmt: skip
def test_an_edited_summary_is_found_out(solution: Path, key: str, value: object):
    """Row 77: a number changed by hand."""
    edit_json(solution / "summary.json", **{key: value})

    assert f"summary.json, {key}" in reasons(solution) or key == "nrr_bound"
    assert recheck(solution).reasons != ()


def test_a_number_within_the_tolerance_is_not_held_against_it(solution: Path):
    nrr = json.loads((solution / "summary.json").read_text())["nrr"]

    edit_json(solution / "summary.json", nrr=nrr + 5e-10)

    assert "nrr" not in reasons(solution)


def test_a_bound_below_the_value_is_found_out(solution: Path):
    edit_json(solution / "summary.json", objective_bound=1.0, nrr_bound=1.0, gap_pp=0.0)

    assert "lies below the value" in reasons(solution)


def test_optimal_with_a_wide_gap_is_found_out(solution: Path):
    edit_json(solution / "summary.json", objective_bound=1.2, nrr_bound=1.2)

    assert "the gap is wider" in reasons(solution)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"nrr": NaN}', "\udcff"])
def test_a_summary_that_is_no_json_is_found_out(solution: Path, text: str):
    (solution / "summary.json").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert "summary.json is missing or is not JSON" in reasons(solution)


def test_a_broken_hard_rule_is_found_out(tiny, tmp_path: Path):
    """All accounts with C1 needs 200 of its 100 hours."""
    loaded, _ = tiny
    plan = loaded.problem.plans[0][0].plan_id
    name = loaded.problem.segments[0].name
    wrong = result_of(loaded.problem, Solution({name: plan}, dict.fromkeys("ABCD", "C1")))
    write_solution(wrong, tmp_path / "out", origin=Origin(TINY, loaded.files), settings=SETTINGS)

    assert "The hard rule hours is broken" in reasons(tmp_path / "out")


def test_an_input_that_changed_since_is_found_out(tiny, tmp_path: Path):
    """Row 77: by its digest."""
    result = tiny[1]
    copy = copied(tmp_path)
    write_solution(result, tmp_path / "out", origin=Origin(copy, load(copy).files), settings=SETTINGS)
    edit(copy / "accounts.csv", lambda text: text.replace("400000", "410000"))

    said = reasons(tmp_path / "out")

    assert "The content of inputs is not what the manifest recorded: accounts.csv" in said
    assert "which the facts give" in said


def copied(folder: Path) -> Path:
    copy = folder / "instance"
    copy.mkdir(mode=0o700)
    for path in TINY.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


def test_the_solution_of_another_instance_is_found_out(solution: Path):
    """Row 77: other instance's solution."""
    said = reasons(solution, instance=TINY.parent / "team-of-15")

    assert "that the instance does not have" in said


def test_an_instance_that_moved_can_be_named(solution: Path, tmp_path: Path):
    assert reasons(solution, instance=copied(tmp_path)) == ""


def test_an_instance_that_is_gone_is_asked_for(solution: Path, capsys: pytest.CaptureFixture[str]):
    edit_json(solution / "manifest.json", instance="../nowhere")

    assert cli.run(["evaluate", str(solution)]) == 3
    assert "--instance PATH" in capsys.readouterr().err


def test_settings_of_the_command_line_are_laid_over_again(tiny, tmp_path: Path):
    overrides = ("budget.pay=120000",)
    loaded = load(TINY, overrides=overrides)
    result = result_of(loaded.problem)
    out = tmp_path / "out"
    write_solution(result, out, origin=Origin(TINY, loaded.files, overrides), settings=SETTINGS)

    assert reasons(out) == ""


# ---- manifest -------------------------------------------------------------------------------------------------------


def test_a_manifest_of_a_newer_version_is_named_as_such(solution: Path, capsys: pytest.CaptureFixture[str]):
    """Row 78: exit 3 and what to do."""
    edit_json(solution / "manifest.json", schema="optcomp/manifest/2", optcomp="9.9")

    assert cli.run(["evaluate", str(solution)]) == 3
    assert "written by a newer optcomp (9.9, manifest 2)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "null", "nonsense", '{"schema": "other/1"}', '{"schema": "optcomp/manifest/one"}', "[" * 100_000],
)
def test_a_folder_that_is_no_solution_is_refused(solution: Path, text: str):
    (solution / "manifest.json").write_text(text)

    assert cli.run(["evaluate", str(solution)]) == 3


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["evaluate", str(tmp_path)]) == 3
    assert "There is no manifest.json" in capsys.readouterr().err


def test_a_path_that_is_not_there_is_wrong_usage(tmp_path: Path):
    assert cli.run(["evaluate", str(tmp_path / "no")]) == 2


# ---- hooks ----------------------------------------------------------------------------------------------------------

HOOK = "def add(frame):\n    pass\n\ndef check(problem, solution):\n    return {said!r}\n"


@pytest.fixture
def hooked(tiny, tmp_path: Path) -> Path:
    loaded, result = tiny
    hook = tmp_path / "mine.py"
    hook.write_text(HOOK.format(said=[]))
    origin = Origin(TINY, loaded.files, (), (hook,))
    write_solution(result, tmp_path / "out", origin=origin, settings=replace(SETTINGS))
    return tmp_path


def test_a_hook_is_asked_for_and_never_run_by_itself(hooked: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["evaluate", str(hooked / "out")]) == 3
    assert "--hook FILE" in capsys.readouterr().err


def test_a_solution_with_its_hook_holds(hooked: Path):
    assert cli.run(["evaluate", str(hooked / "out"), "--hook", str(hooked / "mine.py")]) == 0


def test_a_hook_that_changed_and_objects_is_reported(hooked: Path):
    (hooked / "mine.py").write_text(HOOK.format(said=["A and B apart"]))

    said = reasons(hooked / "out", hooks=[hooked / "mine.py"])

    assert "The content of hooks is not what the manifest recorded: mine.py" in said
    assert "A constraint of your own is broken: mine: A and B apart" in said


def test_long_texts_that_begin_alike_are_shown_from_where_they_part():
    found, given = _apart("a" * 80 + " left", "a" * 80 + " right")

    assert (found, given) == ("…" + "a" * 19 + " left", "…" + "a" * 19 + " right")
    assert _apart(1.5, 2.5) == ("1.5", "2.5")
