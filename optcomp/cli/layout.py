"""Text for a terminal of 80 columns: tables, and paragraphs with a hanging indent; nothing in it steers a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from optcomp.cells import printable

WIDTH = 80


def paragraph(label: str, text: str, *, indent: int = 0, hang: int = 10) -> str:
    """A label and wrapped text beside it: ``000-38    Segment …``; a label too long has a line of its own."""
    margin = " " * indent
    first, rest = margin + printable(label).ljust(hang), margin + " " * hang
    wrap = textwrap.TextWrapper(WIDTH, initial_indent=rest, subsequent_indent=rest, break_on_hyphens=False)
    lines = [_open(line) for line in wrap.wrap(_tied(printable(text)))] or [rest]
    if len(first) > len(rest):
        return "\n".join([first.rstrip(), *lines])
    return "\n".join([first + lines[0][len(rest) :], *lines[1:]]).rstrip()


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[int] = (0,), indent: int = 2) -> str:
    """Columns as wide as their widest cell; numbers to the right, the columns `left` to the left.

    A table wider than the terminal has its last column wrapped. A row of a single cell is a heading of what follows.
    """
    cells = [[printable(c) for c in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells if len(row) == len(header)) for i in range(len(header))]
    room = WIDTH - indent - sum(w + 2 for w in widths[:-1])
    widths[-1] = min(widths[-1], max(room, 12))
    return "\n".join(line for row in cells for line in _lines(row, widths, set(left), indent))


def _lines(row: Sequence[str], widths: Sequence[int], left: set[int], indent: int) -> list[str]:
    margin = " " * indent
    if len(row) < len(widths):
        wrapped = textwrap.wrap(_tied(row[0]), WIDTH, initial_indent=margin, subsequent_indent=f"{margin}  ")
        return [_open(line) for line in wrapped]
    *before, last = row
    start = "".join(_cell(text, w, i in left) + "  " for i, (text, w) in enumerate(zip(before, widths, strict=False)))
    is_left = len(row) - 1 in left
    parts = [_open(part) for part in textwrap.wrap(_tied(last), widths[-1], break_on_hyphens=False)] or [""]
    first = margin + start + _cell(parts[0], widths[-1], is_left)
    return [first.rstrip(), *(margin + " " * len(start) + part for part in parts[1:])]


def _tied(text: str) -> str:
    """A number and its per cent sign, which no line break may part."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def _open(line: str) -> str:
    return line.replace("\N{NO-BREAK SPACE}%", " %")


def _cell(text: str, width: int, is_left: bool) -> str:
    return text.ljust(width) if is_left else text.rjust(width)
