"""Programs written in arrays are those of the Pyomo model, entry by entry."""

from __future__ import annotations

import numpy as np
import strategies
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings

from optcomp.engine import Program
from optcomp.formulation.build import formulate, write_sheet
from optcomp.formulation.compile import compile_model
from optcomp.formulation.scope import whole_scope
from optcomp.problem import Problem


def matrix(program: Program) -> np.ndarray:
    """The rows of a program, written out."""
    dense = np.zeros((program.num_rows, program.num_columns))
    np.add.at(dense, (program.rows, program.columns), program.values)
    return dense


@hypothesis_settings(
    max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
@given(problem=strategies.problems())
def test_a_sheet_is_the_program_of_the_pyomo_model(problem: Problem) -> None:
    """Columns, rows, sides and worth, in the same order, whatever rules are on."""
    frame = formulate(problem, whole_scope(problem))
    compiled = compile_model(frame.model).program
    same, sheet, program = write_sheet(problem, whole_scope(problem))

    assert program.num_rows == compiled.num_rows == sheet.num_rows
    assert same.hours_rows == frame.hours_rows
    assert program.offset == compiled.offset
    for name in ("objective", "lower", "upper", "integer", "row_lower", "row_upper"):
        np.testing.assert_allclose(getattr(program, name), getattr(compiled, name), rtol=1e-13, err_msg=name)
    np.testing.assert_allclose(matrix(program), matrix(compiled), rtol=1e-13)
    assert (np.diff(program.starts) == np.diff(compiled.starts)).all()
    assert (program.columns == compiled.columns).all(), "order of entries"
