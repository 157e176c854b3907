r"""The history played again with the books as dealt: what people of average, low and high skill would have reached.

Every renewal, contraction and expansion is drawn anew with the chances of the account model (`expected`); sizes are
those that were seen in the segment. The three levels of skill share their draws, so that they differ by skill alone.
Nothing that people do differs otherwise: what is left between them is the book, and luck. Source: SCIENCE 5.2, 5.3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.expected import Outcomes
from optcomp.learn.audit.payline import Line
from optcomp.learn.audit.scores import Cells
from optcomp.learn.history import History
from optcomp.plan import Curve
from optcomp.response.outcome import logit, sigmoid
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by

# A good CSM is one standard deviation of skill above the average: 0.3 log-odds (SCIENCE 2.2).
SKILL = 0.3
LEVELS = (-SKILL, 0.0, SKILL)
AVERAGE = 1  # place of the average among the levels
# The error of a chance of one half over 200 draws is 3.5 points for one book, and below 1 point for a segment of 15
# people and 8 quarters. Large teams need fewer for that, and so many arrays would not fit into memory.
_MOST_DRAWS, _FEWEST_DRAWS, _CELLS = 200, 20, 400_000
#: Metrics that follow from renewals and expansions of accounts; the others are not played again.
PLAYED = ("GRR", "EXP", "TEAM", "LOGO")


@dataclass(frozen=True)
class Replay:
    """Attainments by metric, each of shape (levels of skill, draws, CSM-quarters); NaN where nothing was reached."""

    attainment: Mapping[str, FloatArray]


def replay(history: History, cells: Cells, outcomes: Outcomes, paid: Sequence[Line], seed: int) -> Replay:
    """The history again, in so many draws; targets are those that the history was paid by."""
    wanted = [line for line in paid if line.metric in PLAYED]
    people = len(history.csm_quarters.csm)
    draws = int(np.clip(_CELLS // max(people, 1), _FEWEST_DRAWS, _MOST_DRAWS))
    shape = (len(LEVELS), draws, people)
    result = {line.metric: np.full(shape, np.nan) for line in wanted}
    if not wanted:
        return Replay(result)
    stage = _stage(history, outcomes)
    targets = {line.metric: _target(history, cells, stage, line) for line in wanted}
    rng = np.random.default_rng([seed, 5])
    for draw in range(draws):
        luck = _Luck(stage, rng)
        for level in range(len(LEVELS)):
            reached = _results(stage, luck, level, history)
            for metric, target in targets.items():
                result[metric][level, draw] = np.divide(
                    reached[metric], target, out=np.full(len(target), np.nan), where=target > 0.0
                )
    return Replay(result)


# ---- one draw -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Stage:
    """What stays the same in every draw; rows are account-quarters with a CSM.

    label : their CSM-quarter; pool : segment × quarter; depths, sizes : shares of ARR seen by segment
    renew, expand : chances by level of skill, of those due and of all
    """

    arr: FloatArray
    due: IntArray
    renew: tuple[FloatArray, ...]
    expand: tuple[FloatArray, ...]
    label: IntArray
    pool: IntArray
    segment: IntArray
    depths: tuple[FloatArray, ...]
    sizes: tuple[FloatArray, ...]
    people: int
    pools: int


def _stage(history: History, outcomes: Outcomes) -> _Stage:
    rows, people = history.account_quarters, history.csm_quarters
    quarters, segments = len(history.quarters), len(history.segments)
    place = np.full((len(history.csm_ids), quarters), -1)
    place[people.csm, people.quarter] = np.arange(len(people.csm))
    own = outcomes.rows
    label, segment, arr = place[rows.csm[own], rows.quarter[own]], rows.segment[own], rows.arr_start[own]
    renewed, grew = rows.renewed[own], rows.expansion[own] > 0.0
    due = np.flatnonzero(rows.due[own])
    return _Stage(
        arr=arr, due=due, renew=tuple(sigmoid(logit(outcomes.renew[due]) + skill) for skill in LEVELS),
        expand=tuple(sigmoid(logit(outcomes.expand) + skill) for skill in LEVELS),
        label=label, pool=segment * quarters + rows.quarter[own], segment=segment,
        depths=_seen(segment, segments, renewed, rows.contraction[own] / arr),
        sizes=_seen(segment, segments, grew, rows.expansion[own] / arr),
        people=len(people.csm), pools=segments * quarters,
    )  # fmt: skip


def _seen(segment: IntArray, segments: int, happened: BoolArray, share: FloatArray) -> tuple[FloatArray, ...]:
    """Shares of ARR that were seen in each segment; a zero where nothing was."""
    found = (np.asarray(share[happened & (segment == s)]) for s in range(segments))
    return tuple(values if len(values) else np.zeros(1) for values in found)


class _Luck:
    """The chance of one draw: uniform numbers, and how much was lost or added where it comes to that."""

    def __init__(self, stage: _Stage, rng: np.random.Generator) -> None:
        self.renews, self.grows = rng.random(len(stage.due)), rng.random(len(stage.arr))
        self.depth = _drawn(stage.depths, stage.segment[stage.due], rng)
        self.size = _drawn(stage.sizes, stage.segment, rng)


def _drawn(pools: Sequence[FloatArray], segment: IntArray, rng: np.random.Generator) -> FloatArray:
    place = rng.random(len(segment))
    result = np.zeros(len(segment))
    for s, values in enumerate(pools):
        mine = segment == s
        result[mine] = values[(place[mine] * len(values)).astype(np.int64)]
    return result


def _results(stage: _Stage, luck: _Luck, level: int, history: History) -> dict[str, FloatArray]:
    """Results of every CSM-quarter by metric, in the unit of its target."""
    renewed = luck.renews < stage.renew[level]
    grew = luck.grows < stage.expand[level]
    due = stage.due
    kept = np.where(renewed, stage.arr[due] * (1.0 - luck.depth), 0.0)
    added = np.where(grew, stage.arr * luck.size, 0.0)
    end = stage.arr + added
    end[due] = np.where(renewed, kept + added[due], 0.0)
    people = history.csm_quarters
    team = sum_by(stage.pool, end, stage.pools)
    return {
        "GRR": _by_person(stage, stage.label[due], kept),
        "EXP": _by_person(stage, stage.label, added),
        "LOGO": _by_person(stage, stage.label[due], renewed.astype(float)),
        "TEAM": np.asarray(team[people.segment * len(history.quarters) + people.quarter]),
    }


def _by_person(stage: _Stage, label: IntArray, values: FloatArray) -> FloatArray:
    there: BoolArray = label >= 0
    return sum_by(label[there], values[there], stage.people)


# ---- targets --------------------------------------------------------------------------------------------------------


def _target(history: History, cells: Cells, stage: _Stage, line: Line) -> FloatArray:
    """The target that each CSM-quarter was measured by: result over attainment.

    Where nothing was reached the target cannot be seen; it is then what the book led to expect times what targets of
    the segment usually are of that.
    """
    reached, expected = _observed(history, cells, stage, line.metric)
    seen = (reached > 0.0) & (line.attainment > 0.0)
    target = np.divide(reached, line.attainment, out=np.full(len(reached), np.nan), where=seen)
    ratio = np.divide(target, expected, out=np.full(len(target), np.nan), where=seen & (expected > 0.0))
    segment = history.csm_quarters.segment
    for s in range(len(history.segments)):
        mine = segment == s
        usual = float(np.nanmedian(ratio[mine])) if (mine & ~np.isnan(ratio)).any() else np.nan
        blank = mine & ~seen & (line.attainment == 0.0)
        target[blank] = usual * expected[blank]
    return np.asarray(np.nan_to_num(target))


def _observed(history: History, cells: Cells, stage: _Stage, metric: str) -> tuple[FloatArray, FloatArray]:
    """What was reached and what was to be expected, in the unit of `_results`."""
    rows, people = history.account_quarters, history.csm_quarters
    if metric in ("GRR", "EXP"):
        return cells.observed[metric], cells.expected[metric]
    if metric == "LOGO":
        there = (rows.csm >= 0) & rows.renewed
        place = np.full((len(history.csm_ids), len(history.quarters)), -1)
        place[people.csm, people.quarter] = np.arange(len(people.csm))
        label = place[rows.csm[there], rows.quarter[there]]
        return _by_person(stage, label, np.ones(len(label))), cells.expected_renewals
    with_csm = rows.csm >= 0
    pool = rows.segment[with_csm] * len(history.quarters) + rows.quarter[with_csm]
    team = sum_by(pool, rows.arr_end[with_csm], stage.pools)[people.segment * len(history.quarters) + people.quarter]
    return np.asarray(team), np.asarray(team)


# ---- what it would have paid ----------------------------------------------------------------------------------------


def curve_values(curve: Curve, attainment: FloatArray) -> FloatArray:
    """`payout.curve_value` for an array of any shape; NaN stays NaN."""
    if curve.kind == "all-or-nothing":
        paid = (attainment >= curve.threshold).astype(float)
    else:
        over = np.maximum(attainment - 1.0, 0.0)
        paid = np.minimum(np.clip(attainment, 0.0, 1.0) + curve.accelerator * over, curve.cap)
        paid = np.where(attainment < curve.threshold, 0.0, paid)
    return np.asarray(np.where(np.isnan(attainment), np.nan, paid))
