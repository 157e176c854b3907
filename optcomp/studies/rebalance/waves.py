"""When each account changes hands: in waves, green accounts first, outside freezes, not before its new CSM is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from optcomp.config import Rebalance
from optcomp.dates import add_months
from optcomp.errors import Finding, InputError
from optcomp.instance import Account, Csm, Instance

Colour = Literal["green", "yellow", "red"]
_ORDER: Mapping[Colour, int] = {"green": 0, "yellow": 1, "red": 2}
# Health below which an account is red when the lock on accounts at risk is off (assumed, as is the lock's own default).
_RED_BELOW = 40.0
AT_ONCE = 0  # the wave of accounts that cannot wait for the first one


@dataclass(frozen=True, slots=True)
class Freeze:
    """Days on which nobody is handed over, both included, and why."""

    first: date
    last: date
    why: str = "freeze"


@dataclass(frozen=True, slots=True)
class Handover:
    """One account on its way: to whom it goes and when.

    wave : 1, 2, …; 0 where it cannot wait; after the last wave where its new CSM starts later
    notes : what somebody has to know or do about it
    """

    account_id: str
    giver: str | None
    receiver: str
    wave: int
    effective: date
    colour: Colour
    notes: tuple[str, ...] = ()


def parse_freeze(text: str) -> Freeze:
    """`FROM..TO`, for example ``2027-12-15..2028-01-10``.

    Raises
    ------
    InputError
        When it is something else.
    """
    first, dots, last = text.partition("..")
    try:
        freeze = Freeze(date.fromisoformat(first.strip()), date.fromisoformat(last.strip()))
    except ValueError:
        freeze = None
    if freeze is None or not dots or freeze.last < freeze.first:
        allowed = "FROM..TO with two dates, the earlier first: 2027-12-15..2028-01-10"
        raise InputError(Finding("bad-option", f"{text[:60]!r} was found", allowed, file="--freeze"))
    return freeze


def quiet_weeks(instance: Instance, days: int) -> tuple[Freeze, ...]:
    """The first days of the plan year, and of the years before and after it."""
    if not days:
        return ()
    starts = [add_months(instance.plan_year_start, 12 * k) for k in (-1, 0, 1)]
    return tuple(Freeze(s, s + timedelta(days=days - 1), "first weeks of the year") for s in starts)


def wave_dates(instance: Instance, settings: Rebalance, freezes: Sequence[Freeze]) -> tuple[date, ...]:
    """The day of every wave: working days outside freezes, the first one after the days of notice."""
    dates: list[date] = []
    day = instance.as_of + timedelta(days=settings.notice_days)
    for _ in range(settings.waves):
        dates.append(next_open(day, freezes))
        day = dates[-1] + timedelta(days=settings.wave_days)
    return tuple(dates)


def next_open(day: date, freezes: Sequence[Freeze]) -> date:
    """The day, or the first working day after it that lies in no freeze."""
    while True:
        inside = [f.last for f in freezes if f.first <= day <= f.last]
        if inside:
            day = max(inside) + timedelta(days=1)
        elif day.weekday() >= 5:
            day += timedelta(days=1)
        else:
            return day


def colour_of(health: float | None, settings: Rebalance) -> Colour:
    """Green from a health on, red below that of accounts at risk, yellow between and where nobody scored it."""
    if health is None:
        return "yellow"
    red_below = settings.lock_health_below or _RED_BELOW
    return "green" if health >= settings.green_from else "red" if health < red_below else "yellow"


def schedule(
    instance: Instance,
    receivers: Mapping[str, str],
    settings: Rebalance,
    freezes: Sequence[Freeze],
    families: Mapping[str, int],
) -> tuple[Handover, ...]:
    """Wave and date of every account that changes hands, in the order of waves, then of ids.

    receivers : account id → its new CSM, for accounts that get another one or their first
    families : account id → number of its family; a family goes in one wave
    """
    accounts = {a.account_id: a for a in instance.accounts if a.account_id in receivers}
    clock = _Clock(instance, wave_dates(instance, settings, freezes), tuple(freezes))
    units: dict[tuple[int, str], list[Account]] = {}
    for name, account in sorted(accounts.items()):
        units.setdefault((families[name], receivers[name]), []).append(account)
    ordered = sorted(units.items(), key=lambda unit: _rank(unit[1], settings))
    handovers: list[Handover] = []
    for (_, receiver), members in ordered:
        wave = len(handovers) * settings.waves // len(accounts)
        number, day, notes = clock.place(members, receiver, wave)
        for account in members:
            colour = colour_of(account.health, settings)
            handovers.append(Handover(account.account_id, account.csm, receiver, number, day, colour, notes))
    return tuple(sorted(_numbered(handovers, settings.waves), key=lambda h: (h.wave, h.effective, h.account_id)))


def _numbered(handovers: Sequence[Handover], waves: int) -> list[Handover]:
    """Every day after the last wave becomes a wave of its own."""
    later = sorted({h.effective for h in handovers if h.wave > waves})
    return [replace(h, wave=waves + 1 + later.index(h.effective)) if h.wave > waves else h for h in handovers]


def _rank(members: Iterable[Account], settings: Rebalance) -> tuple[int, float, str]:
    """Green first, then small first, so that what is learnt in early waves comes cheap."""
    members = list(members)
    worst = max(_ORDER[colour_of(a.health, settings)] for a in members)
    return worst, sum(a.arr for a in members), members[0].account_id


class _Clock:
    """Finds the wave of accounts that may be in a hurry or have to wait."""

    def __init__(self, instance: Instance, dates: Sequence[date], freezes: Sequence[Freeze]) -> None:
        self.as_of, self.dates, self.freezes = instance.as_of, dates, freezes
        self.csms: dict[str, Csm] = {c.csm_id: c for c in instance.csms}

    def _start(self, receiver: str) -> date:
        csm = self.csms[receiver]
        start = csm.start if csm.status in ("joining", "open") else None
        return max(self.as_of, start) if start else self.as_of

    def place(self, members: Sequence[Account], receiver: str, wave: int) -> tuple[int, date, tuple[str, ...]]:
        """Wave, day and notes of a family, at first meant for a wave (from 0)."""
        start, deadlines = self._start(receiver), [self._deadline(a) for a in members]
        deadline = min((d for d in deadlines if d is not None), default=None)
        late = next((w for w in range(wave, len(self.dates)) if self.dates[w] >= start), len(self.dates))
        if deadline is None:
            if late < len(self.dates):
                return late + 1, self.dates[late], ()
            return late + 1, next_open(start, self.freezes), (f"waits for {receiver}, who starts on {start}",)
        in_time = [w for w in range(min(late + 1, len(self.dates))) if start <= self.dates[w] <= deadline]
        if in_time:
            return in_time[-1] + 1, self.dates[in_time[-1]], ()
        day = max(deadline, start)
        return AT_ONCE, day, self._hurry(members, deadline, day, receiver)

    def _deadline(self, account: Account) -> date | None:
        """First day on which nobody would look after the account."""
        if account.csm is None:
            return self.as_of
        csm = self.csms[account.csm]
        if csm.status != "leaving" or csm.end is None:
            return None
        return max(self.as_of, csm.end + timedelta(days=1))

    def _hurry(self, members: Sequence[Account], deadline: date, day: date, receiver: str) -> tuple[str, ...]:
        notes = []
        if day > deadline:
            notes.append(f"nobody looks after it from {deadline} until {receiver} starts on {day}: name a cover")
        frozen = next((f for f in self.freezes if f.first <= day <= f.last), None)
        if frozen is not None:
            cause = "its CSM leaves" if any(a.csm for a in members) else "it has no CSM"
            notes.append(f"inside a freeze ({frozen.why}), for {cause}")
        return tuple(notes)
