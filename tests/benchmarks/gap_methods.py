"""Who is asked on the assignment benchmarks: the core, HiGHS on the plain program, CP-SAT. Two cores, one process each.

Every method takes costs, hours and capacities and returns the owner of every account (or None) and a bound on cost.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from optcomp.types import FloatArray, IntArray

Found = tuple[IntArray | None, float]
Method = Callable[[FloatArray, FloatArray, FloatArray, float], Found]

CORES = 2
WORKERS = 8  # of CP-SAT: with fewer it leaves out most of its strategies, whatever the number of cores


def core(costs: FloatArray, hours: FloatArray, capacity: FloatArray, seconds: float) -> Found:
    """The assignment core of `gap_core`."""
    from optcomp.engine import Engine
    from tests.benchmarks.gap_core.search import Effort, solve
    from tests.benchmarks.gap_core.task import Assignment

    deadline = time.monotonic() + seconds
    m, n = costs.shape
    csm, account = np.repeat(np.arange(m), n), np.tile(np.arange(n), m)
    task = Assignment(account, csm, -costs.ravel(), hours.ravel(), capacity, n)
    with Engine(CORES) as engine:
        answer = solve(task, engine, Effort(deadline, processes=CORES))
    return answer.owner, -answer.bound


def highs(costs: FloatArray, hours: FloatArray, capacity: FloatArray, seconds: float) -> Found:
    """HiGHS on the plain program, with both cores, asked for the optimum."""
    import highspy

    solver = highspy.Highs()
    options = {"output_flag": False, "threads": CORES, "time_limit": seconds, "mip_rel_gap": 0.0, "mip_abs_gap": 0.999}
    for name, value in options.items():
        solver.setOptionValue(name, value)
    m, n = costs.shape
    x = np.array([solver.addBinary(obj=float(c)) for c in costs.ravel()]).reshape(m, n)
    for a in range(n):
        solver.addConstr(sum(x[:, a]) == 1)
    for j in range(m):
        solver.addConstr(sum(float(h) * v for h, v in zip(hours[j], x[j], strict=True)) <= float(capacity[j]))
    solver.setOptionValue("time_limit", seconds)
    solver.minimize()
    info = solver.getInfo()
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return None, float(info.mip_dual_bound)
    point = np.array(solver.getSolution().col_value).reshape(m, n)
    return point.argmax(axis=0), float(info.mip_dual_bound)


def cpsat(costs: FloatArray, hours: FloatArray, capacity: FloatArray, seconds: float) -> Found:
    """CP-SAT on the same program in whole numbers."""
    from ortools.sat.python import cp_model

    began = time.monotonic()
    model = cp_model.CpModel()
    m, n = costs.shape
    x = [[model.new_bool_var("") for _ in range(n)] for _ in range(m)]
    for a in range(n):
        model.add_exactly_one(x[j][a] for j in range(m))
    for j in range(m):
        model.add(sum(int(hours[j, a]) * x[j][a] for a in range(n)) <= int(capacity[j]))
    model.minimize(sum(int(costs[j, a]) * x[j][a] for j in range(m) for a in range(n)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.relative_gap_limit = 0.0
    solver.parameters.max_time_in_seconds = max(seconds - (time.monotonic() - began), 1.0)
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None, float(solver.best_objective_bound)
    owner = np.array([next(j for j in range(m) if solver.boolean_value(x[j][a])) for a in range(n)])
    return owner, float(solver.best_objective_bound)


METHODS: dict[str, Method] = {"core": core, "highs": highs, "cpsat": cpsat}


def measure(method: str, costs: FloatArray, hours: FloatArray, capacity: FloatArray, seconds: float) -> dict[str, Any]:
    """Ask a method, and how long it took."""
    began = time.perf_counter()
    owner, bound = METHODS[method](costs, hours, capacity, seconds)
    took = time.perf_counter() - began
    return {
        "owner": None if owner is None else [int(j) for j in owner],
        "bound": bound if np.isfinite(bound) else -1e30,
        "seconds": took,
        "cores": len(os.sched_getaffinity(0)),
    }
