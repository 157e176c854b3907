"""How a conflict of rules is printed, for `solve` and `check` alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from optcomp.cli.layout import paragraph
from optcomp.words import money

if TYPE_CHECKING:
    from optcomp.problem import Problem

NOT_FOUND = "Which rules clash could not be found out in the time for it. Set hard rules to soft one by one."


def conflict_of(problem: Problem) -> dict[str, object] | None:
    """The conflict as plain values, looked for with a solver process of its own."""
    from optcomp.engine import Engine
    from optcomp.studies.conflict_words import report

    with Engine(1) as engine:
        return report(problem, engine)


def conflict_text(conflict: Mapping[str, Any] | None, currency: str) -> list[str]:
    """Lines on what clashes and on the ways out, cheapest first."""
    if conflict is None:
        return [paragraph("-", NOT_FOUND, indent=2, hang=4)]
    lines = [paragraph("", conflict["headline"], hang=0)]
    lines += [paragraph("-", text, indent=2, hang=4) for text in conflict["sentences"]]
    if conflict["ways_out"]:
        lines.append("Ways out, each by itself, cheapest first at the prices of the rules")
    for i, way in enumerate(conflict["ways_out"], start=1):
        lines.append(paragraph(f"{i}.", f"{money(way['cost'], currency)}: {way['sentence']}", indent=2, hang=4))
    if conflict["closing"]:
        lines.append(paragraph("", conflict["closing"], hang=0))
    return lines
