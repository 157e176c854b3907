"""What `optcomp sensitivity` prints: for 80 columns, in the words of a head of customer success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from optcomp.advice import NOT_IDENTIFIED
from optcomp.cells import printable
from optcomp.cli.layout import paragraph, table
from optcomp.cli.sensitivity_other import gap_cell, interval_cell, interval_header, nrr_cell, other_text
from optcomp.goal import Goal
from optcomp.studies.findings import ASKED, Bought, Returns, bought, forced_gain, returns, spending
from optcomp.studies.menus import BASE, EXPANSION, STRATEGIES, TEAM
from optcomp.studies.points import Point, Study
from optcomp.studies.sensitivity import BUDGET
from optcomp.words import POINTS, million, money, paid_for, pay_levels, percent, points

# Rows of the table besides the first, the last, +15 % and the knee; the CSV file has every step.
MOST_ROWS = 7
LONGEST_NAME = 14
_INTO = {BASE: "base pay", EXPANSION: "expansion pay", TEAM: "a team bonus"}


def study_text(study: Study, out: Path | None, files: Sequence[str], reached: Mapping[float, Goal]) -> str:
    """The report of a study; reached : what is said of every target that it varies (`goal.goals`)."""
    blocks = [list(_budget(study) if study.key == BUDGET else other_text(study, reached)), list(_trust(study))]
    if out is not None:
        blocks.append([paragraph("", f"Written to {printable(str(out))}: {', '.join(files)}", hang=0)])
    return "\n\n".join("\n".join(block) for block in blocks if block)


# ---- the budget curve ---------------------------------------------------------------------------------------------


def _budget(study: Study) -> Iterator[str]:
    found = returns(study.best)
    yield f"{printable(study.base.instance.name)}: what more pay budget buys in a year"
    yield ""
    yield _budget_table(study, found)
    yield ""
    yield from _where_table(study)
    asked = bought(study.best)
    if asked is not None:
        yield ""
        yield f"{_rise(ASKED)}: what does it buy, and where should it go?"
        yield from (paragraph("", text, indent=2, hang=0) for text in _answer(study, asked))
    if found is not None:
        yield ""
        yield from _knee(study, found)


def _budget_table(study: Study, found: Returns | None) -> str:
    marginal = dict(zip((p.value for p in found.points), found.marginal.tolist(), strict=True)) if found else {}
    forced = [c for c in study.curves[1:] if c.name in STRATEGIES]
    knee = found.points[found.knee].value if found and found.knee is not None else None
    rows = [["today", million(study.current.pay_cost, study.base.instance.currency), percent(study.current.objective)]]
    rows[0] += [""] * (2 + len(forced))
    for k in _shown(study.best.points, knee):
        here = study.best.points[k]
        last = marginal.get(here.value)
        rows.append(
            [
                _rise(here.value) + (" *" if here.value == knee else ""),
                million(here.budget, study.base.instance.currency),
                nrr_cell(here),
                gap_cell(here),
                "" if last is None or last != last else f"{last:.2f}",
                *(nrr_cell(c.points[k]) for c in forced),
            ]
        )
    header = ["budget", "pay", "best mix", "unproved", "last $", *(f"all {c.name}"[:13] for c in forced)]
    return table(header, rows)


def _where_table(study: Study) -> Iterator[str]:
    """Where every extra dollar goes, by kind and by segment."""
    found = spending(study)
    if found is None:
        return
    places = [*(_short(study.base.segments[s].name) for s in found.segments), *(["others"] if found.has_others else [])]
    rows = [
        [
            _rise(row.point.value),
            *(_thousand(usd) for usd in (*row.kinds, *row.places)),
            *interval_cell(study, row.point),
        ]
        for row in found.rows
    ]
    start = _rise(found.start.value)
    text = f"Where the extra pay goes: {study.base.instance.currency} thousand a year more than at {start}."
    yield paragraph("", text, hang=0)
    yield table(["", "base", "variable", "heads", *places, *interval_header(study)], rows)


def _thousand(usd: float) -> str:
    return f"{usd / 1000.0:,.0f}" if abs(usd) >= 500.0 else "0"


def _shown(steps: Sequence[Point], knee: float | None) -> list[int]:
    stride = max(1, -(-(len(steps) - 1) // MOST_ROWS))
    named = {k for k, p in enumerate(steps) if p.value == knee or abs(p.value - ASKED) < 1e-9}
    return sorted({*range(0, len(steps), stride), len(steps) - 1, *named})


def _rise(value: float) -> str:
    return f"{POINTS * value:+.4g} %"


def _answer(study: Study, asked: Bought) -> Iterator[str]:
    currency = study.base.instance.currency
    yield (
        f"{million(asked.pay, currency)} more a year buys {points(asked.points)} points of NRR, "
        f"{million(asked.arr, currency)} of ARR at the end of the year: "
        f"{money_of(asked.per_dollar, currency)} for every extra dollar. No plans and books buy more than "
        f"{asked.points + asked.doubt_pp:.2f} points: proved."
    )
    sure = study.intervals.asked
    if sure is not None:
        yield (
            f"In the middle 90 % of {study.intervals.num_draws} draws of the response every extra dollar brings "
            f"{money_of(sure.low, currency)} to {money_of(sure.high, currency)}{_last_dollar(study, asked)}."
        )
    yield _where(study, asked)
    for s, (segment, plan) in enumerate(zip(study.base.segments, asked.point.plans, strict=True)):
        if plan != asked.start.plans[s]:
            words = f"{paid_for(plan)}; {pay_levels(plan)}" if plan.mix.components else pay_levels(plan)
            yield f"{_short(segment.name)}: {words}."
    gains = [(name, forced_gain(study, name)) for name in STRATEGIES]
    told = [f"{points(gain)} points all into {_INTO[name]}" for name, gain in gains if gain is not None]
    if told:
        yield (
            f"The same money on top of today's plans, against the best mix without it: {', '.join(told)} "
            f"(the best mix: {points(asked.points)})."
        )


def _last_dollar(study: Study, asked: Bought) -> str:
    found = study.intervals.marginal.get(asked.point.value)
    currency = study.base.instance.currency
    ends = "" if found is None else f"{money_of(found.low, currency)} to {money_of(found.high, currency)}"
    return f", the last one {ends}" if ends else ""


def money_of(ratio: float | None, currency: str) -> str:
    """Dollars and cents, e.g. ``$2.87``."""
    return "nothing" if ratio is None else money(0.0, currency).replace("0", f"{ratio:.2f}")


def _where(study: Study, asked: Bought) -> str:
    currency, total = study.base.instance.currency, asked.total
    if abs(total.total) < 1.0:
        return "Nothing of it can be spent within the menu."
    parts = {"base pay": total.base, "variable pay": total.variable, "open positions": total.heads}
    kinds = ", ".join(f"{money(v, currency)} {name}" for name, v in parts.items() if abs(v) >= 1.0)
    places = ", ".join(
        f"{_short(s.name)} {money(m.total, currency)}"
        for s, m in zip(study.base.segments, asked.money, strict=True)
        if abs(m.total) >= 1.0
    )
    return f"Where it goes: {kinds}. By segment: {places}."


def _short(name: str) -> str:
    return printable(name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…")


def _knee(study: Study, found: Returns) -> Iterator[str]:
    if found.knee is None:
        yield paragraph("", "No knee: every dollar brings about as much as the one before.", hang=0)
    else:
        text = (
            f"* Knee at {_rise(found.points[found.knee].value)}: up to it a dollar brings more than the average over "
            "the whole range, beyond it less (the point farthest above the straight line between both ends)."
        )
        yield paragraph("", text, hang=0)
    last = found.points[-1]
    if found.pays_up_to is None:
        text = "No step brings a dollar of ARR for a dollar of pay within the year."
    elif found.points[found.pays_up_to] is last:
        text = f"Up to the end of the range ({_rise(last.value)}) the last dollar brings more than a dollar of ARR."
    else:
        text = f"Beyond {_rise(found.points[found.pays_up_to].value)} the last dollar brings less than a dollar of ARR."
    yield paragraph("", f"{text} ARR is not profit: set your margin against it.", hang=0)


# ---- how far to trust it ------------------------------------------------------------------------------------------


def _trust(study: Study) -> Iterator[str]:
    if study.key == BUDGET and study.why_alone:
        text = f"Every step was solved by itself ({study.why_alone}), and the forced strategies were left out."
        yield paragraph("", text, hang=0)
    if study.extended:
        text = (
            "The menus are wider than those of `optcomp solve`: base and variable levels in steps of 0.05 were added, "
            "so that more money has somewhere to go. `--menu as-is` keeps yours."
        )
        yield paragraph("", text, hang=0)
    if study.signal:
        yield paragraph("", "Interrupted: later steps are missing or less well proved.", hang=0)
    if study.base.response.origin != "fitted":
        yield paragraph("", f"Proofs are about the response model, not about people. {NOT_IDENTIFIED}", hang=0)
    draws = study.intervals.num_draws
    if draws:
        text = (
            f"over today: points of NRR above today's plans and books in the middle 90 % of {draws} draws of the "
            "response, under each of which the decision is the same."
        )
        yield paragraph("", text, hang=0)
    elif study.base.response.origin != "fitted":
        yield paragraph(
            "", "No intervals: nothing was drawn. `optcomp fit` draws what your history leaves open.", hang=0
        )
