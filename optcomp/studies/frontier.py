r"""What every budget buys, at once: the choices that no cheaper one beats, from what a search knows of every pool.

For a segment the choices are plan × positions filled, each with its pay cost and its worth in points of NRR. Choices of
segments add up, and so do those of pools under one plan; after each sum only those are kept that bring more than
everything that costs no more. The best choice of a budget B is then the last one that costs at most B, for all B:

.. math:: F(B) = \max \{\, \text{worth}(c) : \text{cost}(c) \le B \,\}, \qquad
    \text{cost}(c \oplus d) = \text{cost}(c) + \text{cost}(d)

It is exact, and it rises with B by its definition. A soft budget asks the same choices with the price on what is over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.master import Pick
from optcomp.decompose.money import Values
from optcomp.decompose.search import Search
from optcomp.types import FloatArray, IntArray

# Rounding in sums of pay of some hundred people, as a share of the budget.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Choices:
    """Choices in the order of their cost, each worth more than all before it.

    cost : USD; worth : points of NRR; taken : shape (choices, columns), what each column of the choice is
    """

    cost: FloatArray
    worth: FloatArray
    taken: IntArray


def best(cost: FloatArray, worth: FloatArray, taken: IntArray) -> Choices:
    """The choices that bring more than everything that costs no more; of equal ones the first."""
    possible = np.flatnonzero(worth > -np.inf)
    order = possible[np.lexsort((-worth[possible], cost[possible]))]
    before = np.maximum.accumulate(np.append(-np.inf, worth[order]))[:-1]
    kept = order[worth[order] > before]
    return Choices(cost[kept], worth[kept], taken[kept])


def both(one: Choices, other: Choices) -> Choices:
    """The best of all sums of a choice of the one and a choice of the other."""
    i, j = np.divmod(np.arange(len(one.cost) * len(other.cost)), max(len(other.cost), 1))
    return best(one.cost[i] + other.cost[j], one.worth[i] + other.worth[j], np.hstack([one.taken[i], other.taken[j]]))


class Frontier:
    """The choices of a whole problem, by one side of what is known: upper bounds, or books that were found.

    plans : plan rows per segment that may be chosen
    """

    def __init__(self, search: Search, side: str, plans: Sequence[IntArray]) -> None:
        self.problem, self.search = search.problem, search
        known = [{f: k.upper if side == "upper" else k.lower for f, k in pool.items()} for pool in search.known]
        total = Choices(np.zeros(1), np.zeros(1), np.zeros((1, 0), dtype=np.int64))
        for s, rows in enumerate(plans):
            total = both(total, self._segment(s, known, rows))
        self.choices = total

    def pick(self, budget: float) -> Pick | None:
        """The best choice within a budget in USD; None where none fits."""
        rule, choices = self.problem.rules["budget"], self.choices
        net, over = choices.worth, np.maximum(choices.cost - budget, 0.0)
        if rule.is_hard:
            net = np.where(over > ROUNDING * budget, -np.inf, net)
        elif rule.is_soft:
            net = net - self._points(rule.price) * over
        if net.max(initial=-np.inf) == -np.inf:
            return None
        k = int(net.argmax())
        return self._pick(choices.taken[k].tolist(), float(net[k]))

    def _pick(self, taken: Sequence[int], value: float) -> Pick:
        """Columns of a choice: for every segment its plan, then the filling of each of its pools with positions."""
        plan, filled, column = [], [frozenset[int]()] * len(self.search.pools), 0
        for s in range(len(self.problem.segments)):
            plan.append(taken[column])
            column += 1
            for k in self._open_pools(s):
                filled[k] = list(self.search.known[k])[taken[column]]
                column += 1
        return Pick(tuple(plan), tuple(filled), value)

    # ---- one segment ------------------------------------------------------------------------------------------

    def _segment(self, segment: int, known: Values, rows: IntArray) -> Choices:
        """Worth and cost of every plan of a segment, with the best fillings of its pools under each."""
        problem = self.problem
        paid = ~problem.csms.is_open & (problem.csms.segment == segment)
        cost = problem.pay_cost[segment][paid].sum(axis=0)[rows]
        worth = -self._points(1.0) * problem.plan_soft_cost[segment][rows]
        open_pools = self._open_pools(segment)
        for k, pool in enumerate(self.search.pools):
            if pool.segment == segment and k not in open_pools:
                worth = worth + known[k][frozenset()][rows]
        if not open_pools:
            return best(cost, worth, rows[:, None])
        pools = [known[k] for k in open_pools]
        parts = [
            self._with_positions(Choices(cost[[i]], worth[[i]], rows[[i], None]), pools)
            for i in np.flatnonzero(worth > -np.inf)
        ]
        if not parts:
            return Choices(np.zeros(0), np.zeros(0), np.zeros((0, 1 + len(open_pools)), dtype=np.int64))
        return best(
            np.concatenate([c.cost for c in parts]),
            np.concatenate([c.worth for c in parts]),
            np.concatenate([c.taken for c in parts]),
        )

    def _with_positions(self, plan: Choices, pools: Values) -> Choices:
        """A plan with every filling of the pools that have open positions."""
        total = plan
        for fillings in pools:
            total = both(total, self._fillings(int(plan.taken[0, 0]), fillings))
        return total

    def _fillings(self, plan: int, values: Mapping[frozenset[int], FloatArray]) -> Choices:
        problem, rule = self.problem, self.problem.rules["open_positions"]
        most = max(len(filled) for filled in values)
        cost, worth = np.zeros(len(values)), np.zeros(len(values))
        for k, (filled, value) in enumerate(values.items()):
            segment = int(problem.csms.segment[next(iter(filled))]) if filled else 0
            cost[k] = sum(float(problem.pay_cost[segment][j, plan]) for j in sorted(filled))
            unfilled = most - len(filled)
            worth[k] = value[plan] - (self._points(rule.price) * unfilled if rule.is_soft else 0.0)
        return best(cost, worth, np.arange(len(values))[:, None])

    def _open_pools(self, segment: int) -> list[int]:
        return [k for k, pool in enumerate(self.search.pools) if pool.segment == segment and pool.open_csms]

    def _points(self, usd: float) -> float:
        return 100.0 * usd / self.problem.total_arr
