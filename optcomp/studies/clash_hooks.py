"""Which constraints of the user's own clash with which rules, where the rules by themselves have an answer.

What a constraint reads is not known, so a rule is dropped as a whole, and every question is the joint program with
all that is left.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.engine import Ending, Executor, Job, Limits
from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.compile import compile_model
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import Scope, whole_scope
from optcomp.hooks import Hook
from optcomp.problem import Problem
from optcomp.rules import SPECS, Rules
from optcomp.studies.conflicts import Answer, priority, quick, unproven, without_spare

_ALWAYS = "leavers"  # the one rule that cannot be switched off


@dataclass(frozen=True, slots=True)
class HookConflict:
    """Constraints of the user's own and rules that cannot hold together.

    unproven : those without which the others are not known to fit
    """

    hooks: tuple[str, ...]
    rules: tuple[str, ...]
    unproven: frozenset[str]


@dataclass
class HookAsker:
    """Asks whether some of the rules and constraints can hold together, by the joint program with no other.

    names : of the rules, then of the hooks, which the numbers of a question count
    """

    problem: Problem
    hooks: Sequence[Hook]
    rules: Sequence[str]
    engine: Executor
    deadline: float
    answers: dict[frozenset[int], Answer] = field(default_factory=dict)

    def of(self, numbers: Sequence[int]) -> Answer:
        """Does everything fit when these hold and no other?"""
        key = frozenset(numbers)
        if key not in self.answers:
            self.answers[key] = self._solve(key)
        return self.answers[key]

    def _solve(self, numbers: frozenset[int]) -> Answer:
        if time.monotonic() >= self.deadline:
            return Answer.UNKNOWN
        dropped = {r for k, r in enumerate(self.rules) if k not in numbers}
        by_id = self.problem.rules.by_id
        rules = {r: replace(rule, state="off") if r in dropped else rule for r, rule in by_id.items()}
        where = replace(self.problem, rules=Rules(self.problem.rules.pack, rules), weights=())
        hooks = tuple(h for k, h in enumerate(self.hooks, start=len(self.rules)) if k in numbers)
        everything = whole_scope(where)
        cheapest = replace(everything, plans={s: (p,) for s, p in enumerate(_cheapest(where))})
        for scope in (cheapest, everything):  # what the cheapest plans do not allow others may
            answer = self._ask(where, scope, [h.add for h in hooks])
            if answer is not Answer.CLASHES:
                return answer
        return Answer.CLASHES

    def _ask(self, problem: Problem, scope: Scope, adds: Sequence[Callable[[Frame], None]]) -> Answer:
        program = compile_model(formulate(problem, scope, Extras({}, adds)).model).program
        anything = replace(program, objective=np.zeros_like(program.objective), offset=0.0)
        left = max(self.deadline - time.monotonic(), 0.0)
        outcome = self.engine.solve(Job(anything, Limits(left)))
        if outcome.point is not None:
            return Answer.FITS
        return Answer.CLASHES if outcome.ending is Ending.INFEASIBLE else Answer.UNKNOWN


def _cheapest(problem: Problem) -> list[int]:
    """The plan row of every segment that costs least when nobody is hired."""
    paid = ~problem.csms.is_open
    rows = [table[paid & (problem.csms.segment == s)].sum(axis=0) for s, table in enumerate(problem.pay_cost)]
    return [int(cost.argmin()) for cost in rows]


def hook_conflict(problem: Problem, hooks: Sequence[Hook], engine: Executor, *, seconds: float) -> HookConflict | None:
    """A smallest set of hooks and hard rules that clash; None where nothing clashes, or it is not known in time."""
    hard = [r for r in SPECS if problem.rules[r].is_hard and r != _ALWAYS]
    rules = sorted(hard, key=priority)
    asker = HookAsker(problem, hooks, rules, engine, time.monotonic() + seconds)
    everything = list(range(len(rules) + len(hooks)))
    if asker.of(everything) is not Answer.CLASHES:
        return None
    chosen = without_spare(asker, quick(asker, [], everything, is_new=False))
    names = [*rules, *(h.name for h in hooks)]
    return HookConflict(
        tuple(names[k] for k in sorted(chosen) if k >= len(rules)),
        tuple(sorted((names[k] for k in chosen if k < len(rules)), key=list(SPECS).index)),
        frozenset(names[k] for k in unproven(asker, chosen)),
    )


def as_object(found: HookConflict, schema: str) -> dict[str, object]:
    """The conflict as plain values, as one of rules alone is."""
    own = [f"{n}: your own constraint." for n in found.hooks if n not in found.unproven]
    of_rules = [f"{r}: {_sentence(r)}." for r in found.rules if r not in found.unproven]
    open_ones = ", ".join(n for n in (*found.hooks, *found.rules) if n in found.unproven)
    doubt = [f"Perhaps not all needed, for time ran out before it was proved: {open_ones}."] if open_ones else []
    what = "Constraints of your own clash" + (" with rules" if found.rules else " with one another")
    if not found.rules and len(found.hooks) == 1:
        what = "A constraint of your own cannot hold, whatever the rules are"
    proof = (
        "time ran out before all of it was proved" if found.unproven else "without any one of these it fits (proved)"
    )
    sure = [r for r in found.rules if r not in found.unproven]
    bend = f", or let a rule bend: --set 'rules.{sure[0]}.state=\"soft\"'" if sure else ""
    return {
        "schema": schema,
        "rules": [
            {"rule": n, "scope": "", "end": "", "is_proved": n not in found.unproven}
            for n in (*found.rules, *found.hooks)
        ],
        "is_minimal": not found.unproven,
        "headline": f"{what}; {proof}.",
        "closing": f"Change the constraint in its file{bend}.",
        "sentences": [*own, *of_rules, *doubt],
        "other_conflicts": 0,
        "ways_out": [],
    }


def _sentence(rule_id: str) -> str:
    sentence = SPECS[rule_id].sentence.rstrip(".")
    return f"{sentence[0].lower()}{sentence[1:]}"
