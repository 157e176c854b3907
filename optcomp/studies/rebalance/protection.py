"""Variable pay that a CSM would lose because their book is cut while the plan year runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optcomp.dates import add_months
from optcomp.design import own_variable
from optcomp.frames import View
from optcomp.studies.rebalance.waves import Handover
from optcomp.types import FloatArray

# Components whose result is that of the person's own book; team results and activities do not shrink with it.
BOOK_METRICS = ("GRR", "EXP", "LOGO")


def pay_protection(view: View, handovers: Sequence[Handover]) -> FloatArray:
    r"""USD of variable pay at target of every CSM that hangs on ARR which leaves the book in mid-year.

    .. math:: V_j \, w_j \, \max\left(0, \frac{\sum_{out} r_a f_a - \sum_{in} r_a f_a}{R_j}\right)

    V_j   variable at target of the CSM under the plan of the solution, USD a year
    w_j   weight of components on the result of the person's own book
    r_a   ARR of an account that goes out of the book, or comes in, USD
    f_a   share of the plan year after the hand-over; 0 for one before the year begins, when targets are set anew
    R_j   ARR of the book today, USD

    Nobody who leaves is protected. Where targets follow the book at once, nothing is lost and nothing is owed.
    """
    problem = view.problem
    start = problem.instance.plan_year_start
    end = add_months(start, 12)
    arr = np.where(problem.accounts.csm >= 0, problem.accounts.arr, 0.0)
    count = len(problem.csms.ids)
    book = np.bincount(np.maximum(problem.accounts.csm, 0), arr, minlength=count) if count else np.zeros(0)
    lost = np.zeros(count)
    for handover in handovers:
        if handover.effective <= start:
            continue
        left = max((end - handover.effective).days, 0) / (end - start).days
        amount = float(problem.accounts.arr[problem.account_index[handover.account_id]]) * left
        lost[problem.csm_index[handover.receiver]] -= amount
        if handover.giver is not None:
            lost[problem.csm_index[handover.giver]] += amount
    share = np.divide(np.maximum(lost, 0.0), book, out=np.zeros(count), where=book > 0.0)
    at_book = np.array([_on_own_book(view, j) for j in range(count)])
    return np.where(problem.csms.is_leaving, 0.0, at_book * np.minimum(share, 1.0))


def _on_own_book(view: View, csm: int) -> float:
    plan = view.decision.plan_of(csm)
    weight = sum(c.weight for c in plan.mix.components if c.scope == "individual" and c.metric in BOOK_METRICS)
    return own_variable(plan, view.problem.csm_list[csm]) * weight
