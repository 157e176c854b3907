"""How two decisions are shown side by side, for `diff` and `evaluate --assignment`."""

from __future__ import annotations

import math
from collections.abc import Iterator

from optcomp.cli.layout import paragraph, table
from optcomp.comparison import NET, Comparison, Term
from optcomp.rules import SPECS
from optcomp.words import POINTS, measured, money, percent, plural, points

MOST_SHOWN = 20


def diff_text(found: Comparison, names: tuple[str, str], currency: str) -> str:
    """The report of a comparison."""
    return "\n\n".join("\n".join(block) for block in _blocks(found, names, currency) if block)


def _blocks(found: Comparison, names: tuple[str, str], currency: str) -> Iterator[list[str]]:
    if not found.same_facts:
        text = "The two stand on different facts, rules or response: what differs is not the decision's doing alone."
        yield [paragraph("!", text, hang=2)]
    rows = [_term(t, currency) for t in found.terms]
    yield [table(["", *names, "difference"], rows, indent=0)]
    yield _verdict(found, names, currency)
    if found.violations:
        broken = [
            paragraph("-", f"{b.rule_id} by {measured(b.amount, _unit(b.rule_id))} ({b.subject})", indent=2, hang=4)
            for b in found.violations[:MOST_SHOWN]
        ]
        count, rules = len(found.violations), len({b.rule_id for b in found.violations})
        often = f", {count} times" if count > rules else ""
        yield [f"{plural(rules, 'hard rule')} not kept in {names[1]}{often}", *broken]
    if found.own:
        said = [paragraph("-", text, indent=2, hang=4) for text in found.own[:MOST_SHOWN]]
        yield [f"Constraints of your own not kept in {names[1]}", *said]
    if found.rules:
        header = ["bent or broken", names[0], "times", names[1], "times"]
        cells = [[r, money(a, currency), str(n), money(b, currency), str(m)] for r, (a, n, b, m) in found.rules.items()]
        yield [table(header, cells, indent=0)]
    if found.plans:
        yield [
            "Pay plans that differ",
            table(["segment", *names], [[s, *p] for s, p in found.plans.items()], left=(0, 1, 2)),
        ]
    if found.accounts:
        shown = list(found.accounts.items())[:MOST_SHOWN]
        lines = [f"{plural(len(found.accounts), 'account')} with different CSMs"]
        lines.append(
            table(["account", *names], [[a, *(c or "nobody" for c in pair)] for a, pair in shown], left=(0, 1, 2))
        )
        yield lines + ([f"  … and {len(found.accounts) - MOST_SHOWN} more"] if len(found.accounts) > MOST_SHOWN else [])
    if found.books:
        yield ["Books that differ, both sides", *_books(found, currency)]
    if not (found.plans or found.accounts):
        yield ["The two decide the same."]


def _verdict(found: Comparison, names: tuple[str, str], currency: str) -> list[str]:
    """What the second is worth against the first, and against the best that is possible."""
    usd = found.usd
    less = f"as much as {names[0]}"
    if round(usd):
        less = f"{money(abs(usd), currency)} a year {'more' if usd > 0.0 else 'less'} than {names[0]}"
    text = f"Net of the prices of bent rules {names[1]} is worth {less}"
    value = next(t.second for t in found.terms if t.name == NET)
    if math.isfinite(found.bound):
        under = points(POINTS * max(found.bound - value, 0.0)).removeprefix("+")
        whose = "its own" if found.is_own_bound else "the"
        text += f", {under} points below {whose} proven ceiling of {percent(found.bound)}"
    but = "; but it breaks what must hold" if found.is_broken else ""
    return [paragraph("", f"{text}{but}.", hang=0)]


def _term(term: Term, currency: str) -> list[str]:
    difference = term.second - term.first
    if term.unit == "ratio":
        return [term.name, percent(term.first), percent(term.second), f"{points(POINTS * difference)} points"]
    if term.unit == "count":
        return [term.name, f"{term.first:,.0f}", f"{term.second:,.0f}", f"{difference:+,.0f}" if difference else "0"]
    return [term.name, money(term.first, currency), money(term.second, currency), money(difference, currency)]


def _books(found: Comparison, currency: str) -> list[str]:
    rows = [
        [
            csm,
            f"{a[0]} → {b[0]}",
            f"{money(a[1], currency)} → {money(b[1], currency)}",
            f"{percent(a[2], 0)} → {percent(b[2], 0)}",
        ]
        for csm, (a, b) in list(found.books.items())[:MOST_SHOWN]
    ]
    more = [f"  … and {len(found.books) - MOST_SHOWN} more"] if len(found.books) > MOST_SHOWN else []
    return [table(["CSM", "accounts", "ARR", "load"], rows), *more]


def _unit(rule_id: str) -> str:
    return SPECS[rule_id].unit.split(" (")[0] if rule_id in SPECS else "accounts that nobody has"
