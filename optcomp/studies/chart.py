"""The picture of a study, as PNG and SVG; the same study gives the same bytes.

matplotlib comes with the extra `report` and is imported here only. Colours are those of Okabe and Ito (2008), which
people with any colour vision can tell apart; every line has a dash of its own and its name at its end, so that the
picture holds in grey too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from optcomp.cells import printable
from optcomp.errors import OutputError
from optcomp.figures import settle
from optcomp.studies.findings import ASKED, Returns, at, returns, spending
from optcomp.studies.over import TODAY, UNCHANGED
from optcomp.studies.points import BEST, POINTS, Point, Study
from optcomp.studies.sensitivity import BUDGET
from optcomp.studies.tables import CHARTS
from optcomp.types import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Name → words, colour, dashes.
LINES = {
    BEST: ("best mix", "#0072B2", "solid"),
    "expansion": ("all into expansion pay", "#D55E00", (0, (5, 2))),
    "team": ("all into team bonus", "#009E73", (0, (1, 1.5))),
    "base": ("all into base pay", "#8a4f7d", (0, (5, 2, 1, 2))),
    UNCHANGED: ("decided without the change", "#D55E00", (0, (5, 2))),
    TODAY: ("today's plans and books", "#555555", (0, (1, 1.5))),
}
MARKERS = {BEST: "o", UNCHANGED: "x", TODAY: "s"}
PARTS = (("base", "#0072B2", ""), ("variable", "#E69F00", "//"), ("heads", "#009E73", ".."))
# Colours and hatches of segments, the last one for all the others.
SEGMENT_LOOKS = (("#0072B2", ""), ("#E69F00", "//"), ("#009E73", ".."), ("#CC79A7", "xx"), ("#999999", "--"))
WORDS = {"base": "base pay", "variable": "variable, expected", "heads": "new people"}
ORIGINS = {"prior": "published, not from your history", "assumed": "assumed", "fitted": "fitted to your history"}
KINDS = {"png": {"Software": "optcomp"}, "svg": {"Date": None, "Creator": "optcomp"}}


def charts(study: Study) -> dict[str, bytes]:
    """Name → content of the chart files.

    Raises
    ------
    OutputError
        When matplotlib is not installed.
    """
    with _style():
        return {name: _bytes(_figure(study), name.rpartition(".")[2]) for name in CHARTS}


@contextmanager
def _style() -> Iterator[None]:
    try:
        import matplotlib as mpl
    except ImportError:
        raise OutputError("The chart needs matplotlib. Install it with: pip install 'optcomp[report]'.") from None
    # A fixed salt and no date make the file the same every time; text stays text, so that it can be searched.
    with mpl.rc_context():
        mpl.rcdefaults()  # nothing of the user's own style
        mpl.rcParams.update({"svg.hashsalt": "optcomp", "svg.fonttype": "none", "font.size": 9, "hatch.linewidth": 0.4})
        yield


def _bytes(figure: Figure, kind: str) -> bytes:
    stream = io.BytesIO()
    figure.savefig(stream, format=kind, dpi=150, metadata=KINDS[kind])
    return stream.getvalue()


def _figure(study: Study) -> Figure:
    from matplotlib.figure import Figure

    found = returns(study.best) if study.key == BUDGET else None
    count = 4 if found else 1
    figure = Figure(figsize=(7.5, 4.2 + 1.9 * (count - 1)), layout="constrained")
    axes: list[Axes] = list(
        np.atleast_1d(
            figure.subplots(count, 1, sharex=True, gridspec_kw={"height_ratios": [4.2, 1.9, 1.9, 1.9][:count]})
        ).tolist()
    )
    _nrr(axes[0], study)
    if found:
        _marginal(axes[1], found)
        currency = study.base.instance.currency
        _stacked(axes[2], found, _by_kind(found), f"extra pay,\n{currency} thousand")
        _stacked(axes[3], found, _by_segment(study, found), f"by segment,\n{currency} thousand")
        _mark(axes, study, found)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="#dddddd", linewidth=0.6)
        axis.set_axisbelow(True)
    axes[-1].set_xlabel(_x_label(study))
    if study.names:
        axes[-1].set_xticks(range(len(study.names)), study.names, rotation=30, ha="right")
    figure.suptitle(f"{_title(study)}\n{_basis(study)}", x=0.01, ha="left", fontsize=10)
    settle(figure)
    return figure


def _title(study: Study) -> str:
    if study.key == BUDGET:
        return f"{study.base.instance.name}: what more pay budget buys in a year"
    what = study.unit if study.names else study.key
    return f"{study.base.instance.name}: net revenue retention by {what}"


def _basis(study: Study) -> str:
    """How far to trust it, in small print."""
    gaps = [p.gap_pp for c in study.curves for p in c.solved if p.gap_pp is not None]
    proof = f"every step proved to within {max(gaps):.3f} points" if gaps else "nothing proved"
    response = study.base.response
    return f"{proof}; response {response.name} ({ORIGINS[response.origin]})"


def _x_label(study: Study) -> str:
    if study.key == BUDGET:
        return "rise of the pay budget, %"
    if study.names:
        return ""
    return f"{study.key} ({study.unit})" if study.unit else study.key


def _x(points: Sequence[Point], key: str = BUDGET) -> list[float]:
    return [POINTS * p.value if key == BUDGET else p.value for p in points]


# ---- panels -------------------------------------------------------------------------------------------------------


def _nrr(axis: Axes, study: Study) -> None:
    ends: list[tuple[float, str, str]] = []
    for curve in study.curves:
        points = curve.solved
        if points:
            words, colour, dashes = LINES[curve.name]
            y = [POINTS * (p.objective or 0.0) for p in points]
            if study.names:  # worlds have no order, so nothing lies between them
                axis.plot(_x(points, study.key), y, MARKERS.get(curve.name, "o"), color=colour, label=words)
                continue
            width = 2.2 if curve.name == BEST else 1.6
            axis.plot(_x(points, study.key), y, color=colour, linestyle=dashes, linewidth=width)
            ends.append((y[-1], words, colour))
    _draws(axis, study)
    if study.names:
        axis.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, ncols=len(study.curves))
    else:
        _ceiling(axis, study)
        _name_ends(axis, ends)
    axis.set_ylabel("NRR, % (net of prices)" if _has_prices(study) else "NRR, %")


def _has_prices(study: Study) -> bool:
    return any(p.evaluation is not None and p.evaluation.soft_cost > 1e-6 for c in study.curves for p in c.points)


def _ceiling(axis: Axes, study: Study) -> None:
    points = [p for p in study.best.solved if p.gap_pp is not None]
    if points:
        low = [POINTS * (p.objective or 0.0) for p in points]
        high = [a + (p.gap_pp or 0.0) for a, p in zip(low, points, strict=True)]
        axis.fill_between(_x(points, study.key), low, high, color=LINES[BEST][1], alpha=0.25, linewidth=0)


def _draws(axis: Axes, study: Study) -> None:
    """The middle 90 % of draws of the gain over today, on top of today's NRR."""
    points = [p for p in study.best.solved if p.value in study.intervals.uplift]
    if not points:
        return
    today = {p.value: POINTS * (p.objective or 0.0) for c in study.curves if c.name == TODAY for p in c.solved}
    ends = [study.intervals.uplift[p.value] for p in points]
    base = np.array([today.get(p.value, POINTS * study.current.objective) for p in points])
    low, high = base + np.array([e.low for e in ends]), base + np.array([e.high for e in ends])
    if study.names:
        axis.vlines(_x(points, study.key), low, high, color=LINES[BEST][1], alpha=0.4, linewidth=4.0)
    else:
        axis.fill_between(_x(points, study.key), low, high, color=LINES[BEST][1], alpha=0.12, linewidth=0)
    axis.annotate(
        "middle 90 % of draws", (0.01, 0.97), xycoords="axes fraction", color=LINES[BEST][1], va="top", fontsize=8
    )


def _name_ends(axis: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Names at the ends of lines, moved apart where they would lie over each other."""
    low, high = axis.get_ylim()
    least, last = 0.055 * (high - low), -np.inf
    for y, words, colour in sorted(ends):
        last = max(y, last + least)
        axis.annotate(
            words, (1.01, last), xycoords=("axes fraction", "data"), color=colour, va="center", annotation_clip=False
        )


def _marginal(axis: Axes, found: Returns) -> None:
    x = _x(found.points)
    axis.stairs(found.marginal[1:], x, color=LINES[BEST][1], linewidth=2.0, baseline=None)
    axis.axhline(1.0, color="#555555", linewidth=0.9, linestyle=(0, (1, 1.5)))
    axis.annotate("1 for 1", (1.01, 1.0), xycoords=("axes fraction", "data"), color="#555555", va="center")
    axis.set_ylim(0.0, max(1.3, 1.1 * float(np.nanmax(found.marginal))))
    axis.set_ylabel("ARR for the\nlast dollar")


Part = tuple[str, str, str, FloatArray]  # words, colour, hatch, USD at every point


def _by_kind(found: Returns) -> list[Part]:
    start = at(found.points, 0.0) or found.points[0]
    return [
        (WORDS[name], colour, hatch, np.array([getattr(p.total.minus(start.total), name) for p in found.points]))
        for name, colour, hatch in PARTS
    ]


def _by_segment(study: Study, found: Returns) -> list[Part]:
    """The segments that `spending` names, and the others together."""
    spent, start = spending(study), at(found.points, 0.0) or found.points[0]
    if spent is None:
        return []
    more = np.array([[a.minus(b).total for a, b in zip(p.money, start.money, strict=True)] for p in found.points])
    named = list(spent.segments)
    parts = [
        (printable(study.base.segments[s].name), *look, more[:, s])
        for s, look in zip(named, SEGMENT_LOOKS, strict=False)
    ]
    rest = more.sum(axis=1) - more[:, named].sum(axis=1)
    return [*parts, ("others", *SEGMENT_LOOKS[-1], rest)] if spent.has_others else parts


def _stacked(axis: Axes, found: Returns, parts: Sequence[Part], label: str) -> None:
    """Bars on top of each other, what is less than at the start below 0."""
    x, bottom, below = np.array(_x(found.points)), np.zeros(len(found.points)), np.zeros(len(found.points))
    width = 0.7 * float(np.diff(x).min())
    for words, colour, hatch, usd in parts:
        part = usd / 1000.0
        if np.abs(part).max() > 0.0:
            at_bottom = np.where(part >= 0.0, bottom, below)
            axis.bar(x, part, width, bottom=at_bottom, color=colour, hatch=hatch, edgecolor="white", label=words)
            bottom, below = bottom + np.maximum(part, 0.0), below + np.minimum(part, 0.0)
    axis.axhline(0.0, color="#555555", linewidth=0.8)
    axis.set_ylabel(label)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="upper left", frameon=False, ncols=max(len(parts), 1))


def _mark(axes: Sequence[Axes], study: Study, found: Returns) -> None:
    """+15 % and the knee, through all panels."""
    marks = {POINTS * ASKED: "+15 %"} if at(study.best.points, ASKED) else {}
    if found.knee is not None:
        knee = POINTS * found.points[found.knee].value
        marks[knee] = "\n".join([*([marks[knee]] if knee in marks else []), "knee"])
    for x, words in marks.items():
        for axis in axes:
            axis.axvline(x, color="#333333", linewidth=0.9, linestyle=(0, (3, 3)))
        is_left = len(marks) > 1 and x == min(marks)  # names of two lines side by side stand on their outer sides
        axes[0].annotate(words, (x, 0.0), xycoords=("data", "axes fraction"), xytext=(-3 if is_left else 3, 3),
                         textcoords="offset points", va="bottom", ha="right" if is_left else "left",
                         color="#333333")  # fmt: skip
