"""The joint program for peers: as a matrix or as the exported file, and what a choice in it means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from optcomp.engine import Engine, Job
from optcomp.engine.program import Program
from optcomp.evaluate import current_solution
from optcomp.formulation.build import formulate
from optcomp.formulation.compile import Compiled, compile_model
from optcomp.formulation.extract import column_of, start_at
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import Tables, unit_of_account, whole_scope
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray

START = "start.sol"  # names and values, as SCIP reads them
ARRAYS = tuple(f.name for f in fields(Program))


def write_matrix(problem: Problem, path: Path) -> Program:
    """The compiled program in one file: its arrays, which columns are which choice, and today's choice as a start.

    x : column of every pair; y : columns of the products; z : rows of (segment, plan, column)
    start : shape (columns,), NaN where it is not known; beside the file once more, by the names of the exported program
    """
    frame = formulate(problem, whole_scope(problem))
    compiled = compile_model(frame.model)
    column, model = column_of(compiled), frame.model
    start = _start(frame, compiled)
    names = [str(v.name).replace("[", "(").replace("]", ")").replace(",", "_") for v in compiled.variables]
    lines = [f"{name} {value!r}\n" for name, value in zip(names, start.tolist(), strict=True) if value == value]
    path.with_name(START).write_text("".join(lines), encoding="utf-8")
    np.savez(
        path,
        x=np.array([column[id(model.x[k])] for k in range(len(model.x))], dtype=np.int64),
        y=np.array([column[id(v)] for v in model.y.values()], dtype=np.int64),
        z=np.array([(s, p, column[id(model.z[s, p])]) for s, p in model.z], dtype=np.int64).reshape(-1, 3),
        start=start,
        segments=len(problem.segments),
        **{name: getattr(compiled.program, name) for name in ARRAYS},
    )
    return compiled.program


def _start(frame: Frame, compiled: Compiled) -> FloatArray:
    """Today's plans and books as a whole point; what follows from the choices comes from a solve with them fixed."""
    start = start_at(frame, compiled, current_solution(frame.problem))
    known = ~np.isnan(start)
    lower, upper = compiled.program.lower.copy(), compiled.program.upper.copy()
    lower[known] = upper[known] = start[known]
    with Engine(1) as engine:
        outcome = engine.solve(Job(replace(compiled.program, lower=lower, upper=upper)))
    return start if outcome.point is None else outcome.point


@dataclass(frozen=True)
class Choices:
    """Turns choices of the joint program into solutions and back."""

    problem: Problem
    tables: Tables

    @classmethod
    def of(cls, problem: Problem) -> Choices:
        """For the whole of a problem; open positions are not a choice here."""
        if problem.csms.is_open.any():
            raise ValueError("The benchmark's peers do not decide on open positions.")
        return cls(problem, Tables(problem, whole_scope(problem)))

    def solution(self, pairs: Sequence[int], plans: Sequence[int]) -> Solution:
        """Who looks after every account, and which plan pays every segment."""
        problem, tables = self.problem, self.tables
        csm = np.full(tables.num_units, -1)
        csm[tables.pair_unit[list(pairs)]] = tables.pair_csm[list(pairs)]
        owner = csm[tables.account_unit].tolist()
        return Solution(
            {s.name: problem.plans[k][plans[k]].plan_id for k, s in enumerate(problem.segments)},
            {a: problem.csms.ids[j] for a, j in zip(problem.accounts.ids, owner, strict=True) if j >= 0},
        )

    def choice(self, solution: Solution) -> tuple[list[int], list[int]]:
        """The pairs and plan rows of a solution."""
        problem, tables = self.problem, self.tables
        first = np.unique(unit_of_account(problem), return_index=True)[1]
        csm = [problem.csm_index[solution.csm_by_account[problem.accounts.ids[a]]] for a in first]
        ids = [[p.plan_id for p in plans] for plans in problem.plans]
        plans = [ids[k].index(solution.plan_by_segment[s.name]) for k, s in enumerate(problem.segments)]
        return np.flatnonzero(tables.pair_csm == np.array(csm)[tables.pair_unit]).tolist(), plans
