"""Figures that are the same, byte by byte, every time they are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Digits of a share of the figure: a hundredth of a pixel in a figure of a thousand.
DIGITS = 5


def settle(figure: Figure) -> None:
    """Lay a figure out once and for all.

    The solver behind the constrained layout takes its constraints in the order of addresses, so that the last bits of a
    position differ from run to run, and with them the ids that an SVG derives from positions.
    """
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        x, y, width, height = axes.get_position(original=True).bounds
        axes.set_position((round(x, DIGITS), round(y, DIGITS), round(width, DIGITS), round(height, DIGITS)))
