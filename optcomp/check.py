"""Everything that can be said about an instance without solving it: errors, warnings, design review, what was read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from optcomp.assemble import assemble, load
from optcomp.config import Settings
from optcomp.config_checks import check_config
from optcomp.design_review import review
from optcomp.errors import Finding, InputError
from optcomp.evaluate import current_solution, evaluate
from optcomp.infeasible import why_nothing_fits
from optcomp.instance import Instance
from optcomp.overview import Overview, overview
from optcomp.problem import Problem
from optcomp.reviews.sums import is_proof
from optcomp.sources import open_source, reading
from optcomp.toml_text import override

SCHEMA = "optcomp/check/1"
EXIT_NOTHING_FITS = 4
# Accounts times CSMs above which the solver is asked about conflicts only on request: some seconds at this size.
MOST_PAIRS = 100_000


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found.

    errors : when there are any, nothing else could be looked at
    reasons : sentences that each name a sum which cannot work out
    review : findings of the design review, all of them warnings
    problem : what was read, for further questions
    """

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    reasons: tuple[str, ...] = ()
    review: tuple[Finding, ...] = ()
    read: Overview | None = None
    problem: Problem | None = None

    @property
    def status(self) -> Literal["ok", "invalid", "infeasible"]:
        """How the instance stands."""
        if self.errors:
            return "invalid"
        return "infeasible" if self.reasons else "ok"

    @property
    def is_open(self) -> bool:
        """Only a solver can say whether every hard rule can hold: today's plans and books, as they are, do not."""
        return self.problem is not None and bool(evaluate(self.problem, current_solution(self.problem)).violations)

    @property
    def is_small(self) -> bool:
        """The solver can be asked within seconds."""
        read = self.problem
        return read is not None and len(read.accounts.ids) * len(read.csms.ids) <= MOST_PAIRS

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
        # Tables that are wrong keep `load` from the model files; a user wants to mend all of it in one go.
        also = [finding for finding in _model_errors(path, overrides) if finding not in error.findings]
        return Checked(errors=(*error.findings, *also))
    findings = review(loaded.problem)
    return Checked(
        warnings=loaded.warnings,
        reasons=why_nothing_fits(loaded.problem),
        review=tuple(f for f in findings if not is_proof(f)),  # what is one is among the reasons
        read=overview(loaded.problem),
        problem=loaded.problem,
    )


def _model_errors(path: Path, overrides: Sequence[str]) -> tuple[Finding, ...]:
    """What is wrong with the model files that the settings name, whatever the tables hold."""
    try:
        with reading(path):
            settings, _ = check_config(override(open_source(path).document(), overrides))
        if settings is not None:
            assemble(_without_tables(settings), path if path.is_dir() else path.parent)
    except InputError as error:
        return error.findings
    return ()


def _without_tables(settings: Settings) -> Instance:
    return Instance(
        name=settings.name,
        as_of=settings.as_of,
        plan_year_start=settings.plan_year_start,
        pay_budget=settings.budget.pay,
        segments=tuple(segment.segment(name) for name, segment in settings.segments.items()),
        accounts=(),
        csms=(),
        menu=settings.menu.spec(),
        models=settings.model_names,
        rule_overrides=settings.rule_overrides,
    )
