"""How often each screen for gaming is right: worlds in which its pattern is planted, and the same worlds without it.

    python -m tests.benchmarks.gaming_screens [--worlds 30]

A screen is right in a world with the pattern when it says "worth a look", and wrong in one without. About a minute.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from optcomp.learn.audit.expected import expect, health_as_dealt
from optcomp.learn.audit.patterns import Case, added_before
from optcomp.learn.audit.payline import lines
from optcomp.learn.audit.scores import cells_of, score
from optcomp.learn.audit.screens import SCREENS, Screen, screens
from optcomp.learn.audit.timing import late_share
from optcomp.learn.history import History
from optcomp.world.schedule import Schedule, history_plan
from optcomp.world.world import SIZES, World, make_world
from tests.benchmarks import record

COMMAND = "python -m tests.benchmarks.gaming_screens"
QUARTERS = 8
SHOWN = {"S": "15 CSMs", "M": "40 CSMs"}
# Worlds whose people game this many times as hard as worlds usually draw it.
HARD = 4.0
Plan = tuple[str, float]
LINEAR, CLIFF, PLAIN = ("renewal-expansion-gate", 0.20), ("all-or-nothing-90", 0.13), ("individual-bonus", 0.13)
ACTIVITIES = ("activities-expansion", 0.18)
Change = Callable[[History, np.random.Generator], History]


def unchanged(history: History, _: np.random.Generator) -> History:
    """Nothing is planted."""
    return history


@dataclass(frozen=True)
class Plant:
    """A pattern, in words: the plan in force, how hard people game, and what is changed in the history.

    then : plan of the second year, where the plan changes; usual : what is true of the company with and without it
    """

    words: str
    plan: Plan = LINEAR
    game: float = 0.0
    change: Change = unchanged
    then: Plan | None = None
    usual: Change = unchanged


def live(world: World, plan: Plan, game: float, then: Plan | None = None) -> History:
    """Two years under one plan, or one under each of two, with gaming as hard as asked."""
    truth = replace(world.hidden.truth, game=world.hidden.truth.game * game)
    seats = len(world.hidden.firm.csms.pool)
    plans = tuple(history_plan(*p) for p in (plan, then) if p)
    number = np.minimum(np.arange(QUARTERS) // (QUARTERS // 2), len(plans) - 1)
    schedule = Schedule(plans, np.tile(number, (3, 1)), np.tile(number, (seats, 1)))
    return replace(world, hidden=replace(world.hidden, truth=truth)).live_under(schedule).history()


def recorded(history: History, rng: np.random.Generator) -> History:
    """Logged activities are never exactly those that were traced: 5 % of noise in both directions."""
    people = history.csm_quarters
    logged = people.activities * np.exp(rng.normal(0.0, 0.05, len(people.csm)))
    return replace(history, csm_quarters=replace(people, activities=logged))


def bunched(history: History, rng: np.random.Generator) -> History:
    """Half of the results within six points below 1 are lifted to just above."""
    people = history.csm_quarters
    attainment = {}
    for metric, values in people.attainment.items():
        lifted = (values >= 0.94) & (values < 1.0) & (rng.random(len(values)) < 0.5)
        attainment[metric] = np.where(lifted, 1.0 + 0.02 * rng.random(len(values)), values)
    return replace(history, csm_quarters=replace(people, attainment=attainment))


def flattered(history: History, rng: np.random.Generator) -> History:
    """The scores of one CSM in five are six points too high."""
    rows = history.account_quarters
    chosen = np.append(rng.random(len(history.csm_ids)) < 0.2, False)
    return replace(history, account_quarters=replace(rows, csat=np.minimum(rows.csat + 0.06 * chosen[rows.csm], 1.0)))


def given_up(history: History, rng: np.random.Generator) -> History:
    """A quarter less activity after a quarter that was more than ten points away from the step."""
    people = history.csm_quarters
    far = np.abs(people.attainment["LOGO"] - 0.9) > 0.1
    after = np.append(False, far[:-1] & (people.csm[1:] == people.csm[:-1]))
    factor = np.where(after, 0.75, 1.0)
    return replace(
        history,
        csm_quarters=replace(
            people, activities=people.activities * factor, activities_traced=people.activities_traced * factor
        ),
    )


def late_when_close(history: History, rng: np.random.Generator) -> History:
    """Six of ten bookings come late in quarters that end within 15 points of the target."""
    rows, people = history.account_quarters, history.csm_quarters
    close = np.zeros((len(history.csm_ids) + 1, len(history.quarters)), dtype=bool)  # the last row: nobody
    close[people.csm, people.quarter] = np.abs(people.attainment["EXP"] - 1.0) < 0.15
    moved = close[rows.csm, rows.quarter] & (rng.random(len(rows.csm)) < 0.6)
    return replace(history, account_quarters=replace(rows, late=np.where(moved, rows.expansion, rows.late)))


def pulled_forward(history: History, rng: np.random.Generator) -> History:
    """Who booked a share late misses the same share of bookings in the next quarter."""
    rows, people = history.account_quarters, history.csm_quarters
    share = np.zeros((len(history.csm_ids) + 1, len(history.quarters) + 1))
    share[people.csm, people.quarter + 1] = np.nan_to_num(late_share(history))
    kept = rng.random(len(rows.csm)) >= share[rows.csm, rows.quarter]
    changed = replace(rows, expansion=rows.expansion * kept, late=rows.late * kept)
    return replace(history, account_quarters=changed)


def left_out(history: History, rng: np.random.Generator) -> History:
    """Two CSMs in five leave out half of their accounts with a health score below 60 when they survey."""
    rows = history.account_quarters
    chosen = np.append(rng.random(len(history.csm_ids)) < 0.4, False)[rows.csm]
    silent = chosen & (rows.health_start < 60.0) & (rng.random(len(rows.csm)) < 0.5)
    return replace(history, account_quarters=replace(rows, csat=np.where(silent, np.nan, rows.csat)))


def scores_tell(history: History, _: np.random.Generator, quarters: int = QUARTERS) -> History:
    """Accounts that will not renew within two quarters score 15 points lower, in so many quarters."""
    rows = history.account_quarters
    lost = np.zeros((len(history.account_ids), len(history.quarters) + 2), dtype=bool)
    lost[rows.account, rows.quarter] = rows.churned
    soon = lost[rows.account, rows.quarter + 1] | lost[rows.account, rows.quarter + 2]
    lower = 0.15 * (soon & (rows.quarter < quarters))
    return replace(history, account_quarters=replace(rows, csat=np.maximum(rows.csat - lower, 0.0)))


def logs_tell(history: History, _: np.random.Generator, quarters: int = QUARTERS) -> History:
    """A sd better results in the next quarter go with 0.1 more activity logged, in so many quarters."""
    people, result = history.csm_quarters, cells_of(history, expect(history), health_as_dealt(history)).residual("NRR")
    after = np.append(np.where(people.csm[1:] == people.csm[:-1], result[1:], 0.0), 0.0)
    extra = 0.1 * np.nan_to_num(after) / float(np.nanstd(result)) * (people.quarter < quarters)
    return replace(history, csm_quarters=replace(people, activities=np.maximum(people.activities + extra, 0.0)))


def lost_again(history: History, rng: np.random.Generator) -> History:
    """At the renewal three accounts in ten lose what they had added in the four quarters before."""
    rows, added = history.account_quarters, added_before(history)
    loses = rows.due & rows.renewed & (rng.random(len(rows.csm)) < 0.3)
    contraction = np.where(loses, np.clip(added, rows.contraction, rows.arr_start), rows.contraction)
    return replace(history, account_quarters=replace(rows, contraction=contraction))


FIRST_YEAR = QUARTERS // 2
PLANTS: Mapping[str, Plant] = {
    "bunching": Plant("half of the results within 6 points below a target are lifted just above it", change=bunched),
    "late bookings": Plant("people game, and bookings move to the end of the quarter", game=HARD),
    "late near a step": Plant(
        "6 of 10 bookings come late in quarters that end within 15 points of the target", change=late_when_close
    ),
    "dip after": Plant(
        "who booked a share late misses the same share of bookings in the next quarter", change=pulled_forward
    ),
    "activity log": Plant("people game, and log more than they do", game=HARD),
    "satisfaction": Plant("scores of one CSM in five are 6 points too high", change=flattered),
    "survey coverage": Plant(
        "two CSMs in five leave out half of their accounts with a health score below 60", change=left_out
    ),
    "scores once paid": Plant(
        "accounts about to leave score 15 points lower until a gate on scores begins, not after",
        PLAIN,
        change=lambda history, rng: scores_tell(history, rng, FIRST_YEAR),
        then=LINEAR,
        usual=scores_tell,
    ),
    "logs once paid": Plant(
        "a sd better next quarter goes with 0.1 more activity logged until activity is paid, not after",
        PLAIN,
        change=lambda history, rng: logs_tell(history, rng, FIRST_YEAR),
        then=ACTIVITIES,
        usual=logs_tell,
    ),
    "growth, then loss": Plant(
        "3 accounts in 10 lose at their renewal what they had added in the year before", change=lost_again
    ),
    "give up or coast": Plant("25 % less activity after a quarter far from the step", plan=CLIFF, change=given_up),
}


def case_of(history: History) -> Case:
    """What the screens look at."""
    outcomes = expect(history)
    cells = cells_of(history, outcomes, health_as_dealt(history))
    return Case(history, outcomes, cells, lines(history), score(history, cells), 0)


def seen(history: History) -> dict[str, Screen]:
    """Every screen of the history."""
    return {s.name: s for s in screens(case_of(history))}


def speaks(history: History, name: str) -> bool:
    """The screen says that the history is worth a look."""
    return seen(history)[name].state == "worth a look"


def measure(size: str, worlds: int) -> dict[str, tuple[float, float]]:
    """Power and false alarms of every screen."""
    hits = {name: np.zeros((worlds, 2), dtype=bool) for name in SCREENS}
    for seed in range(worlds):
        world = make_world(size, seed)
        past = {k: live(world, k[0], k[2], k[1]) for k in {(p.plan, p.then, p.game) for p in PLANTS.values()}
                | {(p.plan, p.then, 0.0) for p in PLANTS.values()}}  # fmt: skip
        honest: dict[tuple[Plan, Plan | None, Change], dict[str, Screen]] = {}
        for name, plant in PLANTS.items():
            rng = np.random.default_rng([seed, 9])
            without = recorded(past[plant.plan, plant.then, 0.0], np.random.default_rng(seed))
            key = (plant.plan, plant.then, plant.usual)
            if key not in honest:
                honest[key] = seen(plant.usual(without, np.random.default_rng([seed, 9])))
            with_it = recorded(past[plant.plan, plant.then, plant.game], rng) if plant.game else without
            hits[name][seed] = speaks(plant.change(with_it, rng), name), honest[key][name].state == "worth a look"
    return {name: (float(h[:, 0].mean()), float(h[:, 1].mean())) for name, h in hits.items()}


def main() -> None:
    """Measure and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=30)
    worlds = parser.parse_args().worlds
    found = {size: measure(size, worlds) for size in SHOWN}
    header = ["screen", "what is planted"]
    header += [f"{what}, {people}" for people in SHOWN.values() for what in ("finds it", "cries wolf")]
    rows = [
        [name, plant.words, *(f"{100 * v:.0f} %" for size in SHOWN for v in found[size][name])]
        for name, plant in PLANTS.items()
    ]
    parts = [
        NOTES.format(worlds=worlds, accounts=SIZES["S"][1], more=SIZES["M"][1]),
        record.table(header, rows),
        LIMITS,
    ]
    print(record.write("gaming-screens", "Screens for gaming", COMMAND, parts))


NOTES = (
    "Each figure is a share of {worlds} invented companies with eight quarters of history (15 CSMs with {accounts} "
    "accounts, 40 with {more}). *Finds it*: the pattern is planted and the screen of `optcomp audit` says *worth a "
    "look*. *Cries wolf*: the same company without it. All screens run together, as in the audit; findings are "
    "held to a false-discovery rate of 5 %, over the screens for the team, and over people within a screen."
)
LIMITS = """\
What the figures do not say:

- **Late bookings**: without gaming, bookings here are spread evenly over the quarter. Where customers' own budgets end
  with the quarter, the screen speaks up for a reason that has nothing to do with pay.
- **Activity log**: without gaming, log and trace differ here by 5 % in both directions. A system that misses a
  kind of activity makes everybody look as if they logged too much.
- **Late bookings** and **activity log** are what the invented people do by themselves when pay makes it worth it. All
  other patterns are planted by changing the written history.
- **Dip after** looks at the next quarter as a whole: its first two weeks cannot be seen in quarters.
- **Scores once paid** and **logs once paid** need a history in which pay for the measure begins or ends; elsewhere they
  cannot be run. *Cries wolf* is there the same link of measure and results before and after.
- Discounts, claims on installed software and calls are not in a history, so they are not screened.

A screen that speaks up is a reason to look, never a finding about a person."""


if __name__ == "__main__":
    main()
