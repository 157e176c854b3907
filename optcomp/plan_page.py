"""plan.md: one page per segment that a CSM can read. Nobody's own pay is on it; examples use round numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optcomp.cells import printable
from optcomp.frames import View
from optcomp.payout import curve_value, largest_payout, payout
from optcomp.plan import METRICS, Component, Curve, Plan
from optcomp.types import FloatArray
from optcomp.words import money, percent, share

# An example base, USD a year: round, so that it is nobody's pay.
EXAMPLE_BASE = 100_000.0
# Variable at target of the example where everybody keeps their own.
EXAMPLE_VARIABLE = 10_000.0
ATTAINMENTS = (0.8, 1.0, 1.2)


def plan_pages(view: View) -> str:
    """The pages of all segments as one Markdown text."""
    return "---\n\n".join("\n".join(_page(view, s)) + "\n" for s in range(len(view.problem.segments)))


def _page(view: View, s: int) -> Iterator[str]:
    segment, plan = view.problem.segments[s], view.plan(s)
    start = view.problem.instance.plan_year_start
    yield f"# Your pay plan: {markdown(segment.title or segment.name)}"
    yield ""
    yield f"For the year from {start.isoformat()}. " + (
        "Your plan stays as it is today." if plan.is_today else "This plan is new."
    )
    yield ""
    yield from _full_pay(view, plan)
    if plan.mix.components:
        yield from _paid_for(view, plan)
        yield from _targets(view, s, plan)
        yield from _gate(plan)
        yield from _outcomes(view, plan)
    yield from _unchanged(view, s, plan)


# ---- what full pay is ---------------------------------------------------------------------------------------------


def example_variable(plan: Plan) -> float:
    """Variable at target of the example."""
    return EXAMPLE_VARIABLE if plan.is_today else EXAMPLE_BASE * plan.base_factor * plan.variable_per_base


def _full_pay(view: View, plan: Plan) -> Iterator[str]:
    currency = view.problem.instance.currency
    yield "## What full pay is"
    yield ""
    if not plan.mix.components:
        yield f"Base pay only: {_base_sentence(plan)} There is no variable pay and no target."
        yield ""
        return
    if plan.is_today:
        yield "Your base and your variable pay at target stay exactly what they are in your contract."
        yield (
            f"The examples below use {money(EXAMPLE_VARIABLE, currency)} of variable pay at target. "
            "For yours, take the same percentage of your own."
        )
    else:
        base = EXAMPLE_BASE * plan.base_factor
        variable = example_variable(plan)
        yield (
            f"{_base_sentence(plan)} On top comes variable pay of {share(plan.variable_per_base)} of base when "
            f"you reach all targets, so that {share(plan.variable_share)} of your full pay depends on results."
        )
        yield ""
        yield (
            f"Example: somebody with a base of {money(EXAMPLE_BASE, currency)} today gets "
            f"{money(base, currency)} base and {money(variable, currency)} variable at target, "
            f"{money(base + variable, currency)} in all. Your own figures scale with your own base."
        )
    yield ""
    yield f"The most that the variable can pay is {share(largest_payout(plan))} of its target."
    yield ""


def _base_sentence(plan: Plan) -> str:
    if plan.base_factor == 1.0:
        return "Your base pay stays as it is."
    return f"Your base pay becomes {share(plan.base_factor)} of what it is today."


# ---- what you are paid for ----------------------------------------------------------------------------------------


def _paid_for(view: View, plan: Plan) -> Iterator[str]:
    currency = view.problem.instance.currency
    yield "## What you are paid for"
    yield ""
    yield "| | Share of variable | In the example | Whose result | Paid |"
    yield "|---|---:|---:|---|---|"
    for component in plan.mix.components:
        dollars = money(component.weight * example_variable(plan), currency)
        whose = "your segment's" if _is_team(component) else "your own book's"
        paid = "every quarter" if component.period == "quarter" else "once a year"
        title = METRICS[component.metric].title
        yield f"| **{title}** | {share(component.weight)} | {dollars} | {whose} | {paid} |"
    yield ""
    for component in plan.mix.components:
        metric = METRICS[component.metric]
        yield f"- **{metric.title}**: {metric.sentence}. {_curve(component.curve)}"
    yield ""


def _is_team(component: Component) -> bool:
    return component.scope == "team" or component.metric == "TEAM"


def _curve(curve: Curve) -> str:
    """How a curve pays, in a sentence or two."""
    if curve.kind == "all-or-nothing":
        of = "" if curve.absolute else " of target"
        return f"It pays in full from {share(curve.threshold)}{of} on, and nothing below."
    below = f"Below {share(curve.threshold)} it pays nothing; from there" if curve.threshold > 0.0 else "It pays"
    text = f"{below} in proportion up to the target" if curve.threshold <= 0.0 else f"{below} it pays in proportion"
    above = "the same rate" if curve.accelerator == 1.0 else f"{curve.accelerator:g} times the rate"
    if curve.cap <= 1.0 or curve.accelerator <= 0.0:
        return f"{text}, and no more above it."
    return f"{text} and {above} above it, up to {share(curve.cap)}."


# ---- targets ------------------------------------------------------------------------------------------------------


def _targets(view: View, s: int, plan: Plan) -> Iterator[str]:
    yield "## Your targets"
    yield ""
    yield (
        "Your target is the forecast for your own book as it is dealt at the start of the year, so everybody has the "
        "same chance to reach it. You get your own figures with your book."
    )
    yield ""
    yield from (f"- **{METRICS[c.metric].title}**: {_target(view, s, c)}" for c in plan.mix.components)
    yield ""


def _target(view: View, s: int, component: Component) -> str:
    curve = component.curve
    if curve.absolute:
        edge = curve.threshold if curve.kind == "all-or-nothing" else 1.0
        return f"{share(edge)} for everybody, whatever the book."
    kept, expanded, nrr = segment_forecast(view, s)
    if component.metric == "GRR":
        return f"the segment as a whole is expected to keep {percent(kept, 1)} of the ARR up for renewal."
    if component.metric == "EXP":
        return f"the segment as a whole is expected to add {percent(expanded, 1)} to its ARR."
    if component.metric == "TEAM":
        return f"the segment is expected to reach {percent(nrr, 1)} NRR."
    if component.metric == "ACT":
        return "agreed with your manager, from the activities of the service model."
    return "agreed with your manager before the year begins."


def segment_forecast(view: View, s: int) -> tuple[float, float, float]:
    """ARR kept of the ARR up for renewal, ARR added over all ARR, and NRR, for the books of a segment's CSMs."""
    problem, books = view.problem, view.evaluation.books
    own = problem.csms.segment == s
    arr = float(books.arr[own].sum())
    if arr <= 0.0:
        return 0.0, 0.0, 0.0

    def total(values: FloatArray) -> float:
        return float(values[own].sum()) / arr

    kept, due = (float(values[own].sum()) for values in view.renewed)
    added = view.decision.sum_by_csm(view.predicted.expanded)
    return kept / due if due > 0.0 else 1.0, total(added), total(books.arr_end)


def _gate(plan: Plan) -> Iterator[str]:
    gate = plan.mix.gate
    if gate is None:
        return
    yield "## The satisfaction gate"
    yield ""
    yield (
        f"The customer satisfaction of your accounts has to reach {share(gate.target)}. Below it you lose "
        f"{share(gate.at_risk)} of all variable pay of the period; above it you gain nothing more."
    )
    yield ""


# ---- outcomes -----------------------------------------------------------------------------------------------------


def _outcomes(view: View, plan: Plan) -> Iterator[str]:
    currency, gate = view.problem.instance.currency, plan.mix.gate
    yield "## What you get when it goes well, as planned, or badly"
    yield ""
    yield "If you reach this share of every target, the variable pays:"
    yield ""
    titles = [METRICS[c.metric].title for c in plan.mix.components]
    gated = ["In all, gate met", "In all, gate missed"] if gate else ["In all"]
    yield f"| Of target | {' | '.join([*titles, *gated])} |"
    yield "|---:" * (len(titles) + len(gated) + 1) + "|"
    target = example_variable(plan)
    for attainment in ATTAINMENTS:
        raw: dict[str, float] = {c.metric: _raw(c.curve, attainment) for c in plan.mix.components}
        single = [c.weight * curve_value(c.curve, raw[c.metric]) * target for c in plan.mix.components]
        totals = [payout(plan, raw) * target]
        if gate:
            totals.append(payout(plan, raw, csat=gate.target - 1.0) * target)
        cells = [money(value, currency) for value in single]
        cells += [f"**{money(value, currency)}** ({share(value / target)})" for value in totals]
        yield f"| {share(attainment)} | {' | '.join(cells)} |"
    yield ""


def _raw(curve: Curve, attainment: float) -> float:
    """What the curve is given when a share of the target is reached; nobody keeps more than all logos."""
    if not curve.absolute:
        return attainment
    return min(attainment * (curve.threshold if curve.kind == "all-or-nothing" else 1.0), 1.0)


# ---- what did not change ------------------------------------------------------------------------------------------


def _unchanged(view: View, s: int, plan: Plan) -> Iterator[str]:
    yield "## What does not change"
    yield ""
    yield from (f"- {sentence}" for sentence in unchanged(plan, view.today(s)))
    yield ""


def unchanged(plan: Plan, today: Plan) -> list[str]:
    """What a plan has in common with today's, a sentence each."""
    if plan.is_today:
        return ["Everything about your pay plan: base, variable, metrics and rules."]
    same = ["Your base pay."] if plan.base_factor == 1.0 else []
    if abs(plan.variable_share - today.variable_share) < 0.005:
        same.append("How much of full pay is variable, within half a point for the team as a whole.")
    common = {c.metric for c in plan.mix.components} & {c.metric for c in today.mix.components}
    same += [f"{METRICS[m].title} is still paid." for m in METRICS if m in common]
    if plan.mix.gate == today.mix.gate:
        same.append("There is still no satisfaction gate." if plan.mix.gate is None else "The satisfaction gate.")
    return same or ["Your contract, apart from base, variable pay and what it is paid for."]


def markdown(text: str) -> str:
    """Text of a user's that Markdown and HTML take letter by letter."""
    return re.sub(r"([\\`*_\[\]<>#|&~])", r"\\\1", printable(text))
