"""The joint program of pay plans and books, as a table of contents of its mathematics (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from optcomp.engine import Program
from optcomp.formulation import capacity, choice, fairness, money, moves, outcome
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import Scope, Tables
from optcomp.formulation.sheet import Sheet
from optcomp.problem import Problem

Builder = Callable[[Frame], None]

# One builder per rule; rules on single pairs and on plan design act on which pairs and plans there are, and on their
# prices.
BOOK_RULES: Mapping[str, Builder] = {
    "hours": capacity.add_hours,
    "account_count": capacity.add_account_count,
    "book_arr": capacity.add_book_arr,
    "own_limits": capacity.add_own_limits,
    "workload_spread": capacity.add_workload_spread,
    "equal_chance": fairness.add_equal_chance,
    "renewals_due": fairness.add_renewals_due,
    "families": moves.add_families,
}
GLOBAL_RULES: Mapping[str, Builder] = {
    "moves": moves.add_moves,
    "budget": money.add_budget,
    "exposure": money.add_exposure,
    "open_positions": choice.add_open_positions,
}


@dataclass(frozen=True)
class Extras:
    """What comes on top of the rules: further tangents of the load curve, and users' own constraints (hooks)."""

    tangents: Mapping[int, Sequence[float]]
    hooks: Sequence[Callable[[Frame], None]] = ()


NO_EXTRAS = Extras({})


def formulate(problem: Problem, scope: Scope, extras: Extras = NO_EXTRAS) -> Frame:
    """Build the program that decides a scope in Pyomo; maximises points of NRR net of the prices of bent rules."""
    model = pyo.ConcreteModel()
    frame = Frame(problem, scope, Tables(problem, scope), model)
    _add_everything(frame, extras)
    coefs, variables = [c for c, _ in frame.objective], [v for _, v in frame.objective]
    expression = LinearExpression(constant=frame.constant, linear_coefs=coefs, linear_vars=variables)
    model.nrr = pyo.Objective(expr=expression, sense=pyo.maximize)
    return frame


def write_sheet(problem: Problem, scope: Scope) -> tuple[Frame, Sheet, Program]:
    """The same program in arrays, without a model that a person could read."""
    sheet = Sheet()
    frame = Frame(problem, scope, Tables(problem, scope), sheet)
    _add_everything(frame, NO_EXTRAS)
    return frame, sheet, sheet.program(cast(list[tuple[float, int]], frame.objective), frame.constant)


def _add_everything(frame: Frame, extras: Extras) -> None:
    problem, scope = frame.problem, frame.scope
    choice.add_variables(frame)
    choice.add_one_owner(frame)
    choice.add_one_plan(frame)
    choice.add_link(frame)
    choice.add_filled(frame)
    money.add_filled_under(frame)
    outcome.add_value(frame)
    outcome.add_load(frame, extras.tangents)
    if scope.is_whole:
        outcome.add_plan_prices(frame)
    for rule_id, add in {**BOOK_RULES, **(GLOBAL_RULES if scope.is_whole else {})}.items():
        if problem.rules[rule_id].is_on:
            add(frame)
    for hook in extras.hooks:
        hook(frame)
