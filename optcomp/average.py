r"""Expected values over draws of the response: the mean of the non-linear value, not the value at the mean.

.. math:: \bar E_{ajp} = \sum_d w_d \, E_{ajp}^{(d)}

is linear in the tables, so one solve with averaged tables is the exact risk-neutral solve, and any other weights
:math:`w` give the value that a risk-averse bound needs. Rules, budgets and potentials stay at the middle of the
response: what is allowed does not depend on a draw. Source: SCIENCE 6, DESIGN 3.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from optcomp.eligibility import PairSet
from optcomp.errors import Finding, InputError
from optcomp.response.outcome import PairTable, Predicted
from optcomp.response.parameters import Response
from optcomp.types import FloatArray, IntArray

if TYPE_CHECKING:
    from optcomp.plan import Plan
    from optcomp.problem import Problem

# Plans of a segment whose values are averaged: every one is worked out under every draw, none can be pruned before.
MOST_PLANS = 120
# Draws that a solve averages over; 64 give the mean gain of a plan to about 0.1 of its posterior sd.
USUAL_DRAWS = 64
# Cells of plans × pairs worked out at a time: a dozen arrays of 4 MB.
CELLS_AT_ONCE = 500_000
# What a problem works out that does not depend on the numbers that are drawn.
_SHARED = (
    "account_list", "csm_list", "accounts", "csms", "account_index", "csm_index", "plans", "effects", "fit", "allowed",
    "today_phi", "_today_effects", "reference_segment", "today_leak",
)  # fmt: skip


def members(problem: Problem) -> Iterator[Problem]:
    """The problem under every response that is believed in, with the facts worked out once."""
    if problem.belief is None:
        return
    shared = {name: getattr(problem, name) for name in _SHARED}
    for response in problem.belief.responses:
        member = replace(problem, response=_shifted(response, problem.response), belief=None, weights=())
        # A frozen dataclass keeps its cached properties in __dict__, where they are found before they are worked out.
        member.__dict__.update(shared)
        yield member


def _shifted(response: Response, middle: Response) -> Response:
    """A draw with the log-odds that somebody laid on top of the middle response."""
    outcome = middle.outcome
    return replace(
        response,
        outcome=replace(response.outcome, shift_renew=outcome.shift_renew, shift_expand=outcome.shift_expand),
    )


def with_draws(problem: Problem, count: int | None) -> Problem:
    """The problem with the mean over so many draws as its value.

    count : None for the usual number, or for none where the menu is a grid, which needs pruning
    """
    if count is not None or problem.belief is None:
        return problem.averaged(count or 0)
    menus = [problem.instance.menu, *(s.menu for s in problem.segments if s.menu)]
    is_short = all(menu.grid is None for menu in menus) and max(map(len, problem.plans)) <= MOST_PLANS
    return problem.averaged(USUAL_DRAWS if is_short else 0)


def refuse_many(segment: str, plans: tuple[Plan, ...]) -> None:
    """No averages for a menu that only pruning makes small, for pruning holds under one response only.

    Raises
    ------
    InputError
        When there are more plans than can be worked out under every draw.
    """
    if len(plans) > MOST_PLANS:
        found = f"the menu of segment {segment} has {len(plans)} plans, and each is worked out under every draw"
        hint = "Name the mixes that matter in [menu] mixes, or solve with --draws 0"
        raise InputError(Finding("many-plans", found, f"At most {MOST_PLANS} with draws", hint, file="instance.toml"))


class Averages:
    """Averaged year-end ARR of every allowed pair under every plan, worked out when a segment is first asked for."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._tables: dict[int, tuple[FloatArray, FloatArray]] = {}

    def predict(self, pairs: PairTable, segment: int, plans: IntArray) -> Predicted:
        """Averaged prediction of pairs, shape (plans, pairs)."""
        if segment not in self._tables and len(plans) == 1 and len(pairs.account) <= len(self.problem.accounts.ids):
            return self._direct(pairs.account, pairs.csm, segment, plans)  # one solution: no table is worth it
        if segment not in self._tables:
            listed, everything = self._listed[segment], np.arange(len(self.problem.plans[segment]))
            found = self._direct(listed.account, listed.csm, segment, everything)
            self._tables[segment] = (found.kept, found.expanded)
        kept, expanded = self._tables[segment]
        place = self._listed[segment].place(pairs.account, pairs.csm)
        if (place < 0).any():
            return self._direct(pairs.account, pairs.csm, segment, plans)
        return Predicted(kept[np.ix_(plans, place)], expanded[np.ix_(plans, place)])

    @cached_property
    def _listed(self) -> list[PairSet]:
        """Pairs that a solution or today's books may hold, per segment of the CSM: columns of the tables."""
        allowed, today = self.problem.allowed, self.problem.accounts.csm
        has = np.flatnonzero(today >= 0)
        known = PairSet(np.union1d(allowed.key, has * allowed.shape[1] + today[has]), allowed.shape)
        segment = self.problem.csms.segment[known.csm]
        return [PairSet(known.key[segment == s], known.shape) for s in range(len(self.problem.segments))]

    def _direct(self, account: IntArray, csm: IntArray, segment: int, plans: IntArray) -> Predicted:
        kept, expanded = np.zeros((2, len(plans), len(account)))
        step = max(CELLS_AT_ONCE // max(len(account), 1), 1)
        for weight, member in zip(self.problem.weights, self.problem.members, strict=True):
            pairs = member.pairs(account, csm)
            for first in range(0, len(plans), step):
                block = slice(first, first + step)
                part = member.predict_many(pairs, segment, member.plan_numbers(segment, plans[block]))
                kept[block] += weight * part.kept
                expanded[block] += weight * part.expanded
        return Predicted(kept, expanded)
