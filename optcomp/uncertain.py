"""What a solution may be worth, over everything that the history leaves open, against today with paired draws.

A draw is one response that fits both the history and the prior; half of them read pay plans as effort, half as a
saturating sum. Whatever today and the solution share cancels, because both are scored under the same draw.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from optcomp.evaluate import current_solution, nrr_by_draw
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray
from optcomp.words import POINTS

# The decision rule (SCIENCE 6): likely better, and not badly worse in the worst fifth of cases.
LIKELY = 0.8
WORST_SHARE = 0.2
BADLY_PP = -1.0
# Chances are shown in steps, and never as certain where the history says nothing (SCIENCE 6: stated .98 held 83 %).
STEP = 0.05
LEAST_CERTAIN = 0.05
# Share of a promised gain, once multiplied by what halving the CSMs leaves of it, that came true in 160 planted cases
# of 15 CSMs under sound and wide priors (docs/benchmarks/regret.md). Under a wrong prior it was 0.59.
CAME_TRUE = 0.89


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """A solution over draws; points of NRR unless said.

    is_identified : the history says something about plans; nrr_low, nrr_high : 90 % interval of expected NRR, ratios
    uplift : mean gain over today, with its 90 % interval; bad_case : mean of the worst fifth (CVaR)
    chance : share of draws in which the solution beats today; shown : the same as it may be shown
    plans_chance : share of draws in which the new plans beat today's with the solution's books, plans_shown : the same
        as it may be shown; None where no plan changes
    honest : what of the uplift is likely to come true; halved_share : share that survived on CSMs who had no say in
        the choice, None where the history was too small to be halved
    """

    draws: int
    is_identified: bool
    nrr_low: float
    nrr_high: float
    uplift: float
    uplift_low: float
    uplift_high: float
    chance: float
    shown: float
    plans_chance: float | None
    plans_shown: float | None
    bad_case: float
    honest: float
    halved_share: float | None

    @property
    def is_likely_better(self) -> bool:
        """The decision rule: likely better, and not badly worse."""
        return self.is_likely and self.bad_case >= BADLY_PP

    @property
    def is_likely(self) -> bool:
        """Likely better than today, and new plans by themselves as well: sure books must not carry doubtful plans."""
        return self.chance >= LIKELY and not self.has_doubtful_plans

    @property
    def has_doubtful_plans(self) -> bool:
        """With the same books the new plans are not likely better than today's."""
        return self.plans_chance is not None and self.plans_chance < LIKELY


def uncertainty(problem: Problem, solution: Solution) -> Uncertainty | None:
    """The solution under every response of the problem's belief; None where nothing was drawn."""
    belief = problem.belief
    if belief is None:
        return None
    value = nrr_by_draw(problem, solution)
    gain = POINTS * (value - today_by_draw(problem))
    chance = float((gain > 0.0).mean())
    share = None if math.isnan(belief.honest_share) else belief.honest_share
    by_plans = _chance_of_plans(problem, solution, value)
    return Uncertainty(
        draws=len(gain),
        is_identified=belief.is_identified,
        nrr_low=float(np.quantile(value, 0.05)),
        nrr_high=float(np.quantile(value, 0.95)),
        uplift=float(gain.mean()),
        uplift_low=float(np.quantile(gain, 0.05)),
        uplift_high=float(np.quantile(gain, 0.95)),
        chance=chance,
        shown=shown_chance(chance, is_identified=belief.is_identified),
        plans_chance=by_plans,
        plans_shown=None if by_plans is None else shown_chance(by_plans, is_identified=belief.is_identified),
        bad_case=worst_mean(gain, WORST_SHARE),
        honest=honest_gain(float(gain.mean()), belief.honest_share),
        halved_share=share,
    )


def _chance_of_plans(problem: Problem, solution: Solution, value: FloatArray) -> float | None:
    """Share of draws in which the plans beat today's with the same books; None where they are today's."""
    today = {segment.name: problem.plans[s][0].plan_id for s, segment in enumerate(problem.segments)}
    if dict(solution.plan_by_segment) == today:
        return None
    return float((value > nrr_by_draw(problem, replace(solution, plan_by_segment=today))).mean())


def today_by_draw(problem: Problem) -> FloatArray:
    """NRR of today's plans and books in every draw, leavers counted as if they stayed; a ratio, shape (draws,)."""
    staying = problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem
    return nrr_by_draw(staying, current_solution(staying))


def shown_chance(chance: float, *, is_identified: bool) -> float:
    """A chance in steps of 5 %, at most 95 % and at least 5 % where the history does not identify it."""
    shown = round(round(chance / STEP) * STEP, 2)
    return shown if is_identified else min(max(shown, LEAST_CERTAIN), 1.0 - LEAST_CERTAIN)


def worst_mean(values: FloatArray, share: float) -> float:
    """Mean of the worst share of equally likely values (CVaR); a value on the edge counts in part."""
    return float(worst_weights(values, share) @ values)


def worst_weights(values: FloatArray, share: float) -> FloatArray:
    """Weights of the worst share of equally likely values: 1 / (share · n) each, what is left on the next one."""
    count = len(values)
    weights = np.zeros(count)
    full, most = math.floor(share * count + 1e-9), 1.0 / max(share * count, 1.0)
    order = np.argsort(values, kind="stable")
    weights[order[:full]] = most
    if full < count:
        weights[order[full]] = max(1.0 - full * most, 0.0)
    return weights


def honest_gain(gain: float, halved_share: float) -> float:
    """What of a promised gain is likely to come true; a loss stays a loss."""
    share = 1.0 if math.isnan(halved_share) else halved_share
    return gain * share * CAME_TRUE if gain > 0.0 else gain
