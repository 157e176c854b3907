"""The whole audit of a history: every part computed once, when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from optcomp.design_review import review
from optcomp.errors import Finding
from optcomp.learn.audit.book import BookPay, book_pay
from optcomp.learn.audit.cliffs import Cliff, Field, cliffs
from optcomp.learn.audit.components import Bench, Judged, judge
from optcomp.learn.audit.distribution import Ahead, Seen, ahead, seen
from optcomp.learn.audit.equal_effort import EqualEffort, equal_effort
from optcomp.learn.audit.expected import Outcomes, check_controls, expect, health_as_dealt
from optcomp.learn.audit.fairness import Fairness, fairness
from optcomp.learn.audit.patterns import Case
from optcomp.learn.audit.payline import Line, lines
from optcomp.learn.audit.quartiles import Quartiles, quartiles
from optcomp.learn.audit.replay import Replay, replay
from optcomp.learn.audit.scores import Cells, Scores, cells_of, score
from optcomp.learn.audit.screens import Screen, screens
from optcomp.learn.history import History
from optcomp.learn.history_checks import SHORTEST_MONTHS
from optcomp.problem import Problem
from optcomp.types import FloatArray

NOT_A_VERDICT = (
    "Support for a decision about the plan, not a verdict on a person. A score is what was left once the book as dealt "
    "was taken out; with few accounts most of it is luck, and what nobody recorded stays in it."
)


@dataclass(frozen=True)
class Audit:
    """A history held against the problem as it stands today.

    seed : of the bootstraps and of everything that is drawn; controls : facts of accounts that are taken out as well
    """

    history: History
    problem: Problem
    seed: int = 0
    controls: tuple[str, ...] = ()

    @cached_property
    def outcomes(self) -> Outcomes:
        """Observed and expected, account-quarter by account-quarter."""
        return expect(self.history, self.controls)

    @cached_property
    def health(self) -> FloatArray:
        """Health of each account-quarter as dealt."""
        return health_as_dealt(self.history)

    @cached_property
    def cells(self) -> Cells:
        """The same by CSM-quarter."""
        return cells_of(self.history, self.outcomes, self.health)

    @cached_property
    def scores(self) -> Scores:
        """Everybody against the book as dealt."""
        return score(self.history, self.cells)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """What was paid."""
        return lines(self.history)

    @cached_property
    def components(self) -> tuple[Judged, ...]:
        """Components with their labels."""
        bench = Bench(self.history, self.cells, self.scores, self.seed)
        return judge(bench, self.lines, self.alignment)

    @cached_property
    def again(self) -> Replay:
        """The history played again with people of three levels of skill."""
        return replay(self.history, self.cells, self.outcomes, self.lines, self.seed)

    @cached_property
    def cliffs(self) -> tuple[Cliff, ...]:
        """Full pay that luck decides."""
        return cliffs(Field(self.history, self.outcomes, self.lines, self.again, self.problem))

    @cached_property
    def spread(self) -> tuple[Seen, ...]:
        """How pay was spread."""
        return seen(self.history, self.lines)

    @cached_property
    def ahead(self) -> tuple[Ahead, ...]:
        """What today's plan would pay next year."""
        return ahead(self.problem, self.seed)

    @cached_property
    def book_pay(self) -> BookPay:
        """Dollars for the book."""
        return book_pay(self.history, self.lines, [c.book for c in self.components], self.scores.csm)

    @cached_property
    def fairness(self) -> Fairness:
        """How well the book predicts pay, before and after fair targets."""
        return fairness(self.history, self.cells, self.lines, self.health, self.seed)

    @cached_property
    def equal_effort(self) -> EqualEffort:
        """Pay of people of the same skill."""
        return equal_effort(self.history, self.cells, self.lines, self.again, seed=self.seed)

    @cached_property
    def quartiles(self) -> Quartiles:
        """Pay against performance."""
        return quartiles(self.history, self.cells, self.lines)

    @cached_property
    def screens(self) -> tuple[Screen, ...]:
        """Patterns worth a look."""
        return screens(Case(self.history, self.outcomes, self.cells, self.lines, self.scores, self.seed))

    @cached_property
    def design(self) -> tuple[Finding, ...]:
        """What the design rules say of today's plans, people and books."""
        return review(self.problem)

    @cached_property
    def alignment(self) -> Mapping[str, float]:
        """Cosine of what each metric pulls at and what NRR needs, by the response model (SCIENCE 1.2)."""
        response, cells, out = self.problem.response, self.history.account_quarters, self.outcomes
        due, arr = cells.due[out.rows], cells.arr_start[out.rows]
        chance, growth = out.renew[due], out.expand
        size = float(out.expected["EXP"].sum() / max(float((arr * growth).sum()), 1e-9))
        kept = _mean(arr[due], chance * (1.0 - chance)) * np.array(response.outcome.renew)
        added = 4.0 * size * _mean(arr, growth * (1.0 - growth)) * np.array(response.outcome.expand)
        need = kept + added
        return {line.metric: _cosine(np.array(response.effort.loading[line.metric]), need) for line in self.lines}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What limits everything that is said."""
        short = self.history.months < SHORTEST_MONTHS
        text = f"Only {self.history.months} months of history: below {SHORTEST_MONTHS} all of this is a mere hint."
        return (text,) if short else ()


def _mean(weight: FloatArray, values: FloatArray) -> float:
    return float((weight * values).sum() / max(float(weight.sum()), 1e-9))


def _cosine(one: FloatArray, other: FloatArray) -> float:
    size = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / size if size > 0.0 else 0.0


def audit(history: History, problem: Problem, *, seed: int = 0, controls: Sequence[str] = ()) -> Audit:
    """The audit of a history; its parts are computed when they are asked for.

    controls : facts of accounts to take out of everybody's results, of `expected.CONTROLS`

    Raises
    ------
    InputError
        When a control is a result of the plan, or no fact of an account.
    """
    check_controls(controls)
    return Audit(history, problem, seed, tuple(dict.fromkeys(controls)))
