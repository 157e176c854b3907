"""Histories of invented companies in which one component is known to pay for results, luck, the book or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optcomp.learn.audit.book import index_of
from optcomp.learn.audit.expected import expect, health_as_dealt
from optcomp.learn.audit.payline import dummies, lines
from optcomp.learn.audit.scores import cells_of
from optcomp.learn.history import History
from optcomp.types import FloatArray
from optcomp.world.diary import register
from optcomp.world.world import Past

KINDS = ("results", "luck", "book", "habit")
METRIC = "GRR"  # one of the two that the planted companies pay


def planted(past: Past, kind: str, seed: int = 0) -> History:
    """The history with the attainment and payout of one component replaced.

    results : follows the person's true skill; luck : drawn anew every quarter; book : follows what the book as dealt
    led to expect; habit : a constant of the person that has nothing to do with results
    """
    history, rng = past.history(), np.random.default_rng([seed, 77])
    people = history.csm_quarters
    noise = rng.normal(0.0, 1.0, len(people.csm))
    signal = {
        "results": lambda: standard(skill(past)[people.csm]),
        "luck": lambda: np.zeros(len(people.csm)),
        "book": lambda: standard(book_of(history)),
        "habit": lambda: rng.normal(0.0, 1.0, len(history.csm_ids))[people.csm],
    }[kind]()
    reached = np.maximum(1.0 + 0.2 * signal + 0.15 * noise, 0.0)
    return paid_as_reached(history, reached)


def paid_as_reached(history: History, reached: FloatArray, metric: str = METRIC) -> History:
    """The history with this attainment of a metric, and a linear payout on it."""
    people = history.csm_quarters
    target = next(line.target for line in lines(history) if line.metric == metric)
    attainment = {**people.attainment, metric: reached}
    payout = {**people.payout, metric: target * np.minimum(reached, 2.0)}
    return replace(history, csm_quarters=replace(people, attainment=attainment, payout=payout))


def skill(past: Past) -> FloatArray:
    """True skill of every CSM of the history: the sum of both log-odds."""
    names, people = register([page.state for page in past.pages]), past.world.hidden.people
    result = np.zeros(len(names.csm_ids))
    generation, seat = np.nonzero(names.people >= 0)
    result[names.people[generation, seat]] = (people.renew + people.expand)[generation, seat]
    return result


def book_of(history: History) -> FloatArray:
    """What the book as dealt led to expect of renewals, by CSM-quarter, against the segment in that quarter."""
    people = history.csm_quarters
    index = index_of(METRIC, cells_of(history, expect(history), health_as_dealt(history)))
    known = ~np.isnan(index)
    z = dummies(people.segment[known], people.quarter[known])
    gap = np.zeros(len(index))
    gap[known] = index[known] - z @ np.linalg.lstsq(z, index[known], rcond=1e-10)[0]
    return gap


def standard(values: FloatArray) -> FloatArray:
    """Mean 0 and sd 1."""
    return np.asarray((values - values.mean()) / values.std())
