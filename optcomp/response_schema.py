"""What a response model file must hold, as a schema over its plain values, and the noun that it becomes."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from optcomp.model_schemas import SUM_TOLERANCE, NotNegative, Part, Positive, Share
from optcomp.plan import MetricName
from optcomp.response.parameters import (
    Attainment,
    BaseRates,
    Effort,
    FitFormula,
    Origin,
    Outcome,
    Response,
    Skill,
    Triple,
    Turnover,
)

Probability = Annotated[float, Field(gt=0, lt=1)]  # Has a finite logit.
LogOdds = Annotated[float, Field(ge=-20, le=20)]  # 20 is one in 500 million: beyond it the figure has another unit.


class TasksPart(Part):
    """One log-odds figure per task."""

    retain: LogOdds
    expand: LogOdds
    playbook: LogOdds

    def triple(self) -> Triple:
        """The figures in the order of the tasks."""
        return (self.retain, self.expand, self.playbook)


class IntrinsicPart(TasksPart):
    """One weight above 0 per task."""

    retain: Positive
    expand: Positive
    playbook: Positive


class LoadingPart(TasksPart):
    """One pull of 0 or more per task."""

    retain: NotNegative
    expand: NotNegative
    playbook: NotNegative


class BasePart(Part):
    """Base rates of a segment."""

    renewal: Probability
    expansion: Probability
    expansion_size: Annotated[float, Field(gt=0, le=10)]
    contraction: Share
    contraction_depth: Annotated[float, Field(gt=0, le=1)]


class EffortPart(Part):
    """The effort index."""

    base: IntrinsicPart
    pull: NotNegative
    elasticity: Share
    reference: Positive
    team_dilution: Annotated[float, Field(ge=0, le=2)]
    all_or_nothing: Share
    loading: dict[MetricName, LoadingPart]
    activity_hours: Share


class OutcomePart(Part):
    """Log-odds coefficients."""

    renew: TasksPart
    expand: TasksPart
    contract: TasksPart
    load_renew: Annotated[float, Field(ge=0, le=20)]
    load_expand: Annotated[float, Field(ge=0, le=20)]
    fit_renew: LogOdds
    fit_expand: LogOdds
    fit_reference: Share
    hand_renew: LogOdds
    hand_expand: LogOdds
    hand_fit_relief: Share
    health_renew: LogOdds
    health_expand: LogOdds
    health_reference: Annotated[float, Field(ge=0, le=100)]
    shift_renew: LogOdds = 0.0
    shift_expand: LogOdds = 0.0


class FitPart(Part):
    """The fit formula."""

    industry: Share
    language: Share
    level: Share
    neutral: Share
    level_rank: dict[str, Share]


class TurnoverPart(Part):
    """The quit hazard."""

    base_quit: Probability
    pay: LogOdds
    variable: LogOdds
    variable_reference: Share
    tenure: LogOdds
    overload: LogOdds
    replacement: NotNegative


class AttainmentPart(Part):
    """Spreads of attainment, and leaks."""

    sd: dict[MetricName, NotNegative]
    csat_mean: Share
    csat_sd: NotNegative
    leak_linear: Share
    leak_steep: Share


class SkillPart(Part):
    """One CSM's own effect."""

    renew: LogOdds = 0.0
    expand: LogOdds = 0.0


class ResponseFile(Part):
    """A response model; `hill` and `fitting` are read by fitting only."""

    base: dict[str, BasePart]
    effort: EffortPart
    outcome: OutcomePart
    fit: FitPart
    turnover: TurnoverPart
    attainment: AttainmentPart
    skill: dict[str, SkillPart] = Field(default_factory=dict)
    hill: dict[str, float | dict[MetricName, float]] = Field(default_factory=dict)
    fitting: dict[str, float] = Field(default_factory=dict)

    def problems(self) -> list[tuple[tuple[str, ...], str, str]]:
        """What single fields cannot say: (key, found, allowed)."""
        wrong: list[tuple[tuple[str, ...], str, str]] = []
        if "default" not in self.base:
            wrong.append((("base",), "there is no base.default", "Base rates for segments that are not named"))
        for name, rates in sorted(self.base.items()):
            if rates.contraction > rates.contraction_depth:
                found = f"contraction {rates.contraction:g} is above contraction_depth {rates.contraction_depth:g}"
                wrong.append((("base", name), found, "The expected loss is at most the loss of one that contracts"))
        total = self.fit.industry + self.fit.language + self.fit.level
        if abs(total - 1) > SUM_TOLERANCE:
            wrong.append((("fit",), f"the weights of industry, language and level sum to {total:g}", "They sum to 1"))
        for table, given in (("effort.loading", set(self.effort.loading)), ("attainment.sd", set(self.attainment.sd))):
            if missing := sorted(set(get_args(MetricName)) - given):
                wrong.append((tuple(table.split(".")), f"no figure for {', '.join(missing)}", "One for each metric"))
        return wrong

    def build(self, name: str, origin: Origin) -> Response:
        """The noun."""
        effort = self.effort.model_dump(exclude={"base", "loading"})
        outcome = self.outcome.model_dump(exclude={"renew", "expand", "contract"})
        tasks = {part: getattr(self.outcome, part).triple() for part in ("renew", "expand", "contract")}
        loading: dict[str, Triple] = {metric: row.triple() for metric, row in sorted(self.effort.loading.items())}
        attainment = self.attainment.model_dump(exclude={"sd"})
        return Response(
            name=name,
            origin=origin,
            base={segment: BaseRates(**rates.model_dump()) for segment, rates in sorted(self.base.items())},
            effort=Effort(base=self.effort.base.triple(), loading=loading, **effort),
            outcome=Outcome(**tasks, **outcome),
            fit=FitFormula(**self.fit.model_dump()),
            turnover=Turnover(**self.turnover.model_dump()),
            attainment=Attainment(sd={str(k): v for k, v in sorted(self.attainment.sd.items())}, **attainment),
            skill={csm: Skill(**skill.model_dump()) for csm, skill in sorted(self.skill.items())},
        )
