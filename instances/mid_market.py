"""The instance mid-market: an invented company with 40 CSMs, 1,500 accounts, four regions and three segments.

Twelve pools (region x segment), two leavers, one joiner, one open position, a multilingual Europe.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from generate import (
    INDUSTRIES,
    Book,
    Calendar,
    Draws,
    Shape,
    draw_book,
    join_families,
    lock,
    name_and_number,
    write_tables,
)

from optcomp.dates import share_of_year
from optcomp.instance import Account, Csm, CsmStatus, Pair

SEED = 1_500_040
CALENDAR = Calendar(as_of=date(2026, 11, 1), plan_year_start=date(2027, 1, 1))

SHAPES = {
    "enterprise": Shape("enterprise", 200_000, 1_000_000, 1.8, 3.8, {12: 0.65, 24: 0.15, 36: 0.20}, 90),
    "mid-market": Shape("mid-market", 50_000, 180_000, 1.4, 3.0, {12: 0.82, 24: 0.18}, 32),
    "growth": Shape("growth", 10_000, 50_000, 1.2, 2.1, {12: 0.95, 24: 0.05}, 20),
}
_LETTER = {"enterprise": "E", "mid-market": "M", "growth": "G"}

# Region -> code, pay level against the United States, quarters in which its contracts end (fiscal years differ)
_REGIONS = {
    "North America": ("NA", 1.00, (0.18, 0.20, 0.22, 0.40)),
    "Europe": ("EU", 0.85, (0.26, 0.34, 0.12, 0.28)),
    "Latin America": ("LA", 0.60, (0.20, 0.15, 0.20, 0.45)),
    "Asia-Pacific": ("AP", 0.80, (0.45, 0.20, 0.15, 0.20)),
}
# Region, segment -> accounts of each CSM today. The last CSM with 0 accounts joins.
_BOOKS = {
    ("North America", "enterprise"): (14, 14, 13, 12, 11),
    ("North America", "mid-market"): (50, 46, 43, 41, 37, 33),
    ("North America", "growth"): (74, 68, 62, 56, 0),
    ("Europe", "enterprise"): (14, 13, 12, 11),
    ("Europe", "mid-market"): (42, 39, 36, 33, 30),
    ("Europe", "growth"): (76, 68, 61),
    ("Latin America", "enterprise"): (14, 11),
    ("Latin America", "mid-market"): (47, 38),
    ("Latin America", "growth"): (72, 63),
    ("Asia-Pacific", "enterprise"): (14, 12),
    ("Asia-Pacific", "mid-market"): (46, 39),
    ("Asia-Pacific", "growth"): (74, 61),
}
# Languages of the CSMs of a pool, one entry a CSM, used again from the front when there are more CSMs.
_LANGUAGES = {
    "North America": ("en", "en;es", "en;fr", "en", "en;es", "en;fr"),
    "Europe": ("en;de;fr", "en;fr;es", "en;de;es", "en;de;it", "en;fr;it"),
    "Latin America": ("es;pt;en", "es;pt"),
    "Asia-Pacific": ("en;ja", "en;ja;zh"),
}
_SPOKEN = {
    "North America": {"en": 0.86, "es": 0.14, "fr": 0.14},
    "Europe": {"en": 0.34, "de": 0.34, "fr": 0.26, "es": 0.20, "it": 0.16},
    "Latin America": {"es": 0.68, "pt": 0.32},
    "Asia-Pacific": {"en": 0.65, "ja": 0.35},
}
_LEVEL = {"enterprise": "senior", "mid-market": "csm", "growth": "associate"}
_BASE = {"senior": (96_000, 118_000), "csm": (76_000, 94_000), "associate": (60_000, 75_000)}
_TENURE = {"senior": (3.0, 8.0), "csm": (1.0, 5.0), "associate": (0.5, 3.0)}  # years
_MARKET_OTE = {"senior": 137_500, "csm": 105_000, "associate": 80_000}  # middle of the bands of 002-7
_VARIABLE_PER_BASE = {"enterprise": 0.20, "mid-market": 0.18, "growth": 0.15}

LEAVERS = {"EU-M3": date(2026, 12, 31), "NA-G2": date(2026, 12, 15)}
JOINER, JOINER_STARTS = "NA-G5", date(2027, 2, 1)
PART_TIMERS = {"EU-E4": 0.8, "NA-M6": 0.8}

TOML = """\
# Written by instances/make_instances.py (seed {seed}); the README beside this file says what is assumed.
schema = "optcomp/instance/1"
name = "mid-market"
as_of = 2026-11-01
plan_year_start = 2027-01-01
currency = "USD"
priority = "net revenue retention"

[budget]
# This year's team at target, leavers included, and the joiner from 1 February. Nothing extra for the open position.
pay = {budget:.0f}

[goal]
nrr = 1.06

[models]
response = "response.toml"
service = "tiers-2024"
rules = "standard"
benchmarks = "us-2024"

[menu]
# Six mixes at two shares: twelve plans a segment, and today's.
base_factors = [1.0]
variable_shares = [0.13, 0.18]
mixes = [
    "individual-bonus",
    "renewal-expansion-gate",
    "expansion-led",
    "renewal-expansion-team",
    "activities-renewal-expansion",
    "quarterly-renewals",
]

[segments.enterprise]
title = "Enterprise"
tier = "enterprise"
min_accounts = 6
max_accounts = 15
max_arr = 15000000  # 002-20
[segments.enterprise.today]
mix = "all-or-nothing-90"

[segments.mid-market]
title = "Mid-market"
tier = "mid-market"
min_accounts = 20
max_accounts = 60  # 002-19
max_arr = 5000000  # 002-20
[segments.mid-market.today]
mix = "all-or-nothing-90"

[segments.growth]
title = "Growth"
tier = "growth"
max_accounts = 90
ready_metrics = ["GRR", "EXP", "ACT", "TEAM", "LOGO"]  # satisfaction is not yet measured here (004-9)
[segments.growth.today]
mix = "all-or-nothing-90"

[rules.moves]
# Every account that changes hands costs about 20 hours of two CSMs and the customer; none is free (assumed).
state = "soft"
price = 1000
max = 0
"""


def _draw_csm(draws: Draws, region: str, segment: str, number: int) -> Csm:
    code, pay_level, _ = _REGIONS[region]
    level = _LEVEL[segment]
    low, high = _BASE[level]
    base = round(draws.uniform(low, high) * pay_level, -2)
    csm_id = f"{code}-{_LETTER[segment]}{number}"
    first, second = draws.shuffled(INDUSTRIES)[:2]
    status: CsmStatus = "leaving" if csm_id in LEAVERS else "joining" if csm_id == JOINER else "active"
    languages = _LANGUAGES[region]
    return Csm(
        csm_id=csm_id,
        name=f"CSM {csm_id}",
        segment=segment,
        region=region,
        languages=tuple(languages[(number - 1) % len(languages)].split(";")),
        industries=(first, second),
        level=level,
        tenure_years=0.0 if status == "joining" else round(draws.uniform(*_TENURE[level]), 1),
        fte=PART_TIMERS.get(csm_id, 1.0),
        base=base,
        variable=round(base * _VARIABLE_PER_BASE[segment], -2),
        market_ote=None if pay_level == 1.0 else round(_MARKET_OTE[level] * pay_level, -2),
        status=status,
        start=JOINER_STARTS if status == "joining" else None,
        end=LEAVERS.get(csm_id),
        ramp_months=3.0 if status == "joining" else 0.0,
        max_accounts=12 if csm_id == "EU-E4" else 40 if csm_id == "NA-M6" else None,
    )


def _draw_book_of(draws: Draws, person: Csm, accounts: int) -> Book:
    spoken = _SPOKEN[person.region]
    quarters = [weight * draws.uniform(0.6, 1.4) for weight in _REGIONS[person.region][2]]
    return Book(
        owner=person,
        accounts=accounts,
        health=draws.uniform(60.0, 76.0),
        quarters=quarters,
        languages={language: spoken[language] for language in person.languages if language in spoken},
    )


def _open_position() -> Csm:
    return Csm(
        csm_id="EU-M6",
        name="CSM EU-M6 (open position)",
        segment="mid-market",
        region="Europe",
        languages=("en", "de", "fr"),
        industries=("manufacturing", "software"),
        level="csm",
        tenure_years=0.0,
        base=72_000.0,
        variable=13_000.0,
        market_ote=round(_MARKET_OTE["csm"] * 0.85, -2),
        status="open",
        start=CALENDAR.plan_year_start,
        ramp_months=3.0,
    )


def _predictions_of_reviewed(draws: Draws, accounts: list[Account]) -> list[Account]:
    """The same accounts; about one in twenty was reviewed by hand and has predictions of its own."""
    reviewed = []
    for account in accounts:
        is_risk, is_lead = draws.chance(0.08), draws.chance(0.03)
        renewal, contraction = draws.uniform(0.45, 0.80), draws.uniform(0.02, 0.10)
        expansion = draws.uniform(0.05, 0.25)
        if is_risk and account.health is not None and account.health < 62:
            account = replace(account, renewal_probability=round(renewal, 2), contraction=round(contraction, 3))
        elif is_lead:
            account = replace(account, expansion=round(expansion, 3))
        reviewed.append(account)
    return reviewed


def _pairs(draws: Draws, accounts: list[Account], csms: list[Csm]) -> list[Pair]:
    """A few known pairs: conflicts that forbid one, and fits that somebody has judged."""
    pairs = []
    for account in draws.shuffled(a for a in accounts if not a.locked and a.parent is None)[:30]:
        others = [
            c.csm_id
            for c in csms
            if (c.segment, c.region) == (account.segment, account.region)
            and c.status == "active"
            and c.csm_id != account.csm
            and account.language in c.languages
        ]
        if len(others) > 1 and len(pairs) % 3 == 0:
            pairs.append(Pair(account.account_id, draws.pick(others), eligible=False))
        elif others:
            pairs.append(Pair(account.account_id, draws.pick(others), fit=round(draws.uniform(0.2, 1.0), 2)))
    return sorted(pairs, key=lambda pair: pair.account_id)


def _budget(csms: list[Csm]) -> float:
    """Pay at target of this year's team, leavers included, and the joiner's share of the year; to the next 1,000."""
    pay = sum(
        (c.base + c.variable) * share_of_year(c.start, None, CALENDAR.plan_year_start)
        for c in csms
        if c.status != "open"
    )
    return float(-(-int(pay) // 1000) * 1000)


def write(folder: Path) -> None:
    """Write instance.toml, accounts.csv, csms.csv and pairs.csv."""
    draws = Draws(SEED)
    csms: list[Csm] = []
    accounts: list[Account] = []
    for (region, segment), books in _BOOKS.items():
        for number, count in enumerate(books, start=1):
            person = _draw_csm(draws, region, segment, number)
            csms.append(person)
            accounts += draw_book(draws, SHAPES[segment], _draw_book_of(draws, person, count), CALENDAR)
    csms.append(_open_position())
    accounts = join_families(draws, accounts, sizes=(2,) * 18 + (3,) * 10 + (4,) * 5 + (5,) * 3)
    accounts = lock(draws, accounts, {"enterprise": 10, "mid-market": 18, "growth": 17}, CALENDAR, never=LEAVERS)
    accounts = _predictions_of_reviewed(draws, accounts)
    accounts = name_and_number(draws, accounts)
    toml = TOML.format(seed=SEED, budget=_budget(csms))
    write_tables(folder, toml, accounts, csms, _pairs(draws, accounts, csms))
