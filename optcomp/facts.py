"""The instance's facts as arrays, in the order of ids, so that the same facts in another order give the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from optcomp.dates import due_quarter, ramped_share, share_of_year
from optcomp.instance import Account, Csm, Instance
from optcomp.service import ServiceModel
from optcomp.types import AnyArray, BoolArray, FloatArray, IntArray

NOT_DUE = -1  # quarter of an account whose renewal lies outside the plan year
UNDATED = -2  # quarter of an account without a renewal date

# Share of the two quarters before the renewal that lie in the plan year, by quarter of the renewal (DESIGN 3.2).
EXPOSURE_BY_QUARTER = (0.0, 0.5, 1.0, 1.0)
# A hand-over at the start of the year counts for renewals within two quarters of it (DESIGN 3.2).
HAND_OVER_BY_QUARTER = (1.0, 1.0, 0.0, 0.0)
HAND_OVER_UNDATED = 0.5


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """Accounts, sorted by id; every array has shape (accounts,).

    segment : index of the segment; csm : index of today's CSM, or -1; quarter : 0 to 3, NOT_DUE or UNDATED
    due : share up for renewal in the plan year (1 or 0; undated accounts 12 / term)
    omega : exposure of the renewal to a new plan; hand_over : how much a move counts for the renewal
    own_* : the user's own predictions, NaN where none; health : NaN where none
    """

    ids: tuple[str, ...]
    arr: FloatArray
    segment: IntArray
    csm: IntArray
    hours: FloatArray
    quarter: IntArray
    due: FloatArray
    omega: FloatArray
    hand_over: FloatArray
    health: FloatArray
    own_renewal: FloatArray
    own_contraction: FloatArray
    own_expansion: FloatArray
    locked: BoolArray
    region: AnyArray
    language: AnyArray
    industry: AnyArray
    family: IntArray


@dataclass(frozen=True, slots=True)
class CsmFacts:
    """CSMs, sorted by id; every array has shape (csms,).

    hours : deliverable in the plan year, after dates and ramp; presence : share of the year on the payroll
    is_leaving, is_open : status; is_declared : active or joining, the head count that constants use
    """

    ids: tuple[str, ...]
    segment: IntArray
    hours: FloatArray
    presence: FloatArray
    is_leaving: BoolArray
    is_open: BoolArray
    is_declared: BoolArray
    max_accounts: FloatArray
    max_arr: FloatArray


def account_facts(
    accounts: Sequence[Account], instance: Instance, csms: Sequence[Csm], service: ServiceModel
) -> AccountFacts:
    """Arrays of the accounts, which come sorted by id like the CSMs."""
    segment_index = {s.name: i for i, s in enumerate(instance.segments)}
    tier = {s.name: s.tier for s in instance.segments}
    csm_index = {c.csm_id: i for i, c in enumerate(csms)}
    quarter = np.array([_quarter(a, instance) for a in accounts], dtype=np.int64)
    undated_due = np.array([min(1.0, 12.0 / a.term_months) for a in accounts], dtype=float)
    return AccountFacts(
        ids=tuple(a.account_id for a in accounts),
        arr=np.array([a.arr for a in accounts], dtype=float),
        segment=np.array([segment_index[a.segment] for a in accounts], dtype=np.int64),
        csm=np.array([csm_index[a.csm] if a.csm else -1 for a in accounts], dtype=np.int64),
        hours=np.array([service.account_hours(a, tier[a.segment]) for a in accounts], dtype=float),
        quarter=quarter,
        due=np.where(quarter >= 0, 1.0, np.where(quarter == UNDATED, undated_due, 0.0)),
        omega=_by_quarter(quarter, EXPOSURE_BY_QUARTER, float(np.mean(EXPOSURE_BY_QUARTER))),
        hand_over=_by_quarter(quarter, HAND_OVER_BY_QUARTER, HAND_OVER_UNDATED),
        health=_optional([a.health for a in accounts]),
        own_renewal=_optional([a.renewal_probability for a in accounts]),
        own_contraction=_optional([a.contraction for a in accounts]),
        own_expansion=_optional([a.expansion for a in accounts]),
        locked=np.array([a.locked for a in accounts], dtype=bool),
        region=_text([a.region for a in accounts]),
        language=_text([a.language for a in accounts]),
        industry=_text([a.industry for a in accounts]),
        family=_families(accounts),
    )


def csm_facts(csms: Sequence[Csm], instance: Instance, service: ServiceModel) -> CsmFacts:
    """Arrays of the CSMs, which come sorted by id."""
    segment_index = {s.name: i for i, s in enumerate(instance.segments)}
    start = instance.plan_year_start
    presence = np.array([share_of_year(_start(c), _end(c), start) for c in csms], dtype=float)
    ramped = np.array([ramped_share(_start(c), c.ramp_months, start) for c in csms], dtype=float)
    full = np.array([service.csm_hours(c) for c in csms], dtype=float)
    return CsmFacts(
        ids=tuple(c.csm_id for c in csms),
        segment=np.array([segment_index[c.segment] for c in csms], dtype=np.int64),
        # Ramp counts from the start date and presence to the end date; nobody has both in one plan year.
        hours=full * np.minimum(presence, ramped),
        presence=presence,
        is_leaving=np.array([c.status == "leaving" for c in csms], dtype=bool),
        is_open=np.array([c.status == "open" for c in csms], dtype=bool),
        is_declared=np.array([c.status in ("active", "joining") for c in csms], dtype=bool),
        max_accounts=np.array([np.inf if c.max_accounts is None else c.max_accounts for c in csms], dtype=float),
        max_arr=np.array([np.inf if c.max_arr is None else c.max_arr for c in csms], dtype=float),
    )


def _start(csm: Csm) -> date | None:
    return csm.start if csm.status in ("joining", "open") else None


def _end(csm: Csm) -> date | None:
    return csm.end if csm.status == "leaving" else None


def _quarter(account: Account, instance: Instance) -> int:
    if account.renewal_date is None:
        return UNDATED
    quarter = due_quarter(account.renewal_date, account.term_months, instance.plan_year_start)
    return NOT_DUE if quarter is None else quarter


def _by_quarter(quarter: IntArray, values: Sequence[float], undated: float) -> FloatArray:
    dated = np.asarray(values)[np.clip(quarter, 0, 3)]
    return np.where(quarter >= 0, dated, np.where(quarter == UNDATED, undated, 0.0))


def _optional(values: Sequence[float | None]) -> FloatArray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _text(values: Sequence[str]) -> AnyArray:
    return np.array(values, dtype=np.str_) if values else np.array([], dtype="<U1")


def _families(accounts: Sequence[Account]) -> IntArray:
    """Index of each account's family: accounts that share a parent, and the parent itself where it is an account."""
    root = {a.account_id: a.account_id for a in accounts}

    def find(name: str) -> str:
        while root.setdefault(name, name) != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for a in accounts:
        if a.parent:
            root[find(a.account_id)] = find(f"parent {a.parent}" if a.parent not in root else a.parent)
    number: dict[str, int] = {}
    return np.array([number.setdefault(find(a.account_id), len(number)) for a in accounts], dtype=np.int64)
