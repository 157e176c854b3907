"""What `optcomp solve` prints: for 80 columns, in the words of a head of customer success."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from optcomp.cells import printable
from optcomp.cli.conflict_text import conflict_text
from optcomp.cli.layout import paragraph, table
from optcomp.frames import View
from optcomp.plan import Plan
from optcomp.solve import Result
from optcomp.words import POINTS, is_telling, million, money, paid_for, pay_levels, percent, plural, points

Summary = Mapping[str, Any]

# Bent rules and books at their limits that are named one by one; the files hold them all.
MOST_SHOWN = 5
# Longest name in a table; longer ones are cut.
LONGEST_NAME = 24
_STATUS = {
    "optimal": "proved to be within the gap that was asked for",
    "feasible": "the best found in the time there was",
    "solver_crashed": "the best found before the solver crashed",
}


def solve_text(result: Result, summary: Summary, out: Path) -> str:
    """The report of a solve with a solution."""
    view = View(result)
    blocks = [
        _heading(view),
        list(_retention(summary)),
        list(_chances(summary)),
        list(_goal(summary)),
        list(_plans(view, summary)),
        list(_money(summary)),
        list(_books(summary)),
        list(_bends(summary)),
        list(_jointness(summary)),
        list(_guardrails(summary)),
        list(_warnings(summary)),
        list(_recommendation(summary)),
        list(_files(summary, out)),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def nothing_text(summary: Summary) -> str:
    """The report of a solve without a solution."""
    status = summary["status"]
    if status == "infeasible":
        head = "Nothing fits: it is proved that no plans and books can meet every hard rule."
    elif status == "solver_crashed":
        head = "The solver crashed before it found anything that fits."
    else:
        head = "Nothing that fits was found in the time there was; it is not proved that nothing does."
    lines = [paragraph("-", reason, indent=2, hang=4) for reason in summary["reasons"]]
    if status == "infeasible" and "conflict" in summary:
        lines += conflict_text(summary["conflict"], summary["currency"])
    return "\n".join([head, *lines, "Nothing was written."])


def short(name: str) -> str:
    """A name that fits its column and cannot steer the terminal."""
    safe = printable(name)
    return safe if len(safe) <= LONGEST_NAME else safe[: LONGEST_NAME - 1] + "…"


def _heading(view: View) -> list[str]:
    problem = view.problem
    return [
        short(problem.instance.name)
        + f": {plural(len(problem.accounts.ids), 'account')}, {plural(len(problem.csms.ids), 'CSM')}, "
        f"plan year from {problem.instance.plan_year_start.isoformat()}"
    ]


# ---- what it is worth ---------------------------------------------------------------------------------------------


def _retention(summary: Summary) -> Iterator[str]:
    has_prices = summary["soft_cost"] > 0.0 or summary["soft_cost_current"] > 0.0
    rows = [["today", *_worth(summary["nrr_current"], summary["soft_cost_current"], has_prices)]]
    rows.append(["this solution", *_worth(summary["nrr"], summary["soft_cost"], has_prices)])
    ceiling = percent(summary["objective_bound"]) if is_telling(summary["gap_pp"]) else "none yet"
    rows.append(["proven ceiling", *(["", ""] if has_prices else []), ceiling])
    header = ["Net revenue retention", *(["NRR", "bent rules"] if has_prices else []), "net" if has_prices else "NRR"]
    yield table(header, rows, indent=0)
    yield paragraph("", _gain(summary), hang=0)
    yield paragraph("", _proof(summary), hang=0)
    if summary["nrr_current_is_counterfactual"]:
        text = "Today's books cannot be kept, for somebody leaves: today is counted as if nobody left."
        yield paragraph("", text, hang=0)
    text = (
        f"With load acting on renewals and people at once NRR would be {percent(summary['nrr_nonlinear'])} (no bound)."
    )
    yield paragraph("", text, hang=0)


def _chances(summary: Summary) -> Iterator[str]:
    known, caution = summary["uncertainty"], summary["caution"]
    if known is None:
        return
    yield f"What is not known ({known['draws']} responses that fit your history and the prior)"
    rows = [
        ["gain over today, as promised", points(known["uplift"]), ""],
        ["90 % of cases", f"{points(known['uplift_low'])} to {points(known['uplift_high'])}", ""],
        ["likely to come true", points(known["honest"]), _halved(known)],
        ["mean of the worst fifth", points(known["bad_case"]), ""],
        ["better than today", f"about {percent(known['shown'], 0)}", "of cases"],
        *_plans_chance(known),
        [
            "NRR, 90 % of cases",
            f"{percent(known['nrr_low'], 1)} to {percent(known['nrr_high'], 1)}",
            "luck comes on top",
        ],
    ]
    yield table(["", "points", ""], rows, left=(0, 2))
    if not known["is_identified"]:
        yield paragraph("", "The history has one pay plan: the prior decides what another would do.", indent=2, hang=0)
    if not summary["draws_averaged"]:
        yield paragraph("", "Chosen at the middle of these, for the menu is long.", indent=2, hang=0)
    if caution is not None:
        yield paragraph("", _caution(caution), indent=2, hang=0)


def _plans_chance(known: Summary) -> list[list[str]]:
    if known["plans_shown"] is None:
        return []
    return [["plans better than today's", f"about {percent(known['plans_shown'], 0)}", "of cases, with these books"]]


def _halved(known: Summary) -> str:
    share = known["halved_share"]
    if share is None:
        return "too few people to halve"
    return f"{percent(share, 0)} held on the other half" if known["is_identified"] else "if the prior is right"


def _caution(caution: Summary) -> str:
    cost = max(caution["value"] - caution["expected_only"], 0.0)
    return (
        f"Chosen with caution: mean gain and worst fifth, half and half, are worth {points(caution['value'])} points, "
        f"at most {caution['gap_pp']:.3f} below what is possible and {cost:.2f} above the best on average, which beats "
        f"today in about {percent(caution['expected_shown'], 0)} of cases."
    )


def _worth(nrr: float, cost: float, has_prices: bool) -> list[str]:
    return [percent(nrr), points(-POINTS * cost), percent(nrr - cost)] if has_prices else [percent(nrr)]


def _gain(summary: Summary) -> str:
    gain = summary["nrr"] - summary["nrr_current"]
    arr = million(summary["arr_end"] - summary["arr_end_current"], summary["currency"])
    part = summary["gain_parts_pp"]
    return (
        f"{points(POINTS * gain)} points of NRR, {arr} of ARR at the end of the year: {points(part['plans'])} from the "
        f"plans on today's books, {points(part['books'])} from the books under today's plans."
    )


def _proof(summary: Summary) -> str:
    if not is_telling(summary["gap_pp"]):
        return f"Nothing is proved yet about what else is possible ({_STATUS[summary['status']]})."
    return (
        f"No plans and books within your rules are worth more than the ceiling; this solution is at most "
        f"{summary['gap_pp']:.4f} points below it ({_how(summary)})."
    )


def _how(summary: Summary) -> str:
    return _STATUS[summary["status"]] if summary["caution"] is None else "chosen with caution, see below"


def _goal(summary: Summary) -> Iterator[str]:
    goal = summary["goal"]
    if goal is None:
        return
    verdict = {True: "reached", False: "not within reach", None: "not reached"}[goal["is_reached"]]
    yield f"Goal {percent(goal['target'])}: {verdict}"
    yield from (paragraph("", sentence, indent=2, hang=0) for sentence in goal["sentences"])


# ---- what is decided ----------------------------------------------------------------------------------------------


def _plans(view: View, summary: Summary) -> Iterator[str]:
    yield "Pay plans"
    for s, segment in enumerate(view.problem.segments):
        plan, today = view.plan(s), view.today(s)
        yield f"  {short(segment.name)}" + (": stays as it is" if plan.is_today else "")
        yield paragraph("today", _plan_words(today), indent=4, hang=11)
        if not plan.is_today:
            yield paragraph("new", _plan_words(plan), indent=4, hang=11)
    yield from _design(summary["design_findings_current"])


def _design(findings: Sequence[Summary]) -> Iterator[str]:
    """Design rules that today's plans break, said once for segments that break the same ones."""
    by_segment: dict[str, list[str]] = {}
    for finding in findings:
        by_segment.setdefault(finding["segment"], []).append(finding["rule"])
    by_rules: dict[tuple[str, ...], list[str]] = {}
    for segment, rules in by_segment.items():
        by_rules.setdefault(tuple(rules), []).append(short(segment))
    for broken, segments in by_rules.items():
        text = f"Today's plan in {', '.join(segments)} breaks {', '.join(broken)}; it may stay, for it is in force."
        yield paragraph("", text, indent=2, hang=0)


def _plan_words(plan: Plan) -> str:
    return f"{paid_for(plan)}; {pay_levels(plan)}" if plan.mix.components else pay_levels(plan)


def _money(summary: Summary) -> Iterator[str]:
    currency = summary["currency"]
    slack = summary["pay_budget"] - summary["pay_cost"]
    rows = [
        ["base pay", summary["pay_base"], ""],
        ["expected variable", summary["pay_variable"], ""],
        ["pay cost", summary["pay_cost"], f"today {money(summary['pay_cost_current'], currency)}"],
        ["pay budget", summary["pay_budget"], f"{money(slack, currency)} {'left' if slack >= 0.0 else 'over'}"],
        ["worst case", summary["exposure"], "everybody at their cap"],
        ["replacing leavers", summary["replacement_cost"], "expected, outside the budget"],
    ]
    yield "Where the money goes, a year"
    yield table(["", "", ""], [[a, money(b, currency), c] for a, b, c in rows], left=(0, 2)).lstrip("\n")


def _books(summary: Summary) -> Iterator[str]:
    moves, forced = summary["moves"], summary["moves_forced"]
    yield f"Books: {plural(moves, 'account')} {'changes' if moves == 1 else 'change'} hands" + (
        f" ({forced} forced, {moves - forced} free)" if moves else ""
    )
    if summary["moves_counted"] != moves - forced:
        yield f"  Families count once: {plural(summary['moves_counted'], 'move')} under the rule on moves."
    at_limits = summary["books_at_limits"]
    if not at_limits:
        yield "  No book stands at a limit."
    yield from (paragraph(short(b["csm_id"]), b["limit"], indent=2, hang=10) for b in at_limits[:MOST_SHOWN])
    yield from _and_more(len(at_limits), "books.csv")


def _bends(summary: Summary) -> Iterator[str]:
    bends, currency = summary["bends"], summary["currency"]
    if not bends:
        yield "Rules: none is bent."
        return
    cost = sum(b["cost"] for b in bends)
    yield (
        f"Soft rules bent: {len(bends)}, at a price of {money(cost, currency)} "
        f"({POINTS * summary['soft_cost']:.2f} points of NRR)"
    )
    top = sorted(bends, key=lambda b: (-b["cost"], b["rule"], b["subject"]))[:MOST_SHOWN]
    rows = [[b["rule"], short(b["subject"]), money(b["cost"], currency), _amount(b)] for b in top]
    yield table(["rule", "who", "price", "by how much"], rows, left=(0, 1, 3))
    yield from _and_more(len(bends), "summary.json")


def _amount(bend: Summary) -> str:
    unit = bend["unit"].split(" (")[0]
    return f"{bend['amount']:,.2f}".rstrip("0").rstrip(".") + f" {unit}"


def _and_more(count: int, file: str) -> Iterator[str]:
    if count > MOST_SHOWN:
        yield f"  … and {count - MOST_SHOWN} more in {file}"


# ---- what to make of it -------------------------------------------------------------------------------------------


def _jointness(summary: Summary) -> Iterator[str]:
    value = summary["jointness"]
    yield "Deciding pay and books together is worth"
    for way, key in (
        ("pay first, then books", "objective_pay_first"),
        ("books first, then pay", "objective_books_first"),
    ):
        objective = value[key]
        if objective is None:
            text = "found nothing that fits in its time"
        else:
            gain = max(summary["objective"] - objective, 0.0)
            text = f"{POINTS * gain:.2f} points ({million(gain * summary['arr'], summary['currency'])})"
        yield f"  {text} more than {way}" if objective is not None else f"  {way}: {text}"


def _guardrails(summary: Summary) -> Iterator[str]:
    prices = summary["guardrails"]
    if not prices:
        return
    yield "Guardrails cost, against the same solve without them"
    for price in prices:
        proved = "nothing proved" if price["most"] is None else f"at most {price['most']:.2f}"
        yield f"  {price['rule']}: {price['points']:.2f} points ({proved})"


def _warnings(summary: Summary) -> Iterator[str]:
    warnings = summary["warnings"]
    if warnings:
        yield plural(len(warnings), "warning").capitalize()
        yield from (paragraph("!", text, indent=2, hang=4) for text in warnings[:MOST_SHOWN])
        yield from _and_more(len(warnings), "summary.json")


def _recommendation(summary: Summary) -> Iterator[str]:
    yield f"Recommendation: {summary['recommended'].upper()}"
    yield paragraph("", summary["recommended_why"], indent=2, hang=0)


def _files(summary: Summary, out: Path) -> Iterator[str]:
    names: Sequence[str] = summary["files"]
    yield paragraph("", f"Written to {printable(str(out))}: {', '.join(names)}", hang=0)
