"""What to do with a result: adopt it, keep what there is, or run a pilot first; and what is too good to be true.

Sentences are for a head of customer success; the numbers in them come from `evaluate`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from optcomp.evaluate import Evaluation, evaluate
from optcomp.frames import Decided, View
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.uncertain import LIKELY, Uncertainty
from optcomp.words import POINTS, is_telling, percent, plural

Verdict = Literal["adopt", "keep", "pilot"]

# Gains over today below this many points of NRR are not worth the unrest of any change (issue 2; a tenth of what the
# load of one book moves).
WORTH_A_CHANGE = 0.05
# Beyond published experience (SCIENCE 2.2), points of NRR; the last one is ARR gained per extra dollar of pay, of which
# the best randomised trial found 3.80 (SCIENCE 2.1 row 14).
MOST_FROM_PLANS = 6.0
MOST_FROM_BOOKS = 4.0
MOST_PER_DOLLAR = 10.0

NOT_IDENTIFIED = (
    "What an incentive does to your people is not identified by your history: the prior decides, and predictive "
    "accuracy could not certify it."
)


class Advice(NamedTuple):
    """What to do, and why in a sentence or two."""

    verdict: Verdict
    why: str


def recommend(result: Decided, gap_pp: float | None, known: Uncertainty | None = None) -> Advice:
    """Adopt, keep or pilot.

    Keep where the gain is not worth a change and nobody has to move; a pilot where a pay plan changes and the response
    was never fitted to the team's own history, the history does not identify what a plan does, or the change is not
    likely enough to be better (SCIENCE 0.5, 6); else adopt.

    gap_pp : points of NRR that are not ruled out above the result; None where nothing is proved
    known : the result over draws of the response, where there are any
    """
    view = View(result)
    gain = POINTS * (view.evaluation.objective - view.current.objective)
    changed = [segment.name for s, segment in enumerate(view.problem.segments) if not view.plan(s).is_today]
    if gain < WORTH_A_CHANGE and _may_stay(view):
        return Advice("keep", _keep(gain, gap_pp))
    if changed and view.problem.response.origin != "fitted":
        return Advice("pilot", _pilot(view, changed, NOT_IDENTIFIED))
    if known is not None and changed and not (known.is_identified and known.is_likely_better):
        return Advice("pilot", _pilot(view, changed, _doubt(known)))
    if known is not None and not known.is_likely_better and _may_stay(view):
        return Advice("keep", f"{_doubt(known)} Keep the books that you have.")
    net = _net(view.evaluation, view.current)
    worth = f"It is worth {gain:+.2f} points of NRR{net} against today ({_moves(view)})."
    honest = "" if known is None else f" About {known.honest:+.1f} of the {known.uplift:+.1f} are likely to come true."
    return Advice("adopt", worth + honest)


def _keep(gain: float, gap_pp: float | None) -> str:
    found = f"The best that was found is worth {gain:.2f} points of NRR more than today's plans and books"
    if gap_pp is None or gap_pp > WORTH_A_CHANGE:
        left = (
            "and nothing is proved"
            if not is_telling(gap_pp)
            else f"but up to {gap_pp:.2f} points more are not ruled out"
        )
        return f"{found}, {left}. Nobody has to move: keep what you have, and give the search more time."
    return f"{found}, less than {WORTH_A_CHANGE:g}, and nobody has to move. Keep what you have."


def _may_stay(view: View) -> bool:
    """Today's plans and books break no hard rule."""
    return view.evaluation.moves_forced == 0 and not evaluate_today(view).violations


def evaluate_today(view: View) -> Evaluation:
    """Today's plans and books under the facts as they are, leavers included."""
    problem = view.problem
    if not problem.has_leavers_with_books:
        return view.current
    return evaluate(problem, Solution(today_plans(problem), view.kept_solution.csm_by_account))


def today_plans(problem: Problem) -> dict[str, str]:
    """Segment → id of today's plan."""
    return {s.name: problem.plans[i][0].plan_id for i, s in enumerate(problem.segments)}


def _doubt(known: Uncertainty) -> str:
    """Why the draws do not carry a change."""
    if not known.is_identified:
        return NOT_IDENTIFIED
    bad = f"the worst fifth of cases loses {-known.bad_case:.1f} points on average"
    asked = f"at least {percent(LIKELY, 0)} are asked for before a change"
    if known.chance >= LIKELY and known.has_doubtful_plans and known.plans_shown is not None:
        shown = percent(known.plans_shown, 0)
        return (
            f"With the same books the new plans are better than today's in about {shown} of the cases that fit your "
            f"history; {asked}."
        )
    if known.chance >= LIKELY:
        return f"It is better than today in about {percent(known.shown, 0)} of cases, but {bad}."
    return f"It is better than today in about {percent(known.shown, 0)} of the cases that fit your history; {asked}."


def _pilot(view: View, changed: list[str], reason: str) -> str:
    who = "every segment" if len(changed) == len(view.problem.segments) else " and ".join(changed)
    plan = "the new plan" if len(changed) == 1 else "the new plans"
    return (
        f"Try {plan} in {who} with part of the team for two to four quarters before you adopt "
        f"{'it' if len(changed) == 1 else 'them'}. {reason}{_books_now(view)} `optcomp pilot` designs the trial."
    )


def _books_now(view: View) -> str:
    """What can be done about the books under today's plans, while the pilot runs."""
    moves, forced = view.evaluation.moves, view.evaluation.moves_forced
    if not moves:
        return ""
    books = under_today_plans(view)
    gain = POINTS * (books.objective - view.current.objective)
    if not books.violations and gain >= WORTH_A_CHANGE:
        worth = f"{gain:+.2f} points{_net(books, view.current)}"
        return f" The new books need not wait: under today's plans they are worth {worth} ({_moves(view)})."
    if forced:
        return f" {plural(forced, 'move')} cannot wait; the other {moves - forced} can."
    verb = "belongs" if moves == 1 else "belong"
    return f" The {plural(moves, 'move')} {verb} to the new plan and can wait for it."


def under_today_plans(view: View) -> Evaluation:
    """The solution's books under today's plans."""
    return evaluate(
        view.problem, Solution(today_plans(view.problem), view.solution.csm_by_account, view.solution.filled)
    )


def _net(*sides: Evaluation) -> str:
    """Said wherever a price was taken off, for the gain in NRR stands elsewhere without it."""
    return " net of the prices of bent rules" if any(side.soft_cost for side in sides) else ""


def _moves(view: View) -> str:
    forced = view.evaluation.moves_forced
    return plural(view.evaluation.moves, "move") + (f", {forced} of them forced" if forced else "")


# ---- plausibility -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the gain over today comes from, in points of NRR.

    plans : the new plans on today's books; books : the new books under today's plans; both : together
    """

    plans: float
    books: float
    both: float


def parts(view: View) -> Parts:
    """The gain of plans alone, books alone, and both; leavers count as staying wherever their books are today's."""
    today = view.current.nrr
    total = view.problem.total_arr or 1.0
    books = under_today_plans(view)
    return Parts(
        plans=POINTS * (float(view.kept_arr.sum()) / total - today),
        books=POINTS * (books.nrr - today),
        both=POINTS * (view.evaluation.nrr - today),
    )


def alarms(view: View) -> tuple[str, ...]:
    """What lies outside published experience (SCIENCE 2.2), a sentence each."""
    return tuple(_alarms(view, parts(view)))


def _alarms(view: View, gain: Parts) -> Iterator[str]:
    outside = "outside published experience; check the response model before you act on it"
    if gain.plans > MOST_FROM_PLANS:
        yield f"The plans alone promise {gain.plans:.1f} points of NRR, above {MOST_FROM_PLANS:g}: {outside}."
    if gain.books > MOST_FROM_BOOKS:
        yield f"The books alone promise {gain.books:.1f} points of NRR, above {MOST_FROM_BOOKS:g}: {outside}."
    dollars = view.evaluation.pay_cost - view.current.pay_cost
    usd = gain.plans / POINTS * view.problem.total_arr
    if gain.plans > 0.0 and 0.0 < dollars * MOST_PER_DOLLAR < usd and any_plan_changes(view):
        times = times_above(usd / dollars, MOST_PER_DOLLAR)
        yield (
            f"The plans alone promise {times} times their extra pay in ARR, above {MOST_PER_DOLLAR:g} "
            f"(the best trial found 3.8 times in sales): {outside}."
        )


def times_above(value: float, limit: float) -> str:
    """A number above a limit, with a decimal where it would else read as the limit: ``10.4``, ``16``."""
    return f"{value:.0f}" if round(value) > limit else f"{value:.1f}"


def any_plan_changes(view: View) -> bool:
    """A segment gets another plan than today's."""
    return any(not view.plan(s).is_today for s in range(len(view.problem.segments)))


# ---- deciding jointly ---------------------------------------------------------------------------------------------


class Jointness(NamedTuple):
    """What deciding pay and books together is worth against one after the other; None where that found nothing.

    Objectives are ratios; `points` and `usd` are against the better of the two.
    """

    pay_first: float | None
    books_first: float | None
    points: float | None
    usd: float | None


def jointness(evaluation: Evaluation, pay_first: Evaluation | None, books_first: Evaluation | None) -> Jointness:
    """The value of deciding jointly, never negative: each of the two is a start of the joint solve."""
    ways = [way.objective for way in (pay_first, books_first) if way is not None]
    value = max(evaluation.objective - max(ways), 0.0) if ways else None
    return Jointness(
        pay_first=pay_first.objective if pay_first else None,
        books_first=books_first.objective if books_first else None,
        points=None if value is None else POINTS * value,
        usd=None if value is None else value * evaluation.arr,
    )
