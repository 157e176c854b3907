"""Short names for array types, and the sum by label that half the program is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
AnyArray = NDArray[Any]


def sum_by(label: NDArray[np.integer[Any]], values: FloatArray, count: int) -> FloatArray:
    """Sum of the values that carry each label 0 to count - 1, shape (count,)."""
    return np.asarray(np.bincount(label, values, minlength=count), dtype=np.float64)
