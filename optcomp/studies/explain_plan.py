"""Why a segment is paid by its plan: today's plan and other weights on the same books, the runner-up, the budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import permutations

from optcomp.errors import CheckFailed
from optcomp.evaluate import evaluate
from optcomp.plan import Component, Plan
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.solve import Engines, Result, Settings, solve
from optcomp.studies.claims import Claim, Number, between, gain_or_loss
from optcomp.studies.explain import Explainer
from optcomp.words import paid_for, pay_levels

SHIFT = 0.10  # weight that is moved from one metric to another: two steps of the usual grid
MORE_BUDGET = 0.01  # share of the pay budget whose worth is asked for
SHIFTED = "shifted"


@dataclass(frozen=True)
class WithoutPlan(Problem):
    """The problem with one plan of a segment off its menu.

    excluded : segment → plan id; today's plan always stays
    """

    excluded: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def plans(self) -> tuple[tuple[Plan, ...], ...]:
        """Plans that may be chosen, per segment."""
        return tuple(
            tuple(p for p in self._segment_plans(s) if p.is_today or p.plan_id != self.excluded.get(facts.name))
            for s, facts in enumerate(self.segments)
        )


def without_plan(problem: Problem, segment: str, plan_id: str) -> Problem:
    """The problem in which a segment may be paid by any other plan."""
    values = {name: getattr(problem, name) for name in problem.__dataclass_fields__}
    return WithoutPlan(**{**values, "excluded": {segment: plan_id}})


def with_budget(problem: Problem, budget: float) -> Problem:
    """The problem with another pay budget."""
    return replace(problem, instance=replace(problem.instance, pay_budget=budget))


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
        names = [s.name for s in self.problem.segments]
        if segment not in names:
            raise CheckFailed(f"The instance has no segment {segment}; it has {', '.join(names)}.")
        s = names.index(segment)
        plan = self.problem.plans[s][int(self.explainer.resolver.decision.plan[s])]
        claims = [self._chosen(segment, plan)]
        if not plan.is_today:
            claims.append(self._today(segment, s))
        claims += self._shifts(segment, s, plan)
        if not plan.is_today:
            claims.append(self._runner_up(segment, plan))
        if self.problem.rules["budget"].is_on:
            claims.append(self._more_budget())
        return claims

    def _chosen(self, segment: str, plan: Plan) -> Claim:
        value = self.explainer.value
        slack = self.problem.instance.pay_budget - value.pay_cost
        text = f"{paid_for(plan)}; {pay_levels(plan)}" if plan.mix.components else pay_levels(plan)
        state = "left" if slack >= 0.0 else "missing"
        sentence = (
            f"{segment} is paid by {plan.plan_id}: {text}. All plans together are expected to cost "
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
        broken = ", ".join(sorted({b.rule_id for b in value.violations}))
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
            sentence = (
                f"{100.0 * SHIFT:g} points more on {parts[to].metric} and less on {parts[source].metric}, on the same "
                f"books, would {gain_or_loss(gain, self.explainer.currency)}{_breaking(broken)}"
                f"{'' if self._may_be_on_menu(other, s) else ' (not on the menu)'}."
            )
            yield Claim("shift", numbers, sentence)

    def _may_be_on_menu(self, other: Plan, s: int) -> bool:
        """There is such a plan, or a grid that may have had it."""
        menu = self.problem.segments[s].menu or self.problem.instance.menu
        mine = {(c.metric, round(c.weight, 9)) for c in other.mix.components}
        same = [p for p in self.problem.plans[s] if {(c.metric, round(c.weight, 9)) for c in p.mix.components} == mine]
        return menu.grid is not None or bool(same)

    def _solve(self, problem: Problem) -> Result:
        return solve(problem, Settings(time_limit_seconds=self.seconds), engines=self.engines)

    def _runner_up(self, segment: str, plan: Plan) -> Claim:
        result = self._solve(without_plan(self.problem, segment, plan.plan_id))
        arr, here = self.problem.total_arr, self.explainer.usd(self.explainer.value)
        found = result.evaluation.objective * arr if result.evaluation else float("-inf")
        low = max(here - result.objective_bound * arr, 0.0)
        high = max(max(self.bound, here) - found, low)
        other = _plan_of(result.solution, segment)
        text = between(low, high, self.explainer.currency)
        best = f"; the best found is {other}" if other else ""
        sentence = (
            f"Paying {segment} by any other plan on the menu, everything else free to follow, {text} (proved){best}."
        )
        numbers: dict[str, Number] = {
            "segment": segment,
            "plan": plan.plan_id,
            "low": low,
            "high": high,
            "other": other,
        }
        return Claim("runner_up", numbers, sentence)

    def _more_budget(self) -> Claim:
        budget = self.problem.instance.pay_budget
        more = MORE_BUDGET * budget
        result = self._solve(with_budget(self.problem, budget + more))
        arr, here = self.problem.total_arr, self.explainer.usd(self.explainer.value)
        found = result.evaluation.objective * arr if result.evaluation else float("-inf")
        low = max(found - max(self.bound, here), 0.0)
        high = max(result.objective_bound * arr - here, low)
        text = between(low, high, self.explainer.currency, verb="is worth")
        sentence = f"A pay budget higher by {self.explainer.money(more)} {text} (proved)."
        return Claim("more_budget", {"more": more, "low": low, "high": high}, sentence)


def _plan_of(solution: Solution | None, segment: str) -> str:
    return "" if solution is None else str(solution.plan_by_segment[segment])


def _breaking(rules: str) -> str:
    return f", and break {rules}" if rules else ""
