"""What `optcomp check` prints: errors, or warnings, the design review and what was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from optcomp.check import Checked
from optcomp.cli.conflict_text import conflict_text
from optcomp.cli.layout import paragraph, table
from optcomp.design_review import by_requirement
from optcomp.errors import Finding
from optcomp.overview import Overview, SegmentRow


def check_text(checked: Checked, conflict: Mapping[str, Any] | None = None, *, is_asked: bool = True) -> str:
    """The report of a check, with the conflict of hard rules where one was looked for and found.

    is_asked : the solver was asked for one, where that was of use
    """
    return "\n\n".join("\n".join(block) for block in _blocks(checked, conflict, is_asked))


def _blocks(checked: Checked, conflict: Mapping[str, Any] | None, is_asked: bool) -> Iterator[list[str]]:
    if checked.errors:
        yield _numbered(_count(checked.errors, "error"), checked.errors)
        yield ["Nothing else was looked at. Mend these and check again."]
        return
    nothing_fits = bool(checked.reasons or conflict)
    if nothing_fits:
        rows = [paragraph("-", reason, indent=2, hang=2) for reason in checked.reasons]
        yield ["Nothing fits: no plans and books can meet every hard rule", *rows]
    if conflict and checked.read:
        yield conflict_text(conflict, checked.read.currency)
    if checked.warnings:
        yield _numbered(_count(checked.warnings, "warning"), checked.warnings)
    yield _review(checked.review)
    if checked.read is not None:
        yield from _read(checked.read)
    yield ["Nothing fits as it stands." if nothing_fits else "No errors: ready to solve."]
    if checked.is_open and not (is_asked or nothing_fits):
        text = "Whether every hard rule can hold was not asked: today's books break one. --conflicts asks the solver."
        yield [paragraph("", text, hang=0)]


def _count(findings: Sequence[Finding], noun: str) -> str:
    return f"{len(findings)} {noun}{'s' * (len(findings) != 1)}"


def _numbered(title: str, findings: Sequence[Finding]) -> list[str]:
    return [title, *(paragraph(f"{i}.", str(f), indent=2, hang=4) for i, f in enumerate(findings, start=1))]


def _review(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return ["Design review: nothing found"]
    lines = [f"Design review of today's plans, people and books: {_count(findings, 'finding')}, by requirement"]
    for requirement, group in by_requirement(findings).items():
        for i, finding in enumerate(group):
            text = replace(finding, requirement="")
            if i + 1 < len(group) and (group[i + 1].allowed, group[i + 1].hint) == (text.allowed, text.hint):
                text = replace(text, allowed="", hint="")  # said once, after the last of them
            lines.append(paragraph("" if i else requirement, str(text), indent=2, hang=8))
    return lines


def _read(read: Overview) -> Iterator[list[str]]:
    header = ["segment", "accounts", "CSMs", f"ARR {read.currency}", "hours needed", "hours there", "plans"]
    rows = [*read.segments, *([read.total] if len(read.segments) > 1 else [])]
    yield [f"What was read: {read.name}, as of {read.as_of}", table(header, [_cells(row) for row in rows])]
    yield [paragraph(label, text, indent=2, hang=10) for label, text in _facts(read)]
    states = [[state, str(len(rules)), ", ".join(rules)] for state, rules in read.rules.items()]
    yield [table(["rules", "", "(hard must hold, soft may be bent at a price)"], states, left=(0, 2))]


def _cells(row: SegmentRow) -> list[str]:
    amounts = (row.arr, row.hours, row.available)
    return [row.name, str(row.accounts), str(row.csms), *(f"{a:,.0f}" for a in amounts), str(row.plans)]


def _facts(read: Overview) -> Iterator[tuple[str, str]]:
    yield "year", f"from {read.plan_year_start}"
    yield "pay", f"{read.pay_today:,.0f} {read.currency} expected today, budget {read.pay_budget:,.0f}"
    if read.target_nrr is not None:
        yield "goal", f"NRR {100 * read.target_nrr:g} %"
    yield "models", ", ".join(f"{kind} {name}" for kind, name in read.models.items())
    noted = {"pairs": read.pairs, "locked": read.locked, "without a CSM": read.unassigned}
    people = {"leaving": read.leaving, "joining": read.joining, "open": read.open_positions}
    counts = [f"{count:,} {what}" for what, count in noted.items() if count]
    counts += [f"{len(ids)} {what}" for what, ids in people.items() if ids]
    if counts:
        yield "also", ", ".join(counts)
