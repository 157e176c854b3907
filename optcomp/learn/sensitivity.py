"""Does the answer hang on the prior? The plan that would be chosen under other priors and under one map alone.

A light scorer stands in for `solve`: today's books, no moves, load 1, and for every segment its share of the budget by
today's cost. It says whether the choice changes, not what to choose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optcomp.learn.draws import Draws, PlanLogOdds, plan_log_odds, response_of
from optcomp.learn.maps import MAPS, MapName
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Posterior
from optcomp.learn.sample import at_mode
from optcomp.problem import Problem
from optcomp.response.outcome import Shift, predict
from optcomp.types import FloatArray

MULTIPLES = (0.0, 1.0, 2.0)
# A new plan with more than half of its variable on one component is outside the guardrails (SCIENCE 0.4).
LARGEST_WEIGHT = 0.5
# Cells of plans × accounts held at a time: a dozen arrays of 16 MB.
BLOCK = 2_000_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What would be chosen in one scenario.

    plans : plan id by segment; gain_pp : its NRR over today's plans at today's books, in points
    """

    scenario: str
    plans: tuple[tuple[str, str], ...]
    gain_pp: float


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Choices under all scenarios; the first is the one that the fit itself makes."""

    choices: tuple[Choice, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """Scenarios in which another plan would be chosen for some segment."""
        return tuple(c.scenario for c in self.choices[1:] if c.plans != self.choices[0].plans)


def sensitivity(panel: Panel, posterior: Posterior) -> Sensitivity:
    """The choice with the means of all plan effects × 0, 1 and 2, and under each feature map alone."""
    tables: dict[tuple[float, MapName], list[FloatArray]] = {}
    for multiple in MULTIPLES:
        refitted = posterior if multiple == 1.0 else posterior.with_plan_prior(multiple)
        for which in MAPS:
            tables[multiple, which] = plan_values(panel.problem, at_mode(panel, refitted, which))

    def mixed(multiple: float) -> list[FloatArray]:
        pairs = zip(tables[multiple, "effort"], tables[multiple, "hill"], strict=True)
        return [(a + b) / 2.0 for a, b in pairs]

    scenarios = {
        "as fitted": mixed(1.0),
        "prior effects x 0": mixed(0.0),
        "prior effects x 2": mixed(2.0),
        "effort map only": tables[1.0, "effort"],
        "saturating map only": tables[1.0, "hill"],
    }
    allowed = [allowed_plans(panel.problem, s) for s in range(len(panel.problem.segments))]
    return Sensitivity(tuple(_choose(panel.problem, name, t, allowed) for name, t in scenarios.items()))


def mixed_values(problem: Problem, panel: Panel, posterior: Posterior) -> list[FloatArray]:
    """Year-end ARR in USD of today's books under every plan, the mean of both maps at their modes, per segment."""
    both = [plan_values(problem, at_mode(panel, posterior, which)) for which in MAPS]
    return [np.mean(values, axis=0) for values in zip(*both, strict=True)]


def plan_values(problem: Problem, point: Draws) -> list[FloatArray]:
    """Year-end ARR in USD of today's books under every plan on the menu, per segment; `point` has one draw."""
    fitted = replace(problem, response=response_of(point, 0, problem.response))
    return [_segment_values(fitted, s, plan_log_odds(point, problem, s)) for s in range(len(problem.segments))]


def _segment_values(problem: Problem, segment: int, effects: PlanLogOdds) -> FloatArray:
    owner = problem.accounts.csm
    rows = np.flatnonzero((owner >= 0) & (problem.csms.segment[np.maximum(owner, 0)] == segment))
    count = len(problem.plans[segment])
    if not len(rows):
        return np.zeros(count)
    pairs = problem.pairs(rows, owner[rows])
    leak = problem.effects[segment].leak
    values = np.empty(count)
    step = max(BLOCK // len(rows), 1)
    for start in range(0, count, step):
        block = slice(start, start + step)
        shift = Shift(
            renew=effects.renew[0, block, None] * pairs.omega,
            expand=effects.expand[0, block, None] * np.ones(len(rows)),
            contract=effects.contract[0, block, None] * pairs.omega,
            leak=leak[block, None],
        )
        quit_chance = problem.quit_chance[segment][pairs.csm][:, block].T
        values[block] = predict(pairs, shift, quit_chance).total.sum(axis=1)
    return values


def allowed_plans(problem: Problem, segment: int) -> FloatArray:
    """1 for today's plan and for new plans within the budget's share and the guardrail."""
    mine = problem.csms.segment == segment
    cost = problem.pay_cost[segment][mine].sum(axis=0)
    today = [problem.pay_cost[s][problem.csms.segment == s, 0].sum() for s in range(len(problem.segments))]
    share = problem.instance.pay_budget * today[segment] / max(sum(today), 1.0)
    spread = [max((c.weight for c in p.mix.components), default=0.0) <= LARGEST_WEIGHT for p in problem.plans[segment]]
    allowed = (cost <= share) & np.array(spread)
    allowed[0] = True
    return np.asarray(allowed, dtype=np.float64)


def _choose(problem: Problem, scenario: str, values: list[FloatArray], allowed: list[FloatArray]) -> Choice:
    best = [int(np.argmax(np.where(a > 0.0, v, -np.inf))) for v, a in zip(values, allowed, strict=True)]
    gain = sum(float(v[k] - v[0]) for v, k in zip(values, best, strict=True))
    plans = tuple((seg.name, problem.plans[s][best[s]].plan_id) for s, seg in enumerate(problem.segments))
    return Choice(scenario, plans, 100.0 * gain / problem.total_arr if problem.total_arr > 0.0 else 0.0)
