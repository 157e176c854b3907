"""The best books under the plans of a solution when some pairs are ruled out: a value that holds and a proved bound.

Where books fall apart into pools only the pool in question is solved again; the others stay as they are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from optcomp.decompose.pools import components, why_joint
from optcomp.decompose.structure import Row, with_rows
from optcomp.engine import Engine, Job, Limits, Program
from optcomp.evaluate import decide, evaluate
from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.compile import Compiled, compile_model
from optcomp.formulation.extract import chosen_pairs, column_of, load_error, owners, start_at
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import POINTS, Scope, whole_scope
from optcomp.hooks import Hook, hook_violations
from optcomp.problem import Problem
from optcomp.solution import Solution
from optcomp.types import FloatArray, IntArray

# Points of NRR within which a re-solve stops: a fiftieth of the usual gap, for single accounts make small differences.
GAP = 2e-4
ROUNDS = 4  # times that the load curve gets more tangents
NODES = 4000  # of the search tree, so that an answer does not hang on the machine


@dataclass(frozen=True, slots=True)
class Best:
    """The best that is possible: a solution with its value, and a bound that nothing exceeds, both in USD.

    low : -inf where no books were found; high : -inf where it is proved that there are none, inf: nothing is proved
    """

    low: float
    high: float
    solution: Solution | None


@dataclass
class Piece:
    """The program of what is decided together, with every tangent of the load curve that a question needed so far."""

    frame: Frame
    compiled: Compiled
    tangents: list[Row] = field(default_factory=list)

    @cached_property
    def columns(self) -> dict[int, int]:
        """Column of every variable, by the variable's id()."""
        return column_of(self.compiled)

    @cached_property
    def choices(self) -> IntArray:
        """Columns of pairs and open positions."""
        model = self.frame.model
        return np.array([self.columns[id(v)] for part in (model.x, model.o) for v in part.values()], dtype=np.int64)

    def pairs(self, account: int) -> IntArray:
        """Pairs of the unit that an account belongs to."""
        place = int(np.flatnonzero(self.frame.scope.accounts == account)[0])
        return self.frame.pairs_of_unit[int(self.frame.tables.account_unit[place])]

    def without(self, ruled_out: Sequence[int]) -> Program:
        """The program in which some pairs may not be used."""
        upper = self.compiled.program.upper.copy()
        upper[[self.columns[id(self.frame.model.x[k])] for k in ruled_out]] = 0.0
        return with_rows(replace(self.compiled.program, upper=upper), self.tangents)

    def refine(self, point: FloatArray) -> float:
        """Add tangents at the loads of a point; the points by which it was under-estimated there."""
        error, loads = load_error(self.frame, self.compiled, point)
        for j, load in loads.items():
            if load > 0.0:
                model = self.frame.model
                at = np.array([self.columns[id(model.rho[j])], self.columns[id(model.cost[j])]])
                self.tangents.append(Row(at, np.array([math.log(load) + 1.0, -1.0]), load))
        return error


@dataclass
class Resolver:
    """Solves the books of a solution again, under its plans and with the positions that it fills.

    seconds : for one question; gap : points of NRR within which it stops
    hooks : constraints of the user's own that hold as well
    """

    problem: Problem
    solution: Solution
    engine: Engine
    seconds: float = 5.0
    gap: float = GAP
    hooks: Sequence[Hook] = ()
    _pieces: dict[int, Piece] = field(default_factory=dict)
    _base: dict[int, Best] = field(default_factory=dict)
    _here: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.decision = decide(self.problem, self.solution)
        moves = self.problem.rules["moves"]
        is_limited = moves.is_hard or (moves.is_soft and moves["max"] > 0)
        self.is_joint = bool(why_joint(self.problem)) or is_limited or bool(self.hooks)
        self.value = evaluate(self.problem, self.solution).objective * self.problem.total_arr

    def base(self, account: int) -> Best:
        """The best under the same plans, without anything ruled out."""
        key = self._key(account)
        if key not in self._base:
            self._base[key] = self.best(account, [])
        return self._base[key]

    def forced(self, account: int, csm: int) -> Best:
        """The best when an account (and the family that moves with it) is with this CSM."""
        piece = self.piece(account)
        pairs, owner = piece.pairs(account), piece.frame.tables.pair_csm
        if csm not in owner[pairs]:
            return Best(-math.inf, -math.inf, None)
        return self.best(account, [int(k) for k in pairs if owner[k] != csm])

    def barred(self, account: int, csm: int) -> Best:
        """The best when an account is with anybody but this CSM."""
        piece = self.piece(account)
        return self.best(account, [int(k) for k in piece.pairs(account) if piece.frame.tables.pair_csm[k] == csm])

    # ---- programs ---------------------------------------------------------------------------------------------

    @cached_property
    def _pools(self) -> list[tuple[IntArray, IntArray]]:
        return components(self.problem)

    def _key(self, account: int) -> int:
        return 0 if self.is_joint else next(k for k, (rows, _) in enumerate(self._pools) if account in rows)

    def piece(self, account: int) -> Piece:
        """The program that decides about an account."""
        key = self._key(account)
        if key not in self._pieces:
            frame = formulate(self.problem, self._scope(key), Extras({}, [hook.add for hook in self.hooks]))
            self._pieces[key] = self._as_filled(Piece(frame, compile_model(frame.model)))
        return self._pieces[key]

    def _scope(self, key: int) -> Scope:
        plans = {s: (int(p),) for s, p in enumerate(self.decision.plan)}
        if self.is_joint:
            return replace(whole_scope(self.problem), plans=plans)
        accounts, csms = self._pools[key]
        is_there = ~self.problem.csms.is_open[csms] | self.decision.filled[csms]
        segment = int(self.problem.csms.segment[csms[0]])
        return Scope(accounts, csms[is_there], {segment: plans[segment]}, is_whole=False)

    def _as_filled(self, piece: Piece) -> Piece:
        """The program in which open positions are filled as the solution fills them."""
        program = piece.compiled.program
        lower, upper = program.lower.copy(), program.upper.copy()
        for j, variable in piece.frame.model.o.items():
            column = piece.columns[id(variable)]
            lower[column] = upper[column] = float(self.decision.filled[j])
        return Piece(piece.frame, replace(piece.compiled, program=replace(program, lower=lower, upper=upper)))

    def best(self, account: int, ruled_out: Sequence[int]) -> Best:
        """The best without some pairs of the account's program."""
        piece, here = self.piece(account), self._value_here(account)
        deadline = time.monotonic() + self.seconds
        low, high, found = -math.inf, math.inf, None
        for _ in range(ROUNDS):
            program = piece.without(ruled_out)
            start = start_at(piece.frame, piece.compiled, self.solution)
            start[program.upper == 0.0] = 0.0
            limits = Limits(max(deadline - time.monotonic(), 0.0), gap_absolute=0.5 * self.gap, max_nodes=NODES)
            outcome = self.engine.solve(Job(program, limits, start=start))
            high = min(high, self._usd(outcome.bound - here))
            if outcome.point is None:
                break
            solution = self._merged(piece, outcome.point)
            value = evaluate(self.problem, solution)
            is_broken = value.violations or hook_violations(self.hooks, self.problem, solution)
            if not is_broken and value.objective * self.problem.total_arr > low:
                low, found = value.objective * self.problem.total_arr, solution
            if piece.refine(outcome.point) <= 0.1 * self.gap or time.monotonic() >= deadline:
                break
        return Best(low, max(high, low), found)

    def _usd(self, points_more: float) -> float:
        """The value of the solution and so many points more, in USD."""
        return self.value + points_more * self.problem.total_arr / POINTS

    def _value_here(self, account: int) -> float:
        """What the program says the solution's own books are worth, load taken exactly, in points."""
        key = self._key(account)
        if key not in self._here:
            piece = self.piece(account)
            lower, upper = piece.compiled.program.lower.copy(), piece.compiled.program.upper.copy()
            start = start_at(piece.frame, piece.compiled, self.solution)
            lower[piece.choices] = upper[piece.choices] = start[piece.choices]
            outcome = self.engine.solve(Job(replace(piece.compiled.program, lower=lower, upper=upper), Limits(60.0)))
            # Where the solution does not fit its own program nothing can be said, and every bound is infinite.
            self._here[key] = -math.inf
            if outcome.point is not None and outcome.value is not None:
                self._here[key] = outcome.value - load_error(piece.frame, piece.compiled, outcome.point)[0]
        return self._here[key]

    def _merged(self, piece: Piece, point: FloatArray) -> Solution:
        """The solution with the books of a point in it."""
        problem, frame = self.problem, piece.frame
        owner = owners(frame, chosen_pairs(frame, piece.compiled, point))
        books = {problem.accounts.ids[a]: problem.csms.ids[j] for a, j in owner.items()}
        return replace(self.solution, csm_by_account={**self.solution.csm_by_account, **books})
