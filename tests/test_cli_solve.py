"""`optcomp solve` end to end on small instances: files, words, exit codes."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from solved import TINY, result_of, small_problem

from optcomp import cli
from optcomp.cli.solve_text import nothing_text, solve_text
from optcomp.errors import CheckFailed
from optcomp.evaluate import current_solution
from optcomp.summary import summarise
from optcomp.words import million, money, plural, points
from optcomp.write import CERTIFICATE, FILES


def solve(out: Path, *more: str, instance: Path = TINY) -> int:
    return cli.run(["solve", str(instance), "--out", str(out), "--jobs", "1", *more])


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tiny, solved once."""
    folder = tmp_path_factory.mktemp("solved") / "out"
    assert solve(folder, "--quiet") == 0
    return folder


def test_a_solve_writes_the_folder_and_it_holds(out: Path):
    assert {p.name for p in out.iterdir()} == {*FILES, CERTIFICATE}
    assert cli.run(["evaluate", str(out)]) == 0


def test_the_optimum_of_tiny_is_the_one_on_paper(out: Path):
    summary = json.loads((out / "summary.json").read_text())

    assert summary["status"] == "optimal"
    assert summary["nrr"] == pytest.approx(1.079569, abs=1e-6)  # instances/tiny/README.md
    assert summary["nrr_bound"] == pytest.approx(1.079569, abs=1e-4)


def test_the_report_is_in_words_and_fits_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert solve(tmp_path / "out") == 0

    said = capsys.readouterr()
    assert "this solution          107.96 %" in said.out
    assert "Deciding pay and books together is worth" in said.out
    assert "Recommendation: PILOT" in said.out
    assert [line for line in said.out.splitlines()[:-3] if len(line) > 80] == []  # the last ones hold the path
    assert "gap 0.000 pp" in said.err
    assert [line for line in said.err.splitlines() if len(line) > 80] == []


def test_json_is_exactly_the_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert solve(tmp_path / "out", "--json", "--quiet") == 0

    said = capsys.readouterr()
    assert said.out == (tmp_path / "out" / "summary.json").read_text()
    assert said.err == ""


def without_seconds(folder: Path) -> dict[str, object]:
    files: dict[str, object] = {p.name: p.read_bytes() for p in folder.iterdir() if p.suffix != ".json"}
    return files | {"summary": json.loads((folder / "summary.json").read_text()) | {"seconds": 0}}


def test_the_same_seed_gives_the_same_bytes(out: Path, tmp_path: Path):
    """But for the seconds, and the manifest."""
    assert solve(tmp_path / "again", "--quiet") == 0

    assert without_seconds(tmp_path / "again") == without_seconds(out)


def test_a_setting_is_laid_over_and_recorded(tmp_path: Path):
    assert solve(tmp_path / "out", "--quiet", "--set", "rules.moves.state=hard", "--set", "rules.moves.max=0") == 0

    assert json.loads((tmp_path / "out" / "summary.json").read_text())["moves"] == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["overrides"] == ["rules.moves.state=hard", "rules.moves.max=0"]
    assert cli.run(["evaluate", str(tmp_path / "out")]) == 0


def test_a_hook_is_used_recorded_and_checked(tmp_path: Path):
    """Account A stays with C1: tiny's other books are ruled out."""
    hook = tmp_path / "stay.py"
    hook.write_text(
        "def add(frame):\n"
        "    table = frame.tables\n"
        "    for k in range(len(table.pair_unit)):\n"
        "        if frame.problem.csms.ids[table.pair_csm[k]] == 'C2' and table.pair_unit[k] == 0:\n"
        "            frame.row([(1.0, frame.model.x[k])], None, 0.0)\n"
        "def check(problem, solution):\n"
        "    return [] if solution.csm_by_account['A'] == 'C1' else ['A has left C1']\n"
    )

    assert solve(tmp_path / "out", "--quiet", "--hook", str(hook)) == 0

    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["method"] == "joint"
    assert summary["nrr"] == pytest.approx(1.016016, abs=1e-6)  # instances/tiny/README.md
    assert cli.run(["evaluate", str(tmp_path / "out"), "--hook", str(hook)]) == 0


# ---- exit codes -----------------------------------------------------------------------------------------------------


def test_nothing_fits_exits_with_4_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert solve(tmp_path / "out", "--quiet", "--set", "budget.pay=1000") == 4

    said = capsys.readouterr().out
    assert "Nothing fits" in said
    assert "raise budget.pay by 99,000" in " ".join(said.split())
    assert not (tmp_path / "out").exists()


def test_nothing_fits_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert solve(tmp_path / "out", "--quiet", "--json", "--set", "rules.hours.ceiling=0.5") == 4

    said = json.loads(capsys.readouterr().out)
    assert said["status"] == "infeasible"
    assert "at the ceiling" in said["reasons"][0]
    assert said["nrr"] is None
    assert said["files"] == []


def test_a_gap_that_is_required_and_not_met_exits_with_5_and_writes(tmp_path: Path):
    assert solve(tmp_path / "out", "--quiet", "--time-limit", "0", "--require-gap") == 5

    assert (tmp_path / "out" / "summary.json").exists()


def test_without_require_gap_what_was_found_in_time_is_a_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert solve(tmp_path / "out", "--quiet", "--time-limit", "0") == 0

    assert "give the search more time" in " ".join(capsys.readouterr().out.split())


def test_nothing_found_in_time_exits_with_6(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """Somebody leaves, so today's books are no solution to fall back on."""
    instance = tmp_path / "instance"
    instance.mkdir(mode=0o700)
    for path in TINY.iterdir():
        (instance / path.name).write_bytes(path.read_bytes())
    text = (instance / "accounts.csv").read_text()
    header = text.splitlines()[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in text.splitlines()[1:]]
    for row in rows:
        row["csm"] = "" if row["account_id"] == "A" else row["csm"]
    lines = [",".join(header), *(",".join(row.values()) for row in rows)]
    (instance / "accounts.csv").write_text("\n".join(lines) + "\n")

    assert solve(tmp_path / "out", "--quiet", "--time-limit", "0", instance=instance) == 6

    assert "not proved" in " ".join(capsys.readouterr().out.split())
    assert not (tmp_path / "out").exists()


def test_a_result_that_fails_its_check_is_not_published(tmp_path: Path, monkeypatch, capsys):
    def fails(files, result):
        raise CheckFailed("not what was found")

    monkeypatch.setattr("optcomp.reload.check_files", fails)

    assert solve(tmp_path / "out", "--quiet") == 7
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_refused_before_the_solve(out: Path, capsys: pytest.CaptureFixture[str]):
    before = (out / "summary.json").read_bytes()

    assert solve(out) == 8

    assert "give --force" in capsys.readouterr().err
    assert (out / "summary.json").read_bytes() == before


def test_force_replaces_a_solution(tmp_path: Path):
    assert solve(tmp_path / "out", "--quiet", "--time-limit", "0") == 0
    assert solve(tmp_path / "out", "--quiet", "--force") == 0

    assert json.loads((tmp_path / "out" / "summary.json").read_text())["status"] == "optimal"


def test_invalid_input_exits_with_3_and_touches_nothing(tmp_path: Path):
    assert cli.run(["solve", str(tmp_path / "none"), "--out", str(tmp_path / "out")]) == 3

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "options",
    [["--time-limit", "-1"], ["--gap", "-1"], ["--gap", "nan"], ["--time-limit", "nan"], ["--jobs", "0"],
     ["--seed", "-1"], ["--method", "magic"]],
)  # fmt: skip
def test_options_out_of_range_are_wrong_usage(tmp_path: Path, options: list[str]):
    """Row 67: no processes at all, or less than no time."""
    assert solve(tmp_path / "out", *options) == 2


def test_out_is_required():
    assert cli.run(["solve", str(TINY)]) == 2


@pytest.mark.parametrize("options", [["--gap", "0"], ["--time-limit", "1e9"], ["--jobs", "999"], ["--gap", "1e9"]])
def test_extreme_options_are_fine(tmp_path: Path, options: list[str]):
    """Row 67: a gap of 0, an age of time, more processes than there is work."""
    assert solve(tmp_path / "out", "--quiet", *options) == 0


# ---- words ----------------------------------------------------------------------------------------------------------


def report(result) -> str:
    return solve_text(result, summarise(result, files=FILES), Path("out"))


def test_names_cannot_steer_the_terminal():
    """ANSI escapes, rich markup, bidi overrides and 300 characters in a CSM's id and a segment's name."""
    from builders import account, csm, problem, segment

    names = ["\x1b[31mred\x1b[0m", "[bold red]x[/]", "\u202edrow", "n" * 300]
    csms = [csm(name, segment="S\x1b[2J", max_accounts=1) for name in names]
    accounts = [account(f"A{i}", name, segment="S\x1b[2J") for i, name in enumerate(names)]
    from builders import rules

    where = problem(accounts, csms, segments=[segment("S\x1b[2J")], rules=rules(own_limits={}))

    text = report(result_of(where, current_solution(where)))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[bold red]x[/]" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_a_ceiling_that_says_nothing_is_not_printed():
    result = result_of(small_problem(), bound=247.0)

    assert "proven ceiling         none yet" in report(result)


def test_where_somebody_leaves_today_is_said_to_be_counterfactual():
    from datetime import date

    from builders import csm

    where = small_problem((csm("C1", status="leaving", end=date(2027, 3, 1)), csm("C2")))

    assert "counted as if nobody left" in " ".join(report(result_of(where)).split())


@pytest.mark.parametrize(
    ("status", "said"), [("infeasible", "it is proved"), ("no_solution", "not proved"), ("solver_crashed", "crashed")]
)
def test_no_solution_is_said_as_it_is(status: str, said: str):
    assert said in nothing_text({"status": status, "reasons": []})


def test_bends_are_listed_from_the_dearest():
    from builders import account, csm, problem, rules

    where = problem(
        [account("A1"), account("A2"), account("A3", "C2")],
        [csm("C1"), csm("C2")],
        rules=rules(
            workload_spread={"state": "soft"}, moves={"state": "soft"}, hours={"state": "soft", "ceiling": 0.15}
        ),
    )

    text = report(result_of(where, current_solution(where)))

    prices = [int(p.replace(",", "")) for p in re.findall(r"\$([\d,]+)  [\d.,]+ hours", text)]
    assert len(prices) > 1
    assert prices == sorted(prices, reverse=True)


def test_numbers_in_words():
    assert money(-1234.6) == "-$1,235"
    assert money(0.4, "CHF") == "CHF 0"
    assert million(1_530_000.0) == "$1.53M"
    assert million(-250_000.0, "EUR") == "-€0.25M"
    assert million(99_999.0) == "$99,999"
    assert points(-0.001) == "0.00"
    assert points(3.958) == "+3.96"
    assert plural(1, "move") == "1 move"
    assert plural(0, "move") == "0 moves"


def test_todays_broken_design_rules_are_said_once(out: Path):
    where = small_problem()
    result = result_of(where, current_solution(where))
    finding = {"segment": "S", "rule": "max_weight", "amount": 0.5, "unit": "share"}
    summary = summarise(result, files=FILES) | {"design_findings_current": [finding, finding | {"segment": "T"}]}

    text = " ".join(solve_text(result, summary, Path("out")).split())

    assert "Today's plan in S, T breaks max_weight; it may stay, for it is in force." in text


def test_a_long_list_is_cut_and_says_where_the_rest_is():
    result = result_of(small_problem())
    summary = summarise(result, files=FILES)
    summary["books_at_limits"] = [{"csm_id": f"C{i}", "limit": "load 1.15"} for i in range(9)]

    assert "… and 4 more in books.csv" in solve_text(replace(result), summary, Path("out"))


@pytest.mark.parametrize(("counted", "is_said"), [(4, True), (5, False)])
def test_a_family_that_counts_once_is_said_where_moves_do_not_add_up(counted: int, is_said: bool):
    result = result_of(small_problem())
    summary = summarise(result, files=FILES) | {"moves": 6, "moves_forced": 1, "moves_counted": counted}

    assert (f"Families count once: {counted} moves" in solve_text(result, summary, Path("out"))) is is_said


def test_guardrails_are_priced_by_themselves_and_not_against_ones_will(tmp_path: Path):
    priced = {}
    for name, more in {"usual": [], "plain": ["--no-price-guardrails"]}.items():
        assert solve(tmp_path / name, "--quiet", "--set", "rules.moves.state=soft", *more) == 0
        priced[name] = json.loads((tmp_path / name / "summary.json").read_text())["guardrails"]

    assert [price["rule"] for price in priced["usual"]] == ["moves"]
    assert priced["plain"] == []
