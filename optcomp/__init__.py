"""optcomp: pay plans and books of customer success managers, decided in one optimisation, with a proof.

>>> import optcomp
>>> problem = optcomp.read("instances/tiny")
>>> result = optcomp.solve(problem)
>>> books = optcomp.frames(result).books
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

# ruff: noqa: TC004  (the names of `__all__` are there at run time, as properties of the package)
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


class _Package(ModuleType):
    """The package as it is seen from outside: its verbs are functions, whatever modules have the same name."""


def _verb(name: str) -> property:
    def get(package: ModuleType) -> Any:
        return getattr(import_module(_HOME[name]), name)

    def ignore(package: ModuleType, module: ModuleType) -> None:
        """Importing `optcomp.solve` sets the module as an attribute of the package; the verb stays what it is."""

    return property(get, ignore)


for _name in _HOME:
    setattr(_Package, _name, _verb(_name))
sys.modules[__name__].__class__ = _Package
