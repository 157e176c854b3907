"""What `optcomp audit` prints for 80 columns: the team and its plan; no person and no id is named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from optcomp.cli.audit_pay_text import best_paid, book, lines, next_year, percent, spread, steps
from optcomp.cli.audit_short import in_short
from optcomp.cli.layout import paragraph, table
from optcomp.design_review import by_requirement
from optcomp.learn.audit.audit import NOT_A_VERDICT, Audit
from optcomp.learn.audit.components import FEWEST_CSMS, FEWEST_PERIODS, Judged
from optcomp.learn.audit.inference import Slope
from optcomp.learn.audit.screen_power import MEASURED
from optcomp.plan import METRICS
from optcomp.words import money, plural

_OUTCOMES = {"GRR": "renewals kept", "EXP": "expansion", "NRR": "both"}


def audit_text(found: Audit, out: Path | None) -> str:
    """The report of an audit."""
    blocks = [
        _heading(found), in_short(found), _components(found), _reliability(found), steps(found), spread(found),
        next_year(found), book(found), best_paid(found), _screens(found), _design(found),
        paragraph("Note", NOT_A_VERDICT),
        paragraph("Written", f"{out}: tables with ids of CSMs, readable by you only.") if out else "",
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block)


def _heading(found: Audit) -> str:
    history = found.history
    cells = history.account_quarters
    facts = (
        f"{plural(len(history.quarters), 'quarter')} from {history.quarters[0]}: "
        f"{len(history.account_ids):,} accounts, {int(cells.due.sum()):,} renewals due, "
        f"{int(cells.churned.sum()):,} lost, {int((cells.expansion > 0.0).sum()):,} expansions, "
        f"{len(history.csm_ids):,} CSMs."
    )
    return "\n".join([paragraph("History", facts), *(paragraph("Warning", text) for text in found.warnings)])


# ---- components -----------------------------------------------------------------------------------------------------


def _components(found: Audit) -> str:
    if not found.components:
        return lines("What each component pays for", "The history holds neither attainments nor payouts.")
    currency = found.problem.instance.currency
    rows = [row for c in found.components for row in _component(c, currency)]
    header = ("", "paid a year", "NRR after it", "luck", "book")
    return "\n".join(
        [
            "What each component pays for",
            table(header, rows),
            paragraph("", _legend(found), indent=2, hang=2),
            *(paragraph("", text, indent=2, hang=2) for text in _remarks(found)),
        ]
    )


def _component(c: Judged, currency: str) -> tuple[tuple[str, ...], ...]:
    """The label, and its figures in a row of their own."""
    luck = f"{100 * c.luck.share:.0f} % [{100 * c.luck.low:.0f}, {100 * c.luck.high:.0f}]" if c.luck else "-"
    book = percent(c.book.share) if c.book else "-"
    figures = (money(c.paid, currency), _interval(c.effects["NRR"].slope), luck, book)
    return (f"{METRICS[c.metric].title}: {c.label}",), ("", *figures)


def _interval(slope: Slope | None) -> str:
    return f"{slope.value:+.1f} [{slope.low:+.1f}, {slope.high:+.1f}]" if slope else "-"


def _legend(found: Audit) -> str:
    text = (
        "NRR after it: points of ARR a year against the book as dealt in the next quarter, for one standard deviation "
        "of attainment; 90 % interval. Luck: share of the differences in a year's pay that would not come "
        "again. Book: share that follows the book as dealt. Labels count all tests together: one finding in ten may be "
        "false."
    )
    few = any(c.label == "too little data" for c in found.components)
    limit = f" Labels need {FEWEST_CSMS} CSMs and {FEWEST_PERIODS} quarters that have a next one."
    return text + (limit if few else "")


def _remarks(found: Audit) -> list[str]:
    """What the label alone does not say."""
    texts = []
    for c in found.components:
        name, against = METRICS[c.metric].title, [e for e in c.effects.values() if e.found and e.slope]
        if any(e.slope and e.slope.value < 0.0 for e in against):
            texts.append(f"{name}: high attainment goes with worse results in the next quarter.")
        for outcome, effect in c.effects.items():
            if c.label == "pays for results" and effect.found and effect.slope and effect.slope.value > 0.0:
                texts.append(f"{name}: found on {_OUTCOMES[outcome]}, {_interval(effect.slope)}.")
        if c.label == "pays for results" and c.book_found:
            texts.append(f"{name}: it pays for the book as well.")
        if c.book_found and c.label in ("pays for luck", "no signal"):
            texts.append(f"{name}: it follows the book too, though by little.")
        if c.luck is None:
            texts.append(f"{name}: it pays everybody of a segment the same.")
    return texts


def _reliability(found: Audit) -> str:
    rows = []
    for k, name in _OUTCOMES.items():
        shrunk, luck = found.scores.shrunk[k], found.scores.luck[k]
        if len(luck):
            low, middle, high = (f"{100 * q:.0f} %" for q in np.quantile(shrunk.reliability, [0.0, 0.5, 1.0]))
            rows.append((name, f"{shrunk.spread:.1f}", f"{float(np.median(luck)):.1f}", low, middle, high))
    if not rows:
        return ""
    header = ("", "people", "luck", "reliability from", "median", "to")
    title = "How far CSMs differ once the book is taken out (sd, points of ARR a year)"
    text = "Reliability: how much of a CSM's result against the book would come again with the same book."
    return "\n".join([title, table(header, rows), paragraph("", text, indent=2, hang=2)])


# ---- screens and rules ----------------------------------------------------------------------------------------------


def _screens(found: Audit) -> str:
    lines = ["Patterns worth a look by a person (never a ground for a sanction)"]
    for s in found.screens:
        who = f" {plural(len(s.people), 'CSM')} above the others." if s.people else ""
        lines.append(paragraph(s.name, f"{s.state}: {s.seen}.{who}{_right(s.name)}", indent=2, hang=20))
    text = (
        "Finds, cries wolf: share of invented companies with 15 CSMs in which the screen speaks up, with such a "
        "pattern and without (docs/benchmarks/gaming-screens)."
    )
    return "\n".join([*lines, paragraph("", text, indent=2, hang=2)])


def _right(name: str) -> str:
    """Power and false alarms as they were measured."""
    measured = MEASURED[name]
    return f" (finds {100 * measured.power:.0f} %, cries wolf {100 * measured.false_alarms:.0f} %)"


def _design(found: Audit) -> str:
    if not found.design:
        return lines("Design rules", "Nothing found.")
    rows = [
        (requirement, "; ".join(dict.fromkeys(f.code for f in group)))
        for requirement, group in by_requirement(found.design).items()
    ]
    title = f"Design rules: {plural(len(found.design), 'finding')} (`optcomp check` says each in words)"
    return "\n".join([title, *_rules(rows)])


def _rules(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [paragraph(requirement, codes, indent=2, hang=20) for requirement, codes in rows]
