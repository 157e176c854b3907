"""Which groups of rules a solution breaks, by the judge alone: the oracle for conflicts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import brute_force

from optcomp.evaluate import decide, evaluate
from optcomp.judge import COMPLETE, Bend
from optcomp.problem import Problem
from optcomp.rules import SPECS, Rules
from optcomp.solution import Solution
from optcomp.studies.clash import Group
from optcomp.studies.conflicts import Conflict

DESIGN = tuple(r for r, spec in SPECS.items() if spec.stage == "plan")


def with_forbidden_plans(problem: Problem) -> Problem:
    """The problem with plans on its menu that hard design rules forbid; the rules turned soft keep them out no more."""
    by_id = {
        r: replace(rule, state="soft", price=0.0) if r in DESIGN and rule.is_hard else rule
        for r, rule in problem.rules.by_id.items()
    }
    return replace(problem, rules=Rules(problem.rules.pack, by_id))


def broken_sets(problem: Problem, conflict: Conflict) -> Iterator[frozenset[Group]]:
    """For every solution whatever, the groups of the conflict that it breaks; solutions with nobody there are none."""
    wide = with_forbidden_plans(problem)
    # Design rules bend nothing else, so the wide problem judges the others as the narrow one does.
    for solution in brute_force.every_solution(wide):
        bends = evaluate(wide, solution).bends
        hard = [b for b in bends if b.rule_id == COMPLETE or problem.rules[b.rule_id].is_hard]
        if not any(b.rule_id == COMPLETE for b in hard):
            yield frozenset(_groups(problem, solution, hard, conflict)) & set(conflict.groups)


def _groups(problem: Problem, solution: Solution, bends: Iterable[Bend], conflict: Conflict) -> Iterator[Group]:
    wide = with_forbidden_plans(problem)
    owner = decide(wide, solution).owner
    inside, must = set(conflict.csms.tolist()), set(conflict.accounts.tolist())
    for bend in bends:
        rule_id, name = bend.rule_id, bend.subject.split(" ")[0]
        if rule_id in DESIGN or rule_id in ("moves", "budget", "exposure", "open_positions"):
            yield Group(rule_id)
        elif rule_id in problem.account_index or name in problem.account_index:
            yield from _of_account(problem, rule_id, problem.account_index[name], owner, inside, must)
        elif problem.csm_index[name] in inside:
            yield from _of_csm(problem, rule_id, problem.csm_index[name], owner)


def _of_account(problem: Problem, rule_id: str, a: int, owner, inside: set[int], must: set[int]) -> Iterator[Group]:
    facts = problem.account_list[a]
    if rule_id != "families" and a not in must and int(owner[a]) not in inside:
        return  # an account of another pool with a CSM of another pool is nobody's business here
    scope = {
        "locks": facts.csm or "",
        "eligible_segment": facts.segment,
        "eligible_region": facts.region,
        "eligible_language": facts.language,
        "eligible_skill": facts.industry,
        "leavers": problem.csms.ids[int(owner[a])],
    }
    yield Group(rule_id, scope.get(rule_id, facts.account_id))


def _of_csm(problem: Problem, rule_id: str, j: int, owner) -> Iterator[Group]:
    segment = problem.segments[problem.csms.segment[j]]
    if rule_id in ("hours", "own_limits"):
        yield Group(rule_id, problem.csms.ids[j])
    elif rule_id in ("account_count", "book_arr"):
        book = owner == j
        value = float(book.sum()) if rule_id == "account_count" else float(problem.accounts.arr[book].sum())
        low = segment.min_accounts if rule_id == "account_count" else segment.min_arr
        yield Group(rule_id, segment.name, "least" if low is not None and value < low else "most")
    else:
        yield Group(rule_id, segment.name)


def disagreements(problem: Problem, conflict: Conflict) -> list[str]:
    """How the conflict is wrong, if it is: some solution breaks none of it, or dropping a group does not help."""
    broken = set(broken_sets(problem, conflict))
    wrong = ["some solution keeps every rule of the conflict"] if frozenset() in broken else []
    if conflict.is_minimal:
        wrong += [f"without {g} it does not fit either" for g in conflict.groups if frozenset({g}) not in broken]
    return wrong
