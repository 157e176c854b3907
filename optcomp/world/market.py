"""What happens to customers in a quarter, as probabilities: the planted truth of renewal, contraction and expansion."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optcomp.response.outcome import sigmoid
from optcomp.types import FloatArray, IntArray
from optcomp.world.agents import reference_effort
from optcomp.world.firm import Firm
from optcomp.world.traits import Customers, People, true_fit
from optcomp.world.truth import Truth

HAND_OVER_QUARTERS = 2


@dataclass(frozen=True, slots=True)
class Dealt:
    """Slots as dealt to people; log-odds before attention and hand-over, each of shape (slots,)."""

    renew: FloatArray
    expand: FloatArray
    contract: FloatArray
    fit: FloatArray
    responds: FloatArray
    segment: IntArray

    def shifted(self, log_odds: float) -> Dealt:
        """In a quarter in which every customer is a little keener."""
        return replace(self, renew=self.renew + log_odds, expand=self.expand + log_odds)


@dataclass(frozen=True, slots=True)
class Chances:
    """Per slot: P(renew), P(expand in the quarter) and P(contract given renewal)."""

    renew: FloatArray
    expand: FloatArray
    contract: FloatArray


def deal(
    firm: Firm,
    truth: Truth,
    people: People,
    customers: Customers,
    *,
    owner: IntArray,
    person: IntArray,
    customer: IntArray,
) -> Dealt:
    """Slots with their owner's seat, the generation in every seat, and the generation of every slot's customer."""
    slots, seats = np.arange(len(owner)), np.arange(len(person))
    fit = true_fit(firm, truth, people.industries[person, seats], slots, owner)
    latent = customers.latent[customer, slots]
    size = np.log(firm.accounts.arr / 50_000.0)
    segment = firm.accounts.segment
    held_by = person[owner]
    return Dealt(
        renew=truth.renew[segment] + truth.health_renew * latent + truth.arr_renew * size
        + truth.industry[firm.accounts.industry] + people.renew[held_by, owner] + truth.fit_renew * (fit - 0.5),
        expand=truth.expand[segment] + truth.health_expand * latent + people.expand[held_by, owner]
        + truth.fit_expand * (fit - 0.5),
        contract=truth.contract[segment] - truth.health_renew * latent,
        fit=fit,
        responds=customers.responds[customer, slots],
        segment=segment,
    )  # fmt: skip


def chances(dealt: Dealt, truth: Truth, *, recent: FloatArray, now: FloatArray, took_over: FloatArray) -> Chances:
    """Chances of a quarter.

    recent : attention in the two quarters before, now : in this one; both over the reference, shape (slots, 3)
    took_over : quarters since the hand-over, NaN or large where there was none
    """
    handed = (took_over < HAND_OVER_QUARTERS) * (1.0 - truth.hand_relief * dealt.fit)
    push = truth.push * np.maximum(recent[:, 1] - truth.push_from, 0.0)
    return Chances(
        renew=sigmoid(
            dealt.renew + dealt.responds * (_gain(recent, truth) @ truth.kappa_renew) - push + truth.hand_renew * handed
        ),
        expand=sigmoid(
            dealt.expand + dealt.responds * (_gain(now, truth) @ truth.kappa_expand) + truth.hand_expand * handed
        ),
        contract=sigmoid(dealt.contract - _gain(recent, truth) @ truth.kappa_contract),
    )


def _gain(attention: FloatArray, truth: Truth) -> FloatArray:
    """Saturating gain of attention on each task, 0 at the reference."""
    return np.asarray(np.exp(-truth.saturation) - np.exp(-truth.saturation * attention))


def attention(effort: FloatArray, load: FloatArray, truth: Truth) -> FloatArray:
    """Attention that the accounts of each seat get, over the reference; shape (seats, 3)."""
    spread = np.maximum(load, 0.05)[:, None] ** truth.load_power
    return np.asarray(effort[:, :3] / spread / reference_effort(truth))


def kept_share(truth: Truth, effort: FloatArray) -> FloatArray:
    """Share of booked expansion that is not lost again to gaming, per seat."""
    return np.asarray(1.0 - truth.leak * (1.0 - np.exp(-effort[:, 3] / truth.scale[3])))
