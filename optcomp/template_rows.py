"""The example in a template: two segments, four CSMs, twenty accounts of companies that do not exist.

Settings and rows are plain values; `templates` lays them out by the description of the tables. Books are uneven on
purpose, so that the solution has something to move.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from optcomp.config import SCHEMA
from optcomp.setting_texts import text_of

Value = str | float | int | date | tuple[str, ...] | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of instance.toml."""

    key: str
    value: Value

    @property
    def comment(self) -> str:
        """What the key is."""
        return text_of(self.key)


SETTINGS = (
    Setting("schema", SCHEMA),
    Setting("name", "example-team"),
    Setting("as_of", date(2026, 11, 1)),
    Setting("plan_year_start", date(2027, 1, 1)),
    Setting("currency", "USD"),
    Setting("priority", "net revenue retention"),
    Setting("budget.pay", 440_000),
    Setting("goal.nrr", 1.20),
    Setting("models.response", "priors-v0"),
    Setting("models.service", "tiers-2024"),
    Setting("models.rules", "standard"),
    Setting("models.benchmarks", "us-2024"),
    Setting("menu.base_factors", (1.0,)),
    Setting("menu.variable_shares", (0.13, 0.17, 0.20)),
    Setting("menu.mixes", ("base-only", "team-bonus", "renewal-expansion-gate", "activities-expansion")),
    Setting("segments.enterprise.title", "Enterprise"),
    Setting("segments.enterprise.tier", "enterprise"),
    Setting("segments.enterprise.min_accounts", 2),
    Setting("segments.enterprise.max_accounts", 14),
    Setting("segments.enterprise.today.mix", "all-or-nothing-90"),
    Setting("segments.mid-market.title", "Mid-market"),
    Setting("segments.mid-market.tier", "mid-market"),
    Setting("segments.mid-market.max_accounts", 40),
    Setting("segments.mid-market.today.mix", "all-or-nothing-90"),
    Setting("rules.moves.state", "soft"),
    Setting("rules.moves.price", 1_000),
    Setting("rules.moves.max", 0),
)

ACCOUNTS = """\
account_id|name|segment|arr|renewal_date|language|industry|complexity|stage|parent|csm|csm_since|health|locked|lock_reason
A-001|Alderbeck Foods|enterprise|310000|2027-02-28|en|retail|4|established||C-01|2024-03-01|74||
A-002|Brightmoor Bank|enterprise|420000|2027-05-31|en|banking|5|established||C-01|2024-03-01|81|true|executive sponsor
A-003|Brightmoor Insurance|enterprise|260000|2027-08-31|en|banking|4|established|A-002|C-01|2024-03-01|66||
A-004|Calderon Logistics|enterprise|280000|2027-03-31|en|logistics|4|established||C-01|2025-01-15|58||
A-005|Dunlin Energy|enterprise|350000|2027-10-31|en|energy|5|established||C-01|2025-06-01|69||
A-006|Eastvale Motors|enterprise|240000|2027-11-30|de|manufacturing|4|onboarding||C-02|2026-09-01|72||
A-007|Fennick Pharma|enterprise|330000|2027-06-30|de|healthcare|5|established||C-02|2025-02-01|77||
A-008|Garnet Rail|enterprise|290000|2027-01-31|en|logistics|3|established||C-01|2024-08-01|49||
A-009|Hollin Outfitters|mid-market|64000|2027-02-15|en|retail|3|established||C-03|2025-01-01|70||
A-010|Inverley Dairy|mid-market|52000|2027-04-30|en|manufacturing|2|established||C-03|2025-01-01|62||
A-011|Juniper Clinics|mid-market|88000|2027-09-30|en|healthcare|3|established||C-03|2025-04-01|78||
A-012|Kestrel Couriers|mid-market|47000|2027-07-31|en|logistics|2|established||C-03|2025-04-01|55||
A-013|Larkhall Credit|mid-market|96000|2027-12-31|en|banking|4|established||C-03|2025-10-01|83||
A-014|Marlow Tiles|mid-market|58000|2027-03-15|en|retail|2|adoption||C-03|2026-02-01|60||
A-015|Nettle Software|mid-market|73000|2027-05-15|en|software|3|established||C-03|2026-02-01|68||
A-016|Orsino Travel|mid-market|61000|2027-08-15|en|retail|2|established||C-03|2026-02-01|52||
A-017|Penrose Optics|mid-market|84000|2027-10-15|de|healthcare|3|established||C-04|2025-05-01|80||
A-018|Quarrybank Steel|mid-market|69000|2027-01-31|de|manufacturing|3|established||C-04|2025-05-01|64||
A-019|Rowan Academies|mid-market|55000|2027-06-30|en|education|2|established||C-04|2025-05-01|75||
A-020|Sablewood Homes|mid-market|78000|2027-11-30|en|retail|3|onboarding||||71||
"""

# Half of everybody's year goes to support and onboarding, so hours are stated instead of left to the calendar.
CSMS = """\
csm_id|name|segment|base|variable|region|languages|industries|level|tenure_years|fte|hours
C-01|CSM C-01|enterprise|104000|18000|EMEA|en|banking; logistics|senior|5.5|1.0|520
C-02|CSM C-02|enterprise|98000|16000|EMEA|en; de|healthcare; manufacturing|senior|4.0|1.0|420
C-03|CSM C-03|mid-market|82000|13000|EMEA|en|retail; software|csm|3.0|1.0|260
C-04|CSM C-04|mid-market|79000|12000|EMEA|en; de|healthcare; manufacturing|csm|2.0|1.0|240
"""

PAIRS = """\
account_id|csm_id|eligible|fit
A-012|C-04|false|
A-019|C-03||0.4
"""

ROWS = {"accounts": ACCOUNTS, "csms": CSMS, "pairs": PAIRS}
