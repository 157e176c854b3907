"""Which plan applied to whom, from the rows of `history/plans` at which it changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np

from optcomp.catalog import load_mix
from optcomp.checks import CheckedTable
from optcomp.errors import Finding, InputError
from optcomp.learn.history import NO_PLAN, CsmQuarters, PlansInForce
from optcomp.plan import Mix, Plan
from optcomp.types import IntArray

# (mix, base factor, variable share or None for "as they are paid", segment): what tells one plan from another.
_Key = tuple[str, float, float | None, int]


def plans_in_force(
    table: CheckedTable, rows: CsmQuarters, csm_ids: Sequence[str], quarters: Sequence[date], segments: Sequence[str],
    *, beside: Path | None,
) -> PlansInForce:  # fmt: skip
    """Plans per segment and CSM, each carried forward until its next row.

    Raises
    ------
    InputError
        For a segment without a plan, a CSM who is not in the history, a day that begins no quarter, an unknown mix.
    """
    reader = _Reader(table, {d: k for k, d in enumerate(quarters)}, {s: k for k, s in enumerate(segments)})
    by_segment = np.full((len(segments), len(quarters)), NO_PLAN)
    own = np.full((len(csm_ids), len(quarters)), NO_PLAN)
    csm_index = {name: k for k, name in enumerate(csm_ids)}
    for index, csm in enumerate(table.values["csm_id"]):
        reader.read(index, csm, by_segment, own, csm_index)
    reader.findings += _without_plan(by_segment, quarters, segments)
    plans = reader.plans(rows, beside)
    by_segment, own = _carried(by_segment), _carried(own)
    by_csm = np.full(own.shape, NO_PLAN)
    mine = own[rows.csm, rows.quarter]
    by_csm[rows.csm, rows.quarter] = np.where(mine >= 0, mine, by_segment[rows.segment, rows.quarter])
    return PlansInForce(plans, by_segment, by_csm)


class _Reader:
    """Reads the rows into tables of plan numbers and keeps what is wrong with them."""

    def __init__(self, table: CheckedTable, quarters: dict[date, int], segments: dict[str, int]) -> None:
        self.table, self.quarters, self.segments = table, quarters, segments
        self.number: dict[_Key, int] = {}
        self.findings: list[Finding] = []

    def read(self, index: int, csm: object, by_segment: IntArray, own: IntArray, csm_index: dict[str, int]) -> None:
        """Enter the plan of a row where it begins."""
        cells = {name: column[index] for name, column in self.table.values.items()}
        quarter, row = cells["quarter"], self.segments[str(cells["segment"])]
        place = self.quarters.get(quarter) if isinstance(quarter, date) else None
        if place is None:
            self.flag("not-a-quarter", index, "quarter", f"{quarter} begins no quarter of the history")
            return
        if csm is not None and csm not in csm_index:
            self.flag("unknown-id", index, "csm_id", f"{csm!r} has no row in csm_quarters")
            return
        target, line = (by_segment, row) if csm is None else (own, csm_index[str(csm)])
        if target[line, place] != NO_PLAN:
            self.flag("duplicate-row", index, "quarter", f"A second plan from {quarter} on for the same people")
        share, factor = cells["variable_share"], cells["base_factor"]
        key = (
            str(cells["mix"]),
            float(factor) if isinstance(factor, int | float) else 1.0,
            float(share) if isinstance(share, int | float) else None,
            # A share that is stated makes the same plan in every segment.
            -1 if isinstance(share, int | float) else row,
        )
        target[line, place] = self.number.setdefault(key, len(self.number))

    def flag(self, code: str, index: int, column: str, found: str) -> None:
        """Note an error."""
        self.findings.append(self.table.finding(code, index, column, found=found))

    def plans(self, rows: CsmQuarters, beside: Path | None) -> tuple[Plan, ...]:
        """The plans by number; raises everything that was found."""
        mixes: dict[str, Mix] = {}
        for name in sorted({key[0] for key in self.number}):
            try:
                mixes[name] = load_mix(name, beside)
            except InputError as error:
                self.findings += error.findings
        if self.findings:
            raise InputError(self.findings)
        return tuple(_plan(key, mixes[key[0]], rows) for key in self.number)


def _plan(key: _Key, mix: Mix, rows: CsmQuarters) -> Plan:
    name, factor, stated, segment = key
    share = stated
    if share is None:
        there = rows.segment == segment
        pay = float((rows.base + rows.variable)[there].sum())
        share = float(rows.variable[there].sum()) / pay if pay > 0.0 else 0.0
    return Plan(f"{name} {share:.2f}" + (f" b{factor:g}" if factor != 1.0 else ""), mix, factor, share)


def _without_plan(by_segment: IntArray, quarters: Sequence[date], segments: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            "no-plan",
            f"No plan of {name} applies in the first quarter, {quarters[0]}",
            "A row for every segment from the first quarter on",
            file="history/plans",
        )
        for s, name in enumerate(segments)
        if by_segment[s, 0] == NO_PLAN
    ]


def _carried(plan: IntArray) -> IntArray:
    """Each plan carried forward over the quarters in which none begins."""
    place = np.maximum.accumulate(np.where(plan >= 0, np.arange(plan.shape[1]), 0), axis=1)
    return np.asarray(np.take_along_axis(plan, place, axis=1))
