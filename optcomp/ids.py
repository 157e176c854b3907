"""Salesforce ids: 15 characters in reports (case counts), 18 from the API (three more spell out the case)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
# Every Salesforce id starts with three characters of its object's kind; those of accounts, users and most others have a
# digit, which keeps words of fifteen letters out.
_SHORT = re.compile(r"(?=.{0,2}[0-9])[0-9A-Za-z]{15}")


def long_id(short: str) -> str:
    """The 18-character form of a 15-character id: one bit per character says whether it is a capital."""
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << i for i, char in enumerate(short[start : start + 5]) if char.isascii() and char.isupper())
        suffix += _ALPHABET[bits]
    return short + suffix


def is_salesforce_id(text: str) -> bool:
    """It has the form of a Salesforce id: 15 characters, or 18 with the right last three."""
    if len(text) == 18:
        return bool(_SHORT.fullmatch(text[:15])) and long_id(text[:15]) == text
    return bool(_SHORT.fullmatch(text))


def same_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """15-character id → 18-character id, for those that occur in both forms."""
    known = set(ids)
    return {i[:15]: i for i in known if len(i) == 18 and i[:15] in known and is_salesforce_id(i)}
