"""The plans of a history as the rows at which something changes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optcomp.learn.history import NO_PLAN, History

Row = tuple[str, str, str, str, str, str]


def plan_rows(history: History) -> list[Row]:
    """Rows (segment, quarter, csm_id, mix, variable_share, base_factor) that say who had which plan when."""
    return [*_of_segments(history), *_of_csms(history)]


def _of_segments(history: History) -> Iterator[Row]:
    for s, plans in enumerate(history.plans.by_segment.tolist()):
        for q, plan in enumerate(plans):
            if plan != NO_PLAN and (q == 0 or plan != plans[q - 1]):
                yield _row(history, s, q, "", plan)


def _of_csms(history: History) -> Iterator[Row]:
    """Only of those who ever had another plan than their segment."""
    rows = history.csm_quarters
    own: dict[int, int] = {}
    same = history.plans.by_segment[rows.segment, rows.quarter]
    for row in np.lexsort((rows.quarter, rows.csm)).tolist():
        csm, plan = int(rows.csm[row]), int(history.csm_plan[row])
        if plan != own.get(csm, int(same[row])):
            own[csm] = plan
            yield _row(history, int(rows.segment[row]), int(rows.quarter[row]), history.csm_ids[csm], plan)


def _row(history: History, segment: int, quarter: int, csm: str, plan: int) -> Row:
    chosen = history.plans.plans[plan]
    day = str(history.quarters[quarter])
    return history.segments[segment], day, csm, chosen.mix.name, f"{chosen.variable_share:g}", f"{chosen.base_factor:g}"
