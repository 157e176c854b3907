"""How often each screen is right, measured on worlds with planted gaming (docs/benchmarks/gaming-screens)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Share of worlds in which a screen speaks up: with the pattern planted, and without; None: not measured."""

    power: float | None
    false_alarms: float | None


#: With 15 CSMs and two years. Written by hand from the page that tests/benchmarks/gaming_screens.py makes.
MEASURED: Mapping[str, Measured] = {
    "bunching": Measured(None, None),
    "late bookings": Measured(None, None),
    "activity log": Measured(None, None),
    "satisfaction": Measured(None, None),
    "growth, then loss": Measured(None, None),
    "give up or coast": Measured(None, None),
}
