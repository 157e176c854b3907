"""Why a decision is as it is: claims with numbers, each backed by the evaluator or by a solve with a proof.

Claims on one move change one account (and the family that moves with it) and nothing else, and come from `evaluate`.
Claims on what is possible at best come from a re-solve and are ranges, [at least, at most], of both proven bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optcomp.cells import shown
from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.errors import Finding, InputError
from optcomp.evaluate import Evaluation, evaluate
from optcomp.headers import did_you_mean
from optcomp.hooks import hook_violations
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solution import Solution
from optcomp.studies.claims import Claim, Number, between
from optcomp.studies.one_move import Move, Says
from optcomp.studies.resolve import Best, Resolver
from optcomp.words import money, percent, plural

# Other CSMs that are compared one by one; the rest is counted.
MOST_OTHERS = 3
# Ids that are named where the one that was asked for looks like none of them.
MOST_IDS = 5


def known_row(what: str, given: str, known: Mapping[str, int]) -> int:
    """Row of an id of the instance.

    Raises
    ------
    InputError
        Where there is none: names those that look like it, else the first few.
    """
    if given in known:
        return known[given]
    first = ", ".join(shown(name) for name in sorted(known)[:MOST_IDS])
    rest = f" and {len(known) - MOST_IDS:,} more" if len(known) > MOST_IDS else ""
    hint = did_you_mean(given, known) or f"It has {first}{rest}"
    raise InputError(Finding("unknown-id", f"The instance has no {what} {shown(given)}", "", hint=hint))


def let_go(problem: Problem, account: str) -> Problem:
    """The problem in which an account is neither locked nor kept by hand."""
    instance = problem.instance
    accounts = tuple(replace(a, locked=a.locked and a.account_id != account) for a in instance.accounts)
    kept = tuple(line for line in instance.kept if line.account_id != account)
    return replace(problem, instance=replace(instance, accounts=accounts, kept=kept))


@dataclass(frozen=True)
class Explainer:
    """Explains one solution of a problem.

    resolver : answers what is possible at best; see its own limits of time, and its constraints of the user's own
    """

    problem: Problem
    solution: Solution
    resolver: Resolver

    @cached_property
    def value(self) -> Evaluation:
        """What the solution is worth."""
        return evaluate(self.problem, self.solution)

    @property
    def currency(self) -> str:
        """Of all money."""
        return self.problem.instance.currency

    def usd(self, value: Evaluation) -> float:
        """Worth of an evaluation, net of the prices of bent rules, USD."""
        return value.objective * self.problem.total_arr

    def money(self, amount: float) -> str:
        """An amount in words."""
        return money(amount, self.currency)

    # ---- an account -------------------------------------------------------------------------------------------

    def account(self, account: str) -> list[Claim]:
        """Why an account is where it is, what others would bring, and when it would be elsewhere."""
        a, here = self._row(account), self.solution.csm_by_account[account]
        others = sorted(self._others(account), key=lambda m: (not m.is_possible, -m.gain, m.to))
        today = self.problem.account_list[a].csm
        before = [m for m in others if m.to == today]
        rest = [m for m in others if m.to != today][:MOST_OTHERS]
        best = others[0].to if others and others[0].is_possible else ""
        claims = [self._where(account, a, here), *self._held(account, a)]
        says = Says(self.problem, self.solution, self.value)
        for move in before + rest:
            is_shown_first = move is (before + rest)[0]
            claims += says.about(move, is_next_best=move.to == best, has_parts=is_shown_first or move.to == best)
        claims += self._forbidden(account, a, {m.to for m in others} | {here})
        if before:
            claims += self._left_there(account, before[0])
        if others:
            claims.append(self._without(account, here))
        return claims

    def insist(self, account: str, csm: str) -> list[Claim]:
        """What happens when an account must be with a CSM: at once, and at best."""
        a, j = self._row(account), self.row_of_csm(csm)
        here = self.solution.csm_by_account[account]
        claims = [self._where(account, a, here), *self._held(account, a)]
        if here == csm:
            return [*claims, self._without(account, here)]
        move = self._one_move(account, csm)
        claims += Says(self.problem, self.solution, self.value).about(move, has_parts=True)
        if not self.problem.allowed.for_all(self._unit(a))[j]:
            return [*claims, *self._forbidden(account, a, set(), only=csm)]
        if self.problem.csms.is_open[j] and csm not in self.solution.filled:
            return [*claims, *self._both_books(move)]  # a position that is not filled is not filled for it
        return [*claims, *self._left_there(account, move), *self._both_books(move)]

    def _where(self, account: str, a: int, here: str) -> Claim:
        arr, predicted = float(self.problem.accounts.arr[a]), float(self.value.account_arr[a])
        load = float(self.value.books.load[self.problem.csm_index[here]])
        today = self.problem.account_list[a].csm or ""
        was = {"": " and has nobody today", here: ""}.get(today, f", and today with {today}")
        sentence = (
            f"{account} ({self.money(arr)} ARR) is with {here}, who is at {percent(load, 0)} of hours{was}. "
            f"{self.money(predicted)} is predicted for it at the end of the year, the load of the book apart."
        )
        numbers: dict[str, Number] = {
            "account": account, "csm": here, "today": today, "arr": arr, "predicted": predicted, "load": load,
        }  # fmt: skip
        return Claim("where", numbers, sentence)

    def _held(self, account: str, a: int) -> Iterator[Claim]:
        """That an account may not move, because somebody said so, and what that costs."""
        kept = {line.account_id: line for line in self.problem.instance.kept}.get(account)
        if not self.problem.rules["locks"].is_hard or not (kept or self.problem.accounts.locked[a]):
            return
        today = self.problem.account_list[a].csm or ""
        csm, reason = (kept.csm_id, kept.reason) if kept else (today, "locked")
        yield Claim("held", {"account": account, "csm": csm, "reason": reason}, f"It has to be with {csm} ({reason}).")
        if csm == today:  # elsewhere the move is a forced one, and would count once it is not
            yield self._let_go(account, a)

    def _let_go(self, account: str, a: int) -> Claim:
        """What it would be worth not to hold an account."""
        again = replace(self.resolver, problem=let_go(self.problem, account), _pieces={}, _base={}, _here={})
        base, best = self.resolver.base(a), again.base(a)
        low, high = best.low - max(base.high, base.low), best.high - max(base.low, self.usd(self.value))
        text = between(low, high, self.currency, verb="is worth")
        sentence = f"To let it go, all books free to follow, {text} (same plans and positions, proved)."
        return Claim("let_go", {"account": account, "low": low, "high": high}, sentence)

    def _unit(self, a: int) -> list[int]:
        """Rows of the accounts that move with an account."""
        if not self.problem.rules["families"].is_hard:
            return [a]
        return np.flatnonzero(self.problem.accounts.family == self.problem.accounts.family[a]).tolist()

    def moved(self, account: str, csm: str) -> Solution:
        """The solution with an account, and the family that stays with it, given to a CSM; nothing else changes."""
        unit = {self.problem.accounts.ids[m]: csm for m in self._unit(self._row(account))}
        filled = self.solution.filled | ({csm} if self.problem.csms.is_open[self.row_of_csm(csm)] else frozenset())
        return replace(self.solution, csm_by_account={**self.solution.csm_by_account, **unit}, filled=filled)

    def _one_move(self, account: str, csm: str) -> Move:
        solution = self.moved(account, csm)
        value = evaluate(self.problem, solution)
        own = float(value.account_arr.sum() - self.value.account_arr.sum())
        load = float(self.value.load_cost - value.load_cost)
        rules = (self.value.soft_cost - value.soft_cost) * self.problem.total_arr
        size = len(self._unit(self._row(account)))
        broken = tuple(hook_violations(self.resolver.hooks, self.problem, solution))
        return Move(account, csm, own + load + rules, own, load, rules, value, size, broken)

    def _others(self, account: str) -> Iterator[Move]:
        """One-move changes to everybody whom the rules on single pairs allow, unfilled positions apart."""
        unit, here = self._unit(self._row(account)), self.solution.csm_by_account[account]
        may = self.problem.allowed.for_all(unit)
        for j, name in enumerate(self.problem.csms.ids):
            is_there = not self.problem.csms.is_open[j] or name in self.solution.filled
            if name != here and is_there and may[j]:
                yield self._one_move(account, name)

    def _forbidden(self, account: str, a: int, known: set[str], only: str = "") -> Iterator[Claim]:
        """CSMs whom a hard rule on single pairs keeps from the account, or from the family that moves with it."""
        unit, everybody = np.array(self._unit(a)), np.arange(len(self.problem.csms.ids))
        for rule_id in PAIR_RULES:
            if not self.problem.rules[rule_id].is_hard:
                continue
            broken = np.flatnonzero(broken_pairs(self.problem, rule_id, unit[:, None], everybody).any(axis=0))
            named = [self.problem.csms.ids[j] for j in broken]
            ids = [c for c in named if c not in known and only in ("", c)]
            if ids:
                who = ids[0] if len(ids) == 1 else f"{len(ids)} CSMs"
                why = f"{SPECS[rule_id].sentence[0].lower()}{SPECS[rule_id].sentence[1:]}"
                numbers: dict[str, Number] = {"account": account, "rule": rule_id, "csms": ", ".join(ids)}
                yield Claim("forbidden", numbers, f"{who} may not have it by {rule_id}: {why}")

    # ---- what is possible at best -----------------------------------------------------------------------------

    def loss(self, account: str, best: Best) -> tuple[float, float]:
        """What a restriction costs against the best under the same plans: at least, at most; USD, inf: not known."""
        base = self.resolver.base(self._row(account))
        top = max(base.low, self.usd(self.value))
        low = max(top - best.high, 0.0)
        return low, max(base.high - best.low, low)

    def _left_there(self, account: str, move: Move) -> Iterator[Claim]:
        """What it costs at best to have an account with a CSM after all, and what would have to be true for that."""
        best = self.resolver.forced(self._row(account), self.row_of_csm(move.to))
        claim = self._restricted(account, best, "insist", {"to": move.to})
        yield claim
        low, high = claim.numbers.get("low"), claim.numbers.get("high")
        if not isinstance(low, float) or not isinstance(high, float) or math.isinf(high) or move.size > 1:
            return
        predicted = float(move.value.account_arr[self._row(account)])
        enough = float(math.ceil(high))
        numbers: dict[str, Number] = {
            "account": account, "to": move.to, "predicted": predicted, "low": low, "high": enough,
        }  # fmt: skip
        stay = "stay with" if move.to == self.problem.account_list[self._row(account)].csm else "go to"
        less = f", but not if it were {self.money(math.floor(low))}" if math.floor(low) >= 1 else ""
        sentence = (
            f"It would {stay} {move.to} if at least {self.money(enough)} more were predicted for it there than "
            f"{self.money(predicted)} (value in pairs.csv){less}."
        )
        yield Claim("stay_if", numbers, sentence)

    def _without(self, account: str, csm: str) -> Claim:
        best = self.resolver.barred(self._row(account), self.row_of_csm(csm))
        return self._restricted(account, best, "without", {"csm": csm})

    def _restricted(self, account: str, best: Best, kind: str, who: dict[str, Number]) -> Claim:
        """What the best books cost in which an account must (`to`) or must not (`csm`) be with somebody."""
        numbers: dict[str, Number] = {"account": account, **who}
        if best.high == -math.inf:
            nobody = "impossible" if kind == "insist" else "only"
            text = (
                f"With {account} at {who['to']} no books under these plans and positions keep every hard rule."
                if kind == "insist"
                else f"Nobody but {who['csm']} can have {account} under these plans, positions and hard rules (proved)."
            )
            return Claim(nobody, numbers, text)
        low, high = self.loss(account, best)
        what = f"{account} with {who['to']}" if kind == "insist" else f"{account} with anybody but {who['csm']}"
        then = "" if best.solution is None else best.solution.csm_by_account[account]
        found = f"; the best books found give it to {then}" if then and kind == "without" else ""
        text = between(low, high, self.currency)
        sentence = f"{what}, all other books free to follow, {text} (same plans and positions, proved){found}."
        return Claim(kind, {**numbers, "low": low, "high": high, "then": then}, sentence)

    def _both_books(self, move: Move) -> Iterator[Claim]:
        """Before and after of both books, when only this account moves."""
        for name in (self.solution.csm_by_account[move.account], move.to):
            j = self.row_of_csm(name)
            before, after = self.value.books, move.value.books
            numbers: dict[str, Number] = {
                "account": move.account, "to": move.to, "csm": name,
                "accounts": int(after.accounts[j]), "arr": float(after.arr[j]), "load": float(after.load[j]),
            }  # fmt: skip
            count = plural(int(after.accounts[j]), "account")
            sentence = (
                f"Book of {name}, before and after: {before.accounts[j]} and {count}, "
                f"{self.money(float(before.arr[j]))} and {self.money(float(after.arr[j]))} ARR, load "
                f"{percent(float(before.load[j]), 0)} and {percent(float(after.load[j]), 0)}."
            )
            yield Claim("book", numbers, sentence)

    # ---- rows -------------------------------------------------------------------------------------------------

    def _row(self, account: str) -> int:
        return known_row("account", account, self.problem.account_index)

    def row_of_csm(self, csm: str) -> int:
        """Row of a CSM by id; InputError where there is none."""
        return known_row("CSM", csm, self.problem.csm_index)
