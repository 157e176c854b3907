"""How a conflict of rules is printed, for `solve` and `check` alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from optcomp.cli.layout import paragraph
from optcomp.words import money

if TYPE_CHECKING:
    from optcomp.hooks import Hook
    from optcomp.problem import Problem

# Twice what the search without constraints of one's own may take: every question is the joint program.
SECONDS_WITH_HOOKS = 60.0
NOT_FOUND = "Which rules clash could not be found out in the time for it. Set hard rules to soft one by one."


def conflict_of(problem: Problem, hooks: Sequence[Hook] = ()) -> dict[str, object] | None:
    """The conflict as plain values, looked for with solver processes of its own.

    hooks : constraints of the user's own, which come in where the rules by themselves have an answer
    """
    from optcomp.engine import Engine
    from optcomp.studies.clash_hooks import as_object, hook_conflict
    from optcomp.studies.conflict_words import SCHEMA, report

    with Engine(1) as engine:
        found = report(problem, engine)
        if found is not None or not hooks:
            return found
        clash = hook_conflict(problem, hooks, engine, seconds=SECONDS_WITH_HOOKS)
    return None if clash is None else as_object(clash, SCHEMA)


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
