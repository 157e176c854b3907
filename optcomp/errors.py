"""What can go wrong, said in one place: findings, input errors, solver errors.

Exit codes follow docs/reference/exit-codes.md; `cli` maps an exception to its code and prints it, nobody else does.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong or doubtful in the input: where, what was found, what is allowed, what to do.

    `row` is the line of the file as the user's editor counts it (the header is row 1).
    `requirement` is an id of the field's demands (for example ``002-20``) where one is met.
    """

    code: str
    found: str
    allowed: str
    hint: str = ""
    file: str = ""
    row: int | None = None
    column: str = ""
    severity: Severity = "error"
    requirement: str = ""

    @property
    def place(self) -> str:
        """Where it is, e.g. ``accounts.csv, row 14, column hours``."""
        parts = [self.file] if self.file else []
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.column:
            parts.append(f"column {self.column}")
        return ", ".join(parts)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        texts = [text for text in (self.found, self.allowed, self.hint) if text]
        sentences = [text if text.endswith(("?", "!", "…")) else text.rstrip(".") + "." for text in texts]
        source = f" [{self.requirement}]" if self.requirement else ""
        return where + " ".join(sentences) + source


class OptcompError(Exception):
    """Base of every error that optcomp raises on purpose."""

    exit_code = 1


class InputError(OptcompError):
    """The input has errors that the user can mend; carries all of them."""

    exit_code = 3

    def __init__(self, findings: Iterable[Finding] | Finding):
        self.findings: tuple[Finding, ...] = (findings,) if isinstance(findings, Finding) else tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class CheckFailed(OptcompError):
    """A solution does not hold up when it is recomputed from the facts; nothing is published."""

    exit_code = 7


class OutputError(OptcompError):
    """Files could not be read or written for a reason outside the data: permission, disk, lock."""

    exit_code = 8


class SolverError(OptcompError):
    """The solver ended without an answer that can be used."""

    exit_code = 1
