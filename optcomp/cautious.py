r"""Solving with caution: part of the value is what the worst cases bring, measured against today with paired draws.

.. math::
    \max_x \; (1 - b) \, \operatorname{mean}_d U_d(x) + b \, \operatorname{CVaR}_\alpha U(x)
    = \max_x \min_{w \in W} \sum_d w_d U_d(x), \qquad
    W = \{ (1 - b)/D + b \, q_d : 0 \le q_d \le 1/(\alpha D), \textstyle\sum_d q_d = 1 \}

CVaR couples all pools, but any fixed weights :math:`w \in W` give a value that falls apart into pools and lies on or
above the blended one for every x. So each solve with fixed weights proves a bound; the next weights are those that
make the best of all solutions found so far look worst (cutting planes). Source: DESIGN 3.5, SCIENCE 6.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linprog

from optcomp.errors import Finding, InputError
from optcomp.evaluate import Evaluation, current_solution, evaluate, nrr_by_draw
from optcomp.hooks import Hook, hook_violations
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray
from optcomp.uncertain import WORST_SHARE, today_by_draw, worst_mean
from optcomp.words import POINTS

if TYPE_CHECKING:
    from optcomp.solve import Result

BLEND = 0.5  # weight of the worst cases against the mean (SCIENCE 6)
# Solves with other weights at most; in worlds of 15 CSMs the bound hardly falls after the third.
ROUNDS = 5
# Points by which new weights must promise to lower the bound to be worth another solve.
WORTH_A_ROUND = 0.1
# Share of the time that is left which one of several solves may take.
TIME_SHARE = 0.5

SolveWith = Callable[[Problem, float], "Result"]  # a problem with weights, and seconds


@dataclass(frozen=True, slots=True)
class Caution:
    """The blended value of a solution against today, points of NRR net of bent rules, and the proved bound on it.

    rounds : solves with different weights; expected_only : blended value of the solution that is best on average, and
    expected_chance : share of draws in which that one beats today, net of bent rules
    """

    blend: float
    worst_share: float
    value: float
    bound: float
    rounds: int
    expected_only: float
    expected_chance: float

    @property
    def gap_pp(self) -> float:
        """Points between the bound and the value."""
        return max(self.bound - self.value, 0.0)


@dataclass
class _Hunt:
    """Solutions found so far with what they gain in every draw, and the lowest bound."""

    problem: Problem
    today: FloatArray
    hooks: Sequence[Hook] = ()
    bound: float = np.inf
    solutions: list[Solution] = field(default_factory=list)
    gains: list[FloatArray] = field(default_factory=list)

    def take(self, solution: Solution | None) -> None:
        """Count a solution that holds up."""
        if solution is None or solution in self.solutions:
            return
        value = evaluate(self.problem, solution)
        if not value.violations and not hook_violations(self.hooks, self.problem, solution):
            self.solutions.append(solution)
            self.gains.append(POINTS * (nrr_by_draw(self.problem, solution) - self.today - value.soft_cost))

    @property
    def values(self) -> list[float]:
        """Blended value of every solution."""
        return [blended(gain) for gain in self.gains]


def cautious(
    problem: Problem, solve_with: SolveWith, *, seconds: float, gap_pp: float, hooks: Sequence[Hook] = ()
) -> Result:
    """The solution with the best blended value that was found, with its bound.

    solve_with : the risk-neutral solve for a problem with weights; hooks : the constraints that it keeps besides

    Raises
    ------
    InputError
        When nothing was drawn, so that there are no cases to fear.
    """
    if not problem.weights:
        raise InputError(
            Finding(
                "no-draws", "the response has no draws, so nothing is known about bad cases",
                "A response that optcomp fit wrote, with its draws beside it", "Solve without --risk cvar",
            )
        )  # fmt: skip
    started, hunt = time.monotonic(), _Hunt(problem, today_by_draw(problem), hooks)
    if (problem.accounts.csm >= 0).all():
        hunt.take(current_solution(problem))
    first = _round(hunt, problem, solve_with, TIME_SHARE * seconds)
    if first.solution is None:
        return first
    expected, rounds, last = hunt.gains[hunt.solutions.index(first.solution)], 1, first
    while rounds < ROUNDS and not last.signal and hunt.bound - max(hunt.values) > gap_pp:
        weights, reachable = hardest_weights(hunt.gains)
        left = seconds - (time.monotonic() - started)
        if left <= 0.0 or hunt.bound - reachable < WORTH_A_ROUND * gap_pp:
            break
        last = _round(hunt, replace(problem, weights=tuple(weights.tolist())), solve_with, TIME_SHARE * left)
        rounds += 1
    best = hunt.solutions[int(np.argmax(hunt.values))]
    chance = float((expected > 0.0).mean())
    caution = Caution(BLEND, WORST_SHARE, max(hunt.values), hunt.bound, rounds, blended(expected), chance)
    return replace(
        first, solution=best, evaluation=_evaluation(first, best), caution=caution, signal=last.signal,
        seconds=time.monotonic() - started,
    )  # fmt: skip


def _round(hunt: _Hunt, problem: Problem, solve_with: SolveWith, seconds: float) -> Result:
    result = solve_with(problem, seconds)
    hunt.take(result.solution)
    today = float(np.array(problem.weights) @ hunt.today)
    hunt.bound = min(hunt.bound, POINTS * (result.objective_bound - today))
    return result


def _evaluation(first: Result, best: Solution) -> Evaluation | None:
    return first.evaluation if best == first.solution else evaluate(first.problem, best)


def blended(gain: FloatArray) -> float:
    """Mean and worst cases of gains, blended."""
    return (1.0 - BLEND) * float(gain.mean()) + BLEND * worst_mean(gain, WORST_SHARE)


def hardest_weights(gains: list[FloatArray]) -> tuple[FloatArray, float]:
    """Weights under which the best of these gains is as low as it gets, and that value: no weights prove less."""
    count = len(gains[0])
    floor, room = (1.0 - BLEND) / count, BLEND / max(WORST_SHARE * count, 1.0)
    # Columns: the weights, then the value t of the best; minimise t subject to weights · gain <= t.
    rows = np.column_stack([np.array(gains), -np.ones(len(gains))])
    found = linprog(
        np.append(np.zeros(count), 1.0),
        A_ub=rows,
        b_ub=np.zeros(len(gains)),
        A_eq=np.append(np.ones(count), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(floor, floor + room)] * count + [(None, None)],
        method="highs",
    )
    weights = np.clip(found.x[:count], floor, floor + room)
    return weights / weights.sum(), float(found.fun)
