"""One world with one history and one prior: what is true, what is believed, what each way of choosing takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optcomp.assemble import assemble
from optcomp.cautious import blended, hardest_weights
from optcomp.learn.draws import belief_of
from optcomp.learn.fit import Fit, fit
from optcomp.learn.held_out import Foretold, until
from optcomp.learn.history import History
from optcomp.learn.priors import Priors
from optcomp.plan import Plan
from optcomp.problem import Problem
from optcomp.studies.guardrails import without
from optcomp.types import BoolArray, FloatArray
from optcomp.world.world import Past

LARGEST_WEIGHT = 0.5
BINS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.93, 0.96)  # ends of bins of predicted chances
Choice = tuple[int, ...]  # plan row of every segment


class Truth:
    """What every plan would really bring at today's books, exactly; money in USD."""

    def __init__(self, past: Past) -> None:
        self.past = past
        self.problem: Problem = without(assemble(past.instance()), "max_weight")
        facts = self.problem.accounts
        self.owner = {a: self.problem.csms.ids[j] for a, j in zip(facts.ids, facts.csm, strict=True)}
        self.segment = self.problem.csms.segment[facts.csm]

    @cached_property
    def values(self) -> list[FloatArray]:
        """Year-end ARR of every segment's books under every plan on its menu, shape (plans,)."""
        longest = max(map(len, self.problem.plans))
        table = np.array([self.of([min(k, len(p) - 1) for p in self.problem.plans]) for k in range(longest)])
        return [table[: len(p), s] for s, p in enumerate(self.problem.plans)]

    def of(self, rows: Sequence[int]) -> FloatArray:
        """Year-end ARR by segment under these plans."""
        plans = {s.name: self.problem.plans[i][rows[i]] for i, s in enumerate(self.problem.segments)}
        return self.of_plans(plans)

    def of_plans(self, plans: Mapping[str, Plan]) -> FloatArray:
        """The same for any plans."""
        ends = self.past.true_nrr(plans, self.owner).arr_end
        return np.bincount(self.segment, ends, minlength=len(self.problem.segments))

    def points(self, usd: float) -> float:
        """Points of NRR."""
        return 100.0 * usd / self.problem.total_arr

    @cached_property
    def costs(self) -> list[FloatArray]:
        """Pay of every segment's CSMs under every plan."""
        csms = self.problem.csms
        return [self.problem.pay_cost[s][csms.segment == s].sum(axis=0) for s in range(len(self.problem.segments))]

    @cached_property
    def guarded(self) -> list[BoolArray]:
        """Plans that the guardrail on weights leaves, and today's."""
        heaviest = [[max((c.weight for c in p.mix.components), default=0.0) for p in ps] for ps in self.problem.plans]
        return [np.array([k == 0 or w <= LARGEST_WEIGHT + 1e-9 for k, w in enumerate(ws)]) for ws in heaviest]

    def best(self, values: Sequence[FloatArray], *, guarded: bool = True) -> Choice:
        """The plans with the highest total within the budget, by enumeration."""
        masked = [np.where(g, v, -np.inf) if guarded else v for v, g in zip(values, self.guarded, strict=True)]
        total, cost = masked[0], self.costs[0]
        for v, c in zip(masked[1:], self.costs[1:], strict=True):
            total, cost = np.add.outer(total, v), np.add.outer(cost, c)
        total = np.where(cost <= self.problem.instance.pay_budget + 1e-6, total, -np.inf)
        return tuple(int(k) for k in np.unravel_index(int(total.argmax()), total.shape))

    def gain(self, choice: Choice) -> float:
        """True points of NRR over today's plans."""
        return self.points(sum(float(v[k] - v[0]) for v, k in zip(self.values, choice, strict=True)))


@dataclass(frozen=True)
class Chosen:
    """What a way of choosing takes: its plans, and the points it promises over today."""

    plans: Choice
    promised: float


class Believed:
    """What a fit believes of every plan at today's books, draw by draw."""

    def __init__(self, truth: Truth, history: History, priors: Priors, draws: int) -> None:
        self.truth, self.history, self.priors = truth, history, priors
        self.fit: Fit = fit(history, truth.problem, priors, draws=draws)
        self.problem = replace(truth.problem, belief=belief_of(self.fit.told, truth.problem.response))

    @cached_property
    def values(self) -> list[FloatArray]:
        """Year-end ARR under every plan, per segment shape (draws, plans)."""
        owner = self.problem.accounts.csm
        rows = [np.flatnonzero(self.truth.segment == s) for s in range(len(self.problem.segments))]
        tables: list[list[FloatArray]] = [[] for _ in rows]
        for member in self.problem.members:
            for s, mine in enumerate(rows):
                pairs, plans = member.pairs(mine, owner[mine]), np.arange(len(member.plans[s]))
                tables[s].append(member.predict_many(pairs, s, member.plan_numbers(s, plans)).total.sum(axis=1))
        return [np.array(t) for t in tables]

    def gains(self, choice: Choice) -> FloatArray:
        """Points over today in every draw."""
        usd = sum((v[:, k] - v[:, 0] for v, k in zip(self.values, choice, strict=True)), np.zeros(len(self.values[0])))
        return np.asarray(100.0 * usd / self.problem.total_arr)

    def mean(self, *, guarded: bool = True) -> Chosen:
        """Best on average over the draws of both maps."""
        choice = self.truth.best([v.mean(axis=0) for v in self.values], guarded=guarded)
        return Chosen(choice, float(self.gains(choice).mean()))

    def cautious(self, *, guarded: bool = True) -> Chosen:
        """Best blend of mean and worst fifth, by the cutting planes of `optcomp.cautious`."""
        found = {self.mean(guarded=guarded).plans, (0,) * len(self.values)}
        for _ in range(6):
            weights, _ = hardest_weights([self.gains(c) for c in sorted(found)])
            found.add(self.truth.best([weights @ v for v in self.values], guarded=guarded))
        choice = max(sorted(found), key=lambda c: blended(self.gains(c)))
        return Chosen(choice, float(self.gains(choice).mean()))

    def coverage(self) -> tuple[float, float, float]:
        """Share of plans whose 90 % interval holds the truth, rmse in points of segment NRR, Brier of P(better)."""
        inside, squares, brier = [], [], []
        arr = np.bincount(self.truth.segment, self.problem.accounts.arr)
        for s, (drawn, true) in enumerate(zip(self.values, self.truth.values, strict=True)):
            gain, real = 100.0 * (drawn - drawn[:, :1])[:, 1:] / arr[s], 100.0 * (true - true[0])[1:] / arr[s]
            low, high = np.quantile(gain, [0.05, 0.95], axis=0)
            inside.append((low <= real) & (real <= high))
            squares.append((gain.mean(axis=0) - real) ** 2)
            brier.append(((gain > 0).mean(axis=0) - (real > 0)) ** 2)
        mean = [float(np.concatenate(part).mean()) for part in (inside, squares, brier)]
        return mean[0], mean[1] ** 0.5, mean[2]

    def calibration(self, held: int = 2) -> list[list[float]]:
        """Held-out renewals, fitted without the last quarters: number, renewed, predicted, by predicted chance.

        Bins of one world hold about 40 renewals and 5 points of luck; only pooled over worlds do they say anything.
        """
        early = until(self.history, len(self.history.quarters) - held)
        panel = self.fit.panel
        full = panel.renewals("effort")
        late = self.history.account_quarters.quarter[full.index] >= len(early.quarters)
        chance = Foretold(panel, replace(panel, history=early), "renew", "effort").chance[late]
        place = np.digitize(chance, BINS)
        sums = (np.ones(len(chance)), full.rows.y[late], chance)
        return [np.bincount(place, part, minlength=len(BINS) + 1).tolist() for part in sums]


def best_seen(truth: Truth, history: History) -> FloatArray:
    """True year-end ARR by segment under the plan with the best raw quarterly NRR in the segment's own history."""
    rows, plans = history.account_quarters, dict[str, Plan]()
    for s, segment in enumerate(truth.problem.segments):
        number = history.segments.index(segment.name)
        scores = {}
        for k in np.unique(history.account_plan[rows.segment == number]):
            mine = (rows.segment == number) & (history.account_plan == k) & (rows.csm >= 0)
            if mine.sum() >= 20:  # fewer account-quarters are no record of a plan
                scores[int(k)] = float(rows.arr_end[mine].sum() / rows.arr_start[mine].sum())
        best = max(scores, key=lambda k: scores[k]) if scores else -1
        today = truth.problem.plans[s][0]
        plans[segment.name] = history.plans.plans[best] if best >= 0 else today
    return truth.of_plans(plans)


def equal_arr_books(truth: Truth) -> float:
    """True points over today of today's plans with books of equal ARR within pools, largest accounts first."""
    problem = truth.problem
    owner, held = dict(truth.owner), np.zeros(len(problem.csms.ids))
    everybody = np.arange(len(problem.csms.ids))
    for a in np.argsort(-problem.accounts.arr, kind="stable").tolist():
        may = np.flatnonzero(problem.allowed.has(a, everybody))
        if len(may):
            j = int(may[held[may].argmin()])
            held[j] += problem.accounts.arr[a]
            owner[problem.accounts.ids[a]] = problem.csms.ids[j]
    plans = {s.name: problem.plans[i][0] for i, s in enumerate(problem.segments)}
    return 100.0 * (truth.past.true_nrr(plans, owner).nrr - truth.past.true_nrr(plans, truth.owner).nrr)
