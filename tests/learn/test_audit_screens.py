"""Screens for gaming find what is planted, are quiet without it, and say why where they cannot be run."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from optcomp.learn.audit.expected import expect, health_as_dealt
from optcomp.learn.audit.patterns import Case
from optcomp.learn.audit.payline import lines
from optcomp.learn.audit.scores import cells_of, score
from optcomp.learn.audit.screen_power import MEASURED
from optcomp.learn.audit.screens import SCREENS, Screen, screens
from optcomp.learn.history import History
from optcomp.world.world import make_world
from tests.benchmarks import gaming_screens
from tests.benchmarks.gaming_screens import CLIFF, LINEAR, PLANTS, bunched, given_up, live, recorded

FOUND = ("bunching", "late bookings", "activity log", "satisfaction", "give up or coast")


@cache
def honest(plan: tuple[str, float] = LINEAR) -> History:
    return recorded(live(make_world("M", 3), plan, 0.0), np.random.default_rng(2))


def screened(history: History) -> dict[str, Screen]:
    scores = score(history, cells_of(history, expect(history), health_as_dealt(history)))
    return {s.name: s for s in screens(Case(history, lines(history), scores, 0))}


@pytest.mark.parametrize("name", FOUND)
def test_what_is_planted_is_found(name: str) -> None:
    """One company of 40 CSMs; how often is counted by the benchmark."""
    plant, rng = PLANTS[name], np.random.default_rng(2)
    game = recorded(live(make_world("M", 3), plant.plan, plant.game), rng) if plant.game else honest(plant.plan)

    assert screened(plant.change(game, rng))[name].state == "worth a look"


@pytest.mark.parametrize("plan", [LINEAR, CLIFF])
def test_honest_people_are_left_alone(plan: tuple[str, float]) -> None:
    """The same company without any of it."""
    assert [s.name for s in screened(honest(plan)).values() if s.state == "worth a look"] == []


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

    found = screened(bare)

    assert {name for name, s in found.items() if s.state == "cannot be run"} == set(SCREENS) - {"growth, then loss"}
    assert all(s.seen for s in found.values())


def test_a_large_miss_of_logged_against_traced_names_people_by_index_only() -> None:
    """Ids go to the private table; the screen itself holds none."""
    history = honest()
    people = history.csm_quarters
    whole = int(np.argmax(np.bincount(people.csm)))  # somebody who was there throughout
    chosen = people.csm == whole
    logged = np.where(chosen, people.activities * 1.5, people.activities)
    found = screened(replace(history, csm_quarters=replace(people, activities=logged)))["activity log"]

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
        assert measured.power is None or measured.power == pytest.approx(float(power.split()[0]) / 100.0)


def test_plants_change_only_what_they_say() -> None:
    """Lifting results near a step leaves the others; giving up leaves quarters after a near one."""
    history, rng = honest(), np.random.default_rng(0)
    before, after = (h.csm_quarters.attainment["GRR"] for h in (history, bunched(history, rng)))
    far = np.isnan(before) | (before < 0.94) | (before >= 1.0)

    assert np.array_equal(before[far], after[far], equal_nan=True)
    assert (given_up(honest(CLIFF), rng).csm_quarters.activities <= honest(CLIFF).csm_quarters.activities).all()
