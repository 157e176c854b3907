"""`instance.toml`: what is refused, where the finding points, and what `--set` may do."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from folders import TOML, errors_of, warnings_of, write_folder

from optcomp.errors import Finding
from optcomp.plan import GridSpec, MenuSpec
from optcomp.read import read_instance
from optcomp.tabular.dates import is_date_format


def findings(tmp_path: Path, toml: str | bytes, *overrides: str) -> list[tuple[str, int | None, str]]:
    return [(f.code, f.row, f.column) for f in errors_of(write_folder(tmp_path, toml=toml), overrides)]


def only(tmp_path: Path, toml: str | bytes, *overrides: str) -> Finding:
    found = errors_of(write_folder(tmp_path, toml=toml), overrides)
    assert len(found) == 1, found
    return found[0]


def test_every_setting_reaches_the_instance(tmp_path: Path) -> None:
    """Issue 2: budget, segments, pay menu, rule overrides, model files."""
    toml = TOML.replace(
        "[segments.growth]\n",
        """
[goal]
nrr = 1.15
[models]
rules = "mine.toml"
[menu]
base_factors = [1.0, 1.05]
variable_shares = [0.15]
mixes = ["renewal-expansion-gate"]
[menu.grid]
metrics = ["GRR", "EXP", "ACT"]
[rules.moves]
state = "hard"
max = 40
[segments.growth]
max_accounts = 50
owns_expansion = false
ready_metrics = ["GRR"]
""",
    )

    instance, _ = read_instance(write_folder(tmp_path, toml=toml))

    grid = GridSpec(("GRR", "EXP", "ACT"))
    assert instance.menu == MenuSpec((1.0, 1.05), (0.15,), ("renewal-expansion-gate",), grid)
    assert instance.rule_overrides == (("moves", (("max", 40), ("state", "hard"))),)
    assert (instance.target_nrr, instance.models.rules, instance.pay_budget) == (1.15, "mine.toml", 220000)
    segment = instance.segments[0]
    assert (segment.max_accounts, segment.owns_expansion, segment.ready_metrics) == (50, False, ("GRR",))


def test_a_byte_order_mark_and_windows_line_ends_are_accepted(tmp_path: Path) -> None:
    """Row 5: UTF-8 BOM in TOML."""
    assert findings(tmp_path, b"\xef\xbb\xbf" + TOML.replace("\n", "\r\n").encode()) == []


def test_toml_that_is_not_utf_8_is_placed(tmp_path: Path) -> None:
    """Row 7: Latin-1 bytes in TOML."""
    assert findings(tmp_path, TOML.encode() + b'priority = "\xe9"') == [("encoding", 10, "")]


def test_a_key_declared_twice_is_placed_by_line_and_column(tmp_path: Path) -> None:
    """Row 48: duplicate key."""
    finding = only(tmp_path, TOML.replace("pay = 220000", "pay = 1\npay = 2"))

    assert (finding.code, finding.row, finding.column) == ("toml-syntax", 7, "8")
    assert "twice" in finding.hint


@pytest.mark.parametrize(
    ("line", "place", "hint"),
    [
        ("pays = 1", ("unknown-key", 7, "budget.pays"), "Did you mean 'pay'?"),
        ("[goals]", ("unknown-key", 7, "goals"), "Did you mean 'goal'?"),
        ('[models]\nrule = "x"', ("unknown-key", 8, "models.rule"), "Did you mean 'rules'?"),
        ("[menu.grid]\nmetric = []", ("unknown-key", 8, "menu.grid.metric"), "Did you mean 'metrics'?"),
        ("[segments.growth.tody]", ("unknown-key", 7, "segments.growth.tody"), "Did you mean 'today'?"),
        ("[rules.movs]\nmax = 1", ("unknown-rule", 7, "rules.movs"), "Did you mean 'moves'?"),
        ("[rules.moves]\nmx = 1", ("unknown-parameter", 8, "rules.moves.mx"), "Did you mean 'max'?"),
        ('[columns.accounts]\nar = "x"', ("unknown-key", 8, "columns.accounts.ar"), "Did you mean 'arr'?"),
        ('[columns.account]\narr = "x"', ("unknown-key", 7, "columns.account"), "Did you mean 'accounts'?"),
    ],
)
def test_misspelt_keys_are_placed_with_the_nearest_one(
    tmp_path: Path, line: str, place: tuple[str, int, str], hint: str
) -> None:
    """Row 48: unknown key, did-you-mean."""
    toml = TOML.replace("pay = 220000\n", f"pay = 220000\n{line}\n")
    found = [f for f in errors_of(write_folder(tmp_path, toml=toml)) if f.code.startswith("unknown")]

    assert [(f.code, f.row, f.column) for f in found] == [place]
    assert found[0].hint == hint


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("pay = 220000", "pay = true", ("wrong-type", 6, "budget.pay")),
        ("pay = 220000", 'pay = "220000"', ("wrong-type", 6, "budget.pay")),
        ("pay = 220000", "pay = inf", ("not-finite", 6, "budget.pay")),
        ("pay = 220000", "pay = nan", ("not-finite", 6, "budget.pay")),
        ("pay = 220000", "pay = -5", ("out-of-range", 6, "budget.pay")),
        ("pay = 220000", "pay = 1e300", ("out-of-range", 6, "budget.pay")),
        ("pay = 220000", f"pay = {'9' * 400}", ("wrong-type", 6, "budget.pay")),
        ("pay = 220000\n", "", ("missing-key", 5, "budget.pay")),
        ("as_of = 2026-11-01", 'as_of = "2026-11-01"', ("wrong-type", 3, "as_of")),
        ("as_of = 2026-11-01", "as_of = 2026-11-01T10:00:00", ("wrong-type", 3, "as_of")),
        ("as_of = 2026-11-01", "as_of = 1900-01-01", ("placeholder-date", 3, "as_of")),
        ("optcomp/instance/1", "optcomp/instance/2", ("not-allowed", 1, "schema")),
        ('"small"', '""', ("not-allowed", 2, "name")),
        ('"all-or-nothing-90"', '""', ("out-of-range", 9, "segments.growth.today.mix")),
    ],
)
def test_wrong_values_are_placed(tmp_path: Path, old: str, new: str, place: tuple[str, int, str]) -> None:
    """Row 72: the pay budget is missing. Row 48: wrong type (true for a number), inf and nan; row 17: out of range."""
    assert findings(tmp_path, TOML.replace(old, new)) == [place]


def test_a_number_of_five_thousand_digits_is_refused(tmp_path: Path) -> None:
    """Row 18: 5,000-digit integer."""
    assert [code for code, _, _ in findings(tmp_path, TOML.replace("220000", "9" * 5000))] == ["not-a-number"]


@pytest.mark.parametrize("opening", ["[", "{a="])
def test_deep_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    """Row 49: nested 900 deep."""
    closing = "]" if opening == "[" else "}"
    for depth in (13, 900, 5000):
        toml = TOML + f"x = {opening * depth}1{closing * depth}\n"
        codes = [code for code, _, _ in findings(tmp_path, toml)]
        assert codes == ["nested-too-deep"]


def test_dotted_keys_nested_900_deep_are_refused(tmp_path: Path) -> None:
    """Row 49: nested 900 deep, by dots."""
    assert [c for c, _, _ in findings(tmp_path, TOML + "a" + ".a" * 900 + " = 1\n")] == ["nested-too-deep"]


def test_a_share_above_one_is_taken_for_a_per_cent(tmp_path: Path) -> None:
    """Row 21: percentages where 0 to 1 is meant."""
    finding = only(tmp_path, TOML + "variable_share = 13\n")

    assert (finding.row, finding.hint) == (10, "If per cent is meant, write 0.13")


@pytest.mark.parametrize(
    ("lines", "column"),
    [
        ("[segments.growth]\nmin_accounts = 9\nmax_accounts = 8", "segments.growth.min_accounts"),
        ("[segments.growth]\nmin_arr = 9\nmax_arr = 8", "segments.growth.min_arr"),
        ("[rules.gate_share]\nmin = 0.3\nmax = 0.2", "rules.gate_share.min"),
        ("[rules.weight_bounds]\nmin_grr = 0.3\nmax_grr = 0.2", "rules.weight_bounds.min_grr"),
        ('[menu.grid]\nmetrics = ["GRR"]\nmin_weight = 0.6\nmax_weight = 0.5', "menu.grid.min_weight"),
    ],
)
def test_a_least_above_its_largest_is_refused(tmp_path: Path, lines: str, column: str) -> None:
    """Row 23: min above max, both shown."""
    toml = TOML.replace("[segments.growth]\n", "") if "[segments.growth]" in lines else TOML
    finding = only(tmp_path, toml + lines + "\n")

    assert (finding.code, finding.column) == ("min-above-max", column)
    assert "min" in finding.found
    assert "max" in finding.found


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('state = "heard"', "not-allowed"),
        ("max = true", "wrong-type"),
        ("max = nan", "not-finite"),
        ("max = -1", "out-of-range"),
        ("price = -1", "out-of-range"),
    ],
)
def test_a_rule_is_checked_against_the_catalogue(tmp_path: Path, line: str, code: str) -> None:
    """Row 48: rules and their parameters."""
    assert findings(tmp_path, TOML + f"[rules.moves]\n{line}\n") == [(code, 11, f"rules.moves.{line.split()[0]}")]


def test_a_state_that_the_rule_does_not_know_is_refused(tmp_path: Path) -> None:
    """Row 48: a leaver cannot keep accounts."""
    finding = only(tmp_path, TOML + '[rules.leavers]\nstate = "soft"\n')

    assert (finding.code, finding.allowed) == ("not-allowed", "One of hard")


def test_rules_are_judged_even_when_other_settings_are_wrong(tmp_path: Path) -> None:
    """Duties: every problem at once."""
    toml = TOML.replace("pay = 220000", "pay = true") + "[rules.movs]\n"

    assert [c for c, _, _ in findings(tmp_path, toml)] == ["wrong-type", "unknown-rule"]


def test_a_step_that_does_not_divide_one_is_refused(tmp_path: Path) -> None:
    """Row 22: weights could not sum to 1."""
    toml = TOML + '[menu.grid]\nmetrics = ["GRR", "GRR"]\nstep = 0.3\n'

    assert [c for c, _, _ in findings(tmp_path, toml)] == ["bad-step", "repeated"]


@pytest.mark.parametrize("name", ["../../x", "a/b", "a\\\\b", ".hidden", " a", "a\\u200b", "x" * 81])
def test_names_that_could_leave_a_folder_are_refused(tmp_path: Path, name: str) -> None:
    """Row 60: a segment name used as a file name (written here as TOML writes it)."""
    errors = errors_of(write_folder(tmp_path, toml=TOML.replace("segments.growth", f'segments."{name}"')))

    assert "not-allowed" in [f.code for f in errors if f.column.startswith("segments")]


def test_a_plan_year_that_has_begun_is_a_warning(tmp_path: Path) -> None:
    """Row 46: the fiscal year may begin on any day, but later than the facts."""
    toml = TOML.replace("plan_year_start = 2027-01-01", "plan_year_start = 2026-02-01")

    assert [f.code for f in warnings_of(write_folder(tmp_path, toml=toml))] == ["plan-year-begun"]


@pytest.mark.parametrize("start", ["2028-02-29", "2027-04-06", "2027-12-31"])
def test_a_fiscal_year_begins_on_any_day(tmp_path: Path, start: str) -> None:
    """Row 46: leap day and odd fiscal years."""
    instance, warnings = read_instance(
        write_folder(tmp_path, toml=TOML.replace("plan_year_start = 2027-01-01", f"plan_year_start = {start}"))
    )

    assert (instance.plan_year_start, warnings) == (date.fromisoformat(start), ())


# --- overrides ---------------------------------------------------------------------------------------------------


def test_settings_on_the_command_line_go_before_the_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    plain, _ = read_instance(folder)

    changed, _ = read_instance(
        folder,
        overrides=[
            "budget.pay=1600000",
            "rules.moves.max = 40",
            "rules.moves.state=hard",
            "menu.variable_shares=[0.3]",
        ],
    )

    expected = replace(
        plain,
        pay_budget=1_600_000,
        rule_overrides=(("moves", (("max", 40), ("state", "hard"))),),
        menu=MenuSpec(variable_shares=(0.3,)),
    )
    assert changed == expected


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "budget",
        "=3",
        "budget.pay=",
        "budget.pay=[",
        "budget.pay=1\nname='x'",
        "name.x=1",
        "a b=1",
        "x=" + "[" * 900,
    ],
)
def test_a_setting_that_is_none_is_refused(tmp_path: Path, setting: str) -> None:
    found = errors_of(write_folder(tmp_path), [setting])

    assert [f.code for f in found] == ["bad-setting"]
    assert found[0].file.startswith("--set")


def test_a_wrong_setting_is_blamed_and_not_the_file(tmp_path: Path) -> None:
    finding = errors_of(write_folder(tmp_path), ["rules.moves.max=-1"])[0]

    assert finding.place == "--set rules.moves.max=-1, column rules.moves.max"


@pytest.mark.parametrize("text", ["YYYY-MM-DD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY", "%d.%m.%Y"])
def test_date_formats_have_day_month_and_year(text: str) -> None:
    assert is_date_format(text)


@pytest.mark.parametrize("text", ["", "YYYY", "DD/MM/YY", "DD/DD/YYYY", "%c"])
def test_other_date_formats_are_refused(tmp_path: Path, text: str) -> None:
    """Row 42: the declared format must be one that is understood."""
    assert [c for c, _, _ in findings(tmp_path, TOML + f'[tables]\ndate_format = "{text}"\n')] == ["not-allowed"]


def test_one_character_cannot_be_decimal_mark_and_grouping(tmp_path: Path) -> None:
    """Rows 10-11."""
    toml = TOML + '[tables]\ndecimal = ","\nthousands = ","\n'

    assert findings(tmp_path, toml)[0] == ("not-allowed", 12, "tables.thousands")
