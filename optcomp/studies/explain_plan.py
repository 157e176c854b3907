"""Why a segment is paid by its plan: today's plan, other weights, the runner-up; what a dollar or a move is worth."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations

from optcomp.evaluate import evaluate
from optcomp.hooks import Hook, hook_violations
from optcomp.instance import Segment
from optcomp.plan import Component, Plan
from optcomp.problem import Problem
from optcomp.prune import grid_plans
from optcomp.solution import Solution
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.claims import Claim, Number, between, gain_or_loss, price
from optcomp.studies.explain import Explainer, known_row
from optcomp.words import paid_for, paid_metric, pay_levels, plural

SHIFT = 0.10  # weight that is moved from one metric to another: two steps of the usual grid
MORE_BUDGET = 0.01  # share of the pay budget whose worth is asked for
MORE_MOVES = 0.10  # share of a limit on moves, at least one move: single ones are often below what a solver can prove
SHIFTED = "shifted"


@dataclass(frozen=True)
class WithoutPlan(Problem):
    """The problem with one plan of a segment off its menu, today's included.

    excluded : segment → plan id
    """

    excluded: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def plans(self) -> tuple[tuple[Plan, ...], ...]:
        """Plans that may be chosen, per segment; on a grid those as well that only the excluded one beats."""
        return tuple(self._others(s, facts) for s, facts in enumerate(self.segments))

    def _others(self, s: int, facts: Segment) -> tuple[Plan, ...]:
        known, excluded = self._segment_plans(s), self.excluded.get(facts.name, "")
        names = {p.plan_id for p in known}
        beaten = grid_plans(self, s, facts.menu or self.instance.menu, without=excluded) if excluded else []
        more = [p for p in beaten if p.plan_id not in names]
        return tuple(p for p in (*known, *more) if p.plan_id != excluded)


def without_plan(problem: Problem, segment: str, plan_id: str) -> Problem:
    """The problem in which a segment may be paid by any other plan; check that there is one."""
    values = {name: getattr(problem, name) for name in problem.__dataclass_fields__}
    return WithoutPlan(**{**values, "excluded": {segment: plan_id}})


def with_budget(problem: Problem, budget: float) -> Problem:
    """The problem with another pay budget."""
    return replace(problem, instance=replace(problem.instance, pay_budget=budget))


def with_moves(problem: Problem, limit: float) -> Problem:
    """The problem with another limit on moves."""
    moves = problem.rules["moves"]
    wider = replace(moves, numbers={**moves.numbers, "max": limit})
    return replace(problem, rules=replace(problem.rules, by_id={**problem.rules.by_id, "moves": wider}))


def shifted(plan: Plan, to: int, source: int, size: float = SHIFT) -> Plan | None:
    """The plan with weight moved from one component to another; None where there is not so much."""
    weights = [c.weight for c in plan.mix.components]
    if weights[source] < size - 1e-9 or weights[to] + size > 1.0 + 1e-9:
        return None
    weights[to], weights[source] = weights[to] + size, weights[source] - size
    parts: tuple[Component, ...] = tuple(
        replace(c, weight=w) for c, w in zip(plan.mix.components, weights, strict=True) if w > 1e-9
    )
    return replace(
        plan, plan_id=SHIFTED, mix=replace(plan.mix, name=SHIFTED, components=parts), is_today=False, is_forced=True
    )


@dataclass(frozen=True)
class PlanExplainer:
    """Explains the plans of a solution.

    bound : proved for the whole problem, USD: no plans and books are worth more
    """

    explainer: Explainer
    bound: float
    engines: Engines
    seconds: float = 60.0

    @property
    def problem(self) -> Problem:
        """What was decided on."""
        return self.explainer.problem

    def explain(self, segment: str) -> list[Claim]:
        """Claims about the plan of a segment."""
        s = known_row("segment", segment, {each.name: row for row, each in enumerate(self.problem.segments)})
        plan = self.problem.plans[s][int(self.explainer.resolver.decision.plan[s])]
        claims = [self._chosen(segment, plan)]
        if not plan.is_today:
            claims.append(self._today(segment, s))
        claims += self._shifts(segment, s, plan)
        claims.append(self._runner_up(segment, plan))
        if self.problem.rules["budget"].is_on:
            claims.append(self._more_budget())
        claims += self._moves()
        return claims

    def _chosen(self, segment: str, plan: Plan) -> Claim:
        value = self.explainer.value
        slack = self.problem.instance.pay_budget - value.pay_cost
        state = "left" if slack >= 0.0 else "missing"
        sentence = (
            f"{segment} is paid by {plan.plan_id}: {_in_words(plan)}. All plans together are expected to cost "
            f"{self.explainer.money(value.pay_cost)}, with {self.explainer.money(abs(slack))} of the budget {state}."
        )
        numbers: dict[str, Number] = {
            "segment": segment,
            "plan": plan.plan_id,
            "pay_cost": value.pay_cost,
            "slack": slack,
        }
        return Claim("plan", numbers, sentence)

    def _same_books(self, problem: Problem, segment: str, plan_id: str) -> tuple[float, str]:
        """Gain in USD of another plan when nothing else changes, and the hard rules that it breaks then."""
        solution = self.explainer.solution
        other = replace(solution, plan_by_segment={**solution.plan_by_segment, segment: plan_id})
        value = evaluate(problem, other)
        rules = {b.rule_id for b in value.violations}
        own = {hook.name for hook in self.hooks if hook_violations([hook], problem, other)}
        broken = ", ".join(sorted(rules | own))
        return value.objective * problem.total_arr - self.explainer.usd(self.explainer.value), broken

    def _today(self, segment: str, s: int) -> Claim:
        gain, broken = self._same_books(self.problem, segment, self.problem.plans[s][0].plan_id)
        sentence = (
            f"Today's plan on the same books would {gain_or_loss(gain, self.explainer.currency)}{_breaking(broken)}."
        )
        return Claim("today_plan", {"segment": segment, "gain": gain, "breaks": broken}, sentence)

    def _shifts(self, segment: str, s: int, plan: Plan) -> Iterator[Claim]:
        parts = plan.mix.components
        for to, source in permutations(range(len(parts)), 2):
            other = shifted(plan, to, source)
            if other is None:
                continue
            wider = replace(self.problem, forced={**self.problem.forced, segment: (other,)})
            gain, broken = self._same_books(wider, segment, SHIFTED)
            judged = replace(other, is_forced=False)
            design = [r for r in self.problem.design_amounts(judged, s) if self.problem.rules[r].is_hard]
            broken = ", ".join(sorted({*design, *filter(None, broken.split(", "))}))
            numbers: dict[str, Number] = {
                "segment": segment, "to": to, "source": source, "gain": gain, "breaks": broken, "points": 100.0 * SHIFT,
            }  # fmt: skip
            more, less = paid_metric(parts[to]), paid_metric(parts[source])
            sentence = (
                f"{100.0 * SHIFT:g} points more on {more} and less on {less}, on the same books, "
                f"would {gain_or_loss(gain, self.explainer.currency)}{_breaking(broken)}"
                f"{'' if self._may_be_on_menu(other, s) else ' (not on the menu)'}."
            )
            yield Claim("shift", numbers, sentence)

    def _may_be_on_menu(self, other: Plan, s: int) -> bool:
        """There is such a plan, or a grid that may have had it."""
        menu = self.problem.segments[s].menu or self.problem.instance.menu
        mine = {(c.metric, round(c.weight, 9)) for c in other.mix.components}
        same = [p for p in self.problem.plans[s] if {(c.metric, round(c.weight, 9)) for c in p.mix.components} == mine]
        return menu.grid is not None or bool(same)

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """Constraints of the user's own, which hold in every answer."""
        return tuple(self.explainer.resolver.hooks)

    def _solve(self, problem: Problem) -> tuple[Solution | None, float, float]:
        """The best found, what it is worth (-inf: nothing found) and what nothing exceeds, USD."""
        settings = Settings(time_limit_seconds=self.seconds, hooks=self.hooks)
        result = solve(problem, settings, engines=self.engines)
        arr = problem.total_arr
        found = result.evaluation.objective * arr if result.evaluation else float("-inf")
        return result.solution, found, result.objective_bound * arr

    def _runner_up(self, segment: str, plan: Plan) -> Claim:
        other = without_plan(self.problem, segment, plan.plan_id)
        s = [facts.name for facts in self.problem.segments].index(segment)
        numbers: dict[str, Number] = {"segment": segment, "plan": plan.plan_id}
        if not other.plans[s]:
            return Claim("no_other_plan", numbers, f"There is no other plan on the menu of {segment}.")
        solution, found, bound = self._solve(other)
        if bound == -math.inf:
            sentence = f"No other plan on the menu of {segment} keeps every hard rule, whatever the books (proved)."
            return Claim("only_plan", numbers, sentence)
        here = self.explainer.usd(self.explainer.value)
        low = max(here - bound, 0.0)
        high = max(max(self.bound, here) - found, low)
        named = "" if solution is None else solution.plan_by_segment[segment]
        found_plan = next((p for p in other.plans[s] if p.plan_id == named), None)
        best = f"; the best found is {named} ({_in_words(found_plan)})" if found_plan else ""
        sentence = (
            f"Paying {segment} by any other plan on the menu, everything else free to follow, "
            f"{between(low, high, self.explainer.currency)} (proved){best}."
        )
        return Claim("runner_up", {**numbers, "low": low, "high": high, "other": named}, sentence)

    # ---- what a rule costs ------------------------------------------------------------------------------------

    def _gain(self, wider: Problem) -> tuple[float, float]:
        """What the best of a wider problem is worth more: at least, at most, USD."""
        here = self.explainer.usd(self.explainer.value)
        _, found, bound = self._solve(wider)
        low = max(found - max(self.bound, here), 0.0)
        return low, max(bound - here, low)

    def _worth(self, low: float, high: float, units: float, one: str, verb: str) -> str:
        """A range with what that is for each unit, where it is more than nothing."""
        each = f": {price(low, high, units, self.explainer.currency)} for each {one} more" if low >= 1.0 else ""
        return f"{between(low, high, self.explainer.currency, verb=verb)} (proved){each}"

    def _more_budget(self) -> Claim:
        budget = self.problem.instance.pay_budget
        more = MORE_BUDGET * budget
        low, high = self._gain(with_budget(self.problem, budget + more))
        text = self._worth(low, high, more, self.explainer.money(1.0), "is worth")
        return Claim(
            "more_budget",
            {"more": more, "low": low, "high": high},
            f"A pay budget higher by {self.explainer.money(more)} {text}.",
        )

    def _moves(self) -> Iterator[Claim]:
        """What moves cost where each has a price, and what more of them are worth where there is a limit."""
        rule, value = self.problem.rules["moves"], self.explainer.value
        made, limit = value.moves_counted, rule["max"]
        if rule.is_soft and made > limit:
            cost = rule.price * (made - limit)
            sentence = (
                f"{plural(made, 'move')} are made beyond forced ones and {limit:,.0f} are free: each further one costs "
                f"{self.explainer.money(rule.price)}, together {self.explainer.money(cost)} (rules.moves.price)."
            )
            yield Claim("move_price", {"made": made, "free": limit, "cost": cost}, sentence)
        elif rule.is_on and (rule.is_hard or limit > 0.0):
            more = float(max(math.ceil(MORE_MOVES * limit), 1))
            low, high = self._gain(with_moves(self.problem, limit + more))
            text = self._worth(low, high, more, "move", "are worth" if more > 1.0 else "is worth")
            sentence = (
                f"{made:,} of {limit:,.0f} moves are made beyond forced ones; {plural(int(more), 'move')} more {text} "
                f"(rules.moves.max={limit + more:.0f})."
            )
            yield Claim("more_moves", {"made": made, "limit": limit, "more": more, "low": low, "high": high}, sentence)


def _in_words(plan: Plan) -> str:
    """What a plan pays for, and at which levels."""
    return f"{paid_for(plan)}; {pay_levels(plan)}" if plan.mix.components else pay_levels(plan)


def _breaking(rules: str) -> str:
    return f", and break {rules}" if rules else ""
