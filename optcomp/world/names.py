"""Invented names of companies, regions and industries."""

from __future__ import annotations

STEMS = (
    "Alder", "Bram", "Cald", "Dorn", "Elken", "Fenn", "Gael", "Hald", "Ister", "Jorn", "Kest", "Lorn", "Marl", "Nev",
    "Orr", "Pell", "Quill", "Rask", "Selm", "Tarn", "Ulver", "Vess", "Wend", "Yarl", "Zell", "Brisk", "Corv", "Drum",
    "Evan",
)  # fmt: skip
ENDINGS = (
    "mere", "wick", "holt", "dale", "combe", "vale", "ley", "gate", "moor", "fell", "haven", "brook", "stead", "ridge",
    "marsh", "field", "thorpe",
)  # fmt: skip
TRADES = {
    "software": ("Software", "Cloud", "Data", "Systems"),
    "financial services": ("Capital", "Insurance", "Payments", "Bank"),
    "healthcare": ("Health", "Clinics", "Diagnostics", "Pharma"),
    "manufacturing": ("Works", "Machinery", "Components", "Steel"),
    "retail": ("Stores", "Outfitters", "Markets", "Goods"),
    "logistics": ("Freight", "Shipping", "Logistics", "Parcels"),
}
INDUSTRIES = tuple(TRADES)
_REGIONS = ("North America", "Europe", "Latin America", "Asia-Pacific", "Nordics", "Iberia", "Alps", "Gulf", "Africa")
# The first is what most customers of the region speak.
_LANGUAGES = (("en", "es", "fr"), ("en", "de", "fr"), ("es", "pt"), ("en", "ja"), ("en", "sv"), ("es", "pt"))


def company_name(number: int, industry: str) -> str:
    """A name for the company with this number; numbers below 29 · 17 · 4 give different names in one industry."""
    stem, rest = number % len(STEMS), number // len(STEMS)
    ending, trade = rest % len(ENDINGS), rest // len(ENDINGS)
    trades = TRADES[industry]
    generation = trade // len(trades)
    suffix = f" {generation + 1}" if generation else ""
    return f"{STEMS[stem]}{ENDINGS[ending]} {trades[trade % len(trades)]}{suffix}"


def region_name(number: int) -> str:
    """Name of a region."""
    return _REGIONS[number] if number < len(_REGIONS) else f"Region {number + 1:02d}"


def region_languages(number: int) -> tuple[str, ...]:
    """Languages spoken in a region, the main one first."""
    return _LANGUAGES[number % len(_LANGUAGES)]
