r"""Do chances mean what they say? The last quarters foretold from those before, and compared with what happened.

The calibration error is :math:`\sum_b n_b |\bar y_b - \bar p_b| / n` over bins of equally many rows by chance foretold.
It says nothing about plans: under one plan a wrong prior foretells as well as a right one (SCIENCE 0.5, 4.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

import numpy as np
from scipy.special import expit, logit

from optcomp.learn.design import Design
from optcomp.learn.history import AccountQuarters, CsmQuarters, History
from optcomp.learn.maps import MAPS, MapName
from optcomp.learn.newton import Rows, draw, find_mode
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Fitted, fitted_outcome
from optcomp.types import BoolArray, FloatArray, IntArray

Outcome = Literal["renew", "expand"]
OUTCOMES: tuple[Outcome, ...] = ("renew", "expand")
# Quarters that are foretold (SCIENCE 4.2), and the least that is left to learn from: a year of yearly contracts.
HELD, FEWEST_QUARTERS = 2, 4
# Rows of a bin: at 12 % churn 50 rows have 4.6 points of luck. Fewer rows in all than two bins say nothing.
ROWS_OF_A_BIN, MOST_BINS = 50, 10
# Samples of luck: the 95th percentile of 400 is known to about one percentile.
SAMPLES = 400
# An error that would not matter even if it were no luck (SCIENCE 4.3).
SMALL_ERROR = 0.02
R = TypeVar("R", AccountQuarters, CsmQuarters)


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of one outcome in the quarters held out.

    happened, predicted : shares; error : calibration error, a share; luck : what it stays below in 19 of 20 cases if
        the fit is right: luck of the draw, of the quarter, and what the fit does not know
    slope : of the log-odds of what happened on those predicted, 1 = right, below 1 = too extreme; slope_sd : its sd
    skill : 1 - Brier score over that of one chance a segment, as seen before
    points : by bin, the mean prediction, the observed share and its standard error; shape (bins, 3)
    """

    outcome: Outcome
    quarters: int
    rows: int
    happened: float
    predicted: float
    error: float
    luck: float
    slope: float
    slope_sd: float
    skill: float
    points: tuple[tuple[float, float, float], ...]

    @property
    def warns(self) -> bool:
        """More than luck, and more than nothing."""
        return self.error > max(self.luck, SMALL_ERROR)

    @property
    def sentence(self) -> str:
        """What to say where it warns."""
        name = "renewals" if self.outcome == "renew" else "expansions"
        return (
            f"Chances of {name} are off: fitted without the last {self.quarters} quarters they miss by "
            f"{100.0 * self.error:.1f} points on average, of which luck explains {100.0 * self.luck:.1f} at most."
        )


def held_out(panel: Panel, quarters: int = HELD) -> tuple[HeldOut, ...]:
    """Renewals and expansions of the last quarters, foretold; those that are too few to say anything are left out."""
    left = len(panel.history.quarters) - quarters
    if left < FEWEST_QUARTERS:
        return ()
    found = (_outcome(panel, until(panel.history, left), outcome) for outcome in OUTCOMES)
    return tuple(one for one in found if one is not None)


def _outcome(panel: Panel, early: History, outcome: Outcome) -> HeldOut | None:
    whole = _design(panel, outcome, "effort")
    quarter, segment = panel.history.account_quarters.quarter[whole.index], panel.segment[whole.index]
    late = quarter >= len(early.quarters)
    happened = whole.rows.y[late]
    if len(happened) < 2 * ROWS_OF_A_BIN or not 0.0 < happened.mean() < 1.0:
        return None
    past = replace(panel, history=early)
    told = [Foretold(panel, past, outcome, which) for which in MAPS]
    chance = np.mean([one.chance[late] for one in told], axis=0)
    bins = bins_of(chance)
    points = reliability(chance, happened, bins)
    slope, slope_sd = _slope(chance, happened)
    usual = _usual(whole.rows.y[~late], segment[~late], len(panel.segment_names))[segment[late]]
    return HeldOut(
        outcome=outcome,
        quarters=len(panel.history.quarters) - len(early.quarters),
        rows=len(happened),
        happened=float(happened.mean()),
        predicted=float(chance.mean()),
        error=_error(points),
        luck=_luck(told, chance, quarter, late),
        slope=slope,
        slope_sd=slope_sd,
        skill=float(1.0 - ((chance - happened) ** 2).mean() / ((usual - happened) ** 2).mean()),
        points=tuple((float(p), float(y), float(se)) for p, y, se in points),
    )


@dataclass(frozen=True)
class Foretold:
    """Rows of an outcome in the whole history, and what its past alone teaches about them under one map."""

    panel: Panel
    past: Panel
    outcome: Outcome
    which: MapName

    @cached_property
    def _fitted(self) -> Fitted:
        return fitted_outcome(self.past, _design(self.past, self.outcome, self.which))

    @cached_property
    def _rows(self) -> tuple[FloatArray, IntArray]:
        """Columns in the order of the fit, and the CSM of every row. Quarters to come have no column: 0 on average."""
        whole = _design(self.panel, self.outcome, self.which)
        place = {name: k for k, name in enumerate(whole.names)}
        return whole.rows.x[:, [place[name] for name in self._fitted.design.names]], whole.rows.group

    @cached_property
    def chance(self) -> FloatArray:
        """Chance of every row at the mode."""
        x, group = self._rows
        return np.asarray(expit(x @ self._fitted.mode.beta + self._fitted.mode.u[group]))

    def drawn(self, generator: np.random.Generator, count: int, rows: BoolArray) -> Iterator[FloatArray]:
        """Log-odds of some rows in posterior draws, one draw at a time."""
        x, group = self._rows[0][rows], self._rows[1][rows]
        fitted = self._fitted
        beta, u = draw(fitted.mode, generator, count, at_least_0=fitted.design.signed, widening=fitted.widening)
        for slopes, skills in zip(beta, u, strict=True):
            yield np.asarray(x @ slopes + skills[group])


def _design(panel: Panel, outcome: Outcome, which: MapName) -> Design:
    return panel.renewals(which) if outcome == "renew" else panel.expansions(which)


def _usual(y: FloatArray, segment: IntArray, segments: int) -> FloatArray:
    """Share by segment; the share of all where a segment has none."""
    count, hits = np.bincount(segment, minlength=segments), np.bincount(segment, y, minlength=segments)
    return np.where(count > 0, hits / np.maximum(count, 1), y.mean())


def bins_of(chance: FloatArray) -> list[IntArray]:
    """Rows of bins of (nearly) equal size by predicted chance."""
    count = min(len(chance) // ROWS_OF_A_BIN, MOST_BINS)
    return np.array_split(np.argsort(chance, kind="stable"), count)


def reliability(predicted: FloatArray, observed: FloatArray, bins: Sequence[IntArray]) -> FloatArray:
    """Mean prediction, observed share and its standard error in every bin; shape (bins, 3)."""
    chance = np.array([predicted[part].mean() for part in bins])
    happened = np.array([observed[part].mean() for part in bins])
    size = np.array([len(part) for part in bins])
    return np.column_stack([chance, happened, np.sqrt(chance * (1.0 - chance) / size)])


def _error(points: FloatArray) -> float:
    """Bins differ by one row at most, so their plain mean is the weighted one to 1 in 50."""
    return float(np.abs(points[:, 0] - points[:, 1]).mean())


def _luck(told: Sequence[Foretold], chance: FloatArray, quarter: IntArray, late: BoolArray) -> float:
    """95th percentile of the error when the truth is a posterior draw with a common shift of each quarter."""
    rng = np.random.default_rng(0)
    mood = max(told[0].panel.priors.mean("fitting.tau_t", 0.15), 0.0)
    bins, place = bins_of(chance), quarter[late] - quarter[late].min()
    errors = []
    for one in told:
        for log_odds in one.drawn(rng, SAMPLES // len(told), late):
            true = expit(log_odds + rng.normal(0.0, mood, int(place.max()) + 1)[place])
            errors.append(_error(reliability(chance, (rng.random(len(true)) < true).astype(float), bins)))
    return float(np.quantile(errors, 0.95))


def _slope(chance: FloatArray, happened: FloatArray) -> tuple[float, float]:
    """Logistic slope on the predicted log-odds, and its sd; nearly flat priors (sd 10) only keep it finite."""
    x = np.column_stack([np.ones(len(chance)), logit(np.clip(chance, 1e-9, 1.0 - 1e-9))])
    nobody, flat = np.zeros(len(chance), dtype=np.int64), np.array([10.0, 10.0])
    mode = find_mode(Rows(x, happened, nobody, 0, mean=np.array([0.0, 1.0]), sd=flat), 1.0)
    return float(mode.beta[1]), float(mode.sd[1])


# ---- parts of a history -------------------------------------------------------------------------------------------


def until(history: History, quarters: int) -> History:
    """The history as it was known after so many quarters."""
    rows, people, plans = history.account_quarters, history.csm_quarters, history.plans
    return replace(
        history,
        quarters=history.quarters[:quarters],
        account_quarters=cut(rows, rows.quarter < quarters),
        csm_quarters=cut(people, people.quarter < quarters),
        plans=replace(plans, by_segment=plans.by_segment[:, :quarters], by_csm=plans.by_csm[:, :quarters]),
    )


def cut(rows: R, kept: BoolArray) -> R:
    """The rows that are kept."""
    columns: dict[str, Any] = {f.name: getattr(rows, f.name) for f in fields(rows)}
    parts: dict[str, Any] = {
        name: {key: part[kept] for key, part in column.items()} if isinstance(column, Mapping) else column[kept]
        for name, column in columns.items()
    }
    return replace(rows, **parts)
