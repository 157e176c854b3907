"""How well the book as dealt predicts pay, before and after targets are set to what the book led to expect.

Targets from the book: retention, logos and expansion against the account model; satisfaction, activities and customers'
results against what health as dealt goes with. A team's result has no book of its own. Source: SCIENCE 5.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optcomp.learn.audit.book import index_of, without_luck
from optcomp.learn.audit.inference import Slope, clustered_slope
from optcomp.learn.audit.payline import QUARTERS, Line, dummies, total_multiple
from optcomp.learn.audit.scores import Cells
from optcomp.learn.history import History
from optcomp.payout import curve_value
from optcomp.types import FloatArray, IntArray, sum_by

# A year counts where this many quarters of it are known.
FEWEST_QUARTERS = 3
# Accounts are taken over as risky when their health then was in the lowest quarter of all scores at a take-over or at
# the start: the scale of health scores differs between companies, their order does not.
_RISKY = 0.25
#: Metrics that follow from accounts' outcomes, so that the account model says what the book led to expect.
MODELLED = ("GRR", "LOGO", "EXP")


@dataclass(frozen=True, slots=True)
class Explained:
    """Share of the differences in a year's payout that the book as dealt predicts, adjusted for the number of columns.

    before : as paid; after : with every target set to what the book led to expect; NaN where there are too few years
    or everybody is paid the same
    """

    before: float
    after: float
    years: int


@dataclass(frozen=True)
class Fairness:
    """What the book explains of all variable pay, and of each component by metric.

    inherited, inherited_after : payout over target that goes with one more unit of the share of ARR that was taken
    over in bad health, before and after; None where nobody took over such an account, or too few people
    """

    total: Explained
    by_metric: dict[str, Explained]
    inherited: Slope | None
    inherited_after: Slope | None


def fairness(history: History, cells: Cells, paid: Sequence[Line], health: FloatArray, seed: int) -> Fairness:
    """R² of payouts on the book before and after fair targets, over CSM-years, within segments.

    health : of each account-quarter as dealt (`expected.health_as_dealt`)
    """
    fair = tuple(normalised(line, cells, history, seed) for line in paid)
    before, after = total_multiple(history, tuple(paid)), total_multiple(history, fair)
    risk = inherited_risk(history, cells, health)
    return Fairness(
        _explained(history, cells, before, after),
        {
            line.metric: _explained(history, cells, line.multiple, own.multiple)
            for line, own in zip(paid, fair, strict=True)
            if not line.is_team
        },
        _on_risk(history, before, risk, seed),
        _on_risk(history, after, risk, seed),
    )


def normalised(line: Line, cells: Cells, history: History, seed: int) -> Line:
    """The component as it would have paid with the target at what the book led to expect."""
    fair = fair_attainment(line, cells, history, line.attainment, seed)
    multiple = line.multiple.copy()
    known = np.flatnonzero(~np.isnan(fair) & ~np.isnan(line.attainment) & (line.number >= 0))
    for row in known.tolist():
        kept = multiple[row] / max(_pays(line, row, float(line.attainment[row])), 1e-9)
        # The gate, and whatever else payroll did, stays as it was; where nothing was paid it is not known.
        multiple[row] = _pays(line, row, float(fair[row])) * (kept if multiple[row] > 0.0 else 1.0)
    return replace(line, multiple=multiple)


def _pays(line: Line, row: int, attainment: float) -> float:
    return curve_value(line.components[int(line.number[row])].curve, attainment)


def fair_attainment(line: Line, cells: Cells, history: History, reached: FloatArray, seed: int) -> FloatArray:
    """Attainments against targets from the book; as they are where the book says nothing.

    reached : attainments, the last axis is CSM-quarters
    """
    index = index_of(line.metric, cells)
    known = ~np.isnan(index) & ~np.isnan(line.attainment) & (line.number >= 0)
    people, fair = history.csm_quarters, reached.copy()
    if line.is_team or not known.any():
        return fair
    if line.metric in MODELLED:
        usual = _mean_by(people.segment, index, known)
        fair[..., known] = reached[..., known] * (usual / np.maximum(index, 1e-9))[known]
        return fair
    z = dummies(people.segment[known], people.quarter[known])
    slope = clustered_slope(line.attainment[known], index[known], z, people.csm[known], seed)
    if slope is not None:
        gap = (index - _mean_by(people.segment, index, known))[known]
        fair[..., known] = reached[..., known] - without_luck(slope) * gap
    return fair


def _mean_by(label: IntArray, values: FloatArray, known: np.typing.NDArray[np.bool_]) -> FloatArray:
    """Mean of the known values that carry the same label, for every row."""
    count = int(label.max(initial=0)) + 1
    number = np.maximum(sum_by(label[known], np.ones(int(known.sum())), count), 1.0)
    return np.asarray((sum_by(label[known], values[known], count) / number)[label])


# ---- what the book explains -----------------------------------------------------------------------------------------


def _explained(history: History, cells: Cells, before: FloatArray, after: FloatArray) -> Explained:
    r2, years = _r2(history, cells, before)
    return Explained(r2, _r2(history, cells, after)[0], years)


def csm_years(history: History, values: FloatArray) -> list[IntArray]:
    """Rows of every CSM-year, counted back from the end, of which enough quarters are known."""
    people, known = history.csm_quarters, ~np.isnan(values)
    back = (len(history.quarters) - 1 - people.quarter) // int(QUARTERS)
    label = people.csm * (int(back.max(initial=0)) + 1) + back
    order = np.flatnonzero(known)[np.argsort(label[known], kind="stable")]
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []
    return [np.asarray(rows) for rows in parts if len(rows) >= FEWEST_QUARTERS]


def _r2(history: History, cells: Cells, multiple: FloatArray) -> tuple[float, int]:
    """Adjusted R² over CSM-years."""
    covariates = np.column_stack([index_of("GRR", cells), index_of("EXP", cells), cells.inherited, cells.health])
    rows = csm_years(history, multiple)
    x = np.array([_means(covariates[r]) for r in rows]).reshape(-1, covariates.shape[1])
    y = np.array([multiple[r].mean() for r in rows])
    segment = np.array([history.csm_quarters.segment[r[-1]] for r in rows], dtype=np.int64)
    if len(y) < covariates.shape[1] + len(history.segments) + 3:
        return float("nan"), len(y)
    z = dummies(segment)
    left = np.column_stack([y, np.nan_to_num(x)])
    left = left - z @ np.linalg.lstsq(z, left, rcond=1e-10)[0]
    residual = left[:, 0] - left[:, 1:] @ np.linalg.lstsq(left[:, 1:], left[:, 0], rcond=1e-8)[0]
    whole, free = float((left[:, 0] ** 2).sum()), len(y) - z.shape[1]
    if whole <= 1e-12:
        return float("nan"), len(y)
    return 1.0 - (float((residual**2).sum()) / (free - x.shape[1])) / (whole / free), len(y)


def _means(values: FloatArray) -> FloatArray:
    known = ~np.isnan(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1))


# ---- inherited risk -------------------------------------------------------------------------------------------------


def inherited_risk(history: History, cells: Cells, health: FloatArray) -> FloatArray:
    """Share of the ARR under care that was taken over from somebody in bad health, by CSM-quarter (000-26)."""
    rows, people = history.account_quarters, history.csm_quarters
    first = ~np.isnan(health) & (rows.csm >= 0)
    if not first.any():
        return np.zeros(len(people.csm))
    risky = first & ~np.isnan(rows.took_over) & (health <= np.quantile(health[first], _RISKY))
    count = len(history.csm_ids) * len(history.quarters)
    arr = sum_by(rows.csm[risky] * len(history.quarters) + rows.quarter[risky], rows.arr_start[risky], count)
    own = arr[people.csm * len(history.quarters) + people.quarter]
    return np.asarray(np.divide(own, cells.arr, out=np.zeros(len(own)), where=cells.arr > 0.0))


def _on_risk(history: History, multiple: FloatArray, risk: FloatArray, seed: int) -> Slope | None:
    people, known = history.csm_quarters, ~np.isnan(multiple)
    if not known.any() or risk[known].max() <= 0.0:
        return None
    z = dummies(people.segment[known], people.quarter[known])
    return clustered_slope(multiple[known], risk[known], z, people.csm[known], seed)
