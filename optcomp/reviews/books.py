"""Segments and limits: plans that meet accounts of very different size, and limits that do not fit the accounts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optcomp.errors import Finding
from optcomp.instance import Segment
from optcomp.problem import Problem
from optcomp.reviews.words import number, warn

# A threshold that is right at 50,000 a year can be perverse at 500,000 (000-11): ten times.
MOST_SPREAD = 10.0
FEWEST_TO_JUDGE_SPREAD = 5
# The ARR limit never binds when it is more than this many times what the largest allowed number of accounts is worth.
SLACK_LIMIT = 2.0


def review_books(problem: Problem) -> tuple[Finding, ...]:
    """Findings about the accounts of segments and the limits on books."""
    return (*_size_spread(problem), *_limits_against_contracts(problem))


def _size_spread(problem: Problem) -> Iterator[Finding]:
    for s, segment in enumerate(problem.segments):
        arr = problem.accounts.arr[problem.accounts.segment == s]
        if len(arr) < FEWEST_TO_JUDGE_SPREAD:
            continue
        low, high = np.quantile(arr, (0.1, 0.9))
        if high > MOST_SPREAD * low:
            found = (
                f"Segment {segment.name}: one plan for accounts from {number(low)} (10th percentile of ARR) to "
                f"{number(high)} (90th), {high / low:.0f} times as much"
            )
            hint = "Split the segment, or check thresholds at both ends"
            yield warn("size-spread", found, f"At most {MOST_SPREAD:g} times", hint, requirement="000-11")


def _limits_against_contracts(problem: Problem) -> Iterator[Finding]:
    for s, segment in enumerate(problem.segments):
        arr = problem.accounts.arr[problem.accounts.segment == s]
        if not len(arr):
            continue
        yield from _against_contract(segment, float(arr.mean()))


def _against_contract(segment: Segment, mean: float) -> Iterator[Finding]:
    """A book of the allowed number of accounts is worth something that the limits on ARR do not fit."""
    most = None if segment.max_accounts is None else segment.max_accounts * mean
    least = None if segment.min_accounts is None else segment.min_accounts * mean
    hint = "Accounts and ARR of a book are separate inputs: check both"

    def finding(found: str, allowed: str) -> Finding:
        where = f"Segment {segment.name} (mean contract {number(mean)}): "
        return warn("limits-against-contracts", where + found, allowed, hint, requirement="002-20")

    if most is not None and segment.min_arr is not None and most < segment.min_arr:
        found = f"{segment.max_accounts} accounts are worth {number(most)}, below min_arr {number(segment.min_arr)}"
        yield finding(found, "A smallest ARR that the most accounts can reach")
    if least is not None and segment.max_arr is not None and least > segment.max_arr:
        found = f"{segment.min_accounts} accounts are worth {number(least)}, above max_arr {number(segment.max_arr)}"
        yield finding(found, "A largest ARR that the fewest accounts leave room for")
    if most is not None and segment.max_arr is not None and SLACK_LIMIT * most < segment.max_arr:
        found = (
            f"{segment.max_accounts} accounts are worth {number(most)}, so max_arr {number(segment.max_arr)} is idle"
        )
        yield finding(found, f"At most {SLACK_LIMIT:g} times what the most accounts are worth")
