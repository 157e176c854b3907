"""A conflict and its ways out in the user's words."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from optcomp.engine import Engine
from optcomp.problem import Problem
from optcomp.reviews.words import names, number, number_up, percent
from optcomp.rules import SPECS
from optcomp.studies.clash import Group
from optcomp.studies.conflicts import Conflict, find_conflict
from optcomp.studies.relaxations import WayOut, ways_out
from optcomp.types import IntArray
from optcomp.words import plural

SCHEMA = "optcomp/conflict/1"


def conflict_sentences(conflict: Conflict) -> list[str]:
    """What clashes: a sentence for each rule, with who and what is in it, and what of it is not proved."""
    by_rule: dict[tuple[str, str], list[Group]] = {}
    for group in conflict.groups:
        by_rule.setdefault((group.rule_id, group.end), []).append(group)
    return [
        _sentence(conflict, rule_id, end, groups) + _doubt(conflict, groups)
        for (rule_id, end), groups in by_rule.items()
    ]


def _doubt(conflict: Conflict, groups: Sequence[Group]) -> str:
    """That some of a rule's groups may not be needed for the clash; empty where all are proved to be."""
    open_ones = [g.scope for g in groups if g in conflict.unproven]
    if not open_ones:
        return ""
    who = "" if len(open_ones) == len(groups) else f" for {names(open_ones)}"
    return f" Time ran out before it was proved{who} that the others would fit without it."


def headline(conflict: Conflict) -> str:
    """What the conflict is about, and how well it is proved."""
    count = len({(g.rule_id, g.end) for g in conflict.groups})
    if not count:
        return "Nothing fits even without any rule: some account has nobody with hours in the plan year."
    rules = "One rule by itself cannot hold" if count == 1 else f"These {count} rules cannot hold together"
    one = "without it the rest fits" if count == 1 else "drop any one of them and the others fit"
    proof = (
        f"{one} (proved)"
        if conflict.is_minimal
        else "that they clash is proved, that all of them are needed is not, for time ran out"
    )
    return f"{rules}; {proof}."


def closing(conflict: Conflict) -> str:
    """What else does not fit; empty where nothing is known."""
    if not conflict.num_others:
        return ""
    more = "1 more group" if conflict.num_others == 1 else f"{conflict.num_others} more groups"
    return f"{more} of accounts and CSMs cannot hold every rule either; run again when this one is mended."


def way_sentence(problem: Problem, way: WayOut) -> str:
    """One way out, as something to do."""
    text = _WAYS.get(way.rule_id, _soft)(problem, way)
    return text if way.mends_all else f"{text} (mends this group; others do not fit for reasons of their own)"


def as_object(conflict: Conflict, ways: Sequence[WayOut]) -> dict[str, object]:
    """The same as plain values."""
    return {
        "schema": SCHEMA,
        "rules": [
            {"rule": g.rule_id, "scope": g.scope, "end": g.end, "is_proved": g not in conflict.unproven}
            for g in conflict.groups
        ],
        "is_minimal": conflict.is_minimal,
        "headline": headline(conflict),
        "closing": closing(conflict),
        "sentences": conflict_sentences(conflict),
        "other_conflicts": conflict.num_others,
        "ways_out": [
            {
                "rule": w.rule_id,
                "amount": w.amount,
                "unit": SPECS[w.rule_id].unit,
                "cost": round(w.cost, 2),
                "settings": list(w.settings),
                "pairs": [{"account_id": a, "csm_id": c} for a, c in w.pairs],
                "sentence": way_sentence(conflict.problem, w),
                "mends_all": w.mends_all,
            }
            for w in ways
        ],
    }


# ---- what clashes -------------------------------------------------------------------------------------------------


def _sentence(conflict: Conflict, rule_id: str, end: str, groups: Sequence[Group]) -> str:
    scopes = [g.scope for g in groups]
    if rule_id in _ABOUT:
        return f"{rule_id}: {_ABOUT[rule_id](conflict, scopes)}."
    if rule_id in ("account_count", "book_arr"):
        return f"{rule_id}: {_limits(conflict.problem, rule_id, end, scopes)}."
    sentence = SPECS[rule_id].sentence
    return f"{rule_id}: {sentence[0].lower()}{sentence[1:].rstrip('.')}{_in(scopes)}."


def _in(scopes: Sequence[str]) -> str:
    named = [s for s in scopes if s]
    return f" ({names(named)})" if named else ""


def _need(problem: Problem, rows: IntArray) -> str:
    return f"{plural(len(rows), 'account')} with {number(float(problem.accounts.hours[rows].sum()))} hours"


def _hours(conflict: Conflict, scopes: Sequence[str]) -> str:
    problem = conflict.problem
    ceiling = problem.rules["hours"]["ceiling"]
    there = sum(float(problem.csms.hours[problem.csm_index[s]]) for s in scopes) * ceiling
    who = names(scopes)
    have = "has" if len(scopes) == 1 else "have together"
    about = f"; there are {_need(problem, conflict.accounts)} to place" if len(conflict.accounts) else ""
    return f"{who} {have} {number(there)} hours at the ceiling of {percent(ceiling)}{about}"


def _own_limits(conflict: Conflict, scopes: Sequence[str]) -> str:
    problem = conflict.problem
    parts = []
    for name in scopes:
        csm = problem.csm_list[problem.csm_index[name]]
        limits = [f"{csm.max_accounts} accounts"] if csm.max_accounts is not None else []
        limits += [f"{number(csm.max_arr)} ARR"] if csm.max_arr is not None else []
        parts.append(f"{name} at most {' and '.join(limits)}")
    return "by their own limits " + names(parts)


def _limits(problem: Problem, rule_id: str, end: str, scopes: Sequence[str]) -> str:
    what, field = ("accounts", "accounts") if rule_id == "account_count" else ("ARR", "arr")
    by_name = {s.name: s for s in problem.segments}
    word, prefix = ("at most", "max_") if end == "most" else ("at least", "min_")
    parts = [f"{word} {number(float(getattr(by_name[s], prefix + field)))} {what} in {s}" for s in scopes]
    return "every book holds " + names(parts)


def _locks(conflict: Conflict, scopes: Sequence[str]) -> str:
    problem = conflict.problem
    parts = []
    for name in scopes:
        rows = _rows(conflict, problem.accounts.locked & (problem.accounts.csm == problem.csm_index.get(name, -2)))
        need = number(float(problem.accounts.hours[rows].sum()))
        noun = "locked account" if len(rows) == 1 else "locked accounts"
        parts.append(f"{len(rows)} {noun} of {name} stay, which need {need} hours")
    return names(parts)


def _rows(conflict: Conflict, mask: np.ndarray) -> IntArray:
    rows = conflict.accounts[mask[conflict.accounts]]
    return rows if len(rows) else np.flatnonzero(mask)


def _eligible(what: str) -> Callable[[Conflict, Sequence[str]], str]:
    def sentence(conflict: Conflict, scopes: Sequence[str]) -> str:
        problem = conflict.problem
        values = {
            "segment": np.array([a.segment for a in problem.account_list]),
            "region": problem.accounts.region,
            "language": problem.accounts.language,
            "industry": problem.accounts.industry,
        }[what]
        count = sum(int((values[conflict.accounts] == s).sum()) for s in scopes)
        who = what if len(scopes) == 1 else {"industry": "industries"}.get(what, f"{what}s")
        own = {"segment": "their own segment", "region": "their own region"}.get(what, f"their {what}")
        about = f", {plural(count, 'account')} to place among them," if count else ""
        return f"accounts of {who} {names(scopes)}{about} stay with CSMs of {own}"

    return sentence


def _families(conflict: Conflict, scopes: Sequence[str]) -> str:
    problem = conflict.problem
    family = problem.accounts.family
    sizes = [int((family == family[problem.account_index[s]]).sum()) for s in scopes]
    return "the family of " + names([f"{s} ({n} accounts) stays together" for s, n in zip(scopes, sizes, strict=True)])


def _budget(conflict: Conflict, scopes: Sequence[str]) -> str:
    return f"pay stays within the budget of {number(conflict.problem.instance.pay_budget)}"


def _exposure(conflict: Conflict, scopes: Sequence[str]) -> str:
    problem = conflict.problem
    ratio = problem.rules["exposure"]["max_ratio"]
    return f"pay stays within {number(ratio * problem.instance.pay_budget)} when everybody hits the cap"


_ABOUT: dict[str, Callable[[Conflict, Sequence[str]], str]] = {
    "hours": _hours,
    "own_limits": _own_limits,
    "locks": _locks,
    "eligible_segment": _eligible("segment"),
    "eligible_region": _eligible("region"),
    "eligible_language": _eligible("language"),
    "eligible_skill": _eligible("industry"),
    "families": _families,
    "forbidden_pairs": lambda conflict, scopes: f"pairs of {names(scopes)} are marked not eligible",
    "leavers": lambda conflict, scopes: (
        f"{names(scopes)} leave{'s' * (len(scopes) == 1)} and keep{'s' * (len(scopes) == 1)} nothing"
    ),
    "moves": lambda conflict, scopes: f"at most {conflict.problem.rules['moves']['max']:g} accounts move",
    "budget": _budget,
    "exposure": _exposure,
}


# ---- ways out -----------------------------------------------------------------------------------------------------


def _set(what: str) -> Callable[[Problem, WayOut], str]:
    def sentence(problem: Problem, way: WayOut) -> str:
        return f"{what}: --set {' --set '.join(way.settings)}"

    return sentence


def _let_go(problem: Problem, way: WayOut) -> str:
    who = names([f"{a} (to {c})" for a, c in way.pairs])
    mark = {"locks": "unlock", "forbidden_pairs": "take the mark off"}.get(way.rule_id)
    if mark:
        return f"{mark} {plural(len(way.pairs), 'account')}: {who}"
    pairs = plural(len(way.pairs), "account")
    return f"let {pairs} go to others than {way.rule_id} allows (eligible = yes in pairs.csv): {who}"


def _own(problem: Problem, way: WayOut) -> str:
    return f"raise own limits by {number_up(way.amount)} average accounts in all (max_accounts, max_arr in csms.csv)"


def _soft(problem: Problem, way: WayOut) -> str:
    if not way.settings:
        return f"change what {way.rule_id} asks for"
    unit = SPECS[way.rule_id].unit.split(" (")[0]
    return f"let {way.rule_id} bend, by {way.amount:,.2f} {unit} in all: --set '{way.settings[0]}'"


_WAYS: dict[str, Callable[[Problem, WayOut], str]] = {
    "hours": _set("raise the ceiling on hours"),
    "account_count": _set("change the limits on accounts"),
    "book_arr": _set("change the limits on ARR"),
    "moves": _set("allow more moves"),
    "budget": _set("raise the pay budget"),
    "exposure": _set("allow more pay at worst"),
    "workload_spread": _set("allow loads to differ more"),
    "own_limits": _own,
    "locks": _let_go,
    "forbidden_pairs": _let_go,
    "eligible_segment": _let_go,
    "eligible_region": _let_go,
    "eligible_language": _let_go,
    "eligible_skill": _let_go,
}


def report(problem: Problem, engine: Engine, *, seconds: float = 30.0) -> dict[str, object] | None:
    """The conflict of a problem with its ways out as plain values; None where none was found in time.

    seconds : for both; two thirds of it at most for the conflict
    """
    conflict = find_conflict(problem, engine, seconds=seconds * 2.0 / 3.0)
    if conflict is None:
        return None
    ways = ways_out(conflict, engine, seconds=seconds - min(conflict.seconds, seconds * 2.0 / 3.0))
    return as_object(conflict, ways)
