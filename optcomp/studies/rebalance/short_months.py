"""Months in which a book needs more hours than there are: of who is away, learns, works less or has gone.

Books are decided by the hours of the whole year, which a month may miss: somebody has to cover then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from optcomp.studies.rebalance.rows import Row, hour_rows
from optcomp.studies.rebalance.study import Rebalanced

# Hours in a month below which nobody need be named: half a working day.
LEAST_HOURS = 4.0


@dataclass(frozen=True, slots=True)
class Short:
    """A CSM and months in a row (as 2027-05); `hours` are missing in them, at the ceiling of the hours rule."""

    csm_id: str
    first: str
    last: str
    hours: float
    why: str


def short_months(done: Rebalanced) -> tuple[Short, ...]:
    """Every run of months in which a CSM's book needs more hours than the CSM has, the most hours first."""
    rule = done.view.problem.rules["hours"]
    ceiling = max(rule["ceiling"], 1.0) if rule.is_on else 1.0
    found = [s for name, rows in _by_csm(done) for s in _runs(done, name, rows, ceiling)]
    return tuple(sorted(found, key=lambda s: (-s.hours, s.csm_id, s.first)))


def _by_csm(done: Rebalanced) -> Iterator[tuple[str, list[Row]]]:
    for name, rows in groupby(hour_rows(done), key=lambda row: str(row["csm_id"])):
        yield name, list(rows)


def _runs(done: Rebalanced, name: str, rows: Sequence[Row], ceiling: float) -> Iterator[Short]:
    missing = [_float(row["hours_needed"]) - ceiling * _float(row["hours_available"]) for row in rows]
    numbered = list(enumerate(missing))
    for is_short, run in groupby(numbered, key=lambda item: item[1] > LEAST_HOURS):
        months = [k for k, _ in run]
        if is_short:
            first, last = rows[months[0]], rows[months[-1]]
            hours = sum(missing[k] for k in months)
            is_gone = all(_float(rows[k]["hours_available"]) == 0.0 for k in months)
            yield Short(name, str(first["month"]), str(last["month"]), hours, _why(done, name, is_gone=is_gone))


def _why(done: Rebalanced, name: str, *, is_gone: bool) -> str:
    """The change that explains it, in a word."""
    problem = done.view.problem
    csm = problem.csm_list[problem.csm_index[name]]
    kinds = {c.change for c in done.prepared.changes if c.csm == name}
    if csm.status == "leaving":
        return "leaves"
    if is_gone and "long-leave" in kinds:
        return "away"
    if csm.status in ("joining", "open"):
        return "starts and learns"
    return "works less" if "fte" in kinds else "away" if "long-leave" in kinds else "full book"


def _float(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
