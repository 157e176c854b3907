"""What compensation, service and benchmark files must hold, as schemas over plain values, and the nouns they become."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from optcomp.benchmarks import Benchmarks, PayBand
from optcomp.plan import Component, Curve, Gate, MetricName, Mix, Period, Scope
from optcomp.service import Activity, ServiceModel
from optcomp.stress import Stress

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]

#: How far weights may miss 1: two weights rounded to six digits.
SUM_TOLERANCE = 1e-6


class Part(BaseModel):
    """A table of a model file: no unknown keys, no silent conversions."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class ActivityPart(Part):
    """A recurring piece of service."""

    name: str
    hours: NotNegative
    times_per_year: NotNegative
    first_year_only: bool = False


class CalendarPart(Part):
    """The working year."""

    calendar_hours: Annotated[float, Field(gt=0, le=8784)]
    overhead: Annotated[float, Field(ge=0, lt=1)]


class ServiceFile(Part):
    """A service model."""

    onboarding_stages: list[str] = ["onboarding"]
    calendar: CalendarPart
    tiers: dict[str, list[ActivityPart]]

    def problems(self) -> list[tuple[tuple[str, ...], str, str]]:
        """A tier for segments that name none."""
        if "default" in self.tiers:
            return []
        return [(("tiers",), "there is no tier 'default'", "A tier for segments that name none")]

    def build(self, name: str) -> ServiceModel:
        """The noun."""
        tiers = {tier: tuple(Activity(**a.model_dump()) for a in rows) for tier, rows in sorted(self.tiers.items())}
        stages = tuple(self.onboarding_stages)
        return ServiceModel(name, tiers, self.calendar.calendar_hours, self.calendar.overhead, stages)


class BandPart(Part):
    """A pay band."""

    base_low: Positive
    base_high: Positive
    ote_low: Positive
    ote_high: Positive


class BenchmarksFile(Part):
    """Pay benchmarks; `domain_premium` is data for reports."""

    bands: dict[str, BandPart]
    region_premium: dict[str, Positive] = {}
    domain_premium: dict[str, Positive] = {}

    def problems(self) -> list[tuple[tuple[str, ...], str, str]]:
        """Low at most high, base at most OTE."""
        wrong: list[tuple[tuple[str, ...], str, str]] = []
        for level, band in sorted(self.bands.items()):
            pairs = (
                ("base_low", "base_high"),
                ("ote_low", "ote_high"),
                ("base_low", "ote_low"),
                ("base_high", "ote_high"),
            )
            for low, high in pairs:
                small, large = getattr(band, low), getattr(band, high)
                if small > large:
                    wrong.append(
                        (("bands", level, low), f"{low} {small:,.0f} is above {high} {large:,.0f}", f"{low} <= {high}")
                    )
        return wrong

    def build(self, name: str) -> Benchmarks:
        """The noun."""
        bands = {level: PayBand(**band.model_dump()) for level, band in sorted(self.bands.items())}
        return Benchmarks(name, bands, dict(sorted(self.region_premium.items())))


class MultiplesPart(Part):
    """Multiples of mean chances."""

    churn: Positive
    expansion: Positive
    turnover: Positive


class StressFile(Part):
    """A world that differs from the predicted one."""

    multiples: MultiplesPart

    def problems(self) -> list[tuple[tuple[str, ...], str, str]]:
        """None: what is too much for an instance, its own chances say."""
        return []

    def build(self, name: str, title: str) -> Stress:
        """The noun."""
        return Stress(name, title, **self.multiples.model_dump())


class CurvePart(Part):
    """A payout curve."""

    kind: Literal["linear", "all-or-nothing"] = "linear"
    threshold: NotNegative = 0.0
    accelerator: NotNegative = 1.0
    cap: NotNegative = 2.0
    absolute: bool = False


class ComponentPart(Part):
    """A component; TEAM is always of team scope, so the scope may be left out."""

    metric: MetricName
    weight: Annotated[float, Field(gt=0, le=1)]
    scope: Scope | None = None
    period: Period = "year"
    curve: CurvePart = CurvePart()


class GatePart(Part):
    """A CSAT gate."""

    at_risk: Share
    target: Share = 0.8


class MixFile(Part):
    """What is paid for."""

    components: list[ComponentPart]
    gate: GatePart | None = None

    def problems(self) -> list[tuple[tuple[str, ...], str, str]]:
        """Weights sum to 1, no metric twice, scopes that can be."""
        wrong: list[tuple[tuple[str, ...], str, str]] = []
        total = sum(c.weight for c in self.components)
        if self.components and abs(total - 1) > SUM_TOLERANCE:
            wrong.append(
                (("components",), f"the weights sum to {total:.6g}", "Weights are shares of the variable and sum to 1")
            )
        paid = [(c.metric, c.scope or "individual") for c in self.components]
        for i, component in enumerate(self.components):
            key = ("components", str(i))
            if paid[i] in paid[:i]:
                wrong.append(((*key, "metric"), f"{component.metric} is paid twice", "Each metric once"))
            if component.metric == "TEAM" and component.scope == "individual":
                wrong.append(
                    ((*key, "scope"), "TEAM has the scope individual", "TEAM pays the segment's NRR: scope team")
                )
            if component.curve.kind == "linear" and component.curve.threshold > component.curve.cap:
                found = f"threshold {component.curve.threshold:g} is above cap {component.curve.cap:g}"
                wrong.append(((*key, "curve"), found, "threshold <= cap"))
        return wrong

    def build(self, name: str, title: str) -> Mix:
        """The noun."""
        components = tuple(
            Component(
                c.metric, c.weight, c.scope or ("team" if c.metric == "TEAM" else "individual"), c.period,
                Curve(**c.curve.model_dump()),
            )
            for c in self.components
        )  # fmt: skip
        return Mix(name, components, Gate(**self.gate.model_dump()) if self.gate else None, title)
