"""A result as tables in the user's words: the plans, who looks after whom and why, and every book.

Every number comes from `evaluate` and the problem, none from the program that found the solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from optcomp.design import own_base, own_variable
from optcomp.evaluate import Evaluation, current_solution, decide, evaluate
from optcomp.judge import Decision
from optcomp.plan import Component, Plan
from optcomp.problem import Problem
from optcomp.response.load import load_cost
from optcomp.response.outcome import Predicted
from optcomp.solution import Solution
from optcomp.types import AnyArray, BoolArray, FloatArray, IntArray
from optcomp.why import move_reasons

QUARTERS = 4


class Decided(Protocol):
    """What the tables need of a result; `solve.Result` is one."""

    @property
    def problem(self) -> Problem:
        """What was decided on."""

    @property
    def solution(self) -> Solution | None:
        """The decision."""

    @property
    def evaluation(self) -> Evaluation | None:
        """What it is worth."""

    @property
    def current(self) -> Evaluation:
        """What today's plans and books are worth, leavers as if they stayed."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The solution as DataFrames; money in USD a year, shares in [0, 1], hours a year.

    plan : a row per segment and pay component (one row without a metric where a plan pays no variable)
    assignment : a row per account. `predicted_arr` is ARR on the last day of the plan year, the account's share of its
        book's load cost included, so that its sum over all accounts is NRR times ARR; `predicted_arr_if_kept` is the
        same under the same plans with today's CSM, a leaver as if they stayed
    books : a row per CSM; `pay_before` is under today's plan, a leaver as if they stayed
    """

    plan: pd.DataFrame
    assignment: pd.DataFrame
    books: pd.DataFrame


def frames(result: Decided) -> Frames:
    """The tables of a result.

    Raises
    ------
    ValueError
        When the result has no solution.
    """
    view = View(result)
    return Frames(
        plan=pd.DataFrame(list(_plan_rows(view))),
        assignment=pd.DataFrame(_assignment(view)),
        books=pd.DataFrame(_books(view)),
    )


class View:
    """A result with a solution, seen as rows and columns; what several tables and pages share."""

    def __init__(self, result: Decided) -> None:
        if result.solution is None or result.evaluation is None:
            raise ValueError("There is no solution to show: solve found none.")
        self.problem: Problem = result.problem
        self.solution: Solution = result.solution
        self.evaluation: Evaluation = result.evaluation
        self.current: Evaluation = result.current
        self.decision: Decision = decide(self.problem, self.solution)

    @cached_property
    def staying(self) -> Problem:
        """The problem in which leavers stay, where there are any with books."""
        return self.problem.as_if_nobody_leaves() if self.problem.has_leavers_with_books else self.problem

    @cached_property
    def kept(self) -> Evaluation:
        """The solution's plans on today's books, leavers as if they stayed (their load apart; see `kept_arr`)."""
        return evaluate(self.problem, self.kept_solution)

    @property
    def kept_solution(self) -> Solution:
        """The solution's plans with today's books."""
        return Solution(self.solution.plan_by_segment, current_solution(self.problem).csm_by_account)

    @cached_property
    def arr_end(self) -> FloatArray:
        """Year-end ARR of every account with its share of the load cost of its book; sums to `Evaluation.arr_end`."""
        return self.evaluation.account_arr - self._load_share(self.decision)

    @cached_property
    def kept_arr(self) -> FloatArray:
        """The same under the same plans with today's CSM, who stays."""
        return self.kept.account_arr - self._load_share(decide(self.problem, self.kept_solution))

    def _load_share(self, decision: Decision) -> FloatArray:
        """Load cost of every account's book by its share of the book's hours; 0 without a CSM."""
        problem, has = self.problem, decision.owner >= 0
        cost = load_cost(
            problem.kappa[problem.csms.segment],
            decision.book_hours,
            self.staying.csms.hours,
            decision.hours_factor,
        )
        pairs = problem.pairs(np.flatnonzero(has), decision.owner[has])
        share = np.zeros(len(has))
        book = decision.book_hours[decision.owner[has]]
        share[has] = cost[decision.owner[has]] * np.divide(pairs.hours, book, out=np.zeros(len(book)), where=book > 0.0)
        return share

    def plan(self, segment: int) -> Plan:
        """The plan that the solution gives a segment."""
        return self.problem.plans[segment][int(self.decision.plan[segment])]

    def today(self, segment: int) -> Plan:
        """The plan of a segment today."""
        return self.problem.plans[segment][0]

    @cached_property
    def predicted(self) -> Predicted:
        """ARR kept and added of every account at load 1, as `evaluate` predicts it."""
        problem, decision = self.problem, self.decision
        kept, expanded = problem.neutral.kept.copy(), problem.neutral.expanded.copy()
        for segment, rows in decision.rows_by_plan_segment():
            pairs = problem.pairs(rows, decision.owner[rows])
            part = problem.predict(pairs, segment, int(decision.plan[segment]))
            kept[rows], expanded[rows] = part.kept, part.expanded
        return Predicted(kept, expanded)

    @cached_property
    def renewed(self) -> tuple[FloatArray, FloatArray]:
        """ARR up for renewal in the plan year that is expected to be kept, and all of it, per CSM."""
        facts = self.problem.accounts
        kept = self.predicted.kept - (1.0 - facts.due) * facts.arr  # what is not due is kept whole
        return self.decision.sum_by_csm(np.maximum(kept, 0.0)), self.decision.sum_by_csm(facts.due * facts.arr)


def mean_base(problem: Problem, segment: int) -> float:
    """Mean base pay of a segment's declared CSMs, USD a year."""
    people = problem.people(segment)
    return sum(c.base for c in people) / len(people) if people else 0.0


def _plan_rows(view: View) -> Iterator[dict[str, object]]:
    for s, segment in enumerate(view.problem.segments):
        plan = view.plan(s)
        variable = mean_base(view.problem, s) * plan.base_factor * plan.variable_per_base
        head: dict[str, object] = {
            "segment": segment.name,
            "plan_id": plan.plan_id,
            "is_today": plan.is_today,
            "base_factor": plan.base_factor,
            "variable_share": plan.variable_share,
        }
        gate = plan.mix.gate
        tail: dict[str, object] = {
            "gate_share": gate.at_risk if gate else None,
            "gate_target": gate.target if gate else None,
        }
        for component in plan.mix.components or (None,):
            yield {
                **head,
                **_component(component),
                **tail,
                "target_usd": variable * (component.weight if component else 0.0),
            }


def _component(component: Component | None) -> dict[str, object]:
    if component is None:
        return dict.fromkeys(
            ("metric", "weight", "scope", "period", "curve", "threshold", "accelerator", "cap", "threshold_is_absolute")
        )
    curve = component.curve
    return {
        "metric": component.metric,
        "weight": component.weight,
        "scope": component.scope,
        "period": component.period,
        "curve": curve.kind,
        "threshold": curve.threshold,
        "accelerator": curve.accelerator,
        "cap": curve.cap,
        "threshold_is_absolute": curve.absolute,
    }


def _assignment(view: View) -> dict[str, AnyArray | list[str] | list[str | None]]:
    problem, decision = view.problem, view.decision
    ids = problem.csms.ids
    columns: dict[str, AnyArray | list[str] | list[str | None]] = {"account_id": list(problem.accounts.ids)}
    if any(a.name for a in problem.account_list):
        columns["name"] = [a.name for a in problem.account_list]
    return columns | {
        "segment": [a.segment for a in problem.account_list],
        "from": [a.csm for a in problem.account_list],
        "to": [ids[j] if j >= 0 else None for j in decision.owner],
        "moved": decision.moved,
        "reason": move_reasons(problem, decision, view.evaluation.account_arr - view.kept.account_arr),
        "arr": problem.accounts.arr,
        "predicted_arr": view.arr_end,
        "predicted_arr_if_kept": view.kept_arr,
        "gain": view.arr_end - view.kept_arr,
    }


def _books(view: View) -> dict[str, AnyArray | list[str] | list[float]]:
    problem, decision, books = view.problem, view.decision, view.evaluation.books
    today = [view.today(int(s)) for s in problem.csms.segment]
    new = [decision.plan_of(j) for j in range(len(today))]
    people = problem.csm_list
    has_job, is_paid = ~problem.csms.is_open, (problem.csms.presence > 0.0) & (~problem.csms.is_open | decision.filled)
    columns: dict[str, AnyArray | list[str] | list[float]] = {"csm_id": list(problem.csms.ids)}
    if any(c.name for c in people):
        columns["name"] = [c.name for c in people]
    columns |= {
        "segment": [c.segment for c in people],
        "status": statuses(problem, decision.filled),
        "accounts": books.accounts,
        "arr": books.arr,
        "hours": books.hours,
        "available": books.available,
        "load": books.load,
    }
    columns |= {f"renewals_q{q + 1}": books.renewals[:, q] for q in range(QUARTERS)}
    columns |= {f"renewals_arr_q{q + 1}": books.renewals_arr[:, q] for q in range(QUARTERS)}
    return columns | {
        "predicted_nrr": ratio(books.arr_end, books.arr),
        "target_grr": ratio(*view.renewed),
        "target_expansion_arr": decision.sum_by_csm(view.predicted.expanded),
        "quit_chance": np.where(is_paid, books.quit_chance, np.nan),
        "base_before": np.where(has_job, [own_base(p, c) for p, c in zip(today, people, strict=True)], np.nan),
        "variable_before": np.where(has_job, [own_variable(p, c) for p, c in zip(today, people, strict=True)], np.nan),
        "pay_before": view.current.books.pay,
        "base": np.where(is_paid, [own_base(p, c) for p, c in zip(new, people, strict=True)], np.nan),
        "variable": np.where(is_paid, [own_variable(p, c) for p, c in zip(new, people, strict=True)], np.nan),
        "pay": books.pay,
        "pay_at_book": books.pay_at_book,
    }


def ratio(top: FloatArray | IntArray, bottom: FloatArray) -> FloatArray:
    """Top over bottom; NaN where the bottom is 0."""
    return np.asarray(np.divide(top, bottom, out=np.full(len(bottom), np.nan), where=bottom != 0.0))


def statuses(problem: Problem, filled: BoolArray) -> list[str]:
    """Status of every CSM; an open position says whether the solution fills it."""
    words = {True: "open, filled", False: "open, not filled"}
    return [words[bool(filled[j])] if problem.csms.is_open[j] else csm.status for j, csm in enumerate(problem.csm_list)]
