"""The tables of a rebalance as rows of named cells: moves, both books of every move, hours by month, the ladder."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date, timedelta

import numpy as np

from optcomp.evaluate import current_solution, decide
from optcomp.judge import Decision
from optcomp.studies.rebalance.hours import MONTHS, month_of, monthly_hours, months
from optcomp.studies.rebalance.ladder import Ladder, Rung
from optcomp.studies.rebalance.protection import pay_protection
from optcomp.studies.rebalance.study import Rebalanced
from optcomp.studies.rebalance.waves import Handover
from optcomp.types import FloatArray
from optcomp.why import move_reasons

Row = Mapping[str, object]

POINTS = 100.0


def move_rows(done: Rebalanced) -> Iterator[Row]:
    """A row per account that changes hands, ready for a bulk update, in the order of waves.

    `gain` is USD of predicted ARR at the end of the year against today's CSM staying, with its share of load.
    """
    view = done.view
    problem, decision = view.problem, view.decision
    reasons = move_reasons(problem, decision, view.evaluation.account_arr - view.kept.account_arr)
    deals = _deals(done)
    for h in done.handovers:
        a = problem.account_index[h.account_id]
        notes, holder, until = [*h.notes], "", None
        if h.account_id in deals and h.giver:
            holder, until, note = _deal(done, h, deals[h.account_id])
            notes += [note] if note else []
        yield {
            "account_id": h.account_id,
            "from": h.giver,
            "to": h.receiver,
            "effective_date": h.effective.isoformat(),
            "wave": h.wave,
            "reason": reasons[a],
            "kind": "new" if not h.giver else "must move" if decision.forced[a] else "chosen",
            "health": h.colour,
            "arr": float(problem.accounts.arr[a]),
            "gain": float((view.arr_end - view.kept_arr)[a]),
            "deal_stays_with": holder,
            "deal_until": until,
            "note": "; ".join(notes),
        }


def rollback_rows(done: Rebalanced) -> Iterator[Row]:
    """The update that takes every move back."""
    for h in done.handovers:
        yield {"account_id": h.account_id, "from": h.receiver, "to": h.giver}


def _deals(done: Rebalanced) -> dict[str, date | None]:
    return {c.account: c.until for c in done.prepared.changes if c.change == "open-deal" and c.account}


def _deal(done: Rebalanced, handover: Handover, until: date | None) -> tuple[str, str | None, str]:
    """Who keeps an open deal and how long; a leaver keeps none."""
    giver = done.view.problem.csm_list[done.view.problem.csm_index[handover.giver or ""]]
    last = until or handover.effective + timedelta(days=done.prepared.config.deal_days)
    if giver.status == "leaving":
        return "", None, "its open deal goes over with it, for its CSM leaves"
    return giver.csm_id, max(last, handover.effective).isoformat(), ""


# ---- books ---------------------------------------------------------------------------------------------------------


def _today(done: Rebalanced) -> Decision:
    """Today's books after the changes, leavers as if they stayed."""
    return decide(done.view.staying, current_solution(done.view.staying))


def book_rows(done: Rebalanced) -> Iterator[Row]:
    """A row per move with both books, as they are today and as they will be after all moves."""
    view, today = done.view, _today(done)
    ones = np.ones(len(view.problem.accounts.ids))
    sides = {}
    for word, decision, hours in (
        ("before", today, view.staying.csms.hours),
        ("after", view.decision, view.problem.csms.hours),
    ):
        needed = decision.book_hours * decision.hours_factor
        sides[word] = {
            "accounts": decision.sum_by_csm(ones),
            "arr": decision.sum_by_csm(view.problem.accounts.arr),
            "hours": needed,
            "load": np.divide(needed, hours, out=np.zeros(len(hours)), where=hours > 0.0),
        }
    for h in done.handovers:
        row: dict[str, object] = {"account_id": h.account_id}
        for side, name in (("from", h.giver), ("to", h.receiver)):
            row[side] = name
            j = -1 if name is None else view.problem.csm_index[name]
            for what in ("accounts", "arr", "hours", "load"):
                for word in ("before", "after"):
                    value = None if j < 0 else float(sides[word][what][j])
                    row[f"{side}_{what}_{word}"] = int(value) if what == "accounts" and value is not None else value
        yield row


def protection_rows(done: Rebalanced) -> Iterator[Row]:
    """A row per CSM whose variable pay hangs on ARR that leaves their book in mid-year, with the amount."""
    amounts = pay_protection(done.view, done.handovers)
    for name, amount in zip(done.view.problem.csms.ids, amounts, strict=True):
        if amount >= 0.5:  # less than a dollar is nobody's claim
            yield {"csm_id": name, "pay_protection": float(amount)}


# ---- hours ---------------------------------------------------------------------------------------------------------


def hour_rows(done: Rebalanced) -> Iterator[Row]:
    """A row per CSM and month of the plan year: hours there, hours that the book of that month needs, and the load."""
    problem = done.view.problem
    there = monthly_hours(problem, done.prepared.changes, done.prepared.before)
    needed = needed_by_month(done)
    for j, name in enumerate(problem.csms.ids):
        for k, first in enumerate(months(problem.instance)):
            load = float(needed[j, k] / there[j, k]) if there[j, k] > 0.0 else None
            yield {
                "csm_id": name,
                "month": first.isoformat()[:7],
                "hours_available": float(there[j, k]),
                "hours_needed": float(needed[j, k]),
                "load": load,
            }


def needed_by_month(done: Rebalanced) -> FloatArray:
    """Hours of every book in every month, accounts changing hands with the month after their date; (csms, 12)."""
    view = done.view
    problem, decision = view.problem, view.decision
    needed = np.zeros((len(problem.csms.ids), MONTHS))
    has = np.flatnonzero(decision.owner >= 0)
    hours = np.zeros(len(decision.owner))
    hours[has] = problem.pairs(has, decision.owner[has]).hours
    hours *= decision.hours_factor[np.maximum(decision.owner, 0)] / MONTHS
    first = np.zeros(len(decision.owner), dtype=np.int64)
    for h in done.handovers:
        first[problem.account_index[h.account_id]] = month_of(problem.instance, h.effective)
    for a in has:
        needed[decision.owner[a], first[a] :] += hours[a]
        if first[a] and problem.accounts.csm[a] >= 0:
            needed[problem.accounts.csm[a], : first[a]] += hours[a]
    return needed


# ---- ladder --------------------------------------------------------------------------------------------------------


def ladder_rows(ladder: Ladder) -> Iterator[Row]:
    """A row per rung; money in USD of predicted ARR at the end of the year, net of the prices of bent rules."""
    for rung, each, remark in ladder.steps():
        yield {
            "moves_allowed": rung.limit,
            "moves": rung.moves if rung.value is not None else None,
            "moves_forced": rung.moves_forced if rung.value is not None else None,
            "net_arr": ladder.net_arr(rung),
            "net_arr_per_further_move": each,
            "value_pct": None if rung.value is None else f"{POINTS * rung.value:.4f}",
            "proven_ceiling_pct": f"{POINTS * rung.bound:.4f}" if math.isfinite(rung.bound) else None,
            "gap_pp": f"{rung.gap_pp:.4f}" if math.isfinite(rung.gap_pp) else None,
            "mark": _mark(ladder, rung),
            "remark": "; ".join([*([remark] if remark else []), *rung.reasons]),
        }


def _mark(ladder: Ladder, rung: Rung) -> str:
    if rung.is_infeasible:
        return "nothing fits"
    if rung.value is None:
        return "nothing found in time"
    marks = [word for word, limit in (("knee", ladder.knee), ("optimum", ladder.optimum)) if rung.limit == limit]
    return " and ".join(marks)


def lock_rows(done: Rebalanced) -> Iterator[Row]:
    """A row per account that is locked by name or that a lock rule speaks for, and what became of it; by id."""
    by_rule = {lock.account_id: lock for lock in done.prepared.locks}
    for account in done.prepared.problem.account_list:
        lock = by_rule.get(account.account_id)
        if lock is not None:
            reasons, is_kept, obstacle, by = "; ".join(lock.reasons), lock.is_kept, lock.obstacle, "rule"
        elif account.locked:
            reasons, is_kept, obstacle, by = account.lock_reason, True, "", "name"
        else:
            continue
        yield {
            "account_id": account.account_id,
            "csm_id": account.csm or "",
            "reason": reasons,
            "locked": is_kept,
            "why_not": obstacle,
            "by": by,
        }
