"""Model files: the shipped ones are complete, wrong ones are refused with everything that is wrong, names are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from model_folder import MIX, own, refused

from optcomp.catalog import (
    KINDS,
    find_model,
    load_benchmarks,
    load_mix,
    load_response,
    load_rules,
    load_service,
    model_files,
    model_names,
    model_paths_used,
    numbers,
)
from optcomp.errors import InputError
from optcomp.instance import Account, ModelNames
from optcomp.rules import SPECS

SHIPPED = sorted(model_files().rglob("*.toml"))


# ---- shipped files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_shipped_number_says_its_unit_source_and_origin(path: Path) -> None:
    for number in numbers(path):
        assert number.unit, number.key
        assert number.source, number.key
        assert number.origin in ("prior", "fitted", "assumed"), number.key


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_shipped_file_is_named_after_what_it_holds(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert f'name = "{path.stem}"' in text
    assert f'kind = "{path.parent.name}"' in text


def test_priors_hold_the_numbers_of_the_science_note() -> None:
    """SCIENCE 2.2, row by row."""
    response = load_response("priors-v0", None)

    assert response.outcome.renew == (0.40, 0.0, 0.30)
    assert response.outcome.expand == (0.0, 0.50, 0.20)
    assert response.effort.base == (1.1, 0.55, 0.55)
    assert response.effort.loading["RES"] == (0.3, 0.1, 0.6)
    assert (response.outcome.hand_renew, response.outcome.hand_expand) == (-0.70, -0.15)
    assert response.turnover.pay == 2.5
    assert response.base_rates("not named") == response.base["default"]


def test_base_rates_meet_the_published_medians() -> None:
    """GRR = renewal x (1 - contraction); default 0.888 within the published 0.88-0.90."""
    rates = load_response("priors-v0", None).base["default"]

    grr = rates.renewal * (1 - rates.contraction)
    nrr = grr + (1 + rates.renewal) / 2 * 4 * rates.expansion * rates.expansion_size

    assert 0.88 <= grr <= 0.90
    assert 1.01 <= nrr <= 1.02


def test_an_interval_follows_from_the_sd_where_none_is_given() -> None:
    by_key = {n.key: n for n in numbers(find_model("response", "priors-v0", None))}

    assert by_key["outcome.renew.retain"].interval == pytest.approx(
        (0.40 - 1.645 * 0.25, 0.40 + 1.645 * 0.25), abs=1e-3
    )
    assert by_key["hill.renew.ACT"].value == 0.35


def test_enterprise_hours_are_110_in_the_first_year_and_90_after_it() -> None:
    """16 QBR + 24 calls + 6 renewal + 44 ad hoc = 90, and 20 of onboarding (002-16)."""
    service = load_service("tiers-2024", None)
    old = Account("A1", "S", 1.0)
    new = Account("A2", "S", 1.0, stage="onboarding")

    assert service.account_hours(old, "enterprise") == 90
    assert service.account_hours(new, "enterprise") == 110
    assert 26 <= service.account_hours(old, "mid-market") <= 39
    assert service.account_hours(old, "growth") == 20


def test_a_band_in_a_dear_city_is_17_and_a_half_per_cent_higher() -> None:
    band = load_benchmarks("us-2024", None).band("csm", "SF")

    assert band is not None
    assert band.base_low == pytest.approx(75_000 * 1.175)


@pytest.mark.parametrize("name", model_names("compensation"))
def test_shipped_weights_sum_to_one(name: str) -> None:
    mix = load_mix(name, None)

    assert not mix.components or sum(c.weight for c in mix.components) == pytest.approx(1, abs=1e-9)


def test_about_ten_shipped_mixes_are_allowed_as_new_plans() -> None:
    """At most three components, none above half, at most half on GRR and LOGO (the standard pack)."""
    allowed = []
    for name in model_names("compensation"):
        weights = {c.metric: c.weight for c in load_mix(name, None).components}
        is_allowed = len(weights) <= 3 and max(weights.values(), default=0) <= 0.5
        allowed += [name] if is_allowed and weights.get("GRR", 0) + weights.get("LOGO", 0) <= 0.5 else []

    assert 10 <= len(allowed) <= 13
    assert "all-or-nothing-90" not in allowed


def test_the_all_or_nothing_mix_pays_at_ninety_per_cent_of_logos() -> None:
    (component,) = load_mix("all-or-nothing-90", None).components

    assert (component.metric, component.curve.kind) == ("LOGO", "all-or-nothing")
    assert (component.curve.threshold, component.curve.absolute) == (0.90, True)


@pytest.mark.parametrize("name", model_names("rules"))
def test_a_shipped_pack_sets_every_rule_of_the_catalogue(name: str) -> None:
    rules = load_rules(name, None)

    assert set(rules.by_id) == set(SPECS)
    assert rules.pack == name


# ---- finding ---------------------------------------------------------------------------------------------------------


def test_a_model_beside_the_instance_comes_before_a_shipped_one(tmp_path: Path) -> None:
    own(tmp_path, "compensation", MIX.format(grr=0.4, exp=0.6), "base-only")

    assert find_model("compensation", "base-only", tmp_path) == tmp_path / "base-only.toml"
    assert len(load_mix("base-only", tmp_path).components) == 2


def test_a_model_in_the_models_folder_of_the_instance_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "compensation"
    folder.mkdir(parents=True)
    own(folder, "compensation", MIX.format(grr=0.4, exp=0.6))

    assert load_mix("own", tmp_path).name == "own"
    assert load_mix("models/compensation/own.toml", tmp_path).name == "own"


def test_an_unknown_name_is_refused_with_the_nearest_ones() -> None:
    assert "'team-bonus'" in refused(load_mix, "team-bonu", None)


@pytest.mark.parametrize("name", ["../secret.toml", "/etc/passwd", "..\\..\\x.toml/../../x.toml", "link.toml", "link"])
def test_a_path_out_of_the_instance_is_refused(tmp_path: Path, name: str) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    (tmp_path / "secret.toml").write_text("x = 1")
    (instance / "link.toml").symlink_to(tmp_path / "secret.toml")

    message = refused(load_mix, name, instance)

    assert "leads out of" in message or "there is no" in message
    assert "not valid" not in message


@pytest.mark.parametrize("name", ["", "..", ".", "a b", "a\x00b", "ä", "x/\x00.toml", "x" * 201])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    assert "is not a name" in refused(load_mix, name, None)


def test_a_kind_that_does_not_exist_is_a_programmers_mistake() -> None:
    with pytest.raises(ValueError, match="kinds are"):
        find_model("mixes", "base-only", None)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert "kind is 'service'" in refused(load_mix, "own", own(tmp_path, "service", ""))


def test_the_files_used_include_what_a_response_extends(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n')

    paths = model_paths_used(ModelNames(response="own"), ["team-bonus", "base-only", "team-bonus"], tmp_path)

    stems = [p.stem for p in paths]
    assert stems == ["priors-v0", "own", "tiers-2024", "standard", "us-2024", "base-only", "team-bonus"]
    assert all(p.is_file() for p in paths)


def test_every_kind_has_a_shipped_file() -> None:
    assert all(model_names(kind) for kind in KINDS)


# ---- extending -------------------------------------------------------------------------------------------------------


def test_a_response_that_extends_another_gives_only_what_differs(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n[outcome]\nshift_renew = 0.3\n[base.smb]\n' + "renewal = 0.8\n")
    message = refused(load_response, "own", tmp_path)
    assert "base.smb.expansion: expansion is missing" in message

    own(tmp_path, "response", 'extends = "priors-v0"\n[outcome]\nshift_renew = 0.3\n[turnover]\npay = 3\n')
    response = load_response("own", tmp_path)

    assert (response.name, response.origin) == ("own", "assumed")
    assert (response.outcome.shift_renew, response.turnover.pay) == (0.3, 3.0)
    assert response.outcome.load_renew == 0.40


def test_a_number_that_replaces_another_keeps_its_unit_but_not_its_source(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n[turnover]\npay = { value = 3.0, sd = 0.1, origin = "fitted" }\n')

    by_key = {n.key: n for n in numbers(tmp_path / "own.toml")}

    pay = by_key["turnover.pay"]
    assert pay.unit == "minus log-odds per log(OTE / market OTE)"
    assert (pay.sd, pay.source, pay.origin) == (0.1, "us", "fitted")
    assert by_key["turnover.variable"].source == "SCIENCE 2.2 #28"


def test_skills_of_csms_are_read(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n[skill]\nunit = "log-odds"\n"0012" = { renew = 0.1 }\n')

    assert load_response("own", tmp_path).skill["0012"].renew == 0.1


def test_a_file_named_like_the_shipped_one_extends_the_shipped_one(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "priors-v0"\n[turnover]\npay = 3.0\n', "priors-v0")

    assert load_response("priors-v0", tmp_path).turnover.pay == 3.0


def test_a_circle_of_extensions_is_refused(tmp_path: Path) -> None:
    own(tmp_path, "response", 'extends = "b"\n', "a")
    own(tmp_path, "response", 'extends = "a"\n', "b")

    assert "extends" in refused(load_response, "a", tmp_path)


def test_only_a_response_may_extend(tmp_path: Path) -> None:
    assert "Only response models" in refused(load_mix, "own", own(tmp_path, "compensation", 'extends = "base-only"\n'))


def test_a_misspelt_file_beside_the_instance_is_told_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "fitted.toml").touch()

    with pytest.raises(InputError, match=r"there is no file 'fited.toml'.*'fitted.toml'"):
        find_model("response", "fited.toml", tmp_path)
