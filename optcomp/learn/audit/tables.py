"""The tables of an audit: who did how well against the book, components, cliffs, screens; ids, never names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from optcomp.cells import neutralise
from optcomp.learn.audit.audit import Audit
from optcomp.learn.audit.book import FAIR_R2
from optcomp.learn.audit.equal_effort import FAIR_SPREAD
from optcomp.learn.audit.expected import OUTCOMES
from optcomp.learn.audit.inference import Slope
from optcomp.learn.audit.summary import summarise_audit
from optcomp.publish import reserved

PEOPLE, COMPONENTS, SEGMENTS = "people.csv", "components.csv", "component_segments.csv"
CLIFFS, QUARTILES, SCREENS, DESIGN = "cliffs.csv", "quartiles.csv", "screens.csv", "design.csv"
PAY, NEXT_YEAR, FAIRNESS = "pay.csv", "next_year.csv", "fairness.csv"
SUMMARY = "summary.json"
PLOTS = ("performance.svg", "components.svg", "quartiles.svg", "pay.svg", "steps.svg")
FILES = (
    PEOPLE, COMPONENTS, SEGMENTS, CLIFFS, PAY, NEXT_YEAR, FAIRNESS, QUARTILES, SCREENS, DESIGN, SUMMARY,
)  # fmt: skip

Cell = str | float | int | None
Row = Mapping[str, Cell]


def write_audit(found: Audit, out: Path, plots: Mapping[str, bytes], *, force: bool = False) -> None:
    """Write the audit as the folder `out`, private and whole or not at all.

    Raises
    ------
    OutputError
        When the folder is not empty, is a link, or cannot be written; what was there is then as it was.
    """
    with reserved(out, frozenset((*FILES, *PLOTS)), force=force) as target:
        target.publish({**audit_files(found), **plots})


def audit_files(found: Audit) -> dict[str, bytes]:
    """Name → content of every table and of the summary."""
    tables = {
        PEOPLE: people(found), COMPONENTS: components(found), SEGMENTS: by_segment(found), CLIFFS: cliff_rows(found),
        PAY: pay_rows(found), NEXT_YEAR: next_year_rows(found), FAIRNESS: fairness_rows(found),
        QUARTILES: quartile_rows(found), SCREENS: screen_rows(found), DESIGN: design_rows(found),
    }  # fmt: skip
    files = {name: _csv(COLUMNS[name], list(rows)) for name, rows in tables.items()}
    text = json.dumps(summarise_audit(found), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return {**files, SUMMARY: text.encode("utf-8")}


def _scores(outcome: str) -> tuple[str, ...]:
    return tuple(f"{outcome}_{part}" for part in ("raw", "adjusted", "low", "high", "reliability"))


COLUMNS: Mapping[str, tuple[str, ...]] = {
    PEOPLE: (
        "csm_id", "segment", "arr_years", *(c for k in OUTCOMES for c in _scores(k)), "variable_a_year", "paid_a_year",
        "paid_for_book", "paid_for_book_low", "paid_for_book_high", "screens", "note",
    ),
    COMPONENTS: (
        "metric", "label", "csms", "quarters", "paid_a_year", "outcome", "effect", "low", "high", "found",
        "arr_per_sd", "arr_per_sd_low", "arr_per_sd_high", "luck_share", "luck_low", "luck_high", "controllable",
        "book_effect", "book_low", "book_high", "book_found", "book_share", "alignment",
    ),
    SEGMENTS: ("metric", "outcome", "segment", "effect", "low", "high", "reliability"),
    CLIFFS: (
        "segment", "metric", "kind", "threshold", "renewals_due", "chance_average", "chance_good", "chance_weak",
        "seen", "chance_year", "at_stake_a_year", "full_pay_to_weak", "luck",
    ),
    PAY: (
        "segment", "csm_years", "mean", "p10", "median", "p90", "years_below_half", "gini", "quarters_at_zero",
        "quarters_at_cap",
    ),
    NEXT_YEAR: (
        "segment", "csms", "mean", "chance_below_half", "chance_zero", "gini", "cost", "cost_one_year_in_ten", "steep",
        "leak",
    ),
    FAIRNESS: ("what", "csm_years", "as_paid", "fair_targets", "fair"),
    QUARTILES: ("quarter", "score", "payout_over_target", "in_best_paid_quarter"),
    SCREENS: ("screen", "question", "result", "seen", "people"),
    DESIGN: ("requirement", "code", "found", "allowed", "hint"),
}  # fmt: skip


def people(found: Audit) -> Iterator[Row]:
    """One row a CSM; the shrunk scores are the ones to look at."""
    scores, paid, ids = found.scores, found.book_pay, found.history.csm_ids
    for n, j in enumerate(scores.csm.tolist()):
        row: dict[str, Cell] = {
            "csm_id": ids[j], "segment": found.history.segments[int(scores.segment[n])],
            "arr_years": float(scores.years[n]), "variable_a_year": float(paid.target[n]),
            "paid_a_year": float(paid.paid[n]), "paid_for_book": float(paid.usd[n]),
            "paid_for_book_low": float(paid.low[n]), "paid_for_book_high": float(paid.high[n]),
            "screens": "; ".join(s.name for s in found.screens if j in s.people),
            "note": "not a verdict on a person",
        }  # fmt: skip
        for k in OUTCOMES:
            s = scores.shrunk[k]
            figures = (scores.raw[k], s.value, s.low, s.high, s.reliability)
            row |= {name: float(values[n]) for name, values in zip(_scores(k), figures, strict=True)}
        yield row


def components(found: Audit) -> Iterator[Row]:
    """One row a component and outcome."""
    for c in found.components:
        low, middle, high = (c.value[1], c.value[0], c.value[2]) if c.value else (None, None, None)
        luck = (c.luck.share, c.luck.low, c.luck.high, c.luck.controllable) if c.luck else (None,) * 4
        book = _slope(c.book.slope if c.book else None)
        for outcome, effect in c.effects.items():
            first = (c.metric, c.label, c.csms, c.periods, c.paid, outcome, *_slope(effect.slope), _yes(effect.found))
            share = c.book.share if c.book else None
            rest = (middle, low, high, *luck, *book, _yes(c.book_found), share, c.alignment)
            yield dict(zip(COLUMNS[COMPONENTS], (*first, *rest), strict=True))


def _slope(slope: Slope | None) -> tuple[Cell, Cell, Cell]:
    return (slope.value, slope.low, slope.high) if slope else (None, None, None)


def by_segment(found: Audit) -> Iterator[Row]:
    """Effects by segment, drawn to each other."""
    for c in found.components:
        for outcome, effect in c.effects.items():
            if effect.by_segment is None:
                continue
            s = effect.by_segment
            for n, name in enumerate(effect.segments):
                figures = {"effect": s.value, "low": s.low, "high": s.high, "reliability": s.reliability}
                numbers: dict[str, Cell] = {key: float(v[n]) for key, v in figures.items()}
                yield {"metric": c.metric, "outcome": outcome, "segment": name, **numbers}


def cliff_rows(found: Audit) -> Iterator[Row]:
    """One row a cliff and segment."""
    for c in found.cliffs:
        yield {
            "segment": c.segment, "metric": c.metric, "kind": c.kind, "threshold": c.threshold, "renewals_due": c.due,
            "chance_average": c.average, "chance_good": c.good, "chance_weak": c.weak, "seen": c.seen,
            "chance_year": c.year, "at_stake_a_year": c.at_stake, "full_pay_to_weak": c.to_weak,
            "luck": _yes(c.is_luck),
        }  # fmt: skip


def pay_rows(found: Audit) -> Iterator[Row]:
    """One row a segment: what was paid."""
    for s in found.spread:
        figures = (s.years, s.mean, s.low, s.median, s.high, s.below_half, s.gini, s.zero, s.full)
        yield dict(zip(COLUMNS[PAY], (s.segment, *figures), strict=True))


def next_year_rows(found: Audit) -> Iterator[Row]:
    """One row a segment: what today's plan would pay."""
    for a in found.ahead:
        figures = (a.people, a.mean, a.below_half, a.zero, a.gini, a.cost, a.cost_high, a.convexity, a.leak)
        yield dict(zip(COLUMNS[NEXT_YEAR], (a.segment, *figures), strict=True))


def fairness_rows(found: Audit) -> Iterator[Row]:
    """R² of all pay and of each component, then what inherited risk costs, then the spread at equal effort."""
    fair, equal = found.fairness, found.equal_effort
    for name, e in {"all": fair.total, **fair.by_metric}.items():
        yield _fair(f"r2_{name}", e.years, e.before, e.after, FAIR_R2)
    for part in ("value", "low", "high"):
        before, after = (getattr(s, part) if s else None for s in (fair.inherited, fair.inherited_after))
        yield _fair(f"payout_per_inherited_risk_{part}", None, before, after, 0.0)
    yield _fair("equal_effort_book", None, equal.book, equal.book_after, FAIR_SPREAD)
    yield _fair("equal_effort_luck", None, equal.luck, None, None)


def _fair(*cells: Cell) -> Row:
    return dict(zip(COLUMNS[FAIRNESS], cells, strict=True))


def quartile_rows(found: Audit) -> Iterator[Row]:
    """The best quarter of performance first."""
    q = found.quartiles
    for n in range(len(q.score)):
        yield {
            "quarter": n + 1, "score": float(q.score[n]), "payout_over_target": float(q.pay[n]),
            "in_best_paid_quarter": float(q.best_paid[n]),
        }  # fmt: skip


def screen_rows(found: Audit) -> Iterator[Row]:
    """One row a screen; ids of people stand here and nowhere else."""
    for s in found.screens:
        ids = "; ".join(found.history.csm_ids[j] for j in s.people)
        yield {"screen": s.name, "question": s.question, "result": s.state, "seen": s.seen, "people": ids}


def design_rows(found: Audit) -> Iterator[Row]:
    """Findings of the design review."""
    for f in found.design:
        yield {
            "requirement": f.requirement, "code": f.code, "found": f.found, "allowed": f.allowed, "hint": f.hint,
        }  # fmt: skip


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _csv(header: Sequence[str], rows: Sequence[Row]) -> bytes:
    """RFC 4180 in which no spreadsheet finds a formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([_text(row[name]) for name in header] for row in rows)
    return buffer.getvalue().encode("utf-8")


def _text(value: Cell) -> str:
    if value is None or value != value:  # NaN alone differs from itself
        return ""
    if isinstance(value, float):
        # Six significant digits tell dollars and shares alike, and hide the last bits, which differ between machines.
        return f"{value + 0.0:.6g}" if abs(value) < 1e5 else f"{value:.0f}"
    return neutralise(str(value))
