"""What a point of the joint program chooses: pairs of account and CSM, and a plan for every segment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

_X, _Z = re.compile(r"x\((\d+)\)"), re.compile(r"z\((\d+)_(\d+)\)")


def choice_at(matrix: Mapping[str, Any], point: np.ndarray) -> tuple[list[int], list[int]]:
    """Pairs that a point uses, and the plan row of every segment (the only one where there is no choice)."""
    plans = [0] * int(matrix["segments"])
    for segment, plan, column in matrix["z"].tolist():
        if point[column] > 0.5:
            plans[segment] = plan
    return np.flatnonzero(point[matrix["x"]] > 0.5).tolist(), plans


def choice_named(values: Mapping[str, float], segments: int) -> tuple[list[int], list[int]]:
    """The same from values by the names of the exported file."""
    pairs, plans = [], [0] * segments
    for name, value in values.items():
        if value > 0.5 and (match := _X.fullmatch(name)):
            pairs.append(int(match[1]))
        elif value > 0.5 and (match := _Z.fullmatch(name)):
            plans[int(match[1])] = int(match[2])
    return sorted(pairs), plans
