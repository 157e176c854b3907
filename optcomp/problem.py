"""The problem: facts, menus, response and rules together, and every constant that follows from them.

A problem says what may be decided and what each choice would bring; it decides nothing. Accounts and CSMs are sorted
by id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

import numpy as np

from optcomp import pay
from optcomp.average import Averages, members, refuse_many
from optcomp.benchmarks import Benchmarks
from optcomp.design import design_amounts
from optcomp.eligibility import PairFacts, PairSet, allowed_pairs, pair_facts
from optcomp.facts import AccountFacts, CsmFacts, account_facts, csm_facts
from optcomp.instance import Account, Csm, Instance, Segment
from optcomp.menu import TODAY, named_plans
from optcomp.pairs import pair_table
from optcomp.plan import Mix, Plan
from optcomp.prune import grid_plans
from optcomp.response.belief import Belief
from optcomp.response.effort import PlanEffects, plan_effects
from optcomp.response.fit import FitOfPairs
from optcomp.response.load import arr_at_risk
from optcomp.response.outcome import PairTable, Predicted, Shift, logit, predict
from optcomp.response.parameters import Response, Triple
from optcomp.response.saturating import COMPONENTS, saturating_features
from optcomp.rules import Rule, Rules
from optcomp.service import ServiceModel
from optcomp.types import BoolArray, FloatArray, IntArray, sum_by


@dataclass(frozen=True, slots=True)
class PlanNumbers:
    """What the outcome of accounts reads of plans, shape (plans,): log-odds effects, gaming leak, hours factor.

    row : the plan row whose pay, and so whose chance of leaving, goes with it
    """

    renew: FloatArray
    expand: FloatArray
    contract: FloatArray
    leak: FloatArray
    hours_factor: FloatArray
    row: IntArray


@dataclass(frozen=True)
class Problem:
    """Everything that `solve` and `evaluate` need.

    mixes : name → mix, for every mix that a menu or today's plan names
    forced : segment → plans that a study puts at the end of its menu, whatever the design rules say of them
    belief : what a history leaves open about the response
    weights : of the belief's responses, adding up to 1; values are averages with these weights, without any they are
        those of `response`
    """

    instance: Instance
    mixes: Mapping[str, Mix]
    response: Response
    service: ServiceModel
    benchmarks: Benchmarks
    rules: Rules
    forced: Mapping[str, tuple[Plan, ...]] = field(default_factory=dict)
    belief: Belief | None = None
    weights: tuple[float, ...] = ()

    # ---- facts ------------------------------------------------------------------------------------------------

    @cached_property
    def account_list(self) -> tuple[Account, ...]:
        """Accounts sorted by id."""
        return tuple(sorted(self.instance.accounts, key=lambda a: a.account_id))

    @cached_property
    def csm_list(self) -> tuple[Csm, ...]:
        """CSMs sorted by id."""
        return tuple(sorted(self.instance.csms, key=lambda c: c.csm_id))

    @cached_property
    def accounts(self) -> AccountFacts:
        """Accounts as arrays."""
        return account_facts(self.account_list, self.instance, self.csm_list, self.service)

    @cached_property
    def csms(self) -> CsmFacts:
        """CSMs as arrays."""
        return csm_facts(self.csm_list, self.instance, self.service)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Segments in the order of the instance."""
        return self.instance.segments

    @cached_property
    def account_index(self) -> dict[str, int]:
        """Account id → row."""
        return {name: row for row, name in enumerate(self.accounts.ids)}

    @cached_property
    def csm_index(self) -> dict[str, int]:
        """CSM id → row."""
        return {name: row for row, name in enumerate(self.csms.ids)}

    @property
    def total_arr(self) -> float:
        """ARR of all accounts on the first day, USD."""
        return float(self.accounts.arr.sum())

    @property
    def arr_scale(self) -> float:
        """What NRR is a ratio to: the ARR of all accounts, or 1 USD where there are none."""
        return self.total_arr if self.total_arr > 0.0 else 1.0

    def people(self, segment: int) -> list[Csm]:
        """CSMs of a segment who are declared (active or joining); all of them where none is."""
        rows = np.flatnonzero(self.csms.segment == segment)
        declared = [self.csm_list[j] for j in rows if self.csms.is_declared[j]]
        return declared or [self.csm_list[j] for j in rows]

    # ---- plans ------------------------------------------------------------------------------------------------

    @cached_property
    def plans(self) -> tuple[tuple[Plan, ...], ...]:
        """Plans that may be chosen, per segment: today's, those of named mixes, those of the grid that may be best."""
        return tuple(self._segment_plans(s) for s in range(len(self.segments)))

    def _segment_plans(self, segment: int) -> tuple[Plan, ...]:
        facts = self.segments[segment]
        menu = facts.menu or self.instance.menu
        allowed = [p for p in named_plans(menu, self.mixes) if not self._breaks_hard_design(p, segment)]
        named = {p.plan_id for p in allowed}
        on_grid = [p for p in grid_plans(self, segment, menu) if p.plan_id not in named]
        plans = (self.today_plan(segment), *allowed, *on_grid, *self.forced.get(facts.name, ()))
        if self.weights:
            refuse_many(facts.name, plans)
        return plans

    def today_plan(self, segment: int) -> Plan:
        """The plan in force."""
        facts = self.segments[segment]
        share = facts.today.variable_share
        if share is None:
            people = self.people(segment)
            pay_today = sum(c.base + c.variable for c in people)
            share = sum(c.variable for c in people) / pay_today if pay_today > 0 else 0.0
        return Plan(TODAY, self.mixes[facts.today.mix], 1.0, share, is_today=True)

    def _breaks_hard_design(self, plan: Plan, segment: int) -> bool:
        return any(self.rules[rule_id].is_hard for rule_id in self.design_amounts(plan, segment))

    def design_amounts(self, plan: Plan, segment: int) -> dict[str, float]:
        """Plan-design rules that a plan bends, with the amount in the rule's unit; today's plan included."""
        return design_amounts(plan, self, segment)

    @cached_property
    def plan_soft_cost(self) -> tuple[FloatArray, ...]:
        """USD priced for the soft plan-design rules that each plan bends, per segment; exempt plans cost nothing."""
        return tuple(
            np.array([0.0 if p.is_exempt else self._design_price(p, s) for p in plans])
            for s, plans in enumerate(self.plans)
        )

    def _design_price(self, plan: Plan, segment: int) -> float:
        return sum(self.rules[name].price * amount for name, amount in self.design_amounts(plan, segment).items())

    @cached_property
    def effects(self) -> tuple[PlanEffects, ...]:
        """Effects of every plan, per segment."""
        return tuple(self.effects_of(s, plans) for s, plans in enumerate(self.plans))

    def effects_of(self, segment: int, plans: Sequence[Plan]) -> PlanEffects:
        """Effects of plans on a segment, at its declared heads' mean base."""
        people = self.people(segment)
        mean_base = sum(c.base for c in people) / len(people) if people else 0.0
        return plan_effects(
            plans,
            mean_base=mean_base,
            heads=len(people),
            effort=self.response.effort,
            attainment=self.response.attainment,
        )

    def saturating_of(self, segment: int, plans: Sequence[Plan], kappa: float) -> FloatArray:
        """Features of plans under the saturating map, shape (plans, components)."""
        people = self.people(segment)
        mean_base = sum(c.base for c in people) / len(people) if people else 0.0
        return saturating_features(plans, mean_base=mean_base, heads=len(people), response=self.response, kappa=kappa)

    @cached_property
    def _saturating(self) -> tuple[FloatArray, ...]:
        """Features of every plan on the menu, per segment; 0 where the response knows the effort index only."""
        second = self.response.saturating
        return tuple(
            np.zeros((len(plans), len(COMPONENTS))) if second is None else self.saturating_of(s, plans, second.kappa)
            for s, plans in enumerate(self.plans)
        )

    @cached_property
    def quit_chance(self) -> tuple[FloatArray, ...]:
        """Yearly quit probability, per segment shape (csms of all segments, plans); rows of others' CSMs are unused."""
        return tuple(pay.quit_table(self, s) for s in range(len(self.segments)))

    @cached_property
    def pay_cost(self) -> tuple[FloatArray, ...]:
        """Base plus expected variable in the plan year in USD, per segment shape (csms, plans)."""
        return tuple(pay.cost_table(self, s) for s in range(len(self.segments)))

    @cached_property
    def exposure(self) -> tuple[FloatArray, ...]:
        """Base plus largest possible variable in USD, per segment shape (csms, plans)."""
        return tuple(pay.exposure_table(self, s) for s in range(len(self.segments)))

    # ---- pairs and outcomes -----------------------------------------------------------------------------------

    def fit(self, account: IntArray, csm: IntArray) -> FloatArray:
        """Fit of pairs by account and CSM row, shape (pairs,); the user's own figures where pairs give them.

        Never of all accounts with all CSMs: 50,000 × 500 would be 200 MB, of which a thirtieth are candidates.
        """
        fit = self._fit_of_pairs(account, csm)
        key, own = self._own_fit
        if len(key):
            wanted = np.asarray(account) * len(self.csms.ids) + csm
            place = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
            fit = np.where(key[place] == wanted, own[place], fit)
        return fit

    @cached_property
    def _fit_of_pairs(self) -> FitOfPairs:
        return FitOfPairs(self.account_list, self.csm_list, self.response.fit)

    @cached_property
    def _own_fit(self) -> tuple[IntArray, FloatArray]:
        """The user's own fits: account row × number of CSMs + CSM row, sorted, and the figure; the last one counts."""
        own = {
            self.account_index[pair.account_id] * len(self.csms.ids) + self.csm_index[pair.csm_id]: pair.fit
            for pair in self.instance.pairs
            if pair.fit is not None
        }
        key = np.array(sorted(own), dtype=np.int64)
        return key, np.array([own[k] for k in key.tolist()], dtype=np.float64)

    @cached_property
    def pair_facts(self) -> PairFacts:
        """What the rules on single pairs read."""
        return pair_facts(self)

    @cached_property
    def allowed(self) -> PairSet:
        """Pairs that every hard rule on single pairs allows."""
        return allowed_pairs(self)

    @cached_property
    def may_stay(self) -> BoolArray:
        """Accounts that have a CSM whom every hard rule on single pairs lets them keep, shape (accounts,)."""
        return self.allowed.has(np.arange(len(self.accounts.ids)), self.accounts.csm)

    def pairs(self, account: IntArray, csm: IntArray) -> PairTable:
        """Everything about these pairs but the plan; CSM -1 means a neutral CSM who takes nothing over."""
        return pair_table(self, account, csm)

    def plan_numbers(self, segment: int, plans: IntArray) -> PlanNumbers:
        """What the outcome reads of plans of a segment."""
        effects, outcome, second = self.effects[segment], self.response.outcome, self.response.saturating
        renew, expand = effects.phi[plans] @ np.array(outcome.renew), effects.phi[plans] @ np.array(outcome.expand)
        if second is not None:
            features = self._saturating[segment][plans]
            renew, expand = renew + features @ np.array(second.renew), expand + features @ np.array(second.expand)
        return PlanNumbers(
            renew=renew,
            expand=expand,
            contract=effects.phi[plans] @ np.array(outcome.contract),
            leak=effects.leak[plans],
            hours_factor=effects.hours_factor[plans],
            row=np.asarray(plans),
        )

    def shift(self, pairs: PairTable, numbers: PlanNumbers) -> Shift:
        """What plans change against today for pairs of one segment's CSMs, shape (plans, pairs)."""
        reference = self.reference_segment[pairs.account]
        outcome, second = self.response.outcome, self.response.saturating

        def step(effect: FloatArray, slopes: Triple, more: Sequence[float] = ()) -> FloatArray:
            today = self.today_phi @ np.array(slopes)
            if more:
                today = today + np.array([features[0] @ np.array(more) for features in self._saturating])
            return np.asarray(np.subtract.outer(effect, today[reference]))

        return Shift(
            renew=pairs.omega * step(numbers.renew, outcome.renew, second.renew if second else ()),
            expand=step(numbers.expand, outcome.expand, second.expand if second else ()),
            contract=pairs.omega * step(numbers.contract, outcome.contract),
            leak=numbers.leak[:, None],
        )

    def predict_many(self, pairs: PairTable, segment: int, numbers: PlanNumbers) -> Predicted:
        """Year-end ARR at load 1 of pairs whose CSMs belong to the segment, shape (plans, pairs).

        With weights it is averaged, for the plans in `numbers.row` and no others.
        """
        if self.weights:
            return self._averages.predict(pairs, segment, numbers.row)
        quit_chance = self.quit_chance[segment][np.ix_(pairs.csm, numbers.row)].T
        return predict(pairs, self.shift(pairs, numbers), quit_chance)

    def predict(self, pairs: PairTable, segment: int, plan: int) -> Predicted:
        """Year-end ARR at load 1 of pairs whose CSMs belong to the segment, under one of its plans, shape (pairs,)."""
        many = self.predict_many(pairs, segment, self.plan_numbers(segment, np.array([plan])))
        return Predicted(many.kept[0], many.expanded[0])

    @cached_property
    def today_phi(self) -> FloatArray:
        """Effort effect of today's plan, shape (segments, 3)."""
        return np.array([effects.phi[0] for effects in self._today_effects])

    @cached_property
    def _today_effects(self) -> tuple[PlanEffects, ...]:
        # Not from `effects`: which plans are on the menu depends on today's effects.
        return tuple(self.effects_of(s, [self.today_plan(s)]) for s in range(len(self.segments)))

    @cached_property
    def reference_segment(self) -> IntArray:
        """Segment whose plan of today an account feels: its CSM's, or its own where it has none; shape (accounts,)."""
        has_csm = self.accounts.csm >= 0
        return np.where(has_csm, self.csms.segment[np.maximum(self.accounts.csm, 0)], self.accounts.segment)

    @cached_property
    def neutral(self) -> Predicted:
        """Year-end ARR of every account at today's plan with a neutral CSM who stays: its potential."""
        everyone = np.arange(len(self.accounts.ids))
        pairs = self.pairs(everyone, np.full(len(everyone), -1))
        return predict(pairs, Shift(0.0, 0.0, 0.0, self.today_leak[self.reference_segment]), 0.0)

    @cached_property
    def unowned(self) -> Predicted:
        """Year-end ARR of every account if nobody looks after it."""
        if not self.weights:
            return self.neutral
        parts = [(w, member.neutral) for w, member in zip(self.weights, self.members, strict=True)]
        kept = sum((w * part.kept for w, part in parts), start=np.zeros(len(self.accounts.ids)))
        return Predicted(kept, sum((w * part.expanded for w, part in parts), start=np.zeros(len(kept))))

    @cached_property
    def expansion_range(self) -> tuple[float, float]:
        """Lowest and highest log-odds of expansion of any account with any CSM, without the plan's effect."""
        outcome = self.response.outcome
        pairs = self.pairs(np.arange(len(self.accounts.ids)), np.full(len(self.accounts.ids), -1))
        reference = (self.today_phi @ np.array(outcome.expand))[self.reference_segment]
        known = [float(logit(p.expansion)) for p in self.instance.pairs if p.expansion is not None]
        skills = [abs(skill.expand) for skill in self.response.skill.values()]
        # Fit moves by at most 1 either way, a skill comes and another goes, and a hand-over counts once at most.
        reach = abs(outcome.fit_expand) + 2.0 * max(skills, default=0.0) + abs(outcome.hand_expand)
        odds = np.concatenate([pairs.expand, *([k] for k in known)]) if known else pairs.expand
        low, high = (float(odds.min()), float(odds.max())) if len(odds) else (0.0, 0.0)
        return low - reach - float(reference.max(initial=0.0)), high + reach - float(reference.min(initial=0.0))

    @cached_property
    def today_leak(self) -> FloatArray:
        """Gaming leak of today's plan, shape (segments,)."""
        return np.array([effects.leak[0] for effects in self._today_effects])

    @cached_property
    def kappa(self) -> FloatArray:
        """ARR at risk per hour in USD, per segment, at the baseline: today's plan and today's CSM."""
        if self.weights:
            return np.asarray(np.array(self.weights) @ np.array([member.kappa for member in self.members]))
        everyone = np.arange(len(self.accounts.ids))
        pairs = self.pairs(everyone, self.accounts.csm)
        at_risk = arr_at_risk(pairs, self.response.outcome, self.today_leak[self.reference_segment])
        count = len(self.segments)
        usd = sum_by(self.accounts.segment, at_risk, count)
        hours = sum_by(self.accounts.segment, self.accounts.hours, count)
        return np.where(hours > 0.0, usd / np.where(hours > 0.0, hours, 1.0), 0.0)

    # ---- what is not known ------------------------------------------------------------------------------------

    @cached_property
    def members(self) -> tuple[Problem, ...]:
        """The problem under every response of the belief; none where nothing was drawn."""
        return tuple(members(self))

    @cached_property
    def _averages(self) -> Averages:
        return Averages(self)

    def averaged(self, count: int) -> Problem:
        """The problem with the mean over so many draws as its value; as it is without draws or with a count of 0."""
        if self.belief is None or count <= 0:
            return replace(self, weights=()) if self.weights else self
        belief = self.belief.some(count)
        size = len(belief.responses)
        return replace(self, belief=belief, weights=(1.0 / size,) * size)

    def with_response(self, change: Callable[[Response], Response]) -> Problem:
        """The problem with a change made to its response and to every draw."""
        belief = None if self.belief is None else self.belief.changed(change)
        return replace(self, response=change(self.response), belief=belief)

    # ---- variants ---------------------------------------------------------------------------------------------

    def with_moves(self, rule: Rule, instance: Instance | None = None) -> Problem:
        """The problem with another rule on moves, on which nothing that is worked out here depends.

        instance : with what it says of that rule
        """
        rules = replace(self.rules, by_id={**self.rules.by_id, "moves": rule})
        other = replace(self, rules=rules, instance=instance or self.instance)
        # A frozen dataclass keeps its cached properties in __dict__, where they are found before they are worked out.
        declared = {f.name for f in fields(self)}
        other.__dict__.update({name: value for name, value in self.__dict__.items() if name not in declared})
        if "_staying" in self.__dict__:
            overrides = other.instance.rule_overrides
            staying = self._staying.with_moves(rule, replace(self._staying.instance, rule_overrides=overrides))
            other.__dict__["_staying"] = staying
        return other

    @cached_property
    def has_leavers_with_books(self) -> bool:
        """Today's books cannot be kept because somebody who owns accounts leaves."""
        owned = self.accounts.csm[self.accounts.csm >= 0]
        return bool(self.csms.is_leaving[owned].any())

    def as_if_nobody_leaves(self) -> Problem:
        """The counterfactual in which every leaver stays on for the whole year."""
        return self._staying

    @cached_property
    def _staying(self) -> Problem:
        csms = tuple(replace(c, status="active", end=None) if c.status == "leaving" else c for c in self.instance.csms)
        return replace(self, instance=replace(self.instance, csms=csms))
