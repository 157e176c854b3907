"""When bookings are made: a dip in the quarter after late ones, and lateness near a step of the pay curve.

A history has quarters. What was booked in the last two weeks is a column of its own; the first two weeks of the next
quarter cannot be seen, so a dip is looked for in that quarter as a whole. Source: SCIENCE 5.4 (Oyer 1998).
"""

from __future__ import annotations

import numpy as np

from optcomp.learn.audit.inference import clustered_slope
from optcomp.learn.audit.patterns import FEWEST_ROWS, Case, Pattern, one_sided, points
from optcomp.learn.audit.payline import dummies
from optcomp.learn.history import History
from optcomp.types import FloatArray, sum_by

# Results farther from a step than this are not drawn to it.
_NEAR = 0.5


def late_share(history: History) -> FloatArray:
    """Share of each CSM-quarter's expansion that was booked in its last two weeks; NaN where nothing was booked."""
    rows, people = history.account_quarters, history.csm_quarters
    known = (rows.expansion > 0.0) & ~np.isnan(rows.late) & (rows.csm >= 0)
    count = len(history.csm_ids) * len(history.quarters)
    key = rows.csm[known] * len(history.quarters) + rows.quarter[known]
    late, booked = sum_by(key, rows.late[known], count), sum_by(key, rows.expansion[known], count)
    share = np.divide(late, booked, out=np.full(count, np.nan), where=booked > 0.0)
    return np.asarray(share[people.csm * len(history.quarters) + people.quarter])


def dip(case: Case) -> Pattern | str:
    """Expansion of the next quarter against the book, by how much of this quarter's was booked late."""
    people, share = case.history.csm_quarters, late_share(case.history)
    if np.isnan(share).all() or not np.nanmax(share) > 0.0:
        return "it is not known what was booked late"
    result = case.cells.residual("EXP")
    follows = np.append((people.csm[1:] == people.csm[:-1]) & (people.quarter[1:] == people.quarter[:-1] + 1), False)
    after = np.append(result[1:], np.nan)
    used = np.flatnonzero(follows & ~np.isnan(share) & ~np.isnan(result) & ~np.isnan(after))
    if len(used) < FEWEST_ROWS:
        return "too few quarters with bookings and a next one"
    # This quarter's own result stays fixed, so that people who always sell more do not look as if they had no dip.
    z = np.column_stack([dummies(people.segment[used], people.quarter[used]), result[used]])
    slope = clustered_slope(after[used], share[used], z, people.csm[used], case.seed)
    if slope is None:
        return "too few people"
    text = points(slope, "points of ARR of expansion in the quarter after one in which all was booked late", 1.0)
    return Pattern(text, one_sided(slope, sign=-1.0))


def late_near_step(case: Case) -> Pattern | str:
    """Share booked late, by the distance of the quarter's expansion from the step of its pay."""
    people, share = case.history.csm_quarters, late_share(case.history)
    gap = np.full(len(share), np.nan)
    for line in case.paid:
        for number, component in enumerate(line.components):
            if line.metric == "EXP" and not line.is_team:
                mine = line.number == number
                # A curve without a threshold has its target: 1.
                gap[mine] = np.abs(line.attainment[mine] - (component.curve.threshold or 1.0))
    if np.isnan(gap).all():
        return "no expansion of a person is paid"
    used = np.flatnonzero(~np.isnan(share) & (gap <= _NEAR))
    if len(used) < FEWEST_ROWS or not share[used].max() > 0.0:
        return "too few quarters with bookings near the target"
    z = dummies(people.segment[used], people.quarter[used])
    slope = clustered_slope(share[used], gap[used], z, people.csm[used], case.seed)
    if slope is None:
        return "too few people"
    text = points(slope, "points of the bookings are late, 10 points farther from the target", 10.0)
    return Pattern(text, one_sided(slope, sign=-1.0))
