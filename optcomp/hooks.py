"""Users' own constraints: rows for the Pyomo program, with the check that `evaluate` runs for them.

A hook file is Python that the user names on the command line (never one that an instance names by itself). It has two
functions: ``add(frame)`` writes rows, ``check(problem, solution)`` returns a sentence for everything that does not
hold.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optcomp.errors import Finding, InputError
from optcomp.problem import Problem
from optcomp.solution import Solution


@dataclass(frozen=True, slots=True)
class Hook:
    """A constraint of the user's own.

    add : writes rows into the program; see `optcomp.formulation.frame.Frame`
    check : sentences on what does not hold in a solution; empty when all is well
    """

    name: str
    add: Callable[[Any], None]
    check: Callable[[Problem, Solution], Sequence[str]]


def load_hook(path: Path) -> Hook:
    """The hook in a Python file.

    Raises
    ------
    InputError
        When the file cannot be imported or lacks one of the two functions.
    """
    spec = importlib.util.spec_from_file_location(f"optcomp_hook_{path.stem}", path)
    if not path.is_file():
        raise InputError(Finding("hook", f"There is no file {path.name}", "A Python file with constraints of your own"))
    if spec is None or spec.loader is None:
        raise InputError(Finding("hook", f"The hook {path.name} is not a Python file", "A file that ends in .py"))
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (SyntaxError, ImportError, NameError) as error:
        raise InputError(
            Finding("hook", f"The hook {path.name} cannot be imported: {error}", "Python that runs")
        ) from error
    missing = [name for name in ("add", "check") if not callable(getattr(module, name, None))]
    if missing:
        raise InputError(
            Finding(
                "hook",
                f"The hook {path.name} has no function {' and no function '.join(missing)}",
                "add(frame) and check(problem, solution)",
            )
        )
    return Hook(path.stem, module.add, module.check)


def hook_violations(hooks: Sequence[Hook], problem: Problem, solution: Solution) -> list[str]:
    """What the users' own checks say against a solution."""
    return [f"{hook.name}: {sentence}" for hook in hooks for sentence in hook.check(problem, solution)]
