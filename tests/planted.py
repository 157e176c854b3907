"""One small problem per rule and per term of the value, in which that rule or term decides the answer.

Everybody is best off with the skilled C1 (and under the plan that pays something) until a rule objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from builders import account, csm, problem, response, rules, segment
from strategies import ALL_MIXES

from optcomp.instance import Pair
from optcomp.plan import Component, MenuSpec, Mix
from optcomp.problem import Problem
from optcomp.response.parameters import Response, Skill

CHEAP = 0.02  # share of a rule's usual price at which bending it pays here
QUARTERLY = {"segments": [segment(mix="quarterly")], "menu": MenuSpec((1.0,), (0.2,), ())}

LOVED = Mix("loved", (Component("CSAT", 0.5), Component("EXP", 0.5)))

# What a rule needs besides being on; `accounts`, `csms` and `more` (further rules) are handled by `planted`.
SETTINGS: Mapping[str, Mapping[str, object]] = {
    "hours": {"numbers": {"ceiling": 0.6}},
    "account_count": {"segments": [segment(mix="base-only", max_accounts=2)]},
    "book_arr": {"segments": [segment(mix="base-only", min_arr=150_000.0)]},
    "own_limits": {"first": {"max_accounts": 3, "max_arr": 250_000.0}},
    "workload_spread": {"numbers": {"spread": 0.2}},
    "equal_chance": {"numbers": {"tolerance": 0.001}, "more": {"locks": {}}, "a0": {"csm": "C2", "locked": True}},
    "renewals_due": {"numbers": {"min_share": 0.9}, **QUARTERLY},
    "families": {"more": {"locks": {}}, "a0": {"csm": "C2", "locked": True, "parent": "P"}, "a1": {"parent": "P"}},
    "moves": {"numbers": {"max": 1}, "owner": "C2"},
    "budget": {"budget": 161_000.0},
    "exposure": {"budget": 161_000.0, "numbers": {"max_ratio": 1.0}},
    "open_positions": {"more": {"budget": {"state": "soft"}}, "budget": 161_000.0, "open": True},
    "eligible_segment": {
        "segments": [segment(mix="base-only"), segment("T", mix="base-only")],
        "first": {"segment": "T"},
    },
    "eligible_region": {"a0": {"region": "EU"}, "first": {"region": "US"}},
    "eligible_language": {"a0": {"language": "de"}, "first": {"languages": ("fr",)}},
    "eligible_skill": {"a0": {"industry": "bank"}, "first": {"industries": ("retail",)}},
    "forbidden_pairs": {"pairs": [Pair("A0", "C1", eligible=False)]},
    "locks": {"a0": {"csm": "C2", "locked": True}},
    "leavers": {"first": {"status": "leaving", "end": date(2027, 7, 1)}},
    "max_components": {"numbers": {"max": 1}},
    "max_weight": {"numbers": {"max": 0.4}},
    "weight_bounds": {"numbers": {"max_grr": 0.4}},
    "uncontrollable_share": {"numbers": {"max": 0.4}},
    "csat_as_gate": {"menu": MenuSpec((1.0,), (0.2,), ("loved",))},
    "gate_share": {"numbers": {"min": 0.25, "max": 0.5}},
    "ownership": {"segments": [segment(mix="base-only", owns_renewals=False)]},
    "readiness": {"segments": [segment(mix="base-only", ready_metrics=("EXP",))]},
    "variable_share": {"numbers": {"max": 0.1}},
    "pay_protection": {"menu": MenuSpec((0.99,), (0.2,), ("balanced",))},
    "pay_bands": {"numbers": {"slack": 0.0}, "bases": 60_000.0},
}


def lively(**outcome: object) -> Response:
    """A response in which incentives pay, C1 is skilled, and load hardly matters."""
    slopes = {"renew": (1.0, 0.0, 1.0), "expand": (0.0, 2.0, 1.0), "load_renew": 0.05, "load_expand": 0.0, **outcome}
    return replace(response(**slopes), skill={"C1": Skill(2.0, 0.5)})


def planted(rule_id: str, state: str = "hard") -> Problem:
    """The problem in which a rule decides, with the rule in a state (`off`: without it)."""
    wish = dict(SETTINGS[rule_id])
    base = wish.get("bases", 80_000.0)
    people = [
        csm("C1", **{"hours": 400.0, "base": base, **wish.get("first", {})}),
        csm("C2", hours=400.0, base=base),
    ]
    if wish.get("open"):
        people.append(csm("C3", hours=400.0, status="open"))
    owner = wish.get("owner", "C1")
    accounts = [
        account("A0", **{"csm": owner, "renewal_probability": 0.6, **wish.get("a0", {})}),
        account("A1", **{"csm": owner, "renewal_probability": 0.6, **wish.get("a1", {})}),
        account("A2", owner, renewal_probability=0.95),
    ]
    if not wish.get("open"):
        accounts.append(account("A3", owner, renewal_probability=0.95))
    settings = {"state": state, **wish.get("numbers", {})}
    if state == "soft":
        settings["price"] = CHEAP * max(rules().by_id[rule_id].price, 0.5)
    parts = {name: wish[name] for name in ("segments", "menu", "pairs", "budget") if name in wish}
    parts.setdefault("segments", [segment(mix="base-only")])
    tiny = problem(
        accounts, people, rules=rules(**{rule_id: settings, **wish.get("more", {})}), response_model=lively(), **parts
    )
    return replace(tiny, mixes={**ALL_MIXES, "loved": LOVED})


def heavy() -> Problem:
    """Load decides: C1 is skilled but has few hours."""
    accounts = [account(f"A{i}") for i in range(4)]
    people = [csm("C1", hours=150.0), csm("C2", hours=400.0)]
    return problem(accounts, people, response_model=lively(load_renew=0.6, load_expand=0.6))


def busy() -> Problem:
    """A plan's paid activities take hours: `active` would be the best plan if they did not."""
    slow = lively(load_renew=1.5, load_expand=1.5)
    slow = replace(slow, effort=replace(slow.effort, activity_hours=1.0))
    accounts = [account(f"A{i}") for i in range(3)]
    menu = MenuSpec((1.0,), (0.2,), ("active",))
    segments = [segment(mix="base-only")]
    return problem(accounts, [csm("C1"), csm("C2")], response_model=slow, segments=segments, menu=menu)
