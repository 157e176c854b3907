"""The facts of an invented company as the nouns of an instance."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from optcomp.dates import add_months
from optcomp.instance import Account, Csm, Segment
from optcomp.plan import MenuSpec, PlanSpec
from optcomp.types import AnyArray, FloatArray
from optcomp.world.firm import LEVELS, SEGMENTS, Firm
from optcomp.world.names import INDUSTRIES, company_name, region_languages, region_name

# Every shipped mix that can stand on a menu by itself; today's plan is added by the problem.
MENU = MenuSpec(
    base_factors=(1.0, 1.05),
    variable_shares=(0.08, 0.13, 0.18),
    mixes=(
        "base-only", "team-bonus", "individual-bonus", "flexible-factors", "guide-example", "renewal-expansion-gate",
        "renewal-expansion-team", "retention-activities-gate", "activities-results", "activities-renewal-expansion",
        "activities-expansion", "expansion-led", "quarterly-renewals",
    ),
)  # fmt: skip
READY = ("GRR", "EXP", "CSAT", "ACT", "RES", "TEAM", "LOGO")


def csm_ids(count: int, first: int = 1) -> tuple[str, ...]:
    """Ids of CSMs, `C001` and so on."""
    return tuple(f"C{number:03d}" for number in range(first, first + count))


def account_ids(count: int, first: int = 1) -> tuple[str, ...]:
    """Ids of accounts, `A00001` and so on."""
    return tuple(f"A{number:05d}" for number in range(first, first + count))


def csm_nouns(firm: Firm) -> tuple[Csm, ...]:
    """The CSMs."""
    people = firm.csms
    return tuple(
        Csm(
            csm_id=name,
            segment=SEGMENTS[people.segment[j]],
            base=float(people.base[j]),
            variable=float(people.variable[j]),
            name=f"CSM {name}",
            region=region_name(int(people.region[j])),
            languages=_chosen(region_languages(int(people.region[j])), people.languages[j]),
            industries=_chosen(INDUSTRIES, people.industries[j]),
            level=LEVELS[people.level[j]],
            tenure_years=float(people.tenure[j]),
            fte=float(people.hours[j] / people.hours.max()),
            hours=float(people.hours[j]),
            market_ote=float(people.market_ote[j]),
        )
        for j, name in enumerate(csm_ids(len(people.pool)))
    )


def _chosen(words: tuple[str, ...], flags: AnyArray) -> tuple[str, ...]:
    return tuple(word for word, flag in zip(words, flags, strict=False) if flag)


def account_nouns(firm: Firm, health: FloatArray, as_of: date, rng: np.random.Generator) -> tuple[Account, ...]:
    """The accounts; health is 0 to 100, NaN where not scored."""
    facts, owners = firm.accounts, csm_ids(len(firm.csms.pool))
    since = rng.random(len(facts.pool)) * np.minimum(firm.csms.tenure[facts.owner], 4.0)
    day = rng.integers(1, 29, len(facts.pool))
    first = as_of.replace(day=1)
    return tuple(
        Account(
            account_id=name,
            segment=SEGMENTS[facts.segment[a]],
            arr=float(facts.arr[a]),
            name=company_name(a, INDUSTRIES[facts.industry[a]]),
            renewal_date=add_months(first, int(facts.next_renewal[a])).replace(day=int(day[a])),
            term_months=int(facts.term[a]),
            region=region_name(int(facts.region[a])),
            language=region_languages(int(facts.region[a]))[facts.language[a]],
            industry=INDUSTRIES[facts.industry[a]],
            complexity=float(facts.complexity[a]),
            parent=f"F{facts.family[a] + 1:04d}" if facts.family[a] >= 0 else None,
            csm=owners[facts.owner[a]],
            csm_since=as_of - timedelta(days=int(365 * since[a])),
            health=None if np.isnan(health[a]) else float(health[a]),
            hours=float(facts.hours[a]),
            locked=bool(facts.locked[a]),
            lock_reason="executive sponsor agreed on this CSM in writing" if facts.locked[a] else "",
        )
        for a, name in enumerate(account_ids(len(facts.pool)))
    )


def segment_nouns(mix: str, firm: Firm) -> tuple[Segment, ...]:
    """The segments that occur, all under this mix today; a book may be a third larger than the largest of today."""
    counts = np.bincount(firm.accounts.owner, minlength=len(firm.csms.pool))
    present = sorted(set(firm.csms.segment.tolist()))
    return tuple(
        Segment(
            name=SEGMENTS[s],
            today=PlanSpec(mix),
            tier=SEGMENTS[s],
            title=SEGMENTS[s].capitalize(),
            ready_metrics=READY,
            max_accounts=int(np.ceil(counts[firm.csms.segment == s].max() * 4 / 3)),
        )
        for s in present
    )
