"""The tables of a history: every column with its type, unit, range and meaning.

Ids of accounts and CSMs who left the company are welcome: without those who churned and those who quit, a history
tells only of survivors.
"""

from __future__ import annotations

from collections.abc import Mapping

from optcomp.learn.history import AccountQuarters, CsmQuarters, PlansInForce
from optcomp.plan import METRICS
from optcomp.tables import MAX_MONEY, Column, Table, TableName

_QUARTER = Column("quarter", "date", "First day of the quarter.", "2025-01-01", required=True, aliases=("period",))
_SEGMENT = Column(
    "segment", "text", "Segment, as declared in instance.toml.", "growth", required=True, references="segments"
)
# A load of 20 books, or attainment of 100 times the target, is a mistake of units.
MAX_LOAD, MAX_ATTAINMENT = 20.0, 100.0

ACCOUNT_QUARTERS = Table(
    "history/account_quarters", AccountQuarters, ("account_id", "quarter"),
    description="A row for every account and quarter in which it was a customer, those that churned later included.",
    columns=(
        Column("account_id", "id", "Id of the account.", "A-001", required=True),
        _QUARTER,
        Column("csm_id", "id", "Id of the CSM who looked after it; empty where nobody did.", "C-01", aliases=("csm",)),
        _SEGMENT,
        Column(
            "arr_start", "number", "Annual recurring revenue on the first day of the quarter.", "48000",
            "money a year", required=True, low=0.0, high=MAX_MONEY, above_low=True, aliases=("arr",),
        ),
        Column("due", "flag", "The contract was up for renewal in the quarter.", "yes", required=True),
        Column("renewed", "flag", "It was renewed; empty where nothing was due.", "yes"),
        Column(
            "contraction", "number", "ARR lost by an account that stayed a customer; empty means none.", "4000",
            "money a year", low=0.0, high=MAX_MONEY,
        ),
        Column(
            "expansion", "number", "ARR added in the quarter; empty means none.", "9000", "money a year",
            low=0.0, high=MAX_MONEY,
        ),
        Column(
            "health", "number", "Health score on the first day of the quarter; empty where not scored.", "72",
            "points", low=0, high=100,
        ),
        Column("health_date", "date", "Day of that score, where it was another: never after the first.", "2024-12-20"),
        Column("csat", "share", "Satisfaction in the quarter, as a share of the top score.", "0.85", "share", low=0,
               high=1),
        Column("csm_since", "date", "Since when this CSM has it; needed only for what came before the history.",
               "2024-05-01"),
        Column(
            "late", "number", "Part of the expansion that was booked in the last two weeks of the quarter.", "9000",
            "money a year", low=0.0, high=MAX_MONEY,
        ),
        Column("industry", "text", "Industry, of an account that is not in accounts.", "retail"),
        Column("language", "text", "Language, of an account that is not in accounts.", "de"),
        Column("complexity", "number", "1 to 5, of an account that is not in accounts.", "3", "points", low=1, high=5),
        Column("term_months", "integer", "Contract length, of an account that is not in accounts.", "12", "months",
               low=1, high=240),
    ),
)  # fmt: skip


def _by_metric(prefix: str, text: str, unit: str, high: float) -> tuple[Column, ...]:
    return tuple(
        Column(f"{prefix}_{name}", "number", f"{text}: {metric.title}.", unit=unit, low=0.0, high=high)
        for name, metric in METRICS.items()
    )


CSM_QUARTERS = Table(
    "history/csm_quarters", CsmQuarters, ("csm_id", "quarter"),
    description="A row for every CSM and quarter on the payroll, those who left later included.",
    columns=(
        Column("csm_id", "id", "Id of the CSM.", "C-01", required=True),
        _QUARTER,
        _SEGMENT,
        Column("base", "number", "Base pay.", "85000", "money a year", required=True, low=0.0, high=MAX_MONEY,
               above_low=True),
        Column("variable", "number", "Variable pay at target; empty means none.", "15000", "money a year",
               low=0.0, high=MAX_MONEY),
        Column("market_ote", "number", "Market pay of this job at target.", "105000", "money a year", low=0.0,
               high=MAX_MONEY, above_low=True),
        Column("load", "number", "Hours that the book needed over hours available.", "0.95", "ratio", low=0.0,
               high=MAX_LOAD),
        Column("left", "flag", "The CSM quit at the end of this quarter.", "no", required=True),
        Column("tenure_years", "number", "Years with the company on the first day of the quarter.", "2.5", "years",
               low=0, high=60),
        Column("activities", "number", "Key activities logged over those agreed.", "1.1", "ratio", low=0,
               high=MAX_ATTAINMENT),
        Column("activities_traced", "number", "The same as calendars and product use show it.", "1.0", "ratio", low=0,
               high=MAX_ATTAINMENT),
        *_by_metric("attainment", "Attainment (1 = target; the raw share where the plan's threshold is one)", "ratio",
                    MAX_ATTAINMENT),
        *_by_metric("payout", "Paid for the quarter", "money", MAX_MONEY),
        Column("level", "text", "Level, of a CSM who is not in csms.", "csm"),
        Column("languages", "list", "Languages, of a CSM who is not in csms.", "en; de"),
        Column("industries", "list", "Industries, of a CSM who is not in csms.", "retail"),
    ),
)  # fmt: skip

PLANS = Table(
    "history/plans", PlansInForce, ("segment", "quarter", "csm_id"),
    description="Which plan applied from which quarter on; it applies until another row of the segment or the CSM.",
    columns=(
        _SEGMENT,
        _QUARTER,
        Column("csm_id", "id", "Only where one CSM has another plan than the segment, as in a pilot.", "C-01"),
        Column("mix", "text", "Name of a compensation model.", "individual-bonus", required=True),
        Column("variable_share", "share", "Variable at target over pay at target; empty means as the CSMs are paid.",
               "0.15", "share", low=0, high=1),
        Column("base_factor", "number", "Base pay over the CSMs' own base; empty means 1.", "1.0", "ratio",
               low=0.0, high=5.0, above_low=True),
    ),
)  # fmt: skip

HISTORY_TABLES: Mapping[TableName, Table] = {t.name: t for t in (ACCOUNT_QUARTERS, CSM_QUARTERS, PLANS)}

# Results of the plan: as controls they would hide the very effect that is looked for (SCIENCE 1.6).
MEDIATORS = ("csat", "health", "late", "activities", "activities_traced", "attainment_", "payout_")
