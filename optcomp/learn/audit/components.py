r"""Does each pay component pay for results, for luck, or for the book?

The outcome of the *next* quarter against the book as dealt is regressed on this quarter's attainment, with segment and
quarter effects and a random intercept per CSM: with :math:`V_i = \operatorname{diag}(s_{it}^2) + \tau^2 11^\top`,
the rows of each CSM are whitened by the Cholesky factor of V. The next quarter, because renewals pay for themselves
in the same one. Source: SCIENCE 5.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from optcomp.learn.audit.book import FAIR_R2, Index, book_index
from optcomp.learn.audit.expected import OUTCOMES
from optcomp.learn.audit.inference import Shrunk, Slope, clustered_slope, found_among, shrink
from optcomp.learn.audit.payline import QUARTERS, Line, clipped, dummies
from optcomp.learn.audit.scores import POINTS, Cells, Scores
from optcomp.learn.audit.variance import Luck, luck_share
from optcomp.learn.history import History
from optcomp.types import BoolArray, FloatArray, IntArray

Label = Literal["pays for results", "pays for luck", "pays for the book", "no signal", "too little data"]
# Below these a label would be a guess (SCIENCE 5.2).
FEWEST_CSMS, FEWEST_PERIODS = 12, 4
# More than half of the differences in a year's pay, even at the favourable end of the interval.
MOSTLY_LUCK = 0.5


@dataclass(frozen=True, slots=True)
class Effect:
    """Points of ARR a year in the next quarter for one standard deviation of attainment; interval of 90 %.

    found : it stands when all tests are counted together; segments : the same per segment, drawn to each other
    """

    slope: Slope | None
    found: bool
    segments: tuple[str, ...]
    by_segment: Shrunk | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One component with its label.

    csms, periods : how many could be used; paid : USD a year of all together; value : USD of ARR a year that goes with
    one standard deviation of attainment of everybody, at its point and the ends of its interval
    book : slope of the payout multiple on the book as dealt; alignment : cosine of what it pulls at and what NRR needs
    """

    metric: str
    label: Label
    csms: int
    periods: int
    paid: float
    effects: Mapping[str, Effect]
    luck: Luck | None
    book: Index | None
    book_found: bool
    value: tuple[float, float, float] | None
    alignment: float | None


@dataclass(frozen=True)
class Bench:
    """What the tests of all components share."""

    history: History
    cells: Cells
    scores: Scores
    seed: int

    @cached_property
    def next_row(self) -> IntArray:
        """Row of the same CSM's next quarter, -1 where there is none."""
        people = self.history.csm_quarters
        follows = (people.csm[1:] == people.csm[:-1]) & (people.quarter[1:] == people.quarter[:-1] + 1)
        rows = np.where(follows, np.arange(1, len(people.csm)), -1) if len(people.csm) > 1 else np.zeros(0, dtype=int)
        return np.append(rows, -1)[: len(people.csm)]

    def usable(self, line: Line, outcome: str) -> BoolArray:
        """CSM-quarters with an attainment and a next quarter in which luck could act."""
        after = self.next_row
        known = ~np.isnan(line.attainment) & (after >= 0)
        noise = np.nan_to_num(self.cells.noise(outcome))[after]
        return np.asarray(known & (noise > 0.0))


def judge(bench: Bench, paid: Sequence[Line], alignment: Mapping[str, float]) -> tuple[Judged, ...]:
    """Every component with its label; all tests count together."""
    slopes = {(line.metric, k): _slope(bench, line, k) for line in paid for k in OUTCOMES}
    books = {line.metric: book_index(bench.history, bench.cells, line, bench.seed) for line in paid}
    tests = [*slopes.values(), *(b.slope if b else None for b in books.values())]
    verdicts = np.zeros(len(tests), dtype=bool)
    made = [n for n, slope in enumerate(tests) if slope is not None]
    verdicts[made] = found_among([slope.p for slope in tests if slope is not None])
    found = dict(zip([*slopes, *books], verdicts.tolist(), strict=True))
    return tuple(
        _judged(
            bench, line,
            {k: _effect(bench, line, k, slopes[line.metric, k], found[line.metric, k]) for k in OUTCOMES},
            books[line.metric],
            book_found=found[line.metric], alignment=alignment.get(line.metric),
        )
        for line in paid
    )  # fmt: skip


def _judged(
    bench: Bench, line: Line, effects: Mapping[str, Effect], book: Index | None, *,
    book_found: bool, alignment: float | None,
) -> Judged:  # fmt: skip
    people = bench.history.csm_quarters
    used = bench.usable(line, "NRR")
    csms, periods = len(np.unique(people.csm[used])), len(np.unique(people.quarter[used]))
    luck = _luck(bench.history, line)
    judged = Judged(
        line.metric, "no signal", csms, periods, QUARTERS * float(line.paid.sum()) / len(bench.history.quarters),
        effects, luck, book, book_found, _value(bench, line, effects["NRR"]), alignment,
    )  # fmt: skip
    return replace(judged, label=_label(judged))


def _label(judged: Judged) -> Label:
    slopes = [e.slope for e in judged.effects.values() if e.found and e.slope]
    if judged.csms < FEWEST_CSMS or judged.periods < FEWEST_PERIODS or judged.effects["NRR"].slope is None:
        return "too little data"
    if any(slope.value > 0.0 for slope in slopes):
        return "pays for results"
    if judged.book_found and judged.book and judged.book.share > FAIR_R2:
        return "pays for the book"
    return "pays for luck" if judged.luck and judged.luck.low > MOSTLY_LUCK else "no signal"


def _luck(history: History, line: Line) -> Luck | None:
    people, known = history.csm_quarters, ~np.isnan(line.multiple)
    if not known.any():
        return None
    z = dummies(people.segment[known], people.quarter[known])
    return luck_share(line.multiple[known], people.csm[known], z)


def _value(bench: Bench, line: Line, effect: Effect) -> tuple[float, float, float] | None:
    if effect.slope is None:
        return None
    arr = float(np.nansum(bench.cells.arr[~np.isnan(line.attainment)])) / len(bench.history.quarters)
    return (effect.slope.value * arr / POINTS, effect.slope.low * arr / POINTS, effect.slope.high * arr / POINTS)


# ---- one regression -------------------------------------------------------------------------------------------------


def _effect(bench: Bench, line: Line, outcome: str, slope: Slope | None, found: bool) -> Effect:
    segment = bench.history.csm_quarters.segment
    made = {name: _slope(bench, line, outcome, segment == s) for s, name in enumerate(bench.history.segments)}
    own = {name: made_one for name, made_one in made.items() if made_one is not None and not line.is_team}
    if len(own) < 2 or slope is None:
        return Effect(slope, found, (), None)
    value, se = np.array([s.value for s in own.values()]), np.array([s.se for s in own.values()])
    # The prior's spread of segments is half of what is not known of one of them.
    return Effect(slope, found, tuple(own), shrink(value, se, float(np.median(se)) / 2.0))


def _slope(bench: Bench, line: Line, outcome: str, among: BoolArray | None = None) -> Slope | None:
    """Slope of the next quarter's outcome on attainment, over all segments or some rows."""
    people, every = bench.history.csm_quarters, bench.usable(line, outcome)
    used = every if among is None else every & among
    if not used.any():
        return None
    rows, after = np.flatnonzero(used), bench.next_row[used]
    x = clipped(line.attainment, every)[rows]
    z = dummies(people.segment[rows], people.quarter[rows])
    scale = _own_spread(clipped(line.attainment, every)[every], people.segment[every], people.quarter[every])
    if scale <= 0.0:
        return None
    y, noise = QUARTERS * bench.cells.residual(outcome)[after], QUARTERS * bench.cells.noise(outcome)[after]
    white = whitened(np.column_stack([y, x / scale, z]), people.csm[rows], noise, bench.scores.shrunk[outcome].spread)
    cluster = people.segment[rows] if line.is_team else people.csm[rows]
    return clustered_slope(white[:, 0], white[:, 1], white[:, 2:], cluster, bench.seed)


def _own_spread(x: FloatArray, segment: IntArray, quarter: IntArray) -> float:
    z = dummies(segment, quarter)
    return float(np.std(x - z @ np.linalg.lstsq(z, x, rcond=1e-10)[0]))


def whitened(columns: FloatArray, csm: IntArray, noise: FloatArray, spread: float) -> FloatArray:
    """Rows made independent and of variance 1, CSM by CSM."""
    result = np.empty_like(columns)
    for j in np.unique(csm):
        mine = np.flatnonzero(csm == j)
        factor = np.linalg.cholesky(np.diag(noise[mine] ** 2) + spread**2)
        result[mine] = np.linalg.solve(factor, columns[mine])
    return result
