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
from optcomp.learn.audit.patterns import Case
from optcomp.learn.audit.payline import lines
from optcomp.learn.audit.scores import cells_of, score
from optcomp.learn.audit.screens import SCREENS, screens
from optcomp.learn.history import History
from optcomp.world.schedule import Schedule, history_plan
from optcomp.world.world import SIZES, World, make_world
from tests.benchmarks import record

COMMAND = "python -m tests.benchmarks.gaming_screens"
QUARTERS = 8
SHOWN = {"S": "15 CSMs", "M": "40 CSMs"}
# Worlds whose people game this many times as hard as worlds usually draw it.
HARD = 4.0
LINEAR, CLIFF = ("renewal-expansion-gate", 0.20), ("all-or-nothing-90", 0.13)


@dataclass(frozen=True)
class Plant:
    """A pattern: the plan in force, how hard people game, what is changed in the history, and that in words."""

    words: str
    plan: tuple[str, float] = LINEAR
    game: float = 0.0
    change: Callable[[History, np.random.Generator], History] = lambda history, _: history


def live(world: World, plan: tuple[str, float], game: float) -> History:
    """Two years under one plan, with gaming as hard as asked."""
    truth = replace(world.hidden.truth, game=world.hidden.truth.game * game)
    seats = len(world.hidden.firm.csms.pool)
    schedule = Schedule(
        (history_plan(*plan),), np.zeros((3, QUARTERS), dtype=np.int64), np.zeros((seats, QUARTERS), dtype=np.int64)
    )
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


PLANTS: Mapping[str, Plant] = {
    "bunching": Plant("half of the results within 6 points below a target are lifted just above it", change=bunched),
    "late bookings": Plant("people game, and bookings move to the end of the quarter", game=HARD),
    "activity log": Plant("people game, and log more than they do", game=HARD),
    "satisfaction": Plant("scores of one CSM in five are 6 points too high", change=flattered),
    "growth, then loss": Plant("people game; what they book too much is lost within the quarter", game=HARD),
    "give up or coast": Plant("25 % less activity after a quarter far from the step", plan=CLIFF, change=given_up),
}


def speaks(history: History, name: str) -> bool:
    """The screen says that the history is worth a look."""
    cells = cells_of(history, expect(history), health_as_dealt(history))
    case = Case(history, lines(history), score(history, cells), 0)
    return next(s for s in screens(case) if s.name == name).state == "worth a look"


def measure(size: str, worlds: int) -> dict[str, tuple[float, float]]:
    """Power and false alarms of every screen."""
    hits = {name: np.zeros((worlds, 2), dtype=bool) for name in SCREENS}
    for seed in range(worlds):
        world = make_world(size, seed)
        past = {(p.plan, p.game): live(world, p.plan, p.game) for p in PLANTS.values()}
        honest = {plan: recorded(past[plan, 0.0], np.random.default_rng(seed)) for plan in (LINEAR, CLIFF)}
        for name, plant in PLANTS.items():
            rng = np.random.default_rng([seed, 9])
            with_it = honest[plant.plan] if not plant.game else recorded(past[plant.plan, plant.game], rng)
            hits[name][seed] = speaks(plant.change(with_it, rng), name), speaks(honest[plant.plan], name)
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

- **Growth, then loss** has no signal here by construction: the invented companies take what gaming loses off the
  booking itself, so an expansion that gaming caused never shrinks later. Its *finds it* is therefore no power but
  another false alarm. In a real company the loss comes at the next renewal; how often the screen would find it is not
  measured.
- **Late bookings**: without gaming, bookings here are spread evenly over the quarter. Where customers' own budgets end
  with the quarter, the screen speaks up for a reason that has nothing to do with pay.
- **Activity log**: without gaming, log and trace differ here by 5 % in both directions. A system that misses a
  kind of activity makes everybody look as if they logged too much.
- **Bunching**, **satisfaction** and **give up or coast** are planted by changing the written history; the invented
  people do none of the three by themselves.
- Discounts, claims on installed software and calls are not in a history, so they are not screened.

A screen that speaks up is a reason to look, never a finding about a person."""


if __name__ == "__main__":
    main()
