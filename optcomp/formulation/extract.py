"""From a point of the program to a solution, and from a solution to a start."""

from __future__ import annotations

import numpy as np
from pyomo.common.collections import ComponentMap

from optcomp.formulation.compile import Compiled
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import unit_of_account
from optcomp.response.load import load_cost
from optcomp.solution import Solution
from optcomp.types import FloatArray, sum_by


def chosen_pairs(frame: Frame, compiled: Compiled, point: FloatArray) -> np.ndarray:
    """Pairs that a point uses."""
    columns = column_of(compiled)
    return np.array([k for k in frame.model.x if point[columns[id(frame.model.x[k])]] > 0.5], dtype=np.int64)


def column_of(compiled: Compiled) -> dict[int, int]:
    """Column of every variable, by the variable's id()."""
    return {id(variable): column for column, variable in enumerate(compiled.variables)}


def owners(frame: Frame, pairs: np.ndarray) -> dict[int, int]:
    """CSM row of every account row in scope, given the pairs used."""
    csm_of_unit = dict(zip(frame.tables.pair_unit[pairs], frame.tables.pair_csm[pairs], strict=True))
    return {
        int(account): int(csm_of_unit[unit])
        for account, unit in zip(frame.scope.accounts, frame.tables.account_unit, strict=True)
    }


def extract(frame: Frame, compiled: Compiled, point: FloatArray) -> Solution:
    """The solution that a point of a whole program stands for."""
    problem, columns = frame.problem, column_of(compiled)

    def value(variable: object) -> float:
        return float(point[columns[id(variable)]])

    plans: dict[str, str] = {}
    for segment, rows in sorted(frame.scope.plans.items()):
        chosen = [p for p in rows if len(rows) == 1 or value(frame.model.z[segment, p]) > 0.5]
        plans[problem.segments[segment].name] = problem.plans[segment][chosen[0]].plan_id
    owner = owners(frame, chosen_pairs(frame, compiled, point))
    return Solution(
        plan_by_segment=plans,
        csm_by_account={problem.accounts.ids[a]: problem.csms.ids[j] for a, j in sorted(owner.items())},
        filled=frozenset(problem.csms.ids[j] for j in frame.scope.optional if value(frame.model.o[j]) > 0.5),
    )


def start_at(frame: Frame, compiled: Compiled, solution: Solution) -> FloatArray:
    """A start with every choice of a solution; what follows from the choices is left to the solver."""
    problem, tables, model = frame.problem, frame.tables, frame.model
    values: ComponentMap = ComponentMap()
    units = unit_of_account(problem)[frame.scope.accounts]
    first_account = frame.scope.accounts[np.unique(units, return_index=True)[1]]
    owner = [problem.csm_index[solution.csm_by_account[problem.accounts.ids[a]]] for a in first_account]
    used = tables.pair_csm == np.array(owner, dtype=np.int64)[tables.pair_unit]
    for k in model.x:
        values[model.x[k]] = float(used[k])
    for segment, p in model.z:
        wanted = solution.plan_by_segment[problem.segments[segment].name]
        values[model.z[segment, p]] = float(problem.plans[segment][p].plan_id == wanted)
    for j in model.o:
        values[model.o[j]] = float(problem.csms.ids[j] in solution.filled)
    return compiled.start_from(values)


def load_error(frame: Frame, compiled: Compiled, point: FloatArray) -> tuple[float, dict[int, float]]:
    """Points of NRR by which the tangents under-estimate the load term at a point, and the load of every book."""
    problem, columns = frame.problem, column_of(compiled)
    pairs = chosen_pairs(frame, compiled, point)
    hours = sum_by(frame.tables.pair_csm[pairs], frame.tables.hours[pairs], len(problem.csms.ids))
    error, loads = 0.0, {}
    for j in frame.model.cost:
        available = float(problem.csms.hours[j])
        kappa = float(problem.kappa[problem.csms.segment[j]])
        exact = float(load_cost(kappa, hours[j : j + 1], np.array([available]), 1.0)[0])
        tangent = kappa * available * float(point[columns[id(frame.model.cost[j])]])
        error += frame.points(exact - tangent)
        loads[int(j)] = float(hours[j] / available)
    return error, loads
