"""What `optcomp evaluate` prints."""

from __future__ import annotations

from pathlib import Path

from optcomp.cells import printable
from optcomp.cli.layout import paragraph
from optcomp.decompose.verify import Proof
from optcomp.recheck import Recheck
from optcomp.words import POINTS, percent, plural

# Reasons that are listed; one cause can have hundreds of consequences.
MOST_SHOWN = 20


def evaluate_text(outcome: Recheck, folder: Path) -> str:
    """The report of a re-check."""
    name = printable(str(folder))
    if outcome.recomputed is None or not outcome.holds:
        shown = [paragraph("-", reason, indent=2, hang=4) for reason in outcome.reasons[:MOST_SHOWN]]
        rest = len(outcome.reasons) - len(shown)
        more = [f"  … and {rest} more"] if rest else []
        old = f"It was written by optcomp {outcome.writer}, which may have worded or rounded things in another way."
        why = [paragraph("", old, indent=2, hang=2)] if outcome.writer else []
        return "\n".join([f"The solution in {name} does not hold:", *shown, *more, *why])
    problem, value = outcome.recomputed.problem, outcome.recomputed.evaluation
    ids = f"{plural(len(problem.accounts.ids), 'account')}, {plural(len(problem.csms.ids), 'CSM')}"
    lines = [
        f"The solution in {name} holds: {ids}.",
        f"  recomputed NRR {percent(value.nrr)}, net of bent rules {percent(value.objective)}",
        f"  {plural(outcome.num_inputs, 'input file')} unchanged, every hard rule kept",
    ]
    bound = outcome.summary.get("objective_bound")
    if isinstance(bound, float):
        lines += _ceiling(bound, outcome.proof)
    return "\n".join(lines)


def _ceiling(bound: float, proof: Proof | None) -> list[str]:
    """What is known of the bound without asking a solver."""
    if proof is None:
        return [f"  recorded ceiling {percent(bound)} (proved by the solver, not proved again here)"]
    lines = [f"  ceiling {percent(bound)} proved again from {plural(proof.num_prices, 'set')} of prices by arithmetic"]
    if proof.on_claims:
        lines.append(
            f"  but for {proof.on_claims:.4f} points, which rest on {plural(proof.num_claims, 'bound')} of HiGHS'"
            " branch and bound"
        )
    return lines


def as_object(outcome: Recheck) -> dict[str, object]:
    """The same as plain values."""
    value = outcome.recomputed.evaluation if outcome.recomputed else None
    return {
        "schema": "optcomp/evaluate/1",
        "holds": outcome.holds,
        "reasons": list(outcome.reasons),
        "written_by_another_version": outcome.writer or None,
        "nrr": value.nrr if value else None,
        "objective": value.objective if value else None,
        "soft_cost": value.soft_cost if value else None,
        "pay_cost": value.pay_cost if value else None,
        "moves": value.moves if value else None,
        "proof": None if outcome.proof is None else _proof(outcome.proof),
    }


def _proof(proof: Proof) -> dict[str, object]:
    """Ratios, as everywhere; points where the name says so."""
    return {
        "bound": proof.bound / POINTS,
        "bound_by_arithmetic": proof.arithmetic / POINTS,
        "points_on_branch_and_bound": proof.on_claims,
        "sets_of_prices": proof.num_prices,
        "claims_of_branch_and_bound": proof.num_claims,
    }
