"""Plots of a fit as SVG: are the predictions calibrated, what did the history change, and what does pay buy?

matplotlib comes with the extra `report` and is imported here only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from optcomp.errors import OutputError
from optcomp.figures import settle
from optcomp.learn.evidence import Lever
from optcomp.learn.fit import Fit
from optcomp.learn.fit_file import replace_file
from optcomp.learn.held_out import bins_of, reliability
from optcomp.learn.maps import MAPS, feature_names, features
from optcomp.learn.posterior import is_plan_effect
from optcomp.model_files import NORMAL_90
from optcomp.plan import Component, Mix, Plan
from optcomp.response.saturating import COMPONENTS
from optcomp.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# USD a year at target on one component; beyond 40,000 no CSM plan that we know of goes.
DOLLARS = np.linspace(0.0, 40_000.0, 41)
OUTCOMES = {"renew": "renewals", "expand": "expansion"}
PRIOR, POSTERIOR = "#9a9a9a", "#1b6ca8"


def write_plots(fit: Fit, folder: Path) -> list[Path]:
    """Write every plot of a fit into the folder; the same fit gives the same bytes.

    Raises
    ------
    OutputError
        When matplotlib is not installed, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder.name} cannot be made: {error.strerror}. Name another folder.") from None
    with _style():
        figures = {"reliability": _reliability(fit), "levers": _levers(fit), "response": _response(fit)}
        return [_save(figure, folder / f"{name}.svg") for name, figure in figures.items()]


@contextmanager
def _style() -> Iterator[None]:
    try:
        import matplotlib as mpl
    except ImportError:
        raise OutputError("Plots need matplotlib. Install it with: pip install 'optcomp[report]'.") from None
    # A fixed salt and no date make the file the same every time; text stays text, so that it can be searched.
    with mpl.rc_context({"svg.hashsalt": "optcomp", "svg.fonttype": "none", "font.size": 9, "axes.grid": False}):
        yield


def _figure(columns: int, *, rows: int = 1, width: float = 4.0, height: float = 4.0) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, [figure.add_subplot(rows, columns, k + 1) for k in range(rows * columns)]


def _save(figure: Figure, path: Path) -> Path:
    import io

    settle(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "optcomp"})
    replace_file(path, stream.getvalue())
    return path


def _reliability(fit: Fit) -> Figure:
    """Predicted against observed shares in bins of the predictions, with 90 % intervals of luck."""
    figure, axes = _figure(2)
    for axis, (outcome, title) in zip(axes, (("renew", "Renewals"), ("expand", "Expansions")), strict=True):
        points, about = _reliability_points(fit, outcome)
        axis.plot([0, 1], [0, 1], color=PRIOR, linewidth=1)
        axis.errorbar(points[:, 0], points[:, 1], yerr=NORMAL_90 * points[:, 2], fmt="o", color=POSTERIOR, markersize=4)
        low, high = float(points[:, :2].min(initial=1.0)), float(points[:, :2].max(initial=1e-3))
        margin = 0.1 * (high - low) + 0.02
        axis.set(
            title=f"{title}\n{about}", xlabel="predicted", ylabel="observed",
            xlim=(max(low - margin, 0), min(high + margin, 1)), ylim=(max(low - margin, 0), min(high + margin, 1)),
        )  # fmt: skip
    return figure


def _reliability_points(fit: Fit, outcome: str) -> tuple[FloatArray, str]:
    """Bins of the quarters held out and what they say; of the rows that were fitted where nothing could be held out."""
    for one in fit.held_out:
        if one.outcome == outcome:
            kept = f"{one.rows:,} rows of the last {one.quarters} quarters, held out"
            return np.array(one.points), f"{kept}\ncalibration error {100.0 * one.error:.1f} points"
    modes = [fit.posterior.of(outcome, which).mode for which in MAPS]
    predicted = np.mean([m.expected for m in modes], axis=0)
    points = reliability(predicted, modes[0].rows.y, bins_of(predicted))
    return points, f"{len(predicted):,} rows, fitted on them"


def _levers(fit: Fit) -> Figure:
    """Prior and posterior 90 % interval of every lever, in prior sd from the prior mean."""
    groups = [[v for v in fit.levers if is_plan_effect(v.key)], [v for v in fit.levers if not is_plan_effect(v.key)]]
    figure, axes = _figure(2, width=5.5, height=7.0)
    for axis, group, title in zip(axes, groups, ("What a plan does", "What else matters"), strict=True):
        _interval_rows(axis, group)
        axis.set(title=title, xlabel="prior sd from the prior mean")
    return figure


def _interval_rows(axis: Axes, levers: Sequence[Lever]) -> None:
    for row, lever in enumerate(reversed(levers)):
        middle, half = (lever.value - lever.prior_mean) / lever.prior_sd, NORMAL_90 * lever.sd / lever.prior_sd
        axis.plot([-NORMAL_90, NORMAL_90], [row, row], color=PRIOR, linewidth=5, alpha=0.5)
        axis.plot([middle - half, middle + half], [row, row], color=POSTERIOR, linewidth=2)
        axis.plot([middle], [row], "o", color=POSTERIOR, markersize=4)
    labels = [f"{v.key.removeprefix('outcome.')} ({v.grade})" for v in reversed(levers)]
    axis.set_yticks(range(len(levers)), labels, fontsize=7)


def _response(fit: Fit) -> Figure:
    """Log-odds that dollars on one component alone buy against nothing: mean and 90 % band of both maps' draws."""
    figure, axes = _figure(len(COMPONENTS), rows=2, width=2.0, height=2.3)
    for row, outcome in enumerate(("renew", "expand")):
        mine = axes[row * len(COMPONENTS) : (row + 1) * len(COMPONENTS)]
        for axis, metric in zip(mine, COMPONENTS, strict=True):
            curves = response_curves(fit, outcome, metric)
            low, high = np.quantile(curves, [0.05, 0.95], axis=0)
            axis.fill_between(DOLLARS / 1000.0, low, high, color=POSTERIOR, alpha=0.2, linewidth=0)
            axis.plot(DOLLARS / 1000.0, curves.mean(axis=0), color=POSTERIOR)
            axis.axhline(0.0, color=PRIOR, linewidth=0.8)
            axis.set(title=f"{metric}, on {OUTCOMES[outcome]}", ylim=(-0.8, 1.0))
    figure.supxlabel("thousand USD a year at target on this component alone", fontsize=9)
    figure.supylabel("log-odds", fontsize=9)
    return figure


def response_curves(fit: Fit, outcome: str, metric: str) -> FloatArray:
    """Log-odds that dollars on one component alone buy in the first segment; shape (draws, dollars)."""
    problem = fit.panel.problem
    people = problem.people(0)
    base = max(sum(c.base for c in people) / max(len(people), 1), 1.0)
    mix = Mix(metric, (Component(metric, 1.0),))  # type: ignore[arg-type]
    plans = [Plan(f"{d:.0f}", mix, 1.0, d / (base + d)) for d in DOLLARS.tolist()]
    total = np.zeros((len(fit.draws), len(DOLLARS)))
    for which in MAPS:
        table = features(which, problem, plans, fit.panel.priors.kappa)[0]
        total += fit.draws.columns(feature_names(which, outcome)) @ (table - table[0]).T
    return total
