"""What a solve is asked, what it says on the way, and its result: the decision and how it was found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Protocol

from optcomp.cautious import Caution
from optcomp.certificates import AnyCertificate
from optcomp.evaluate import Evaluation
from optcomp.hooks import Hook
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.words import POINTS

if TYPE_CHECKING:
    from optcomp.studies.guardrails import Price


class Status(StrEnum):
    """How a solve ended, in the words of the summary."""

    OPTIMAL = "optimal"  # within the gap that was asked for
    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no_solution"
    SOLVER_CRASHED = "solver_crashed"


Risk = Literal["mean", "cvar", "likely"]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to solve.

    time_limit_seconds : for the whole solve
    gap_pp : percentage points of NRR within which a solution counts as optimal
    seed : for the solver; workers : solver processes at a time
    method : `auto` proves by pools where books do not couple, else by the joint program
    draws : of the response that the value is averaged over; None: the usual number where the menu has no grid
    risk : `mean` of the draws; `cvar` blends the mean gain with that of the worst fifth of cases; `likely` is the mean
        where the best on average, and its plans by themselves, are likely better than today, else `cvar`
    """

    time_limit_seconds: float = 600.0
    gap_pp: float = 0.01
    seed: int = 0
    workers: int = 2
    method: str = "auto"
    hooks: tuple[Hook, ...] = ()
    draws: int | None = None
    risk: Risk = "mean"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a solve stands; ratios (1.02 = 102 %), None where unknown."""

    phase: str
    objective: float | None
    bound: float | None
    seconds: float

    @property
    def gap_pp(self) -> float | None:
        """Percentage points between bound and objective."""
        if self.objective is None or self.bound is None:
            return None
        return max(POINTS * (self.bound - self.objective), 0.0)


@dataclass(frozen=True, slots=True)
class Result:
    """A solution and how it was found.

    current : today's plans and books, evaluated; `current_is_counterfactual` when leavers were counted as staying
    objective_bound : no plans and books within the rules are worth more (ratio; inf: nothing proved)
    caution : where it was chosen by `cvar` (`Settings.risk`), the blended value and its bound; `objective_bound` stays
        that of the mean
    pay_first, books_first : what deciding the one and then the other gives, None where that found nothing
    certificate : what the bound rests on, None where there is none or too little time was left to say
    """

    problem: Problem
    status: Status
    solution: Solution | None
    evaluation: Evaluation | None
    current: Evaluation
    current_is_counterfactual: bool
    objective_bound: float
    seconds: float
    method: str
    why_joint: str
    pay_first: Evaluation | None = None
    books_first: Evaluation | None = None
    signal: int = 0
    reasons: tuple[str, ...] = ()
    caution: Caution | None = None
    guardrails: tuple[Price, ...] = ()
    certificate: AnyCertificate | None = None

    @property
    def gap_pp(self) -> float:
        """Percentage points of NRR between the proved bound and the solution."""
        if self.evaluation is None:
            return math.inf
        return max(POINTS * (self.objective_bound - self.evaluation.objective), 0.0)


class Keeper(Protocol):
    """Who keeps the best solution of a running solve, and may bring one from an earlier run.

    start : a solution to begin with, which counts once `evaluate` has judged it; None for none
    """

    start: Solution | None

    def keep(self, solution: Solution, objective: float) -> None:
        """Take a verified solution that is better than all before, today's apart; `objective` is a ratio."""


OnProgress = Callable[[Progress], None]
