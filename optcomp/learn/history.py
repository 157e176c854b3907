"""What happened: account-quarters, CSM-quarters and the pay plans in force, as arrays.

Indices point into the tuples of `History`; rows are sorted by (account, quarter) and by (CSM, quarter), ids by name.
Accounts that churned and CSMs who left are part of a history; they need not stand in the instance. Money is USD;
NaN means "not known" or "not paid".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np

from optcomp.instance import Account, Csm
from optcomp.plan import Plan
from optcomp.response.fit import fit_matrix
from optcomp.response.parameters import FitFormula
from optcomp.types import BoolArray, FloatArray, IntArray

NOBODY = -1  # CSM of an account that nobody looked after in a quarter
NO_PLAN = -1  # plan of a CSM in a quarter in which the CSM was not there
# A hand-over counts in the quarter in which it happens and in the next (SCIENCE 1.1).
HAND_OVER_QUARTERS = 2
# Renewals feel the plans of the two quarters before them (SCIENCE 1.6).
EXPOSURE_QUARTERS = 2


@dataclass(frozen=True, slots=True)
class AccountQuarters:
    """One row for every account and quarter in which it was a customer; every array has shape (rows,).

    account, csm, quarter, segment : indices; csm is NOBODY where nobody looked after it
    arr_start : ARR on the first day of the quarter, USD a year
    due : the contract was up for renewal in the quarter; renewed : it was renewed (False where not due)
    contraction : ARR lost by an account that renewed, USD a year; expansion : ARR added in the quarter, USD a year
    health_start : 0 to 100 on the first day of the quarter; csat : satisfaction in the quarter, share of the top score.
        Both are results of the plan in force: never a control (use `History.health_before_plan`)
    took_over : quarters since this CSM took the account over (0 in the quarter of the hand-over), NaN where no
        hand-over is known; a customer's first CSM is not a hand-over
    late : part of `expansion` that was booked in the last two weeks of the quarter, USD a year
    """

    account: IntArray
    csm: IntArray
    quarter: IntArray
    segment: IntArray
    arr_start: FloatArray
    due: BoolArray
    renewed: BoolArray
    contraction: FloatArray
    expansion: FloatArray
    health_start: FloatArray
    csat: FloatArray
    took_over: FloatArray
    late: FloatArray

    @property
    def churned(self) -> BoolArray:
        """Due and not renewed."""
        return np.asarray(self.due & ~self.renewed)

    @property
    def hand_over(self) -> FloatArray:
        """1 in the two quarters from a hand-over on, else 0 (o of SCIENCE 1.1)."""
        return np.asarray(self.took_over < HAND_OVER_QUARTERS, dtype=np.float64)

    @property
    def arr_end(self) -> FloatArray:
        """ARR on the last day of the quarter, USD a year."""
        kept = np.where(self.churned, 0.0, self.arr_start - self.contraction)
        return np.asarray(np.where(self.churned, 0.0, kept + self.expansion))


@dataclass(frozen=True, slots=True)
class CsmQuarters:
    """One row for every CSM and quarter on the payroll; every array has shape (rows,).

    base, variable : USD a year, variable at target; market_ote : USD a year, NaN where not known
    load : hours that the book needs over hours available; left : this was the CSM's last quarter, by own choice
    tenure_years : at the start of the quarter
    activities : key activities logged over those agreed; activities_traced : the same as other systems saw it
    attainment : metric → attainment (1 = target; the raw metric where the plan's threshold is absolute)
    payout : metric → USD paid for the quarter, after the gate
    """

    csm: IntArray
    quarter: IntArray
    segment: IntArray
    base: FloatArray
    variable: FloatArray
    market_ote: FloatArray
    load: FloatArray
    left: BoolArray
    tenure_years: FloatArray
    activities: FloatArray
    activities_traced: FloatArray
    attainment: Mapping[str, FloatArray]
    payout: Mapping[str, FloatArray]


@dataclass(frozen=True, slots=True)
class PlansInForce:
    """Which pay plan applied to whom.

    plans : every plan that occurs; by_segment : shape (segments, quarters), index of the plan of a segment
    by_csm : shape (csms, quarters), index of the plan of each CSM (differs from the segment's in a pilot),
        NO_PLAN where the CSM was not there
    """

    plans: tuple[Plan, ...]
    by_segment: IntArray
    by_csm: IntArray


@dataclass(frozen=True)
class History:
    """Everything that happened, by quarter.

    quarters : first day of each quarter, in order and without gaps
    accounts, csms : what is known of them apart from the quarters (industry, complexity, term, level, languages …),
        in the order of the ids; pay and ownership in these records mean nothing, the quarters say it
    """

    quarters: tuple[date, ...]
    account_ids: tuple[str, ...]
    csm_ids: tuple[str, ...]
    segments: tuple[str, ...]
    account_quarters: AccountQuarters
    csm_quarters: CsmQuarters
    plans: PlansInForce
    accounts: tuple[Account, ...]
    csms: tuple[Csm, ...]

    @property
    def months(self) -> int:
        """Length of the history."""
        return 3 * len(self.quarters)

    @cached_property
    def account_plan(self) -> IntArray:
        """Plan that each account-quarter felt: its CSM's, or its segment's where nobody looked after it."""
        rows = self.account_quarters
        return self.plan_felt(rows.csm, rows.segment, rows.quarter)

    def plan_felt(self, csm: IntArray, segment: IntArray, quarter: IntArray) -> IntArray:
        """Index of the plan; shapes broadcast. A CSM who was not there yet counts with the segment's plan."""
        own = self.plans.by_csm[np.maximum(csm, 0), quarter] if len(self.csm_ids) else np.full(csm.shape, NO_PLAN)
        return np.asarray(np.where((csm >= 0) & (own >= 0), own, self.plans.by_segment[segment, quarter]))

    @cached_property
    def csm_plan(self) -> IntArray:
        """Plan of each CSM-quarter."""
        rows = self.csm_quarters
        return np.asarray(self.plans.by_csm[rows.csm, rows.quarter])

    @cached_property
    def exposure_plans(self) -> IntArray:
        """Plans of the two quarters before each account-quarter, shape (rows, 2), by the present CSM.

        The first quarter of the history is taken to have been preceded by the same plan.
        """
        rows = self.account_quarters
        before = np.maximum(rows.quarter[:, None] - np.arange(1, EXPOSURE_QUARTERS + 1), 0)
        return self.plan_felt(rows.csm[:, None], rows.segment[:, None], before)

    @cached_property
    def health_before_plan(self) -> FloatArray:
        """Health of each account at the start of the spell of the plan that it feels: the only health that may be a
        control. NaN where the account was not scored on that day or was not yet a customer."""
        rows = self.account_quarters
        score = np.full((len(self.account_ids), len(self.quarters)), np.nan)
        score[rows.account, rows.quarter] = rows.health_start
        return np.asarray(score[rows.account, self._spell_start[rows.account, rows.quarter]])

    @cached_property
    def _spell_start(self) -> IntArray:
        """Quarter in which the plan that an account feels came into force, shape (accounts, quarters)."""
        rows = self.account_quarters
        plan = np.full((len(self.account_ids), len(self.quarters)), NO_PLAN)
        plan[rows.account, rows.quarter] = self.account_plan
        start = np.zeros_like(plan)
        for q in range(1, len(self.quarters)):
            # Quarters in which the account was no customer yet belong to no spell of a plan.
            changed = (plan[:, q] != plan[:, q - 1]) & (plan[:, q - 1] != NO_PLAN)
            start[:, q] = np.where(changed, q, start[:, q - 1])
        return start

    def fit(self, formula: FitFormula) -> FloatArray:
        """Fit of account and CSM in each account-quarter, 0 to 1; the formula's reference point where there is none."""
        rows = self.account_quarters
        if not len(self.csm_ids):
            return np.full(len(rows.account), formula.neutral)
        matrix = fit_matrix(self.accounts, self.csms, formula)
        return np.asarray(np.where(rows.csm >= 0, matrix[rows.account, np.maximum(rows.csm, 0)], formula.neutral))
