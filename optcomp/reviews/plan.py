"""One pay plan of one segment, held against what the five texts say about plans. Judges today's plan and any other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from optcomp.errors import Finding
from optcomp.instance import Segment
from optcomp.payout import chance_of_share, expected_curve
from optcomp.plan import METRICS, Component, Plan
from optcomp.problem import Problem
from optcomp.response.outcome import sigmoid
from optcomp.reviews.words import TOLERANCE, names, percent, warn

# Full pay that comes more or less often than this is near certain or near impossible, and no longer a matter of luck.
LUCK = (0.05, 0.95)
# Above this share of team pay one's own result no longer decides one's own pay; also the largest single weight (002-5).
MOST_TEAM = 0.5
HALF_A_PERCENT = 0.005
RETENTION = tuple(name for name, metric in METRICS.items() if metric.retention_or_adoption)


@dataclass(frozen=True, slots=True)
class Case:
    """A plan of a segment, by its row."""

    problem: Problem
    segment: int
    plan: Plan

    @property
    def facts(self) -> Segment:
        """The segment."""
        return self.problem.segments[self.segment]

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that are paid, each once."""
        return tuple(dict.fromkeys(c.metric for c in self.plan.mix.components))

    def weight(self, metrics: Sequence[str]) -> float:
        """Share of the variable on these metrics."""
        return sum(c.weight for c in self.plan.mix.components if c.metric in metrics)

    def is_all_on(self, metrics: Sequence[str]) -> bool:
        """The whole variable is on these metrics."""
        return self.weight(metrics) >= 1.0 - TOLERANCE


def review_plans(problem: Problem, plans: Sequence[Plan]) -> tuple[Finding, ...]:
    """Findings about one plan per segment; what is found in several segments is said once.

    plans : in the order of the segments
    """
    segments: dict[Finding, list[str]] = {}
    for check in _CHECKS:
        for s, plan in enumerate(plans):
            finding = check(Case(problem, s, plan))
            if finding is not None:
                segments.setdefault(finding, []).append(problem.segments[s].name)
    return tuple(replace(f, found=f"{_subject(who)}: {f.found}") for f, who in segments.items())


def _subject(segments: Sequence[str]) -> str:
    return f"Segment{'s' * (len(segments) > 1)} {names(segments)}"


def _too_many(case: Case) -> Finding | None:
    limit = case.problem.rules["max_components"]["max"]
    if len(case.metrics) <= limit:
        return None
    found = f"the plan pays {len(case.metrics)} metrics ({', '.join(case.metrics)})"
    hint = "Keep the two or three that matter most"
    return warn("too-many-components", found, f"At most {limit:g}", hint, requirement="000-43")


def _uncontrollable(case: Case) -> Finding | None:
    limit, share = case.problem.rules["uncontrollable_share"]["max"], case.weight(RETENTION)
    if share <= limit + TOLERANCE:
        return None
    found = f"{percent(share)} of the variable is on retention, which a CSM controls least"
    hint = "Move the rest to key activities, customers' results or expansion"
    return warn("uncontrollable-share", found, f"At most {percent(limit)}", hint, requirement="004-6")


def _pay_mix(case: Case) -> Finding | None:
    bands = case.problem.benchmarks.bands.values()
    shares = [1.0 - base / ote for b in bands for base, ote in ((b.base_low, b.ote_low), (b.base_high, b.ote_high))]
    plan = case.plan
    if not shares:
        return None
    # The text gives whole per cents, so 16.7 % is within 17-23 %.
    low, high = round(min(shares), 2), round(max(shares), 2)
    if low - HALF_A_PERCENT <= plan.variable_share <= high + HALF_A_PERCENT:
        return None
    found = f"the variable is {percent(plan.variable_share)} of OTE, which is {percent(plan.variable_per_base)} of base"
    allowed = (
        f"The pay bands of {case.problem.benchmarks.name} imply {100 * low:.0f}-{100 * high:.0f} % of "
        "OTE (base and variable together), not of base"
    )
    is_low = plan.variable_share < low
    hint = "Raise the variable or lower what is expected of it" if is_low else "Move part of the variable into base pay"
    return warn("pay-mix", found, allowed, hint, requirement="002-7")


def _no_variable(case: Case) -> Finding | None:
    if case.plan.mix.components:
        return None
    hint = "Right for an early team whose duties change; later it stays reactive"
    return warn("base-only", "nothing is paid for results", "Most plans have a variable", hint, requirement="003-2")


def _wholly_renewal(case: Case) -> Finding | None:
    if not case.is_all_on(RETENTION):
        return None
    found = f"the whole variable is on renewals ({', '.join(case.metrics)})"
    hint = "Pay for the activities that keep customers, or say that it is not known which do"
    return warn("wholly-renewal", found, "Expansion or activities need a part", hint, requirement="002-5, 004-2")


def _entirely_expansion(case: Case) -> Finding | None:
    if not case.is_all_on(["EXP"]):
        return None
    hint = "Add retention, results or a satisfaction gate: a CSM is an adviser first"
    allowed = "Expansion is one part among others"
    return warn("entirely-expansion", "the whole variable is on expansion", allowed, hint, requirement="002-5")


def _single_metric(case: Case) -> Finding | None:
    if len(case.metrics) != 1 or case.is_all_on(RETENTION) or case.is_all_on(["EXP"]):
        return None
    found = f"the whole variable is on one metric ({case.metrics[0]})"
    hint = "What one metric does not measure is not done"
    return warn("single-metric", found, "Two or three metrics", hint, requirement="002-5")


def _no_counterweight(case: Case) -> Finding | None:
    if not case.is_all_on(RETENTION) or case.plan.mix.gate is not None:
        return None
    found = "keeping a customer who does not fit pays as much as keeping one who does"
    hint = "Add a satisfaction gate or customers' results, so that hard talks about fit cost nobody their pay"
    return warn("retention-only", found, "Retention needs a counterweight", hint, requirement="000-8")


def _csat_weighted(case: Case) -> Finding | None:
    share = case.weight(["CSAT"])
    if share <= TOLERANCE:
        return None
    found = f"{percent(share)} of the variable is on the satisfaction score itself"
    hint = "Make it a gate: below the team's target a part of the variable is lost"
    return warn("csat-weighted", found, "Satisfaction has no weight of its own", hint, requirement="002-4")


def _objective_not_paid(case: Case) -> Finding | None:
    if not case.metrics or case.weight(["EXP", "TEAM"]) > TOLERANCE:
        return None
    found = "the objective is net revenue retention, and nothing is paid on expansion"
    hint = "People do what they are paid for: pay expansion, or the team's NRR"
    return warn("objective-not-paid", found, "The objective belongs in the plan", hint, requirement="001-1")


def _not_owned(case: Case) -> Finding | None:
    owned = {"": True, "renewals": case.facts.owns_renewals, "expansion": case.facts.owns_expansion}
    foreign = [m for m in case.metrics if not owned[METRICS[m].needs]]
    if not foreign:
        return None
    needs = sorted({METRICS[m].needs for m in foreign})
    found = f"{percent(case.weight(foreign))} of the variable is on {' and '.join(foreign)}"
    allowed = f"Only for teams that own {' and '.join(needs)}, and this one does not"
    hint = "Pay activities or the team's result, or hand over the ownership"
    return warn("not-owned", found, allowed, hint, requirement="003-4")


def _not_ready(case: Case) -> Finding | None:
    unready = [m for m in case.metrics if m not in case.facts.ready_metrics]
    if not unready:
        return None
    found = f"{percent(case.weight(unready))} of the variable is on {' and '.join(unready)}"
    hint = "Train and track first, and pay on it a year later"
    return warn("not-ready", found, "Only what the team is trained for and can measure", hint, requirement="004-9")


def _free_riding(case: Case) -> Finding | None:
    heads = len(case.problem.people(case.segment))
    share = sum(c.weight for c in case.plan.mix.components if _is_team(c))
    if share <= MOST_TEAM + TOLERANCE or heads < 2:
        return None
    pull = heads**-case.problem.response.effort.team_dilution
    found = f"{percent(share)} of the variable is on the result of a team of {heads}"
    hint = f"A dollar of it pulls like {100 * pull:.0f} cents of one's own: mix it with a person's own results"
    return warn("free-riding", found, f"At most {percent(MOST_TEAM)}", hint, requirement="000-15")


def _is_team(component: Component) -> bool:
    return component.scope == "team" or component.metric == "TEAM"


def _cliff(case: Case) -> Finding | None:
    cliffs = [c for c in case.plan.mix.components if c.curve.kind == "all-or-nothing"]
    by_luck = [(chance, story) for chance, story in (_full_pay(case, c) for c in cliffs) if LUCK[0] < chance < LUCK[1]]
    if not by_luck:
        return None
    chance, story = by_luck[0]
    found = f"{story}: it comes in {percent(chance)} of years and nothing in the others, for the same work"
    hint = "Pay in proportion to the result instead of all or nothing"
    return warn("cliff", found, "Pay should follow the work more than luck", hint, requirement="000-38")


def _full_pay(case: Case, component: Component) -> tuple[float, str]:
    """Chance that everything is paid to a typical book of the segment, and in words what that book is."""
    threshold = component.curve.threshold
    if not (component.metric == "LOGO" and component.curve.absolute):
        sd = case.problem.response.attainment.sd.get(component.metric, 0.0)
        return expected_curve(component.curve, 1.0, sd), f"full pay on {component.metric} takes {percent(threshold)}"
    size, keep = _typical_book(case)
    chance = chance_of_share(np.full(size, keep), threshold)
    story = f"full pay takes {percent(threshold)} of {size} accounts that each stay with {percent(keep)}"
    return chance, story


def _typical_book(case: Case) -> tuple[int, float]:
    """Median number of accounts of today's books in the segment, and the mean chance that an account stays."""
    problem = case.problem
    own = np.flatnonzero(problem.accounts.segment == case.segment)
    if not len(own):
        return 0, 1.0
    pairs = problem.pairs(own, problem.accounts.csm[own])
    keep = float((pairs.due * sigmoid(pairs.renew) + 1.0 - pairs.due).mean())
    sizes = np.unique(problem.accounts.csm[own[problem.accounts.csm[own] >= 0]], return_counts=True)[1]
    heads = max(len(problem.people(case.segment)), 1)
    return int(np.median(sizes)) if len(sizes) else -(-len(own) // heads), keep


_CHECKS: tuple[Callable[[Case], Finding | None], ...] = (
    _too_many,
    _uncontrollable,
    _pay_mix,
    _no_variable,
    _wholly_renewal,
    _entirely_expansion,
    _single_metric,
    _no_counterweight,
    _csat_weighted,
    _objective_not_paid,
    _not_owned,
    _not_ready,
    _free_riding,
    _cliff,
)
