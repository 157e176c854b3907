"""Is the target within reach, what proves that it is not, and what it would take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from optcomp.evaluate import Evaluation, decide, evaluate
from optcomp.frames import View
from optcomp.problem import Problem
from optcomp.response.outcome import logit, sigmoid
from optcomp.response.parameters import Response
from optcomp.solution import Solution
from optcomp.studies.over import TARGET
from optcomp.studies.points import Study
from optcomp.words import POINTS, is_telling, percent

# Points of NRR; nothing published gains more in a year (issue 2, SCIENCE 2.1).
PUBLISHED = 10.0
# Log-odds beyond which an expansion in every quarter is as good as certain (e^-12 = 6 in a million).
CERTAIN = 12.0
# Log-odds to which the needed shift is found; moves an expansion probability by 0.02 % of itself.
SHIFT_TOLERANCE = 1e-3
# Log-odds at which a renewal is as good as certain.
RENEWED = 40.0


@dataclass(frozen=True, slots=True)
class Goal:
    """The target and whether it can be reached.

    target, nrr, ceiling : ratios; `ceiling` is net of the prices of bent rules where any are priced, None: not proved
    is_reached : by the solution; True. False: proved out of reach. None: neither shown
    expansion_now, expansion_needed : mean probability that an account expands in a quarter, ARR-weighted, at the
        solution; needed None where not even certainty would do, both None where the target is reached
    expansion_factor : how often over, None alike
    nrr_if_all_renew : NRR of the solution if every renewal came in whole, None where the target is reached
    sentences : the same in words
    """

    target: float
    nrr: float
    ceiling: float | None
    is_reached: bool | None
    expansion_now: float | None
    expansion_needed: float | None
    expansion_factor: float | None
    nrr_if_all_renew: float | None
    sentences: tuple[str, ...]


def goal(view: View, bound: float | None) -> Goal | None:
    """The target of the instance against the solution and its proved bound; None where no target is set.

    bound : proved ceiling on NRR net of the prices of bent rules, a ratio, or None where nothing is proved
    """
    target = view.problem.instance.target_nrr
    if target is None:
        return None
    nrr = view.evaluation.nrr
    if nrr >= target:
        return Goal(target, nrr, bound, True, None, None, None, None, (_reached(view, target),))
    is_out_of_reach = bound is not None and bound < target
    now = _expansion_rate(view.problem, view)
    shift = _needed_shift(view, target)
    needed = None if shift is None else _expansion_rate(_more_expansion(view.problem, shift), view)
    factor = None if needed is None or now <= 0.0 else needed / now
    renewed = evaluate(_all_renew(view.problem), view.solution).nrr
    sentences = (
        _proof(target, nrr, bound),
        _expansion_sentence(now, needed, factor),
        _renewal_sentence(target, renewed),
        *_unheard_of(view, target),
    )
    reached = False if is_out_of_reach else None
    return Goal(target, nrr, bound, reached, now, needed, factor, renewed, sentences)


@dataclass(frozen=True, slots=True)
class _Step:
    """The best of one step of a study, as a view reads it."""

    problem: Problem
    solution: Solution
    evaluation: Evaluation
    current: Evaluation


def goals(study: Study) -> dict[float, Goal]:
    """Every target of a study that varies it against what is best and proved, by its value; empty for other studies."""
    found = {}
    for p in study.best.solved if study.key == TARGET else ():
        assert p.solution is not None
        assert p.evaluation is not None  # that is what solved means
        bound = p.bound if np.isfinite(p.bound) else None
        reached = goal(View(_Step(p.problem, p.solution, p.evaluation, study.current)), bound)
        if reached is not None:
            found[p.value] = reached
    return found


# ---- what it would take -------------------------------------------------------------------------------------------


def _needed_shift(view: View, target: float) -> float | None:
    """Log-odds by which every account's expansion must rise to reach the target; None where no rise does."""

    def missing(shift: float) -> float:
        return evaluate(_more_expansion(view.problem, shift), view.solution).nrr - target

    if missing(CERTAIN) < 0.0:
        return None
    return float(brentq(missing, 0.0, CERTAIN, xtol=SHIFT_TOLERANCE))


def _more_expansion(problem: Problem, shift: float) -> Problem:
    """The problem in which every account's log-odds of expansion are higher, the user's own predictions included."""
    raised = _raised(shift)

    def more(response: Response) -> Response:
        shifted = response.outcome.shift_expand + shift
        return replace(response, outcome=replace(response.outcome, shift_expand=shifted))

    instance = problem.instance
    accounts = tuple(replace(a, expansion=raised(a.expansion)) for a in instance.accounts)
    pairs = tuple(replace(p, expansion=raised(p.expansion)) for p in instance.pairs)
    return replace(problem, instance=replace(instance, accounts=accounts, pairs=pairs)).with_response(more)


def _raised(shift: float) -> Callable[[float | None], float | None]:
    return lambda p: None if p is None else float(sigmoid(logit(p) + shift))


def _all_renew(problem: Problem) -> Problem:
    """The problem in which every renewal comes in, and none is smaller than before."""
    instance = problem.instance
    accounts = tuple(
        replace(
            a,
            renewal_probability=None if a.renewal_probability is None else 1.0,
            contraction=None if a.contraction is None else 0.0,
        )
        for a in instance.accounts
    )
    pairs = tuple(
        replace(
            p,
            renewal_probability=None if p.renewal_probability is None else 1.0,
            contraction=None if p.contraction is None else 0.0,
        )
        for p in instance.pairs
    )

    def sure(response: Response) -> Response:
        return replace(
            response,
            base={name: replace(rates, contraction=0.0) for name, rates in response.base.items()},
            outcome=replace(response.outcome, shift_renew=response.outcome.shift_renew + RENEWED),
        )

    return replace(problem, instance=replace(instance, accounts=accounts, pairs=pairs)).with_response(sure)


def _expansion_rate(problem: Problem, view: View) -> float:
    """Mean probability that an account expands in a quarter under the solution, weighted by ARR."""
    decision = decide(problem, view.solution)
    total = 0.0
    for segment, rows in decision.rows_by_plan_segment():
        pairs = problem.pairs(rows, decision.owner[rows])
        shift = problem.shift(pairs, problem.plan_numbers(segment, decision.plan[[segment]]))
        total += float((sigmoid(pairs.expand + shift.expand) * pairs.arr).sum())
    arr = float(np.where(decision.owner >= 0, problem.accounts.arr, 0.0).sum())
    return total / arr if arr > 0.0 else 0.0


# ---- words --------------------------------------------------------------------------------------------------------


def _reached(view: View, target: float) -> str:
    return f"The solution reaches the target of {percent(target)}: it predicts {percent(view.evaluation.nrr)}."


def _proof(target: float, nrr: float, bound: float | None) -> str:
    if bound is None or not is_telling(POINTS * (bound - nrr)):
        return f"The solution misses {percent(target)}, and nothing is proved yet: give it more time."
    if bound >= target:
        return (
            f"The solution misses {percent(target)}; up to {percent(bound)} is not ruled out. Give it more time or a "
            "smaller gap."
        )
    net = " net of the prices of bent rules" if nrr > bound else ""
    return f"No plan and books within your rules can exceed {percent(bound)}{net}: proved."


def _expansion_sentence(now: float, needed: float | None, factor: float | None) -> str:
    if needed is None or factor is None:
        return "Not even an expansion of every account in every quarter would reach it with these plans and books."
    more = f"{factor:.1f} times the expansion" if factor >= 2.0 else f"{POINTS * (factor - 1.0):.0f} % more expansion"
    return (
        f"It would take {more}: accounts would have to expand with probability "
        f"{POINTS * needed:.1f} % a quarter instead of {POINTS * now:.1f} %."
    )


def _renewal_sentence(target: float, renewed: float) -> str:
    verdict = "would suffice alone" if renewed >= target else "would not suffice alone"
    return f"If every renewal came in whole, NRR would be {percent(renewed)}, which {verdict}."


def _unheard_of(view: View, target: float) -> tuple[str, ...]:
    gain = POINTS * (target - view.current.nrr)
    if gain <= PUBLISHED:
        return ()
    return (f"A gain of {gain:.1f} points in a year is beyond published experience ({PUBLISHED:g}).",)
