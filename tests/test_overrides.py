"""What a person changes by hand: scored beside what was solved, kept in the next solve, compared with it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import xlsxwriter
from builders import account, csm, problem, rules

from optcomp.cli import run
from optcomp.errors import InputError
from optcomp.evaluate import evaluate
from optcomp.instance import Kept
from optcomp.keep import BY_HAND, kept_bytes, parse_kept, read_kept, with_kept
from optcomp.solution import Solution
from optcomp.solve import Engines, Settings, solve

TINY = Path(__file__).parents[1] / "instances" / "tiny"


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("solved") / "out"
    assert run(["solve", str(TINY), "--out", str(out), "--quiet"]) == 0
    return out


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Solved with A, which would go to C2, kept where it is."""
    folder = tmp_path_factory.mktemp("kept")
    (folder / "mine.csv").write_text("account_id,to,reason\nA,C1,asked for by the customer\n", encoding="utf-8")
    out = folder / "out"
    assert run(["solve", str(TINY), "--out", str(out), "--quiet", "--keep", str(folder / "mine.csv")]) == 0
    return out


def test_a_kept_line_is_kept_with_its_reason(kept: Path):
    line = next(x for x in (kept / "assignment.csv").read_text(encoding="utf-8").splitlines() if x.startswith("A,"))

    assert ",C1,C1,no,kept by hand: asked for by the customer," in line


def test_a_solution_with_kept_lines_holds_and_can_be_kept_again(
    kept: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["evaluate", str(kept)]) == 0
    assert run(["solve", str(TINY), "--out", str(tmp_path / "again"), "--quiet", "--keep", str(kept / "kept.csv")]) == 0

    assert (tmp_path / "again" / "assignment.csv").read_bytes() == (kept / "assignment.csv").read_bytes()


def test_a_kept_line_away_from_today_counts_as_a_forced_move(engines: Engines):
    where = problem([account("A1", "C1")], [csm("C1"), csm("C2")], rules=rules(locks={}, moves={"max": 0}))
    where = with_kept(where, [Kept("A1", "C2", BY_HAND)])

    result = solve(where, Settings(workers=1), engines=engines)

    assert result.solution is not None
    assert result.solution.csm_by_account == {"A1": "C2"}
    assert result.evaluation is not None
    assert (result.evaluation.moves_forced, result.evaluation.moves_counted) == (1, 0)


def test_a_kept_line_overrules_the_lock_of_the_account():
    where = problem([account("A1", "C1", locked=True)], [csm("C1"), csm("C2")], rules=rules(locks={}))
    where = with_kept(where, [Kept("A1", "C2", BY_HAND)])
    plans = {"S": "today"}

    assert evaluate(where, Solution(plans, {"A1": "C2"})).violations == ()
    assert [b.rule_id for b in evaluate(where, Solution(plans, {"A1": "C1"})).violations] == ["locks"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"account_id,to\nA,C1\n", (Kept("A", "C1", "kept by hand"),)),
        (b"account_id,to,reason\nA,C1,kept by hand: old\n", (Kept("A", "C1", "kept by hand: old"),)),
        (b"account_id,to,keep\nA,C1,yes\nB,C1,\nC,C1,no\n", (Kept("A", "C1", "kept by hand"),)),
        (b"account_id,to\nA,\n", ()),
    ],
)
def test_which_lines_are_kept(content: bytes, expected: tuple[Kept, ...]):
    assert parse_kept(content, "mine.csv") == expected


def test_kept_lines_come_back_from_their_file_as_they_were():
    lines = (Kept("=A", "C1", 'kept by hand: he said "no", twice'), Kept("B", "C2", BY_HAND))

    assert parse_kept(kept_bytes(lines), "kept.csv") == lines


@pytest.mark.parametrize("content", [b"account_id\nA\n", b"\xff\xfe\x00", b"account_id,to\nA,C1,more\n"])
def test_a_file_that_is_no_such_table_is_refused(content: bytes):
    with pytest.raises(InputError):
        parse_kept(content, "mine.csv")


@pytest.mark.parametrize("lines", [[Kept("X", "C1", "")], [Kept("A1", "X", "")], [Kept("A1", "C1", "")] * 2])
def test_lines_about_nobody_or_twice_are_refused(lines: list[Kept]):
    with pytest.raises(InputError):
        with_kept(problem([account("A1")], [csm("C1")]), lines)


def test_an_edited_assignment_is_scored_against_the_solved_one(
    solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A with C1 instead of C2 breaks the hours of C1: 120 + 40 hours of 100."""
    (tmp_path / "edited.csv").write_text("account_id,to\nA,C1\n", encoding="utf-8")

    code = run(["evaluate", str(solved), "--assignment", str(tmp_path / "edited.csv"), "--json"])

    said = json.loads(capsys.readouterr().out)
    assert code == 7
    assert said["accounts"] == {"A": ["C2", "C1"]}
    assert said["violations"] == [{"rule": "hours", "subject": "C1", "amount": 60.0}]
    assert said["terms"]["NRR"]["second"] < said["terms"]["NRR"]["first"]


def workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                sheet.write_row(i, 0, row)
    return path


@pytest.mark.parametrize(
    "sheets",
    [
        {"assignment": [["account_id", "from", "to"], ["A", "C1", "C1"]]},
        {"instance": [["key", "value"]], "notes": [[None], ["x"]], "accounts": [["account_id", "csm"], ["A", "C1"]]},
        {"accounts": [["Account.Id", "OwnerId"], ["B", "C1"]], "mine": [["account_id", "to"], ["A", "C1"]]},
    ],
    ids=["assignment.csv saved as a workbook", "the workbook of an instance", "what says `to` goes first"],
)
def test_a_workbook_edited_by_hand_is_read_as_an_assignment(
    sheets: dict[str, list[list[object]]], solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    edited = workbook(tmp_path / "edited.xlsx", sheets)

    assert run(["evaluate", str(solved), "--assignment", str(edited), "--json"]) == 7

    assert json.loads(capsys.readouterr().out)["accounts"] == {"A": ["C2", "C1"]}


def test_ids_of_digits_and_semicolons_are_read_as_spreadsheets_write_them(tmp_path: Path):
    edited = workbook(tmp_path / "edited.xlsx", {"x": [["account_id", "to", "reason"], [1001, 7, "asked for"]]})

    assert read_kept(edited) == (Kept("1001", "7", "kept by hand: asked for"),)
    assert parse_kept("account_id;to\r\nÄ;C1\r\n".encode(), "mine.csv") == (Kept("Ä", "C1", BY_HAND),)


def test_a_workbook_without_an_assignment_is_refused(tmp_path: Path):
    path = workbook(tmp_path / "edited.xlsx", {"x": [["account_id", "wanted"], ["A", "C1"]]})

    with pytest.raises(InputError, match="No sheet has a column account_id and a column to"):
        read_kept(path)


def test_a_misspelt_line_is_refused_with_the_nearest_id(
    solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "edited.csv").write_text("account_id,to\nA,C9\nA,C1\n", encoding="utf-8")

    assert run(["evaluate", str(solved), "--assignment", str(tmp_path / "edited.csv")]) == 3

    said = " ".join(capsys.readouterr().err.split())
    assert "The instance has no CSM 'C9'" in said
    assert "The account 'A' has 2 lines" in said


def test_an_edited_assignment_is_held_against_the_ceiling(
    solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A and B with C1 and C and D with C2 are today's books: 104.88 % under the plan of the optimum's 107.96 %."""
    (tmp_path / "edited.csv").write_text("account_id,to\nA,C1\nB,C1\nC,C2\nD,C2\n", encoding="utf-8")

    assert run(["evaluate", str(solved), "--assignment", str(tmp_path / "edited.csv"), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    net = said["terms"]["NRR net of bent rules"]
    assert said["worth"] == pytest.approx((net["second"] - net["first"]) * 1e6, abs=0.01)
    assert said["objective_bound"] == pytest.approx(net["first"], abs=1e-4)

    assert run(["evaluate", str(solved), "--assignment", str(tmp_path / "edited.csv")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert f"edited is worth ${-said['worth']:,.0f} a year less than solved" in text
    assert "points below the proven ceiling of 107.96 %." in text


def test_a_hook_that_is_not_there_is_said_to_be_missing(
    solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["explain", str(solved), "--account", "A", "--hook", str(tmp_path / "mine.py")]) == 3

    assert "There is no file mine.py." in capsys.readouterr().err


def write_hook(path: Path, add: str, check: str) -> None:
    """A file of constraints of the user's own, from one expression for each of its functions."""
    text = f"def add(frame):\n    {add}\n\ndef check(problem, solution):\n    return {check}\n"
    path.write_text(text, encoding="utf-8")


def test_a_constraint_of_ones_own_is_held_against_what_was_edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A may not be with C1; without the file of that constraint nothing is scored or explained."""
    hook = tmp_path / "away.py"
    write_hook(
        hook,
        "frame.row([(1.0, v) for v in frame.pair_variables('A', 'C1')], None, 0.0)",
        "['A is with C1'] if solution.csm_by_account['A'] == 'C1' else []",
    )
    out, edited = tmp_path / "out", tmp_path / "edited.csv"
    assert run(["solve", str(TINY), "--out", str(out), "--quiet", "--hook", str(hook)]) == 0
    edited.write_text("account_id,to\nA,C1\nB,C1\nC,C2\nD,C2\n", encoding="utf-8")
    capsys.readouterr()

    assert run(["evaluate", str(out), "--assignment", str(edited), "--hook", str(hook), "--json"]) == 7
    assert json.loads(capsys.readouterr().out)["own"] == ["away: A is with C1"]
    assert run(["evaluate", str(out), "--assignment", str(edited)]) == 3
    assert run(["explain", str(out), "--account", "A"]) == 3
    capsys.readouterr()

    assert run(["explain", str(out), "--account", "A", "--hook", str(hook)]) == 0
    assert "your own constraint is broken (away: A is with C1)" in " ".join(capsys.readouterr().out.split())


def test_an_assignment_that_was_not_edited_is_the_same(solved: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["evaluate", str(solved), "--assignment", str(solved / "assignment.csv")]) == 0

    assert "The two decide the same." in capsys.readouterr().out


def test_two_solutions_are_compared(solved: Path, kept: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["diff", str(solved), str(kept), "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert said["same_facts"]
    assert said["accounts"]["A"] == ["C2", "C1"]
    total = said["terms"]["ARR at the end of the year"]
    parts = [said["terms"][name] for name in ("ARR kept", "ARR added", "cost of load")]
    for side in ("first", "second"):
        assert total[side] == pytest.approx(parts[0][side] + parts[1][side] - parts[2][side])


def test_a_solution_is_held_against_its_own_ceiling(solved: Path, kept: Path, capsys: pytest.CaptureFixture[str]):
    """Keeping A where it is lowers the ceiling from 107.96 to 101.60 %: to lie at it is no praise of the kept line."""
    assert run(["diff", str(solved), str(kept)]) == 0

    text = " ".join(capsys.readouterr().out.split())
    assert "0.00 points below its own proven ceiling of 101.60 %." in text


def test_different_facts_are_pointed_out(solved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "rich"
    assert run(["solve", str(TINY), "--out", str(out), "--quiet", "--set", "budget.pay=200000"]) == 0

    assert run(["diff", str(solved), str(out)]) == 0

    assert "different facts" in capsys.readouterr().out


@pytest.mark.parametrize("asked", [["--account", "A"], ["--csm", "C1"], ["--plan", "all"], ["--move", "A:C1"]])
def test_explain_answers_each_kind_of_question(asked: list[str], solved: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["explain", str(solved), *asked, "--json"]) == 0

    said = json.loads(capsys.readouterr().out)
    assert len(said["claims"]) >= 3
    assert all(c["sentence"].endswith(".") for c in said["claims"])


@pytest.mark.parametrize(
    ("asked", "code", "what"),
    [
        (["--account", "a"], 3, "no account 'a'. Did you mean 'A'?"),
        (["--account", "nobody"], 3, "no account 'nobody'. It has 'A', 'B', 'C', 'D'."),
        (["--plan", "nowhere"], 3, "no segment 'nowhere'. It has 'all'."),
        (["--move", "A:C9"], 3, "no CSM 'C9'. It has 'C1', 'C2'."),
        (["--move", "A"], 2, "--move takes ACCOUNT:CSM"),
        ([], 2, "Name exactly one"),
    ],
)
def test_explain_refuses_what_is_not_there_and_names_what_is(
    asked: list[str], code: int, what: str, solved: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(["explain", str(solved), *asked]) == code

    assert what in capsys.readouterr().err


def test_check_names_the_rules_that_clash(capsys: pytest.CaptureFixture[str]):
    assert run(["check", str(TINY), "--set", "rules.hours.ceiling=0.9"]) == 4

    text = capsys.readouterr().out
    assert "without it the rest fits (proved)" in text
    assert "--set rules.hours.ceiling=1" in text


def test_check_names_rules_that_clash_though_no_sum_shows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """B and C are of one parent, so that A and D, with 60 and 50 hours, have to share the 100 of one CSM."""
    folder = tmp_path / "tiny"
    shutil.copytree(TINY, folder)
    lines = (TINY / "accounts.csv").read_text(encoding="utf-8").splitlines()
    parents = ["parent" if k == 0 else "P" if line[:2] in ("B,", "C,") else "" for k, line in enumerate(lines)]
    text = "\n".join(f"{line},{parent}" for line, parent in zip(lines, parents, strict=True))
    (folder / "accounts.csv").write_text(text, encoding="utf-8")

    assert run(["check", str(folder), "--json"]) == 4

    said = json.loads(capsys.readouterr().out)
    assert said["reasons"] == []
    assert {r["rule"] for r in said["conflict"]["rules"]} == {"hours", "families"}


def test_check_asks_no_solver_where_todays_books_fit_or_on_request(capsys: pytest.CaptureFixture[str]):
    assert run(["check", str(TINY), "--json"]) == 0
    assert "conflict" not in json.loads(capsys.readouterr().out)

    assert run(["check", str(TINY), "--set", "rules.hours.ceiling=0.9", "--no-conflicts", "--json"]) == 4
    assert "conflict" not in json.loads(capsys.readouterr().out)


def test_check_says_that_it_did_not_ask_on_a_large_instance(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """C2 looks after 400,000, which is less than a book must hold."""
    monkeypatch.setattr("optcomp.check.MOST_PAIRS", 7)
    limit = ["--set", "segments.all.min_arr=410000"]

    assert run(["check", str(TINY), *limit]) == 0

    said = " ".join(capsys.readouterr().out.split())
    assert "was not asked: today's books break one. --conflicts asks the solver." in said


def test_check_finds_no_clash_where_there_is_none(capsys: pytest.CaptureFixture[str]):
    assert run(["check", str(TINY), "--conflicts", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["conflict"] is None


def test_solve_names_the_rules_that_clash(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = run(["solve", str(TINY), "--out", str(tmp_path / "o"), "--quiet", "--json", "--set", "budget.pay=90000"])

    assert code == 4
    conflict = json.loads(capsys.readouterr().out)["conflict"]
    assert [r["rule"] for r in conflict["rules"]] == ["budget"]
    assert conflict["ways_out"][0]["settings"] == ["budget.pay=100000"]


def test_solve_names_the_constraint_of_ones_own_that_clashes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Hours of tiny force A and B together."""
    hook = tmp_path / "rivals.py"
    both = "frame.pair_variables('A', c) + frame.pair_variables('B', c)"
    write_hook(
        hook,
        f"[frame.row([(1.0, v) for v in {both}], None, 1.0) for c in frame.problem.csms.ids]",
        "['shared'] if solution.csm_by_account['A'] == solution.csm_by_account['B'] else []",
    )

    assert run(["solve", str(TINY), "--out", str(tmp_path / "o"), "--quiet", "--hook", str(hook)]) == 4

    text = " ".join(capsys.readouterr().out.split())
    assert "Constraints of your own clash with rules; without any one of these it fits (proved)." in text
    assert "- rivals: your own constraint. - hours: nobody is given more hours" in text
