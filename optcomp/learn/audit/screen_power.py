"""How often each screen is right, measured on worlds with planted gaming (docs/benchmarks/gaming-screens)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Share of worlds in which a screen speaks up: with the pattern planted, and without; None: not measured."""

    power: float | None
    false_alarms: float | None


#: With 15 CSMs, two years and the patterns of that page, which tests/benchmarks/gaming_screens.py makes.
MEASURED: Mapping[str, Measured] = {
    "bunching": Measured(0.87, 0.00),
    "late bookings": Measured(1.00, 0.00),
    "activity log": Measured(1.00, 0.07),
    "satisfaction": Measured(0.40, 0.00),
    # Invented companies have no such pattern to be found.
    "growth, then loss": Measured(None, 0.00),
    "give up or coast": Measured(0.63, 0.00),
}
