"""What becomes of a measure that is paid on: who is surveyed, and whether scores and logs still tell what comes next.

Source: SCIENCE 5.4.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import t as student

from optcomp.learn.audit.expected import Outcomes
from optcomp.learn.audit.inference import FEWEST_CLUSTERS, clustered_slope, without
from optcomp.learn.audit.patterns import FEWEST_ROWS, Case, Pattern, one_sided, points, robust_z
from optcomp.learn.audit.payline import dummies
from optcomp.learn.history import History
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

_TEN = 10.0  # points of health: the unit in which coverage is told
# Points of coverage for ten points of health below which a difference is no matter.
_SMALL_COVERAGE = 0.01
# A score is held against renewals of this many quarters after it.
_QUARTERS_AFTER = 2


def coverage(case: Case) -> Pattern | str:
    """Whether healthy accounts are surveyed more often than others, in the team and by single people."""
    rows = case.history.account_quarters
    used = np.flatnonzero(~np.isnan(rows.health_start) & (rows.csm >= 0))
    answered = (~np.isnan(rows.csat[used])).astype(float)
    if not answered.any():
        return "there are no satisfaction scores"
    if answered.all():
        return "every account has a score in every quarter: nothing was chosen"
    if len(used) < FEWEST_ROWS:
        return "too few accounts with a health score"
    health, csm = rows.health_start[used] / _TEN, rows.csm[used]
    z = dummies(rows.segment[used], rows.quarter[used])
    slope = clustered_slope(answered, health, z, csm, case.seed)
    if slope is None:
        return "too few people"
    share = f"{100.0 * float(answered.mean()):.0f} % surveyed; "
    text = share + points(slope, "points of coverage for 10 points of health")
    people, own = _own_slopes(answered, health, z, csm)
    return Pattern(text, one_sided(slope, sign=1.0), people, own, is_small=slope.value < _SMALL_COVERAGE)


def _own_slopes(y: FloatArray, x: FloatArray, z: FloatArray, csm: IntArray) -> tuple[IntArray, FloatArray]:
    """P-values that the slope of one person lies above those of the peers."""
    both = np.column_stack([y, x])
    left = without(both, z)
    count = int(csm.max()) + 1
    number = np.maximum(sum_by(csm, np.ones(len(csm)), count), 1.0)
    left -= np.column_stack([sum_by(csm, left[:, k], count) / number for k in (0, 1)])[csm]
    power = sum_by(csm, left[:, 1] ** 2, count)
    people = np.flatnonzero((number >= FEWEST_ROWS) & (power > 0.0))
    if len(people) < FEWEST_CLUSTERS:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    slope = sum_by(csm, left[:, 0] * left[:, 1], count)[people] / power[people]
    noise = float(left[:, 0].std()) / np.sqrt(power[people])
    return people, np.asarray(student.sf(robust_z(slope, noise), len(people) - 1))


# ---- before and after pay -------------------------------------------------------------------------------------------


def satisfaction_once_paid(case: Case) -> Pattern | str:
    """Whether scores tell less of the renewals that follow since they are paid on, within people."""
    rows, history = case.history.account_quarters, case.history
    scored = np.flatnonzero(~np.isnan(rows.csat) & (rows.csm >= 0))
    if len(scored) < FEWEST_ROWS:
        return "too few satisfaction scores"
    later = _renewal_after(history, case.outcomes)[rows.account[scored], rows.quarter[scored]]
    known = ~np.isnan(later)
    scored, later = scored[known], later[known]
    paid = _pays(history, "CSAT", rows.csm[scored], rows.quarter[scored])
    labels = (rows.segment[scored], rows.quarter[scored], rows.csm[scored])
    return _before_and_after(case, 100.0 * later, rows.csat[scored], paid, labels, "points of renewal")


def activity_once_paid(case: Case) -> Pattern | str:
    """Whether logged activities tell less of the next quarter's results since they are paid on, within people."""
    people, result = case.history.csm_quarters, case.cells.residual("NRR")
    follows = np.append((people.csm[1:] == people.csm[:-1]) & (people.quarter[1:] == people.quarter[:-1] + 1), False)
    after = np.append(result[1:], np.nan)
    used = np.flatnonzero(follows & ~np.isnan(after) & ~np.isnan(people.activities))
    if len(used) < FEWEST_ROWS:
        return "too few quarters with activities and a next one"
    paid = _pays(case.history, "ACT", people.csm[used], people.quarter[used])
    labels = (people.segment[used], people.quarter[used], people.csm[used])
    return _before_and_after(case, after[used], people.activities[used], paid, labels, "points of ARR")


def _before_and_after(
    case: Case, y: FloatArray, x: FloatArray, paid: BoolArray, labels: tuple[IntArray, IntArray, IntArray], unit: str
) -> Pattern | str:  # fmt: skip
    """Change of the slope of y on x, in sd of x, when x is paid on."""
    if paid.sum() < FEWEST_ROWS or (~paid).sum() < FEWEST_ROWS:
        return "no plan of this history begins or ends to pay on it"
    segment, quarter, csm = labels
    # One sd of the measure while it was not paid on: pay may stretch it.
    scaled = (x - x.mean()) / max(float(x[~paid].std()), 1e-9)
    flag = paid.astype(float)
    columns = np.column_stack([y, scaled * flag, scaled, flag, dummies(segment, quarter)])
    within = _less_own_mean(columns, csm)
    change = clustered_slope(within[:, 0], within[:, 1], within[:, 2:], csm, case.seed)
    if change is None:
        return "too few people"
    text = points(change, f"{unit} for one sd of it, against before it was paid on", 1.0)
    return Pattern(text, one_sided(change, sign=-1.0))


def _less_own_mean(columns: FloatArray, csm: IntArray) -> FloatArray:
    count = int(csm.max()) + 1
    number = np.maximum(sum_by(csm, np.ones(len(csm)), count), 1.0)
    means = np.column_stack([sum_by(csm, column, count) / number for column in columns.T])
    return np.asarray(columns - means[csm])


def _pays(history: History, metric: str, csm: IntArray, quarter: IntArray) -> BoolArray:
    """The plan of this CSM in this quarter pays on the metric; for satisfaction a gate counts as well."""
    mixes = [plan.mix for plan in history.plans.plans]
    pays = [any(c.metric == metric for c in m.components) or (metric == "CSAT" and m.gate is not None) for m in mixes]
    return np.array([*pays, False])[history.plans.by_csm[csm, quarter]]  # -1 is "no plan"


def _renewal_after(history: History, outcomes: Outcomes) -> FloatArray:
    """Renewed less expected, of the first renewal in the quarters after each, shape (accounts, quarters); else NaN."""
    rows, quarters = history.account_quarters, len(history.quarters)
    due = rows.due[outcomes.rows]
    own = outcomes.rows[due]
    here = np.full((len(history.account_ids), quarters + _QUARTERS_AFTER), np.nan)
    here[rows.account[own], rows.quarter[own]] = rows.renewed[own] - outcomes.renew[due]
    after = np.full((len(history.account_ids), quarters), np.nan)
    for ahead in range(_QUARTERS_AFTER, 0, -1):  # the nearest one is written last
        found = here[:, ahead : ahead + quarters]
        after = np.where(np.isnan(found), after, found)
    return after
