"""How often each screen is right, measured on worlds with planted gaming (docs/benchmarks/gaming-screens)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measured:
    """Share of worlds in which a screen speaks up: with the pattern planted, and without."""

    power: float
    false_alarms: float


#: With 15 CSMs, two years and the patterns of that page, which tests/benchmarks/gaming_screens.py makes.
MEASURED: Mapping[str, Measured] = {
    "bunching": Measured(0.77, 0.00),
    "late bookings": Measured(1.00, 0.00),
    "late near a step": Measured(0.97, 0.00),
    "dip after": Measured(0.50, 0.00),
    "activity log": Measured(1.00, 0.07),
    "satisfaction": Measured(0.40, 0.00),
    "survey coverage": Measured(0.43, 0.00),
    "scores once paid": Measured(1.00, 0.03),
    "logs once paid": Measured(0.50, 0.03),
    "growth, then loss": Measured(1.00, 0.00),
    "give up or coast": Measured(0.53, 0.00),
}
