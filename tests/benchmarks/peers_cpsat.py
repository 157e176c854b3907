"""CP-SAT on the joint program, in whole numbers: a relaxation that is rounded outwards, so its bound holds.

Knows nothing of optcomp: OR-Tools and highspy ship libraries that cannot be loaded into one process.

Every column x is replaced by u >= 0, its distance from its lower bound: a whole number where x is one, otherwise
counted in steps of 1 / STEPS, rounded down. A row sum(a u) <= b is multiplied by a power of two; coefficients are
rounded down, the right-hand side up, and what the rounding of u may add (a < 0) is granted. Every choice that the
program allows is thus allowed, and worth no less. The choice that comes out is judged by `evaluate` all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.benchmarks.peers_choice import choice_at
from tests.benchmarks.peers_log import Log

STEPS = 2**17  # of loads, load costs and slacks: 0.001 % of a CSM's hours, less than 0.001 points of NRR in all
ROW_SCALE, OBJECTIVE_SCALE = 36, 40  # powers of two; 50 rounded hours miss a limit by 1e-9 of it
LARGEST = 2.0**60  # of a sum in absolute terms; CP-SAT counts in 64 bits
TOLERANCE = 1e-6  # of solvers in rows near 1
WORKERS = 8  # with fewer it leaves out most of its strategies, whatever the number of cores


def solve(path: Path, log: Log, *, seconds: float) -> None:
    """Solve a program that `peers_program.write_matrix` wrote."""
    from ortools.sat.python import cp_model

    log.begin()
    matrix = dict(np.load(path))
    program = Whole(matrix)
    model = cp_model.CpModel()
    program.fill(model)
    log.note(loaded=log.seconds)

    class Told(cp_model.CpSolverSolutionCallback):
        def on_solution_callback(self) -> None:
            point = np.array(self.response_proto.solution, dtype=np.float64) + matrix["lower"]
            log.found(*choice_at(matrix, point))

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.relative_gap_limit = 0.0
    # They took half of the time of presolving on team-of-15 (14 of 28 s); with them 60 s ended without a choice.
    solver.parameters.cp_model_probing_level = 0
    solver.parameters.symmetry_level = 0
    solver.parameters.max_time_in_seconds = max(seconds - log.seconds, 1.0)
    solver.best_bound_callback = lambda bound: log.bound(program.points(bound))
    status = solver.solve(model, Told())
    if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):  # with no solution it says 0 where it has no bound
        log.bound(program.points(solver.best_objective_bound))
    log.ended(solver.status_name(status).lower().replace("unknown", "no solution"))


class Whole:
    """A program in whole numbers.

    steps : shape (columns,), steps in which a column is counted (1 for whole numbers)
    """

    def __init__(self, matrix: Mapping[str, Any]) -> None:
        self.matrix = matrix
        whole = matrix["integer"].copy()
        whole[matrix["y"]] = True  # 0 or 1 by themselves once x and z are
        if not np.isfinite(matrix["lower"]).all() or not np.isfinite(matrix["upper"]).all():
            raise ValueError("Whole numbers need a lower and an upper bound on every column.")
        self.is_whole = whole
        self.steps = np.where(whole, 1.0, float(STEPS))
        self.most = np.floor((matrix["upper"] - matrix["lower"]) * self.steps + 1e-9).astype(np.int64)
        self._set_objective()

    def _set_objective(self) -> None:
        m = self.matrix
        per_step = m["objective"] / self.steps
        total = float(np.abs(per_step) @ self.most)
        self.scale = 2.0 ** min(OBJECTIVE_SCALE, np.floor(np.log2(LARGEST / max(total, 1.0))))
        self.objective = np.ceil(per_step * self.scale).astype(np.int64)
        rounding = float(per_step[~self.is_whole & (per_step > 0.0)].sum())
        self.offset = float(m["offset"]) + float(m["objective"] @ m["lower"]) + rounding

    def points(self, value: float) -> float:
        """A value of CP-SAT's objective in points of NRR."""
        return value / self.scale + self.offset

    def fill(self, model: Any) -> None:
        """Write everything into an empty model."""
        m, proto = self.matrix, model.proto
        for most in self.most.tolist():
            proto.variables.add().domain.extend([0, most])
        starts, columns, values = m["starts"], m["columns"], m["values"]
        for row in range(len(m["row_lower"])):
            inside = slice(starts[row], starts[row + 1])
            self._add_row(proto, columns[inside], values[inside], m["row_lower"][row], m["row_upper"][row])
        proto.objective.vars.extend(np.flatnonzero(self.objective).tolist())
        proto.objective.coeffs.extend((-self.objective[self.objective != 0]).tolist())
        proto.objective.scaling_factor = -1.0
        self._add_hint(proto)

    def _add_row(self, proto: Any, columns: np.ndarray, values: np.ndarray, low: float, high: float) -> None:
        shift = float(values @ self.matrix["lower"][columns])
        sides = [(1.0, high - shift)] if np.isfinite(high) else []
        sides += [(-1.0, shift - low)] if np.isfinite(low) else []
        is_exact = self.is_whole[columns].all() and (values == np.rint(values)).all()
        if is_exact and all(side == np.rint(side) for _, side in sides):
            least = int(low - shift) if np.isfinite(low) else -(2**62)
            _append(proto, columns, values.astype(np.int64), least, int(high - shift) if np.isfinite(high) else 2**62)
            return
        for sign, side in sides:
            self._add_at_most(proto, columns, sign * values, side)

    def _add_at_most(self, proto: Any, columns: np.ndarray, values: np.ndarray, side: float) -> None:
        per_step = values / self.steps[columns]
        total = max(float(np.abs(per_step) @ self.most[columns]), abs(side), 1e-9)
        scale = 2.0 ** min(ROW_SCALE, np.floor(np.log2(LARGEST / total)))
        granted = -float(per_step[~self.is_whole[columns] & (per_step < 0.0)].sum())
        if not self.is_whole[columns].all():
            granted += TOLERANCE  # a start from another solver holds no better than that
        whole = np.floor(per_step * scale).astype(np.int64)
        _append(proto, columns, whole, -(2**62), int(np.ceil((side + granted) * scale)))

    def _add_hint(self, proto: Any) -> None:
        """Today's choice; counted in steps and rounded down it holds in the rounded rows."""
        steps = (self.matrix["start"] - self.matrix["lower"]) * self.steps
        known = np.flatnonzero(~np.isnan(steps))
        whole = np.where(self.is_whole[known], np.rint(steps[known]), np.floor(steps[known]))
        proto.solution_hint.vars.extend(known.tolist())
        proto.solution_hint.values.extend(np.clip(whole, 0, self.most[known]).astype(np.int64).tolist())


def _append(proto: Any, columns: np.ndarray, values: np.ndarray, low: int, high: int) -> None:
    linear = proto.constraints.add().linear
    kept = values != 0
    linear.vars.extend(columns[kept].tolist())
    linear.coeffs.extend(values[kept].tolist())
    linear.domain.extend([low, high])
