r"""A certificate checked again, with numpy alone: do its prices prove the bound?

Row duals bound a pool under any plan, whatever they are (`bounds`), so nothing has to be believed: the pool's rows are
built anew from the instance, and what the duals give is computed. With :math:`\lambda` the prices of money,

.. math:: \max_{p, f} \sum_s \Big[\sum_{k \in s} U_k(p_s, f_k) - \lambda\,\text{cost}(p_s, f_s)\Big] + \lambda B

leaves out all choices that cannot reach the bound; those few that are left are counted one by one under the budget.
This is done twice: with what follows from duals alone, and with what branch and bound claimed on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from optcomp.decompose.bounds import Prices, bounds, prices
from optcomp.decompose.certificate import Certificate, CertificateError, Part
from optcomp.decompose.count import best_of
from optcomp.decompose.envelope import envelope, groups
from optcomp.decompose.knowledge import CELLS_AT_ONCE, Knowledge, Witness
from optcomp.decompose.money import Money, Values
from optcomp.decompose.pools import Pool, split
from optcomp.decompose.search import MANY, plans_of_all
from optcomp.decompose.structure import Row, Structure
from optcomp.problem import PlanNumbers, Problem
from optcomp.types import FloatArray, IntArray

# Points by which what is computed here may exceed the bound: the solver's tolerance in the master, and sums of floats.
TOLERANCE = 1e-4
# Choices that come within this many points of the bound are counted; below it rounding decides.
CLOSE = 1e-6
FEW = 500  # plans of a segment up to which each gets the bound that needs no prices


@dataclass(frozen=True, slots=True)
class Proof:
    """What a certificate proves, in points of NRR.

    bound : with everything; arithmetic : without the claims of branch and bound; both at least `claimed`
    num_prices : relaxations whose duals were used; num_claims : bounds that rest on the solver's word
    """

    claimed: float
    bound: float
    arithmetic: float
    num_prices: int
    num_claims: int

    @property
    def holds(self) -> bool:
        """It proves what it claims."""
        return self.bound <= self.claimed + TOLERANCE

    @property
    def on_claims(self) -> float:
        """Points of the bound that rest on branch and bound."""
        return max(self.arithmetic - self.bound, 0.0)


def verify(problem: Problem, certificate: Certificate) -> Proof:
    """What a certificate proves about a problem.

    Raises
    ------
    CertificateError
        When it does not belong to the problem.
    """
    problem = _with_priced_moves(problem, certificate)
    pools = split(problem)
    if certificate.plans != tuple(len(rows) for rows in problem.plans):
        raise CertificateError("It is about another menu.")
    checked = [_Checked(problem, pools, part, certificate.move_price) for part in certificate.parts]
    values = _values(problem, pools, checked)
    charge = certificate.move_price * certificate.move_limit
    master = _Master(Money(problem, pools), certificate, certificate.bound - charge)
    plans = plans_of_all(problem)
    if max(len(rows) for rows in plans) > MANY:
        parts = [groups(problem, s, rows) for s, rows in enumerate(plans)]
        for known in checked:
            known.bound_groups(parts[known.segment])
        plans = master.left(values, plans)
    for known in checked:
        known.bound_linear(plans[known.segment])
    plans = master.left(values, plans)
    arithmetic = master.bound(values, plans)
    for known in checked:
        known.take_claims(plans[known.segment])
    bound = master.bound(values, master.left(values, plans))
    bound = bound + charge
    is_joint = certificate.jointly < certificate.bound
    if is_joint and bound <= certificate.bound + TOLERANCE:
        bound = certificate.jointly
    return Proof(
        claimed=min(certificate.bound, certificate.jointly),
        bound=bound,
        arithmetic=arithmetic + charge,
        num_prices=sum(len(part.witnesses) for part in certificate.parts),
        num_claims=sum(len(part.claims) for part in certificate.parts) + is_joint,
    )


def _with_priced_moves(problem: Problem, certificate: Certificate) -> Problem:
    """The problem that the certificate is about: a limit on moves is replaced by their price."""
    rule = problem.rules["moves"]
    if certificate.move_price == 0.0 and certificate.move_limit == 0.0 and not rule.is_hard:
        return problem
    dearest = rule.price * 100.0 / problem.arr_scale if rule.is_soft else np.inf
    if not (rule.is_on and certificate.move_limit == rule["max"] and 0.0 <= certificate.move_price <= dearest):
        raise CertificateError("It is about another limit on moves.")
    return without_moves(problem)


def without_moves(problem: Problem) -> Problem:
    """The problem without a rule on moves."""
    return problem.with_moves(replace(problem.rules["moves"], state="off"))


def _values(problem: Problem, pools: Sequence[Pool], checked: Sequence[_Checked]) -> Values:
    """Upper bounds by pool and filling, which the checks below tighten in place; infinite where nothing is said."""
    must_fill = problem.rules["open_positions"].is_hard
    values = [
        {
            f: np.full(len(problem.plans[pool.segment]), np.inf)
            for f in pool.fillings
            if not must_fill or len(f) == len(pool.open_csms)
        }
        for pool in pools
    ]
    for known in checked:
        if known.filled in values[known.pool]:
            values[known.pool][known.filled] = known.upper
    return values


class _Master:
    """Bounds on choices of plans and fillings, by the certificate's prices of money."""

    def __init__(self, money: Money, certificate: Certificate, claimed: float) -> None:
        if certificate.money.shape != (len(money.money_rules),) or not np.isfinite(certificate.money).all():
            raise CertificateError("Its prices of money are not those of the rules.")
        self._money, self._price = money, money.valid(certificate.money)
        self._enough = claimed + CLOSE

    def left(self, values: Values, plans: Sequence[IntArray]) -> list[IntArray]:
        """Plans that may be part of a choice above the bound; none in any segment where there is no such choice."""
        choices = self._money.choices(values, plans)
        if choices is None:
            return [rows[:0] for rows in plans]
        ceilings = self._money.ceilings_at(choices, plans, self._price)
        left = [rows[line > self._enough] for rows, line in zip(plans, ceilings, strict=True)]
        return left if all(map(len, left)) else [rows[:0] for rows in plans]

    def bound(self, values: Values, plans: Sequence[IntArray]) -> float:
        """The most that a choice among these plans is worth, and at least the bound that is to be proved."""
        if not all(map(len, plans)):
            return self._enough - CLOSE
        choices = self._money.choices(values, plans)
        if choices is None:
            return self._enough - CLOSE
        found = best_of(self._money, choices, self._price, self._enough)
        if found is None:  # too many to count: what the prices of money leave
            ceilings = self._money.ceilings_at(choices, plans, self._price)
            found = max(float(line.max()) for line in ceilings)
        return found if found > self._enough else self._enough - CLOSE


class _Checked:
    """The bounds on one pool with positions filled that its part of the certificate proves."""

    def __init__(self, problem: Problem, pools: Sequence[Pool], part: Part, move_price: float) -> None:
        if not 0 <= part.pool < len(pools) or part.filled not in pools[part.pool].fillings:
            raise CertificateError("It is about pools that the instance does not have.")
        self.pool, self.filled = part.pool, part.filled
        self.segment = pools[part.pool].segment
        self._problem, self._part = problem, part
        self._known = Knowledge(problem, pools[part.pool], part.filled, move_price)
        self.upper = self._known.upper
        self._add_rows()
        self._general: list[tuple[bool, Prices]] = []
        self._particular: list[tuple[Witness, Prices]] = []
        for kind in np.unique(self._known.quarterly):
            plan = int(np.flatnonzero(self._known.quarterly == kind)[0])
            self._take(Witness(plan, np.zeros(self._num_rows(plan)), 0, ()))  # no prices at all prove something too
        for witness in part.witnesses:
            self._check(witness)
            self._take(witness)

    def _num_rows(self, plan: int) -> int:
        structure = self._known.structure(plan)
        return structure.program.num_rows - structure.tables.num_units

    def _check(self, witness: Witness) -> None:
        plan = self._plan(witness.plan)
        count = self._num_rows(plan) + witness.tangents + len(witness.rows)
        tangents = self._part.tangents[bool(self._known.quarterly[plan])]
        is_known = set(witness.rows) <= set(self._known.row_numbers(plan))
        if not (0 <= witness.tangents <= len(tangents) and len(witness.duals) == count and is_known):
            raise CertificateError("Its prices do not belong to the rows of the pools.")

    def _plan(self, plan: int) -> int:
        if not 0 <= plan < len(self.upper):
            raise CertificateError("It names plans that are not on the menu.")
        return plan

    def _add_rows(self) -> None:
        """Every claim that is a row, as the search had it."""
        for claim in self._part.claims:
            plan = self._plan(claim.plan)
            if np.isnan(claim.bound) or claim.bound == np.inf or not 0.0 <= claim.move_price < np.inf:
                raise CertificateError("One of its claims is not a number.")
            if claim.is_row:
                priced = replace(self._known.structure(plan), move_price=claim.move_price)
                self._known.add_row(plan, priced.program_at(plan), claim.bound)

    def _take(self, witness: Witness) -> None:
        """Prices from duals: the rows of the pool come from the instance, and only the duals from the certificate."""
        structure = self._structure(witness)
        rows = self._known.numbered_rows(witness.rows)
        duals = np.append(np.zeros(structure.tables.num_units), witness.duals)
        price = prices(structure, structure.program_at(witness.plan, rows), duals)
        if witness.rows:
            self._particular.append((witness, price))
        else:
            self._general.append((bool(self._known.quarterly[witness.plan]), price))

    def _structure(self, witness: Witness) -> Structure:
        structure = self._known.structure(witness.plan)
        loads = self._part.tangents[bool(self._known.quarterly[witness.plan])][: witness.tangents]
        return replace(structure, tangents=[_tangent(structure, csm, load) for csm, load in loads])

    # ---- bounds -----------------------------------------------------------------------------------------------

    def bound_groups(self, parts: Sequence[IntArray]) -> None:
        """Bound groups of plans by an envelope of each."""
        for kind in (False, True):
            own = [part for part in parts if bool(self._known.quarterly[part[0]]) == kind]
            price = [p for k, p in self._general if k == kind]
            for some in _portions(own, self._known) if own else ():
                numbers = envelope(self._problem, self.segment, list(some))
                limits = _least(self._known.structure(int(some[0][0])), price, numbers)
                for part, limit in zip(some, limits, strict=True):
                    self.upper[part] = np.minimum(self.upper[part], limit)

    def bound_linear(self, plans: IntArray) -> None:
        """Bound plans one by one by all prices that hold for every plan."""
        if len(plans) <= FEW:
            for p in plans.tolist():
                self.upper[p] = min(self.upper[p], self._known.simple_bound(p))
        for kind in (False, True):
            self._tighten(plans[self._known.quarterly[plans] == kind], [p for k, p in self._general if k == kind])

    def take_claims(self, plans: IntArray) -> None:
        """Add what branch and bound claimed, and the prices that make use of it."""
        known = self._known
        for claim in self._part.claims:
            kind, factor = bool(known.quarterly[claim.plan]), float(known.factors[claim.plan])
            wide = claim.bound == -np.inf
            if not wide and claim.move_price != known.move_price:
                continue  # of another price on moves: it counts as a row alone
            for p in [q for q in plans.tolist() if known.covers(kind, factor, q)] if wide else [claim.plan]:
                self.upper[p] = min(self.upper[p], claim.bound)
        for witness, price in self._particular:
            self._tighten(plans[known.covered(witness.rows, plans)], [price])

    def _tighten(self, plans: IntArray, price: Sequence[Prices]) -> None:
        for some in _portions([plans[[i]] for i in range(len(plans))], self._known) if len(plans) else ():
            part = np.concatenate(some)
            limits = _least(self._known.structure(int(part[0])), price, self._problem.plan_numbers(self.segment, part))
            self.upper[part] = np.minimum(self.upper[part], limits)


def _tangent(structure: Structure, csm: int, load: float) -> Row:
    if csm not in structure.cost_columns or not 0.0 < load < np.inf:
        raise CertificateError("It has a tangent of the load curve at no load.")
    return structure.tangent(csm, load)


def _portions(parts: Sequence[IntArray], known: Knowledge) -> list[Sequence[IntArray]]:
    """The parts, so many at a time as fit into memory."""
    size = max(len(known.structure(int(parts[0][0])).pair_columns), 1)
    step = max(1, CELLS_AT_ONCE // size)
    return [parts[first : first + step] for first in range(0, len(parts), step)]


def _least(structure: Structure, price: Sequence[Prices], numbers: PlanNumbers) -> FloatArray:
    """The least of the bounds that these prices prove for plans with these numbers."""
    worth = structure.worth_of(numbers)
    limits = [bounds(structure, p, worth, numbers.hours_factor) for p in price]
    return np.min(limits, axis=0) if limits else np.full(len(worth), np.inf)
