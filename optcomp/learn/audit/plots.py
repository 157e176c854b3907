"""Plots of an audit as SVG; the same audit gives the same bytes. matplotlib comes with the extra `report`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from optcomp.errors import OutputError
from optcomp.figures import settle
from optcomp.learn.audit.audit import Audit
from optcomp.learn.audit.cliffs import LUCK as STEP_LUCK
from optcomp.learn.audit.distribution import LOW
from optcomp.learn.audit.fairness import csm_years
from optcomp.learn.audit.payline import total_multiple
from optcomp.learn.audit.tables import PLOTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LUCK, OWN = "#9a9a9a", "#1b6ca8"


def audit_plots(found: Audit) -> dict[str, bytes]:
    """Name → SVG of every plot.

    Raises
    ------
    OutputError
        When matplotlib is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise OutputError("Plots need matplotlib. Install it with: pip install 'optcomp[report]'.") from None
    # A fixed salt and no date make the file the same every time; text stays text, so that it can be searched.
    with mpl.rc_context({"svg.hashsalt": "optcomp", "svg.fonttype": "none", "font.size": 9, "axes.grid": False}):
        figures = (_performance(found), _components(found), _quartiles(found), _pay(found), _steps(found))
        return dict(zip(PLOTS, (_svg(figure) for figure in figures), strict=True))


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Figure) -> bytes:
    settle(figure)
    stream = io.BytesIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": "optcomp"})
    return stream.getvalue()


def _performance(found: Audit) -> Figure:
    """Every CSM against the book as dealt: as seen, and what is left of it once luck is taken out."""
    scores = found.scores
    shrunk, order = scores.shrunk["NRR"], np.argsort(scores.shrunk["NRR"].value, kind="stable")
    figure, axis = _figure(6.0, 1.5 + 0.22 * len(order))
    place = np.arange(len(order))
    axis.plot(scores.raw["NRR"][order], place, "o", color=LUCK, markersize=4, label="as seen")
    axis.hlines(place, shrunk.low[order], shrunk.high[order], color=OWN, linewidth=2)
    axis.plot(shrunk.value[order], place, "o", color=OWN, markersize=4, label="adjusted for luck, 90 % interval")
    axis.axvline(0.0, color=LUCK, linewidth=0.8)
    axis.set_yticks(place, [found.history.csm_ids[j] for j in scores.csm[order].tolist()], fontsize=7)
    axis.set(title="Against the book as dealt (not a verdict on a person)", xlabel="points of ARR a year")
    axis.legend(fontsize=7, loc="lower right")
    return figure


def _components(found: Audit) -> Figure:
    """What the next quarter brings for one standard deviation of attainment."""
    kept = [c for c in reversed(found.components) if c.effects["NRR"].slope]
    figure, axis = _figure(6.0, 1.5 + 0.4 * len(kept))
    for row, component in enumerate(kept):
        slope = component.effects["NRR"].slope
        if slope is not None:
            axis.plot([slope.low, slope.high], [row, row], color=OWN, linewidth=2)
            axis.plot([slope.value], [row], "o", color=OWN, markersize=4)
    axis.axvline(0.0, color=LUCK, linewidth=0.8)
    axis.set_yticks(range(len(kept)), [f"{c.metric}: {c.label}" for c in kept])
    axis.set(title="Next quarter's NRR against the book", xlabel="points of ARR a year for one sd of attainment")
    return figure


def _quartiles(found: Audit) -> Figure:
    """Payout over target by quarter of performance."""
    figure, axis = _figure(4.0, 3.0)
    pay = np.nan_to_num(found.quartiles.pay)
    axis.bar(range(len(pay)), 100.0 * pay, color=OWN)
    axis.axhline(100.0, color=LUCK, linewidth=0.8)
    axis.set_xticks(range(len(pay)), ["best", "2nd", "3rd", "last"][: len(pay)])
    axis.set(title="Payout by quarter of performance", ylabel="% of target", xlabel="performance in other quarters")
    return figure


def _pay(found: Audit) -> Figure:
    """Every CSM-year by segment: payout over target."""
    history, total = found.history, total_multiple(found.history, found.lines)
    years = csm_years(history, total)
    value = np.array([100.0 * total[rows].mean() for rows in years])
    segment = np.array([history.csm_quarters.segment[rows[-1]] for rows in years], dtype=np.int64)
    shown = [s for s in range(len(history.segments)) if (segment == s).any()]
    figure, axis = _figure(5.0, 1.5 + 0.6 * len(shown))
    for row, s in enumerate(reversed(shown)):
        mine = np.sort(value[segment == s])
        # Spread by rank, so that equal payouts do not hide each other, and the same drawing comes every time.
        height = row + 0.25 * (np.arange(len(mine)) % 5 - 2) / 2.0
        axis.plot(mine, height, "o", color=LUCK, markersize=3)
        axis.plot([np.median(mine)] * 2, [row - 0.35, row + 0.35], color=OWN, linewidth=2)
    axis.axvline(100.0, color=LUCK, linewidth=0.8)
    axis.axvline(100.0 * LOW, color=LUCK, linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(shown)), [history.segments[s] for s in reversed(shown)])
    axis.set(title="A year's payout", xlabel="% of target; bar: median, dotted: half of target")
    axis.set_ylim(-0.6, len(shown) - 0.4)
    return figure


def _steps(found: Audit) -> Figure:
    """Chance of full pay at every step: from a weak to a good CSM, and how often it was seen."""
    kept = list(reversed(found.cliffs))
    figure, axis = _figure(6.0, 1.6 + 0.35 * len(kept))
    for row, c in enumerate(kept):
        axis.plot([100 * c.weak, 100 * c.good], [row, row], color=OWN, linewidth=2, label="weak to good" * (row == 0))
        axis.plot([100 * c.average], [row], "o", color=OWN, markersize=4, label="average" * (row == 0))
        axis.plot([100 * c.seen], [row], "|", color="black", markersize=10, label="seen" * (row == 0))
    axis.axvspan(100 * STEP_LUCK[0], 100 * STEP_LUCK[1], color=LUCK, alpha=0.15, linewidth=0)
    names = [f"{c.segment}: {c.metric} {c.kind} at {100 * c.threshold:g} %" for c in kept]
    axis.set_yticks(range(len(kept)), names, fontsize=7)
    axis.set(title="Who is on the paid side of a step", xlabel="chance in a quarter, %", xlim=(-2.0, 102.0))
    axis.set_ylim(-0.6, max(len(kept) - 0.4, 0.6))
    if kept:
        axis.legend(fontsize=7, loc="best")
    return figure
