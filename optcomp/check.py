"""Everything that can be said about an instance without solving it: errors, warnings, design review, what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from optcomp.assemble import load
from optcomp.design_review import review
from optcomp.errors import Finding, InputError
from optcomp.infeasible import why_nothing_fits
from optcomp.overview import Overview, overview
from optcomp.reviews.sums import is_proof

SCHEMA = "optcomp/check/1"
EXIT_NOTHING_FITS = 4


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    errors : when there are any, nothing else could be looked at
    reasons : sentences that each name a sum which cannot work out
    review : findings of the design review, all of them warnings
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    review: tuple[Finding, ...] = ()
    read: Overview | None = None

    @property
    def status(self) -> Literal["ok", "invalid", "infeasible"]:
        """How the instance stands."""
        if self.errors:
            return "invalid"
        return "infeasible" if self.reasons else "ok"

    @property
    def exit_code(self) -> int:
        """As in docs/reference/exit-codes.md."""
        return {"ok": 0, "invalid": InputError.exit_code, "infeasible": EXIT_NOTHING_FITS}[self.status]

    def summary(self) -> dict[str, object]:
        """For ``--json``."""
        parts = {name: [asdict(f) for f in getattr(self, name)] for name in ("errors", "warnings", "review")}
        read = asdict(self.read) if self.read else None
        return {"schema": SCHEMA, "status": self.status, **parts, "reasons": list(self.reasons), "read": read}


def check(path: Path, *, overrides: Sequence[str] = ()) -> Checked:
    """Everything about the instance in a folder or workbook.

    Raises
    ------
    OutputError
        When a file cannot be opened.
    """
    try:
        loaded = load(path, overrides=overrides)
    except InputError as error:
        return Checked(errors=error.findings)
    findings = review(loaded.problem)
    # What breaks a hard rule is a reason; `why_nothing_fits` says the same of hours and money in its own words.
    proofs = [f for f in findings if is_proof(f)]
    own = [str(f) for f in proofs if f.code not in ("hours-total", "budget-total")]
    return Checked(
        warnings=loaded.warnings,
        reasons=(*why_nothing_fits(loaded.problem), *own),
        review=tuple(f for f in findings if f not in proofs),
        read=overview(loaded.problem),
    )
