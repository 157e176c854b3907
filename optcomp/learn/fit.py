"""From a history to a fitted response: posterior, draws, grades, checks, and what the answer hangs on."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from optcomp.learn.draws import Draws, draws_path
from optcomp.learn.evidence import Identification, Lever, identification, levers
from optcomp.learn.fit_file import FitFile, file_text, replace_file
from optcomp.learn.held_out import HeldOut, held_out
from optcomp.learn.history import History
from optcomp.learn.honest import honest_share
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Posterior, fit_posterior
from optcomp.learn.priors import Priors
from optcomp.learn.sample import Estimate, estimates, sample
from optcomp.learn.sensitivity import Sensitivity, sensitivity
from optcomp.learn.trends import Check, checks, survivorship
from optcomp.problem import Problem
from optcomp.response.parameters import Skill

DRAWS = 128
FEWEST_DRAWS = 8  # four a map: fewer have no spread to speak of


@dataclass(frozen=True)
class Fit:
    """Everything that was learned. `seconds` is for the posterior and its draws alone."""

    panel: Panel
    posterior: Posterior
    draws: Draws
    seed: int
    seconds: float

    @cached_property
    def estimates(self) -> list[Estimate]:
        """Fitted numbers of the response model file."""
        return estimates(self.panel, self.posterior, self.draws)

    @cached_property
    def levers(self) -> tuple[Lever, ...]:
        """Grades, lever by lever."""
        return levers(self.panel, self.posterior)

    @cached_property
    def identification(self) -> Identification:
        """Rank of the plan variation."""
        return identification(self.panel, self.posterior)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Pre-trends and negative controls."""
        return checks(self.panel, self.posterior)

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """Whether the choice hangs on the prior."""
        return sensitivity(self.panel, self.posterior)

    @cached_property
    def held_out(self) -> tuple[HeldOut, ...]:
        """The last two quarters foretold from those before; empty where the history is too short or too small."""
        return held_out(self.panel)

    @cached_property
    def skills(self) -> dict[str, Skill]:
        """Log-odds of today's CSMs, shrunk to 0 as far as luck may explain them; the mean over both maps."""
        renew = np.mean([fitted.mode.u for fitted in self.posterior.renew.values()], axis=0)
        expand = np.mean([fitted.mode.u for fitted in self.posterior.expand.values()], axis=0)
        today = set(self.panel.problem.csms.ids)
        return {
            csm: Skill(float(renew[j]), float(expand[j]))
            for j, csm in enumerate(self.panel.history.csm_ids)
            if csm in today
        }

    @cached_property
    def told(self) -> Draws:
        """The draws with what is to be said about them: whether a plan effect is identified, and the honest share."""
        is_identified = not self.identification.is_one_plan
        return replace(self.draws, is_identified=is_identified, honest_share=honest_share(self.panel))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has to be said before anybody uses the fit, the gravest first."""
        said = list(self.identification.sentences)
        said += [check.sentence for check in self.checks if check.warns]
        said += [one.sentence for one in self.held_out if one.warns]
        alarms = [lever.key for lever in self.levers if lever.alarm]
        if alarms:
            said.append(f"Outside published experience (over 2 prior sd): {', '.join(alarms)}.")
        if self.panel.history.months < 12:
            said.append(f"The history has {self.panel.history.months} months; 12 is the least for yearly contracts.")
        if self.sensitivity.changes:
            said.append(
                f"The choice of plan hangs on the prior: it changes with {'; '.join(self.sensitivity.changes)}."
            )
        return tuple(said)

    def write(self, path: Path) -> tuple[Path, Path]:
        """Write the response model file and its draws beside it (``FILE.draws.npz``); the two paths.

        Both are readable by their owner only: skills are about people.

        Raises
        ------
        OutputError
            When they cannot be written; a file of that name is then as it was.
        """
        beside = draws_path(path)
        # Draws first: a response file without its draws would be used as if nothing were uncertain.
        replace_file(beside, self.told.to_bytes())
        replace_file(path, file_text(self._file(path)).encode("utf-8"))
        return path, beside

    def _file(self, path: Path) -> FitFile:
        grades = {lever.key: lever for lever in self.levers}
        return FitFile(
            path.stem, self.panel, self.estimates, grades, self.skills, self.warnings, len(self.draws), self.seed
        )


def fit(history: History, problem: Problem, priors: Priors, *, seed: int = 0, draws: int = DRAWS) -> Fit:
    """Fit a history under both maps of the plan.

    Raises
    ------
    InputError
        When the history holds survivors only, or names segments that the instance does not have.
    """
    if draws < FEWEST_DRAWS:
        raise ValueError(f"draws is {draws}, at least {FEWEST_DRAWS}")
    panel = Panel(history, replace(problem, response=priors.response), priors)
    survivorship(panel)
    started = time.perf_counter()
    posterior = fit_posterior(panel)
    drawn = sample(panel, posterior, count=draws, generator=np.random.default_rng(seed))
    return Fit(panel, posterior, drawn, seed, time.perf_counter() - started)
