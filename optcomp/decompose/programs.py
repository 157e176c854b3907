"""The program of one pool under any plan of its segment, built once and re-priced plan by plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from optcomp.decompose.pools import Pool
from optcomp.engine import Program
from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.compile import Compiled, compile_model
from optcomp.formulation.extract import chosen_pairs, column_of, load_error, owners
from optcomp.formulation.frame import Frame
from optcomp.formulation.scope import Scope
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray

Shape = tuple[frozenset[int], float, bool]  # positions filled, hours factor, pays renewals quarterly


@dataclass(frozen=True, slots=True)
class Built:
    """A pool's program for one shape, and where its pairs are."""

    frame: Frame
    compiled: Compiled
    pair_columns: IntArray


@dataclass
class PoolPrograms:
    """Programs of one pool. Plans with the same shape share all rows and differ in the worth of the pairs only.

    tangents : loads at which the load curve of a CSM got a further tangent
    """

    problem: Problem
    pool: Pool
    tangents: dict[int, set[float]] = field(default_factory=dict)
    _built: dict[Shape, Built] = field(default_factory=dict)
    _worth: dict[tuple[int, frozenset[int]], FloatArray] = field(default_factory=dict)

    def shape(self, plan: int, filled: frozenset[int]) -> Shape:
        """What a plan changes besides the worth of pairs: plans of one shape have the same feasible books."""
        effects = self.problem.effects[self.pool.segment]
        return filled, float(effects.hours_factor[plan]), bool(effects.pays_renewals_quarterly[plan])

    def built(self, plan: int, filled: frozenset[int]) -> Built:
        """The program's frame for a plan's shape; its objective is that of the first plan asked for."""
        shape = self.shape(plan, filled)
        if shape not in self._built:
            frame = formulate(self.problem, self._scope(plan, filled), Extras(self.tangents))  # type: ignore[arg-type]
            compiled = compile_model(frame.model)
            columns = column_of(compiled)
            pair_columns = np.array([columns[id(frame.model.x[k])] for k in frame.model.x], dtype=np.int64)
            self._built[shape] = Built(frame, compiled, pair_columns)
        return self._built[shape]

    def program(self, plan: int, filled: frozenset[int]) -> Program:
        """The pool's program under a plan."""
        built = self.built(plan, filled)
        objective = built.compiled.program.objective.copy()
        objective[built.pair_columns] = self.worth(plan, filled)
        return replace(built.compiled.program, objective=objective)

    def worth(self, plan: int, filled: frozenset[int]) -> FloatArray:
        """Worth of every pair under a plan, in points of NRR."""
        key = plan, filled
        if key not in self._worth:
            tables = self.built(plan, filled).frame.tables
            self._worth[key] = tables.value_at(self.pool.segment, plan)
        return self._worth[key]

    def owners(self, plan: int, filled: frozenset[int], point: FloatArray) -> dict[int, int]:
        """CSM row of every account row at a point."""
        built = self.built(plan, filled)
        return owners(built.frame, chosen_pairs(built.frame, built.compiled, point))

    def load_error(self, plan: int, filled: frozenset[int], point: FloatArray) -> float:
        """Points by which the program over-states a point, because tangents lie below the load curve."""
        built = self.built(plan, filled)
        return load_error(built.frame, built.compiled, point)[0]

    def refine(self, plan: int, filled: frozenset[int], point: FloatArray) -> None:
        """Give the load curve tangents at the loads of a point, in every program built from now on."""
        built = self.built(plan, filled)
        for csm, load in load_error(built.frame, built.compiled, point)[1].items():
            if load > 0.0:
                self.tangents.setdefault(csm, set()).add(load)
        self._built.clear()

    def _scope(self, plan: int, filled: frozenset[int]) -> Scope:
        is_there = [j for j in self.pool.csms if j not in self.pool.open_csms or j in filled]
        return Scope(
            self.pool.accounts,
            np.array(is_there, dtype=np.int64),
            {self.pool.segment: (plan,)},
            is_whole=False,
        )
