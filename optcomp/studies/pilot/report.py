"""A pilot as files: who tries what, every design that was considered, and a page to decide by."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence

from optcomp.cells import neutralise
from optcomp.problem import Problem
from optcomp.studies.pilot.design import Arm, Design
from optcomp.studies.pilot.power import SURE
from optcomp.words import money, paid_for, pay_levels, percent, plural, points

SCHEMA = "optcomp/pilot/1"
PAGE, WHO, DESIGNS, SUMMARY = "pilot.md", "pilot.csv", "designs.csv", "summary.json"
FILES = (PAGE, WHO, DESIGNS, SUMMARY)


def pilot_files(problem: Problem, every: Sequence[Design], best: Design, seed: int) -> dict[str, bytes]:
    """Name → content of every file."""
    summary = {"schema": SCHEMA, "instance": problem.instance.name, "seed": seed, **facts(best)}
    return {
        PAGE: page(problem, best, seed).encode("utf-8"),
        WHO: _csv(_WHO, (row for arm in best.arms for row in _who_rows(problem, best, arm))),
        DESIGNS: _csv([*_facts_of(best)], ([*_facts_of(d).values()] for d in every)),
        SUMMARY: (json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8"),
    }


def facts(design: Design) -> dict[str, object]:
    """Numbers of a design as plain values."""
    return {**_facts_of(design), "segments": [arm.contender.segment for arm in design.arms]}


_WHO = ("csm_id", "segment", "arm", "plan_id", "quarters", "pay_today", "pay_in_pilot", "top_up_at_most")


def _who_rows(problem: Problem, design: Design, arm: Arm) -> Iterable[Sequence[object]]:
    contender = arm.contender
    name, plans = problem.segments[contender.segment].name, problem.plans[contender.segment]
    for j, paid in zip(arm.treated.tolist(), arm.pay, strict=True):
        money = (round(paid.today, 2), round(paid.guaranteed, 2), round(paid.most, 2))
        yield (problem.csms.ids[j], name, "new plan", plans[contender.plan].plan_id, design.quarters, *money)
    for j in arm.control.tolist():
        yield (problem.csms.ids[j], name, "as today", plans[0].plan_id, design.quarters, None, None, None)


def _facts_of(d: Design) -> dict[str, object]:
    return {
        "quarters": d.quarters, "csms_on_new_plan": d.num_treated,
        "csms": sum(len(a.contender.csms) for a in d.arms),
        "expected_gain_pp": round(d.expected, 4), "standard_error_pp": round(d.error, 4),
        "adopt_from_pp": round(d.decision.adopt_from, 4), "drop_below_pp": round(d.decision.drop_below, 4),
        "chance_adopt": round(d.decision.adopts, 4), "chance_drop": round(d.decision.drops, 4),
        "chance_decides": round(d.decision.settles, 4), "power": round(d.decision.power, 4),
        "renewals_in_smaller_arm": round(d.renewals, 1), "design_effect": round(d.effect_of_design, 3),
        "smallest_churn_odds_ratio": None if d.odds_ratio is None else round(d.odds_ratio, 4),
        "expansions_in_smaller_arm": round(d.expansions, 1),
        "smallest_expansion_rise": None if d.rise is None else round(d.rise, 4),
        "expected_cost": round(d.cost, 2), "cost_at_most": round(d.most, 2),
        "years_to_settle": None if d.years_to_settle is None else round(d.years_to_settle, 1),
    }  # fmt: skip


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(header)
    writer.writerows([["" if v is None else neutralise(v) if isinstance(v, str) else v for v in row] for row in rows])
    return buffer.getvalue().encode("utf-8")


# ---- the page -----------------------------------------------------------------------------------------------------


def page(problem: Problem, design: Design, seed: int) -> str:
    """The pilot in Markdown, to agree on before it starts."""
    currency = problem.instance.currency
    lines = [
        "# Pilot of a pay plan",
        f"{plural(design.num_treated, 'CSM')} of {sum(len(a.contender.csms) for a in design.arms)} try the new plan "
        f"for {plural(design.quarters, 'quarter')} from {problem.instance.plan_year_start.isoformat()}. They were "
        f"drawn by lot within their segment (seed {seed}); drawing again until the lot pleases would spoil it.",
        *(_segment_text(problem, arm) for arm in design.arms),
        "## Pay guarantee",
        "Nobody in the pilot is paid less than today's plan would have paid them for the same results; the better of "
        f"the two counts, at the end of the pilot. Expected to cost {money(design.cost, currency)} on top of today's "
        f"pay, {money(design.most, currency)} at most.",
        "## What decides",
        *(f"- {sentence}" for sentence in decision_sentences(design)),
        "## What it can see",
        *(f"- {sentence}" for sentence in power_sentences(design)),
        "Write these figures down before the pilot starts, change neither plan nor books of those who take part while "
        "it runs, and let `optcomp fit` read the history afterwards.",
    ]
    return "\n\n".join(lines) + "\n"


def _segment_text(problem: Problem, arm: Arm) -> str:
    contender = arm.contender
    plan, ids = problem.plans[contender.segment][contender.plan], problem.csms.ids
    paid = f"{paid_for(plan)}; {pay_levels(plan)}" if plan.mix.components else pay_levels(plan)
    tries, stays = (", ".join(ids[j] for j in rows) for rows in (arm.treated, arm.control))
    return (
        f"## {problem.segments[contender.segment].name}\n\nNew plan: {paid}.\n\n"
        f"- New plan: {tries}\n- As today: {stays}\n\n"
        f"Expected at today's books: {points(contender.gain)} points of the segment's NRR in a full year, give or take "
        f"{contender.doubt:.1f}."
    )


def decision_sentences(design: Design) -> list[str]:
    """What follows from which result."""
    d = design.decision
    sentences = [
        f"Measured gain {points(d.adopt_from)} points or more: adopt it (chance today {percent(d.adopts, 0)}).",
        f"{points(d.drop_below)} or less: drop it ({percent(d.drops, 0)}).",
        f"Between: go on, or keep today's plan ({percent(1.0 - d.settles, 0)}).",
    ]
    if not design.settles:
        years = "" if design.years_to_settle is None else f" It would take about {design.years_to_settle:.0f} years."
        sentences.append(
            f"No pilot of a year settles it with a team of this size: the result decides with {percent(d.settles, 0)}, "
            f"and {percent(SURE, 0)} are asked for.{years} Choose it for the risk that it saves, not for the answer."
        )
    return sentences


def power_sentences(design: Design) -> list[str]:
    """Power, and smallest effects that would show."""
    churn = (
        "no change of churn"
        if design.odds_ratio is None
        else (f"a fall of the odds of churn to {design.odds_ratio:.2f} of today's")
    )
    rise = "no rise of expansions" if design.rise is None else f"{percent(design.rise, 0)} more expansions"
    return [
        f"Expected gain {points(design.expected)} points, standard error {design.error:.1f}: a test at 5 % would find "
        f"it with {percent(design.decision.power, 0)}.",
        f"With {design.renewals:.0f} renewals in the smaller arm (design effect {design.effect_of_design:.2f}) "
        f"{churn} shows with 80 %.",
        f"With {design.expansions:.0f} expansions in the smaller arm {rise} show with 80 %.",
    ]
