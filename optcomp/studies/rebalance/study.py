"""The study: changes applied, locks found, the ladder climbed, and the hand-overs of the chosen rung scheduled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from optcomp.config import Rebalance
from optcomp.errors import Finding
from optcomp.frames import View
from optcomp.instance import Instance
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, OnProgress, Result, Settings
from optcomp.studies.rebalance.apply import apply
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.ladder import Ladder, climb, with_rule
from optcomp.studies.rebalance.lock_file import NamedLock, with_named_locks
from optcomp.studies.rebalance.locks import Lock, find_locks, with_locks
from optcomp.studies.rebalance.waves import Freeze, Handover, quiet_weeks, schedule, wave_dates


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user asks of a rebalance.

    is_plan_free : plans may change too
    moves : the rung to take, None for the optimum; has_ladder : False leaves the other rungs out
    slack : share of everybody's hours to keep free, taken off the hours ceiling
    locks : accounts locked by a file; locks_off : lock rules that are switched off
    """

    is_plan_free: bool = False
    moves: int | None = None
    has_ladder: bool = True
    slack: float = 0.0
    freezes: tuple[Freeze, ...] = ()
    locks_off: tuple[str, ...] = ()
    locks: tuple[NamedLock, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """The problem after the changes, before anything is decided.

    before : the instance without the changes
    """

    before: Instance
    problem: Problem
    changes: tuple[Change, ...]
    locks: tuple[Lock, ...]
    warnings: tuple[Finding, ...]
    config: Rebalance
    wishes: Wishes

    def with_warnings(self, warnings: Sequence[Finding]) -> Prepared:
        """The same with more that is doubtful, told first."""
        return replace(self, warnings=(*warnings, *self.warnings))

    @property
    def freezes(self) -> tuple[Freeze, ...]:
        """The user's freezes, and the first weeks of the plan year."""
        return (*self.wishes.freezes, *quiet_weeks(self.problem.instance, self.config.quiet_days))


@dataclass(frozen=True)
class Rebalanced:
    """A rebalance with its books.

    result : the chosen rung; its problem holds locks, limit and slack as they were solved
    """

    prepared: Prepared
    ladder: Ladder
    result: Result

    @cached_property
    def view(self) -> View:
        """The result in rows and columns; ValueError where no books were found."""
        return View(self.result)

    @cached_property
    def handovers(self) -> tuple[Handover, ...]:
        """Every account that changes hands, in the order of waves."""
        view = self.view
        owner, today = view.decision.owner, view.problem.accounts.csm
        ids, names = view.problem.accounts.ids, view.problem.csms.ids
        changed = np.flatnonzero((owner >= 0) & (owner != today))
        families = dict(zip(ids, view.problem.accounts.family.tolist(), strict=True))
        return schedule(
            view.problem.instance,
            {ids[a]: names[owner[a]] for a in changed},
            self.prepared.config,
            self.prepared.freezes,
            families,
        )

    @property
    def waves(self) -> tuple[date, ...]:
        """The day of every wave."""
        return wave_dates(self.view.problem.instance, self.prepared.config, self.prepared.freezes)


def prepare(problem: Problem, changes: Sequence[Change], config: Rebalance, wishes: Wishes | None = None) -> Prepared:
    """The problem after the changes: locked by rule, with today's plans alone unless they are free, slack taken off.

    Raises
    ------
    InputError
        With everything that is wrong about the changes.
    """
    wishes = wishes or Wishes()
    applied = apply(with_named_locks(problem.instance, wishes.locks), changes)
    instance = applied.instance if wishes.is_plan_free else _with_todays_plans(applied.instance)
    changed, released = _without_vain_locks(replace(problem, instance=instance), changes)
    instance = changed.instance
    locks = find_locks(changed, config, wishes.locks_off)
    changed = replace(changed, instance=with_locks(instance, locks))
    if wishes.slack:
        changed = with_rule(changed, "hours", ceiling=max(changed.rules["hours"]["ceiling"] - wishes.slack, 0.0))
    warnings = (*applied.warnings, *released)
    return Prepared(problem.instance, changed, tuple(changes), locks, warnings, config, wishes)


def _without_vain_locks(problem: Problem, changes: Sequence[Change]) -> tuple[Problem, list[Finding]]:
    """Locks fall, with a warning, where a transfer has made them impossible: a hard rule forbids that CSM now."""
    accounts, names = problem.account_list, problem.csms.ids
    found, vain = [], set()
    for change in (c for c in changes if c.change == "transfer"):
        rows = [
            a
            for a, account in enumerate(accounts)
            if account.locked
            and (account.csm == change.csm if change.csm else account.account_id == change.account)
            and not problem.allowed.has(a, problem.accounts.csm[a])
        ]
        vain |= {accounts[a].account_id for a in rows}
        if rows:
            ids = ", ".join(accounts[a].account_id for a in rows[:5]) + (" and more" if len(rows) > 5 else "")
            holder = names[problem.accounts.csm[rows[0]]]
            text = f"{ids} cannot stay locked to {holder}: after the transfer a hard rule forbids it"
            found.append(replace(change.finding("lock-dropped", text), severity="warning"))
    if not vain:
        return problem, found
    free = tuple(replace(a, locked=False, lock_reason="") if a.account_id in vain else a for a in accounts)
    return replace(problem, instance=replace(problem.instance, accounts=free)), found


def _with_todays_plans(instance: Instance) -> Instance:
    """Menus without anything but today's plan, which is always on them."""
    segments = tuple(replace(s, menu=None) for s in instance.segments)
    return replace(instance, menu=MenuSpec(), segments=segments)


def rebalance(
    prepared: Prepared,
    settings: Settings,
    *,
    engines: Engines | None = None,
    on_progress: OnProgress | None = None,
) -> Rebalanced:
    """Climb the ladder and take the rung that was asked for.

    Raises
    ------
    SolverError
        When the solver contradicts the evaluator, which would be a bug.
    """
    wishes = prepared.wishes
    climbed = climb(
        prepared.problem,
        settings,
        moves=wishes.moves,
        has_ladder=wishes.has_ladder,
        engines=engines,
        on_progress=on_progress,
    )
    return Rebalanced(prepared, climbed.ladder, climbed.chosen)
