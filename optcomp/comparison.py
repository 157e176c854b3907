"""Two decisions on the same or on different facts, side by side: worth term by term, plans, accounts, books, rules."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from optcomp.evaluate import Evaluation
from optcomp.judge import Bend
from optcomp.keep import check_lines, read_kept
from optcomp.problem import Problem
from optcomp.solution import Solution

# Loads that differ by less are the same on any screen.
SAME_LOAD = 5e-4
NET = "NRR net of bent rules"  # the term that is maximised


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a decision with its worth, and the ceiling proved when it was solved (a ratio; inf: none)."""

    problem: Problem
    solution: Solution
    evaluation: Evaluation
    bound: float = math.inf


@dataclass(frozen=True, slots=True)
class Term:
    """A number of both; `unit` is `USD`, `ratio` or `count`."""

    name: str
    unit: str
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs.

    terms : every term of the worth, equal ones as well
    plans : segment → plan ids; accounts : account id → CSM ids (empty: nobody, or no such account)
    books : CSM id → accounts, ARR and load on both sides, of those that differ
    rules : rule id → cost and number of bends on both sides; violations : hard rules that the second breaks
    own : what constraints of the user's own say against the second
    same_facts : the instances are the same; usd : what the second is worth more, net of bent rules
    bound : ceiling of the second, a ratio; inf where none is known; is_own_bound : the first has another one
    """

    terms: tuple[Term, ...]
    plans: Mapping[str, tuple[str, str]]
    accounts: Mapping[str, tuple[str, str]]
    books: Mapping[str, tuple[tuple[int, float, float], tuple[int, float, float]]]
    rules: Mapping[str, tuple[float, int, float, int]]
    violations: tuple[Bend, ...]
    own: tuple[str, ...]
    same_facts: bool
    usd: float
    bound: float
    is_own_bound: bool

    @property
    def is_broken(self) -> bool:
        """The second breaks a hard rule or a constraint of the user's own."""
        return bool(self.violations or self.own)

    def summary(self) -> dict[str, object]:
        """For ``--json``."""
        return {
            "schema": "optcomp/diff/1",
            "same_facts": self.same_facts,
            "terms": {t.name: {"unit": t.unit, "first": t.first, "second": t.second} for t in self.terms},
            "plans": {s: list(p) for s, p in self.plans.items()},
            "accounts": {a: list(c) for a, c in self.accounts.items()},
            "books": {c: [list(b) for b in pair] for c, pair in self.books.items()},
            "rules": {r: list(v) for r, v in self.rules.items()},
            "violations": [
                {"rule": b.rule_id, "subject": b.subject, "amount": float(b.amount)} for b in self.violations
            ],
            "own": list(self.own),
            "worth": self.usd,
            "objective_bound": self.bound if math.isfinite(self.bound) else None,
        }


def compare(first: Side, second: Side, own: tuple[str, ...] = ()) -> Comparison:
    """What is different in the second, of which constraints of the user's own say `own`."""
    return Comparison(
        terms=tuple(_terms(first.evaluation, second.evaluation)),
        plans=_different(first.solution.plan_by_segment, second.solution.plan_by_segment),
        accounts=_different(first.solution.csm_by_account, second.solution.csm_by_account),
        books=_books(first, second),
        rules=_rules(first.evaluation, second.evaluation),
        violations=second.evaluation.violations,
        own=own,
        same_facts=_facts(first.problem) == _facts(second.problem),
        usd=_worth(second) - _worth(first),
        bound=second.bound,
        is_own_bound=first.bound != second.bound,
    )


def _worth(side: Side) -> float:
    """USD, net of the prices of bent rules."""
    return side.evaluation.objective * side.problem.total_arr


def _facts(problem: Problem) -> object:
    """Everything that a decision is judged by; what is kept by hand is part of the decision."""
    return replace(problem.instance, kept=()), problem.rules, problem.response


def edited(side: Side, path: Path) -> Solution:
    """The decision with the lines of an edited assignment in it; plans and filled positions stay.

    Raises
    ------
    InputError
        When a line names an account or a CSM that the instance does not have, or an account twice.
    """
    lines = read_kept(path)
    check_lines(side.problem, lines, path.name)
    books = {line.account_id: line.csm_id for line in lines}
    return replace(side.solution, csm_by_account={**side.solution.csm_by_account, **books})


def _terms(first: Evaluation, second: Evaluation) -> list[Term]:
    def term(name: str, unit: str, field: str) -> Term:
        return Term(name, unit, float(getattr(first, field)), float(getattr(second, field)))

    return [
        term("NRR", "ratio", "nrr"),
        term("bent rules", "ratio", "soft_cost"),
        term(NET, "ratio", "objective"),
        term("ARR kept", "USD", "kept"),
        term("ARR added", "USD", "expanded"),
        term("cost of load", "USD", "load_cost"),
        term("ARR at the end of the year", "USD", "arr_end"),
        term("pay cost", "USD", "pay_cost"),
        term("pay at worst", "USD", "exposure"),
        term("replacing leavers", "USD", "replacement_cost"),
        term("accounts that change hands", "count", "moves"),
    ]


def _different(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {
        key: (first.get(key, ""), second.get(key, ""))
        for key in sorted({*first, *second})
        if first.get(key, "") != second.get(key, "")
    }


def _books(first: Side, second: Side) -> dict[str, tuple[tuple[int, float, float], tuple[int, float, float]]]:
    books = {}
    for csm in sorted({*first.problem.csms.ids, *second.problem.csms.ids}):
        one, other = _book(first, csm), _book(second, csm)
        if one[:2] != other[:2] or abs(one[2] - other[2]) > SAME_LOAD:
            books[csm] = (one, other)
    return books


def _book(side: Side, csm: str) -> tuple[int, float, float]:
    j, books = side.problem.csm_index.get(csm), side.evaluation.books
    return (0, 0.0, 0.0) if j is None else (int(books.accounts[j]), float(books.arr[j]), float(books.load[j]))


def _rules(first: Evaluation, second: Evaluation) -> dict[str, tuple[float, int, float, int]]:
    def total(value: Evaluation, rule_id: str) -> tuple[float, int]:
        bends = [b for b in value.bends if b.rule_id == rule_id]
        return float(sum(b.cost for b in bends)), len(bends)

    ids = dict.fromkeys(b.rule_id for value in (first, second) for b in value.bends)
    return {r: (*total(first, r), *total(second, r)) for r in ids}
