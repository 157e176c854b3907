"""Changes applied to an instance: a new instance, and what is doubtful or wrong about the changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from optcomp.cells import shown
from optcomp.errors import Finding, InputError
from optcomp.headers import did_you_mean
from optcomp.instance import Account, Csm, Instance
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.hours import mean_levels

# Months until somebody new gives full hours where nobody says (assumed; shipped instances use the same).
RAMP_MONTHS = 3.0


@dataclass(frozen=True, slots=True)
class Applied:
    """The instance after the changes, and the warnings about them."""

    instance: Instance
    warnings: tuple[Finding, ...]


def apply(instance: Instance, changes: Sequence[Change]) -> Applied:
    """The instance after the changes; nothing of the old one is touched.

    Raises
    ------
    InputError
        With everything that is wrong about the changes.
    """
    draft = _Draft(instance)
    for change in changes:
        _APPLIERS[change.change](draft, change)
    draft.scale_hours(changes)
    _check_families(draft, changes)
    errors = [f for f in draft.findings if f.severity == "error"]
    if errors:
        raise InputError(errors)
    result = replace(
        instance,
        accounts=tuple(a for _, a in sorted(draft.accounts.items())),
        csms=tuple(c for _, c in sorted(draft.csms.items())),
        pairs=tuple(p for p in instance.pairs if p.account_id in draft.accounts and p.csm_id in draft.csms),
    )
    return Applied(result, tuple(draft.findings))


@dataclass
class _Draft:
    """The instance on its way."""

    instance: Instance
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.accounts: dict[str, Account] = {a.account_id: a for a in self.instance.accounts}
        self.csms: dict[str, Csm] = {c.csm_id: c for c in self.instance.csms}

    def error(self, change: Change, code: str, found: str, *, allowed: str = "", column: str = "") -> None:
        self.findings.append(change.finding(code, found, allowed, column=column))

    def warn(self, change: Change, code: str, found: str, hint: str = "") -> None:
        self.findings.append(replace(change.finding(code, found, hint=hint), severity="warning"))

    def csm(self, change: Change) -> Csm | None:
        """The CSM that a change names."""
        known = self.csms.get(change.csm or "")
        if known is None:
            self._unknown(change, "csm", change.csm, self.csms)
        return known

    def account(self, change: Change) -> Account | None:
        """The account that a change names."""
        known = self.accounts.get(change.account or "")
        if known is None:
            self._unknown(change, "account", change.account, self.accounts)
        return known

    def has_segment(self, change: Change) -> bool:
        """The segment that a change names is declared."""
        names = {s.name: s for s in self.instance.segments}
        if change.segment not in names:
            self._unknown(change, "segment", change.segment, names)
        return change.segment in names

    def _unknown(self, change: Change, column: str, value: str | None, known: Mapping[str, object]) -> None:
        found = f"{shown(value)} is not known" if value else f"A change of kind {change.change} without a {column}"
        hint = did_you_mean(value, sorted(known)[:5000]) if value else ""
        what = "CSM" if column == "csm" else column
        first = ", ".join(shown(name) for name in sorted(known)[:3])
        self.findings.append(
            change.finding("unknown-id", found, f"A {what} of the instance, such as {first}", hint=hint, column=column)
        )

    def scale_hours(self, changes: Sequence[Change]) -> None:
        """Hours and pay of those who are away or work more or less, by the days of the plan year."""
        levels = mean_levels(self.instance, changes)
        for name, (hours, pay) in levels.items():
            csm = self.csms.get(name)
            if csm is None:
                continue
            if hours <= 0.0:
                rows = [c for c in changes if c.csm == name and c.change == "long-leave"]
                self.error(rows[-1], "away-all-year", f"{shown(name)} is away for the whole plan year",
                           allowed="A leave, and a join for the day of the return", column="until")  # fmt: skip
                continue
            self.csms[name] = replace(
                csm,
                hours=None if csm.hours is None else csm.hours * hours,
                fte=csm.fte * hours,
                base=csm.base * pay,
                variable=csm.variable * pay,
                market_ote=None if csm.market_ote is None else csm.market_ote * pay,
            )


# ---- one function per kind -----------------------------------------------------------------------------------------


def _leave(draft: _Draft, change: Change) -> None:
    csm = draft.csm(change)
    if csm is None:
        return
    if csm.status == "open":
        draft.error(change, "not-a-person", f"{shown(csm.csm_id)} is an open position", allowed="A CSM", column="csm")
        return
    end = change.date or draft.instance.as_of
    if csm.status == "leaving" and csm.end != end:
        draft.warn(change, "leaves-already", f"{csm.csm_id} was leaving on {csm.end} already; now on {end}")
    draft.csms[csm.csm_id] = replace(csm, status="leaving", end=end, start=None)
    locked = [a for a in draft.accounts.values() if a.csm == csm.csm_id and a.locked]
    for account in locked:
        draft.accounts[account.account_id] = replace(account, locked=False, lock_reason="")
    if locked:
        names = ", ".join(a.account_id for a in locked[:5]) + (" and more" if len(locked) > 5 else "")
        draft.warn(change, "lock-dropped", f"{names} cannot stay locked to {csm.csm_id}, who leaves")


def _join(draft: _Draft, change: Change) -> None:
    known = draft.csms.get(change.csm or "")
    start = change.date or draft.instance.as_of
    ramp = RAMP_MONTHS if change.ramp_months is None else change.ramp_months
    if known is not None and known.status == "open":
        ramp = known.ramp_months if change.ramp_months is None else change.ramp_months
        draft.csms[known.csm_id] = replace(known, status="joining", start=start, ramp_months=ramp)
    elif known is not None:
        found = f"{shown(known.csm_id)} is there already"
        draft.error(change, "duplicate-id", found, allowed="A new id, or that of an open position", column="csm")
    elif not change.csm:
        draft.error(change, "missing", "Somebody who joins has no id", allowed="A new id", column="csm")
    elif draft.has_segment(change):
        draft.csms[change.csm] = _newcomer(draft, change, start=start, ramp=ramp)


def _newcomer(draft: _Draft, change: Change, *, start: object, ramp: float) -> Csm:
    peers = [c for c in draft.csms.values() if c.segment == change.segment and c.status != "open"]
    if (change.base is None or change.variable is None) and not peers:
        draft.error(change, "missing", "Nobody in the segment whose pay could be taken", allowed="base and variable",
                    column="base")  # fmt: skip
    count = max(len(peers), 1)
    base = sum(c.base for c in peers) / count or 1.0 if change.base is None else change.base
    variable = sum(c.variable for c in peers) / count if change.variable is None else change.variable
    fte = 1.0 if change.fte is None else change.fte
    return Csm(
        csm_id=change.csm or "",
        segment=change.segment or "",
        base=round(base, 2),
        variable=round(variable, 2),
        region=change.region or "",
        languages=change.languages,
        industries=change.industries,
        level=change.level or "csm",
        tenure_years=0.0,
        fte=fte,
        status="joining",
        start=start,  # type: ignore[arg-type]
        ramp_months=ramp,
    )


def _long_leave(draft: _Draft, change: Change) -> None:
    csm = draft.csm(change)
    first = change.date or draft.instance.as_of
    if csm is not None and csm.status in ("leaving", "open"):
        found = f"{shown(csm.csm_id)} is {csm.status}"
        draft.error(change, "not-there", found, allowed="A CSM who stays or joins", column="csm")
    if change.until is None or change.until < first:
        draft.error(change, "missing", "A long leave without a last day after its first", allowed="A day in until",
                    column="until")  # fmt: skip


def _fte(draft: _Draft, change: Change) -> None:
    draft.csm(change)
    if change.fte is None:
        draft.error(change, "missing", "A change of working time without fte", allowed="A number", column="fte")


def _transfer(draft: _Draft, change: Change) -> None:
    if bool(change.csm) == bool(change.account):
        draft.error(change, "missing", "A transfer of a CSM or of an account", allowed="One of the two", column="csm")
        return
    if change.segment is None and change.region is None:
        draft.error(change, "missing", "A transfer that goes nowhere", allowed="A segment or a region",
                    column="segment")  # fmt: skip
        return
    if change.segment is not None and not draft.has_segment(change):
        return
    if change.csm:
        csm = draft.csm(change)
        if csm is not None:
            segment, region = change.segment or csm.segment, csm.region if change.region is None else change.region
            draft.csms[csm.csm_id] = replace(csm, segment=segment, region=region)
        return
    account = draft.account(change)
    if account is not None:
        segment = change.segment or account.segment
        region = account.region if change.region is None else change.region
        draft.accounts[account.account_id] = replace(account, segment=segment, region=region)


def _new_accounts(draft: _Draft, change: Change) -> None:
    segments = {s.name for s in draft.instance.segments}
    for account in change.accounts:
        if account.account_id in draft.accounts:
            found = f"{shown(account.account_id)} in {change.file} is there already"
            draft.error(change, "duplicate-id", found, allowed="New ids", column="file")
        elif account.segment not in segments:
            found = f"{shown(account.segment)} of {shown(account.account_id)} in {change.file} is not a segment"
            draft.error(change, "unknown-id", found, allowed=", ".join(sorted(segments)), column="file")
        elif account.csm is not None and account.csm not in draft.csms:
            found = f"{shown(account.csm)} of {shown(account.account_id)} in {change.file} is not a CSM"
            draft.error(change, "unknown-id", found, allowed="A CSM of the instance, or nobody", column="file")
        else:
            draft.accounts[account.account_id] = account


def _lost_account(draft: _Draft, change: Change) -> None:
    account = draft.account(change)
    if account is not None:
        del draft.accounts[account.account_id]


def _open_deal(draft: _Draft, change: Change) -> None:
    draft.account(change)


_APPLIERS: dict[str, Callable[[_Draft, Change], None]] = {
    "leave": _leave,
    "join": _join,
    "long-leave": _long_leave,
    "fte": _fte,
    "transfer": _transfer,
    "new-accounts": _new_accounts,
    "lost-account": _lost_account,
    "open-deal": _open_deal,
}


def _check_families(draft: _Draft, changes: Sequence[Change]) -> None:
    """Accounts of one parent stay in one segment."""
    touched = [c for c in changes if c.change in ("transfer", "new-accounts")]
    if not touched:
        return
    segments: dict[str, set[str]] = {}
    for account in draft.accounts.values():
        parent = account.parent or account.account_id
        segments.setdefault(parent, set()).add(account.segment)
    for parent, names in sorted(segments.items()):
        if len(names) > 1:
            found = f"The family of {shown(parent)} would lie in {' and '.join(sorted(names))}"
            draft.error(touched[-1], "mixed-family", found, allowed="One segment: transfer all of the family")
