"""A Pyomo model becomes the program that it says, and a point finds its way back to the variables."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from optcomp.engine import Ending, Engine, Job
from optcomp.formulation.compile import compile_model


def tiny() -> pyo.ConcreteModel:
    """max 2a + 3b + y with a + b <= 1, 1 <= a + y <= 3, y <= 4: b = 1, y = 3, value 6."""
    model = pyo.ConcreteModel()
    model.choose = pyo.Var(["a", "b"], domain=pyo.Binary)
    model.y = pyo.Var(bounds=(None, 4))
    model.one = pyo.Constraint(expr=model.choose["a"] + model.choose["b"] <= 1)
    model.both_sides = pyo.Constraint(expr=(1, model.choose["a"] + model.y, 3))
    model.worth = pyo.Objective(expr=2 * model.choose["a"] + 3 * model.choose["b"] + model.y, sense=pyo.maximize)
    return model


def test_a_tiny_model_becomes_the_arrays_one_would_write() -> None:
    """A constraint with two sides is one row, though Pyomo makes two of it."""
    compiled = compile_model(tiny())
    program = compiled.program

    assert [variable.name for variable in compiled.variables] == ["choose[a]", "choose[b]", "y"]
    assert program.objective.tolist() == [2, 3, 1]
    assert program.lower.tolist() == [0, 0, -np.inf]
    assert program.upper.tolist() == [1, 1, 4]
    assert program.integer.tolist() == [True, True, False]
    assert program.row_lower.tolist() == [-np.inf, 1]
    assert program.row_upper.tolist() == [1, 3]
    assert program.starts.tolist() == [0, 2, 4]
    assert program.columns.tolist() == [0, 1, 0, 2]
    assert program.values.tolist() == [1, 1, 1, 1]


def test_a_point_is_loaded_into_the_variables_and_back_as_a_start() -> None:
    """Pyomo then computes the same value from the variables as the engine did from the arrays."""
    model = tiny()
    compiled = compile_model(model)

    with Engine(workers=1) as engine:
        outcome = engine.solve(Job(compiled.program))
    compiled.load(outcome.point)

    assert outcome.value == 6
    assert pyo.value(model.worth) == 6
    known = pyo.ComponentMap((variable, variable.value) for variable in compiled.variables)
    assert compiled.start_from(known).tolist() == outcome.point.tolist()


def test_a_start_may_know_only_some_variables() -> None:
    """NaN says "not known" to the engine."""
    model = tiny()

    start = compile_model(model).start_from(pyo.ComponentMap([(model.y, 2.0)]))

    assert np.isnan(start).tolist() == [True, True, False]
    assert start[2] == 2.0


def test_fixed_variables_become_numbers() -> None:
    """With b = 1: the objective keeps 3 as a constant and the row a + b <= 1 becomes a <= 0."""
    model = tiny()
    model.choose["b"].fix(1)

    compiled = compile_model(model)

    assert [variable.name for variable in compiled.variables] == ["choose[a]", "y"]
    assert compiled.program.offset == 3
    assert compiled.program.row_upper.tolist() == [0, 3]


def test_a_variable_in_the_objective_only_or_nowhere_is_a_column() -> None:
    """Else a point would say nothing about it."""
    model = tiny()
    model.bonus = pyo.Var(bounds=(0, 2))
    model.nowhere = pyo.Var(bounds=(5, 7))
    model.worth.expr += 10 * model.bonus

    compiled = compile_model(model)

    assert [variable.name for variable in compiled.variables[3:]] == ["bonus", "nowhere"]
    assert compiled.program.objective[3:].tolist() == [10, 0]


def test_a_true_constraint_between_numbers_is_no_row() -> None:
    """It says nothing about any column."""
    model = tiny()
    model.fixed = pyo.Var()
    model.fixed.fix(1)
    model.trivial = pyo.Constraint(expr=model.fixed <= 1)

    assert compile_model(model).program.num_rows == 2


def test_a_constraint_between_numbers_that_only_rounding_breaks_holds() -> None:
    """Pyomo calls 0.1 + 0.2 <= 0.3 trivially infeasible; the constraint must be active afterwards all the same."""
    model = tiny()
    model.fixed = pyo.Var()
    model.fixed.fix(0.1)
    model.trivial = pyo.Constraint(expr=model.fixed + 0.2 <= 0.3)

    compiled = compile_model(model)

    assert compiled.program.num_rows == 2
    assert model.trivial.active


def test_a_false_constraint_between_numbers_is_infeasible_not_an_error() -> None:
    """Fixing what a user locked may break a rule; that is an answer for the report."""
    model = tiny()
    model.choose["a"].fix(1)
    model.choose["b"].fix(1)

    compiled = compile_model(model)

    assert [variable.name for variable in compiled.variables] == ["y"]
    with Engine() as engine:
        assert engine.solve(Job(compiled.program)).ending is Ending.INFEASIBLE


def test_a_model_without_variables_has_a_value() -> None:
    """Everything may be locked; the value is the constant."""
    model = pyo.ConcreteModel()
    model.worth = pyo.Objective(expr=3.0, sense=pyo.maximize)

    compiled = compile_model(model)

    assert compiled.variables == ()
    with Engine() as engine:
        assert engine.solve(Job(compiled.program)).value == 3.0


def test_two_objectives_or_a_minimised_one_are_refused() -> None:
    """The engine maximises one thing; a silent change of sign would turn the answer round."""
    minimised = tiny()
    minimised.worth.sense = pyo.minimize
    doubled = tiny()
    doubled.other = pyo.Objective(expr=doubled.y, sense=pyo.maximize)

    for model in (minimised, doubled):
        with pytest.raises(ValueError, match="one, to be maximised"):
            compile_model(model)
