"""Screens for gaming find what is planted, are quiet without it, and say why where they cannot be run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from optcomp.learn.audit.measures import coverage, satisfaction_once_paid
from optcomp.learn.audit.patterns import Case, Pattern, activity, added_before, bunching
from optcomp.learn.audit.screen_power import MEASURED
from optcomp.learn.audit.screens import SCREENS
from optcomp.learn.audit.timing import dip
from optcomp.learn.history import History
from optcomp.types import FloatArray
from optcomp.world.world import make_world
from tests.benchmarks import gaming_screens
from tests.benchmarks.gaming_screens import (
    CLIFF,
    LINEAR,
    PLANTS,
    Plan,
    bunched,
    case_of,
    given_up,
    live,
    recorded,
    seen,
)


@cache
def honest(plan: Plan = LINEAR, then: Plan | None = None) -> History:
    return recorded(live(make_world("M", 3), plan, 0.0, then), np.random.default_rng(2))


def worth_a_look(history: History) -> list[str]:
    return [s.name for s in seen(history).values() if s.state == "worth a look"]


@pytest.mark.parametrize("name", SCREENS)
def test_what_is_planted_is_found(name: str) -> None:
    """One company of 40 CSMs; how often is counted by the benchmark."""
    plant, rng = PLANTS[name], np.random.default_rng(2)
    world = make_world("M", 3)
    game = recorded(live(world, plant.plan, plant.game), rng) if plant.game else honest(plant.plan, plant.then)

    assert name in worth_a_look(plant.change(game, rng))


@pytest.mark.parametrize("name", SCREENS)
def test_honest_people_are_left_alone(name: str) -> None:
    """The same company without any of it, whatever its plans."""
    plant = PLANTS[name]

    assert worth_a_look(plant.usual(honest(plant.plan, plant.then), np.random.default_rng(2))) == []


def test_missing_columns_are_said_and_no_error() -> None:
    """A history without CSAT, late bookings and activities, under a plan without a step."""
    history = honest()
    rows, people = history.account_quarters, history.csm_quarters
    blank, nobody = np.full(len(rows.account), np.nan), np.full(len(people.csm), np.nan)
    bare = replace(
        history,
        account_quarters=replace(rows, csat=blank, late=blank),
        csm_quarters=replace(people, activities=nobody, activities_traced=nobody, attainment={}, payout={}),
    )

    found = seen(bare)

    assert {name for name, s in found.items() if s.state == "cannot be run"} == set(SCREENS) - {"growth, then loss"}
    assert all(s.seen for s in found.values())


def test_a_large_miss_of_logged_against_traced_names_people_by_index_only() -> None:
    """Ids go to the private table; the screen itself holds none."""
    history = honest()
    people = history.csm_quarters
    whole = int(np.argmax(np.bincount(people.csm)))  # somebody who was there throughout
    chosen = people.csm == whole
    logged = np.where(chosen, people.activities * 1.5, people.activities)
    found = seen(replace(history, csm_quarters=replace(people, activities=logged)))["activity log"]

    assert whole in found.people
    assert not any(name in found.seen for name in history.csm_ids)


def test_the_power_that_is_printed_is_that_of_the_page() -> None:
    """Whoever measures again must change both."""
    page = (gaming_screens.record.RESULTS / "gaming-screens.md").read_text(encoding="utf-8")
    cells = {
        line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ") for line in page.splitlines() if "|" in line
    }

    assert set(MEASURED) == set(SCREENS)
    for name, measured in MEASURED.items():
        power, false_alarms = cells[name][2], cells[name][3]
        assert measured.false_alarms == pytest.approx(float(false_alarms.split()[0]) / 100.0)
        assert measured.power == pytest.approx(float(power.split()[0]) / 100.0)


def test_plants_change_only_what_they_say() -> None:
    """Lifting results near a step leaves the others; giving up leaves quarters after a near one."""
    history, rng = honest(), np.random.default_rng(0)
    before, after = (h.csm_quarters.attainment["GRR"] for h in (history, bunched(history, rng)))
    far = np.isnan(before) | (before < 0.94) | (before >= 1.0)

    assert np.array_equal(before[far], after[far], equal_nan=True)
    assert (given_up(honest(CLIFF), rng).csm_quarters.activities <= honest(CLIFF).csm_quarters.activities).all()


# ---- what a screen must not take for a pattern ----------------------------------------------------------------------


def attained(values: FloatArray) -> Case:
    """The honest company with these attainments of expansion and none of anything else."""
    history = honest()
    people = history.csm_quarters
    other = {m: np.full(len(people.csm), np.nan) for m in people.attainment}
    return case_of(replace(history, csm_quarters=replace(people, attainment={**other, "EXP": values})))


def logged(factor: float) -> Case:
    """Everybody logs the same share too much, exactly."""
    history = honest()
    people = history.csm_quarters
    return case_of(replace(history, csm_quarters=replace(people, activities=people.activities_traced * factor)))


def test_a_density_that_rises_through_the_target_is_no_bunching() -> None:
    """64 above and 36 below would pass the exact test, but the line from 10 to 90 explains it; 99 it does not."""
    blank, windows = np.full(len(honest().csm_quarters.csm), np.nan), [0.97, 0.99, 1.01, 1.03]
    cases = [np.repeat(windows, [10, 36, above, 90]) for above in (64, 99)]

    quiet, found = (bunching(attained(np.append(v, blank[len(v) :]))) for v in cases)

    assert isinstance(quiet, Pattern)
    assert isinstance(found, Pattern)
    assert quiet.p > 0.4  # 64 - 36 is 28, and a third of 90 - 10 is 26.7
    # 63 against 26.7, with a variance of 36 + 99 + (10 + 90) / 9 = 146.1: three standard deviations.
    assert found.p == pytest.approx(0.00132, rel=0.01)


def test_next_to_nothing_is_not_worth_a_look_however_sure() -> None:
    """One per cent more than was traced is certain here, and no matter; three per cent is."""
    small, large = (activity(logged(factor)) for factor in (1.01, 1.03))

    assert isinstance(small, Pattern)
    assert isinstance(large, Pattern)
    assert small.p < 0.001
    assert (small.is_small, large.is_small) == (True, False)


def test_surveys_that_reach_everybody_leave_nothing_to_choose() -> None:
    history = honest()
    rows = history.account_quarters
    full = replace(history, account_quarters=replace(rows, csat=np.full(len(rows.csm), 0.9)))

    assert coverage(case_of(full)) == "every account has a score in every quarter: nothing was chosen"


def test_a_score_that_was_always_paid_on_has_no_before() -> None:
    assert satisfaction_once_paid(case_of(honest(LINEAR))) == "no plan of this history begins or ends to pay on it"


def test_a_dip_needs_bookings_with_their_day() -> None:
    """Quarters alone cannot show what was booked late; the screen says so and invents nothing."""
    history = honest()
    rows = history.account_quarters
    bare = replace(history, account_quarters=replace(rows, late=np.full(len(rows.csm), np.nan)))

    assert dip(case_of(bare)) == "it is not known what was booked late"


def test_what_was_added_is_counted_over_the_four_quarters_before() -> None:
    history = honest()
    rows = history.account_quarters
    added = added_before(history)
    row = int(np.flatnonzero((rows.quarter == 6) & (added > 0.0))[0])
    mine = (rows.account == rows.account[row]) & (rows.quarter >= 2) & (rows.quarter < 6)

    assert added[row] == pytest.approx(rows.expansion[mine].sum())
