"""A claim: one sentence about a solution with the numbers that it rests on, so that anybody can compute them again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from optcomp.words import money

Number = float | int | str | bool
CENTS_BELOW = 100.0  # prices of one unit below this much are given with cents


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed.

    kind : which computation it rests on; `docs/how-to/explain-a-decision.md` lists them
    numbers : what goes into it and what comes out, money in USD a year
    """

    kind: str
    numbers: Mapping[str, Number]
    sentence: str

    def summary(self) -> dict[str, object]:
        """For ``--json``."""
        return {"kind": self.kind, "numbers": dict(self.numbers), "sentence": self.sentence}


def gain_or_loss(usd: float, currency: str) -> str:
    """For example ``gain $3,100``, ``lose $3,100`` or ``change nothing``."""
    if round(usd) == 0:
        return "change nothing to speak of"
    return f"{'gain' if usd > 0 else 'lose'} {money(abs(usd), currency)}"


def between(low: float, high: float, currency: str, *, verb: str = "costs") -> str:
    """A range that is proved on both sides, rounded outwards: ``costs at least $2,900 and at most $3,100``."""
    least, most = math.floor(low), math.inf if math.isinf(high) else math.ceil(high)
    if math.isinf(most):
        known = (
            f"{verb} at least {money(max(least, 0), currency)}" if least > 0 else f"nothing is proved of what it {verb}"
        )
        return f"{known}; how much at most is not known"
    if least <= 0:
        return f"{verb} at most {money(max(most, 0), currency)}: too close to call"
    return f"{verb} at least {money(least, currency)} and at most {money(most, currency)}"


def price(low: float, high: float, units: float, currency: str) -> str:
    """A proved range for some units as one for each of them, rounded outwards: ``$2.21 to $2.56``, ``$183 to $187``."""
    parts = 1 if high >= CENTS_BELOW * units else 100
    least, most = math.floor(parts * low / units) * (100 // parts), math.ceil(parts * high / units) * (100 // parts)
    return f"{_amount(least, parts, currency)} to {_amount(most, parts, currency)}"


def _amount(cents: int, parts: int, currency: str) -> str:
    whole, rest = divmod(cents, 100)
    return money(whole, currency) + (f".{rest:02d}" if parts > 1 else "")
