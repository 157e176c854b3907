"""Wrong model files and rule packs are refused with everything that is wrong, its line, and a way to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_folder import HEAD, MIX, own, refused

from optcomp.catalog import find_model, load_benchmarks, load_mix, load_response, load_rules, load_service
from optcomp.rules import SPECS

# ---- what is refused -------------------------------------------------------------------------------------------------


def test_weights_that_do_not_sum_to_one_are_refused_with_their_sum(tmp_path: Path) -> None:
    assert "sum to 1.01" in refused(load_mix, "own", own(tmp_path, "compensation", MIX.format(grr=0.7, exp=0.31)))


def test_weights_that_sum_to_one_are_read(tmp_path: Path) -> None:
    assert load_mix("own", own(tmp_path, "compensation", MIX.format(grr=0.7, exp=0.3))).components[0].weight == 0.7


def test_all_problems_of_a_file_are_reported_at_once_with_their_lines(tmp_path: Path) -> None:
    body = (
        '[[components]]\nmetric = "GRRR"\nweight = true\n'  # lines 7 to 9
        '[[components]]\nmetric = "EXP"\nweihgt = 0.5\nweight = -0.5\n'  # lines 10 to 13
        "[gate]\nat_risk = inf\n"  # lines 14 and 15
    )

    message = refused(load_mix, "own", own(tmp_path, "compensation", body))

    assert "own.toml, row 8, column components.0.metric: metric is 'GRRR'" in message
    assert "Perhaps 'GRR' is meant" in message
    assert "row 9, column components.0.weight: weight is True" in message
    assert "row 12, column components.1.weihgt: unknown key 'weihgt'" in message
    assert "Perhaps 'weight' is meant" in message
    assert "row 13, column components.1.weight: weight is -0.5" in message
    assert "row 15, column gate.at_risk: inf is not finite" in message
    assert str(tmp_path) not in message


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("pay = nan", "nan is not finite"),
        ("pay = 1e400", "inf is not finite"),
        ("pay = " + "9" * 5000, "a figure cannot be read"),
        ("pay = " + "9" * 400, "out of range"),
        ('pay = "3"', "pay is '3'"),
        ("pay = { value = true }", "True is not a number"),
        ("pay = { value = 3, sd = -1 }", "sd is -1"),
        ("pay = { value = 3, interval = [4, 5] }", "outside its interval [4, 5]"),
        ("pay = { value = 3, interval = [1] }", "interval is [1]"),
        ("pay = { value = 3, level = 90 }", "level is 90"),
        ("pay = { value = 3, untis = 'x' }", "Perhaps 'unit' is meant"),
        ('pay = { value = 3, origin = "guess" }', "origin is 'guess'"),
        ("pay = 3\npay = 4", "Cannot overwrite a value"),
        ("pay = [", "not valid TOML"),
        ("pay = " + "[" * 900 + "]" * 900, "nested too deeply"),
        ("base_quit = 1.0", "base_quit is 1"),
        ("pay = 400.0", "pay is 400"),
    ],
)
def test_a_number_that_cannot_be_is_refused(tmp_path: Path, line: str, words: str) -> None:
    own(tmp_path, "response", f'extends = "priors-v0"\n[turnover]\n{line}\n')

    message = refused(load_response, "own", tmp_path)

    assert words in message
    assert "own.toml" in message


def test_a_number_without_a_unit_is_refused(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n[fitting]\nnew = 1.0\n')

    assert "no unit" in refused(load_response, "own", tmp_path)


def test_a_response_that_lacks_a_metric_or_a_default_is_refused(tmp_path: Path) -> None:
    text = find_model("response", "priors-v0", None).read_text(encoding="utf-8")
    text = text.replace("LOGO = { retain = 1.0, expand = 0.0, playbook = 0.0 }", "").replace(
        "[base.default]", "[base.x]"
    )
    text = text.replace("industry = { value = 0.50", "industry = { value = 0.55")
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")

    message = refused(load_response, "own", tmp_path)

    assert "no figure for LOGO" in message
    assert "no base.default" in message
    assert "sum to 1.05" in message


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    text = HEAD.format(kind="compensation") + MIX.format(grr=0.5, exp=0.5)
    (tmp_path / "own.toml").write_bytes(text.encode("utf-8-sig"))

    assert load_mix("own", tmp_path).name == "own"


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\n\xff\xfe", "row 2: byte 1 is not UTF-8"), (b"#" * 1_000_001, "bytes"), (b"", "schema is missing")],
)
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "own.toml").write_bytes(data)

    assert words in refused(load_mix, "own", tmp_path)


def test_a_file_of_a_later_schema_is_refused(tmp_path: Path) -> None:
    text = HEAD.format(kind="compensation").replace("/1", "/2") + MIX.format(grr=0.5, exp=0.5)
    (tmp_path / "own.toml").write_text(text)

    assert "'optcomp/compensation/1'" in refused(load_mix, "own", tmp_path)


@pytest.mark.parametrize(
    ("curve", "said"),
    [
        ("threshold = 0.9\ncap = 0.8", "threshold 0.9 is above cap 0.8"),
        ("accelerator = -1", "-1"),
        ("tiers = [[0.8, 1.0], [1.1, 2.0]]", "unknown key 'tiers'"),
    ],
)
def test_a_curve_that_runs_backwards_and_tiers_are_refused(tmp_path: Path, curve: str, said: str) -> None:
    """Row 24: a curve has one threshold, one slope above target and one cap, so tiers cannot overlap or leave a gap."""
    body = f'[[components]]\nmetric = "EXP"\nweight = 1.0\n[components.curve]\n{curve}\n'

    assert said in refused(load_mix, "own", own(tmp_path, "compensation", body))


@pytest.mark.parametrize("weight", ["0", "0.0"])
def test_weights_of_nothing_are_refused(tmp_path: Path, weight: str) -> None:
    """Row 73: all weights 0 would be a plan that pays for nothing; base pay only has no components at all."""
    body = f'[[components]]\nmetric = "EXP"\nweight = {weight}\n'

    message = refused(load_mix, "own", own(tmp_path, "compensation", body))

    assert "weight is 0. Input should be greater than 0" in message


def test_a_metric_paid_twice_and_a_team_paid_alone_are_refused(tmp_path: Path) -> None:
    body = (
        '[[components]]\nmetric = "GRR"\nweight = 0.25\n[[components]]\nmetric = "GRR"\nweight = 0.25\n'
        '[[components]]\nmetric = "TEAM"\nweight = 0.5\nscope = "individual"\n'
    )

    message = refused(load_mix, "own", own(tmp_path, "compensation", body))

    assert "GRR is paid twice" in message
    assert "scope team" in message


def test_a_team_component_is_of_team_scope_unsaid(tmp_path: Path) -> None:
    own(tmp_path, "compensation", '[[components]]\nmetric = "TEAM"\nweight = 1\n')

    assert load_mix("own", tmp_path).components[0].scope == "team"


def test_a_band_upside_down_is_refused(tmp_path: Path) -> None:
    body = "[bands]\ncsm = { base_low = 9, base_high = 8, ote_low = 10, ote_high = 12 }\n"

    assert "base_low 9 is above base_high 8" in refused(load_benchmarks, "own", own(tmp_path, "benchmarks", body))


def test_a_service_model_without_a_default_tier_is_refused(tmp_path: Path) -> None:
    body = '[calendar]\ncalendar_hours = 1950\noverhead = 0.2\n[[tiers.x]]\nname = "a"\nhours = 1\ntimes_per_year = 1\n'

    assert "no tier 'default'" in refused(load_service, "own", own(tmp_path, "service", body))


# ---- rule packs ------------------------------------------------------------------------------------------------------


def test_an_override_changes_one_number_and_says_so() -> None:
    rule = load_rules("standard", None, [("moves", [("max", 40), ("state", "hard"), ("price", 5.0)])])["moves"]

    assert (rule.state, rule["max"], rule.price) == ("hard", 40.0, 5.0)
    assert rule.source.endswith("set by the instance")


def test_wrong_overrides_are_refused_all_at_once_with_near_names() -> None:
    message = refused(
        load_rules,
        "standard",
        None,
        [
            ("movs", [("max", 4)]),
            ("hours", [("ceilng", 1.0), ("state", "hardd"), ("price", -1)]),
            ("max_weight", [("max", 50)]),
            ("gate_share", [("min", 0.3)]),
            ("leavers", [("state", "off")]),
            ("families", [("price", "much")]),
            ("equal_chance", [("tolerance", float("nan"))]),
        ],
    )

    assert (
        "instance.toml, column rules.movs: there is no rule 'movs'. A rule of the catalogue. Perhaps 'moves'" in message
    )
    assert "Perhaps 'ceiling' is meant" in message
    assert "Perhaps 'hard' is meant" in message
    assert "price of hours is -1" in message
    assert "Shares are written 0.15, not 15" in message
    assert "min 0.3 is above max 0.25" in message
    assert "the state of leavers is 'off'" in message
    assert "price of families is 'much'" in message
    assert "tolerance of equal_chance is nan" in message


def test_a_range_is_allowed_up_to_its_end() -> None:
    assert load_rules("standard", None, [("hours", [("ceiling", 3.0)])])["hours"]["ceiling"] == 3.0
    assert "3.01" in refused(load_rules, "standard", None, [("hours", [("ceiling", 3.01)])])


def test_a_pack_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    body = (
        'off = ["max_weigth"]\nonn = 1\n[rules.hours]\nstate = "hard"\n[rules.moves]\nsource = "us"\nmax = inf\n'
        '[[says]]\nmetrics = ["GRX"]\nat_leest = 0.1\n'
    )

    message = refused(load_rules, "own", own(tmp_path, "rules", body))

    assert "Perhaps 'max_weight' is meant" in message
    assert "a rule pack has no 'onn'" in message
    assert "column rules.hours: the rule has no source" in message
    assert "column rules.moves.max: inf is not finite" in message
    assert "there is no metric 'GRX'" in message
    assert "Perhaps 'at_least' or 'at_most' is meant" in message


def test_what_a_pack_leaves_unsaid_stays_as_in_the_catalogue(tmp_path: Path) -> None:
    rules = load_rules("own", own(tmp_path, "rules", 'off = ["families"]\n'))

    assert rules["families"].state == "off"
    assert rules["hours"]["ceiling"] == SPECS["hours"].parameters["ceiling"].default


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("rules = 3\n", "rules is not a table"),
        ("says = 3\n", "says is not a list"),
        ("says = [3]\n", "3.0 is not a table"),
        ('says = [{ metrics = [{}], at_least = "x" }]\n', "at_least is 'x'"),
        ("off = [{}]\n", "there is no rule '{}'"),
        ("[rules.hours]\nsource = 'x'\nceiling = [1]\n", "ceiling of hours is [1.0]"),
        ("[rules]\nhours = 3\n", "hours is 3.0"),
        ("[rules.hours]\nsource = 'x'\nstate = ['hard']\n", "the state of hours is ['hard']"),
    ],
)
def test_a_pack_of_the_wrong_shape_is_refused(tmp_path: Path, body: str, words: str) -> None:
    assert words in refused(load_rules, "own", own(tmp_path, "rules", body))
