"""What the decision brings: predicted ARR, and the load term from below by tangents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from optcomp.formulation.frame import Frame

# Loads at which the load curve always gets a tangent. Between neighbours 4 % apart the curve is under-estimated by at
# most kappa · L · 0.04² / 8, about 0.002 points of NRR at worst; `solve` adds tangents where that is too much.
FIRST_LOADS = tuple(0.25 * 1.04**i for i in range(42))


def add_value(frame: Frame) -> None:
    r"""Predicted year-end ARR of every account with its CSM under the plan, in points of NRR.

    .. math:: \sum_{ujp} v_{ujp} \, y_{ujp}
    """
    tables, model = frame.tables, frame.model
    for (segment, plan), value in sorted(tables.value.items()):
        for k in range(len(value)):
            if tables.pair_segment[k] == segment:
                variable = model.y[k, plan] if frame.has_choice(segment) else model.x[k]
                frame.objective.append((float(value[k]), variable))


def add_load(frame: Frame, tangents: Mapping[int, Sequence[float]]) -> None:
    r"""More work costs ARR, along a convex curve that tangents bound from below.

    .. math:: c_j \ge \kappa_s H_j \left[\rho_j (\log \rho_m + 1) - \rho_m\right] \quad \forall m,
              \qquad c_j \ge \kappa_s H_j \, \rho_j \log(h_{min}/H_j), \qquad \rho_j = \sum_u h_{uj} x_{uj} / H_j

    The second is the line from the origin through the smallest possible book: valid because a book is empty or needs at
    least :math:`h_{min}`, and exact for an empty one. :math:`c_j` is free in sign.
    tangents : further loads per CSM
    """
    problem, model, tables = frame.problem, frame.model, frame.tables
    csms = [int(j) for j in frame.scope.csms if problem.csms.hours[j] > 0.0 and len(frame.pairs_of_csm[int(j)])]
    most = {j: float(tables.hours[frame.pairs_of_csm[j]].sum()) / float(problem.csms.hours[j]) for j in csms}
    model.rho = frame.variables(csms, lambda j: (0.0, most[j]))
    # rho log rho is never below -1/e, and never above its value at the largest load when that is above 1.
    model.cost = frame.variables(csms, lambda j: (-1.0 / math.e, max(most[j] * math.log(max(most[j], 1.0)), 1.0)))
    for j in csms:
        available = float(problem.csms.hours[j])
        frame.row([*frame.pair_terms(j, tables.hours / available), (-1.0, model.rho[j])], 0.0, 0.0)
        points = frame.points(float(problem.kappa[problem.csms.segment[j]]) * available)
        frame.objective.append((-points, model.cost[j]))  # cost[j] is in units of kappa · H, so its rows are near 1
        for load in sorted({*FIRST_LOADS, *tangents.get(j, ())}):
            frame.row([(1.0, model.cost[j]), (-(math.log(load) + 1.0), model.rho[j])], -load, None)
        hours = tables.hours[frame.pairs_of_csm[j]]
        smallest = float(hours[hours > 0.0].min()) if (hours > 0.0).any() else available
        frame.row([(1.0, model.cost[j]), (-math.log(smallest / available), model.rho[j])], 0.0, None)


def add_plan_prices(frame: Frame) -> None:
    """Soft plan-design rules that a plan bends cost their price."""
    for segment in sorted(frame.scope.plans):
        prices = [-frame.points(usd) for usd in frame.problem.plan_soft_cost[segment]]
        terms, constant = frame.plan_terms(segment, prices)
        frame.objective += terms
        frame.constant += constant
