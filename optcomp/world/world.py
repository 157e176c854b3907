"""Worlds with planted truth: live through a history, look at the company as it stands, ask for the exact future."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import numpy as np

from optcomp.dates import add_months
from optcomp.instance import Account, Csm, Instance, Segment
from optcomp.learn.history import History
from optcomp.plan import Plan
from optcomp.types import FloatArray, IntArray
from optcomp.world.diary import Nouns, Page, Register, everybody, register, tenure, write_history
from optcomp.world.exact import TrueValue, true_value
from optcomp.world.facts import MENU, account_nouns, csm_nouns, segment_nouns
from optcomp.world.firm import SEGMENTS, draw_firm
from optcomp.world.record import look, look_at_health, results
from optcomp.world.schedule import TODAY_MIX, HistoryKind, Schedule, make_schedule
from optcomp.world.state import SETTLED_QUARTERS, Hidden, State, duty, play_quarter
from optcomp.world.traits import draw_customers, draw_people
from optcomp.world.truth import draw_truth

# Size → CSMs, accounts, pools (SCIENCE 4: S and M are those of its tables).
SIZES = {"S": (15, 849, 3), "M": (40, 2209, 6), "L": (200, 10_000, 12)}
PLAN_YEAR_START = date(2027, 1, 1)
# The instance shows the company on its last day before the plan year, when the history is complete.
AS_OF = PLAN_YEAR_START - timedelta(days=1)
# Share of accounts that change hands in a quarter for reasons of their own, apart from people leaving.
_SWAPS = 0.01
_BUDGET_FACTOR = 1.05


@dataclass(frozen=True)
class World:
    """A company whose truth is known; everything follows from the size and the seed."""

    name: str
    seed: int
    hidden: Hidden

    def live(self, kind: HistoryKind = "one-plan", quarters: int = 8) -> Past:
        """The company after so many quarters (1 to 24) under a schedule of plans."""
        rng = np.random.default_rng([self.seed, 3])
        schedule = make_schedule(kind, quarters, self.hidden.firm.csms.segment, len(SEGMENTS), rng)
        return self.live_under(schedule)

    def live_under(self, schedule: Schedule) -> Past:
        """The company after a schedule of one's own."""
        if not 1 <= schedule.by_seat.shape[1] <= MAX_QUARTERS:
            raise ValueError(f"A history has 1 to {MAX_QUARTERS} quarters, not {schedule.by_seat.shape[1]}.")
        rng = np.random.default_rng([self.seed, 4])
        state, pages = _first_day(self.hidden, schedule), []
        for q in range(schedule.by_seat.shape[1]):
            page, state = _live_a_quarter(self.hidden, state, schedule, q, rng)
            pages.append(page)
        return Past(self, schedule, tuple(pages), state)

    def history(self, kind: HistoryKind = "one-plan", quarters: int = 8) -> History:
        """What the company would have written down."""
        return self.live(kind, quarters).history()


# Generations that are drawn beforehand cover this long a history and a plan year.
MAX_QUARTERS = 24


def make_world(size: str, seed: int) -> World:
    """The world of a size (S, M or L) with this seed."""
    csms, accounts, pools = SIZES[size]
    return make_world_of(csms, accounts, pools, seed, name=f"world-{size}-{seed}")


def make_world_of(csms: int, accounts: int, pools: int, seed: int, *, name: str = "") -> World:
    """A world of any size."""
    rng = np.random.default_rng([seed, csms, accounts, pools, 1])
    firm = draw_firm(csms, accounts, pools, month=PLAN_YEAR_START.month, rng=rng)
    truth = draw_truth(rng)
    generations = MAX_QUARTERS // SETTLED_QUARTERS + 3
    people = draw_people(firm, generations, rng)
    customers = draw_customers(firm, people, generations, rng)
    return World(name or f"world-{csms}x{accounts}-{seed}", seed, Hidden(firm, truth, people, customers))


def _first_day(hidden: Hidden, schedule: Schedule) -> State:
    """The first day of the history; the first plan and books have been in force for long."""
    accounts, seats = hidden.firm.accounts, len(hidden.firm.csms.pool)
    state = State(
        person=np.zeros(seats, dtype=np.int64),
        employed=np.full(seats, SETTLED_QUARTERS),
        customer=np.zeros(len(accounts.pool), dtype=np.int64),
        owner=accounts.owner,
        arr=accounts.arr,
        due_in=accounts.next_renewal // 3,
        took_over=np.full(len(accounts.pool), np.nan),
        attention=np.ones((2, len(accounts.pool), 3)),
    )
    before = duty(hidden, state, state.owner, schedule.plans, schedule.by_seat[:, 0]).attention[state.owner]
    return replace(state, attention=np.stack([before, before]))


def _live_a_quarter(
    hidden: Hidden, state: State, schedule: Schedule, q: int, rng: np.random.Generator
) -> tuple[Page, State]:
    state = _swapped(hidden, state, rng) if q else state
    plan = schedule.by_seat[:, q]
    work = duty(hidden, state, state.owner, schedule.plans, plan)
    quarter, after = play_quarter(hidden, state, work, rng, mood=float(rng.normal(0.0, hidden.truth.quarter_sd)))
    seen = look(hidden, state, work, quarter, rng)
    reached = results(hidden, state, work, quarter, seen, plans=schedule.plans, plan=plan, rng=rng)
    return Page(state, work, quarter, seen, reached), after


def _swapped(hidden: Hidden, state: State, rng: np.random.Generator) -> State:
    """A few pairs of accounts of one pool change hands; not families, locked ones, and those that have just signed."""
    facts, owner, took_over = hidden.firm.accounts, state.owner.copy(), state.took_over.copy()
    free = np.flatnonzero((facts.family < 0) & ~facts.locked & (state.due_in < facts.term // 3 - 1))
    free = free[rng.random(len(free)) < _SWAPS]
    free = free[np.argsort(facts.pool[free], kind="stable")]
    for one, other in zip(free[:-1:2].tolist(), free[1::2].tolist(), strict=True):
        if (
            facts.pool[one] == facts.pool[other]
            and _speak(hidden, one, owner[other])
            and _speak(hidden, other, owner[one])
        ):
            owner[one], owner[other] = owner[other], owner[one]
            if owner[one] != owner[other]:
                took_over[one] = took_over[other] = 0.0
    return replace(state, owner=owner, took_over=took_over)


def _speak(hidden: Hidden, slot: int, seat: int) -> bool:
    return bool(hidden.firm.csms.languages[seat, hidden.firm.accounts.language[slot]])


@dataclass(frozen=True)
class Past:
    """A company with a past: its history, its present as an instance, and the truth about its future."""

    world: World
    schedule: Schedule
    pages: tuple[Page, ...]
    state: State

    def history(self) -> History:
        """What was written down, of those who were there in it."""
        names = register([page.state for page in self.pages])
        start = add_months(PLAN_YEAR_START, -3 * len(self.pages))
        return write_history(self.world.hidden, self.pages, self.schedule, names, start, self._nouns(names))

    def instance(self) -> Instance:
        """The company on the day before the plan year."""
        names = self._names
        everyone = self._nouns(names)
        accounts = [everyone.accounts[n] for n in self._account_numbers]
        csms = [everyone.csms[n] for n in self._csm_numbers]
        return Instance(
            name=self.world.name,
            as_of=AS_OF,
            plan_year_start=PLAN_YEAR_START,
            pay_budget=float(np.ceil(self._target_pay() * _BUDGET_FACTOR / 1000.0) * 1000.0),
            segments=self._segments(),
            accounts=tuple(sorted(self._today(accounts, csms), key=lambda a: a.account_id)),
            csms=tuple(sorted(self._staff(csms), key=lambda c: c.csm_id)),
            menu=MENU,
        )

    def true_nrr(self, plans: Mapping[str, Plan], owner: Mapping[str, str]) -> TrueValue:
        """Exact expected outcome of the plan year.

        plans : plan of each segment; owner : CSM id of each account id of the instance. Arrays of the answer are in
        the order of the instance's ids.
        """
        hidden, names = self.world.hidden, self._names
        seat_of = {names.csm_ids[n]: seat for seat, n in enumerate(self._csm_numbers)}
        slot_ids = [names.account_ids[n] for n in self._account_numbers]
        owners = np.array([seat_of[owner[name]] for name in slot_ids], dtype=np.int64)
        chosen = tuple(plans[s] for s in SEGMENTS if s in plans)
        index = {s: k for k, s in enumerate(s for s in SEGMENTS if s in plans)}
        plan = np.array([index[SEGMENTS[s]] for s in hidden.firm.csms.segment], dtype=np.int64)
        value = true_value(hidden, self.state, owners, chosen, plan)
        accounts, seats = np.argsort(self._account_numbers), np.argsort(self._csm_numbers)
        return replace(value, arr_end=value.arr_end[accounts], quits=value.quits[seats], loads=value.loads[seats])

    # ---- who is who -------------------------------------------------------------------------------------------

    @cached_property
    def _names(self) -> Register:
        return register([*(page.state for page in self.pages), self.state])

    def _nouns(self, names: Register) -> Nouns:
        rng = np.random.default_rng([self.world.seed, 5])
        unscored = np.full(len(self.state.owner), np.nan)
        accounts = account_nouns(self.world.hidden.firm, unscored, PLAN_YEAR_START, rng)
        return everybody(self.world.hidden, names, accounts, csm_nouns(self.world.hidden.firm))

    @cached_property
    def _account_numbers(self) -> IntArray:
        """Number of the customer in every slot today."""
        return np.asarray(self._names.customers[self.state.customer, np.arange(len(self.state.customer))])

    @cached_property
    def _csm_numbers(self) -> IntArray:
        """Number of the person in every seat today."""
        return np.asarray(self._names.people[self.state.person, np.arange(len(self.state.person))])

    # ---- the present ------------------------------------------------------------------------------------------

    def _target_pay(self) -> float:
        """Base and variable at target of everybody under today's plan of their segment, USD a year.

        A company that has changed its plan budgets for the one in force: else staying would be forbidden.
        """
        seats = self.world.hidden.firm.csms
        per_base = np.array([p.base_factor * (1.0 + p.variable_per_base) for p in self.schedule.plans])
        dearer = per_base[self.schedule.by_segment[:, -1]] / per_base[self.schedule.by_segment[:, 0]]
        return float(((seats.base + seats.variable) * dearer[seats.segment]).sum())

    def _today(self, accounts: Sequence[Account], csms: Sequence[Csm]) -> list[Account]:
        """Accounts by slot with today's ARR, owner, renewal and health."""
        state, rng = self.state, np.random.default_rng([self.world.seed, 6])
        health = look_at_health(self.world.hidden, state, rng)
        return [
            replace(
                account,
                arr=round(float(state.arr[a]), 2),
                csm=csms[state.owner[a]].csm_id,
                csm_since=self._since(a),
                health=None if np.isnan(health[a]) else float(health[a]),
                renewal_date=_renewal(account, int(state.due_in[a])),
            )
            for a, account in enumerate(accounts)
        ]

    def _since(self, slot: int) -> date | None:
        """First day of the quarter in which today's CSM took over; None where that was before the history."""
        quarters = self.state.took_over[slot]
        return None if np.isnan(quarters) else min(add_months(PLAN_YEAR_START, -3 * int(quarters)), AS_OF)

    def _staff(self, csms: Sequence[Csm]) -> list[Csm]:
        years: FloatArray = tenure(self.world.hidden, self.state)
        work = self.pages[-1].work
        return [
            replace(c, tenure_years=float(round(years[j], 2)), variable=round(float(work.variable[j]), 2))
            for j, c in enumerate(csms)
        ]

    def _segments(self) -> tuple[Segment, ...]:
        nouns = segment_nouns(TODAY_MIX, self.world.hidden.firm)
        last = {SEGMENTS[s]: self.schedule.plans[k] for s, k in enumerate(self.schedule.by_segment[:, -1])}
        return tuple(
            replace(
                s,
                today=replace(s.today, mix=last[s.name].mix.name, variable_share=last[s.name].variable_share),
            )
            for s in nouns
        )


def _renewal(account: Account, quarters: int) -> date | None:
    """The renewal date moved to the quarter in which it falls due."""
    if account.renewal_date is None:
        return None
    months = (account.renewal_date.month - 1) % 3
    return add_months(PLAN_YEAR_START, 3 * quarters + months).replace(day=account.renewal_date.day)
