"""The numbers of the response model: how outcomes react to pay, load, fit and hand-over.

Filled from a response model file (`models/response/`), where each number has its unit, interval, source and origin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Origin = Literal["prior", "fitted", "assumed"]
Triple = tuple[float, float, float]  # one number per task: retain, expand, playbook


@dataclass(frozen=True, slots=True)
class BaseRates:
    """What an account of a segment does under no incentive effect (phi = 0), at reference fit, health and load 1.

    renewal : P(renew) per renewal; expansion : P(expand) per quarter; expansion_size : share of ARR added by an
        expansion
    contraction : expected share of ARR lost by an account that renews; contraction_depth : share lost by one that
        contracts
    """

    renewal: float
    expansion: float
    expansion_size: float
    contraction: float
    contraction_depth: float


@dataclass(frozen=True, slots=True)
class Effort:
    """Multitask effort index (DESIGN 3.1, SCIENCE 1.4); arrays over tasks are (retain, expand, playbook).

    base : intrinsic weight b_t; pull : s0, per 10,000 USD; elasticity : eta; reference : Z_ref; team_dilution : psi
    loading : metric → how a dollar on it pulls on each task; all_or_nothing : factor on the dollars of a cliff target
    activity_hours : extra service hours, as a share, for each 1.0 of weight on key activities
    """

    base: Triple
    pull: float
    elasticity: float
    reference: float
    team_dilution: float
    all_or_nothing: float
    loading: Mapping[str, Triple]
    activity_hours: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """Log-odds coefficients of renewal, expansion and contraction (SCIENCE 1.6, 2.2).

    renew, expand, contract : per unit of phi of each task; load_* : minus the slope on log load; fit_* : per unit of
        fit;
    hand_* : of a hand-over, softened by (1 - hand_fit_relief · fit); health_* : per health point away from
        health_reference
    """

    renew: Triple
    expand: Triple
    contract: Triple
    load_renew: float
    load_expand: float
    fit_renew: float
    fit_expand: float
    fit_reference: float
    hand_renew: float
    hand_expand: float
    hand_fit_relief: float
    health_renew: float
    health_expand: float
    health_reference: float
    shift_renew: float = 0.0
    shift_expand: float = 0.0


@dataclass(frozen=True, slots=True)
class FitFormula:
    """Fit of CSM and account in [0, 1]: weighted match of industry, language, and level against complexity.

    level_rank : level → 0 to 1; neutral : the match where either side is not stated. Weights sum to 1.
    """

    industry: float
    language: float
    level: float
    neutral: float
    level_rank: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Turnover:
    """Quit hazard (SCIENCE 1.6): yearly quit probability at market pay and reference variable share, and its slopes.

    pay : minus the slope on log(OTE / market OTE); overload : per unit of load above 1 (only in the non-linear value)
    variable : per unit of variable share above variable_reference; replacement : cost as a share of OTE
    """

    base_quit: float
    pay: float
    variable: float
    variable_reference: float
    tenure: float
    overload: float
    replacement: float


@dataclass(frozen=True, slots=True)
class Attainment:
    """Expected spread of attainment (mean 1 of target) per metric, the CSAT score's mean and sd, and gaming leaks.

    leak_linear, leak_steep : share of incentive-driven expansion bookings that is lost again (steep: all-or-nothing
    target or an accelerator above 1)
    """

    sd: Mapping[str, float]
    csat_mean: float
    csat_sd: float
    leak_linear: float
    leak_steep: float


@dataclass(frozen=True, slots=True)
class Skill:
    """Log-odds by which one CSM's accounts renew and expand more than their book explains (fitted; else none)."""

    renew: float = 0.0
    expand: float = 0.0


@dataclass(frozen=True, slots=True)
class Saturating:
    """Log-odds per unit of the saturating map's features, by component; kappa : USD a year of half the effect.

    Features count from today's plan of the account's CSM, so base rates mean "today" (SCIENCE 1.5).
    """

    kappa: float
    renew: tuple[float, ...]
    expand: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """All parameters of the response, by part; `base` has an entry `default` for segments not named.

    saturating : the second map of plans, in draws of a fit only
    """

    name: str
    origin: Origin
    base: Mapping[str, BaseRates]
    effort: Effort
    outcome: Outcome
    fit: FitFormula
    turnover: Turnover
    attainment: Attainment
    skill: Mapping[str, Skill] = field(default_factory=dict)
    saturating: Saturating | None = None

    def base_rates(self, segment: str) -> BaseRates:
        """Base rates of a segment, or the default ones."""
        return self.base.get(segment, self.base["default"])
