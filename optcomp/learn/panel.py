"""Design matrices: which rows, which columns and which priors each outcome has (SCIENCE 1.6).

Never a control: satisfaction, activity counts and present health, which are results of the plan. Health counts only as
it was on the first day of the spell of the plan that an account feels. Accounts that nobody looks after feel no plan;
they are left out and serve as a negative control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.errors import Finding, InputError
from optcomp.instance import Account
from optcomp.learn.design import Column, Design, design_of
from optcomp.learn.history import History
from optcomp.learn.maps import MapName, feature_names, features
from optcomp.learn.priors import LEVEL_SD, SMALLEST_SD, Priors
from optcomp.problem import Problem
from optcomp.response.outcome import logit
from optcomp.types import BoolArray, FloatArray, IntArray

# Nuisance columns: sd of log-odds per log ARR, per extra year of term, per industry, per log year of CSM tenure.
NUISANCE_SD = {"log_arr": 0.30, "term": 0.30, "industry": 0.30, "tenure": 0.10}
# Loads beyond these are mistakes of recording more often than facts; the logarithm must not let them rule.
LOAD_RANGE = (0.25, 2.5)


@dataclass(frozen=True)
class Panel:
    """A history seen through a problem and its priors.

    Raises
    ------
    InputError
        When the history names a segment that the instance does not have (on first use).
    """

    history: History
    problem: Problem
    priors: Priors

    # ---- what every account-quarter felt ----------------------------------------------------------------------

    @cached_property
    def segment_names(self) -> tuple[str, ...]:
        """Segments of the problem."""
        return tuple(s.name for s in self.problem.segments)

    @cached_property
    def segment(self) -> IntArray:
        """Segment of each account-quarter, as an index into the problem's segments."""
        return self._in_problem[self.history.account_quarters.segment]

    @cached_property
    def _in_problem(self) -> IntArray:
        known = {name: row for row, name in enumerate(self.segment_names)}
        used = {*self.history.account_quarters.segment.tolist(), *self.history.csm_quarters.segment.tolist()}
        unknown = [name for s, name in enumerate(self.history.segments) if name not in known and s in used]
        if unknown:
            found = f"the history has segment {unknown[0]!r}, which the instance does not have"
            allowed = f"One of {', '.join(self.segment_names)}"
            raise InputError(Finding("unknown-segment", found, allowed, file="history"))
        return np.array([known.get(name, -1) for name in self.history.segments], dtype=np.int64)

    @cached_property
    def pay_segment(self) -> IntArray:
        """Segment whose pay an account-quarter feels: its CSM's, else its own."""
        known = {name: row for row, name in enumerate(self.segment_names)}
        of_csm = np.array([known.get(c.segment, -1) for c in self.history.csms] or [-1], dtype=np.int64)
        csm = self.history.account_quarters.csm
        own = np.where(csm >= 0, of_csm[np.maximum(csm, 0)], -1)
        return np.where(own >= 0, own, self.segment)

    def exposure(self, which: MapName, outcome: str) -> FloatArray:
        """Features of the plan that each account-quarter felt, against today's; shape (rows, features).

        Renewals and contractions feel the two quarters before them, expansions the present one.
        """
        table = features(which, self.problem, self.history.plans.plans, self.priors.kappa)
        if outcome == "expand":
            return np.asarray(table[self.pay_segment, self.history.account_plan])
        return np.asarray(table[self.pay_segment[:, None], self.history.exposure_plans].mean(axis=1))

    @cached_property
    def fit(self) -> FloatArray:
        """Fit of account and CSM."""
        return self.history.fit(self.priors.response.fit)

    @cached_property
    def log_load(self) -> FloatArray:
        """Log load of the CSM in each account-quarter; 0 where not known."""
        return np.nan_to_num(np.log(np.clip(self._of_csm_quarter(self.history.csm_quarters.load), *LOAD_RANGE)))

    @cached_property
    def tenure(self) -> FloatArray:
        """Log of 1 + tenure of the CSM in years, against the mean of today's CSMs."""
        today = np.mean([np.log1p(c.tenure_years) for c in self.problem.csm_list]) if self.problem.csm_list else 0.0
        raw = np.log1p(np.maximum(self._of_csm_quarter(self.history.csm_quarters.tenure_years), 0.0))
        return np.nan_to_num(raw - today)

    def _of_csm_quarter(self, values: FloatArray) -> FloatArray:
        """Values of CSM-quarters spread over the account-quarters; NaN where there is none."""
        rows, cells = self.history.csm_quarters, self.history.account_quarters
        grid = np.full((len(self.history.csm_ids) + 1, len(self.history.quarters)), np.nan)
        grid[rows.csm, rows.quarter] = values
        return np.asarray(grid[cells.csm, cells.quarter])

    @cached_property
    def health(self) -> FloatArray:
        """Health before the plan against the reference; 0 where not known."""
        return np.nan_to_num(self.history.health_before_plan - self.priors.response.outcome.health_reference)

    # ---- columns that only adjust -----------------------------------------------------------------------------

    @cached_property
    def _nuisance(self) -> tuple[tuple[str, ...], FloatArray, FloatArray]:
        """Names, prior sds and values of ARR, term and industry, centred where today's ARR of the segment is.

        So centred, a level is that of the dollars of a segment as it stands today.
        """
        today, history = self.problem.account_list, self.history
        industries = sorted({a.industry for a in history.accounts if a.industry})
        cells = history.account_quarters
        then = _traits(history.accounts, industries)[cells.account]
        values = np.column_stack([np.log(np.maximum(cells.arr_start, 1.0)), then])
        now = np.column_stack([np.log(self.problem.accounts.arr), _traits(today, industries)])
        arr, segment = self.problem.accounts.arr, self.problem.accounts.segment
        for s in range(len(self.segment_names)):
            mine = segment == s
            if mine.any():
                values[self.segment == s] -= np.average(now[mine], axis=0, weights=arr[mine])
        names = ("log_arr", "term", *(f"industry {name}" for name in industries))
        sds = [NUISANCE_SD[name.split()[0]] for name in names]
        return names, np.array(sds), values

    def _nuisance_columns(self, index: IntArray) -> list[Column]:
        names, sds, values = self._nuisance
        return [Column(f"nuisance.{n}", values[index, k], 0.0, float(sds[k])) for k, n in enumerate(names)]

    def _quarter_columns(self, quarter: IntArray) -> list[Column]:
        sd = max(self.priors.mean("fitting.tau_t", 0.15), SMALLEST_SD)
        count = len(self.history.quarters)
        return [Column(f"quarter.{t}", (quarter == t).astype(float), 0.0, sd) for t in range(count)]

    def _level_columns(self, outcome: str, index: IntArray, sd: float = LEVEL_SD) -> list[Column]:
        segment = self.segment[index]
        return [
            Column(f"level.{outcome}.{name}", (segment == s).astype(float), self.level_mean(outcome, s), sd)
            for s, name in enumerate(self.segment_names)
        ]

    def level_mean(self, outcome: str, segment: int) -> float:
        """Prior log-odds of an outcome at today's plan, reference health and fit, load 1; `size`: log of the mean."""
        rates, numbers = self.priors.response.base_rates(self.segment_names[segment]), self.priors.response.outcome
        if outcome == "size":
            return float(np.log(rates.expansion_size))
        phi = self.problem.effects_of(segment, [self.problem.today_plan(segment)]).phi[0]
        start, slopes = {
            "renew": (logit(rates.renewal) + numbers.shift_renew, numbers.renew),
            "expand": (logit(rates.expansion) + numbers.shift_expand, numbers.expand),
            "contract": (logit(rates.contraction / rates.contraction_depth), numbers.contract),
        }[outcome]
        return float(start + phi @ np.array(slopes))

    # ---- outcomes ---------------------------------------------------------------------------------------------

    @cached_property
    def looked_after(self) -> BoolArray:
        """Account-quarters with a CSM."""
        return np.asarray(self.history.account_quarters.csm >= 0)

    def renewals(self, which: MapName) -> Design:
        """One row for every contract due; 1 where it was renewed."""
        cells = self.history.account_quarters
        index = np.flatnonzero(cells.due & self.looked_after)
        return self._account_design("renew", which, index, cells.renewed[index])

    def expansions(self, which: MapName) -> Design:
        """One row for every account-quarter that did not end in churn; 1 where ARR was added."""
        cells = self.history.account_quarters
        index = np.flatnonzero(~cells.churned & self.looked_after)
        return self._account_design("expand", which, index, cells.expansion[index] > 0.0)

    def _account_design(self, outcome: str, which: MapName, index: IntArray, y: BoolArray) -> Design:
        cells, reference = self.history.account_quarters, self.priors.response.outcome
        fit = self.fit[index]
        relief = 1.0 - (reference.hand_fit_relief * fit if outcome == "renew" else 0.0)
        columns = [
            *self._level_columns(outcome, index),
            *self._plan_columns(outcome, which, index),
            self._column(f"outcome.load_{outcome}", -self.log_load[index]),
            self._column(f"outcome.fit_{outcome}", fit - reference.fit_reference),
            self._column(f"outcome.hand_{outcome}", cells.hand_over[index] * relief),
            self._column(f"outcome.health_{outcome}", self.health[index]),
            Column("nuisance.tenure", self.tenure[index], 0.0, NUISANCE_SD["tenure"]),
            *self._nuisance_columns(index),
            *self._quarter_columns(cells.quarter[index]),
        ]
        return design_of(outcome, columns, y, index, cells.csm[index], len(self.history.csm_ids))

    def contractions(self) -> Design:
        """One row for every renewed contract; 1 where it was renewed for less."""
        cells = self.history.account_quarters
        index = np.flatnonzero(cells.due & cells.renewed & self.looked_after)
        health = Column("nuisance.health", self.health[index], 0.0, 0.02)
        columns = [
            *self._level_columns("contract", index),
            *self._plan_columns("contract", "effort", index),
            health,
            *self._nuisance_columns(index),
            *self._quarter_columns(cells.quarter[index]),
        ]
        return design_of("contract", columns, cells.contraction[index] > 0.0, index)

    def sizes(self) -> Design:
        """One row for every expansion; log of the share of ARR that it added."""
        cells = self.history.account_quarters
        index = np.flatnonzero((cells.expansion > 0.0) & (cells.arr_start > 0.0) & self.looked_after)
        columns = [*self._level_columns("size", index, 1.0), *self._nuisance_columns(index)]
        share = np.log(cells.expansion[index] / cells.arr_start[index])
        return design_of("size", columns, share, index)

    def quits(self) -> Design:
        """One row for every CSM-quarter; 1 where the CSM left by own choice."""
        cells, turnover = self.history.csm_quarters, self.priors.response.turnover
        ote = cells.base + cells.variable
        share = np.divide(cells.variable, ote, out=np.zeros_like(ote), where=ote > 0.0)
        segment = self._in_problem[cells.segment]
        mean, sd = self.priors.hazard()
        overload = np.nan_to_num(np.maximum(np.clip(cells.load, *LOAD_RANGE) - 1.0, 0.0))
        columns = [
            Column("level.quit", np.ones(len(ote)), mean, sd),
            self._column("turnover.pay", -self._log_pay(ote)),
            self._column("turnover.overload", overload),
            self._column("turnover.variable", share - turnover.variable_reference),
            self._column("turnover.tenure", np.nan_to_num(cells.tenure_years)),
            *(
                Column(f"nuisance.quit {name}", (segment == s).astype(float), 0.0, 0.3)
                for s, name in enumerate(self.segment_names)
            ),
            *self._quarter_columns(cells.quarter),
        ]
        return design_of("quit", columns, cells.left, np.arange(len(ote)))

    def _log_pay(self, ote: FloatArray) -> FloatArray:
        """Log of OTE over market OTE of each CSM-quarter: stated, else the middle of the benchmark band, else 0."""
        cells = self.history.csm_quarters
        bands = [self.problem.benchmarks.band(c.level, c.region) for c in self.history.csms]
        middle = np.array([band.ote_mid if band else np.nan for band in bands] or [np.nan])
        market = np.where(np.isnan(cells.market_ote), middle[cells.csm], cells.market_ote)
        is_known = (market > 0.0) & (ote > 0.0)
        return np.log(np.divide(ote, market, out=np.ones_like(ote), where=is_known))

    def _plan_columns(self, outcome: str, which: MapName, index: IntArray) -> list[Column]:
        exposure = self.exposure(which, outcome)[index]
        return [self._column(name, exposure[:, k]) for k, name in enumerate(feature_names(which, outcome))]

    def _column(self, name: str, values: FloatArray) -> Column:
        return Column(name, values, self.priors.mean(name), self.priors.sd(name))


def _traits(accounts: Sequence[Account], industries: Sequence[str]) -> FloatArray:
    """Years of term beyond the first, and one column an industry."""
    term = [(a.term_months - 12) / 12.0 for a in accounts]
    own = [[float(a.industry == name) for name in industries] for a in accounts]
    return np.column_stack(
        [np.array(term, dtype=float), np.array(own, dtype=float).reshape(len(term), len(industries))]
    )
