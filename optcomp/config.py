"""The shape of `instance.toml`: every key with its type, range and default. `config_checks` judges a file by it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from optcomp.cells import is_unprintable
from optcomp.instance import ModelNames, Segment
from optcomp.plan import GridSpec, MenuSpec, MetricName, Period, PlanSpec, Scope
from optcomp.tables import MAX_MONEY, TableName
from optcomp.tabular.dates import DATE_FORMATS, is_date_format
from optcomp.tabular.raw import Dialect

SCHEMA = "optcomp/instance/1"
# What a segment is ready for unless it says otherwise: the default of the dataclass, kept in one place.
READY_METRICS = Segment("", PlanSpec("")).ready_metrics


def _safe_name(text: str) -> str:
    """A name that can stand in a file name and a table: no path, nothing that cannot be seen."""
    if text.strip() != text or not text or text.startswith(".") or set(text) & set('/\\:*?"<>|'):
        raise ValueError("must not be empty, begin with '.', have blanks around it or hold any of / \\ : * ? \" < > |")
    if any(is_unprintable(c) for c in text) or len(text) > 80:
        raise ValueError("must have at most 80 characters, all visible")
    return text


def _date_format(text: str) -> str:
    if not is_date_format(text):
        raise ValueError(f"must be {DATE_FORMATS}")
    return text


Name = Annotated[str, AfterValidator(_safe_name)]
Share = Annotated[float, Field(ge=0, le=1)]
Money = Annotated[float, Field(ge=0, le=MAX_MONEY)]
VariableShare = Annotated[float, Field(ge=0, lt=1)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]


class _Settings(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Budget(_Settings):
    """What may be spent in the plan year."""

    pay: Annotated[float, Field(gt=0, le=MAX_MONEY)]


class Goal(_Settings):
    """What was asked for."""

    nrr: Annotated[float, Field(gt=0, le=10)] | None = None


class Models(_Settings):
    """Names of model files, or paths beside the instance."""

    response: ModelName = "priors-v0"
    service: ModelName = "tiers-2024"
    rules: ModelName = "standard"
    benchmarks: ModelName = "us-2024"


class Tables(_Settings):
    """How the tables are written, and other files than the usual ones."""

    encoding: Literal["utf-8", "utf-16", "cp1250", "cp1252", "latin-1", "iso-8859-15", "mac-roman"] = "utf-8"
    delimiter: Literal["", ",", ";", "\t", "|"] = ""
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'", "’", "\u00a0", "\u202f", "_"] = ""
    date_format: Annotated[str, AfterValidator(_date_format)] = "YYYY-MM-DD"
    accounts: str = ""
    csms: str = ""
    pairs: str = ""

    @property
    def files(self) -> dict[TableName, str]:
        """The file of each table, where one is named."""
        return {"accounts": self.accounts, "csms": self.csms, "pairs": self.pairs}

    @property
    def dialect(self) -> Dialect:
        """How cells are written."""
        return Dialect(self.encoding, self.delimiter, self.decimal, self.thousands, self.date_format)


class Grid(_Settings):
    """Weights on a grid."""

    metrics: Annotated[list[MetricName], Field(min_length=1)]
    step: Annotated[float, Field(ge=0.01, le=1)] = 0.25
    max_components: Annotated[int, Field(ge=1, le=7)] = 3
    min_weight: Share = 0.1
    max_weight: Share = 1.0
    gates: Annotated[list[Share], Field(min_length=1)] = [0.0]
    scopes: Annotated[list[Scope], Field(min_length=1)] = ["individual"]
    period: Period = "year"

    def spec(self) -> GridSpec:
        """As the program knows it."""
        gates, scopes = tuple(self.gates), tuple(self.scopes)
        limits = (self.max_components, self.min_weight, self.max_weight)
        return GridSpec(tuple(self.metrics), self.step, *limits, gates=gates, scopes=scopes, period=self.period)


class Menu(_Settings):
    """Which plans may be chosen."""

    base_factors: Annotated[list[Annotated[float, Field(gt=0, le=5)]], Field(min_length=1)] = [1.0]
    variable_shares: Annotated[list[VariableShare], Field(min_length=1)] = [0.15, 0.20]
    mixes: list[ModelName] = []
    grid: Grid | None = None

    def spec(self) -> MenuSpec:
        """As the program knows it."""
        grid = self.grid.spec() if self.grid else None
        return MenuSpec(tuple(self.base_factors), tuple(self.variable_shares), tuple(self.mixes), grid)


class Today(_Settings):
    """The pay plan in force."""

    mix: ModelName
    variable_share: VariableShare | None = None

    def spec(self) -> PlanSpec:
        """As the program knows it."""
        return PlanSpec(self.mix, self.variable_share)


class SegmentSettings(_Settings):
    """One segment."""

    today: Today
    tier: str = "default"
    title: str = ""
    menu: Menu | None = None
    owns_renewals: bool = True
    owns_expansion: bool = True
    ready_metrics: list[MetricName] | None = None
    min_accounts: Count | None = None
    max_accounts: Count | None = None
    min_arr: Money | None = None
    max_arr: Money | None = None

    def segment(self, name: str) -> Segment:
        """As the program knows it."""
        return Segment(
            name,
            today=self.today.spec(),
            tier=self.tier,
            title=self.title,
            menu=self.menu.spec() if self.menu else None,
            owns_renewals=self.owns_renewals,
            owns_expansion=self.owns_expansion,
            ready_metrics=READY_METRICS if self.ready_metrics is None else tuple(self.ready_metrics),
            min_accounts=self.min_accounts,
            max_accounts=self.max_accounts,
            min_arr=self.min_arr,
            max_arr=self.max_arr,
        )


class Rebalance(_Settings):
    """Which accounts should stay when books are rebalanced, and when accounts change hands; 0 switches a lock off."""

    lock_renewal_days: Annotated[int, Field(ge=0, le=3660)] = 60
    lock_health_below: Annotated[float, Field(ge=0, le=100)] = 40.0
    lock_moved_days: Annotated[int, Field(ge=0, le=3660)] = 90
    lock_arr_above: Money = 0.0
    waves: Annotated[int, Field(ge=1, le=52)] = 3
    wave_days: Annotated[int, Field(ge=1, le=366)] = 14
    notice_days: Annotated[int, Field(ge=0, le=366)] = 7
    quiet_days: Annotated[int, Field(ge=0, le=366)] = 28
    green_from: Annotated[float, Field(ge=0, le=100)] = 70.0
    deal_days: Annotated[int, Field(ge=0, le=3660)] = 60


class Settings(_Settings):
    """The whole of instance.toml."""

    schema_name: Annotated[Literal["optcomp/instance/1"], Field(alias="schema")]
    name: Name
    as_of: date
    plan_year_start: date
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] = "USD"
    priority: Annotated[str, Field(max_length=500)] = ""
    budget: Budget
    goal: Goal = Goal()
    models: Models = Models()
    tables: Tables = Tables()
    columns: dict[str, dict[str, str]] = {}
    menu: Menu = Menu()
    segments: Annotated[dict[Name, SegmentSettings], Field(min_length=1)]
    rules: dict[str, dict[str, Any]] = {}
    rebalance: Rebalance = Rebalance()

    @property
    def model_names(self) -> ModelNames:
        """As the program knows them."""
        models = self.models
        return ModelNames(models.response, models.service, models.rules, models.benchmarks)

    @property
    def rule_overrides(self) -> tuple[tuple[str, tuple[tuple[str, object], ...]], ...]:
        """Rules and parameters in the order of their names."""
        return tuple((rule, tuple(sorted(numbers.items()))) for rule, numbers in sorted(self.rules.items()))
