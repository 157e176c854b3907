"""Why nothing fits: a smallest set of rules that cannot hold together, and the cheapest ways out.

Rules are dropped in groups with a name of their own ("hours of C7"), and what is left is asked whether it fits. A set
is proved when the solver shows that it does not fit and finds books that fit once any one of its groups is dropped.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np

from optcomp.decompose.pools import components
from optcomp.engine import Ending, Engine, Job, Limits
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.studies.clash import Clash, Group
from optcomp.studies.clash_rules import build_clash
from optcomp.types import BoolArray, IntArray

# One question is given up after this many seconds and counts as unanswered; there are some 20 to 60 questions.
SECONDS_A_TEST = 5.0
# Rules that are dropped first, for they say least about what to do; then the others in the order of the catalogue.
_DROP_FIRST = ("equal_chance", "renewals_due", "workload_spread", "moves", "open_positions", "exposure")
_NOBODY: tuple[IntArray, IntArray] = (np.array([], dtype=np.int64), np.array([], dtype=np.int64))
_DROP_LAST = ("hours", "locks", "budget")


class Answer(StrEnum):
    """Whether what is asked fits."""

    FITS = "fits"
    CLASHES = "clashes"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Groups of rules that cannot hold together.

    accounts, csms : rows of the problem that the groups are about (a pool, or everything)
    unproven : those of the groups of which it is not known whether the others fit without them: the clock was up
    num_others : further pools that do not fit by themselves; blocked : their accounts
    tests : questions that were asked of the solver
    """

    problem: Problem
    groups: tuple[Group, ...]
    accounts: IntArray
    csms: IntArray
    unproven: tuple[Group, ...]
    num_others: int
    blocked: IntArray
    tests: int
    seconds: float

    @property
    def is_minimal(self) -> bool:
        """Proved: the groups clash, and they fit once any one of them is dropped."""
        return not self.unproven


class Asks(Protocol):
    """Somebody who answers whether some of numbered rules can hold together."""

    def of(self, numbers: Sequence[int]) -> Answer:
        """Does everything fit when these hold and no other?"""


class Asker:
    """Asks the solver whether the rules of some groups can hold together, within a clock."""

    def __init__(self, clash: Clash, engine: Engine, deadline: float) -> None:
        self.clash, self.engine, self.deadline = clash, engine, deadline
        self.answers: dict[bytes, Answer] = {}

    def ask(self, active: BoolArray) -> Answer:
        """Does everything fit when these groups hold and no other?"""
        key = np.packbits(active).tobytes()
        if key not in self.answers:
            self.answers[key] = fits(self.engine, [self.clash], [active], self.deadline)[0]
        return self.answers[key]

    def of(self, numbers: Sequence[int]) -> Answer:
        """The same, by the numbers of the groups."""
        active = np.zeros(len(self.clash.groups), dtype=bool)
        active[list(numbers)] = True
        return self.ask(active)


def fits(engine: Engine, clashes: Sequence[Clash], active: Sequence[BoolArray], deadline: float) -> list[Answer]:
    """Answers to several questions at a time."""
    left = max(deadline - time.monotonic(), 0.0)
    limits = Limits(time_limit_seconds=min(SECONDS_A_TEST, left))
    jobs = [Job(c.program(a), limits) for c, a in zip(clashes, active, strict=True)]
    outcomes = engine.solve_many(jobs, deadline=deadline)
    return [
        Answer.FITS if o.point is not None else Answer.CLASHES if o.ending is Ending.INFEASIBLE else Answer.UNKNOWN
        for o in outcomes
    ]


def find_conflict(problem: Problem, engine: Engine, *, seconds: float = 30.0) -> Conflict | None:
    """A smallest set of groups that clash; None where nothing clashes, or none was found in time.

    The first pool that does not fit by itself is looked at; where every pool fits, everything together.
    """
    began = time.monotonic()
    deadline = began + seconds
    pools = [_NOBODY, *components(problem)]  # without anybody, only money and the design of plans are left
    clashes = [build_clash(problem, accounts, csms) for accounts, csms in pools]
    answers = fits(engine, clashes, [np.ones(len(c.groups), dtype=bool) for c in clashes], deadline)
    bad = [k for k, answer in enumerate(answers) if answer is Answer.CLASHES]
    if bad:
        (accounts, csms), clash = pools[bad[0]], clashes[bad[0]]
        others = [pools[k][0] for k in bad[1:]] if bad[0] else []
    else:
        accounts = np.arange(len(problem.accounts.ids))
        csms = np.flatnonzero(~problem.csms.is_leaving)
        clash, others = build_clash(problem, accounts, csms), []
    asker = Asker(clash, engine, deadline)
    if asker.ask(np.ones(len(clash.groups), dtype=bool)) is not Answer.CLASHES:
        return None
    chosen = _smallest(asker)
    return Conflict(
        problem,
        tuple(sorted((clash.groups[g] for g in chosen), key=_order)),
        accounts,
        csms,
        tuple(sorted((clash.groups[g] for g in unproven(asker, chosen)), key=_order)),
        len(others),
        np.concatenate(others) if others else np.array([], dtype=np.int64),
        len(asker.answers),
        time.monotonic() - began,
    )


def _smallest(asker: Asker) -> list[int]:
    """First whole rules are dropped one by one, then the groups of those that are left."""
    by_rule: dict[str, list[int]] = {}
    for number, group in enumerate(asker.clash.groups):
        by_rule.setdefault(group.rule_id, []).append(number)
    kept = sorted(by_rule, key=priority)
    for rule_id in list(kept):
        rest = [r for r in kept if r != rule_id]
        if asker.of([g for r in rest for g in by_rule[r]]) is Answer.CLASHES:
            kept = rest
    numbers = [g for r in kept for g in sorted(by_rule[r], key=lambda g: asker.clash.groups[g])]
    chosen = quick(asker, [], numbers, is_new=False) if numbers else []
    return without_spare(asker, chosen)


def quick(asker: Asks, given: list[int], numbers: list[int], *, is_new: bool) -> list[int]:
    """Those of `numbers` that clash with `given`, by halves; what is not answered counts as fitting, and stays.

    Source: Junker, QuickXplain: preferred explanations and relaxations for over-constrained problems, 2004.
    """
    if is_new and asker.of(given) is Answer.CLASHES:
        return []
    if len(numbers) == 1:
        return numbers
    half = len(numbers) // 2
    first, second = numbers[:half], numbers[half:]
    needed = quick(asker, [*given, *first], second, is_new=bool(first))
    return quick(asker, [*given, *needed], first, is_new=bool(needed)) + needed


def without_spare(asker: Asks, chosen: list[int]) -> list[int]:
    """What is left of a set that clashes once those are dropped without which the others are known to clash."""
    for number in list(chosen):
        others = [n for n in chosen if n != number]
        chosen = others if asker.of(others) is Answer.CLASHES else chosen
    return chosen


def unproven(asker: Asks, chosen: list[int]) -> list[int]:
    """Those of a set that clashes without which the others are not known to fit."""
    return [g for g in chosen if asker.of([h for h in chosen if h != g]) is not Answer.FITS]


def priority(rule_id: str) -> tuple[int, int]:
    """Sorts rules by what a set should rather do without: first those that say least about what to do."""
    ids = list(SPECS)
    if rule_id in _DROP_FIRST:
        return 0, _DROP_FIRST.index(rule_id)
    if rule_id in _DROP_LAST:
        return 2, _DROP_LAST.index(rule_id)
    return 1, -ids.index(rule_id)


def _order(group: Group) -> tuple[int, Group]:
    return list(SPECS).index(group.rule_id), group
