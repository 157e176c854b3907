"""Which rows and columns a history becomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from histories import Truth, make, plans_of

from optcomp.errors import InputError
from optcomp.learn.history import History
from optcomp.learn.maps import MapName, features, menu_features
from optcomp.learn.panel import Panel
from optcomp.learn.priors import Priors, load_priors
from optcomp.problem import Problem


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors("priors-v0", None)


@pytest.fixture(scope="module")
def pilot() -> tuple[Problem, History]:
    return make("pilot", csms=6, book=12)


def panel_of(lived: tuple[Problem, History], priors: Priors) -> Panel:
    return Panel(lived[1], replace(lived[0], response=priors.response), priors)


def test_only_contracts_that_are_due_are_renewals(pilot: tuple[Problem, History], priors: Priors) -> None:
    """An account that is not up for renewal can neither renew nor churn."""
    design = panel_of(pilot, priors).renewals("effort")
    cells = pilot[1].account_quarters

    assert len(design.rows.y) == cells.due.sum()
    assert design.rows.y.sum() == cells.renewed.sum()


def test_an_account_that_churns_has_no_chance_to_expand(pilot: tuple[Problem, History], priors: Priors) -> None:
    """Expansion rows are those who were still there at the end of the quarter."""
    design = panel_of(pilot, priors).expansions("effort")
    cells = pilot[1].account_quarters

    assert len(design.rows.y) == (~cells.churned).sum()
    assert design.rows.y.sum() == (cells.expansion > 0).sum()


def test_contractions_are_counted_among_those_who_renewed(pilot: tuple[Problem, History], priors: Priors) -> None:
    """Contraction is given renewal."""
    design = panel_of(pilot, priors).contractions()

    assert len(design.rows.y) == pilot[1].account_quarters.renewed.sum()


@pytest.mark.parametrize("which", ["effort", "hill"])
def test_renewals_feel_the_two_quarters_before_them(
    which: MapName, pilot: tuple[Problem, History], priors: Priors
) -> None:
    """A plan that came in quarter 4 counts 0, one half, and fully in quarters 4, 5 and 6."""
    panel = panel_of(pilot, priors)
    history = pilot[1]
    table = features(which, panel.problem, history.plans.plans, priors.kappa)
    cells = history.account_quarters
    arms = history.plans.by_csm[:, -1]

    for quarter, share in ((4, 0.0), (5, 0.5), (6, 1.0)):
        rows = cells.quarter == quarter
        full = table[cells.segment[rows], arms[cells.csm[rows]]]
        assert panel.exposure(which, "renew")[rows] == pytest.approx(share * full, abs=1e-12)


def test_expansions_feel_the_plan_of_their_quarter(pilot: tuple[Problem, History], priors: Priors) -> None:
    """From the first day on."""
    panel = panel_of(pilot, priors)
    cells, arms = pilot[1].account_quarters, pilot[1].plans.by_csm[:, -1]
    table = features("effort", panel.problem, pilot[1].plans.plans, priors.kappa)
    rows = cells.quarter == 4

    assert panel.exposure("effort", "expand")[rows] == pytest.approx(table[cells.segment[rows], arms[cells.csm[rows]]])


def test_todays_plan_is_where_features_are_zero(pilot: tuple[Problem, History], priors: Priors) -> None:
    """A history of that plan alone has empty plan columns under both maps."""
    panel = panel_of(make("one", csms=6, book=12), priors)

    for which in ("effort", "hill"):
        assert not panel.exposure(which, "renew").any()
        assert not menu_features(which, panel.problem, 0, priors.kappa)[0].any()


def test_the_saturating_map_is_half_way_at_kappa(pilot: tuple[Problem, History], priors: Priors) -> None:
    """10,000 USD on a component are worth 0.5; nothing is worth 0, a million nearly 1."""
    one = replace(pilot[0], response=priors.response)
    base = np.mean([c.base for c in one.people(0)])
    share = 10_000.0 / (base / 2 + 10_000.0)
    plans = plans_of(one)
    half = replace(plans[1], variable_share=2 * share / (1 + share))
    dollars = half.variable_per_base * base * 0.5

    step = features("hill", one, [half, plans[0]], priors.kappa)[0]

    assert step[0, 1] == pytest.approx(dollars / (dollars + 10_000.0))
    assert 0.0 < step[0, 1] < 1.0


def test_satisfaction_activities_and_present_health_are_never_controls(
    priors: Priors,
) -> None:
    """They are results of the plan: other values of them change no design."""
    one, history = make("staggered", csms=6, book=12)
    cells, people = history.account_quarters, history.csm_quarters
    rng = np.random.default_rng(1)
    # Plans change in quarters 2 and 5: only health on those days, and on the first one, is from before a plan.
    spell_goes_on = ~np.isin(cells.quarter, (0, 2, 5))
    changed = replace(
        history,
        account_quarters=replace(
            cells,
            csat=rng.random(len(cells.csat)),
            health_start=np.where(spell_goes_on, 1.0, cells.health_start),
        ),
        csm_quarters=replace(people, activities=rng.random(len(people.activities))),
    )

    for outcome in ("renewals", "expansions"):
        before = getattr(panel_of((one, history), priors), outcome)("effort").rows.x
        after = getattr(panel_of((one, changed), priors), outcome)("effort").rows.x
        assert (before == after).all()


def test_accounts_that_nobody_looks_after_are_left_out(pilot: tuple[Problem, History], priors: Priors) -> None:
    """They feel no plan."""
    one, history = pilot
    cells = history.account_quarters
    orphans = replace(history, account_quarters=replace(cells, csm=np.where(cells.account < 5, -1, cells.csm)))

    design = panel_of((one, orphans), priors).renewals("effort")

    assert len(design.rows.y) == (cells.due & (cells.account >= 5)).sum()


def test_columns_carry_the_priors_of_the_file(pilot: tuple[Problem, History], priors: Priors) -> None:
    """By key."""
    design = panel_of(pilot, priors).renewals("hill")
    at = {name: k for k, name in enumerate(design.names)}

    assert design.rows.mean[at["hill.renew.GRR"]] == 0.35
    assert design.rows.sd[at["hill.renew.GRR"]] == 0.25
    assert design.rows.mean[at["outcome.hand_renew"]] == -0.70
    # An interval of [0, 0.05] is 0.05 / 3.29 wide in sd.
    assert design.rows.sd[at["outcome.health_renew"]] == pytest.approx(0.0152, abs=1e-4)
    assert at["hill.renew.GRR"] in design.signed
    assert at["hill.renew.EXP"] not in design.signed


def test_a_segment_that_the_instance_does_not_have_is_refused(pilot: tuple[Problem, History], priors: Priors) -> None:
    """By name."""
    panel = panel_of((pilot[0], replace(pilot[1], segments=("enterprise", "elsewhere"))), priors)

    with pytest.raises(InputError, match="elsewhere"):
        panel.renewals("effort")


def test_levels_are_those_of_the_dollars_of_today(priors: Priors) -> None:
    """ARR is centred at the segment's mean weighted by ARR, so that the level is right for large accounts."""
    one, history = make("one", csms=6, book=40, truth=Truth(csm_sd=0.01))
    panel = panel_of((one, history), priors)
    design = panel.sizes()
    column = design.rows.x[:, design.names.index("nuisance.log_arr")]
    arr = np.array([a.arr for a in one.account_list if a.segment == "growth"])
    centre = (np.log(arr) * arr).sum() / arr.sum()
    cells = history.account_quarters
    rows = cells.segment[design.index] == 1

    assert column[rows] == pytest.approx(np.log(cells.arr_start[design.index][rows]) - centre)


def test_pay_that_is_not_known_says_nothing(pilot: tuple[Problem, History], priors: Priors) -> None:
    """No market figure, no benchmark for the level, or no pay recorded: the column is 0 there."""
    one, history = pilot
    people = history.csm_quarters
    base, variable, market = (a.copy() for a in (people.base, people.variable, people.market_ote))
    base[0] = variable[0] = 0.0
    market[1] = np.nan
    unknown = tuple(replace(c, level="wizard") for c in history.csms)
    blank = replace(people, base=base, variable=variable, market_ote=market)

    design = panel_of((one, replace(history, csm_quarters=blank, csms=unknown)), priors).quits()

    column = design.rows.x[:, design.names.index("turnover.pay")]
    assert (column[:2] == 0.0).all()
    assert column[2] == pytest.approx(-np.log((people.base[2] + people.variable[2]) / 105e3))


def test_unknown_loads_and_health_are_average(pilot: tuple[Problem, History], priors: Priors) -> None:
    """Blanks move nothing and break nothing."""
    one, history = pilot
    cells, people = history.account_quarters, history.csm_quarters
    blank = replace(
        history,
        account_quarters=replace(cells, health_start=np.full_like(cells.health_start, np.nan)),
        csm_quarters=replace(people, load=np.full_like(people.load, np.nan)),
    )

    design = panel_of((one, blank), priors).renewals("effort")

    for name in ("outcome.load_renew", "outcome.health_renew"):
        assert not design.rows.x[:, design.names.index(name)].any()
