"""What is said about a result in numbers: the content of summary.json and of `--json`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from optcomp.advice import alarms, jointness, parts, recommend
from optcomp.errors import Finding
from optcomp.evaluate import Evaluation
from optcomp.frames import View
from optcomp.goal import goal
from optcomp.judge import COMPLETE, Bend
from optcomp.limits import books_at_limits
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.uncertain import shown_chance, uncertainty
from optcomp.words import POINTS

if TYPE_CHECKING:
    from optcomp.solve import Result

SCHEMA = "optcomp/solve/1"

Json = Mapping[str, object]


def summarise(result: Result, *, warnings: Iterable[Finding] = (), files: Iterable[str] = ()) -> dict[str, object]:
    """Everything about a result as plain values that JSON can hold; unknown numbers are None.

    Ratios are to the ARR of the first day (1.02 = 102 %), money is in the instance's currency a year.

    warnings : what is doubtful about the input
    files : names of the files that are written
    """
    bound = result.objective_bound if math.isfinite(result.objective_bound) else None
    view = None if result.solution is None else View(result)
    return {
        "schema": SCHEMA,
        "instance": result.problem.instance.name,
        "currency": result.problem.instance.currency,
        "status": status_of(result),
        **_run_facts(result, bound),
        **today_facts(result.problem, result.current, is_counterfactual=result.current_is_counterfactual),
        **(_NOTHING if view is None else solution_facts(view, bound)),
        "jointness": _jointness(result),
        "guardrails": [asdict(price) for price in result.guardrails],
        "caution": _caution(result),
        "warnings": [*(str(w) for w in warnings), *(() if view is None else alarms(view))],
        "files": list(files),
    }


def _caution(result: Result) -> dict[str, object] | None:
    """How it was chosen with caution, and how likely the best on average is better than today, as it may be shown."""
    caution, belief = result.caution, result.problem.belief
    if caution is None:
        return None
    shown = shown_chance(caution.expected_chance, is_identified=belief is not None and belief.is_identified)
    return {**asdict(caution), "gap_pp": caution.gap_pp, "expected_shown": shown}


def status_of(result: Result) -> str:
    """How the solve ended; a sum that cannot work out proves as much as the solver does."""
    return "infeasible" if result.solution is None and result.reasons else result.status.value


def _run_facts(result: Result, bound: float | None) -> dict[str, object]:
    return {
        "objective_bound": bound,
        "nrr_bound": bound,
        "gap_pp": result.gap_pp if math.isfinite(result.gap_pp) else None,
        "seconds": round(result.seconds, 3),
        "method": result.method,
        "why_joint": result.why_joint,
        "reasons": list(result.reasons),
    }


def today_facts(problem: Problem, current: Evaluation, *, is_counterfactual: bool) -> dict[str, object]:
    """Numbers about today's plans and books."""
    return {
        "nrr_current": current.nrr,
        "nrr_current_is_counterfactual": is_counterfactual,
        "soft_cost_current": current.soft_cost,
        "objective_current": current.objective,
        "grr_current": current.grr,
        "arr_end_current": round(current.arr_end, 2),
        "pay_cost_current": round(current.pay_cost, 2),
        "design_findings_current": _design_findings(problem),
        "arr": round(current.arr, 2),
        "pay_budget": problem.instance.pay_budget,
    }


def solution_facts(view: View, bound: float | None) -> dict[str, object]:
    """Numbers about the solution that anybody can recompute from it."""
    value, reached = view.evaluation, goal(view, bound)
    known = uncertainty(view.problem, view.solution)
    advice = recommend(view, None if bound is None else gap(value.objective, bound), known)
    return {
        "recommended": advice.verdict,
        "recommended_why": advice.why,
        "nrr": value.nrr,
        "soft_cost": value.soft_cost,
        "objective": value.objective,
        "grr": value.grr,
        "nrr_nonlinear": value.nrr_nonlinear,
        "arr_end": round(value.arr_end, 2),
        "pay_cost": round(value.pay_cost, 2),
        "pay_base": round(value.pay_base, 2),
        "pay_variable": round(value.pay_cost - value.pay_base, 2),
        "exposure": round(value.exposure, 2),
        "replacement_cost": round(value.replacement_cost, 2),
        "moves": value.moves,
        "moves_forced": value.moves_forced,
        "moves_counted": value.moves_counted,
        "plans": _plans(view),
        "gain_parts_pp": asdict(parts(view)),
        "uncertainty": None if known is None else asdict(known),
        "draws_averaged": len(view.problem.weights),
        "goal": None if reached is None else {**asdict(reached), "sentences": list(reached.sentences)},
        "bends": [_bend(b) for b in value.bends],
        "books_at_limits": [{"csm_id": who, "limit": what} for who, what in books_at_limits(view)],
    }


_NOTHING: Json = dict.fromkeys(
    (
        "recommended", "recommended_why", "nrr", "soft_cost", "objective", "grr", "nrr_nonlinear", "arr_end",
        "pay_cost", "pay_base", "pay_variable", "exposure", "replacement_cost", "moves", "moves_forced",
        "moves_counted", "plans", "gain_parts_pp", "uncertainty", "draws_averaged", "goal", "bends", "books_at_limits",
    )
)  # fmt: skip


def _plans(view: View) -> dict[str, object]:
    return {
        segment.name: {
            "today": view.today(s).mix.name,
            "plan_id": view.plan(s).plan_id,
            "is_today": view.plan(s).is_today,
        }
        for s, segment in enumerate(view.problem.segments)
    }


def _bend(bend: Bend) -> dict[str, object]:
    return {
        "rule": bend.rule_id,
        "subject": bend.subject,
        "amount": float(bend.amount),
        "unit": "accounts" if bend.rule_id == COMPLETE else SPECS[bend.rule_id].unit,
        "cost": round(float(bend.cost), 2),
        "is_violation": bool(bend.is_violation),
    }


def _design_findings(problem: Problem) -> list[dict[str, object]]:
    """Plan-design rules that today's plans bend; today's plan is allowed all the same (grandfathered)."""
    return [
        {"segment": segment.name, "rule": rule_id, "amount": float(amount), "unit": SPECS[rule_id].unit}
        for s, segment in enumerate(problem.segments)
        for rule_id, amount in problem.design_amounts(problem.plans[s][0], s).items()
    ]


def _jointness(result: Result) -> dict[str, object] | None:
    if result.evaluation is None:
        return None
    value = jointness(result.evaluation, result.pay_first, result.books_first)
    return {
        "objective_pay_first": value.pay_first,
        "objective_books_first": value.books_first,
        "value_pp": value.points,
        "value": None if value.usd is None else round(value.usd, 2),
    }


def gap(objective: float, bound: float) -> float:
    """Percentage points of NRR between a bound and an objective."""
    return max(POINTS * (bound - objective), 0.0)
