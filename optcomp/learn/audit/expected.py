r"""What the book as dealt led to expect: an account model without any term for the CSM's skill or the plan.

For an account-quarter with ARR A, chance of renewal p, share c lost by those who renew, chance of expansion x and mean
share g that one adds,

.. math:: E[\text{kept}] = A\,p\,(1 - c), \qquad E[\text{added}] = A\,x\,g.

What is known of an account is what it was when this CSM got it: ARR, term, industry, and health at the take-over.
The CSM's present health scores, CSAT and activities are the CSM's own work and never used: they are refused as controls
too. Source: SCIENCE 5.1, 3.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.cells import shown
from optcomp.errors import Finding, InputError
from optcomp.learn.design import Column, design_of
from optcomp.learn.history import History
from optcomp.learn.history_checks import refuse_mediators
from optcomp.learn.newton import fit_rows
from optcomp.types import AnyArray, BoolArray, FloatArray, IntArray, sum_by

#: Facts of accounts that may be taken out beside those that always are.
CONTROLS = ("complexity", "language", "region")
#: Outcomes of accounts, in points of ARR: kept renewals, expansion, and both.
OUTCOMES = ("GRR", "EXP", "NRR")
# Prior sd of coefficients in log-odds a unit: wide beside anything published (SCIENCE 2.2), so that a few hundred
# renewals decide; they only keep the fit finite where an industry has no loss.
_LEVEL_SD, _SLOPE_SD, _INDUSTRY_SD, _HEALTH_SD, _QUARTER_SD = 3.0, 0.5, 0.3, 0.03, 0.3
# Scale of the spread between CSMs (SCIENCE 2.2), fitted so that skill does not pass for the health of the books.
_CSM_SCALE = 0.3
_HEALTH_REFERENCE = 70.0
# Accounts that expand again and again make sums more uneven than independent draws; never less, and four times at most.
_MOST_INFLATION = 4.0


@dataclass(frozen=True)
class Outcomes:
    """Account-quarters with a CSM; every array has shape (rows,), money is USD of ARR.

    rows : their place in `History.account_quarters`
    observed, expected, variance : by outcome; variance is that of luck for the book as dealt
    renew : chance of renewal where due, else 1; expand : chance of an expansion in the quarter
    """

    rows: IntArray
    observed: Mapping[str, FloatArray]
    expected: Mapping[str, FloatArray]
    variance: Mapping[str, FloatArray]
    renew: FloatArray
    expand: FloatArray


def check_controls(controls: Sequence[str]) -> None:
    """Refuse controls that are results of the plan, or that the account model does not know.

    Raises
    ------
    InputError
        With the code `mediator` or `unknown-control`.
    """
    refuse_mediators(controls)
    unknown = sorted(set(controls) - set(CONTROLS))
    if unknown:
        allowed = f"One of {', '.join(CONTROLS)}; ARR, term, industry and health as dealt are taken out anyway"
        raise InputError([Finding("unknown-control", f"{shown(name)} is no control", allowed) for name in unknown])


def expect(history: History, controls: Sequence[str] = ()) -> Outcomes:
    """Observed and expected outcomes of every account-quarter with a CSM.

    controls : of `CONTROLS`, what is taken out beside ARR, term, industry and health as dealt
    """
    cells = history.account_quarters
    rows = np.flatnonzero(cells.csm >= 0)
    arr, due, segment = cells.arr_start[rows], cells.due[rows], cells.segment[rows]
    renewed, expansion = cells.renewed[rows], cells.expansion[rows]
    kept = np.where(renewed, arr - cells.contraction[rows], 0.0)
    columns = [*_columns(history, rows), *_controls(history, rows, controls)]
    renew = np.where(due, _chance(history, rows, columns, due, renewed), 1.0)
    expand = _chance(history, rows, columns, np.ones(len(rows), dtype=bool), expansion > 0.0)
    depth, depth_square = _shares(segment, cells.contraction[rows] / arr, renewed)
    size, size_square = _shares(segment, expansion / arr, expansion > 0.0)
    stays = 1.0 - depth
    expected = {"GRR": np.where(due, arr * renew * stays, 0.0), "EXP": arr * expand * size}
    square = {"GRR": np.where(due, renew * (1.0 - 2.0 * depth + depth_square), 0.0), "EXP": expand * size_square}
    observed = {"GRR": kept, "EXP": expansion}
    variance = {k: np.maximum(arr**2 * square[k] - expected[k] ** 2, 0.0) for k in observed}
    variance = {k: v * _inflation(cells.account[rows], observed[k] - expected[k], v) for k, v in variance.items()}
    for table in (observed, expected, variance):
        table["NRR"] = table["GRR"] + table["EXP"]
    return Outcomes(rows, observed, expected, variance, renew, expand)


def _chance(
    history: History, rows: IntArray, columns: Sequence[Column], at_risk: BoolArray, happened: BoolArray
) -> FloatArray:  # fmt: skip
    """Fitted chance of every row, with everybody of average skill."""
    cells, index = history.account_quarters, rows[at_risk]
    own = [Column(c.name, c.values[at_risk], c.mean, c.sd) for c in columns]
    groups = len(history.csm_ids)
    mode = fit_rows(design_of("audit", own, happened[at_risk], index, cells.csm[index], groups).rows, _CSM_SCALE)
    eta = np.column_stack([c.values for c in columns]) @ mode.beta
    # Averaged over the spread of skill, an average person's chance is nearer to one half (logistic-normal, factor of
    # Zeger, Liang and Albert 1988).
    eta /= np.sqrt(1.0 + (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2 * mode.spread**2)
    return np.asarray(mode.rows.expected(eta))


def _columns(history: History, rows: IntArray) -> list[Column]:
    cells = history.account_quarters
    segment, quarter = cells.segment[rows], cells.quarter[rows]
    size = np.log(np.maximum(cells.arr_start[rows], 1.0))
    facts = [history.accounts[a] for a in cells.account[rows].tolist()]
    health = np.nan_to_num(health_as_dealt(history)[rows] - _HEALTH_REFERENCE)
    columns = [
        Column("log_arr", size - _mean_by(segment, size)[segment], 0.0, _SLOPE_SD),
        Column("term", np.array([(a.term_months - 12) / 12.0 for a in facts]), 0.0, _SLOPE_SD),
        Column("health", health, 0.0, _HEALTH_SD),
        Column("hand_over", cells.hand_over[rows], 0.0, _SLOPE_SD),
        Column("due", cells.due[rows].astype(float), 0.0, _SLOPE_SD),
    ]
    industry = np.array([a.industry for a in facts], dtype=np.str_)
    columns += _dummies("industry", industry, sorted(set(industry.tolist()) - {""}), _INDUSTRY_SD)
    columns += _dummies("segment", segment, range(len(history.segments)), _LEVEL_SD)
    return columns + _dummies("quarter", quarter, range(len(history.quarters)), _QUARTER_SD)


def _controls(history: History, rows: IntArray, controls: Sequence[str]) -> list[Column]:
    """What the user wants taken out as well; facts of an account that its CSM cannot change."""
    facts = [history.accounts[a] for a in history.account_quarters.account[rows].tolist()]
    columns: list[Column] = []
    if "complexity" in controls:
        values = np.array([float(a.complexity) for a in facts])
        columns.append(Column("complexity", values - values.mean(), 0.0, _SLOPE_SD))
    for name in ("language", "region"):
        if name in controls:
            words = np.array([getattr(a, name) or "" for a in facts], dtype=np.str_)
            columns += _dummies(name, words, sorted(set(words.tolist()) - {""}), _INDUSTRY_SD)
    return columns


def _dummies(name: str, label: AnyArray, values: Iterable[object], sd: float) -> list[Column]:
    return [Column(f"{name} {v}", (label == v).astype(float), 0.0, sd) for v in values]


def _mean_by(label: IntArray, values: FloatArray) -> FloatArray:
    count = int(label.max(initial=-1)) + 1
    weight = sum_by(label, np.ones(len(label)), count)
    return np.asarray(sum_by(label, values, count) / np.maximum(weight, 1.0))


def health_as_dealt(history: History) -> FloatArray:
    """First health score in the present spell of account and CSM, per account-quarter; NaN where there is none."""
    cells = history.account_quarters
    same = (cells.account[1:] == cells.account[:-1]) & (cells.csm[1:] == cells.csm[:-1])
    spell = np.cumsum(np.append(1, ~same)) - 1 if len(cells.account) else np.zeros(0, dtype=np.int64)
    known = np.flatnonzero(~np.isnan(cells.health_start))
    first = np.full(int(spell.max(initial=-1)) + 1, np.nan)
    # Written from the last row to the first, so that the earliest score of each spell stays.
    first[spell[known[::-1]]] = cells.health_start[known[::-1]]
    return np.asarray(first[spell])


def _shares(segment: IntArray, share: FloatArray, happened: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Mean and mean square of a share of ARR among those to whom it happened, by segment, for every row."""
    count = int(segment.max(initial=-1)) + 1
    number = np.maximum(sum_by(segment[happened], np.ones(int(happened.sum())), count), 1.0)
    first = sum_by(segment[happened], share[happened], count) / number
    second = sum_by(segment[happened], share[happened] ** 2, count) / number
    return np.asarray(first[segment]), np.asarray(second[segment])


def _inflation(account: IntArray, residual: FloatArray, variance: FloatArray) -> float:
    """Variance of sums over an account's quarters against that of independent quarters."""
    total = float(variance.sum())
    if total <= 0.0:
        return 1.0
    sums = sum_by(account, residual, int(account.max()) + 1)
    return float(np.clip((sums**2).sum() / total, 1.0, _MOST_INFLATION))
