"""The instance team-of-15: the worked example of text 000 (000-38 to 000-41), 15 CSMs and 425 accounts."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import team_of_15_history
from generate import Book, Calendar, Draws, Shape, draw_book, join_families, lock, name_and_number, write_tables

from optcomp.instance import Csm

SEED = 15_425
REGION = "North America"
CALENDAR = Calendar(as_of=date(2026, 11, 1), plan_year_start=date(2027, 1, 1))

SHAPES = {
    "enterprise": Shape("enterprise", 200_000, 1_100_000, 1.7, 3.8, {12: 0.70, 24: 0.15, 36: 0.15}, 90),
    "mid-market": Shape("mid-market", 50_000, 200_000, 1.2, 3.0, {12: 0.85, 24: 0.15}, 32),
    "growth": Shape("growth", 10_000, 50_000, 1.2, 2.1, {12: 0.96, 24: 0.04}, 20),
}

# id, level, tenure, FTE, base, languages, industries | today's book: accounts, mean health, renewals by quarter
_TEAM = (
    ("E1", "senior", 7.5, 1.0, 112_000, "en;fr", "financial services;healthcare", 12, 74, (3, 2, 2, 4)),
    ("E2", "senior", 5.0, 1.0, 108_000, "en", "software;manufacturing", 11, 70, (2, 2, 2, 4)),
    ("E3", "senior", 6.0, 1.0, 105_000, "en;es", "manufacturing;logistics", 10, 58, (1, 2, 3, 5)),
    ("E4", "senior", 4.0, 1.0, 100_000, "en;fr", "retail;software", 9, 72, (2, 3, 2, 3)),
    ("E5", "csm", 2.5, 1.0, 95_000, "en;es", "healthcare;retail", 8, 76, (4, 2, 2, 2)),
    ("M1", "senior", 5.5, 1.0, 96_000, "en;es", "software;financial services", 31, 73, (2, 2, 2, 4)),
    ("M2", "csm", 3.5, 1.0, 88_000, "en", "manufacturing;logistics", 28, 60, (1, 2, 2, 5)),
    ("M3", "csm", 3.0, 1.0, 84_000, "en;fr", "healthcare;software", 25, 71, (3, 2, 2, 3)),
    ("M4", "csm", 2.0, 1.0, 80_000, "en;es", "retail;logistics", 22, 68, (2, 3, 3, 2)),
    ("M5", "csm", 1.5, 1.0, 77_000, "en;fr", "financial services;retail", 19, 77, (4, 3, 1, 2)),
    ("G1", "csm", 3.0, 1.0, 76_000, "en;es", "software;retail", 62, 66, (2, 2, 2, 4)),
    ("G2", "associate", 2.0, 1.0, 70_000, "en;fr", "retail;healthcare", 55, 72, (3, 2, 2, 3)),
    ("G3", "associate", 1.5, 1.0, 66_000, "en;es", "manufacturing;software", 50, 61, (1, 2, 3, 4)),
    ("G4", "associate", 1.0, 1.0, 61_000, "en;fr", "logistics;financial services", 45, 70, (2, 3, 2, 3)),
    ("G5", "associate", 0.5, 0.8, 57_000, "en", "retail;logistics", 38, 75, (3, 3, 2, 2)),
)  # fmt: skip
_SEGMENT = {"E": "enterprise", "M": "mid-market", "G": "growth"}
_LANGUAGE_WEIGHT = {"en": 0.80, "fr": 0.20, "es": 0.20}
VARIABLE_PER_BASE = 0.15

TOML = """\
# Written by instances/make_instances.py (seed {seed}); the README beside this file says what is assumed.
schema = "optcomp/instance/1"
name = "team-of-15"
as_of = 2026-11-01
plan_year_start = 2027-01-01
currency = "USD"
priority = "net revenue retention"

[budget]
# Base plus expected variable pay in the plan year: 15 people x $85,000 on average x 1.15 (000-38).
pay = {budget:.0f}

[goal]
# 000-40: from 102 % to 115 %. Recorded, not imposed: the answer says whether it is within reach.
nrr = 1.15

[models]
response = "response.toml"
service = "tiers-2024"
rules = "standard"
benchmarks = "us-2024"

[menu]
# Today's plan is always on the menu as well. A share of 0.13 of OTE is 15 % of base, as today.
base_factors = [1.0, 1.05]
variable_shares = [0.08, 0.13, 0.18]
mixes = [
    "base-only",
    "team-bonus",
    "individual-bonus",
    "flexible-factors",
    "guide-example",
    "renewal-expansion-gate",
    "renewal-expansion-team",
    "retention-activities-gate",
    "activities-results",
    "activities-renewal-expansion",
    "activities-expansion",
    "expansion-led",
    "quarterly-renewals",
]

[segments.enterprise]
title = "Enterprise"  # about 10 accounts a CSM at $200K and more (000-39); 14 at most (002-18)
tier = "enterprise"
min_accounts = 7
max_accounts = 14
max_arr = 15000000  # 002-20
ready_metrics = ["GRR", "EXP", "CSAT", "ACT", "RES", "TEAM", "LOGO"]  # success plans state results (004-8)
[segments.enterprise.today]
mix = "all-or-nothing-90"

[segments.mid-market]
title = "Mid-market"  # about 25 accounts a CSM at $50-200K (000-39); 60 at most (002-19)
tier = "mid-market"
min_accounts = 18
max_accounts = 60
max_arr = 5000000  # 002-20
[segments.mid-market.today]
mix = "all-or-nothing-90"

[segments.growth]
title = "Growth"  # 50 and more accounts a CSM at $10-50K (000-39)
tier = "growth"
min_accounts = 35
max_accounts = 70
[segments.growth.today]
mix = "all-or-nothing-90"

[rules.moves]
# Every account that changes hands costs about 20 hours of two CSMs and the customer; none is free (assumed).
state = "soft"
price = 1000
max = 0
"""


def team() -> list[Csm]:
    """The fifteen CSMs, with base pay of $85,000 on average and variable of 15 % of base."""
    return [
        Csm(
            csm_id=csm_id,
            name=f"CSM {csm_id}",
            segment=_SEGMENT[csm_id[0]],
            region=REGION,
            languages=tuple(languages.split(";")),
            industries=tuple(industries.split(";")),
            level=level,
            tenure_years=tenure,
            fte=fte,
            base=float(base),
            variable=round(base * VARIABLE_PER_BASE, 2),
            max_accounts=45 if fte < 1.0 else None,
        )
        for csm_id, level, tenure, fte, base, languages, industries, *_ in _TEAM
    ]


def write(folder: Path) -> None:
    """Write instance.toml, accounts.csv, csms.csv and the tables of history/."""
    draws = Draws(SEED)
    people = team()
    accounts = []
    for person, (*_, count, health, quarters) in zip(people, _TEAM, strict=True):
        languages = {language: _LANGUAGE_WEIGHT[language] for language in person.languages}
        accounts += draw_book(draws, SHAPES[person.segment], Book(person, count, health, quarters, languages), CALENDAR)
    accounts = join_families(draws, accounts, sizes=(2, 2, 2, 3, 3, 4, 4, 5))
    accounts = lock(draws, accounts, {"enterprise": 3, "mid-market": 5, "growth": 6}, CALENDAR)
    accounts = name_and_number(draws, accounts)
    budget = sum(person.base + person.variable for person in people)
    write_tables(folder, TOML.format(seed=SEED, budget=budget), accounts, people)
    team_of_15_history.write(folder)
