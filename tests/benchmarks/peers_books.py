"""Books as sums: what a choice is worth, and exactly what it gains when accounts change hands.

The worth of a choice is a sum over pairs less a price of each book, which reads thirteen sums over the book: hours,
accounts, ARR, two potentials, and the number and ARR of renewals in four quarters. The rules that the benchmark's
instances switch on are priced here; `evaluate` judges what comes out.
"""

from __future__ import annotations

import numpy as np

from optcomp.formulation.scope import POINTS, Tables, whole_scope
from optcomp.problem import Problem
from optcomp.response.load import load_cost
from optcomp.rules import Rule
from optcomp.types import FloatArray, IntArray

HOURS, COUNT, ARR, RENEWAL, EXPANSION, DUE = 0, 1, 2, 3, 4, 5
QUARTERS = 4
WIDTH = DUE + 2 * QUARTERS
# Points for a hard rule that is broken at all, and for each time its limit that it is missed by: more than any account
# is worth, so that books are mended first.
BROKEN, MISSED = 1.0, 100.0
NOTHING = 1e-7  # share of a limit that counts as nothing, a tenth of what the evaluator lets pass


class Sums:
    """Coefficients of a problem for a search by hand.

    part : shape (pairs, WIDTH), what every pair adds to the sums of its CSM's book
    pair_at : shape (units, csms), the pair of a unit with a CSM, -1 where they may not meet
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.tables = tables = Tables(problem, whole_scope(problem))
        self.unit, self.csm = tables.pair_unit, tables.pair_csm
        self.num_units, self.num_csms = tables.num_units, len(problem.csms.ids)
        facts, segment = problem.accounts, problem.csms.segment
        self.segment = segment
        due = []
        for quarter in range(QUARTERS):
            number, arr = tables.due(quarter)
            due.append((number, arr / self._mean_due(quarter)[segment[self.csm]]))
        self.part = np.column_stack(
            [
                tables.hours,
                tables.count,
                tables.arr,
                tables.potential["renewal"],
                tables.potential["expansion"],
                *(number for number, _ in due),
                *(arr for _, arr in due),
            ]
        )
        self.pair_at = np.full((self.num_units, self.num_csms), -1, dtype=np.int64)
        self.pair_at[self.unit, self.csm] = np.arange(len(self.unit))
        own = [facts.segment == s for s in range(len(problem.segments))]
        self.even = np.column_stack(
            [
                np.array([float(v[o].sum() / facts.arr[o].sum()) if o.any() else 0.0 for o in own])[segment]
                for v in (problem.neutral.kept, problem.neutral.expanded)
            ]
        )
        self.even_due = np.column_stack([self._even_due(q) for q in range(QUARTERS)])
        self._set_limits()

    def _mean_due(self, quarter: int) -> FloatArray:
        """Average ARR of a renewal in a quarter, per segment."""
        facts = self.problem.accounts
        due = [(facts.segment == s) & (facts.quarter == quarter) for s in range(len(self.problem.segments))]
        return np.array([float(facts.arr[d].mean()) if d.any() else 1.0 for d in due])

    def _even_due(self, quarter: int) -> FloatArray:
        """Fewest renewals in a quarter that every CSM should have under a plan that pays by the quarter."""
        facts, csms = self.problem.accounts, self.problem.csms
        share = self.problem.rules["renewals_due"]["min_share"]
        even = np.zeros(self.num_csms)
        for s in range(len(self.problem.segments)):
            available = float(csms.hours[csms.is_declared & (csms.segment == s)].sum())
            number = int(((facts.segment == s) & (facts.quarter == quarter)).sum())
            if available > 0.0:
                even = np.where(csms.segment == s, share * number * csms.hours / available, even)
        return np.asarray(even)

    def _set_limits(self) -> None:
        """Least and most accounts and ARR of every book; those of the segment and the CSM's own."""
        csms, segments = self.problem.csms, self.problem.segments

        def of(name: str, default: float) -> FloatArray:
            values = [getattr(s, name) for s in segments]
            return np.array([default if v is None else float(v) for v in values])[csms.segment]

        self.low = np.column_stack([of("min_accounts", 0.0), of("min_arr", 0.0)])
        self.high = np.column_stack(
            [
                np.minimum(of("max_accounts", np.inf), csms.max_accounts),
                np.minimum(of("max_arr", np.inf), csms.max_arr),
            ]
        )


class Prices:
    """What books cost under chosen plans, in points.

    plans : plan row by segment; `most`, `least` : limits on hours, accounts and ARR, and on accounts and ARR
    """

    def __init__(self, sums: Sums, plans: IntArray) -> None:
        problem, segment, effects = sums.problem, sums.segment, sums.problem.effects
        self.sums, self.points = sums, POINTS / problem.arr_scale
        self.kappa, self.available = problem.kappa[segment], problem.csms.hours
        factor = np.array([float(effects[s].hours_factor[p]) for s, p in enumerate(plans)])[segment]
        ceiling = problem.rules["hours"]["ceiling"] * problem.csms.hours / factor
        self.most = np.column_stack([ceiling, sums.high])
        self.least = sums.low
        self.most_size, self.least_size = _size(self.most), _size(self.least)
        self.fairness, self.renewals = problem.rules["equal_chance"], problem.rules["renewals_due"]
        self.tolerance = self.fairness["tolerance"]
        quarterly = np.array([bool(effects[s].pays_renewals_quarterly[p]) for s, p in enumerate(plans)])[segment]
        self.due = np.tile(sums.even_due, 2) * quarterly[:, None]
        self.is_quarterly = bool(quarterly.any())

    def __call__(self, csm: IntArray, held: FloatArray) -> FloatArray:
        """Points that books cost, shape (n,), given the CSM and the sums of each."""
        limited = held[:, :RENEWAL]
        missed = [(limited - self.most[csm]) / self.most_size[csm]]
        missed.append((self.least[csm] - limited[:, COUNT:]) / self.least_size[csm])
        # A plan's extra hours are part of the worth of pairs (DESIGN 3.3), so the curve is that of the hours alone.
        usd = load_cost(self.kappa[csm], held[:, HOURS], self.available[csm], 1.0)
        if self.fairness.is_on:
            fair = self.sums.even[csm] * held[:, ARR, None]
            unfair = np.abs(held[:, RENEWAL:DUE] - fair) - self.tolerance * fair
            usd = usd + self._bent(self.fairness, unfair, self.tolerance * fair, missed)
        if self.renewals.is_on and self.is_quarterly:
            usd = usd + self._bent(self.renewals, self.due[csm] - held[:, DUE:], self.due[csm], missed)
        share = np.concatenate(missed, axis=1)
        return np.asarray(usd * self.points + np.where(share > NOTHING, BROKEN + MISSED * share, 0.0).sum(axis=1))

    @staticmethod
    def _bent(rule: Rule, amount: FloatArray, limit: FloatArray, missed: list[FloatArray]) -> FloatArray | float:
        """USD for a soft rule that is bent; for a hard one nothing, but its share joins what is missed."""
        if rule.is_soft:
            return np.asarray(rule.price * np.maximum(amount, 0.0).sum(axis=1))
        missed.append(amount / _size(limit))
        return 0.0


def _size(limit: FloatArray) -> FloatArray:
    """What a miss is measured by; 1 where the limit is smaller than that, or none."""
    return np.maximum(np.where(np.isfinite(limit), np.abs(limit), 1.0), 1.0)
