"""A bound on the joint program that needs no solver, for programs whose relaxation takes longer than there is time."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.compile import Compiled
from optcomp.formulation.extract import column_of
from optcomp.formulation.frame import Frame


def simple_bound(frame: Frame, compiled: Compiled) -> float:
    r"""Every account or family with its best CSM under the best plan, and every other column at its better end.

    .. math:: \sum_u \max_{j \in u} (c_j + \max_p c_{jp}) + \sum_i \max_{s \in [l_i, u_i]} c_i s

    holds because the pairs of a unit add up to 1, and the plans of a pair to the pair. Points of NRR; inf where a
    column that pays has no limit.
    """
    tables, model, column = frame.tables, frame.model, column_of(compiled)
    program = compiled.program
    pair_column = np.array([column[id(model.x[k])] for k in range(len(tables.pair_unit))], dtype=np.int64)
    keys = list(model.y)
    plan_column = np.array([column[id(model.y[key])] for key in keys], dtype=np.int64)
    gain = program.objective[pair_column]
    if keys:
        best_plan = np.full(len(gain), -np.inf)
        np.maximum.at(best_plan, np.array([k for k, _ in keys]), program.objective[plan_column])
        gain = gain + np.where(np.isfinite(best_plan), best_plan, 0.0)
    best = np.full(tables.num_units, -np.inf)
    np.maximum.at(best, tables.pair_unit, gain)
    is_other = np.ones(program.num_columns, dtype=bool)
    is_other[pair_column] = is_other[plan_column] = False
    weight = program.objective[is_other]
    end = np.where(weight > 0.0, program.upper[is_other], program.lower[is_other])
    others = weight[weight != 0.0] @ end[weight != 0.0]
    return float(best.sum() + others + program.offset)
