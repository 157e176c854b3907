"""The program under construction: the Pyomo model, its variables by meaning, and how a rule writes a row."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from optcomp.errors import Finding, InputError
from optcomp.formulation.scope import POINTS, Scope, Tables
from optcomp.formulation.sheet import Bounds, Sheet
from optcomp.problem import Problem
from optcomp.rules import Rule

Term = tuple[float, object]  # coefficient, Pyomo variable


@dataclass
class Frame:
    """What every builder works on.

    Variables of `model`: ``x[k]`` pair k is used; ``z[s, p]`` segment s is paid by plan p (where there is a choice);
    ``y[k, p]`` pair k is used under plan p (where there is a choice); ``o[j]`` open position j is filled (where that is
    decided); ``rho[j]`` hours of the book over hours of CSM j; ``cost[j]`` load term in points of NRR.
    `objective` collects (points, variable); `constant` the points that nothing can change; `hours_rows` the numbers
    of the rows that a plan's hours factor stretches.
    """

    problem: Problem
    scope: Scope
    tables: Tables
    model: Any  # a Pyomo model, which has no types, or a Sheet
    objective: list[Term] = field(default_factory=list)
    constant: float = 0.0
    hours_rows: list[int] = field(default_factory=list)

    # ---- variables --------------------------------------------------------------------------------------------

    def variables(self, keys: Iterable[Hashable], bounds: Bounds = (0.0, 1.0), *, whole: bool = False) -> Any:
        """New variables by key, to be set on the model; whole ones are 0 or 1."""
        if isinstance(self.model, Sheet):
            return self.model.variables(list(keys), bounds, whole=whole)
        limits = (lambda _, key: bounds(key)) if callable(bounds) else bounds
        return pyo.Var(list(keys), domain=pyo.Binary if whole else pyo.Reals, bounds=limits)

    def begin_rows(self) -> None:
        """Give rows and their slacks a place on the model, after the choices."""
        if isinstance(self.model, Sheet):
            self.model.begin_slacks()
        else:
            self.model.slacks = pyo.VarList(domain=pyo.NonNegativeReals)
            self.model.rows = pyo.ConstraintList()

    @property
    def num_rows(self) -> int:
        """Rows so far."""
        return self.model.num_rows if isinstance(self.model, Sheet) else len(self.model.rows)

    def _slack(self, most: float) -> object:
        """A new variable from 0 to `most`, for what a soft rule is bent by."""
        if isinstance(self.model, Sheet):
            return self.model.slack(most)
        slack = self.model.slacks.add()
        slack.setub(most)
        return slack

    # ---- variables by meaning ---------------------------------------------------------------------------------

    @cached_property
    def pairs_of_unit(self) -> list[np.ndarray]:
        """Pairs of every unit."""
        return _groups(self.tables.pair_unit, self.tables.num_units)

    @cached_property
    def pairs_of_csm(self) -> dict[int, np.ndarray]:
        """Pairs of every CSM in scope."""
        groups = _groups(self.tables.pair_csm, len(self.problem.csms.ids))
        return {int(j): groups[j] for j in self.scope.csms}

    def has_choice(self, segment: int) -> bool:
        """More than one plan may be chosen for the segment."""
        return len(self.scope.plans[segment]) > 1

    def csms_of(self, segment: int) -> list[int]:
        """CSMs in scope that belong to a segment."""
        return [int(j) for j in self.scope.csms if self.problem.csms.segment[j] == segment]

    def plan_terms(self, segment: int, weight_by_plan: Sequence[float]) -> tuple[list[Term], float]:
        """Sum of a weight per plan row over the chosen plan, as terms and a constant."""
        rows = self.scope.plans[segment]
        if not self.has_choice(segment):
            return [], float(weight_by_plan[rows[0]])
        return [(float(weight_by_plan[p]), self.model.z[segment, p]) for p in rows], 0.0

    def filled_terms(self, csm: int, weight: float) -> tuple[list[Term], float]:
        """Weight × (1 if the CSM is there, an unfilled position is not), as terms and a constant."""
        if csm in self.scope.optional:
            return [(weight, self.model.o[csm])], 0.0
        return [], weight

    def pair_terms(self, csm: int, weights: np.ndarray) -> list[Term]:
        """Sum of a weight per pair over the book of a CSM."""
        pairs, x = self.pairs_of_csm[csm], self.model.x
        return [(c, x[k]) for c, k in zip(weights[pairs].tolist(), pairs.tolist(), strict=True) if c]

    def pair_variables(self, account_id: str, csm_id: str) -> list[object]:
        """The variable that is 1 when the CSM looks after the account, in a list; an empty list where they may not.

        For constraints of users' own (`optcomp.hooks`). Accounts of a family that stays together share one variable.

        Raises
        ------
        InputError
            When the instance has no such account or CSM.
        """
        account, csm = self._row_of("account", account_id), self._row_of("CSM", csm_id)
        place = np.flatnonzero(self.scope.accounts == account)
        if not len(place) or csm not in self.pairs_of_csm:
            return []
        unit = self.tables.account_unit[place[0]]
        return [self.model.x[int(k)] for k in self.pairs_of_csm[csm] if self.tables.pair_unit[k] == unit]

    def _row_of(self, kind: str, name: str) -> int:
        rows = self.problem.account_index if kind == "account" else self.problem.csm_index
        if name not in rows:
            raise InputError(
                Finding("hook", f"A constraint of your own names the {kind} {name!r}", f"A {kind} of the instance")
            )
        return rows[name]

    # ---- rows -------------------------------------------------------------------------------------------------

    def row(self, terms: Iterable[Term], low: float | None, high: float | None, *, scale: float = 1.0) -> None:
        """low <= sum of terms <= high, divided by `scale` so that the solver sees numbers near 1 (conventions 5.7)."""
        coefs, variables = _split(terms, scale)
        if not variables:
            self._check_constant(low, high, scale)
            return
        lower = None if low is None else low / scale
        upper = None if high is None else high / scale
        if isinstance(self.model, Sheet):
            self.model.add_row(coefs, cast(list[int], variables), lower, upper)
            return
        body = LinearExpression(constant=0.0, linear_coefs=coefs, linear_vars=variables)
        self.model.rows.add(pyo.inequality(lower, body, upper) if lower != upper else (body == upper))

    def _check_constant(self, low: float | None, high: float | None, scale: float) -> None:
        too_low = low is not None and low / scale > 1e-9
        too_high = high is not None and high / scale < -1e-9
        if too_low or too_high:  # 0 lies outside: nothing can mend it
            self.row([(1.0, self.never)], 1.0, None)

    @cached_property
    def never(self) -> object:
        """A variable fixed at 0 by its bounds: a row that asks it to be 1 cannot hold."""
        self.model.never = self.variables([0], (0.0, 0.0))
        return self.model.never[0]

    def limit(self, rule: Rule, terms: Iterable[Term], high: float, *, scale: float, unit: float = 1.0) -> None:
        """sum of terms <= high, with a priced slack where the rule is soft.

        unit : natural units of the rule per unit of the terms (for example 1 / average ARR where a rule counts
            accounts)
        """
        terms = list(terms)
        if rule.is_soft:
            # No choice of 0s and 1s can miss the row by more; a bound on every column keeps bounds from duals finite.
            slack = self._slack(max(sum(max(c, 0.0) for c, _ in terms) - high, 0.0) / scale)
            terms.append((-scale, slack))
            self.objective.append((-rule.price * unit * scale * self.tables.points_per_usd, slack))
        self.row(terms, None, high, scale=scale)

    def at_least(self, rule: Rule, terms: Iterable[Term], low: float, *, scale: float, unit: float = 1.0) -> None:
        """sum of terms >= low, with a priced slack where the rule is soft."""
        self.limit(rule, [(-c, v) for c, v in terms], -low, scale=scale, unit=unit)

    def points(self, usd: float) -> float:
        """USD of year-end ARR as percentage points of NRR."""
        return usd * POINTS / self.problem.arr_scale


def _groups(labels: np.ndarray, count: int) -> list[np.ndarray]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, count))) if count else []


def _split(terms: Iterable[Term], scale: float) -> tuple[list[float], list[object]]:
    kept = [(c / scale, v) for c, v in terms if c]
    return [c for c, _ in kept], [v for _, v in kept]
