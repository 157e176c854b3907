"""Evidence grades: for every lever, whether the history or the prior speaks, and what could have been seen at all.

Contraction is :math:`c = 1 - sd_{posterior} / sd_{prior}`. Source: SCIENCE 0.5, 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from optcomp.learn.identify import Nuisance, nuisance, rank, varies
from optcomp.learn.maps import MAPS, feature_names
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Fitted, Posterior, is_plan_effect
from optcomp.learn.sample import SHARED, TURNOVER
from optcomp.types import IntArray

Grade = Literal["data decides", "mixed", "the prior decides", "not identifiable"]
# Thresholds on the contraction (SCIENCE 3.4).
PRIOR_DECIDES_BELOW, DATA_DECIDES_ABOVE = 0.10, 0.50
# 80 % power at 5 % two-sided: 1.960 + 0.842 standard errors.
POWER_MULTIPLE = 2.8016

ONE_PLAN = (
    "This history shows one pay plan only: what another plan would do is NOT identified in it, and the prior decides. "
    "How well the fit predicts outcomes says nothing about that. Run a pilot before a roll-out."
)
AT_ONCE = (
    "Every plan change came in the same quarter for everybody: whatever else changed in that quarter looks like the "
    "plan. Read plan effects as before/after only."
)
TOO_RECENT = (
    "Plans changed too late for renewals to have felt it: what a plan does to renewals is NOT identified, and the "
    "prior decides."
)


@dataclass(frozen=True, slots=True)
class Lever:
    """What is known of one coefficient, by prior and posterior.

    contraction : share by which the history narrowed the prior; mde : smallest effect that the history alone would
        have shown with 80 % power, infinite where it tells nothing
    alarm : the estimate is more than two prior sd from the prior mean (SCIENCE 2.2)
    """

    key: str
    grade: Grade
    prior_mean: float
    prior_sd: float
    value: float
    sd: float
    contraction: float
    mde: float
    alarm: bool


@dataclass(frozen=True, slots=True)
class Identification:
    """Directions in which plans vary once segment, quarter and CSM are taken out, under the effort index.

    renew, expand : 0 to 3; changed_at_once : every CSM whose plan changed saw it in one and the same quarter
    """

    renew: int
    expand: int
    changed_at_once: bool

    @property
    def is_one_plan(self) -> bool:
        """No plan effect is identified."""
        return self.renew == 0 and self.expand == 0

    @property
    def sentences(self) -> tuple[str, ...]:
        """What has to be said about it, every time."""
        if self.is_one_plan:
            return (ONE_PLAN,)
        return ((TOO_RECENT,) if self.renew == 0 else ()) + ((AT_ONCE,) if self.changed_at_once else ())


def identification(panel: Panel, posterior: Posterior) -> Identification:
    """Rank of the plan variation."""
    ranks = {}
    for outcome in ("renew", "expand"):
        fitted = posterior.of(outcome, "effort")
        columns = [fitted.position(name) for name in feature_names("effort", outcome)]
        ranks[outcome] = rank(_taken_out(panel, fitted).residual(fitted.mode.rows.x[:, columns]))
    return Identification(ranks["renew"], ranks["expand"], _changed_at_once(panel))


def _changed_at_once(panel: Panel) -> bool:
    """Every CSM who was there through the change changed plan in the same quarter."""
    plan = panel.history.plans.by_csm
    if plan.shape[1] < 2:
        return False
    there = (plan[:, 1:] >= 0) & (plan[:, :-1] >= 0)
    changed = there & (plan[:, 1:] != plan[:, :-1])
    quarters = np.flatnonzero(changed.any(axis=0))
    return len(quarters) == 1 and bool(changed[there[:, quarters[0]], quarters[0]].all())


def levers(panel: Panel, posterior: Posterior) -> tuple[Lever, ...]:
    """Every lever with its grade: plan effects under both maps, load, fit, hand-over, health, and turnover."""
    found: list[Lever] = []
    for outcome in ("renew", "expand"):
        for which in MAPS:
            found += _graded(panel, posterior.of(outcome, which), feature_names(which, outcome))
        shared = tuple(f"outcome.{part}_{outcome}" for part in SHARED)
        found += _graded(panel, posterior.of(outcome, "effort"), shared)
    found += _graded(panel, posterior.contract, feature_names("effort", "contract"))
    found += _graded(panel, posterior.quits, tuple(f"turnover.{part}" for part in TURNOVER))
    return tuple(found)


def _graded(panel: Panel, fitted: Fitted, names: tuple[str, ...]) -> list[Lever]:
    columns = [fitted.position(name) for name in names]
    raw = fitted.mode.rows.x[:, columns]
    left = _taken_out(panel, fitted).residual(raw)
    return [_lever(fitted, name, varies(raw[:, k], left[:, k])) for k, name in enumerate(names)]


def _lever(fitted: Fitted, name: str, is_identifiable: bool) -> Lever:
    column = fitted.position(name)
    mean, prior_sd = float(fitted.mode.rows.mean[column]), float(fitted.mode.rows.sd[column])
    value, sd = fitted.value(name), float(fitted.sd[column])
    contraction = max(1.0 - sd / prior_sd, 0.0)
    return Lever(
        key=name,
        grade=grade(contraction, is_identifiable),
        prior_mean=mean,
        prior_sd=prior_sd,
        value=value,
        sd=sd,
        contraction=contraction,
        mde=smallest_detectable(prior_sd, sd) if is_identifiable else float("inf"),
        alarm=is_plan_effect(name) and abs(value - mean) > 2.0 * prior_sd,
    )


def grade(contraction: float, is_identifiable: bool) -> Grade:
    """The grade that a contraction earns."""
    if not is_identifiable:
        return "not identifiable"
    if contraction < PRIOR_DECIDES_BELOW:
        return "the prior decides"
    return "mixed" if contraction <= DATA_DECIDES_ABOVE else "data decides"


def smallest_detectable(prior_sd: float, posterior_sd: float) -> float:
    """Effect that the data alone would show with 80 % power, from what the data added to the precision."""
    added = posterior_sd**-2.0 - prior_sd**-2.0
    # Less than a millionth of the prior's precision is rounding.
    return POWER_MULTIPLE / float(np.sqrt(added)) if added > 1e-6 * prior_sd**-2.0 else float("inf")


def _taken_out(panel: Panel, fitted: Fitted) -> Nuisance:
    """Segment, quarter and, where the outcome belongs to accounts, CSM of each row."""
    index = fitted.design.index
    if fitted.design.outcome == "quit":
        cells = panel.history.csm_quarters
        return nuisance(cells.segment[index], cells.quarter[index])
    rows = panel.history.account_quarters
    return nuisance(panel.segment[index], rows.quarter[index], csm_of(panel, index))


def csm_of(panel: Panel, index: IntArray) -> IntArray:
    """CSM of account-quarters, with a label of its own for nobody."""
    csm = panel.history.account_quarters.csm[index]
    return np.where(csm >= 0, csm, len(panel.history.csm_ids))
