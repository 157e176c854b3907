"""The joint program as a file that any solver reads. Variables are named by index, so nobody's name is in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.scope import whole_scope
from optcomp.hooks import Hook
from optcomp.problem import Problem


def write_program(problem: Problem, path: Path, *, hooks: Sequence[Hook] = ()) -> tuple[int, int]:
    """Write the program to `path`, whose ending says the format; its numbers of variables and rows.

    The objective is maximised, in percentage points of NRR. The load curve is under-estimated by its first tangents, so
    the optimum of the file is a little above the best that `evaluate` can confirm (0.002 points at worst).

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    model = formulate(problem, whole_scope(problem), Extras({}, [hook.add for hook in hooks])).model
    model.write(str(path), io_options={"symbolic_solver_labels": True})
    return model.nvariables(), model.nconstraints()
