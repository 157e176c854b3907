"""The figures behind the screens for gaming: one function a pattern, each gives a figure or says why it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

from optcomp.learn.audit.expected import Outcomes, health_as_dealt
from optcomp.learn.audit.inference import FEWEST_CLUSTERS, Slope, clustered_slope, without
from optcomp.learn.audit.payline import Line, dummies
from optcomp.learn.audit.scores import Cells, Scores
from optcomp.learn.history import History
from optcomp.types import FloatArray, IntArray, sum_by

# Width of the two windows beside a step (SCIENCE 5.4), and the fewest results in them of which anything can be said.
WINDOW, FEWEST_NEAR = 0.02, 12
# Two of thirteen weeks: what would be booked in them if nothing drew bookings to the end.
LATE_SHARE = 2.0 / 13.0
FEWEST_BOOKINGS = 5  # of one person; fewer say nothing
# A team that books this much more than its share late, or logs this much more than was traced, is worth nobody's time.
SMALL_LATE, SMALL_LOG = 0.03, 0.02
FEWEST_ROWS = 30
LOOK_BACK = 4  # quarters in which an expansion may be followed by its loss (SCIENCE 5.4)
_MAD = 1.4826  # of a normal distribution: sd over median absolute deviation


@dataclass(frozen=True)
class Case:
    """What the screens look at."""

    history: History
    outcomes: Outcomes
    cells: Cells
    paid: Sequence[Line]
    scores: Scores
    seed: int


@dataclass(frozen=True)
class Pattern:
    """A figure in words, its p-value for the team, and p-values of single CSMs; none of the p-values is ever shown.

    is_small : however sure, it is too small to matter: with hundreds of people next to nothing can be told from nothing
    """

    seen: str
    p: float
    people: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    people_p: FloatArray = field(default_factory=lambda: np.zeros(0))
    is_small: bool = False


def bunching(case: Case) -> Pattern | str:
    """Results in [step, step + 2 points) against [step - 2 points, step), with the two windows beyond for the slope.

    The exact binomial test alone takes a density that rises through the step for bunching once there are hundreds of
    results; a line through the outer windows says how much of the difference is that. Both have to speak.
    """
    counts = np.zeros(4)
    for line in case.paid:
        if line.metric in ("LOGO", "TEAM"):  # shares of a few accounts have gaps of their own; a team is no person
            continue
        for number, component in enumerate(line.components):
            step = component.curve.threshold if component.curve.kind == "all-or-nothing" else 1.0
            mine = line.attainment[(line.number == number) & ~np.isnan(line.attainment)]
            edges = step + WINDOW * np.arange(-2, 3)
            counts += [int(((mine >= a) & (mine < b)).sum()) for a, b in pairwise(edges.tolist())]
    below, above = int(counts[1]), int(counts[2])
    if above + below < FEWEST_NEAR:
        return f"only {above + below} results within two points of a step"
    exact = float(binom.sf(above - 1, above + below, 0.5))
    # Counts of Poisson: the excess beside the line has the variance of its four terms.
    excess = (counts[2] - counts[1]) - (counts[3] - counts[0]) / 3.0
    slope = float(norm.sf(excess / np.sqrt(counts[1] + counts[2] + (counts[0] + counts[3]) / 9.0)))
    return Pattern(f"{above} just above a step, {below} just below", max(exact, slope))


def late(case: Case) -> Pattern | str:
    """Expansions of which most was booked in the last two weeks."""
    rows = case.history.account_quarters
    known = (rows.expansion > 0.0) & ~np.isnan(rows.late) & (rows.csm >= 0)
    if not known.any() or not (rows.late[known] > 0.0).any():
        return "it is not known what was booked late"
    count = len(case.history.csm_ids)
    late_ones = sum_by(rows.csm[known], (rows.late[known] > rows.expansion[known] / 2.0).astype(float), count)
    number = sum_by(rows.csm[known], np.ones(int(known.sum())), count)
    people = np.flatnonzero(number >= FEWEST_BOOKINGS)
    if len(people) < FEWEST_CLUSTERS:
        return "too few people with bookings"
    share, p = _above(late_ones[people], number[people], LATE_SHARE)
    own = np.asarray(binom.sf(late_ones[people] - 1, number[people], LATE_SHARE), dtype=np.float64)
    text = f"{100 * share:.0f} % booked in the last two weeks; 15 % if spread evenly"
    return Pattern(text, p, people, own, is_small=share - LATE_SHARE < SMALL_LATE)


def _above(part: FloatArray, whole: FloatArray, usual: float) -> tuple[float, float]:
    """Pooled share, and p-value that it is above the usual, clustered by person."""
    share = float(part.sum() / whole.sum())
    gap = part - usual * whole
    se = float(np.sqrt(((part - share * whole) ** 2).sum() * len(part) / (len(part) - 1)))
    return share, float(student.sf(gap.sum() / max(se, 1e-12), len(part) - 1))


def activity(case: Case) -> Pattern | str:
    """Logged less traced activities, person by person."""
    people = case.history.csm_quarters
    gap = people.activities - people.activities_traced
    known = ~np.isnan(gap)
    if not known.any():
        return "activities are not both logged and traced"
    who = np.array([j for j in np.unique(people.csm[known]) if (people.csm[known] == j).sum() > 2], dtype=np.int64)
    if len(who) < FEWEST_CLUSTERS:
        return "too few people with activities"
    own = [gap[known & (people.csm == j)] for j in who]
    means = np.array([g.mean() for g in own])
    usual = float(np.mean(people.activities_traced[known]))
    extra = float(means.mean()) / max(usual, 1e-9)
    text, single = f"logged {100 * extra:+.0f} % against traced", np.array([_positive(g) for g in own])
    return Pattern(text, _positive(means), who, single, is_small=extra < SMALL_LOG)


def _positive(values: FloatArray) -> float:
    """P-value of a mean above 0."""
    sd = float(values.std(ddof=1))
    if sd <= 1e-12:
        return 1.0 if values.mean() <= 1e-12 else 1e-6
    return float(student.sf(values.mean() / sd * np.sqrt(len(values)), len(values) - 1))


def satisfaction(case: Case) -> Pattern | str:
    """People whose scores are far above their peers' without better results for the book as dealt."""
    rows = case.history.account_quarters
    health = health_as_dealt(case.history)
    known = np.flatnonzero(~np.isnan(rows.csat) & ~np.isnan(health) & (rows.csm >= 0))
    if len(known) < FEWEST_ROWS:
        return "too few satisfaction scores"
    beside = np.column_stack([dummies(rows.segment[known], rows.quarter[known]), health[known]])
    left = without(rows.csat[known], beside)
    count = len(case.history.csm_ids)
    number = sum_by(rows.csm[known], np.ones(len(known)), count)
    people = np.array([j for j in case.scores.csm.tolist() if number[j] >= FEWEST_ROWS], dtype=np.int64)
    if len(people) < FEWEST_CLUSTERS:
        return "too few people with scores"
    mean = sum_by(rows.csm[known], left, count)[people] / number[people]
    noise = float(left.std()) / np.sqrt(number[people])
    result = dict(zip(case.scores.csm.tolist(), case.scores.shrunk["NRR"].value.tolist(), strict=True))
    no_better = np.array([result[j] <= 0.0 for j in people.tolist()])
    own = np.where(no_better, student.sf(robust_z(mean, noise), len(people) - 1), 1.0)
    largest = 100.0 * float((mean - np.median(mean)).max())
    return Pattern(f"largest score above its peers: {largest:+.1f} points", _smallest_of(own), people, own)


def robust_z(values: FloatArray, noise: FloatArray) -> FloatArray:
    """How far values lie above their median, in units of how far people differ and of their own noise."""
    middle = float(np.median(values))
    # How far people differ apart from noise, not stretched by the very ones that are looked for.
    spread = max((_MAD * float(np.median(np.abs(values - middle)))) ** 2 - float(np.median(noise**2)), 0.0)
    return np.asarray((values - middle) / np.sqrt(spread + noise**2))


def _smallest_of(p: FloatArray) -> float:
    """P-value of the smallest of several."""
    return float(1.0 - (1.0 - p.min()) ** len(p))


def growth_then_loss(case: Case) -> Pattern | str:
    """Contraction at renewal of accounts that expanded in the four quarters before, against the others."""
    rows = case.history.account_quarters
    added = added_before(case.history)
    used = np.flatnonzero(rows.due & rows.renewed & (rows.csm >= 0) & (rows.quarter > 0))
    before = added[used] > 0.0
    if before.sum() < FEWEST_ROWS or (~before).sum() < FEWEST_ROWS:
        return "too few renewals of accounts that had expanded"
    shrank = (rows.contraction[used] > 0.0).astype(float)
    z = dummies(rows.segment[used], rows.quarter[used])
    slope = clustered_slope(shrank, before.astype(float), z, rows.csm[used], case.seed)
    if slope is None:
        return "too few people"
    lost = np.minimum(np.where(rows.renewed, rows.contraction, rows.arr_start), added)[rows.due].sum()
    share = 100.0 * float(lost) / max(float(rows.expansion.sum()), 1e-9)
    text = points(slope, f"points of contraction at the renewal; {share:.0f} % of what was added is lost within a year")
    return Pattern(text, one_sided(slope, sign=1.0))


def added_before(history: History) -> FloatArray:
    """Expansion of each account in the four quarters before, USD of ARR, per account-quarter."""
    rows = history.account_quarters
    added = np.zeros((len(history.account_ids), len(history.quarters) + LOOK_BACK))
    added[rows.account, rows.quarter + LOOK_BACK] = rows.expansion
    return np.asarray(sum(added[rows.account, rows.quarter + k] for k in range(LOOK_BACK)))


def give_up(case: Case) -> Pattern | str:
    """Activity in a quarter against the distance of the quarter before from an all-or-nothing target, within people."""
    people = case.history.csm_quarters
    work = people.activities if np.isnan(people.activities_traced).all() else people.activities_traced
    gap = np.full(len(work), np.nan)
    for line in case.paid:
        for number, component in enumerate(line.components):
            if component.curve.kind == "all-or-nothing" and not line.is_team:
                mine = line.number == number
                gap[mine] = np.abs(line.attainment[mine] - component.curve.threshold)
    if np.isnan(gap).all():
        return "no component is all or nothing"
    before = np.append(np.nan, gap[:-1])
    follows = np.append(False, (people.csm[1:] == people.csm[:-1]) & (people.quarter[1:] == people.quarter[:-1] + 1))
    used = np.flatnonzero(follows & ~np.isnan(before) & ~np.isnan(work))
    if len(used) < FEWEST_ROWS:
        return "too few quarters with activities"
    z = dummies(people.csm[used], people.quarter[used])
    slope = clustered_slope(work[used], before[used], z, people.csm[used], case.seed)
    if slope is None:
        return "too few people"
    text = points(slope, "% of the agreed activities, 10 points farther from the target", 10.0)
    return Pattern(text, one_sided(slope, sign=-1.0))


def one_sided(slope: Slope, sign: float) -> float:
    """P-value in the direction of the pattern."""
    return slope.p / 2.0 if sign * slope.value > 0.0 else 1.0 - slope.p / 2.0


def points(slope: Slope, unit: str, factor: float = 100.0) -> str:
    """The slope with its interval, in words."""
    value, low, high = (f"{factor * end:+z.1f}" for end in (slope.value, slope.low, slope.high))
    return f"{value} [{low}, {high}] {unit}"
