"""Draws of everything that was fitted: half under the effort index, half under the saturating map, joint in each.

A draw holds the numbers of a response model file by key. Under the saturating map the effort coefficients are 0, and
the effect of a plan is `plan_log_odds`. Levels are those of today's plan in both halves.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from optcomp.errors import Finding, InputError
from optcomp.learn.maps import feature_names, menu_features
from optcomp.problem import Problem
from optcomp.response.belief import Belief
from optcomp.response.parameters import BaseRates, Response, Saturating, Skill
from optcomp.types import BoolArray, FloatArray

FORMAT = "optcomp/draws/1"


@dataclass(frozen=True)
class Draws:
    """Draws of the response, one row a draw.

    names : keys of the response model file; values : shape (draws, names); is_hill : which draws are of the saturating
    map; skill_renew, skill_expand : log-odds of each CSM, shape (draws, csms)
    is_identified, honest_share : as in `Belief`
    """

    names: tuple[str, ...]
    values: FloatArray
    is_hill: BoolArray
    csms: tuple[str, ...]
    skill_renew: FloatArray
    skill_expand: FloatArray
    is_identified: bool = False
    honest_share: float = float("nan")

    def __len__(self) -> int:
        return len(self.values)

    def column(self, name: str) -> FloatArray:
        """A number in every draw, shape (draws,)."""
        return np.asarray(self.values[:, self.names.index(name)])

    def columns(self, names: tuple[str, ...]) -> FloatArray:
        """Numbers in every draw, shape (draws, names)."""
        return np.asarray(self.values[:, [self.names.index(name) for name in names]])

    def to_bytes(self) -> bytes:
        """A .npz archive without pickled objects; the same draws give the same bytes."""
        stream = io.BytesIO()
        np.savez(
            stream, format=np.array(FORMAT), names=np.array(self.names), values=self.values, is_hill=self.is_hill,
            csms=np.array(self.csms, dtype=np.str_), skill_renew=self.skill_renew, skill_expand=self.skill_expand,
            is_identified=np.array(self.is_identified), honest_share=np.array(self.honest_share),
        )  # fmt: skip
        return stream.getvalue()


def draws_path(path: Path) -> Path:
    """Where the draws of a fitted file are: ``FILE.draws.npz`` beside ``FILE.toml``."""
    return path.with_name(f"{path.stem}.draws.npz")


def load_draws(path: Path) -> Draws:
    """The draws in a file that holds `Draws.to_bytes`.

    Raises
    ------
    InputError
        When it is not such a file.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            if str(archive["format"]) != FORMAT:
                raise ValueError(f"the format is {archive['format']!s}")
            return Draws(
                names=tuple(str(name) for name in archive["names"]),
                values=archive["values"],
                is_hill=archive["is_hill"],
                csms=tuple(str(name) for name in archive["csms"]),
                skill_renew=archive["skill_renew"],
                skill_expand=archive["skill_expand"],
                # Files of before these two were kept say nothing about them.
                is_identified=bool(archive["is_identified"]) if "is_identified" in archive else False,
                honest_share=float(archive["honest_share"]) if "honest_share" in archive else float("nan"),
            )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        found = f"cannot be read as draws ({type(error).__name__})"
        raise InputError(Finding("draws", found, "A .npz file that optcomp fit wrote", file=path.name)) from None


@dataclass(frozen=True, slots=True)
class PlanLogOdds:
    """Log-odds by which each plan on the menu of a segment moves its accounts against today; shape (draws, plans)."""

    renew: FloatArray
    expand: FloatArray
    contract: FloatArray


def plan_log_odds(draws: Draws, problem: Problem, segment: int) -> PlanLogOdds:
    """Effect of every plan on the menu of a segment in every draw; the first plan is today's and does nothing."""
    kappa = float(draws.column("hill.kappa")[0])
    effort = menu_features("effort", problem, segment, kappa)
    hill = menu_features("hill", problem, segment, kappa)

    def of(outcome: str) -> FloatArray:
        both = draws.columns(feature_names("effort", outcome)) @ effort.T
        if outcome != "contract":
            both = both + draws.columns(feature_names("hill", outcome)) @ hill.T
        return np.asarray(both)

    return PlanLogOdds(of("renew"), of("expand"), of("contract"))


def response_of(draws: Draws, row: int, prior: Response) -> Response:
    """One draw as a response, with the map that it was drawn under."""
    numbers = dict(zip(draws.names, draws.values[row].tolist(), strict=True))

    def part(prefix: str) -> dict[str, float]:
        return {k.removeprefix(prefix): v for k, v in numbers.items() if k.startswith(prefix)}

    tasks = {
        outcome: tuple(numbers[name] for name in feature_names("effort", outcome))
        for outcome in ("renew", "expand", "contract")
    }
    plain = {k: v for k, v in part("outcome.").items() if "." not in k}
    segments = sorted({name[5:].rpartition(".")[0] for name in draws.names if name.startswith("base.")})
    base = {s: BaseRates(**part(f"base.{s}.")) for s in segments}
    skill = {
        csm: Skill(float(draws.skill_renew[row, j]), float(draws.skill_expand[row, j]))
        for j, csm in enumerate(draws.csms)
    }
    return replace(
        prior,
        origin="fitted",
        base={**prior.base, **base},
        outcome=replace(prior.outcome, **tasks, **plain),  # type: ignore[arg-type]
        turnover=replace(prior.turnover, **part("turnover.")),
        skill=skill,
        saturating=_saturating(numbers) if bool(draws.is_hill[row]) else None,
    )


def _saturating(numbers: Mapping[str, float]) -> Saturating:
    def slopes(outcome: str) -> tuple[float, ...]:
        return tuple(numbers[name] for name in feature_names("hill", outcome))

    return Saturating(numbers["hill.kappa"], slopes("renew"), slopes("expand"))


def belief_of(draws: Draws, prior: Response) -> Belief:
    """The draws as responses that share what was not fitted with `prior`."""
    responses = tuple(response_of(draws, row, prior) for row in range(len(draws)))
    return Belief(responses, draws.is_identified, draws.honest_share)
