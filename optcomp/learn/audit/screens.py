"""Screens for gaming: patterns that pay may have caused, for a person to look into; never a ground for a sanction.

Each screen says what it saw, in whom (by index, for the private table), or why it could not be run. Findings are
counted together (Benjamini-Hochberg). How often each screen is right is measured: `screen_power`. Source: SCIENCE 5.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from optcomp.learn.audit import measures, patterns, timing
from optcomp.learn.audit.inference import found_among
from optcomp.learn.audit.patterns import Case, Pattern

# Half the rate of the labels: to look at somebody for nothing costs trust.
RATE = 0.05
State = Literal["worth a look", "nothing seen", "cannot be run"]
#: Screens in their order, with the question that each asks.
SCREENS: dict[str, tuple[str, Callable[[Case], Pattern | str]]] = {
    "bunching": ("Do results pile up just above a step of the pay curve?", patterns.bunching),
    "late bookings": ("Is more booked in the last two weeks than their share of a quarter?", patterns.late),
    "late near a step": ("Are bookings later where the quarter ends near its target?", timing.late_near_step),
    "dip after": ("Is a quarter weak after one that was booked late?", timing.dip),
    "activity log": ("Is more activity logged than other systems saw?", patterns.activity),
    "satisfaction": ("Do scores run ahead of what customers then do?", patterns.satisfaction),
    "survey coverage": ("Are healthy accounts surveyed more than others?", measures.coverage),
    "scores once paid": ("Do scores tell less of renewals since they are paid on?", measures.satisfaction_once_paid),
    "logs once paid": ("Do logs tell less of results since they are paid on?", measures.activity_once_paid),
    "growth, then loss": ("Do accounts that expanded shrink at their renewal?", patterns.growth_then_loss),
    "give up or coast": ("Does activity fall far from an all-or-nothing target?", patterns.give_up),
}


@dataclass(frozen=True)
class Screen:
    """One screen of the whole team, and of single people where it can be.

    seen : the figure in words, or why it could not be run; people : indices of CSMs, in the order of the history
    """

    name: str
    question: str
    state: State
    seen: str
    people: tuple[int, ...]


def screens(case: Case, only: Sequence[str] = tuple(SCREENS)) -> tuple[Screen, ...]:
    """Every screen as far as the columns of the history allow."""
    results = {name: SCREENS[name][1](case) for name in only}
    made = {name: r for name, r in results.items() if isinstance(r, Pattern)}
    team = dict(zip(made, found_among([r.p for r in made.values()], RATE).tolist(), strict=True))
    large = {name for name, found in team.items() if found and not made[name].is_small}
    return tuple(_screen(name, result, name in large) for name, result in results.items())


def _screen(name: str, result: Pattern | str, found: bool) -> Screen:
    question = SCREENS[name][0]
    if isinstance(result, str):
        return Screen(name, question, "cannot be run", result, ())
    who = found_among(result.people_p.tolist(), RATE) if len(result.people_p) else np.zeros(0, dtype=bool)
    people = tuple(int(j) for j in result.people[who])
    return Screen(name, question, "worth a look" if found or people else "nothing seen", result.seen, people)
