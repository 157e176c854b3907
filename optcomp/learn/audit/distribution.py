"""How pay is spread: what was paid, by segment, and what today's plan would pay next year.

Pay counts as a share of the variable at target. The past is counted; next year is drawn from the response model's
attainments (normal about 1, exact chances for a fixed share of logos), with a fixed seed. Source: SCIENCE 5.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.audit.fairness import csm_years
from optcomp.learn.audit.payline import Line, total_multiple
from optcomp.learn.audit.replay import curve_values
from optcomp.learn.history import History
from optcomp.payout import chance_of_share, curve_breaks, largest_curve, normal_cdf, normal_pdf
from optcomp.plan import Component, Plan
from optcomp.problem import Problem
from optcomp.response.outcome import sigmoid
from optcomp.types import BoolArray, FloatArray, IntArray

# Below this share of target a payout disappoints (SCIENCE 5.5).
LOW = 0.5
PERCENTILES = (0.1, 0.5, 0.9)
# The error of a chance of one half is then 1.1 points for one person, less for a segment.
DRAWS = 2000
# Of a multiple: less than this beside zero, or beside the largest, is rounding of payroll.
_CENT = 1e-4


@dataclass(frozen=True)
class Seen:
    """What was paid in one segment; NaN where no year of anybody is known.

    years : CSM-years, of three known quarters or more; mean, low, median, high : payout over target of a year, the
    middle three at 10, 50 and 90 %; below_half : share of the years; gini : of the years, 0 if all are paid the same
    zero, full : share of quarters without any payout, and with the largest that the plan can pay
    """

    segment: str
    years: int
    mean: float
    low: float
    median: float
    high: float
    below_half: float
    gini: float
    zero: float
    full: float


def seen(history: History, paid: Sequence[Line]) -> tuple[Seen, ...]:
    """By segment, those without a known payout left out."""
    total = total_multiple(history, tuple(paid))
    largest = _largest(history)
    years = csm_years(history, total)
    segment, year = history.csm_quarters.segment, np.array([total[r].mean() for r in years])
    of_year = np.array([segment[r[-1]] for r in years], dtype=np.int64)
    quarters = [np.flatnonzero((segment == s) & ~np.isnan(total)) for s in range(len(history.segments))]
    return tuple(
        _seen(name, year[of_year == s], total[quarters[s]], largest[quarters[s]])
        for s, name in enumerate(history.segments)
        if len(quarters[s])
    )


def _seen(segment: str, year: FloatArray, quarter: FloatArray, largest: FloatArray) -> Seen:
    low, median, high = np.quantile(year, PERCENTILES) if len(year) else (np.nan,) * 3
    return Seen(
        segment, len(year), _mean(year), float(low), float(median), float(high), _mean(year < LOW), gini(year),
        _mean(quarter <= _CENT), _mean(quarter >= largest - _CENT),
    )  # fmt: skip


def _mean(values: FloatArray | BoolArray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _largest(history: History) -> FloatArray:
    """The largest multiple that the plan in force could pay, by CSM-quarter; infinite without a cap."""
    plans = history.plans.plans
    top = [sum(c.weight * largest_curve(c) for c in p.mix.components) for p in plans]
    return np.array([*top, np.inf])[history.csm_plan]  # -1 is "no plan"


def gini(values: FloatArray) -> float:
    """Mean difference of two over twice the mean (Gini 1912): 0 if all are the same, NaN where nothing is paid."""
    ordered, n = np.sort(values), len(values)
    if not n or ordered.sum() <= 0.0:
        return float("nan")
    return float(((2.0 * np.arange(1, n + 1) - n - 1.0) * ordered).sum() / (n * ordered.sum()))


# ---- next year ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ahead:
    """A year under today's plan with today's books, in one segment.

    mean : payout over target; below_half, zero : chance for one CSM; gini : within the segment in a typical year
    cost, cost_high : USD of variable pay of all its CSMs, expected and in one year of ten
    convexity : share of the marginal pay that sits in a step or an accelerator, 0 to 1 (SCIENCE 1.3)
    leak : share of expansion ARR that the response model expects to be lost again to gaming
    """

    segment: str
    people: int
    mean: float
    below_half: float
    zero: float
    gini: float
    cost: float
    cost_high: float
    convexity: float
    leak: float


def ahead(problem: Problem, seed: int, plans: Sequence[Plan] | None = None) -> tuple[Ahead, ...]:
    """By segment, those without variable pay left out.

    plans : one per segment, in force instead of today's; people keep their variable at target
    """
    return tuple(_ahead(problem, seed, plans or [problem.today_plan(s) for s in range(len(problem.segments))]))


def _ahead(problem: Problem, seed: int, plans: Sequence[Plan]) -> Iterator[Ahead]:
    for s, segment in enumerate(problem.segments):
        people = np.flatnonzero(problem.csms.segment == s)
        variable = np.array([problem.csm_list[j].variable for j in people]) * problem.csms.presence[people]
        if not len(people) or variable.sum() <= 0.0:
            continue
        plan = plans[s]
        drawn = _drawn(problem, plan, people, np.random.default_rng([seed, s, 7]))
        cost = drawn @ variable
        yield Ahead(
            segment.name, len(people), float(drawn.mean()), float((drawn < LOW).mean()), float((drawn <= _CENT).mean()),
            float(np.nanmean([gini(row) for row in drawn]) if len(people) > 1 else np.nan), float(cost.mean()),
            float(np.quantile(cost, 0.9)), convexity(problem, plan), float(problem.today_leak[s]),
        )  # fmt: skip


def _drawn(problem: Problem, plan: Plan, people: IntArray, rng: np.random.Generator) -> FloatArray:
    """Payout over target, shape (draws, people)."""
    total = np.zeros((DRAWS, len(people)))
    for component in plan.mix.components:
        total += component.weight * _component(problem, component, people, rng)
    gate, attainment = plan.mix.gate, problem.response.attainment
    if gate:
        missed = rng.normal(attainment.csat_mean, attainment.csat_sd, total.shape) < gate.target
        total *= 1.0 - gate.at_risk * missed
    return total


def _component(problem: Problem, component: Component, people: IntArray, rng: np.random.Generator) -> FloatArray:
    is_team = component.scope == "team" or component.metric == "TEAM"
    shape = (DRAWS, 1 if is_team else len(people))
    sd = problem.response.attainment.sd.get(component.metric, 0.0)
    if not component.curve.absolute:
        return np.broadcast_to(curve_values(component.curve, rng.normal(1.0, sd, shape)), (DRAWS, len(people)))
    keeps, arr = _books(problem, people)
    if component.metric == "LOGO" and component.curve.kind == "all-or-nothing":
        chance = np.array([chance_of_share(k, component.curve.threshold) if len(k) else np.nan for k in keeps])
        chance = np.where(np.isnan(chance), _usual(chance), chance)
        return (rng.random((DRAWS, len(people))) < chance).astype(float)
    means, sds = np.array([_share(component.metric, k, a) for k, a in zip(keeps, arr, strict=True)]).T
    means, sds = (np.where(np.isnan(v), _usual(v), v) for v in (means, sds))
    return curve_values(component.curve, rng.normal(means, sds, (DRAWS, len(people))))


def _books(problem: Problem, people: IntArray) -> tuple[list[FloatArray], list[FloatArray]]:
    """Chance that each account of each book stays, and its ARR."""
    accounts = problem.accounts
    books = [np.flatnonzero(accounts.csm == j) for j in people.tolist()]
    pairs = [problem.pairs(book, accounts.csm[book]) for book in books]
    return [np.asarray(p.due * sigmoid(p.renew) + 1.0 - p.due) for p in pairs], [p.arr for p in pairs]


def _share(metric: str, keeps: FloatArray, arr: FloatArray) -> tuple[float, float]:
    """Mean and sd of the share kept of a book, by ARR or by logos; NaN for an empty one."""
    if not len(keeps):
        return float("nan"), float("nan")
    weight = arr / arr.sum() if metric == "GRR" else np.full(len(keeps), 1.0 / len(keeps))
    return float((weight * keeps).sum()), float(np.sqrt((weight**2 * keeps * (1.0 - keeps)).sum()))


def _usual(values: FloatArray) -> float:
    """Somebody without a book yet is expected to fare like the colleagues of the segment."""
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else 1.0


def convexity(problem: Problem, plan: Plan) -> float:
    r"""Share of the marginal pay of a plan that sits in steps and accelerators.

    .. math:: \kappa = \frac{\sum_m J_m \varphi(z_m)/s + \sum_{D_m > 0,\, b_m \ge 1} D_m \Phi(z_m)}{E[\pi']}

    at attainment 1 (a fixed share: at its threshold, where it is steepest); weighted by components.

    Source: SCIENCE 1.3.
    """
    steep = whole = 0.0
    for c in plan.mix.components:
        sd = problem.response.attainment.sd.get(c.metric, 0.0)
        if sd <= 0.0:
            continue
        mean = c.curve.threshold if c.curve.absolute else 1.0
        for place, slope_change, jump in curve_breaks(c.curve):
            z = (mean - place) / sd
            step = jump * normal_pdf(z) / sd
            own = slope_change * normal_cdf(z)
            whole += c.weight * (step + own)
            steep += c.weight * (step + (own if slope_change > 0.0 and place >= 1.0 else 0.0))
    return steep / whole if whole > 0.0 else float("nan")
