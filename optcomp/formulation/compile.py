"""A Pyomo model turned into the engine's arrays, and points turned back into values of its variables.

Not through Pyomo's solver interfaces: they lose the incumbent on Ctrl-C, take no start and deadlock in threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.common.errors import InfeasibleConstraintException
from pyomo.core.expr.visitor import identify_variables
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler

from optcomp.engine.program import FEASIBILITY_TOLERANCE, Program
from optcomp.types import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Compiled:
    """A program and the Pyomo variable of each of its columns, in the order of the model's declarations."""

    program: Program
    variables: tuple[Any, ...]

    def start_from(self, values: Mapping[Any, float]) -> FloatArray:
        """A start for the engine from values by variable (a `ComponentMap`); NaN where none is given."""
        return np.array([values.get(variable, np.nan) for variable in self.variables], dtype=np.float64)

    def load(self, point: FloatArray) -> None:
        """Write a point into the variables of the model."""
        for variable, value in zip(self.variables, point.tolist(), strict=True):
            variable.set_value(round(value) if variable.is_integer() else value, skip_validation=True)


def compile_model(model: pyo.ConcreteModel) -> Compiled:
    """The program of a linear model with one active objective, to be maximised.

    Every variable that is not fixed becomes a column, used or not, so that a point says something about each; fixed
    ones become numbers. A constraint between numbers that does not hold makes a program with no feasible point:
    infeasible is an answer that the engine gives, not an error.

    Raises
    ------
    ValueError
        When there is not exactly one active objective, or it is to be minimised.
    """
    _check_objective(model)
    try:
        form = _standard_form(model)
    except InfeasibleConstraintException:
        kept = _without_true_constants(model)
        if kept is None:
            return _impossible(model)
        form = kept
    variables = _variables(model, form.columns)
    return Compiled(_program(form, variables), variables)


def _check_objective(model: pyo.ConcreteModel) -> None:
    objectives = list(model.component_data_objects(pyo.Objective, active=True, descend_into=True))
    if len(objectives) != 1 or objectives[0].sense != pyo.maximize:
        raise ValueError(f"The model has {len(objectives)} active objectives. It must have one, to be maximised.")


def _standard_form(model: pyo.ConcreteModel) -> Any:
    return LinearStandardFormCompiler().write(model, mixed_form=True, set_sense=pyo.maximize)


def _without_true_constants(model: pyo.ConcreteModel) -> Any:
    """The standard form without the constraints between numbers, or None if one of them is false.

    Pyomo compares exactly, so 0.1 + 0.2 <= 0.3 is "trivially infeasible"; it is true within the solver's tolerance.
    """
    constants = []
    for constraint in model.component_data_objects(pyo.Constraint, active=True, descend_into=True):
        if all(variable.fixed for variable in identify_variables(constraint.body, include_fixed=True)):
            constants.append(constraint)
    if any(constraint.slack() < -FEASIBILITY_TOLERANCE for constraint in constants):
        return None
    try:
        for constraint in constants:
            constraint.deactivate()
        return _standard_form(model)
    finally:
        for constraint in constants:
            constraint.activate()


def _variables(model: pyo.ConcreteModel, used: list[Any]) -> tuple[Any, ...]:
    """Variables of the model that are not fixed, as declared, then those that are only used (of an inactive block)."""
    declared = {
        id(variable): variable
        for variable in model.component_data_objects(pyo.Var, active=True, descend_into=True)
        if not variable.fixed
    }
    return tuple((declared | {id(variable): variable for variable in used}).values())


def _program(form: Any, variables: tuple[Any, ...]) -> Program:
    position = {id(variable): index for index, variable in enumerate(variables)}
    columns = np.array([position[id(variable)] for variable in form.columns], dtype=np.int32)
    objective = np.zeros(len(variables))
    objective[columns] = form.c.toarray()[0]
    matrix = form.A.tocsr()
    row_lower, row_upper, kept = _sides(form.rows, np.asarray(form.rhs, dtype=np.float64))
    matrix = matrix[kept]
    lower, upper, integer = _domains(variables)
    return Program(
        objective=objective,
        offset=float(form.c_offset[0]),
        lower=lower,
        upper=upper,
        integer=integer,
        row_lower=row_lower,
        row_upper=row_upper,
        starts=matrix.indptr,
        columns=columns[matrix.indices],
        values=matrix.data,
    )


def _sides(rows: list[Any], rhs: FloatArray) -> tuple[FloatArray, FloatArray, list[int]]:
    """Sides of the rows, and which rows to keep: the first of the two that Pyomo writes for two sides.

    A row's `bound_type` is 0 for equal to, 1 for at most, -1 for at least its right-hand side.
    """
    low: list[float] = []
    high: list[float] = []
    kept: list[int] = []
    for index, (row, side) in enumerate(zip(rows, rhs.tolist(), strict=True)):
        if row.bound_type < 0 and index and rows[index - 1].constraint is row.constraint:
            low[-1] = side
            continue
        kept.append(index)
        low.append(side if row.bound_type <= 0 else -np.inf)
        high.append(side if row.bound_type >= 0 else np.inf)
    return np.array(low, dtype=np.float64), np.array(high, dtype=np.float64), kept


def _domains(variables: tuple[Any, ...]) -> tuple[FloatArray, FloatArray, Any]:
    lower = np.array([-np.inf if variable.lb is None else variable.lb for variable in variables], dtype=np.float64)
    upper = np.array([np.inf if variable.ub is None else variable.ub for variable in variables], dtype=np.float64)
    return lower, upper, np.array([variable.is_integer() for variable in variables], dtype=np.bool_)


def _impossible(model: pyo.ConcreteModel) -> Compiled:
    """The variables of the model and one row that nothing can satisfy: 0 >= 1."""
    variables = _variables(model, [])
    lower, upper, integer = _domains(variables)
    program = Program(
        objective=np.zeros(len(variables)),
        offset=0.0,
        lower=lower,
        upper=upper,
        integer=integer,
        row_lower=np.ones(1),
        row_upper=np.full(1, np.inf),
        starts=np.zeros(2, dtype=np.int32),
        columns=np.zeros(0, dtype=np.int32),
        values=np.zeros(0),
    )
    return Compiled(program, variables)
