"""Who sits in each seat and which customer fills each slot, generation after generation.

A seat is a job: when somebody quits, the next generation takes it over with the same hours, pay and languages. A slot
is a place for a customer: when one churns, a new one of about the same size comes. All generations are drawn
beforehand, so that what is expected of the future is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.types import BoolArray, FloatArray, IntArray
from optcomp.world.firm import LEVELS, Firm
from optcomp.world.names import INDUSTRIES
from optcomp.world.truth import Truth

# Standard deviation of skill between people, log-odds (SCIENCE 2.2: half-normal of scale .3).
_TALENT_SD = 0.25
# A new hire does worse than the person before (Shi et al. 2017), log-odds.
_NEW_HIRE = -0.10
# Better people hold healthier books: correlation of latent health with the skill of today's owner.
_SELECTION = 0.35


@dataclass(frozen=True, slots=True)
class People:
    """Shape (generations, seats, …): log-odds of skill, tastes for the four tasks, what money means, industries."""

    renew: FloatArray
    expand: FloatArray
    taste: FloatArray
    money: FloatArray
    industries: BoolArray


@dataclass(frozen=True, slots=True)
class Customers:
    """Shape (generations, slots): latent health (mean 0, sd 1), response to attention, ARR on arrival in USD."""

    latent: FloatArray
    responds: FloatArray
    arr: FloatArray


def draw_people(firm: Firm, generations: int, rng: np.random.Generator) -> People:
    """Everybody who may ever work here."""
    shape = (generations, len(firm.csms.pool))
    industries = rng.random((*shape, len(INDUSTRIES))).argsort(axis=2) < 2
    industries[0] = firm.csms.industries
    hired = np.where(np.arange(generations) > 0, _NEW_HIRE, 0.0)[:, None]
    return People(
        renew=rng.normal(0.0, _TALENT_SD, shape) + hired,
        expand=rng.normal(0.0, _TALENT_SD, shape) + hired,
        taste=np.exp(rng.normal(0.0, 0.2, (*shape, 4))),
        money=np.exp(rng.normal(0.0, 0.3, shape)),
        industries=np.asarray(industries),
    )


def draw_customers(firm: Firm, people: People, generations: int, rng: np.random.Generator) -> Customers:
    """Every customer who may ever come; the first ones were dealt to those who did well."""
    shape = (generations, len(firm.accounts.pool))
    latent = rng.normal(0.0, 1.0, shape)
    skill = people.renew[0, firm.accounts.owner] / _TALENT_SD
    latent[0] = _SELECTION * skill + np.sqrt(1.0 - _SELECTION**2) * latent[0]
    arr = firm.accounts.arr * np.exp(rng.normal(0.0, 0.2, shape))
    arr[0] = firm.accounts.arr
    return Customers(latent, np.exp(rng.normal(0.0, 0.3, shape)), np.round(arr, -2))


def true_fit(firm: Firm, truth: Truth, industries: BoolArray, slot: IntArray, seat: IntArray) -> FloatArray:
    """Fit of slots with seats held by people who know these `industries` (seats, 6): weights of its own world."""
    accounts, csms = firm.accounts, firm.csms
    complexity = (accounts.complexity[slot] - 1.0) / 4.0
    rank = csms.level[seat] / (len(LEVELS) - 1.0)
    match = industries[seat, accounts.industry[slot]].astype(float)
    speaks = csms.languages[seat, accounts.language[slot]].astype(float)
    parts = np.stack([match, speaks, 1.0 - np.maximum(complexity - rank, 0.0)])
    return np.asarray(truth.fit_weights @ parts)
