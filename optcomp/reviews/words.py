"""How findings of the design review are worded: names in a short list, shares in per cent, one kind of `Finding`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from optcomp.errors import Finding

MOST_NAMED = 3
# Weights and limits are decimal fractions in floating point.
TOLERANCE = 1e-9


def warn(code: str, found: str, allowed: str, hint: str, *, requirement: str) -> Finding:
    """A finding of the design review: always a warning, always with the requirement that it comes from."""
    return Finding(code, found, allowed, hint, severity="warning", requirement=requirement)


def names(items: Sequence[str]) -> str:
    """At most three of the items, and how many more there are: ``A1, A2, A3 and 14 more``."""
    if len(items) > MOST_NAMED:
        return f"{', '.join(items[:MOST_NAMED])} and {len(items) - MOST_NAMED} more"
    return " and ".join(part for part in (", ".join(items[:-1]), items[-1]) if part)


def counted(items: Sequence[str], noun: str) -> str:
    """The number of items with their names: ``2 CSMs (C1 and C2)``."""
    return f"{len(items)} {noun}{'s' * (len(items) != 1)} ({names(items)})"


def percent(share: float) -> str:
    """A share as per cent with three digits at most: 0.1304 is ``13 %``, 0.1667 is ``16.7 %``."""
    return f"{float(f'{100.0 * share:.3g}'):g} %"


def number(amount: float) -> str:
    """An amount with thousands separated and without decimals."""
    return f"{amount:,.0f}"


def number_up(amount: float) -> str:
    """An amount rounded up, so that it is enough."""
    return number(math.ceil(amount - TOLERANCE))


def percent_up(share: float) -> str:
    """A share as whole per cent, rounded up, so that it is enough."""
    return f"{math.ceil(100.0 * share - TOLERANCE)} %"
