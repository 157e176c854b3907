"""Why a decision is as it is: claims with numbers, each backed by the evaluator or by a solve with a proof.

Claims on one move change one account (and the family that moves with it) and nothing else, and come from `evaluate`.
Claims on what is possible at best come from a re-solve and are ranges, [at least, at most], of both proven bounds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.errors import CheckFailed
from optcomp.evaluate import Evaluation, evaluate
from optcomp.judge import Bend
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solution import Solution
from optcomp.studies.claims import Claim, Number, between, gain_or_loss
from optcomp.studies.resolve import Best, Resolver
from optcomp.words import money, percent

# Other CSMs that are compared one by one; the rest is counted.
MOST_OTHERS = 3


@dataclass(frozen=True)
class Explainer:
    """Explains one solution of a problem.

    resolver : answers what is possible at best; see its own limits of time
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
        claims = [self._where(account, a, here)]
        others = sorted(self._others(account), key=lambda m: (bool(m.breaks), -m.gain, m.to))
        today = self.problem.account_list[a].csm
        shown = [m for m in others if m.to == today] + [m for m in others if m.to != today][:MOST_OTHERS]
        for move in shown:
            claims += self._move(move)
        claims += self._forbidden(account, a, {m.to for m in others} | {here})
        target = today if today and today != here else None
        if target is not None and self.problem.allowed[a, self.problem.csm_index[target]]:
            claims.append(self._insist(account, target))
        elif others:
            claims.append(self._without(account, here))
        return claims

    def insist(self, account: str, csm: str) -> list[Claim]:
        """What happens when an account must be with a CSM: at once, and at best."""
        a, j = self._row(account), self.row_of_csm(csm)
        here = self.solution.csm_by_account[account]
        if here == csm:
            return [self._where(account, a, here), self._without(account, here)]
        claims = [self._where(account, a, here), *self._move(self._one_move(account, csm))]
        if not all(self.problem.allowed[m, j] for m in self._unit(a)):
            return [*claims, *self._forbidden(account, a, set(), only=csm)]
        if self.problem.csms.is_open[j] and csm not in self.solution.filled:
            return [*claims, *self._both_books(account, csm)]  # a position that is not filled is not filled for it
        return [*claims, self._insist(account, csm), *self._both_books(account, csm)]

    def _where(self, account: str, a: int, here: str) -> Claim:
        arr, predicted = float(self.problem.accounts.arr[a]), float(self.value.account_arr[a])
        load = float(self.value.books.load[self.problem.csm_index[here]])
        sentence = (
            f"{account} ({self.money(arr)} ARR) is with {here}, who is at {percent(load, 0)} of hours: "
            f"{self.money(predicted)} of it is predicted for the end of the year, the load of the book apart."
        )
        return Claim(
            "where", {"account": account, "csm": here, "arr": arr, "predicted": predicted, "load": load}, sentence
        )

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
        value = evaluate(self.problem, self.moved(account, csm))
        own = float(value.account_arr.sum() - self.value.account_arr.sum())
        load = float(self.value.load_cost - value.load_cost)
        rules = (self.value.soft_cost - value.soft_cost) * self.problem.total_arr
        size = len(self._unit(self._row(account)))
        return Move(account, csm, own + load + rules, own, load, rules, value, value.violations, size)

    def _others(self, account: str) -> Iterator[Move]:
        """One-move changes to everybody whom the rules on single pairs allow, unfilled positions apart."""
        unit, here = self._unit(self._row(account)), self.solution.csm_by_account[account]
        for j, name in enumerate(self.problem.csms.ids):
            is_there = not self.problem.csms.is_open[j] or name in self.solution.filled
            if name != here and is_there and all(self.problem.allowed[m, j] for m in unit):
                yield self._one_move(account, name)

    def _move(self, move: Move) -> Iterator[Claim]:
        here = self.solution.csm_by_account[move.account]
        who = move.account if move.size == 1 else f"{move.account} and its family ({move.size} accounts)"
        numbers: dict[str, Number] = {"account": move.account, "to": move.to, "gain": move.gain}
        if move.breaks:
            bend = max(move.breaks, key=lambda b: (b.amount, b.rule_id))
            what = f"{bend.rule_id} would be broken by {bend.amount:,.2f} {_unit_of(bend)} ({bend.subject})"
            sentence = f"{who} cannot go to {move.to} with nothing else changed: {what}."
            facts: dict[str, Number] = {"rule": bend.rule_id, "subject": bend.subject, "amount": bend.amount}
            yield Claim("move_breaks", {**numbers, **facts}, sentence)
        else:
            result = gain_or_loss(move.gain, self.currency)
            yield Claim(
                "move", numbers, f"{who} with {move.to} instead of {here}, nothing else changed, would {result}."
            )
        yield self._parts(move)
        yield from self._would(move)

    def _parts(self, move: Move) -> Claim:
        parts = {"own": move.own, "load": move.load, "rules": move.rules}
        words = {"own": "outlook with them", "load": "load of the two books", "rules": "prices of bent rules"}
        text = ", ".join(f"{words[k]} {self.money(v)}" for k, v in parts.items())
        j, i = self.row_of_csm(move.to), self.row_of_csm(self.solution.csm_by_account[move.account])
        to_load, from_load = float(move.value.books.load[j]), float(move.value.books.load[i])
        sentence = (
            f"That is {text}; {move.to} would be at {percent(to_load, 0)} of hours instead of "
            f"{percent(float(self.value.books.load[j]), 0)}."
        )
        numbers: dict[str, Number] = {
            "account": move.account,
            "to": move.to,
            **parts,
            "load_to": to_load,
            "load_from": from_load,
        }
        return Claim("parts", numbers, sentence)

    def _would(self, move: Move) -> Iterator[Claim]:
        """What would have to be true for the move to be as good, or allowed."""
        if move.size > 1:
            return
        a = self._row(move.account)
        over = {b.rule_id: b for b in move.breaks}
        csm = self.problem.csm_list[self.row_of_csm(move.to)]
        is_full_year = self.problem.csms.hours[self.row_of_csm(move.to)] == self.problem.service.csm_hours(csm)
        if len(move.breaks) == 1 and is_full_year and set(over) == {"hours"} and over["hours"].subject == move.to:
            more = over["hours"].amount / self.problem.rules["hours"]["ceiling"]
            sentence = f"It could go there if {move.to} had {math.ceil(more):,} more hours a year."
            yield Claim("could", {"account": move.account, "to": move.to, "hours": float(math.ceil(more))}, sentence)
        elif not move.breaks and move.gain < 0.0:
            worth = float(move.value.account_arr[a]) - move.gain
            sentence = (
                f"It would be as good there if {self.money(worth)} were predicted for it with {move.to}, instead of "
                f"{self.money(worth + move.gain)} (value in pairs.csv)."
            )
            yield Claim("would", {"account": move.account, "to": move.to, "value": worth}, sentence)

    def _forbidden(self, account: str, a: int, known: set[str], only: str = "") -> Iterator[Claim]:
        """CSMs whom a hard rule on single pairs keeps from the account, or from the family that moves with it."""
        unit = self._unit(a)
        for rule_id in PAIR_RULES:
            if not self.problem.rules[rule_id].is_hard:
                continue
            broken = np.flatnonzero(np.any(broken_pairs(self.problem, rule_id)[unit], axis=0))
            named = [self.problem.csms.ids[j] for j in broken]
            ids = [c for c in named if c not in known and only in ("", c)]
            if ids:
                who = ids[0] if len(ids) == 1 else f"{len(ids)} CSMs"
                sentence = (
                    f"{rule_id} keeps {who} from it: {SPECS[rule_id].sentence[0].lower()}{SPECS[rule_id].sentence[1:]}"
                )
                numbers: dict[str, Number] = {"account": account, "rule": rule_id, "csms": ", ".join(ids)}
                yield Claim("forbidden", numbers, sentence)

    # ---- what is possible at best -----------------------------------------------------------------------------

    def loss(self, account: str, best: Best) -> tuple[float, float]:
        """What a restriction costs against the best under the same plans: at least, at most; USD, inf: not known."""
        base = self.resolver.base(self._row(account))
        top = max(base.low, self.usd(self.value))
        low = max(top - best.high, 0.0)
        return low, max(base.high - best.low, low)

    def _insist(self, account: str, csm: str) -> Claim:
        best = self.resolver.forced(self._row(account), self.row_of_csm(csm))
        numbers: dict[str, Number] = {"account": account, "to": csm}
        if best.high == -math.inf:
            return Claim(
                "impossible",
                numbers,
                f"With {account} at {csm} no books under these plans and positions keep every hard rule.",
            )
        low, high = self.loss(account, best)
        text = between(low, high, self.currency)
        sentence = f"{account} with {csm}, all other books free to follow, {text} (same plans and positions, proved)."
        return Claim("insist", {**numbers, "low": low, "high": high}, sentence)

    def _without(self, account: str, csm: str) -> Claim:
        best = self.resolver.barred(self._row(account), self.row_of_csm(csm))
        numbers: dict[str, Number] = {"account": account, "csm": csm}
        if best.high == -math.inf:
            return Claim(
                "only",
                numbers,
                f"Nobody but {csm} can have {account} under these plans, positions and hard rules (proved).",
            )
        low, high = self.loss(account, best)
        text = between(low, high, self.currency)
        what = f"{account} with anybody but {csm}, all other books free to follow,"
        sentence = f"{what} {text} (same plans and positions, proved)."
        return Claim("without", {**numbers, "low": low, "high": high}, sentence)

    def _both_books(self, account: str, csm: str) -> Iterator[Claim]:
        """Before and after of both books, when only this account moves."""
        value = evaluate(self.problem, self.moved(account, csm))
        for name in (self.solution.csm_by_account[account], csm):
            j = self.row_of_csm(name)
            before, after = self.value.books, value.books
            numbers: dict[str, Number] = {
                "account": account, "to": csm, "csm": name,
                "accounts": int(after.accounts[j]), "arr": float(after.arr[j]), "load": float(after.load[j]),
            }  # fmt: skip
            sentence = (
                f"Book of {name}, before and after: {before.accounts[j]} and {after.accounts[j]} accounts, "
                f"{self.money(float(before.arr[j]))} and {self.money(float(after.arr[j]))} ARR, load "
                f"{percent(float(before.load[j]), 0)} and {percent(float(after.load[j]), 0)}."
            )
            yield Claim("book", numbers, sentence)

    # ---- rows -------------------------------------------------------------------------------------------------

    def _row(self, account: str) -> int:
        if account not in self.problem.account_index:
            raise CheckFailed(f"The instance has no account {account}.")
        return self.problem.account_index[account]

    def row_of_csm(self, csm: str) -> int:
        if csm not in self.problem.csm_index:
            raise CheckFailed(f"The instance has no CSM {csm}.")
        return self.problem.csm_index[csm]


@dataclass(frozen=True, slots=True)
class Move:
    """One account, or family, given to another CSM: what that gains in USD, from what, and which hard rules break.

    own, load, rules : parts of the gain: predicted ARR at load 1, load of the books, prices of bent rules
    size : accounts that move together
    """

    account: str
    to: str
    gain: float
    own: float
    load: float
    rules: float
    value: Evaluation
    breaks: tuple[Bend, ...]
    size: int


def _unit_of(bend: Bend) -> str:
    return SPECS[bend.rule_id].unit.split(" (")[0] if bend.rule_id in SPECS else "accounts"
