"""Every kind of claim computed again: one-move claims by `evaluate`, ranges by trying every solution."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import agreement
import brute_force

from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.instance import Pair
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.studies.claims import Claim
from optcomp.studies.explain import let_go
from optcomp.studies.explain_csm import with_hours
from optcomp.studies.explain_plan import SHIFTED, shifted, with_budget, with_moves

CENT = 0.01


@dataclass(frozen=True)
class Oracle:
    """What is true of a solution of a tiny problem."""

    problem: Problem
    solution: Solution

    @cached_property
    def value(self) -> Evaluation:
        return evaluate(self.problem, self.solution)

    @property
    def slack(self) -> float:
        """USD by which two right answers may differ: what the solver's tolerances are worth."""
        return agreement.TOLERANCE / 100.0 * self.problem.total_arr

    def usd(self, value: Evaluation) -> float:
        return value.objective * self.problem.total_arr

    @cached_property
    def everything(self) -> list[tuple[Solution, float]]:
        """Every solution that keeps the hard rules, with its worth in USD."""
        return _feasible(self.problem)

    def top(self, keep: Callable[[Solution], bool]) -> float:
        """Worth of the best solution that meets a condition; -inf where there is none."""
        return max((usd for solution, usd in self.everything if keep(solution)), default=-math.inf)

    def same_plans(self, solution: Solution) -> bool:
        mine = self.solution
        return (solution.plan_by_segment, solution.filled) == (mine.plan_by_segment, mine.filled)

    # ---- claims -------------------------------------------------------------------------------------------------

    def is_true(self, claim: Claim) -> bool:
        """The claim holds up when it is computed again."""
        n = dict(claim.numbers)
        if claim.kind in ("insist", "without", "runner_up", "more_hours", "more_budget", "more_moves", "let_go"):
            exact = getattr(self, f"_{claim.kind}")(n)
            return bool(n["low"] - self.slack <= exact <= n["high"] + self.slack and _says(claim, n))
        return bool(getattr(self, f"_{claim.kind}")(n))

    def moved(self, account: str, csm: str) -> Evaluation:
        """One account, or the family that has to stay with it, with another CSM."""
        family, index = self.problem.accounts.family, self.problem.account_index
        together = self.problem.rules["families"].is_hard
        unit = [a for a in index if a == account or (together and family[index[a]] == family[index[account]])]
        filled = self.solution.filled | ({csm} if self.problem.csms.is_open[self.problem.csm_index[csm]] else set())
        books = {**self.solution.csm_by_account, **dict.fromkeys(unit, csm)}
        return evaluate(self.problem, replace(self.solution, csm_by_account=books, filled=filled))

    def _where(self, n: dict) -> bool:
        a, j = self.problem.account_index[n["account"]], self.problem.csm_index[n["csm"]]
        is_there = self.solution.csm_by_account[n["account"]] == n["csm"]
        is_there = is_there and (self.problem.account_list[a].csm or "") == n["today"]
        return (
            is_there and _near(self.value.account_arr[a], n["predicted"]) and _near(self.value.books.load[j], n["load"])
        )

    def _move(self, n: dict) -> bool:
        value = self.moved(n["account"], n["to"])
        return not value.violations and _near(self.usd(value) - self.usd(self.value), n["gain"])

    def _next_best(self, n: dict) -> bool:
        """No other move that anybody could make at once brings more."""
        here = self.solution.csm_by_account[n["account"]]
        values = [self.moved(n["account"], c) for c in self.problem.csms.ids if c != here and self._is_there(c)]
        return self._move(n) and all(
            v.violations or self.usd(v) - self.usd(self.value) <= n["gain"] + CENT for v in values
        )

    def _is_there(self, csm: str) -> bool:
        return not self.problem.csms.is_open[self.problem.csm_index[csm]] or csm in self.solution.filled

    def _held(self, n: dict) -> bool:
        """With anybody else the rule on locks is broken."""
        others = [c for c in self.problem.csms.ids if c != n["csm"]]
        broken = [{b.rule_id for b in self.moved(n["account"], c).violations} for c in others]
        return self.solution.csm_by_account[n["account"]] == n["csm"] and all("locks" in rules for rules in broken)

    def _let_go(self, n: dict) -> float:
        free = let_go(self.problem, n["account"])
        return max(usd for _, usd in _feasible(free, self.solution)) - self.top(self.same_plans)

    def _stay_if(self, n: dict) -> bool:
        """With so much more predicted the best books have the account there, with less than the other number not."""

        def best(more: float) -> tuple[float, float]:
            other = self.with_value(n["account"], n["to"], n["predicted"] + more)
            found = _feasible(other, self.solution)
            there = [usd for s, usd in found if s.csm_by_account[n["account"]] == n["to"]]
            return max(there, default=-math.inf), max(usd for _, usd in found)

        with_enough, top = best(n["high"])
        with_less, top_then = best(max(math.floor(n["low"]), 0.0))
        return with_enough >= top - self.slack and (n["low"] < 1.0 or with_less <= top_then + CENT)

    def with_value(self, account: str, csm: str, value: float) -> Problem:
        """The problem in which an account is predicted to be worth so much with a CSM."""
        known = [p for p in self.problem.instance.pairs if (p.account_id, p.csm_id) == (account, csm)]
        pair = replace(known[0] if known else Pair(account, csm), value=value)
        pairs = tuple(p for p in self.problem.instance.pairs if p not in known)
        return replace(self.problem, instance=replace(self.problem.instance, pairs=(*pairs, pair)))

    def _move_breaks(self, n: dict) -> bool:
        value = self.moved(n["account"], n["to"])
        found = [b for b in value.violations if (b.rule_id, b.subject) == (n["rule"], n["subject"])]
        return len(found) == 1 and _near(found[0].amount, n["amount"])

    def _parts(self, n: dict) -> bool:
        value = self.moved(n["account"], n["to"])
        j, i = (self.problem.csm_index[c] for c in (n["to"], self.solution.csm_by_account[n["account"]]))
        total = n["own"] + n["load"] + n["rules"]
        loads = _near(value.books.load[j], n["load_to"]) and _near(value.books.load[i], n["load_from"])
        return (
            loads
            and _near(self.usd(value) - self.usd(self.value), total)
            and _near(value.account_arr.sum() - self.value.account_arr.sum(), n["own"])
        )

    def _would(self, n: dict) -> bool:
        other = self.with_value(n["account"], n["to"], n["value"])
        then = Oracle(other, self.solution).moved(n["account"], n["to"])
        return not then.violations and _near(self.usd(then), self.usd(evaluate(other, self.solution)))

    def _could(self, n: dict) -> bool:
        """It may not go there as things are, and may with the setting, and not yet with one less of it."""
        account, to, setting = n["account"], n["to"], n["setting"]
        is_open = {more: Oracle(self._with(setting, to, n["value"] - more), self.solution) for more in (0.0, 1.0)}
        broken = {more: bool(oracle.moved(account, to).violations) for more, oracle in is_open.items()}
        return bool(self.moved(account, to).violations) and not broken[0.0] and broken[1.0]

    def _with(self, setting: str, csm: str, value: float) -> Problem:
        instance = self.problem.instance
        if setting == "hours":
            return with_hours(self.problem, csm, value)
        if setting == "rules.moves.max":
            return with_moves(self.problem, value)
        if setting == "own max_accounts":
            csms = tuple(replace(c, max_accounts=int(value)) if c.csm_id == csm else c for c in instance.csms)
            return replace(self.problem, instance=replace(instance, csms=csms))
        _, name, what = setting.split(".")
        segments = tuple(replace(s, **{what: value}) if s.name == name else s for s in instance.segments)
        return replace(self.problem, instance=replace(instance, segments=segments))

    def _forbidden(self, n: dict) -> bool:
        for csm in n["csms"].split(", "):
            value = self.moved(n["account"], csm)
            if n["rule"] not in {b.rule_id for b in value.violations}:
                return False
        return True

    def _impossible(self, n: dict) -> bool:
        return self.top(lambda s: self.same_plans(s) and s.csm_by_account[n["account"]] == n["to"]) == -math.inf

    def _only(self, n: dict) -> bool:
        return self.top(lambda s: self.same_plans(s) and s.csm_by_account[n["account"]] != n["csm"]) == -math.inf

    def _insist(self, n: dict) -> float:
        best = self.top(lambda s: self.same_plans(s) and s.csm_by_account[n["account"]] == n["to"])
        return self.top(self.same_plans) - best

    def _without(self, n: dict) -> float:
        best = self.top(lambda s: self.same_plans(s) and s.csm_by_account[n["account"]] != n["csm"])
        if n["then"]:  # the books found are worth what the range says at the most
            found = self.top(lambda s: self.same_plans(s) and s.csm_by_account[n["account"]] == n["then"])
            assert n["then"] != n["csm"]
            assert self.top(self.same_plans) - found <= n["high"] + self.slack
        return self.top(self.same_plans) - best

    def _book(self, n: dict) -> bool:
        books, j = self.moved(n["account"], n["to"]).books, self.problem.csm_index[n["csm"]]
        return books.accounts[j] == n["accounts"] and _near(books.arr[j], n["arr"]) and _near(books.load[j], n["load"])

    def _csm_book(self, n: dict) -> bool:
        j, after = self.problem.csm_index[n["csm"]], self.value.books
        before = evaluate(self.problem, current_solution(self.problem)).books
        pairs = [(before.accounts, "accounts_before"), (after.accounts, "accounts"), (before.arr, "arr_before")]
        pairs += [(after.arr, "arr"), (before.load, "load_before"), (after.load, "load"), (after.arr_end, "predicted")]
        return all(_near(values[j], n[key]) for values, key in [*pairs, (after.pay, "pay")])

    def _csm_moves(self, n: dict) -> bool:
        now, csm = self.solution.csm_by_account, n["csm"]
        today = {a.account_id: a.csm for a in self.problem.account_list}
        come = sum(now[a] == csm != today[a] for a in now)
        go = sum(today[a] == csm != now[a] for a in now)
        stay = [a for a in self.problem.account_list if today[a.account_id] == csm == now[a.account_id]]
        return [come, go, len(stay), sum(a.locked for a in stay)] == [n["come"], n["go"], n["stay"], n["locked"]]

    def _csm_load(self, n: dict) -> bool:
        return _near(self.value.books.load_cost[self.problem.csm_index[n["csm"]]], n["load_cost"])

    def _room(self, n: dict) -> bool:
        j, books = self.problem.csm_index[n["csm"]], self.value.books
        segment = self.problem.segments[self.problem.csms.segment[j]]
        csm = self.problem.csm_list[j]
        most, used = {
            "hours": (
                self.problem.rules["hours"].numbers.get("ceiling", 0.0) * self.problem.csms.hours[j],
                books.hours[j],
            ),
            "account_count": (segment.max_accounts, books.accounts[j]),
            "own_limits": (csm.max_accounts, books.accounts[j]),
            "book_arr": (segment.max_arr, books.arr[j]),
        }[n["rule"]]
        return _near(most, n["most"]) and _near(used, n["used"])

    def _more_hours(self, n: dict) -> float:
        wider = with_hours(self.problem, n["csm"], n["hours"])
        best = max((usd for s, usd in _feasible(wider, self.solution) if self.same_plans(s)), default=-math.inf)
        return best - self.top(self.same_plans)

    def _plan(self, n: dict) -> bool:
        slack = self.problem.instance.pay_budget - self.value.pay_cost
        return self.solution.plan_by_segment[n["segment"]] == n["plan"] and _near(slack, n["slack"])

    def _today_plan(self, n: dict) -> bool:
        return self._same_books(self.problem, n, "today")

    def _shift(self, n: dict) -> bool:
        s = [segment.name for segment in self.problem.segments].index(n["segment"])
        plan = next(p for p in self.problem.plans[s] if p.plan_id == self.solution.plan_by_segment[n["segment"]])
        other = shifted(plan, n["to"], n["source"], n["points"] / 100.0)
        assert other is not None
        assert math.isclose(sum(c.weight for c in other.mix.components), sum(c.weight for c in plan.mix.components))
        wider = replace(self.problem, forced={n["segment"]: (other,)})
        return self._same_books(wider, n, SHIFTED, is_forced=True)

    def _same_books(self, problem: Problem, n: dict, plan_id: str, *, is_forced: bool = False) -> bool:
        plans = {**self.solution.plan_by_segment, n["segment"]: plan_id}
        value = evaluate(problem, replace(self.solution, plan_by_segment=plans))
        broken = {b.rule_id for b in value.violations}
        said = {r for r in n["breaks"].split(", ") if r}
        return _near(self.usd(value) - self.usd(self.value), n["gain"]) and (
            broken <= said if is_forced else broken == said
        )

    def _runner_up(self, n: dict) -> float:
        others = self.top(lambda s: s.plan_by_segment[n["segment"]] != n["plan"])
        return max(self.top(lambda s: True) - others, 0.0)

    def _only_plan(self, n: dict) -> bool:
        return self.top(lambda s: s.plan_by_segment[n["segment"]] != n["plan"]) == -math.inf

    def _no_other_plan(self, n: dict) -> bool:
        s = [segment.name for segment in self.problem.segments].index(n["segment"])
        return [p.plan_id for p in self.problem.plans[s]] == [n["plan"]]

    def _more_budget(self, n: dict) -> float:
        wider = with_budget(self.problem, self.problem.instance.pay_budget + n["more"])
        return max(usd for _, usd in _feasible(wider)) - self.top(lambda s: True)

    def _more_moves(self, n: dict) -> float:
        wider = with_moves(self.problem, n["limit"] + n["more"])
        assert (self.value.moves_counted, self.problem.rules["moves"]["max"]) == (n["made"], n["limit"])
        return max(usd for _, usd in _feasible(wider)) - self.top(lambda s: True)

    def _move_price(self, n: dict) -> bool:
        """One free move more would bring that much less of a price."""
        free = evaluate(with_moves(self.problem, n["made"]), self.solution)
        return self.value.moves_counted == n["made"] and _near(self.usd(free) - self.usd(self.value), n["cost"])


def _feasible(problem: Problem, like: Solution | None = None) -> list[tuple[Solution, float]]:
    found: Iterable[Solution] = brute_force.every_solution(problem)
    if like is not None:
        found = (s for s in found if (s.plan_by_segment, s.filled) == (like.plan_by_segment, like.filled))
    values = ((s, evaluate(problem, s)) for s in found)
    return [(s, v.objective * problem.total_arr) for s, v in values if not v.violations]


def _near(found: float, said: float) -> bool:
    return math.isclose(found, said, rel_tol=1e-9, abs_tol=CENT)


def _says(claim: Claim, n: dict) -> bool:
    """The sentence promises no more than the numbers: it is rounded outwards, or says that it is too close to call."""
    low, high = float(n["low"]), float(n["high"])
    if "too close to call" in claim.sentence:
        return low < 1.0
    return math.isinf(high) or (f"{math.floor(low):,}" in claim.sentence and f"{math.ceil(high):,}" in claim.sentence)
