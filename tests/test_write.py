"""The files of a solution: complete, deterministic, safe to open, and tracing back to their inputs."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from builders import account, csm, problem
from solved import ORIGIN, SETTINGS, TINY, current_solution, result_of, small_problem

from optcomp.errors import CheckFailed, Finding
from optcomp.manifest import Origin, label, manifest
from optcomp.reload import Reasons, check_files, parse_csv, read_solution
from optcomp.write import FILES, MANIFEST, SUMMARY, cell, csv_bytes, solution_files, write_solution

PROMISED = """
    status recommended recommended_why nrr soft_cost objective objective_bound nrr_bound gap_pp nrr_current
    nrr_current_is_counterfactual grr nrr_nonlinear arr arr_end pay_cost pay_budget exposure replacement_cost moves
    moves_forced seconds method goal jointness bends warnings files
"""


def files_of(result, out: Path = Path("out"), **more):
    return solution_files(result, out, origin=ORIGIN, settings=SETTINGS, **more)


def summary_of(result, **more):
    return json.loads(files_of(result, **more)[SUMMARY])


def test_the_folder_holds_the_six_files(tmp_path: Path):
    write_solution(result_of(small_problem()), tmp_path / "out", origin=ORIGIN, settings=SETTINGS)

    assert {p.name for p in (tmp_path / "out").iterdir()} == set(FILES)


def test_the_same_result_gives_the_same_bytes():
    assert files_of(result_of(small_problem())) == files_of(result_of(small_problem()))


def test_the_summary_has_every_number_that_is_promised():
    summary = summary_of(result_of(small_problem()))

    assert summary["schema"] == "optcomp/solve/1"
    assert [key for key in PROMISED.split() if key not in summary] == []


def test_what_is_not_proved_is_null_and_not_infinite():
    """JSON has no infinity; many readers refuse the word."""
    summary = summary_of(result_of(small_problem(), bound=float("inf")))

    assert summary["objective_bound"] is None
    assert summary["nrr_bound"] is None
    assert summary["gap_pp"] is None


def test_warnings_about_the_input_are_in_the_summary():
    finding = Finding("x", "Something is odd", "Something else", severity="warning")

    assert "Something is odd. Something else." in summary_of(result_of(small_problem()), warnings=[finding])["warnings"]


def test_a_summary_without_a_solution_has_the_same_keys():
    from optcomp.summary import summarise

    result = result_of(small_problem())
    nothing = replace(result, solution=None, evaluation=None, reasons=("No money.",))

    assert summarise(nothing).keys() == summarise(result).keys()
    assert summarise(nothing)["nrr"] is None
    assert summarise(nothing)["status"] == "infeasible"


def test_the_manifest_has_the_digest_of_every_input_and_output():
    files = files_of(result_of(small_problem()))

    written = json.loads(files[MANIFEST])
    assert written["inputs"]["accounts.csv"] == hashlib.sha256((TINY / "accounts.csv").read_bytes()).hexdigest()
    assert written["outputs"] == {n: hashlib.sha256(c).hexdigest() for n, c in files.items() if n != MANIFEST}


def test_the_manifest_names_no_folder_of_the_machine(tmp_path: Path):
    """It is what people send along with a question."""
    hook = tmp_path / "mine.py"
    hook.write_text("")
    origin = Origin(TINY, ORIGIN.files, ("rules.moves.max=3",), (hook,))

    written = manifest(origin, SETTINGS, TINY.parent / "out", {})

    assert str(TINY.parent) not in json.dumps(written)
    assert str(tmp_path) not in json.dumps(written)
    assert written["instance"] == "../tiny"
    assert list(written["hooks"]) == ["mine.py"]
    assert written["overrides"] == ["rules.moves.max=3"]


def test_shipped_models_are_named_apart_from_the_instances_own(tmp_path: Path):
    from optcomp.catalog import find_model

    assert label(find_model("service", "tiers-2024", None), TINY) == "optcomp:service/tiers-2024.toml"
    assert label(TINY / "response.toml", TINY) == "response.toml"
    assert label(tmp_path / "other.toml", TINY) == "other.toml"


# ---- cells ----------------------------------------------------------------------------------------------------------

HOSTILE = [
    "=HYPERLINK(1)", "+1", "-1+2", "@SUM(A1)", "\t=1", "＝1", "'=1", 'a"b', "a,b", "a\nb", "a\r\nb", "[red]x[/red]",
    "<script>", "عربي", "e\u0301", "👩‍👩‍👧", "x" * 300, " padded ", "'", "''", "NaN", "1e5", "007", "yes",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_comes_back_as_it_was(name: str):
    """As an id, so that the decision itself depends on it."""
    where = problem([account(name, "C1"), account("A2", "C2")], [csm("C1"), csm("C2")])

    files = files_of(result_of(where, current_solution(where)))

    assert read_solution(files, where, Reasons()) == current_solution(where)


@pytest.mark.parametrize("name", HOSTILE[:6])
def test_no_cell_starts_a_formula(name: str):
    where = problem([account(name, name), account("A2", "C2")], [csm(name), csm("C2")])

    files = files_of(result_of(where, current_solution(where)))

    for table in ("assignment.csv", "books.csv"):
        texts = [text for row in parse_csv(files[table]) for text in row.values()]
        assert [t for t in texts if t.startswith(("=", "+", "@", "\t", "＝"))] == []


def test_negative_numbers_stay_numbers():
    import pandas as pd

    assert csv_bytes(pd.DataFrame({"gain": [-36.577]})) == b"gain\r\n-36.58\r\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (True, "yes"),
        (False, "no"),
        (-0.001, "0.00"),
        (1234.5, "1234.50"),
        (7, "7"),
        ("=1", "'=1"),
    ],
)
def test_a_cell_is_plain(value, text):
    assert cell(value, 2) == text


# ---- the check before publishing ------------------------------------------------------------------------------------


def test_files_that_hold_the_solution_pass():
    result = result_of(small_problem())

    check_files(files_of(result), result)


def test_files_that_lost_a_row_are_not_published():
    result = result_of(small_problem())
    files = files_of(result)
    files["assignment.csv"] = files["assignment.csv"].rsplit(b"\r\n", 2)[0] + b"\r\n"

    with pytest.raises(CheckFailed, match="no row for account: A3"):
        check_files(files, result)


def test_files_that_say_another_decision_are_not_published():
    where = small_problem()
    result = result_of(where, current_solution(where))
    other = files_of(result_of(where))

    with pytest.raises(CheckFailed, match="is not worth what was found"):
        check_files(other, result)
