"""Pay benchmarks: what the market pays per level (002-7..10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PayBand:
    """Market pay of a level, USD a year: base and OTE (pay at target), low to high."""

    base_low: float
    base_high: float
    ote_low: float
    ote_high: float

    @property
    def ote_mid(self) -> float:
        """Middle of the OTE band."""
        return (self.ote_low + self.ote_high) / 2.0


@dataclass(frozen=True, slots=True)
class Benchmarks:
    """Bands by level; regions with a premium (002-10) as a factor on every figure."""

    name: str
    bands: Mapping[str, PayBand]
    region_premium: Mapping[str, float]

    def band(self, level: str, region: str) -> PayBand | None:
        """The band of a level in a region, or None where the level is unknown."""
        band = self.bands.get(level)
        factor = self.region_premium.get(region, 1.0)
        if band is None:
            return None
        return PayBand(band.base_low * factor, band.base_high * factor, band.ote_low * factor, band.ote_high * factor)
