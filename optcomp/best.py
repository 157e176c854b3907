"""The best solution of a solve so far: judged before it counts, and held against every bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from optcomp.errors import SolverError
from optcomp.evaluate import Evaluation, evaluate
from optcomp.hooks import Hook, hook_violations
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.words import POINTS

A_BUG = "This is a bug in optcomp; please report it."
# Points by which the exact value of a solution and the program's may differ: sums of floats, the solver's row
# tolerance (conventions 5.3).
AGREEMENT = 1e-4


@dataclass
class Best:
    """The best verified solution so far; every candidate is judged by `evaluate` before it counts."""

    problem: Problem
    hooks: Sequence[Hook]
    solution: Solution | None = None
    evaluation: Evaluation | None = None
    on_better: Callable[[Solution, float], None] = lambda solution, objective: None

    def offer(self, solution: Solution, promised: float | None = None) -> Evaluation | None:
        """Take a solution if it holds up and is better; its evaluation, or None where it breaks a hard rule.

        promised : the program's own value in points; a difference from `evaluate` is a bug, not a result
        """
        result = evaluate(self.problem, solution)
        if result.violations or hook_violations(self.hooks, self.problem, solution):
            if promised is not None:
                broken = ", ".join(sorted({b.rule_id for b in result.violations})) or "a constraint of your own"
                raise SolverError(f"The program and the evaluator disagree: a solution breaks {broken}. {A_BUG}")
            return None
        if promised is not None and abs(promised - POINTS * result.objective) > AGREEMENT:
            distance = promised - POINTS * result.objective
            raise SolverError(f"The program and the evaluator disagree by {distance:.6f} points of NRR. {A_BUG}")
        if self.evaluation is None or result.objective > self.evaluation.objective:
            self.solution, self.evaluation = solution, result
            self.on_better(solution, result.objective)
        return result


def checked(bound: float, found: Evaluation | None) -> float:
    """The bound in points, at least the value of the best solution.

    Raises
    ------
    SolverError
        When it lies below a solution that holds up, which is a bug and never a warning.
    """
    if found is None:
        return bound
    value = POINTS * found.objective
    if bound < value - AGREEMENT:
        raise SolverError(f"The proved bound {bound:.6f} lies below a solution of {value:.6f} points of NRR. {A_BUG}")
    return max(bound, value)
