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
        self.even = [
            np.array([float(v[o].sum() / facts.arr[o].sum()) if o.any() else np.nan for o in own])[segment]
            for v in (problem.neutral.kept, problem.neutral.expanded)
        ]
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

    # ---- the price of a book ----------------------------------------------------------------------------------

    def price(self, csm: IntArray, sums: FloatArray, plans: IntArray) -> FloatArray:
        """Points that books cost, shape (n,), given the CSM and the sums of each; `plans` by segment."""
        problem, segment = self.problem, self.segment[csm]
        available = problem.csms.hours[csm]
        factor = np.array([float(problem.effects[s].hours_factor[p]) for s, p in enumerate(plans)])[segment]
        # A plan's extra hours are part of the worth of pairs (DESIGN 3.3), so the curve is that of the hours alone.
        usd = load_cost(problem.kappa[segment], sums[:, HOURS], available, 1.0)
        ceiling = problem.rules["hours"]["ceiling"] * available
        broken = _missed(sums[:, HOURS] * factor, ceiling)
        for k, column in enumerate((COUNT, ARR)):
            broken = broken + _missed(sums[:, column], self.high[csm, k]) + _missed(self.low[csm, k], sums[:, column])
        for amount, limit, rule_id in self._soft(csm, sums, plans):
            rule = problem.rules[rule_id]
            usd = usd + rule.price * amount * rule.is_soft
            broken = broken + _missed(amount + limit, limit) * rule.is_hard
        return np.asarray(usd * POINTS / problem.arr_scale + broken)

    def _soft(self, csm: IntArray, sums: FloatArray, plans: IntArray) -> list[tuple[FloatArray, FloatArray, str]]:
        """Amounts by which rules are bent that may be soft, the limits they are measured from, and which rules."""
        out = []
        tolerance = self.problem.rules["equal_chance"]["tolerance"]
        for even, column in zip(self.even, (RENEWAL, EXPANSION), strict=True):
            fair = even[csm] * sums[:, ARR]
            distance = np.abs(sums[:, column] - fair) - tolerance * fair
            out.append((np.maximum(np.nan_to_num(distance), 0.0), np.nan_to_num(tolerance * fair), "equal_chance"))
        effects = self.problem.effects
        quarterly = np.array([bool(effects[s].pays_renewals_quarterly[p]) for s, p in enumerate(plans)])
        if quarterly.any():
            short = np.tile(self.even_due[csm], 2) - sums[:, DUE:]
            short = np.maximum(short, 0.0).sum(axis=1) * quarterly[self.segment[csm]]
            out.append((short, self.even_due[csm].sum(axis=1), "renewals_due"))
        return out


def _missed(value: FloatArray, limit: FloatArray) -> FloatArray:
    """Points for what lies above a limit."""
    size = np.maximum(np.where(np.isfinite(limit), np.abs(limit), 1.0), 1.0)
    share = np.maximum(np.asarray(value - limit), 0.0) / size
    return np.where(share > NOTHING, BROKEN + MISSED * share, 0.0)
