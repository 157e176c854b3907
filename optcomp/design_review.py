"""The design review: what the field's rules say about today's plan, people and books, before anything is decided.

Every finding is a warning with the id of the requirement that it comes from (docs/explanation/requirements). Findings
are aggregated: one for everybody concerned, with up to three names and a count.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from optcomp.errors import Finding
from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.reviews.books import review_books
from optcomp.reviews.people import review_people
from optcomp.reviews.plan import review_plans
from optcomp.reviews.sums import review_sums


def review(problem: Problem, plans: Sequence[Plan] | None = None) -> tuple[Finding, ...]:
    """Findings in a fixed order: plans, people, books, sums.

    plans : one per segment, to judge instead of today's
    """
    judged = plans or [problem.today_plan(s) for s in range(len(problem.segments))]
    return (*review_plans(problem, judged), *review_people(problem), *review_books(problem), *review_sums(problem))


def by_requirement(findings: Sequence[Finding]) -> Mapping[str, tuple[Finding, ...]]:
    """Findings grouped by the requirement that they come from, in the order of its id."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.requirement, []).append(finding)
    return {requirement: tuple(groups[requirement]) for requirement in sorted(groups, key=_natural)}


def _natural(requirement: str) -> list[tuple[int, str]]:
    """Sorts 000-8 before 000-38."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", requirement)]
