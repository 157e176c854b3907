"""What is known of one pool with one set of positions filled, under every plan of its segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.bounds import Prices, bounds, losses, prices
from optcomp.decompose.envelope import envelope, weighted_traits
from optcomp.decompose.pools import Pool
from optcomp.decompose.structure import Row, Structure, build_structure
from optcomp.engine import Outcome, Program
from optcomp.problem import Problem
from optcomp.types import BoolArray, FloatArray, IntArray

FIRST_NODES = 500
CELLS_AT_ONCE = 1_000_000  # plans × pairs that are scored at a time: about 8 MB an array, some 15 arrays at once


@dataclass(frozen=True, slots=True)
class Witness:
    """Row duals of a relaxation under a plan, as they can be told again.

    duals : those of the rows after the units' own; tangents : how many of the structure's it had; rows : numbers of the
        proven rows that it had
    """

    plan: int
    duals: FloatArray
    tangents: int
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What rests on the solver's word: no books of a plan are worth more points; `is_row` where it became a row.

    move_price : points charged for every move where it was proved; as a row it holds at every price
    """

    plan: int
    bound: float
    is_row: bool
    move_price: float = 0.0


@dataclass
class Knowledge:
    """Bounds and books of a pool, in points of NRR; arrays have one entry per plan of the segment.

    upper : no books are worth more; lower : the books number `book` are worth that
    move_price : points charged for every move; shared : structures that searches at several prices have in common
    rows_seen : proven rows that the plan's own linear program made use of, -1 before it was solved
    nodes : search nodes that the next try may take; failed : the solver crashed on it; spent : it can do no more for it
    few_failed : plans for which the few best pairs hold no books
    witnesses, claims : what the upper bounds rest on, for a certificate
    """

    problem: Problem
    pool: Pool
    filled: frozenset[int]
    move_price: float = 0.0
    shared: dict[tuple[int, frozenset[int], bool], Structure] = field(default_factory=dict)
    upper: FloatArray = field(init=False)
    lower: FloatArray = field(init=False)
    book: IntArray = field(init=False)
    rows_seen: IntArray = field(init=False)
    nodes: IntArray = field(init=False)
    failed: BoolArray = field(init=False)
    spent: BoolArray = field(init=False)
    books: list[IntArray] = field(default_factory=list)
    few_failed: set[int] = field(default_factory=set)
    witnesses: list[Witness] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    _proven: list[tuple[bool, float, Row]] = field(default_factory=list)
    _has_learnt: bool = False
    _prices: dict[int, Prices] = field(default_factory=dict)
    _general: dict[int, Prices] = field(default_factory=dict)
    _structures: dict[bool, Structure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.problem.plans[self.pool.segment])
        self.upper, self.lower = np.full(count, np.inf), np.full(count, -np.inf)
        self.book, self.rows_seen = np.full(count, -1), np.full(count, -1)
        self.nodes = np.full(count, FIRST_NODES)
        self.failed, self.spent = np.zeros(count, dtype=bool), np.zeros(count, dtype=bool)

    # ---- programs ---------------------------------------------------------------------------------------------

    @property
    def quarterly(self) -> BoolArray:
        """Plans that pay renewals quarterly, and so may have further rows."""
        return self.problem.effects[self.pool.segment].pays_renewals_quarterly

    @property
    def factors(self) -> FloatArray:
        """Hours factor of every plan."""
        return self.problem.effects[self.pool.segment].hours_factor

    def structure(self, plan: int) -> Structure:
        """The structure that a plan belongs to."""
        key = bool(self.quarterly[plan])
        if key not in self._structures:
            name = int(self.pool.csms[0]) if len(self.pool.csms) else -1 - int(self.pool.accounts[0]), self.filled, key
            if name not in self.shared:
                self.shared[name] = build_structure(self.problem, self.pool, self.filled, plan)
            self._structures[key] = replace(self.shared[name], move_price=self.move_price)
        return self._structures[key]

    def rows(self, plan: int) -> list[Row]:
        """Proven rows that hold under a plan: those of plans whose feasible books are no fewer."""
        return [self._proven[i][2] for i in self.row_numbers(plan)]

    def numbered_rows(self, numbers: Sequence[int]) -> list[Row]:
        """Proven rows by their numbers."""
        return [self._proven[i][2] for i in numbers]

    def tangents(self, quarterly: bool) -> tuple[tuple[int, float], ...]:
        """CSM row and load of every tangent of the load curve in one kind of program."""
        structure = self._structures.get(quarterly)
        if structure is None:
            return ()
        csm = {column: j for j, column in structure.load_columns.items()}
        return tuple((csm[int(row.columns[0])], row.bound) for row in structure.tangents)

    def row_numbers(self, plan: int) -> list[int]:
        """Numbers of the proven rows that hold under a plan.

        With rows that were learnt at another price its first relaxation has none: some duals shall hold by arithmetic
        alone, without the word of branch and bound.
        """
        if self.rows_seen[plan] < 0 and self._has_learnt:
            return []
        return [i for i, (quarterly, factor, _) in enumerate(self._proven) if self.covers(quarterly, factor, plan)]

    def covers(self, quarterly: bool, factor: float, plan: int) -> bool:
        """Books that are feasible under the plan are feasible, at the same prices, where the row was proved."""
        if quarterly != bool(self.quarterly[plan]):
            return False
        fewer_books = factor < self.factors[plan] and not self.problem.rules["hours"].is_soft
        return fewer_books or factor == float(self.factors[plan])

    def covered(self, rows: Sequence[int], plans: IntArray) -> BoolArray:
        """Plans under which all of these proven rows hold."""
        ok = np.ones(len(plans), dtype=bool)
        may_be_fewer = not self.problem.rules["hours"].is_soft
        for quarterly, factor, _ in (self._proven[i] for i in rows):
            same = (self.factors[plans] == factor) | (may_be_fewer & (self.factors[plans] > factor))
            ok &= same & (self.quarterly[plans] == quarterly)
        return ok

    def add_row(self, plan: int, program: Program, bound: float) -> None:
        """Take a bound that was proved for a plan's program as a row for all plans that it covers."""
        row = self.structure(plan).row_of(program, bound)
        self._proven.append((bool(self.quarterly[plan]), float(self.factors[plan]), row))

    # ---- learning ---------------------------------------------------------------------------------------------

    def is_stale(self, plan: int) -> bool:
        """Its own linear program was not solved with all the rows that hold."""
        return int(self.rows_seen[plan]) < len(self.rows(plan))

    def take_relaxation(self, plan: int, program: Program, outcome: Outcome, plans: IntArray) -> None:
        """Learn from a plan's linear relaxation: its bound, and through its duals a bound for all `plans`."""
        duals = outcome.row_duals
        structure = self.structure(plan)
        self.rows_seen[plan] = program.num_rows - structure.program.num_rows - len(structure.tangents)
        self.upper[plan] = min(self.upper[plan], outcome.bound, self.simple_bound(plan))
        if self.upper[plan] == -np.inf:  # no books at all: so under every plan with no more feasible books
            covered = [p for p in plans if self.covers(bool(self.quarterly[plan]), float(self.factors[plan]), int(p))]
            self.upper[covered] = -np.inf
            self.claims.append(Claim(plan, -np.inf, is_row=False, move_price=self.move_price))
        if duals is None:
            return
        price = self._prices[plan] = prices(structure, program, duals)
        near = plans[self.quarterly[plans] == self.quarterly[plan]]
        rows = self.row_numbers(plan)[: self.rows_seen[plan]]
        after_units = duals[structure.tables.num_units :]
        tangents = program.num_rows - structure.program.num_rows - len(rows)
        self.witnesses.append(Witness(plan, after_units, tangents, tuple(rows)))
        if rows:  # the prices of rows that hold for some plans only
            near = near[self.covered(rows, near)]
        else:
            self._general[plan] = price
        self._tighten(structure, price, near)

    def _tighten(self, structure: Structure, price: Prices, near: IntArray) -> None:
        """Bound plans of one structure by prices."""
        step = max(1, CELLS_AT_ONCE // max(len(structure.pair_columns), 1))
        for first in range(0, len(near), step):
            part = near[first : first + step]
            limit = bounds(structure, price, structure.worth(part), self.factors[part])
            self.upper[part] = np.minimum(self.upper[part], limit)

    def bound_simply(self, plans: IntArray) -> None:
        """Bound plans without any solver: with no prices at all everybody gets the best pair."""
        for quarterly in (False, True):
            own = plans[(self.quarterly[plans] == quarterly) & (self.upper[plans] == np.inf)]
            if len(own):
                program = self.structure(int(own[0])).program_at(int(own[0]))
                structure = self.structure(int(own[0]))
                self._tighten(structure, prices(structure, program, np.zeros(program.num_rows)), own)

    def bound_groups(self, parts: list[IntArray]) -> None:
        """Bound groups of plans at once, by an envelope of each and all prices that hold for every plan."""
        for quarterly in (False, True):
            own = [part for part in parts if bool(self.quarterly[part[0]]) == quarterly]
            known = [(p, price) for p, price in self._general.items() if bool(self.quarterly[p]) == quarterly]
            if not own or not known:
                continue
            structure = self.structure(known[0][0])
            step = max(1, CELLS_AT_ONCE // max(len(structure.pair_columns), 1))
            for first in range(0, len(own), step):
                some = own[first : first + step]
                numbers = envelope(self.problem, self.pool.segment, some)
                worth = structure.worth_of(numbers)
                limits = [bounds(structure, price, worth, numbers.hours_factor) for _, price in known]
                for part, limit in zip(some, np.min(limits, axis=0), strict=True):
                    self.upper[part] = np.minimum(self.upper[part], limit)

    def bound_again(self, plans: IntArray) -> None:
        """Bound plans by the prices of the priced plan that is nearest to each."""
        numbers = self.problem.plan_numbers(self.pool.segment, np.arange(len(self.upper)))
        traits = weighted_traits(numbers)
        for quarterly in (False, True):
            priced = np.array([p for p in self._general if bool(self.quarterly[p]) == quarterly])
            own = plans[self.quarterly[plans] == quarterly]
            if not len(priced) or not len(own):
                continue
            distance = np.abs(traits[own][:, None, :] - traits[priced][None, :, :]).sum(axis=2)
            nearest = priced[distance.argmin(axis=1)]
            for p in np.unique(nearest):
                self._tighten(self.structure(int(p)), self._general[int(p)], own[nearest == p])

    def take_bound(self, plan: int, program: Program, bound: float) -> None:
        """Learn a bound that branch and bound proved, which is a row for all plans it covers."""
        if bound < self.upper[plan]:
            self.upper[plan] = bound
            self.claims.append(Claim(plan, bound, is_row=bool(np.isfinite(bound)), move_price=self.move_price))
            if np.isfinite(bound):
                self.add_row(plan, program, bound)
                self.rows_seen[plan] = len(self.rows(plan))

    def take_books(self, plan: int, program: Program, point: FloatArray, plans: IntArray) -> float:
        """Learn books found under a plan, and price them under all `plans`; the load term is taken exactly.

        Returns the points by which the program over-states them.
        """
        structure = self.structure(plan)
        used, error = structure.used(point), structure.load_error(point)
        of_pairs = float(program.objective[structure.pair_columns[used]].sum())
        rest = float(program.objective @ point) + program.offset - of_pairs - error
        same = plans[self._same_price(plan, plans, structure.loads(used))]
        value = structure.worth(same, used).sum(axis=1) + rest
        better = value > self.lower[same]
        if better.any():
            self.books.append(structure.csm_of_unit(point))
            self.lower[same[better]] = value[better]
            self.book[same[better]] = len(self.books) - 1
        return error

    def worth_of_books(self, plan: int) -> FloatArray:
        """Points that the books known for a plan bring under every plan; -inf where they are not priced alike."""
        structure, everything = self.structure(plan), np.arange(len(self.lower))
        used = np.flatnonzero(self.books[self.book[plan]][structure.tables.pair_unit] == structure.tables.pair_csm)
        same = everything[self._same_price(plan, everything, structure.loads(used))]
        rest = self.lower[plan] - structure.worth(np.array([plan]), used).sum()
        value = np.full(len(everything), -np.inf)
        step = max(1, CELLS_AT_ONCE // max(len(used), 1))
        for first in range(0, len(same), step):
            some = same[first : first + step]
            value[some] = structure.worth(some, used).sum(axis=1) + rest
        return value

    def moves_of(self, csm_of_unit: IntArray, plan: int) -> int:
        """Moves that the moves rule counts in books."""
        tables = self.structure(plan).tables
        return int(tables.moves[csm_of_unit[tables.pair_unit] == tables.pair_csm].sum() + 0.5)

    def learn_books(self, other: Knowledge) -> None:
        """Take the books that are known at another price on moves, each worth what it is at this one."""
        plans = np.flatnonzero(other.book >= 0)
        numbers, which = np.unique(other.book[plans], return_inverse=True)
        moves = [self.moves_of(other.books[n], int(plans[np.argmax(which == i)])) for i, n in enumerate(numbers)]
        value = other.lower[plans] + (other.move_price - self.move_price) * np.array(moves, dtype=float)[which]
        better = value > self.lower[plans]
        if better.any():
            self.book[plans[better]] = len(self.books) + which[better]
            self.lower[plans[better]] = value[better]
            self.books += [other.books[n] for n in numbers]

    def learn_rows(self, other: Knowledge) -> None:
        """Take what was proved at another price on moves; as a row it holds at every price."""
        rows = [claim for claim in other.claims if claim.is_row]
        for claim, proven in zip(rows, other._proven, strict=True):
            if claim.move_price == other.move_price:  # what it learnt itself is learnt from its source
                self.claims.append(claim)
                self._proven.append(proven)
                self._has_learnt = True

    def _same_price(self, plan: int, plans: IntArray, loads: FloatArray) -> BoolArray:
        """Plans under which the same books are feasible and bend soft rules by the same amounts."""
        same = (self.quarterly[plans] == self.quarterly[plan]) & (self.factors[plans] == self.factors[plan])
        rule = self.problem.rules["hours"]
        if rule.is_soft:
            return np.asarray(same)
        ceiling = rule["ceiling"] if rule.is_hard else np.inf
        fits = loads.max(initial=0.0) * self.factors[plans] <= ceiling
        return np.asarray(same | (fits & (self.quarterly[plans] == self.quarterly[plan])))

    def candidates(self, plan: int) -> BoolArray | None:
        """Pairs that can be in better books than those known, by their reduced cost; None when nothing is known."""
        return self.candidates_above(plan, float(self.lower[plan]))

    def candidates_above(self, plan: int, least: float) -> BoolArray | None:
        """Pairs that can be in books worth more than `least` points, moves charged; None when nothing is known.

        A pair whose loss takes the bound of the plan's relaxation below that cannot be part of such books.
        """
        loss = self.losses(plan)
        if loss is None or not np.isfinite(least):
            return None
        structure, price = self.structure(plan), self._prices[plan]
        limit = bounds(structure, price, self.worth_of(plan), self.factors[[plan]])[0]
        return np.asarray(loss <= limit - least + 1e-9)

    def losses(self, plan: int) -> FloatArray | None:
        """Loss of every pair against the best of its unit at the duals of the plan's own relaxation."""
        price = self._prices.get(plan)
        if price is None:
            return None
        return losses(self.structure(plan), price, self.worth_of(plan)[0], float(self.factors[plan]))

    def worth_of(self, plan: int) -> FloatArray:
        """Worth of every pair under one plan, shape (1, pairs)."""
        return self.structure(plan).worth(np.array([plan]))

    def owner(self, plan: int) -> dict[int, int]:
        """CSM row of every account row in the best known books of a plan."""
        csm_of_unit = self.books[self.book[plan]]
        tables = self.structure(plan).tables
        return dict(zip(tables.scope.accounts.tolist(), csm_of_unit[tables.account_unit].tolist(), strict=True))

    def simple_bound(self, plan: int) -> float:
        """A bound without any solver: everybody's best pair, and the most that light loads can be worth (rho = 1/e)."""
        tables = self.structure(plan).tables
        best = np.full(tables.num_units, -np.inf)
        np.maximum.at(best, tables.pair_unit, self.worth_of(plan)[0])
        kappa = float(self.problem.kappa[self.pool.segment])
        light = kappa * float(self.problem.csms.hours[tables.scope.csms].sum()) / np.e
        return float(best.sum()) + light * tables.points_per_usd
