"""Why a book is as it is: before and after, who comes and goes, and what more hours would bring."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from optcomp.evaluate import current_solution, evaluate
from optcomp.problem import Problem
from optcomp.studies.claims import Claim, Number, between, price
from optcomp.studies.explain import Explainer
from optcomp.words import percent, plural

# How many more hours the price is asked for, as a share of a CSM's own: one hour is below what a solver can prove.
MORE_HOURS = 0.05


def explain_csm(explainer: Explainer, csm: str) -> list[Claim]:
    """Claims about one book."""
    problem = explainer.problem
    j = explainer.row_of_csm(csm)
    claims = [_book(explainer, csm, j), _moves(explainer, csm, j), _load(explainer, csm, j)]
    if explainer.resolver.decision.holds_book[j]:
        claims += _room(explainer, csm, j)
    rows = np.flatnonzero(explainer.resolver.decision.owner == j)
    if len(rows) and problem.csms.hours[j] > 0.0:
        claims.append(_more_hours(explainer, csm, j, int(rows[0])))
    return claims


def _book(explainer: Explainer, csm: str, j: int) -> Claim:
    problem = explainer.problem
    before, after = evaluate(problem, current_solution(problem)).books, explainer.value.books
    numbers: dict[str, Number] = {
        "csm": csm,
        "accounts_before": int(before.accounts[j]), "accounts": int(after.accounts[j]),
        "arr_before": float(before.arr[j]), "arr": float(after.arr[j]),
        "load_before": float(before.load[j]), "load": float(after.load[j]),
        "predicted": float(after.arr_end[j]), "pay": float(after.pay[j]),
    }  # fmt: skip
    sentence = (
        f"Book of {csm}, today and now: {before.accounts[j]} and {after.accounts[j]} accounts, "
        f"{explainer.money(float(before.arr[j]))} and {explainer.money(float(after.arr[j]))} ARR, load "
        f"{percent(float(before.load[j]), 0)} and {percent(float(after.load[j]), 0)}; "
        f"{explainer.money(float(after.arr_end[j]))} is predicted for the end of the year and pay of "
        f"{explainer.money(float(after.pay[j]))} expected."
    )
    return Claim("csm_book", numbers, sentence)


def _moves(explainer: Explainer, csm: str, j: int) -> Claim:
    today, now = explainer.problem.accounts.csm, explainer.resolver.decision.owner
    come, go = int(((now == j) & (today != j)).sum()), int(((today == j) & (now != j)).sum())
    stay = int(((today == j) & (now == j)).sum())
    locked = int((explainer.problem.accounts.locked & (today == j) & (now == j)).sum())
    verb = "comes" if come == 1 else "come"
    sentence = f"{plural(come, 'account')} {verb} to {csm}, {go} go and {stay} stay, {locked} of them locked."
    return Claim("csm_moves", {"csm": csm, "come": come, "go": go, "stay": stay, "locked": locked}, sentence)


def _load(explainer: Explainer, csm: str, j: int) -> Claim:
    cost = float(explainer.value.books.load_cost[j])
    verb = "costs" if cost >= 0.0 else "brings"
    against = "against a load of 100 %"
    sentence = f"The load of this book {verb} {explainer.money(abs(cost))} of predicted ARR {against}."
    return Claim("csm_load", {"csm": csm, "load_cost": cost}, sentence)


def _room(explainer: Explainer, csm: str, j: int) -> Iterator[Claim]:
    """What still fits into the book: the tightest limit of each kind, where there is one."""
    problem, books = explainer.problem, explainer.value.books
    rules, segment = problem.rules, problem.segments[int(problem.csms.segment[j])]
    limits: list[tuple[str, float, float, str]] = []
    if rules["hours"].is_on:
        ceiling = rules["hours"]["ceiling"]
        most = ceiling * float(problem.csms.hours[j])
        limits.append(("hours", most, float(books.hours[j]), f"hours at the ceiling of {percent(ceiling, 0)}"))
    if rules["account_count"].is_on and segment.max_accounts is not None:
        most = float(segment.max_accounts)
        limits.append(("account_count", most, float(books.accounts[j]), f"accounts, the most for {segment.name}"))
    if rules["own_limits"].is_on and math.isfinite(problem.csms.max_accounts[j]):
        most = float(problem.csms.max_accounts[j])
        limits.append(("own_limits", most, float(books.accounts[j]), "accounts, their own limit"))
    if rules["book_arr"].is_on and segment.max_arr is not None:
        limits.append(("book_arr", float(segment.max_arr), float(books.arr[j]), f"ARR, the most for {segment.name}"))
    for rule_id, most, used, what in limits:
        left = (
            "none is left" if used >= most else f"{most - used:,.0f} {'is' if round(most - used) == 1 else 'are'} left"
        )
        sentence = f"{rule_id}: {csm} has {used:,.0f} of {most:,.0f} {what}; {left}."
        yield Claim("room", {"csm": csm, "rule": rule_id, "most": most, "used": used}, sentence)


def with_hours(problem: Problem, csm: str, more: float) -> Problem:
    """The problem in which a CSM has so many hours more in a full year."""
    csms = tuple(
        replace(c, hours=problem.service.csm_hours(c) + more) if c.csm_id == csm else c for c in problem.instance.csms
    )
    return replace(problem, instance=replace(problem.instance, csms=csms))


def _more_hours(explainer: Explainer, csm: str, j: int, account: int) -> Claim:
    problem, resolver = explainer.problem, explainer.resolver
    more = float(math.ceil(MORE_HOURS * problem.service.csm_hours(problem.csm_list[j])))
    wider = with_hours(problem, csm, more)
    again = replace(resolver, problem=wider, _pieces={}, _base={}, _here={})
    base, best = resolver.base(account), again.base(account)
    low, high = best.low - max(base.high, base.low), best.high - max(base.low, explainer.usd(explainer.value))
    text = between(low, high, explainer.currency, verb="are worth")
    each = f"; that is {price(low, high, more, explainer.currency)} an hour" if low >= 1.0 else ""
    what = f"{more:,.0f} more hours a year for {csm}, books free to follow,"
    sentence = f"{what} {text} (same plans and positions, proved){each}."
    return Claim("more_hours", {"csm": csm, "hours": more, "low": low, "high": high}, sentence)
