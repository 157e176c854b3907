"""The full menu: every plan on the weight grid, scored at once, without those that another plan beats in everything.

A plan is left out only if another of the same base level and variable share is no worse in every number that an
active term
or rule reads. At the same level everybody's pay at target, and so their quit probability, is the same; what differs is

- the effect on renewal and contraction (log-odds: all accounts move the same way),
- expansion net of gaming, log[(1 - leak) P(expand)], which lies between its values at the ends of the range of the
  accounts' log-odds because the ratio of two such curves is monotone,
- the hours that paid activities take, the expected and the largest payout, prices of soft design rules, and whether
  renewals are paid quarterly, which brings a further rule.

Source: DESIGN 4.2, step 1.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from optcomp.design import level_amounts, mix_amounts
from optcomp.menu import grid_mixes, make_plan, plan_id
from optcomp.payout import gate_miss_probability, largest_payout
from optcomp.plan import GridSpec, MenuSpec, Mix, Plan
from optcomp.response.effort import MixArrays, effects_of_mixes, expected_without_gate, mix_arrays
from optcomp.types import FloatArray, IntArray

if TYPE_CHECKING:
    from optcomp.problem import Problem

TIE = 1e-12  # a plan that is worse by rounding only is no reason to keep both


@dataclass(frozen=True)
class Scored:
    """Mixes of a grid that the hard design rules allow, with what pruning reads of them; arrays have shape (mixes,)."""

    mixes: list[Mix]
    arrays: MixArrays
    expected: FloatArray
    largest: FloatArray
    price: FloatArray


def grid_plans(problem: Problem, segment: int, menu: MenuSpec, *, without: str = "") -> list[Plan]:
    """Plans on the grid that may be best for the segment, in a fixed order.

    without : id of a plan that is not to be had, so that what only it beats may be best
    """
    if menu.grid is None:
        return []
    scored = _score(problem, segment, menu.grid)
    plans: list[Plan] = []
    for base_factor, share in itertools.product(menu.base_factors, menu.variable_shares):
        level = make_plan(Mix("level", ()), base_factor, share)
        rows = [k for k, m in enumerate(scored.mixes) if not without or plan_id(m.name, base_factor, share) != without]
        if rows and not _is_forbidden(problem, level_amounts(level, problem, segment)):
            if not problem.weights:  # what beats a plan under one response need not beat it under another
                numbers = _numbers(problem, segment, scored, level)[rows]
                rows = [rows[k] for k in undominated(numbers)]
            plans += [make_plan(scored.mixes[k], base_factor, share) for k in rows]
    return plans


def _score(problem: Problem, segment: int, grid: GridSpec) -> Scored:
    attainment = problem.response.attainment
    mixes, prices = [], []
    for mix in grid_mixes(grid):
        amounts = mix_amounts(make_plan(mix, 1.0, 0.5), problem, segment)
        if not _is_forbidden(problem, amounts):
            mixes.append(mix)
            prices.append(sum(problem.rules[name].price * amount for name, amount in amounts.items()))
    miss = [gate_miss_probability(m.gate, attainment.csat_mean, attainment.csat_sd) for m in mixes]
    kept = [1.0 - p * (m.gate.at_risk if m.gate else 0.0) for m, p in zip(mixes, miss, strict=True)]
    people = len(problem.people(segment))
    return Scored(
        mixes,
        mix_arrays(mixes, heads=people, effort=problem.response.effort, attainment=attainment),
        np.array([expected_without_gate(m, attainment) for m in mixes]) * np.array(kept),
        np.array([largest_payout(Plan("", m, 1.0, 0.0)) for m in mixes]),
        np.array(prices),
    )


def _is_forbidden(problem: Problem, amounts: dict[str, float]) -> bool:
    return any(problem.rules[name].is_hard for name in amounts)


def _numbers(problem: Problem, segment: int, scored: Scored, level: Plan) -> FloatArray:
    """What active terms and rules read of every mix at a level, higher is better; shape (mixes, numbers)."""
    response = problem.response
    people = problem.people(segment)
    mean_base = sum(c.base for c in people) / len(people) if people else 0.0
    variable = np.full(len(scored.mixes), mean_base * level.base_factor * level.variable_per_base)
    rows: IntArray = np.arange(len(scored.mixes))
    effects = effects_of_mixes(scored.arrays, rows, variable, response.effort)
    outcome = response.outcome
    expand = effects.phi @ np.array(outcome.expand)
    numbers = [
        effects.phi @ np.array(outcome.renew),
        -(effects.phi @ np.array(outcome.contract)),
        *(np.log1p(-effects.leak) - np.log1p(np.exp(-(end + expand))) for end in problem.expansion_range),
        -effects.hours_factor,
        -scored.price,
    ]
    if problem.rules["budget"].is_on:
        numbers.append(-scored.expected)
    if problem.rules["exposure"].is_on:
        numbers.append(-scored.largest)
    if problem.rules["renewals_due"].is_on:
        numbers.append(-effects.pays_renewals_quarterly.astype(float))
    return np.column_stack(numbers)


def undominated(numbers: FloatArray) -> Sequence[int]:
    """Rows that no other row equals or beats in every number; of equal rows the first, in the order of the rows."""
    left: IntArray = np.arange(len(numbers))
    kept: list[int] = []
    scale = np.where(np.ptp(numbers, axis=0) > 0.0, np.ptp(numbers, axis=0), 1.0)
    height = (numbers / scale).sum(axis=1)
    while len(left):
        top = int(left[height[left].argmax()])  # the highest sum cannot be beaten by any other
        kept.append(top)
        left = left[(numbers[left] > numbers[top] + TIE).any(axis=1)]
    return sorted(kept)
