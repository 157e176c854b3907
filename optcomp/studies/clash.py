"""Every hard rule as rows and columns of one program without an objective, each with the group of rules that it is of.

Rows of the program say what `judge` checks; nothing is priced, so a rule that is soft or off has no rows. A plan enters
by what feasibility reads of it: pay, hours factor, quarterly renewals, and the design rules that keep it off the menu.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from optcomp.eligibility import PAIR_RULES, broken_pairs
from optcomp.engine import Program
from optcomp.problem import Problem
from optcomp.studies.clash_plans import Candidate, candidates
from optcomp.types import BoolArray, FloatArray, IntArray

BACKGROUND = -1  # rows that no group can drop: every account has one CSM who is there, every segment one plan


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """A rule and whom it is about: a CSM, a segment, a region, an account; `end` is `most` or `least` where both are.

    scope : empty for a rule about everything at once
    """

    rule_id: str
    scope: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A row `low <= values · columns <= high` in the rule's natural unit.

    step : what one unit more of the rule's own number adds to the side (hours ceiling: the CSM's hours); 0 where a rule
        has no such number
    """

    group: int
    columns: IntArray
    values: FloatArray
    low: float
    high: float
    step: float = 0.0


@dataclass
class Clash:
    """The program over some accounts that must be placed; other accounts may come to the CSMs inside.

    must : account rows; inside : rows of the CSMs whose books are held to rules, all others take whatever comes
    x_account, x_csm : account and CSM of every pair column; the columns of pairs come first
    barred_column, barred_group : columns that a group forbids, side by side
    """

    problem: Problem
    must: IntArray
    inside: IntArray
    groups: list[Group] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._index: dict[Group, int] = {}
        self._barred: list[tuple[IntArray, IntArray]] = []
        self._make_pairs()
        self._make_choices()
        bars = self._barred or [(np.array([], dtype=np.int64), np.array([], dtype=np.int64))]
        self.barred_column = np.concatenate([c for c, _ in bars])
        self.barred_group = np.concatenate([g for _, g in bars])

    # ---- columns ----------------------------------------------------------------------------------------------

    def _make_pairs(self) -> None:
        problem, there = self.problem, self.problem.csms.hours > 0.0
        is_must = np.zeros(len(problem.accounts.ids), dtype=bool)
        is_must[self.must] = True
        is_inside = np.zeros(len(problem.csms.ids), dtype=bool)
        is_inside[self.inside] = True
        may = (is_must[:, None] | is_inside[None, :]) & there[None, :]
        self.x_account, self.x_csm = (rows.astype(np.int64) for rows in np.nonzero(may))
        self._columns(len(self.x_account), is_integer=True)
        self.columns_of_account = _by_label(self.x_account, len(is_must))
        self.columns_of_csm = _by_label(self.x_csm, len(is_inside))
        for a, columns in enumerate(self.columns_of_account):
            if is_must[a] or len(columns):
                self.add(BACKGROUND, columns, np.ones(len(columns)), 1.0 if is_must[a] else 0.0, 1.0)
        for rule_id in PAIR_RULES:
            if problem.rules[rule_id].is_hard:
                self._bar_pairs(rule_id)

    def _bar_pairs(self, rule_id: str) -> None:
        broken = broken_pairs(self.problem, rule_id, self.x_account, self.x_csm)
        columns = np.flatnonzero(broken)
        who = (self.x_csm if rule_id == "leavers" else self.x_account)[columns]
        rows, first, place = np.unique(who, return_index=True, return_inverse=True)
        number = np.zeros(len(rows), dtype=np.int64)
        for k in np.argsort(first):  # groups are numbered as they are met
            number[k] = self.group(rule_id, self._pair_scope(rule_id, int(rows[k])))
        self._barred.append((columns, number[place]))

    def _pair_scope(self, rule_id: str, row: int) -> str:
        """Whom a bar is about: the CSM who leaves, or what the account of that row states."""
        if rule_id == "leavers":
            return self.problem.csms.ids[row]
        facts = self.problem.account_list[row]
        if rule_id == "forbidden_pairs":
            return facts.account_id
        values = {
            "locks": facts.csm or "",
            "eligible_segment": facts.segment,
            "eligible_region": facts.region,
            "eligible_language": facts.language,
            "eligible_skill": facts.industry,
        }
        return values[rule_id]

    def _make_choices(self) -> None:
        """Plans of every segment, and open positions."""
        problem = self.problem
        self.plans: list[list[Candidate]] = [candidates(problem, s) for s in range(len(problem.segments))]
        self.z: list[IntArray] = []
        for plans in self.plans:
            columns = self._columns(len(plans), is_integer=True)
            self.z.append(columns)
            self.add(BACKGROUND, columns, np.ones(len(columns)), 1.0, 1.0)
            barred = [(c, self.group(r)) for c, p in zip(columns, plans, strict=True) for r in p.broken]
            self._barred.append(
                (np.array([c for c, _ in barred], dtype=np.int64), np.array([g for _, g in barred], dtype=np.int64))
            )
        self.o = {int(j): int(self._columns(1, is_integer=True)[0]) for j in np.flatnonzero(problem.csms.is_open)}
        for j, column in self.o.items():
            for c in self.columns_of_csm[j]:
                self.add(BACKGROUND, [int(c), column], [1.0, -1.0], -np.inf, 0.0)

    def _columns(self, count: int, *, is_integer: bool) -> IntArray:
        first = len(self.upper)
        self.upper += [1.0] * count
        self.integer += [is_integer] * count
        return np.arange(first, first + count)

    def continuous(self, count: int) -> IntArray:
        """New columns between 0 and 1 that need not be whole."""
        return self._columns(count, is_integer=False)

    # ---- rows -------------------------------------------------------------------------------------------------

    def group(self, rule_id: str, scope: str = "", end: str = "") -> int:
        """Number of a group, made where there is none yet."""
        group = Group(rule_id, scope, end)
        if group not in self._index:
            self._index[group] = len(self.groups)
            self.groups.append(group)
        return self._index[group]

    def add(
        self,
        group: int,
        columns: Sequence[int] | IntArray,
        values: Sequence[float] | FloatArray,
        low: float,
        high: float,
        *,
        step: float = 0.0,
    ) -> None:
        """One more row."""
        line = Line(
            group, np.asarray(columns, dtype=np.int64), np.asarray(values, dtype=float), float(low), float(high), step
        )
        self.lines.append(line)

    def presence(self, csm: int) -> tuple[list[int], float]:
        """Whether a CSM is there, as columns and a constant."""
        return ([self.o[csm]], 0.0) if csm in self.o else ([], 1.0)

    # ---- programs ---------------------------------------------------------------------------------------------

    def barred(self, active: BoolArray) -> BoolArray:
        """Columns that some active group forbids."""
        barred = np.zeros(len(self.upper), dtype=bool)
        barred[self.barred_column[active[self.barred_group]]] = True
        return barred

    def program(self, active: BoolArray) -> Program:
        """The program in which only some groups hold."""
        lines = [line for line in self.lines if line.group == BACKGROUND or active[line.group]]
        return assemble(self, lines, np.flatnonzero(~self.barred(active)))


@dataclass
class Slack:
    """Further columns that bend rows: cost each, and the largest value."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)


def assemble(
    clash: Clash, lines: Iterable[Line], kept: IntArray, slack: Slack | None = None, costs: FloatArray | None = None
) -> Program:
    """Arrays of rows over the columns that are kept; slack columns are numbered after those of the clash.

    costs : of the columns of the clash, 0 where None
    """
    slack = slack or Slack()
    count = len(clash.upper)
    place = np.full(count + len(slack.cost), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    place[count:] = len(kept) + np.arange(len(slack.cost))
    columns, values, low, high = [], [], [], []
    for line in lines:
        there = place[line.columns] >= 0
        finite = [abs(side) for side in (line.low, line.high) if np.isfinite(side)]
        scale = max(1.0, *finite)
        columns.append(place[line.columns[there]])
        values.append(line.values[there] / scale)
        low.append(line.low / scale)
        high.append(line.high / scale)
    own = np.zeros(count) if costs is None else costs
    return Program(
        objective=-np.concatenate([own[kept], slack.cost]),
        offset=0.0,
        lower=np.zeros(len(kept) + len(slack.cost)),
        upper=np.concatenate([np.array(clash.upper)[kept], slack.upper]),
        integer=np.concatenate([np.array(clash.integer, dtype=bool)[kept], np.zeros(len(slack.cost), dtype=bool)]),
        row_lower=np.array(low),
        row_upper=np.array(high),
        starts=np.append(0, np.cumsum([len(c) for c in columns])).astype(np.int32),
        columns=np.concatenate([*columns, np.array([], dtype=np.int64)]).astype(np.int32),
        values=np.concatenate([*values, np.array([])]),
    )


def _by_label(label: IntArray, count: int) -> list[IntArray]:
    """Rows that carry each label 0 to count - 1, ascending."""
    order = np.argsort(label, kind="stable")
    ends = np.searchsorted(label[order], np.arange(count + 1))
    return [order[a:b] for a, b in itertools.pairwise(ends)]
