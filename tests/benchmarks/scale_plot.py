"""The picture of growth: seconds and memory against CSMs on log scales, with the fitted power."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

POINTS, LINE = "#0072B2", "#D55E00"  # Okabe and Ito (2008): told apart with any colour vision


@dataclass(frozen=True, slots=True)
class Power:
    """y = factor · n ** exponent, by least squares on the logarithms."""

    factor: float
    exponent: float

    @classmethod
    def fit(cls, counts: Sequence[float], values: Sequence[float]) -> Power:
        """The power through these points; two or more different counts."""
        slope, level = np.polyfit(np.log(counts), np.log(values), 1)
        return cls(float(np.exp(level)), float(slope))

    def at(self, count: float) -> float:
        """Its value at a count."""
        return float(self.factor * count**self.exponent)


@dataclass(frozen=True, slots=True)
class Point:
    """One instance: how many CSMs, seconds from the facts to the proof, MiB of the largest process."""

    name: str
    csms: int
    seconds: float
    memory_mib: float


def draw(points: Sequence[Point], path: Path) -> None:
    """Write the picture; the same figures give the same bytes."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"svg.hashsalt": "optcomp", "svg.fonttype": "none", "font.size": 9})
        figure = Figure(figsize=(7.5, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        _panel(left, points, [p.seconds for p in points], "seconds, from facts to proof")
        _panel(right, points, [p.memory_mib for p in points], "peak memory of a process, MiB")
        figure.savefig(path, metadata={"Date": None, "Creator": "optcomp"})


def _panel(axis: Axes, points: Sequence[Point], values: Sequence[float], words: str) -> None:
    counts = [p.csms for p in points]
    power = Power.fit(counts, values)
    ends = np.array([min(counts), max(counts)], dtype=float)
    axis.plot(ends, [power.at(n) for n in ends], color=LINE, linestyle=(0, (5, 2)), linewidth=1.4)
    axis.plot(counts, values, color=POINTS, marker="o", linestyle="none", markersize=6)
    for point, value in zip(points, values, strict=True):
        axis.annotate(
            point.name, (point.csms, value), xytext=(5, -10), textcoords="offset points", fontsize=8, color="#333333"
        )
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlim(0.8 * ends[0], 2.6 * ends[1])
    axis.set_ylim(0.6 * min(values), 1.7 * max(values))
    axis.set_xticks(counts, [str(n) for n in counts], minor=False)
    axis.set_xticks([], minor=True)
    axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_yticks([], minor=True)
    axis.set_xlabel("CSMs")
    axis.set_title(f"{words}\ngrows with CSMs to the power {power.exponent:.2f}", loc="left", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
