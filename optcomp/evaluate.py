"""What a solution is worth: recomputed from the facts with the exact response, term by term, rule by rule.

Knows no solver and nothing of the formulation. Every number that a user sees comes from here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from optcomp.design import own_base, own_ote, own_variable
from optcomp.errors import CheckFailed
from optcomp.judge import Bend, Decision, judge_rules
from optcomp.pay import expected_multiples, market_pay
from optcomp.problem import Problem
from optcomp.response.load import load_cost
from optcomp.response.outcome import Predicted, predict
from optcomp.response.turnover import quit_probability
from optcomp.solution import Solution
from optcomp.types import FloatArray, IntArray, sum_by


@dataclass(frozen=True, slots=True)
class Books:
    """Every CSM's book, one entry a CSM in the order of ids.

    hours : service hours a year needed, a plan's extra hours included; available : hours the CSM has
    load : hours / available (0 for an empty book); renewals, renewals_arr : shape (csms, 4), by quarter of the plan
        year
    arr_end : predicted year-end ARR net of the load term; quit_chance : chance of leaving within the year
    pay : base plus expected variable in the plan year as budgeted; pay_at_book : the same with this book's own
        thresholds
    """

    accounts: IntArray
    arr: FloatArray
    hours: FloatArray
    available: FloatArray
    load: FloatArray
    renewals: IntArray
    renewals_arr: FloatArray
    arr_end: FloatArray
    load_cost: FloatArray
    quit_chance: FloatArray
    pay: FloatArray
    pay_at_book: FloatArray
    exposure: FloatArray


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The worth of a solution. Money in USD; nrr, grr, soft_cost and objective are ratios to the ARR of the first day.

    nrr_nonlinear : the same with load inside the logit and in turnover, without any bound (DESIGN 3.3)
    account_arr : predicted year-end ARR of every account at load 1, in the order of ids
    bends : every rule that is bent, soft ones with their cost; violations : the hard ones among them
    """

    nrr: float
    grr: float
    soft_cost: float
    nrr_nonlinear: float
    arr: float
    kept: float
    expanded: float
    load_cost: float
    pay_cost: float
    pay_base: float
    exposure: float
    replacement_cost: float
    moves: int
    moves_forced: int
    moves_counted: int
    account_arr: FloatArray
    books: Books
    bends: tuple[Bend, ...]

    @property
    def objective(self) -> float:
        """NRR less the prices of the soft rules that are bent."""
        return self.nrr - self.soft_cost

    @property
    def violations(self) -> tuple[Bend, ...]:
        """Hard rules that do not hold."""
        return tuple(b for b in self.bends if b.is_violation)

    @property
    def arr_end(self) -> float:
        """Predicted ARR on the last day of the plan year, net of the load term."""
        return self.kept + self.expanded - self.load_cost


def evaluate(problem: Problem, solution: Solution) -> Evaluation:
    """Recompute everything about a solution.

    Raises
    ------
    CheckFailed
        When the solution names accounts, CSMs, segments or plans that the problem does not have.
    """
    decision = decide(problem, solution)
    predicted = _predict(problem, decision)
    books = _books(problem, decision, predicted)
    arr, scale = problem.total_arr, 1.0 / problem.arr_scale
    bends = judge_rules(problem, decision, books.pay, books.exposure)
    on_payroll = _on_payroll(problem, decision)
    kept, expanded, cost = predicted.kept.sum(), predicted.expanded.sum(), books.load_cost.sum()
    return Evaluation(
        nrr=float(kept + expanded - cost) * scale,
        grr=float(kept) * scale,
        soft_cost=sum(b.cost for b in bends) * scale,
        nrr_nonlinear=_nonlinear_arr(problem, decision, books) * scale,
        arr=arr,
        kept=float(kept),
        expanded=float(expanded),
        load_cost=float(cost),
        pay_cost=float(books.pay.sum()),
        pay_base=float(
            sum(p * b for p, b in zip(problem.csms.presence * on_payroll, _bases(problem, decision), strict=True))
        ),
        exposure=float(books.exposure.sum()),
        replacement_cost=_replacement(problem, decision, books, on_payroll),
        moves=int(decision.moved.sum()),
        moves_forced=int((decision.moved & decision.forced).sum()),
        moves_counted=decision.moves_counted,
        account_arr=predicted.total,
        books=books,
        bends=bends,
    )


def nrr_by_draw(problem: Problem, solution: Solution) -> FloatArray:
    """NRR of a solution under every response of the problem's belief, a ratio; shape (draws,)."""
    decision = decide(problem, solution)
    needed, segment = decision.book_hours, problem.csms.segment
    values = []
    for member in problem.members:
        cost = load_cost(member.kappa[segment], needed, problem.csms.hours, decision.hours_factor)
        values.append(float(_predict(member, decision).total.sum() - cost.sum()))
    return np.array(values) / problem.arr_scale


def decide(problem: Problem, solution: Solution) -> Decision:
    """The solution in rows and columns instead of ids."""
    unknown = [a for a in solution.csm_by_account if a not in problem.account_index]
    unknown += [c for c in {*solution.csm_by_account.values(), *solution.filled} if c not in problem.csm_index]
    if unknown:
        raise CheckFailed(f"The solution names {', '.join(sorted(unknown)[:5])}, which the instance does not have.")
    owner = np.array(
        [problem.csm_index.get(solution.csm_by_account.get(a, ""), -1) for a in problem.accounts.ids], dtype=np.int64
    )
    plan = [_plan_row(problem, s, solution) for s in range(len(problem.segments))]
    filled = np.array([c in solution.filled for c in problem.csms.ids], dtype=bool)
    return Decision(problem, owner, np.array(plan, dtype=np.int64), filled & problem.csms.is_open)


def _plan_row(problem: Problem, segment: int, solution: Solution) -> int:
    name = problem.segments[segment].name
    wanted = solution.plan_by_segment.get(name)
    rows = [k for k, p in enumerate(problem.plans[segment]) if p.plan_id == wanted]
    if not rows:
        raise CheckFailed(f"The solution pays segment {name} by plan {wanted!r}, which is not on its menu.")
    return rows[0]


def current_solution(problem: Problem) -> Solution:
    """Today's plans and books; accounts without a CSM stay without."""
    owned = {a.account_id: a.csm for a in problem.account_list if a.csm}
    return Solution({s.name: problem.plans[i][0].plan_id for i, s in enumerate(problem.segments)}, owned)


def _predict(problem: Problem, decision: Decision) -> Predicted:
    """Year-end ARR of every account under the plan of its CSM's segment; with a neutral CSM where it has none."""
    kept, expanded = problem.unowned.kept.copy(), problem.unowned.expanded.copy()
    for segment, rows in decision.rows_by_plan_segment():
        result = problem.predict(problem.pairs(rows, decision.owner[rows]), segment, int(decision.plan[segment]))
        kept[rows], expanded[rows] = result.kept, result.expanded
    return Predicted(kept, expanded)


def _books(problem: Problem, decision: Decision, predicted: Predicted) -> Books:
    owner, count = decision.owner, len(problem.csms.ids)
    has = owner >= 0
    csm_segment = problem.csms.segment
    needed = decision.book_hours
    factor = decision.hours_factor
    available = problem.csms.hours
    cost = load_cost(problem.kappa[csm_segment], needed, available, factor)
    hours = needed * factor
    renewals, renewals_arr = decision.renewals_due()
    on_payroll = _on_payroll(problem, decision)
    columns = [(j, int(decision.plan[csm_segment[j]])) for j in range(count)]
    return Books(
        accounts=np.bincount(owner[has], minlength=count),
        arr=sum_by(owner[has], problem.accounts.arr[has], count),
        hours=hours,
        available=available,
        load=np.where(available > 0.0, hours / np.where(available > 0.0, available, 1.0), 0.0),
        renewals=renewals,
        renewals_arr=renewals_arr,
        arr_end=sum_by(owner[has], predicted.total[has], count) - cost,
        load_cost=cost,
        quit_chance=np.array([problem.quit_chance[csm_segment[j]][j, k] for j, k in columns]),
        pay=np.array([problem.pay_cost[csm_segment[j]][j, k] for j, k in columns]) * on_payroll,
        pay_at_book=_pay_at_book(problem, decision) * on_payroll,
        exposure=np.array([problem.exposure[csm_segment[j]][j, k] for j, k in columns]) * on_payroll,
    )


def _on_payroll(problem: Problem, decision: Decision) -> FloatArray:
    """1 for everybody who is paid in the plan year; an open position only where it is filled."""
    return np.where(problem.csms.is_open, decision.filled, True).astype(float)


def _bases(problem: Problem, decision: Decision) -> list[float]:
    return [own_base(decision.plan_of(j), c) for j, c in enumerate(problem.csm_list)]


def _pay_at_book(problem: Problem, decision: Decision) -> FloatArray:
    """Base plus expected variable when a fixed threshold is applied to the solution's own books (reported only)."""
    pay = np.zeros(len(problem.csm_list))
    for segment in range(len(problem.segments)):
        plan = problem.plans[segment][int(decision.plan[segment])]
        multiples = expected_multiples(problem, segment, (plan,), decision.owner)[:, 0]
        for j in np.flatnonzero(problem.csms.segment == segment):
            csm = problem.csm_list[j]
            pay[j] = problem.csms.presence[j] * (own_base(plan, csm) + own_variable(plan, csm) * multiples[j])
    return pay


def _replacement(problem: Problem, decision: Decision, books: Books, on_payroll: FloatArray) -> float:
    """Expected cost of replacing those who leave: outside the budget (DESIGN 3.4)."""
    ote = np.array([own_ote(decision.plan_of(j), c) for j, c in enumerate(problem.csm_list)])
    stays = on_payroll * ~problem.csms.is_leaving
    return float((books.quit_chance * ote * stays).sum() * problem.response.turnover.replacement)


def _nonlinear_arr(problem: Problem, decision: Decision, books: Books) -> float:
    """Year-end ARR with load inside the logit and overload in turnover."""
    if problem.weights:
        parts = [_nonlinear_arr(member, decision, books) for member in problem.members]
        return float(np.array(problem.weights) @ np.array(parts))
    outcome = problem.response.outcome
    quit_chance = _quit_under_load(problem, decision, books)
    total = float(problem.neutral.total[decision.owner < 0].sum())
    for segment, rows in decision.rows_by_plan_segment():
        plan = int(decision.plan[segment])
        owner = decision.owner[rows]
        pairs = problem.pairs(rows, owner)
        load = np.maximum(books.load[owner], 1e-9)
        plain = problem.shift(pairs, problem.plan_numbers(segment, np.array([plan])))
        shift = replace(
            plain,
            renew=np.asarray(plain.renew)[0] - outcome.load_renew * np.log(load),
            expand=np.asarray(plain.expand)[0] - outcome.load_expand * np.log(load),
        )
        total += float(predict(pairs, shift, quit_chance[owner]).total.sum())
    return total


def _quit_under_load(problem: Problem, decision: Decision, books: Books) -> FloatArray:
    """Quit probability of every CSM with the overload of the book counted in."""
    ote = np.array([own_ote(decision.plan_of(j), c) for j, c in enumerate(problem.csm_list)])
    variable = np.array([own_variable(decision.plan_of(j), c) for j, c in enumerate(problem.csm_list)])
    market = market_pay(problem)
    ote = np.where(ote > 0.0, ote, market)
    tenure = np.array([c.tenure_years for c in problem.csm_list])
    return quit_probability(
        ote,
        market,
        variable / ote,
        tenure,
        problem.response.turnover,
        np.maximum(books.load - 1.0, 0.0),
    )
