"""The service model: how many hours a year an account needs, and how many a CSM can give (002-15..19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from optcomp.instance import Account, Csm


@dataclass(frozen=True, slots=True)
class Activity:
    """A recurring piece of service: `hours` each time, `times_per_year`; `first_year_only` for onboarding."""

    name: str
    hours: float
    times_per_year: float
    first_year_only: bool = False


@dataclass(frozen=True, slots=True)
class ServiceModel:
    """Activities by tier, and the working year.

    calendar_hours : contract hours of a full-time year; overhead : share of it that customers never see (002-17)
    onboarding_stages : values of Account.stage that count as the first year
    """

    name: str
    tiers: Mapping[str, tuple[Activity, ...]]
    calendar_hours: float
    overhead: float
    onboarding_stages: tuple[str, ...]

    def account_hours(self, account: Account, tier: str) -> float:
        """Service hours a year that the account needs: its own figure, else the sum of its tier's activities."""
        if account.hours is not None:
            return account.hours
        is_first_year = account.stage in self.onboarding_stages
        activities = [a for a in self.tiers[tier] if is_first_year or not a.first_year_only]
        return sum(a.hours * a.times_per_year for a in activities)

    def csm_hours(self, csm: Csm) -> float:
        """Hours that the CSM can give customers in a full year, before joining and leaving dates."""
        if csm.hours is not None:
            return csm.hours
        return csm.fte * self.calendar_hours * (1.0 - self.overhead)
