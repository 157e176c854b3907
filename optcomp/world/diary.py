"""The quarters of an invented company written down as a `History`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np

from optcomp.dates import add_months
from optcomp.instance import Account, Csm
from optcomp.learn.history import NO_PLAN, AccountQuarters, CsmQuarters, History, PlansInForce
from optcomp.types import AnyArray, FloatArray, IntArray
from optcomp.world.facts import account_ids, csm_ids
from optcomp.world.firm import SEGMENTS
from optcomp.world.names import INDUSTRIES, company_name
from optcomp.world.record import Results, Seen
from optcomp.world.schedule import Schedule
from optcomp.world.state import Duty, Hidden, Quarter, State


@dataclass(frozen=True, slots=True)
class Page:
    """One quarter: how it began, what people did, what happened, what was seen."""

    state: State
    work: Duty
    quarter: Quarter
    seen: Seen
    results: Results


@dataclass(frozen=True)
class Register:
    """Numbers of people and customers in the order in which they came; shape (generations, seats or slots), -1 where
    that generation never came."""

    people: IntArray
    customers: IntArray

    @cached_property
    def csm_ids(self) -> tuple[str, ...]:
        """Ids of everybody, in order."""
        return csm_ids(int(self.people.max()) + 1)

    @cached_property
    def account_ids(self) -> tuple[str, ...]:
        """Ids of all customers, in order."""
        return account_ids(int(self.customers.max()) + 1)


def register(states: Sequence[State]) -> Register:
    """Everybody who occurs in these moments, numbered by arrival."""
    return Register(_numbered(np.array([s.person for s in states])), _numbered(np.array([s.customer for s in states])))


def _numbered(generation: IntArray) -> IntArray:
    """Numbers by (quarter of arrival, place); `generation` has shape (quarters, places)."""
    number = np.full((int(generation.max()) + 1, generation.shape[1]), -1)
    count = 0
    for row in generation:
        new = np.flatnonzero(number[row, np.arange(len(row))] < 0)
        number[row[new], new] = count + np.arange(len(new))
        count += len(new)
    return number


def write_history(
    hidden: Hidden, pages: Sequence[Page], schedule: Schedule, names: Register, start: date, nouns: Nouns
) -> History:
    """The pages as one history that begins on `start`."""
    return History(
        quarters=tuple(add_months(start, 3 * q) for q in range(len(pages))),
        account_ids=names.account_ids,
        csm_ids=names.csm_ids,
        segments=SEGMENTS,
        account_quarters=_account_quarters(hidden, pages, names),
        csm_quarters=_csm_quarters(hidden, pages, names),
        plans=_plans(pages, schedule, names),
        accounts=nouns.accounts,
        csms=nouns.csms,
    )


@dataclass(frozen=True, slots=True)
class Nouns:
    """All accounts and CSMs who ever were there, in the order of their numbers."""

    accounts: tuple[Account, ...]
    csms: tuple[Csm, ...]


def everybody(hidden: Hidden, names: Register, accounts: Sequence[Account], csms: Sequence[Csm]) -> Nouns:
    """Records of all generations, from those of the places (slots and seats); new customers belong to no family."""
    generation, place = _places(names.customers)
    people, seat = _places(names.people)
    industry = hidden.firm.accounts.industry
    return Nouns(
        tuple(
            replace(
                accounts[a], account_id=name, name=company_name(number, INDUSTRIES[industry[a]]),
                parent=None if generation[number] else accounts[a].parent,
                locked=accounts[a].locked and not generation[number],
                lock_reason="" if generation[number] else accounts[a].lock_reason,
            )
            for number, (name, a) in enumerate(zip(names.account_ids, place.tolist(), strict=True))
        ),
        tuple(
            replace(
                csms[j], csm_id=name, name=f"CSM {name}",
                industries=tuple(w for w, flag in zip(INDUSTRIES, hidden.people.industries[g, j], strict=True) if flag),
            )
            for name, g, j in zip(names.csm_ids, people.tolist(), seat.tolist(), strict=True)
        ),
    )  # fmt: skip


def _places(number: IntArray) -> tuple[IntArray, IntArray]:
    """Generation and place of each number."""
    generation, place = np.nonzero(number >= 0)
    order = np.argsort(number[generation, place])
    return generation[order], place[order]


def _account_quarters(hidden: Hidden, pages: Sequence[Page], names: Register) -> AccountQuarters:
    slots = np.arange(len(hidden.firm.accounts.pool))
    account = np.concatenate([names.customers[p.state.customer, slots] for p in pages])
    quarter = np.repeat(np.arange(len(pages)), len(slots))
    order = np.lexsort((quarter, account))

    def column(parts: Sequence[AnyArray]) -> AnyArray:
        return np.asarray(np.concatenate(parts)[order])

    return AccountQuarters(
        account=account[order],
        csm=column([names.people[p.state.person[p.state.owner], p.state.owner] for p in pages]),
        quarter=quarter[order],
        segment=column([hidden.firm.accounts.segment for _ in pages]),
        arr_start=column([p.state.arr for p in pages]),
        due=column([p.quarter.due for p in pages]),
        renewed=column([p.quarter.renewed for p in pages]),
        contraction=column([p.quarter.contraction for p in pages]),
        expansion=column([p.quarter.expansion for p in pages]),
        health_start=column([p.seen.health for p in pages]),
        csat=column([p.seen.csat for p in pages]),
        took_over=column([p.state.took_over for p in pages]),
        late=column([p.seen.late for p in pages]),
    )


def _csm_quarters(hidden: Hidden, pages: Sequence[Page], names: Register) -> CsmQuarters:
    seats = np.arange(len(hidden.firm.csms.pool))
    csm = np.concatenate([names.people[p.state.person, seats] for p in pages])
    quarter = np.repeat(np.arange(len(pages)), len(seats))
    order = np.lexsort((quarter, csm))

    def column(parts: Sequence[AnyArray]) -> AnyArray:
        return np.asarray(np.concatenate(parts)[order])

    metrics = sorted({metric for p in pages for metric in p.results.attainment})
    return CsmQuarters(
        csm=csm[order],
        quarter=quarter[order],
        segment=column([hidden.firm.csms.segment for _ in pages]),
        base=column([p.work.base for p in pages]),
        variable=column([p.work.variable for p in pages]),
        market_ote=column([hidden.firm.csms.market_ote for _ in pages]),
        load=column([p.work.load for p in pages]),
        left=column([p.quarter.quits for p in pages]),
        tenure_years=column([tenure(hidden, p.state) for p in pages]),
        activities=column([p.results.activities for p in pages]),
        activities_traced=column([p.results.traced for p in pages]),
        attainment=_known({m: column([p.results.attainment[m] for p in pages]) for m in metrics}),
        payout=_known({m: column([p.results.payout[m] for p in pages]) for m in metrics}),
    )


def _known(columns: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """The columns in which anything stands: plans that were never tried paid nothing."""
    return {metric: values for metric, values in columns.items() if not np.isnan(values).all()}


def tenure(hidden: Hidden, state: State) -> FloatArray:
    """Years with the company, per seat: those of the first generation had worked before the history begins."""
    return np.where(state.person == 0, hidden.firm.csms.tenure, 0.0) + state.employed / 4.0


def _plans(pages: Sequence[Page], schedule: Schedule, names: Register) -> PlansInForce:
    by_csm = np.full((len(names.csm_ids), len(pages)), NO_PLAN)
    for q, page in enumerate(pages):
        seats = np.arange(len(page.state.person))
        by_csm[names.people[page.state.person, seats], q] = schedule.by_seat[:, q]
    return PlansInForce(schedule.plans, schedule.by_segment, by_csm)
