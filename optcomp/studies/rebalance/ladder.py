"""The move ladder: the best books at 0, 1, 2, 5, 10, … moves beyond the forced ones, each with its proven bound.

Every rung is a solve with a hard limit on moves, in which a move has no price of its own: what a hand-over costs is in
the response. The top rung is where further moves stop paying, at the price that the instance puts on a move. All of
them share what they learn: books, bounds and programs of one rung serve the others.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from optcomp.average import with_draws
from optcomp.decompose.memory import Memory, plans_key
from optcomp.decompose.search import plans_of_all
from optcomp.evaluate import evaluate
from optcomp.infeasible import why_nothing_fits
from optcomp.problem import Problem
from optcomp.rules import Rules, State
from optcomp.solution import Solution
from optcomp.solve import Engines, OnProgress, Result, Settings, Status, solve
from optcomp.words import plural

POINTS = 100.0
# Share of the gap asked for that rungs of few moves are brought down to where pools can do it quickly: what each move
# brings is a difference of rungs, and 0.01 points of $100 million are $10,000. From FEW moves on it grows with their
# number, for they share the gap between them, up to all of it.
AIM, FEW = 0.1, 20
# Value of a rung below that of the one before by no more than this is the same value summed in another order.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Rung:
    """The best books with at most `limit` moves beyond the forced ones.

    value, bound : objective without any price on moves, and what it cannot exceed (ratios; None where no books are
        known, -inf where none exist)
    reasons : why nothing fits, where that is proved
    """

    limit: int
    solution: Solution | None
    value: float | None
    bound: float
    moves: int = 0
    moves_forced: int = 0
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()

    @property
    def is_infeasible(self) -> bool:
        """It is proved that no books keep the rules with so few moves."""
        return self.bound == -math.inf

    @property
    def gap_pp(self) -> float:
        """Points of NRR between bound and value."""
        return math.inf if self.value is None else max(POINTS * (self.bound - self.value), 0.0)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Rungs from the fewest moves to the most.

    total_arr : USD; turns ratios into money
    optimum : limit of the rung from which no further move pays, None where it was not looked for
    price : USD that a move must bring to count as paying
    """

    rungs: tuple[Rung, ...]
    total_arr: float
    optimum: int | None
    price: float

    def net_arr(self, rung: Rung) -> float | None:
        """Predicted ARR at the end of the year in USD, net of the prices of bent rules."""
        return None if rung.value is None else rung.value * self.total_arr

    def steps(self) -> Iterator[tuple[Rung, float | None, str]]:
        """Every rung, USD that each move since the last one brings, and why more than before where it does."""
        known: list[Rung] = []
        last: float | None = None
        for rung in self.rungs:
            each = self._each(known[-1], rung) if known and rung.value is not None else None
            remark = self._remark(known, rung) if each is not None and last is not None and each > last else ""
            yield rung, each, remark
            if rung.value is not None:
                known.append(rung)
                last = each

    def _each(self, before: Rung, rung: Rung) -> float:
        return ((rung.value or 0.0) - (before.value or 0.0)) * self.total_arr / (rung.limit - before.limit)

    def _remark(self, known: Sequence[Rung], rung: Rung) -> str:
        """A further move brings more than the one before: proved, or within what the bounds leave open."""
        first, second = known[-2], known[-1]
        most_before = (second.bound - (first.value or 0.0)) / (second.limit - first.limit)
        least_now = ((rung.value or 0.0) - second.bound) / (rung.limit - second.limit)
        if least_now > most_before:
            return "proved: these moves pay only together (limits on books or families leave no room for fewer)"
        return "not proved: the difference lies within the gaps of these rungs"

    @property
    def knee(self) -> int | None:
        """Limit of the rung farthest above the straight line from the first rung to the last; None below three."""
        known = [r for r in self.rungs if r.value is not None]
        if len(known) < 3:
            return None
        first, last = known[0], known[-1]
        slope = ((last.value or 0.0) - (first.value or 0.0)) / (last.limit - first.limit)
        above = [(r.value or 0.0) - (first.value or 0.0) - slope * (r.limit - first.limit) for r in known]
        return known[above.index(max(above))].limit


@dataclass(frozen=True, slots=True)
class Climb:
    """A ladder and the result on the rung that was chosen."""

    ladder: Ladder
    chosen: Result


def limits_below(top: int) -> list[int]:
    """0, 1, 2, 5, 10, 20, 50, … below a number of moves."""
    series = [0] + [digit * 10**power for power in range(len(str(top))) for digit in (1, 2, 5)]
    return [n for n in series if n < top]


def with_rule(
    problem: Problem, rule_id: str, *, state: State | None = None, price: float | None = None, **numbers: float
) -> Problem:
    """The problem with one rule set, in its rules and in what its instance says of them."""
    rule = problem.rules[rule_id]
    price = rule.price if price is None else price
    rule = replace(rule, state=state or rule.state, price=price, numbers={**rule.numbers, **numbers})
    overrides = dict(problem.instance.rule_overrides)
    changed: dict[str, object] = {"state": rule.state, "price": price, **numbers}
    overrides[rule_id] = tuple(sorted({**dict(overrides.get(rule_id, ())), **changed}.items()))
    instance = replace(problem.instance, rule_overrides=tuple(sorted(overrides.items())))
    if rule_id == "moves":
        return problem.with_moves(rule, instance)
    rules = Rules(problem.rules.pack, {**problem.rules.by_id, rule_id: rule})
    return replace(problem, rules=rules, instance=instance)


def at_most(problem: Problem, moves: int) -> Problem:
    """The problem with at most so many moves beyond the forced ones, none of them priced."""
    return with_rule(problem, "moves", state="hard", max=moves)


def climb(
    problem: Problem,
    settings: Settings,
    *,
    moves: int | None = None,
    has_ladder: bool = True,
    engines: Engines | None = None,
    on_progress: OnProgress | None = None,
    is_over: Callable[[Result], bool] = lambda result: bool(result.signal),
) -> Climb:
    """Solve the rungs and choose one: `moves`, or the optimum where None.

    has_ladder : False solves the chosen rung alone
    is_over : whether the climb ends after this result (the user interrupted)
    """
    problem = problem if problem.weights else with_draws(problem, settings.draws)
    run = _Run(problem, settings, engines, on_progress, time.monotonic() + settings.time_limit_seconds)
    if moves is not None and not has_ladder:
        chosen = run.within(moves)
        rung = run.rung(moves, chosen)
        return Climb(Ladder((rung,), problem.total_arr, None, run.price), chosen)
    best = run.solve(problem)
    if best.evaluation is None or best.solution is None:
        return Climb(Ladder((run.rung(0, best),), problem.total_arr, 0, run.price), best)
    top = best.evaluation.moves_counted
    rungs, chosen, last = [run.top(best, best.solution, top)], best, best
    wanted = {*(limits_below(top) if has_ladder else ()), *(() if moves is None else (moves,))} - {top}
    for limit in sorted(wanted, reverse=True):
        if is_over(last):
            break
        if rungs[-1].is_infeasible and limit < rungs[-1].limit:  # fewer moves cannot do what more cannot
            rungs.append(replace(rungs[-1], limit=limit, seconds=0.0))
            chosen = replace(last, problem=at_most(problem, limit)) if limit == moves else chosen
            continue
        last = run.within(limit)
        rungs.append(run.rung(limit, last))
        chosen = last if limit == moves else chosen
        if rungs[-1].is_infeasible and limit < run.fewest < rungs[-2].limit:  # the first rung that may have books
            rungs.insert(-1, run.rung(run.fewest, run.within(run.fewest)))
    chosen = replace(_kept_within(chosen, moves), signal=chosen.signal or last.signal)
    return Climb(Ladder(_tightened(problem, rungs, best), problem.total_arr, top, run.price), chosen)


def _kept_within(result: Result, moves: int | None) -> Result:
    """The result, or none where it has more moves than were asked for: the climb ended before that rung."""
    if moves is None or result.evaluation is None or result.evaluation.moves_counted <= moves:
        return result
    return replace(
        result,
        problem=at_most(result.problem, moves),
        status=Status.NO_SOLUTION,
        solution=None,
        evaluation=None,
        objective_bound=math.inf,
        pay_first=None,
        books_first=None,
        certificate=None,
    )


@dataclass
class _Run:
    problem: Problem
    settings: Settings
    engines: Engines | None
    on_progress: OnProgress | None
    deadline: float
    memory: Memory = field(default_factory=Memory)

    @property
    def fewest(self) -> int:
        """Moves that all books are proved to have at least, under any plans; 0 where nobody asked yet."""
        return self.memory.fewest.get(plans_key(plans_of_all(self.problem), money=True), 0)

    def within(self, limit: int) -> Result:
        """The best books within a limit on moves."""
        self.memory.aim = min(AIM * max(limit / FEW, 1.0), 1.0)
        return self.solve(at_most(self.problem, limit))

    @property
    def price(self) -> float:
        """USD of a move, as the instance has it."""
        rule = self.problem.rules["moves"]
        return rule.price if rule.is_soft else 0.0

    def solve(self, problem: Problem) -> Result:
        """A solve in the time that is left, with what those before have taught."""
        settings = replace(self.settings, time_limit_seconds=max(self.deadline - time.monotonic(), 0.0))
        return solve(problem, settings, self.on_progress, engines=self.engines, memory=self.memory)

    def rung(self, limit: int, result: Result) -> Rung:
        """The rung of a solve with a limit."""
        value = result.evaluation
        return Rung(
            limit,
            result.solution,
            None if value is None else value.objective,
            result.objective_bound,
            moves=0 if value is None else value.moves_counted,
            moves_forced=0 if value is None else value.moves_forced,
            seconds=result.seconds,
            reasons=self._reasons(result, limit),
        )

    def _reasons(self, result: Result, limit: int) -> tuple[str, ...]:
        if result.status is not Status.INFEASIBLE:
            return ()
        if limit < self.fewest:
            return (f"at least {plural(self.fewest, 'move')} beyond the forced ones are needed",)
        return why_nothing_fits(result.problem) or ("no books keep every hard rule with so few moves",)

    def top(self, best: Result, solution: Solution, moves: int) -> Rung:
        """The rung of the optimum, with what its moves cost taken out of value and bound."""
        value = evaluate(at_most(self.problem, moves), solution).objective
        bound = max(best.objective_bound + paid_for_moves(self.problem, moves), value)
        return replace(self.rung(moves, best), value=value, bound=bound)


def paid_for_moves(problem: Problem, moves: int) -> float:
    """What the instance's price takes off the objective for so many counted moves, as a ratio to ARR."""
    rule = problem.rules["moves"]
    excess = max(moves - rule["max"], 0.0)
    return rule.price * excess / problem.total_arr if rule.is_soft and problem.total_arr > 0.0 else 0.0


def _tightened(problem: Problem, rungs: Sequence[Rung], best: Result) -> tuple[Rung, ...]:
    """The rungs in order, each with the best that all of them prove.

    Books with few moves are books with at most more; what holds for more moves holds for fewer; and the optimum's
    bound with the price of the moves added holds for every number of them.
    """
    ordered = sorted(rungs, key=lambda r: r.limit)
    up: list[Rung] = []
    for rung in ordered:
        below = up[-1] if up else None
        if below is not None and below.value is not None and below.value > (rung.value or -math.inf) + _ROUNDING:
            rung = replace(
                rung,
                solution=below.solution,
                value=below.value,
                moves=below.moves,
                moves_forced=below.moves_forced,
                bound=max(rung.bound, below.value),
            )
        up.append(rung)
    ceiling, down = math.inf, []
    for rung in reversed(up):
        ceiling = min(ceiling, rung.bound)
        bound = min(ceiling, best.objective_bound + paid_for_moves(problem, rung.limit))
        down.append(replace(rung, bound=bound if rung.value is None else max(bound, rung.value)))
    return tuple(reversed(down))
