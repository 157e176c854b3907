"""Books that stand at a limit: where another account, hour or dollar would not fit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optcomp.frames import View
from optcomp.instance import Segment

# A book within this share of a limit counts as standing at it: less than one usual account.
NEAR = 0.01


def books_at_limits(view: View) -> list[tuple[str, str]]:
    """CSM id and the limit, e.g. ``("E1", "14 accounts, the most for enterprise")``."""
    return [
        (view.problem.csms.ids[j], limit)
        for j in np.flatnonzero(view.decision.holds_book)
        for limit in _limits(view, int(j))
    ]


def _limits(view: View, j: int) -> Iterator[str]:
    problem, books, csm = view.problem, view.evaluation.books, view.problem.csm_list[j]
    segment = problem.segments[int(problem.csms.segment[j])]
    count, arr = int(books.accounts[j]), float(books.arr[j])
    ceiling = problem.rules["hours"]
    if ceiling.is_on and books.load[j] >= ceiling["ceiling"] * (1.0 - NEAR):
        yield f"load {books.load[j]:.2f}, the ceiling is {ceiling['ceiling']:.2f}"
    if problem.rules["account_count"].is_on:
        yield from _count_limits(segment, count)
    if problem.rules["book_arr"].is_on:
        yield from _arr_limits(segment, arr)
    if problem.rules["own_limits"].is_on:
        if csm.max_accounts is not None and count >= csm.max_accounts:
            yield f"{count} accounts, their own limit"
        if csm.max_arr is not None and arr >= csm.max_arr * (1.0 - NEAR):
            yield f"ARR {arr:,.0f}, their own limit is {csm.max_arr:,.0f}"


def _count_limits(segment: Segment, count: int) -> Iterator[str]:
    if segment.max_accounts is not None and count >= segment.max_accounts:
        yield f"{count} accounts, the most for {segment.name}"
    if segment.min_accounts is not None and count <= segment.min_accounts:
        yield f"{count} accounts, the least for {segment.name}"


def _arr_limits(segment: Segment, arr: float) -> Iterator[str]:
    if segment.max_arr is not None and arr >= segment.max_arr * (1.0 - NEAR):
        yield f"ARR {arr:,.0f}, the most for {segment.name} is {segment.max_arr:,.0f}"
    if segment.min_arr is not None and arr <= segment.min_arr * (1.0 + NEAR):
        yield f"ARR {arr:,.0f}, the least for {segment.name} is {segment.min_arr:,.0f}"
