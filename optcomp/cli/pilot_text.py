"""What `optcomp pilot` prints, for 80 columns."""

from __future__ import annotations

from pathlib import Path

from optcomp.cells import printable
from optcomp.cli.layout import paragraph, table
from optcomp.problem import Problem
from optcomp.studies.pilot.contenders import FEWEST, WORTH_TRYING
from optcomp.studies.pilot.design import Design
from optcomp.studies.pilot.report import FILES, decision_sentences, power_sentences
from optcomp.words import money, plural, points


def nothing_text() -> str:
    """Why there is nothing to try."""
    text = (
        f"No new plan on the menu promises {WORTH_TRYING:g} points of NRR in a segment of at least {FEWEST} CSMs who "
        "stay, within the segment's share of the budget. Nothing was written."
    )
    return paragraph("", text, hang=0)


def pilot_text(problem: Problem, design: Design, out: Path) -> str:
    """The design in short."""
    currency = problem.instance.currency
    people = sum(len(arm.contender.csms) for arm in design.arms)
    rows = [
        [
            problem.segments[arm.contender.segment].name,
            f"{len(arm.treated)} of {len(arm.contender.csms)}",
            f"{points(arm.contender.gain)} ± {arm.contender.doubt:.1f}",
            problem.plans[arm.contender.segment][arm.contender.plan].plan_id,
        ]
        for arm in design.arms
    ]
    cost = (
        f"Pay guarantee: nobody is paid less than today's plan would pay for the same results; expected to cost "
        f"{money(design.cost, currency)}, {money(design.most, currency)} at most."
    )
    lines = [
        f"Pilot: {design.num_treated} of {people} CSMs try a new plan for {plural(design.quarters, 'quarter')}",
        table(["segment", "try it", "points", "new plan"], rows, left=(0, 1, 3)),
        "",
        paragraph("", cost, hang=0),
        "",
        "What decides",
        *(paragraph("-", text, indent=2, hang=2) for text in decision_sentences(design)),
        "",
        "What it can see",
        *(paragraph("-", text, indent=2, hang=2) for text in power_sentences(design)),
        "",
        paragraph("", f"Written to {printable(str(out))}: {', '.join(FILES)}", hang=0),
    ]
    return "\n".join(lines)
