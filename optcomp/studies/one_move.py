"""What one move brings when nothing else changes, from what, and what would have to be true for it: by `evaluate`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from optcomp.evaluate import Evaluation
from optcomp.judge import Bend
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solution import Solution
from optcomp.studies.claims import Claim, Number, gain_or_loss
from optcomp.words import measured, money, percent


@dataclass(frozen=True, slots=True)
class Move:
    """One account, or family, given to another CSM: what that gains in USD, from what, and which hard rules break.

    own, load, rules : parts of the gain: predicted ARR at load 1, load of the books, prices of bent rules
    size : accounts that move together
    own_breaks : what constraints of the user's own say against it
    """

    account: str
    to: str
    gain: float
    own: float
    load: float
    rules: float
    value: Evaluation
    size: int
    own_breaks: tuple[str, ...] = ()

    @property
    def breaks(self) -> tuple[Bend, ...]:
        """Hard rules that it breaks."""
        return self.value.violations

    @property
    def is_possible(self) -> bool:
        """It breaks nothing."""
        return not (self.breaks or self.own_breaks)


@dataclass(frozen=True)
class Says:
    """Says what a move from a solution brings.

    value : what the solution is worth as it is
    """

    problem: Problem
    solution: Solution
    value: Evaluation

    def about(self, move: Move, *, is_next_best: bool = False, has_parts: bool = False) -> Iterator[Claim]:
        """Whether a move would bring anything or may not be, and with `has_parts` from what and when it could be."""
        yield self._result(move, is_next_best)
        if has_parts:
            yield self._parts(move)
            if not move.is_possible:
                yield from self._could(move)
            elif move.size == 1 and move.gain < 0.0:
                yield self._would(move)

    def _who(self, move: Move) -> str:
        return move.account if move.size == 1 else f"{move.account} and its family ({move.size} accounts)"

    def _is_today(self, move: Move) -> bool:
        return self.problem.account_list[self.problem.account_index[move.account]].csm == move.to

    def _money(self, amount: float) -> str:
        return money(amount, self.problem.instance.currency)

    def _result(self, move: Move, is_next_best: bool) -> Claim:
        who, here = self._who(move), self.solution.csm_by_account[move.account]
        numbers: dict[str, Number] = {"account": move.account, "to": move.to, "gain": move.gain}
        if not move.is_possible:
            verb = "stay with" if self._is_today(move) else "go to"
            what, facts = _broken(move)
            sentence = f"{who} cannot {verb} {move.to} with nothing else changed: {what}."
            return Claim("move_breaks" if move.breaks else "own_breaks", {**numbers, **facts}, sentence)
        result = gain_or_loss(move.gain, self.problem.instance.currency)
        how = f"{who} left with {move.to}" if self._is_today(move) else f"{who} with {move.to} instead of {here}"
        if is_next_best:
            return Claim("next_best", numbers, f"Next best, nothing else changed: {how} would {result}.")
        return Claim("move", numbers, f"{how}, nothing else changed, would {result}.")

    def _parts(self, move: Move) -> Claim:
        parts = {"own": move.own, "load": move.load, "rules": move.rules}
        words = {"own": f"in what is predicted with {move.to}", "load": "by the load of the two books"}
        words["rules"] = f"in prices of {', '.join(self._priced(move)) or 'bent rules'}"
        named = [f"{'+' if v > 0.0 else ''}{self._money(v)} {words[k]}" for k, v in parts.items() if round(v)]
        text = f"That is {', '.join(named)}; " if named else ""
        j, i = (self.problem.csm_index[c] for c in (move.to, self.solution.csm_by_account[move.account]))
        loads = move.value.books.load
        before = percent(float(self.value.books.load[j]), 0)
        numbers: dict[str, Number] = {
            "account": move.account, "to": move.to, **parts, "load_to": float(loads[j]), "load_from": float(loads[i]),
        }  # fmt: skip
        sentence = f"{text}{move.to} would be at {percent(float(loads[j]), 0)} of hours instead of {before}."
        return Claim("parts", numbers, sentence)

    def _priced(self, move: Move) -> list[str]:
        """Soft rules whose price changes."""
        return [r for r in SPECS if round(_price(move.value, r) - _price(self.value, r))]

    def _would(self, move: Move) -> Claim:
        """What would have to be predicted for the move to be as good."""
        worth = float(move.value.account_arr[self.problem.account_index[move.account]]) - move.gain
        sentence = (
            f"It would be as good there if {self._money(worth)} were predicted for it with {move.to}, instead of "
            f"{self._money(worth + move.gain)} (value in pairs.csv)."
        )
        return Claim("would", {"account": move.account, "to": move.to, "value": worth}, sentence)

    # ---- what would allow it ----------------------------------------------------------------------------------

    def _could(self, move: Move) -> Iterator[Claim]:
        """The one limit that would have to be wider for the move to be allowed."""
        if len(move.breaks) != 1 or move.own_breaks:
            return
        found = self._wider(move, move.breaks[0])
        if found is not None:
            setting, value, text = found
            verb = "stay" if self._is_today(move) else "go"
            numbers: dict[str, Number] = {"account": move.account, "to": move.to, "setting": setting, "value": value}
            yield Claim("could", numbers, f"It could {verb} there if {text}.")

    def _wider(self, move: Move, bend: Bend) -> tuple[str, float, str] | None:
        """Which setting would have to be what, in words as well; None where no single one would do."""
        problem, j = self.problem, self.problem.csm_index[move.to]
        csm, segment = problem.csm_list[j], problem.segments[int(problem.csms.segment[j])]
        books = move.value.books
        if bend.rule_id == "moves":
            limit = float(move.value.moves_counted)
            return "rules.moves.max", limit, f"{limit:,.0f} moves were allowed (--set rules.moves.max={limit:.0f})"
        if bend.subject != move.to:
            return None
        is_full_year = problem.csms.hours[j] == problem.service.csm_hours(csm)
        if bend.rule_id == "hours" and is_full_year:
            more = float(math.ceil(bend.amount / problem.rules["hours"]["ceiling"]))
            return "hours", more, f"{move.to} had {more:,.0f} more hours a year"
        count, arr = float(books.accounts[j]), float(math.ceil(books.arr[j]))
        if bend.rule_id == "own_limits" and count > problem.csms.max_accounts[j] and arr <= problem.csms.max_arr[j]:
            text = f"{move.to}'s own limit were {count:,.0f} accounts (max_accounts in csms.csv)"
            return "own max_accounts", count, text
        most = {
            "account_count": ("max_accounts", segment.max_accounts, count),
            "book_arr": ("max_arr", segment.max_arr, arr),
        }
        name, limit_now, needed = most.get(bend.rule_id, ("", None, 0.0))
        if limit_now is None or needed <= limit_now:
            return None
        setting = f"segments.{segment.name}.{name}"
        return setting, needed, f"a book in {segment.name} could hold more (--set {setting}={needed:.0f})"


def _price(value: Evaluation, rule_id: str) -> float:
    return sum(b.cost for b in value.bends if b.rule_id == rule_id)


def _broken(move: Move) -> tuple[str, dict[str, Number]]:
    """What stands against a move that is not possible, the largest first, in words and as numbers."""
    own = f"your own constraint is broken ({move.own_breaks[0]})" if move.own_breaks else ""
    if not move.breaks:
        return own, {"said": move.own_breaks[0]}
    bend = max(move.breaks, key=lambda b: (b.amount, b.rule_id))
    what = f"{bend.rule_id} would be broken by {measured(bend.amount, _unit_of(bend))} ({bend.subject})"
    facts: dict[str, Number] = {"rule": bend.rule_id, "subject": bend.subject, "amount": bend.amount}
    return what + (f", and {own}" if own else ""), facts


def _unit_of(bend: Bend) -> str:
    return SPECS[bend.rule_id].unit.split(" (")[0] if bend.rule_id in SPECS else "accounts"
