"""Checks that a plan effect is the plan's: trends before it came, accounts that cannot have felt it, who is missing.

Source: SCIENCE 3.4.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from optcomp.errors import Finding, InputError
from optcomp.learn.identify import Slope, clustered_slope, nuisance
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import Posterior
from optcomp.types import AnyArray, BoolArray, FloatArray, IntArray

# Below this p-value the check warns: a warning is cheap and a confounded plan is not (SCIENCE 3.4).
WARN_BELOW = 0.10
NEVER = 10_000  # quarter of a plan change that did not come
# With 20 % a year leaving, 40 CSM-years without a leaver happen once in 7,500 histories: somebody was dropped.
CSM_YEARS_WITHOUT_LEAVER = 40.0
# At 8 % churn, 100 renewals without a loss happen once in 4,000 histories.
RENEWALS_WITHOUT_CHURN = 100
# Sizes of expansions have a log sd of about 0.5: 50 of them give their mean to 7 %.
FEWEST_EXPANSIONS = 50


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an outcome: its slope where it could be made, and what it means."""

    name: Literal["pre-trend", "negative control", "size"]
    outcome: str
    slope: Slope | None
    sentence: str

    @property
    def warns(self) -> bool:
        """The check speaks against reading the effect as the plan's."""
        return self.slope is not None and self.slope.p < WARN_BELOW


def survivorship(panel: Panel) -> None:
    """Refuse a history of survivors.

    Raises
    ------
    InputError
        When no account ever churned, or nobody ever left, in more quarters than chance allows.
    """
    cells, people = panel.history.account_quarters, panel.history.csm_quarters
    findings = []
    if int(cells.due.sum()) >= RENEWALS_WITHOUT_CHURN and not cells.churned.any():
        found = f"none of {int(cells.due.sum())} renewals was lost"
        findings.append(_missing(found, "Accounts that churned, up to the quarter in which they did", "account"))
    if len(people.quarter) / 4.0 >= CSM_YEARS_WITHOUT_LEAVER and not people.left.any():
        found = f"nobody left in {len(people.quarter) / 4.0:.0f} years of work"
        findings.append(_missing(found, "CSMs who left, up to the quarter in which they did", "csm"))
    if findings:
        raise InputError(findings)


def _missing(found: str, allowed: str, kind: str) -> Finding:
    hint = "A history of survivors makes every plan look good; export the table with former ones too"
    return Finding("survivors-only", found, allowed, hint, file=f"history/{kind}_quarters")


def checks(panel: Panel, posterior: Posterior) -> tuple[Check, ...]:
    """Pre-trends and negative controls of renewals and expansions, as far as the history can support them."""
    made = [make(panel, posterior, outcome) for outcome in ("renew", "expand") for make in (_pre_trend, _control)]
    return tuple(check for check in (*made, _sizes(panel, posterior)) if check is not None)


def change_quarter(panel: Panel) -> IntArray:
    """First quarter in which each CSM's plan differs from the one before; NEVER where it does not; shape (csms,)."""
    plan = panel.history.plans.by_csm
    if plan.shape[1] < 2:
        return np.full(len(plan), NEVER)
    changed = (plan[:, 1:] != plan[:, :-1]) & (plan[:, 1:] >= 0) & (plan[:, :-1] >= 0)
    return np.where(changed.any(axis=1), changed.argmax(axis=1) + 1, NEVER)


def _pre_trend(panel: Panel, posterior: Posterior, outcome: str) -> Check | None:
    """Did those whose plan was going to change drift away from the others before it did?

    Only rows before a CSM's own change are used, so that nobody who has changed serves as a control, and only CSMs who
    were there from before the first change to after the last: those who leave or join differ anyway. The slope is that
    of the residual on quarter × earliness of the change (1 at the start of the history, 0 for never).
    """
    fitted = posterior.of(outcome, "effort")
    index = fitted.design.index
    cells = panel.history.account_quarters
    changes = change_quarter(panel)
    change = changes[cells.csm[index]]
    before = (cells.quarter[index] < change) & _there_throughout(panel, changes)[cells.csm[index]]
    if not (before & (change < NEVER)).any() or len(np.unique(change[before])) < 2:
        return None
    rows = index[before]
    residual = (fitted.mode.rows.y - fitted.mode.expected)[before]
    earliness = np.maximum(1.0 - change[before] / len(panel.history.quarters), 0.0)
    cohorts = np.unique(change[before], return_inverse=True)[1].reshape(-1)
    labels = nuisance(panel.segment[rows], cells.quarter[rows], cohorts)
    slope = clustered_slope(residual, earliness * cells.quarter[rows], labels, cells.csm[rows])
    if slope is None:
        return None
    meaning = "drifted apart before the plan changed" if slope.p < WARN_BELOW else "did not drift apart beforehand"
    return Check(
        "pre-trend", outcome, slope, _sentence(outcome, "those who got a new plan and the others", meaning, slope)
    )


def _there_throughout(panel: Panel, changes: IntArray) -> BoolArray:
    """CSMs who were there from before the first change of plan to the last one; shape (csms,)."""
    plan, happened = panel.history.plans.by_csm, changes[changes < NEVER]
    if not len(happened):
        return np.zeros(len(plan), dtype=bool)
    return np.asarray((plan[:, happened.min() - 1 : happened.max() + 1] >= 0).all(axis=1))


def _control(panel: Panel, posterior: Posterior, outcome: str) -> Check | None:
    """Do accounts without a CSM move with their segment's plan, which they cannot feel?"""
    cells = panel.history.account_quarters
    wanted = cells.due if outcome == "renew" else ~cells.churned
    rows = np.flatnonzero(wanted & ~panel.looked_after)
    if len(rows) < RENEWALS_WITHOUT_CHURN:
        return None
    happened = cells.renewed if outcome == "renew" else cells.expansion > 0.0
    x = _expected_effect(panel, posterior, outcome)[rows]
    labels = nuisance(panel.segment[rows], cells.quarter[rows])
    slope = clustered_slope(_as_float(happened[rows]), x, labels, cells.account[rows])
    if slope is None:
        return None
    meaning = "moved with the plan all the same: something else did too" if slope.p < WARN_BELOW else "did not move"
    return Check("negative control", outcome, slope, _sentence(outcome, "accounts without a CSM", meaning, slope))


def _sizes(panel: Panel, posterior: Posterior) -> Check | None:
    """Are expansions under a plan of another size than under the others? The fit knows of no such effect.

    Smaller ones are what gaming leaves: bookings that are split, rushed, or given away. Quarters are not taken out, for
    sizes have no common mood in the model and a plan that came to all at once would be taken out with them.
    """
    fitted = posterior.size
    index = fitted.design.index
    cells, plan = panel.history.account_quarters, panel.history.account_plan[index]
    numbers, counts = np.unique(plan, return_counts=True)
    tried = numbers[counts >= FEWEST_EXPANSIONS]
    if len(tried) < 2:
        return None
    residual = fitted.mode.rows.y - fitted.mode.expected
    labels = nuisance(panel.segment[index])
    # The plan that the history begins with is what the others are compared with.
    others = [k for k in tried.tolist() if k != int(plan[np.argmin(cells.quarter[index])])]
    slopes = [(clustered_slope(residual, _as_float(plan == k), labels, cells.csm[index]), k) for k in others]
    found = [(slope, k) for slope, k in slopes if slope is not None]
    if not found:
        return None
    slope, number = min(found, key=lambda pair: pair[0].p)
    # One of several plans stands out by chance as many times as often (Bonferroni).
    slope = replace(slope, p=min(slope.p * len(found), 1.0))
    name, share = panel.history.plans.plans[number].mix.name, float(np.expm1(slope.value))
    far = f"{abs(100.0 * share):.0f} % {'smaller' if share < 0.0 else 'larger'} than under other plans"
    said = (
        f"Expansions under {name} were {far} (p = {slope.p:.2f}); the fit credits no plan with that. Look at what was "
        "booked before you believe its effect."
        if slope.p < WARN_BELOW
        else f"Expansions were of the same size under every plan (p = {slope.p:.2f})."
    )
    return Check("size", "expand", slope, said)


def _sentence(outcome: str, who: str, meaning: str, slope: Slope) -> str:
    return f"{'Renewals' if outcome == 'renew' else 'Expansions'}: {who} {meaning} (p = {slope.p:.2f})."


def _expected_effect(panel: Panel, posterior: Posterior, outcome: str) -> FloatArray:
    """Log-odds that the prior expects of the plan in force."""
    fitted = posterior.of(outcome, "effort")
    columns = [k for k, name in enumerate(fitted.design.names) if name.startswith(f"outcome.{outcome}.")]
    return np.asarray(panel.exposure("effort", outcome) @ fitted.mode.rows.mean[columns])


def _as_float(values: AnyArray) -> FloatArray:
    return np.asarray(values, dtype=np.float64)
