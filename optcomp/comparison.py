"""Two decisions on the same or on different facts, side by side: worth term by term, plans, accounts, books, rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from optcomp.errors import Finding, InputError
from optcomp.evaluate import Evaluation
from optcomp.judge import Bend
from optcomp.keep import read_kept
from optcomp.problem import Problem
from optcomp.solution import Solution

# Loads that differ by less are the same on any screen.
SAME_LOAD = 5e-4


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: a decision with its worth."""

    problem: Problem
    solution: Solution
    evaluation: Evaluation


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
    same_facts : the instances are the same
    """

    terms: tuple[Term, ...]
    plans: Mapping[str, tuple[str, str]]
    accounts: Mapping[str, tuple[str, str]]
    books: Mapping[str, tuple[tuple[int, float, float], tuple[int, float, float]]]
    rules: Mapping[str, tuple[float, int, float, int]]
    violations: tuple[Bend, ...]
    same_facts: bool

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
        }


def compare(first: Side, second: Side) -> Comparison:
    """What is different in the second."""
    return Comparison(
        terms=tuple(_terms(first.evaluation, second.evaluation)),
        plans=_different(first.solution.plan_by_segment, second.solution.plan_by_segment),
        accounts=_different(first.solution.csm_by_account, second.solution.csm_by_account),
        books=_books(first, second),
        rules=_rules(first.evaluation, second.evaluation),
        violations=second.evaluation.violations,
        same_facts=_facts(first.problem) == _facts(second.problem),
    )


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
    problem = side.problem
    unknown = [
        (what, given)
        for line in lines
        for what, given, known in (
            ("account", line.account_id, problem.account_index), ("CSM", line.csm_id, problem.csm_index),
        )
        if given not in known
    ]  # fmt: skip
    if unknown:
        findings = [
            Finding("assignment", f"The {what} {given!r} is not in the instance", f"A {what} of it", file=path.name)
            for what, given in unknown
        ]
        raise InputError(findings)
    books = {line.account_id: line.csm_id for line in lines}
    return replace(side.solution, csm_by_account={**side.solution.csm_by_account, **books})


def _terms(first: Evaluation, second: Evaluation) -> list[Term]:
    def term(name: str, unit: str, field: str) -> Term:
        return Term(name, unit, float(getattr(first, field)), float(getattr(second, field)))

    return [
        term("NRR", "ratio", "nrr"),
        term("bent rules", "ratio", "soft_cost"),
        term("NRR net of bent rules", "ratio", "objective"),
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
