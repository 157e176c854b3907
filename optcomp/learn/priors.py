"""What is believed before the history is looked at: mean and sd of every number of a response model file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optcomp.catalog import find_model, load_response, model_files, numbers
from optcomp.errors import Finding, InputError
from optcomp.model_files import NORMAL_90, Number, read_model_file
from optcomp.response.outcome import logit
from optcomp.response.parameters import Response

# Levels differ more between companies than the files' intervals of medians say (SCIENCE 1.6).
LEVEL_SD = 1.5
# Where a file gives neither sd nor interval: as wide as its neighbours (log-odds per log-effort and the like).
FALLBACK_SD = 0.25
_FALLBACK_SD = {"turnover.tenure": 0.10, "outcome.health_renew": 0.015, "outcome.health_expand": 0.01}
# An sd of 0 means "exactly known"; a precision has to stay finite.
SMALLEST_SD = 1e-6
QUARTERS = 4
DEFAULT = "priors-v0"


@dataclass(frozen=True)
class Priors:
    """The numbers of a response model file by key, and the response that they make.

    name : as the instance names the file; shipped : the model of the package that it extends in the end, or itself
    """

    name: str
    shipped: str
    by_key: Mapping[str, Number]
    response: Response

    def mean(self, key: str, default: float = 0.0) -> float:
        """Prior mean of a number."""
        return self.by_key[key].value if key in self.by_key else default

    def sd(self, key: str) -> float:
        """Prior sd of a number: stated, else from its interval, else as its neighbours have it."""
        number = self.by_key.get(key)
        if number is not None and number.sd is not None:
            return max(number.sd, SMALLEST_SD)
        if number is not None and number.interval is not None:
            low, high = number.interval
            return max((high - low) / (2.0 * NORMAL_90), SMALLEST_SD)
        return _FALLBACK_SD.get(key, FALLBACK_SD)

    @property
    def kappa(self) -> float:
        """USD a year at which the saturating map has half its effect."""
        return self.mean("hill.kappa", 10_000.0)

    def hazard(self) -> tuple[float, float]:
        """Mean and sd of the log-odds of leaving in a quarter."""
        key = "turnover.base_quit"
        ends = self.by_key[key].interval or (0.12, 0.30)
        low, middle, high = (float(logit(quarterly(p))) for p in (ends[0], self.mean(key), ends[1]))
        return middle, max((high - low) / (2.0 * NORMAL_90), SMALLEST_SD)


def quarterly(yearly: float) -> float:
    """Probability per quarter that makes the yearly one."""
    return float(1.0 - (1.0 - np.clip(yearly, 1e-9, 1.0 - 1e-9)) ** (1.0 / QUARTERS))


def yearly(quarter: float) -> float:
    """Probability per year from the one per quarter."""
    return float(1.0 - (1.0 - quarter) ** QUARTERS)


def load_priors(name: str, beside: Path | None) -> Priors:
    """The priors in the response model of that name.

    Raises
    ------
    InputError
        When the file was itself fitted: the same history would count twice.
    """
    response = load_response(name, beside)
    if response.origin == "fitted":
        found = f"the prior {name!r} was itself fitted to a history, which would count twice"
        hint = "Say --prior priors-v0, or the name of the file that the fitted one extends"
        raise InputError(Finding("fitted-prior", found, "A response model with origin prior or assumed", hint))
    path = find_model("response", name, beside)
    return Priors(name, _shipped(path, beside), {number.key: number for number in numbers(path)}, response)


def _shipped(path: Path, beside: Path | None) -> str:
    """Name of the first shipped model in the chain of what a file extends; the default where there is none."""
    seen: set[Path] = set()
    while path not in seen:
        if path.is_relative_to(model_files()):
            return path.stem
        seen.add(path)
        extends = read_model_file(path, path.name).head.get("extends")
        if not isinstance(extends, str):
            break
        parent = find_model("response", extends, beside)
        # A file beside the instance may extend the shipped one of its own name.
        path = find_model("response", extends, None) if parent.resolve() == path.resolve() else parent
    return DEFAULT
