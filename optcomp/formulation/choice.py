"""What is decided: the CSM of every unit, the plan of every segment, the open positions that are filled."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.frame import Frame


def add_variables(frame: Frame) -> None:
    """Binary choices x, z, o and the products y of pair and plan."""
    model, scope, tables = frame.model, frame.scope, frame.tables
    model.x = frame.variables(range(len(tables.pair_unit)), whole=True)
    choices = [(s, p) for s in sorted(scope.plans) if frame.has_choice(s) for p in scope.plans[s]]
    model.z = frame.variables(choices, whole=True)
    products = [(int(k), p) for s, p in choices for k in np.flatnonzero(tables.pair_segment == s)]
    # y is 0 or 1 by itself once x and z are, so it need not be declared binary.
    model.y = frame.variables(products)
    model.o = frame.variables(sorted(scope.optional), whole=True)
    frame.begin_rows()


def add_one_owner(frame: Frame) -> None:
    r"""Every account has exactly one CSM.

    .. math:: \sum_j x_{uj} = 1 \qquad \forall u

    u   unit: an account, or a family that stays together
    """
    for unit in range(frame.tables.num_units):
        terms = [(1.0, frame.model.x[k]) for k in frame.pairs_of_unit[unit]]
        frame.row(terms, 1.0, 1.0)


def add_one_plan(frame: Frame) -> None:
    r"""Every segment has exactly one plan.

    .. math:: \sum_p z_{sp} = 1 \qquad \forall s
    """
    for segment, rows in sorted(frame.scope.plans.items()):
        if frame.has_choice(segment):
            frame.row([(1.0, frame.model.z[segment, p]) for p in rows], 1.0, 1.0)


def add_link(frame: Frame) -> None:
    r"""An account feels the plan of its CSM's segment.

    .. math:: \sum_p y_{ujp} = x_{uj}, \qquad \sum_{j \in s} y_{ujp} \le z_{sp} \qquad \forall u, s, p

    Summed over the CSMs of a segment, the link is much tighter than :math:`y_{ujp} \le z_{sp}` one by one.
    """
    model, tables = frame.model, frame.tables
    for segment, rows in sorted(frame.scope.plans.items()):
        if not frame.has_choice(segment):
            continue
        for k in np.flatnonzero(tables.pair_segment == segment):
            frame.row([(1.0, model.y[int(k), p]) for p in rows] + [(-1.0, model.x[int(k)])], 0.0, 0.0)
        for unit in range(tables.num_units):
            own = [int(k) for k in frame.pairs_of_unit[unit] if tables.pair_segment[k] == segment]
            is_only_segment = len(own) == len(frame.pairs_of_unit[unit])
            for p in rows if own else ():
                terms = [(1.0, model.y[k, p]) for k in own] + [(-1.0, model.z[segment, p])]
                frame.row(terms, 0.0 if is_only_segment else None, 0.0)


def add_filled(frame: Frame) -> None:
    r"""Only a position that is filled can have accounts.

    .. math:: x_{uj} \le o_j \qquad \forall u, \; j \text{ open}
    """
    for j in sorted(frame.scope.optional):
        for k in frame.pairs_of_csm[j]:
            frame.row([(1.0, frame.model.x[int(k)]), (-1.0, frame.model.o[j])], None, 0.0)


def add_open_positions(frame: Frame) -> None:
    r"""Every open position is filled.

    .. math:: o_j \ge 1 \qquad \forall j \text{ open}
    """
    rule = frame.problem.rules["open_positions"]
    for j in sorted(frame.scope.optional):
        frame.at_least(rule, [(1.0, frame.model.o[j])], 1.0, scale=1.0)
