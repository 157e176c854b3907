"""optcomp: pay plans and books of customer success managers, decided in one optimisation, with a proof.

>>> import optcomp
>>> problem = optcomp.read("instances/tiny")
>>> result = optcomp.solve(problem)
>>> books = optcomp.frames(result).books
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optcomp.assemble import read
    from optcomp.evaluate import evaluate
    from optcomp.frames import frames
    from optcomp.solve import Settings, solve

__all__ = ["Settings", "evaluate", "frames", "read", "solve"]

# Imported when first used: `optcomp --help` must not wait for numpy, pandas, pyomo and highspy.
_HOME = {
    "Settings": "optcomp.solve",
    "evaluate": "optcomp.evaluate",
    "frames": "optcomp.frames",
    "read": "optcomp.assemble",
    "solve": "optcomp.solve",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'optcomp' has no attribute {name!r}")
