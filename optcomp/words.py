"""Numbers and plans in words: the one way to say them on the terminal, in sentences and on plan pages."""

from __future__ import annotations

from optcomp.plan import METRICS, Component, Plan

POINTS = 100.0  # percentage points in a ratio of 1
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£"}


def percent(ratio: float, digits: int = 2) -> str:
    """A ratio as per cent, e.g. ``105.79 %``."""
    return f"{POINTS * ratio:.{digits}f} %"


# Points of NRR above a solution beyond which a bound says nothing: the ARR of the whole team once more. The first bound
# of a search can be as far off as that.
USELESS_GAP = 100.0


def is_telling(gap_pp: float | None) -> bool:
    """A proved gap that tells anybody anything."""
    return gap_pp is not None and gap_pp <= USELESS_GAP


def share(ratio: float) -> str:
    """A share as per cent with no more digits than it needs, e.g. ``18 %`` or ``13.04 %``."""
    return f"{round(POINTS * ratio, 2):g} %"


def points(value: float) -> str:
    """Percentage points with a sign, e.g. ``+3.96``; never ``-0.00``."""
    rounded = round(value, 2)
    return f"{rounded + 0.0:+.2f}" if rounded else "0.00"


def money(amount: float, currency: str = "USD") -> str:
    """Whole units of money, e.g. ``$1,466,250``, ``-$300`` or ``CHF 40,000``."""
    whole = f"{abs(round(amount)):,}"
    sign = "-" if round(amount) < 0 else ""
    return f"{sign}{_SIGNS[currency]}{whole}" if currency in _SIGNS else f"{sign}{currency} {whole}"


def million(amount: float, currency: str = "USD") -> str:
    """Money in millions from 100,000 on, e.g. ``$1.53M``, else whole units."""
    if abs(amount) < 100_000.0:
        return money(amount, currency)
    sign = "-" if amount < 0 else ""
    symbol = _SIGNS.get(currency, f"{currency} ")
    return f"{sign}{symbol}{abs(amount) / 1e6:,.2f}M"


def plural(count: int, noun: str) -> str:
    """For example ``1 move`` or ``70 moves``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def measured(amount: float, unit: str) -> str:
    """An amount with its unit, e.g. ``60 hours a year``, ``1 account`` or ``0.25 points``."""
    text = f"{amount:,.2f}".removesuffix(".00")
    first, blank, rest = unit.partition(" ")
    return f"{text} {first.removesuffix('s') if text == '1' else first}{blank}{rest}"


def pay_levels(plan: Plan) -> str:
    """Base level and variable share of a plan, e.g. ``base as today, 18 % of full pay is variable``."""
    base = "base as today" if plan.base_factor == 1.0 else f"base {POINTS * (plan.base_factor - 1.0):+g} %"
    return f"{base}, {share(plan.variable_share)} of target pay is variable" if plan.mix.components else base


def paid_for(plan: Plan) -> str:
    """What a plan pays for, e.g. ``50 % key activities, 50 % expansion ARR; 20 % at risk below CSAT 80 %``."""
    if not plan.mix.components:
        return "base pay only"
    text = ", ".join(f"{share(c.weight)} {paid_metric(c)}" for c in plan.mix.components)
    gate = plan.mix.gate
    return f"{text}; {share(gate.at_risk)} at risk below CSAT {share(gate.target)}" if gate else text


def paid_metric(component: Component) -> str:
    """What a component pays for, e.g. ``expansion ARR`` or ``logo retention (all or nothing at 90 %)``."""
    title = METRICS[component.metric].title
    name = title if title.split()[0].isupper() else title[0].lower() + title[1:]
    scope = " of the team" if component.scope == "team" and component.metric != "TEAM" else ""
    if component.curve.kind == "all-or-nothing":
        return f"{name}{scope} (all or nothing at {share(component.curve.threshold)})"
    return name + scope
