"""The ladder as a chart: predicted ARR against moves, with its proven ceiling, the knee and the rung that was taken.

matplotlib comes with the extra `report` and is imported here only.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from optcomp.errors import OutputError
from optcomp.figures import settle
from optcomp.studies.rebalance.ladder import Ladder
from optcomp.words import million, money

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FOUND, CEILING = "#1b6ca8", "#9a9a9a"


def ladder_charts(ladder: Ladder, chosen: int, currency: str) -> dict[str, bytes]:
    """`ladder.png` and `ladder.svg`; the same ladder gives the same bytes. Nothing below two rungs with books.

    Raises
    ------
    OutputError
        When matplotlib is not installed.
    """
    if sum(rung.value is not None for rung in ladder.rungs) < 2:
        return {}
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        raise OutputError("Charts need matplotlib. Install it with: pip install 'optcomp[report]'.") from None
    files = {}
    # A fixed salt and no date make the file the same every time; text stays text, so that it can be searched.
    with mpl.rc_context({"svg.hashsalt": "optcomp", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(7.0, 4.0), layout="constrained")
        _draw(figure.add_subplot(), ladder, chosen, currency)
        settle(figure)
        for ending, facts in (("png", {"Software": None}), ("svg", {"Date": None})):
            buffer = io.BytesIO()
            figure.savefig(buffer, format=ending, metadata=facts, dpi=150)
            files[f"ladder.{ending}"] = buffer.getvalue()
    return files


def _draw(axes: Axes, ladder: Ladder, chosen: int, currency: str) -> None:
    from matplotlib.ticker import MaxNLocator

    known = [rung for rung in ladder.rungs if rung.value is not None]
    base = known[0].value or 0.0

    def gain(value: float | None) -> float:
        return ((value or 0.0) - base) * ladder.total_arr

    limits = [rung.limit for rung in known]
    axes.plot(limits, [gain(r.value) for r in known], "o-", color=FOUND, label="best books found")
    ceilings = [(r.limit, gain(r.bound)) for r in known if math.isfinite(r.bound)]
    if ceilings:
        axes.plot(*zip(*ceilings, strict=True), "_", color=CEILING, markersize=12, label="proven ceiling")
    marks = (("knee", ladder.knee), ("optimum", ladder.optimum), ("taken", chosen))
    for rung in known:
        words = [word for word, limit in marks if limit == rung.limit]
        place = (rung.limit, gain(rung.value))
        axes.annotate(", ".join(words), place, xytext=(0, -14), textcoords="offset points", ha="center")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.margins(x=0.08)
    # Ticks of $125,000 would all be $0.12M or $0.13M.
    in_words = million if gain(known[-1].value) >= 5e6 else money
    axes.yaxis.set_major_formatter(lambda value, _: in_words(value, currency))
    axes.set_xlabel("accounts that move beyond those that must")
    axes.set_ylabel(f"predicted ARR, year end, against {known[0].limit} moves")
    axes.legend(frameon=False)
