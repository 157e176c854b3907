"""What `optcomp evaluate` prints."""

from __future__ import annotations

from pathlib import Path

from optcomp.cells import printable
from optcomp.cli.layout import paragraph
from optcomp.recheck import Recheck
from optcomp.words import percent, plural

# Reasons that are listed; one cause can have hundreds of consequences.
MOST_SHOWN = 20


def evaluate_text(outcome: Recheck, folder: Path) -> str:
    """The report of a re-check."""
    name = printable(str(folder))
    if outcome.recomputed is None or not outcome.holds:
        shown = [paragraph("-", reason, indent=2, hang=4) for reason in outcome.reasons[:MOST_SHOWN]]
        rest = len(outcome.reasons) - len(shown)
        more = [f"  … and {rest} more"] if rest else []
        return "\n".join([f"The solution in {name} does not hold:", *shown, *more])
    problem, value = outcome.recomputed.problem, outcome.recomputed.evaluation
    ids = f"{plural(len(problem.accounts.ids), 'account')}, {plural(len(problem.csms.ids), 'CSM')}"
    lines = [
        f"The solution in {name} holds: {ids}.",
        f"  recomputed NRR {percent(value.nrr)}, net of bent rules {percent(value.objective)}",
        f"  {plural(outcome.num_inputs, 'input file')} unchanged, every hard rule kept",
    ]
    bound = outcome.summary.get("objective_bound")
    if isinstance(bound, float):
        lines.append(f"  recorded ceiling {percent(bound)} (proved by the solver, not proved again here)")
    return "\n".join(lines)


def as_object(outcome: Recheck) -> dict[str, object]:
    """The same as plain values."""
    value = outcome.recomputed.evaluation if outcome.recomputed else None
    return {
        "schema": "optcomp/evaluate/1",
        "holds": outcome.holds,
        "reasons": list(outcome.reasons),
        "nrr": value.nrr if value else None,
        "objective": value.objective if value else None,
        "soft_cost": value.soft_cost if value else None,
        "pay_cost": value.pay_cost if value else None,
        "moves": value.moves if value else None,
    }
