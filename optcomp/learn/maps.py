r"""The two feature maps of a pay plan, side by side: the effort index, and one saturating term a component.

.. math:: h_c(p) = \tilde d_c / (\tilde d_c + \kappa)

with the same dollars :math:`\tilde d_c` as the effort index. Features are differences from the plan that a segment has
today, so that levels mean "today" under both maps and a history of that one plan says nothing about effects.
Source: SCIENCE 1.4, 1.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.response.saturating import COMPONENTS
from optcomp.types import FloatArray

MapName = Literal["effort", "hill"]
MAPS: tuple[MapName, ...] = get_args(MapName)
TASKS = ("retain", "expand", "playbook")


def feature_names(which: MapName, outcome: str) -> tuple[str, ...]:
    """Keys of the coefficients of a map in the response model file; `outcome` is renew, expand or contract."""
    if which == "effort":
        return tuple(f"outcome.{outcome}.{task}" for task in TASKS)
    return tuple(f"hill.{outcome}.{component}" for component in COMPONENTS)


def features(which: MapName, problem: Problem, plans: Sequence[Plan], kappa: float) -> FloatArray:
    """Features of plans against today's plan of each segment, shape (segments, plans, features)."""
    table = [
        _of_segment(which, problem, s, [*plans, problem.today_plan(s)], kappa) for s in range(len(problem.segments))
    ]
    return np.array([rows[:-1] - rows[-1] for rows in table])


def menu_features(which: MapName, problem: Problem, segment: int, kappa: float) -> FloatArray:
    """Features of the plans on the menu of a segment against today's, shape (plans, features); row 0 is all 0."""
    table = _of_segment(which, problem, segment, problem.plans[segment], kappa)
    return np.asarray(table - table[0])


def _of_segment(which: MapName, problem: Problem, segment: int, plans: Sequence[Plan], kappa: float) -> FloatArray:
    if which == "effort":
        return problem.effects_of(segment, plans).phi
    return problem.saturating_of(segment, plans, kappa)
