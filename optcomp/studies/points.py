"""What a study finds: curves of points, each a solution with its proof and where its money goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from optcomp.design import own_base
from optcomp.evaluate import Evaluation, decide
from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.studies.menus import STRATEGIES

POINTS = 100.0
BEST = "best"


@dataclass(frozen=True, slots=True)
class Money:
    """What a segment is paid in the plan year, USD.

    base, variable : of everybody who is on the payroll today or joins; variable as expected
    heads : everything that is paid on open positions that are filled
    """

    base: float = 0.0
    variable: float = 0.0
    heads: float = 0.0

    @property
    def total(self) -> float:
        """Base, variable and heads."""
        return self.base + self.variable + self.heads

    def minus(self, other: Money) -> Money:
        """What is more here than there."""
        return Money(self.base - other.base, self.variable - other.variable, self.heads - other.heads)

    def plus(self, other: Money) -> Money:
        """Both together."""
        return Money(self.base + other.base, self.variable + other.variable, self.heads + other.heads)


@dataclass(frozen=True, slots=True)
class Point:
    """The best that was found for one value of the number that is varied, and what is proved about it.

    value : of that number; for the budget the share by which it rises
    problem : with that value; solution, evaluation : None where nothing was found
    bound : nothing is worth more (ratio); inf: nothing proved, -inf: proved that nothing fits
    money : by segment, in the order of the instance
    broken : hard rules that a solution from elsewhere breaks here, which is why there is none
    """

    value: float
    problem: Problem
    bound: float
    solution: Solution | None = None
    evaluation: Evaluation | None = None
    plans: tuple[Plan, ...] = ()
    money: tuple[Money, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def budget(self) -> float:
        """The pay budget, USD in the plan year."""
        return self.problem.instance.pay_budget

    @property
    def objective(self) -> float | None:
        """NRR less the prices of bent rules (ratio)."""
        return None if self.evaluation is None else self.evaluation.objective

    @property
    def gap_pp(self) -> float | None:
        """Points of NRR between the bound and the solution; None where either is missing."""
        if self.evaluation is None or not math.isfinite(self.bound):
            return None
        return max(POINTS * (self.bound - self.evaluation.objective), 0.0)

    @property
    def total(self) -> Money:
        """What everybody is paid."""
        total = Money()
        for part in self.money:
            total = total.plus(part)
        return total


@dataclass(frozen=True, slots=True)
class Curve:
    """Points in the order of their values; `name` is `best` or the forced strategy."""

    name: str
    points: tuple[Point, ...]

    @property
    def solved(self) -> tuple[Point, ...]:
        """Points with a solution."""
        return tuple(p for p in self.points if p.evaluation is not None)


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 90 % of draws."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """What draws say of the best solutions; empty where nothing was drawn.

    num_draws : of the response; uplift : points of NRR over today, by the value of the step
    marginal : ARR for the last dollar of budget up to the step, by its value
    asked : ARR for every extra dollar of +15 %, None where it or +0 % has no solution
    """

    num_draws: int = 0
    uplift: Mapping[float, Interval] = field(default_factory=dict)
    marginal: Mapping[float, Interval] = field(default_factory=dict)
    asked: Interval | None = None


@dataclass(frozen=True, slots=True)
class Study:
    """A number varied from step to step.

    key : the number, `budget` for the budget curve; unit : of its values
    base : the problem as the instance states it
    current : today's plans and books
    why_alone : why every step was solved by itself; empty where all steps share what is known of the pools
    signal : that ended it early, 0 for none
    names : of the steps where they are no numbers; the value of a point is then its place among them
    intervals : what draws of the response say, empty where nothing was drawn
    """

    key: str
    unit: str
    base: Problem
    current: Evaluation
    curves: tuple[Curve, ...]
    seconds: float
    why_alone: str = ""
    signal: int = 0
    extended: bool = False
    names: tuple[str, ...] = ()
    intervals: Intervals = field(default_factory=Intervals)

    def name_of(self, value: float) -> str:
        """A value as tables show it."""
        return self.names[round(value)] if self.names else f"{value:g}"

    @property
    def best(self) -> Curve:
        """The best mix."""
        return self.curves[0]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to study.

    time_limit_seconds : for the whole study; gap_pp : points of NRR to which every point is to be proved
    strategies : the forced ones that are shown beside the best mix of a budget curve
    """

    time_limit_seconds: float = 600.0
    gap_pp: float = 0.01
    seed: int = 0
    workers: int = 2
    tell: Callable[[str], None] = field(default=lambda text: None)
    strategies: tuple[str, ...] = STRATEGIES


def point(value: float, problem: Problem, bound: float, solution: Solution | None, found: Evaluation | None) -> Point:
    """A point with what follows from its solution."""
    if solution is None or found is None:
        return Point(value, problem, bound)
    decision = decide(problem, solution)
    plans = tuple(problem.plans[s][int(k)] for s, k in enumerate(decision.plan))
    money = tuple(_money(problem, s, plan, found) for s, plan in enumerate(plans))
    return Point(value, problem, max(bound, found.objective), solution, found, plans, money)


def _money(problem: Problem, segment: int, plan: Plan, found: Evaluation) -> Money:
    rows = np.flatnonzero(problem.csms.segment == segment)
    is_open = problem.csms.is_open[rows]
    base = np.array([own_base(plan, problem.csm_list[j]) for j in rows]) * problem.csms.presence[rows]
    pay = found.books.pay[rows]
    return Money(
        base=float(base[~is_open].sum()),
        variable=float((pay - base)[~is_open].sum()),
        heads=float(pay[is_open].sum()),
    )


def steps(low: float, high: float, count: int, *, also: Sequence[float] = ()) -> tuple[float, ...]:
    """Values at equal distances from low to high, and those of `also` that lie between."""
    even = [low + (high - low) * k / (count - 1) for k in range(count)] if count > 1 else [low]
    more = [v for v in also if low <= v <= high and min(abs(v - e) for e in even) > 1e-9]
    return tuple(sorted({round(v, 12) for v in (*even, *more)}))
