"""The whole fit: planted truth comes back, files go round, draws reproduce."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from histories import Truth, make, schedule
from model_folder import own

from optcomp.catalog import load_response, numbers
from optcomp.errors import InputError, OutputError
from optcomp.learn.draws import load_draws, plan_log_odds, response_of
from optcomp.learn.fit import Fit, fit
from optcomp.learn.history import History
from optcomp.learn.maps import feature_names
from optcomp.learn.priors import Priors, load_priors
from optcomp.learn.sample import at_mode
from optcomp.learn.sensitivity import plan_values
from optcomp.response.outcome import logit


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors("priors-v0", None)


@pytest.fixture(scope="module")
def pilot(priors: Priors) -> Fit:
    one, history = make("pilot", csms=6, book=20)
    return fit(history, one, priors)


def shuffled(history: History, seed: int = 1) -> History:
    """The same history with its account-quarters in another order."""
    cells = history.account_quarters
    order = np.random.default_rng(seed).permutation(len(cells.account))
    fields = {name: getattr(cells, name)[order] for name in cells.__slots__}
    return replace(history, account_quarters=type(cells)(**fields))


def relabelled(history: History) -> History:
    """The same history with the CSMs in the opposite order."""
    last = len(history.csm_ids) - 1
    cells, people, plans = history.account_quarters, history.csm_quarters, history.plans
    return replace(
        history,
        csm_ids=history.csm_ids[::-1],
        csms=history.csms[::-1],
        account_quarters=replace(cells, csm=last - cells.csm),
        csm_quarters=replace(people, csm=last - people.csm),
        plans=replace(plans, by_csm=plans.by_csm[::-1]),
    )


@pytest.mark.parametrize("change", [shuffled, relabelled])
def test_order_and_labels_change_nothing(change: object, priors: Priors) -> None:
    """Rows in another order and CSMs under other numbers give the same estimates."""
    one, history = make("pilot", csms=6, book=12)

    plain, other = fit(history, one, priors), fit(change(history), one, priors)  # type: ignore[operator]

    for a, b in zip(plain.estimates, other.estimates, strict=True):
        assert b.value == pytest.approx(a.value, abs=1e-7)
        assert a.key == b.key
    assert other.skills["C000"].renew == pytest.approx(plain.skills["C000"].renew, abs=1e-7)


def test_planted_effects_come_back_within_what_the_posterior_says(priors: Priors) -> None:
    """Twelve histories: of the 13 planted numbers each, about 90 % of the 90 % intervals hold the truth."""
    truth = Truth()
    planted = {
        **dict(zip(feature_names("effort", "renew"), truth.theta_renew, strict=True)),
        **dict(zip(feature_names("effort", "expand"), truth.theta_expand, strict=True)),
        "outcome.load_renew": truth.load, "outcome.load_expand": truth.load, "outcome.fit_renew": truth.fit,
        "outcome.fit_expand": truth.fit, "outcome.hand_renew": truth.hand, "outcome.health_renew": truth.health,
        "turnover.pay": 2.5,
    }  # fmt: skip
    held = []
    for seed in range(12):
        one, history = make("pilot", csms=12, book=30, seed=seed)
        found = {e.key: e for e in fit(history, one, priors, draws=8).estimates}
        held += [found[key].low <= value <= found[key].high for key, value in planted.items()]

    # 156 intervals, those of one history not independent; the priors are centred on the truth, so more is right too.
    assert np.mean(held) >= 0.85


def test_a_planted_effect_far_from_the_prior_is_found(priors: Priors) -> None:
    """Expansion effort is worth 1.5 where the prior says 0.5 (sd 0.3): many accounts pull the estimate away."""
    one, history = make("pilot", csms=30, book=60, truth=Truth(theta_expand=(0.0, 1.5, 0.2)))

    found = {e.key: e for e in fit(history, one, priors).estimates}["outcome.expand.expand"]

    assert found.value > 0.8


def test_twice_as_many_accounts_narrow_every_plan_effect(priors: Priors) -> None:
    """On expansion, where the pilot tells most."""
    few, many = (
        {e.key: e.sd for e in fit(h, one, priors, draws=8).estimates}
        for one, h in (make("pilot", csms=12, book=book) for book in (20, 80))
    )

    for key in (*feature_names("effort", "expand"), "outcome.health_renew", "outcome.hand_expand"):
        assert many[key] < few[key]


def test_one_plan_leaves_every_plan_effect_where_the_prior_has_it(priors: Priors) -> None:
    """Value and sd."""
    one, history = make("one", csms=6, book=20)

    found = {e.key: e for e in fit(history, one, priors).estimates}

    for outcome in ("renew", "expand"):
        for name in (*feature_names("effort", outcome), *feature_names("hill", outcome)):
            assert found[name].value == pytest.approx(priors.mean(name), abs=1e-9)
            assert found[name].sd == pytest.approx(priors.sd(name), rel=1e-9)


def test_the_file_is_one_that_solve_reads(pilot: Fit, tmp_path: Path) -> None:
    """Every number comes back to six digits, with its sd, a unit and the origin `fitted`."""
    path, beside = pilot.write(tmp_path / "learned.toml")

    response = load_response("learned.toml", tmp_path)
    by_key = {n.key: n for n in numbers(path)}

    assert response.origin == "fitted"
    assert beside.name == "learned.draws.npz"
    for estimate in pilot.estimates:
        number = by_key[estimate.key]
        assert number.value == pytest.approx(estimate.value, rel=1e-5, abs=1e-8)
        assert number.origin == "fitted"
        assert number.unit
        assert number.interval is not None
    assert response.outcome.hand_renew == pytest.approx(by_key["outcome.hand_renew"].value)
    assert set(response.skill) == set(pilot.panel.problem.csms.ids)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_fit_writes_the_same_bytes(pilot: Fit, priors: Priors, tmp_path: Path) -> None:
    """Seed and input decide everything."""
    one, history = make("pilot", csms=6, book=20)
    again = fit(history, one, priors)

    first, second = pilot.write(tmp_path / "a.toml"), again.write(tmp_path / "b.toml")

    assert first[1].read_bytes() == second[1].read_bytes()
    assert first[0].read_text().replace('name = "a"', "") == second[0].read_text().replace('name = "b"', "")


def test_another_seed_draws_other_numbers_but_estimates_the_same(priors: Priors) -> None:
    """The mode is no matter of luck."""
    one, history = make("pilot", csms=6, book=12)
    first, other = fit(history, one, priors, seed=1), fit(history, one, priors, seed=2)

    assert not np.allclose(first.draws.values, other.draws.values)
    assert [e.value for e in first.estimates] == [e.value for e in other.estimates]


def test_draws_come_back_from_their_file(pilot: Fit, tmp_path: Path) -> None:
    """Bit for bit, without unpickling anything."""
    _, beside = pilot.write(tmp_path / "f.toml")

    back = load_draws(beside)

    assert back.names == pilot.draws.names
    assert (back.values == pilot.draws.values).all()
    assert (back.is_hill == pilot.draws.is_hill).all()
    assert back.csms == pilot.draws.csms


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 broken"])
def test_a_file_that_holds_no_draws_is_refused(content: bytes, tmp_path: Path) -> None:
    """In words."""
    path = tmp_path / "x.draws.npz"
    path.write_bytes(content)

    with pytest.raises(InputError, match=r"x\.draws\.npz"):
        load_draws(path)


def test_pickled_objects_are_refused(tmp_path: Path) -> None:
    """A file from elsewhere must not run code."""
    path = tmp_path / "x.draws.npz"
    np.savez(path, format=np.array({"evil": 1}, dtype=object))

    with pytest.raises(InputError):
        load_draws(path)


def test_half_of_the_draws_are_of_each_map(pilot: Fit) -> None:
    """And each half has zeros for the other map's coefficients."""
    draws = pilot.draws
    effort, hill = draws.columns(feature_names("effort", "renew")), draws.columns(feature_names("hill", "renew"))

    assert draws.is_hill.sum() == len(draws) // 2
    assert not effort[draws.is_hill].any()
    assert not hill[~draws.is_hill].any()
    assert effort[~draws.is_hill].all()


def test_no_draw_has_a_sign_that_theory_forbids(pilot: Fit) -> None:
    """Load never helps, and pay on a result never hurts that result."""
    for name in (
        "outcome.load_renew",
        "outcome.load_expand",
        "outcome.renew.retain",
        "hill.expand.EXP",
        "turnover.pay",
    ):
        assert pilot.draws.column(name).min() >= 0.0


def test_both_maps_mean_the_same_by_today(pilot: Fit) -> None:
    """Renewal at today's plan, which base rates and effort coefficients give together, does not depend on the map."""
    problem = pilot.panel.problem
    levels = []
    for which in ("effort", "hill"):
        response = response_of(at_mode(pilot.panel, pilot.posterior, which), 0, problem.response)  # type: ignore[arg-type]
        start = logit(response.base["growth"].renewal)
        levels.append(float(start + problem.today_phi[1] @ np.array(response.outcome.renew)))

    # The maps see the pilot's arms differently, so levels agree to a fraction of their sd (0.1), not exactly.
    assert levels[0] == pytest.approx(levels[1], abs=0.05)


def test_todays_plan_moves_nothing(pilot: Fit) -> None:
    """Effects are differences from today in every draw; other plans do something."""
    effects = plan_log_odds(pilot.draws, pilot.panel.problem, 0)

    assert effects.renew.shape == (len(pilot.draws), len(pilot.panel.problem.plans[0]))
    assert not effects.renew[:, 0].any()
    assert effects.renew[:, 1:].all()


def test_the_light_scorer_agrees_with_the_problem_at_todays_books(pilot: Fit) -> None:
    """Under the effort map its values are those of `Problem.predict` with the fitted response."""
    point = at_mode(pilot.panel, pilot.posterior, "effort")
    problem = replace(pilot.panel.problem, response=response_of(point, 0, pilot.panel.problem.response))
    owner = problem.accounts.csm
    rows = np.flatnonzero(problem.csms.segment[owner] == 0)

    values = plan_values(pilot.panel.problem, point)[0]

    for plan in range(len(values)):
        exact = problem.predict(problem.pairs(rows, owner[rows]), 0, plan).total.sum()
        assert values[plan] == pytest.approx(exact, rel=1e-9)


def test_separable_histories_do_not_diverge(priors: Priors) -> None:
    """Every renewal under one plan is won and under the other lost: large, but finite."""
    one, history = make("staggered", csms=6, book=20)
    cells = history.account_quarters
    won = cells.due & (history.account_plan == 0)
    history = replace(history, account_quarters=replace(cells, renewed=won))

    found = fit(history, one, priors)

    assert all(np.isfinite(e.value) and abs(e.value) < 10 for e in found.estimates)
    assert np.isfinite(found.draws.values).all()


def test_a_prior_that_was_fitted_is_refused(pilot: Fit, tmp_path: Path) -> None:
    """The same history would count twice."""
    pilot.write(tmp_path / "fitted.toml")

    with pytest.raises(InputError, match="count twice"):
        load_priors("fitted.toml", tmp_path)


def test_what_the_prior_changed_is_kept(tmp_path: Path) -> None:
    """A prior of the user's own extends a shipped one; the fitted file extends that and repeats the difference."""
    own(tmp_path, "response", 'extends = "priors-v0"\n[effort]\npull = { value = 0.7, unit = "u" }\n')
    one, history = make("pilot", csms=6, book=12)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    fit(history, one, load_priors("own.toml", tmp_path)).write(elsewhere / "f.toml")

    assert load_response("f.toml", elsewhere).effort.pull == 0.7


def test_a_folder_that_is_not_there_is_said_in_words(pilot: Fit, tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(OutputError, match="cannot be written"):
        pilot.write(tmp_path / "nowhere" / "f.toml")


def test_schedules_are_what_they_say() -> None:
    """The histories of these tests."""
    assert not schedule("one", 6, 8).any()
    assert (schedule("switch-all", 6, 8)[:, 4:] == 1).all()
    assert len(np.unique(schedule("pilot", 6, 8)[:, -1])) == 3
