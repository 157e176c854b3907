"""The tables of an instance: every column with its type, unit, default, range and meaning.

Validation, the reference page and the templates of `optcomp init` are all made from this one description. Defaults are
those of the dataclass that a row becomes; `currency` alone is read for a check and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from optcomp.instance import Account, Csm, Pair

# share: a ratio in [0, 1], the only kind that also reads `12 %`; list: several texts separated by `;`.
Kind = Literal["id", "text", "number", "integer", "share", "date", "flag", "list", "choice"]
TableName = Literal[
    "accounts", "csms", "pairs", "changes", "locks", "history/account_quarters", "history/csm_quarters", "history/plans"
]

# Largest amount of money that is read. A million accounts of this size still add up far inside what a float holds.
MAX_MONEY = 1e12
# Hours in a leap year: nobody works more.
MAX_HOURS_OF_A_PERSON = 8784.0
MAX_HOURS_OF_AN_ACCOUNT = 100_000.0


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    low, high : range of a number, both included, except `low` where `above_low` says so
    references : table (or `segments`) whose ids may stand here
    aliases : headers of CRM exports that mean this column; compared without case, spaces and underscores
    """

    name: str
    kind: Kind
    description: str
    example: str = ""
    unit: str = ""
    required: bool = False
    low: float | None = None
    high: float | None = None
    above_low: bool = False
    allowed: tuple[str, ...] = ()
    references: str = ""
    aliases: tuple[str, ...] = ()

    @property
    def range_text(self) -> str:
        """What a number in this column must be, in words."""
        if self.low is None or self.high is None:
            return ""
        return f"above {self.low:g} and at most {self.high:g}" if self.above_low else f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the dataclass its rows become (or its columns, as arrays), the columns that identify a row, whether it
    must be there.
    """

    name: TableName
    record: type[Any]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    description: str
    required: bool = True

    @property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {column.name: column for column in self.columns}

    def default(self, column: str) -> object:
        """What an empty cell of an optional column means."""
        defaults = {f.name: f.default for f in fields(self.record)}
        value = defaults.get(column, MISSING)
        return None if value is MISSING else value


_CURRENCY = Column(
    "currency",
    "text",
    "Currency of this row; only to refuse a table in more than one currency.",
    "USD",
    aliases=("CurrencyIsoCode", "Account Currency", "deal_currency_code"),
)

ACCOUNTS = Table(
    "accounts", Account, ("account_id",), description="Customer accounts as they stand on `as_of`.",
    columns=(
        Column(
            "account_id", "id", "Id of the account.", "A-001", required=True,
            aliases=("Id", "Account.Id", "hs_object_id", "Record ID", "Gsid", "Company ID"),
        ),
        Column("name", "text", "Name that people know.", "Acme Corp", aliases=("Account Name", "Company Name")),
        Column(
            "segment", "text", "Segment, as declared in instance.toml.", "growth", required=True, references="segments",
            aliases=("Segment__c", "Segment__gc", "Customer Segment"),
        ),
        Column(
            "arr", "number", "Annual recurring revenue.", "48000", "money a year", required=True, low=0.0,
            high=MAX_MONEY, above_low=True,
            aliases=("ARR__c", "ARR__gc", "hs_arr", "Annual Recurring Revenue", "Current ARR"),
        ),
        Column(
            "renewal_date", "date", "Next renewal; empty where the contract has none.", "2027-03-31",
            aliases=("Renewal_Date__c", "RenewalDate__gc", "Next Renewal Date", "Contract Renewal Date"),
        ),
        Column(
            "term_months", "integer", "Length of the contract.", "12", "months", low=1, high=240,
            aliases=("Contract Term", "ContractTerm", "Contract Term (months)", "Term"),
        ),
        Column("region", "text", "Region from which it is served.", "EMEA", aliases=("Region__c", "Region__gc")),
        Column("language", "text", "Language of the customer.", "de", aliases=("Language__c", "hs_language")),
        Column("industry", "text", "Industry of the customer.", "retail", aliases=("Industry__c",)),
        Column(
            "complexity", "number", "1 (simple) to 5 (very complex) to serve.", "3", "points", low=1, high=5,
            aliases=("Complexity__c",),
        ),
        Column(
            "stage", "text", "Lifecycle stage.", "established", aliases=("lifecyclestage", "Lifecycle Stage"),
        ),
        Column(
            "parent", "id", "Parent account; accounts of one parent are one family. Need not be a row of its own.",
            aliases=("ParentId", "Parent Account ID", "Parent Company", "hs_parent_company_id"),
        ),
        Column(
            "csm", "id", "Id of today's CSM; empty where nobody looks after it.", "C-01", references="csms",
            aliases=("CSM ID", "CSM__c", "CSM__gc", "OwnerId", "Owner ID", "hubspot_owner_id"),
        ),
        Column(
            "csm_since", "date", "Since when today's CSM has it.", "2025-02-01",
            aliases=("CSM Start Date", "hubspot_owner_assigneddate"),
        ),
        Column(
            "health", "number", "Health score; empty where not scored.", "72", "points", low=0, high=100,
            aliases=("Health Score", "CurrentScore", "Health_Score__c"),
        ),
        Column("renewal_probability", "share", "Own prediction: chance that it renews.", "0.9", "share", low=0, high=1),
        Column(
            "contraction", "share", "Own prediction: share of ARR lost by an account that renews.", "0.03", "share",
            low=0, high=1,
        ),
        Column(
            "expansion", "share", "Own prediction: chance of an expansion in a quarter.", "0.05", "share",
            low=0, high=1,
        ),
        Column(
            "hours", "number", "Service hours; empty means from the service model.", "20", "hours a year", low=0,
            high=MAX_HOURS_OF_AN_ACCOUNT,
        ),
        Column("locked", "flag", "The account must stay with today's CSM.", "false"),
        Column("lock_reason", "text", "Why it is locked.", "executive sponsor"),
        _CURRENCY,
    ),
)  # fmt: skip

CSMS = Table(
    "csms", Csm, ("csm_id",), description="Customer success managers and open positions.",
    columns=(
        Column(
            "csm_id", "id", "Id of the CSM.", "C-01", required=True,
            aliases=("Id", "User.Id", "UserId", "User ID", "Owner ID", "hubspot_owner_id", "Gsid"),
        ),
        Column("name", "text", "Name that people know.", "CSM E1", aliases=("Full Name", "CSM Name")),
        Column(
            "segment", "text", "Segment, as declared in instance.toml.", "growth", required=True, references="segments",
            aliases=("Segment__c", "Team"),
        ),
        Column(
            "base", "number", "Base pay.", "85000", "money a year", required=True, low=0.0, high=MAX_MONEY,
            above_low=True, aliases=("Base Salary", "Base Pay", "Annual Base"),
        ),
        Column(
            "variable", "number", "Variable pay at target.", "15000", "money a year", low=0.0, high=MAX_MONEY,
            aliases=("Target Variable", "Variable Pay", "Target Bonus"),
        ),
        Column(
            "market_ote", "number", "Market pay of this job at target; empty means from the benchmark pack.", "105000",
            "money a year", low=0.0, high=MAX_MONEY, above_low=True,
        ),
        Column("region", "text", "Region that the CSM serves.", "EMEA", aliases=("Region__c", "Territory")),
        Column("languages", "list", "Languages spoken.", "en; de", aliases=("language",)),
        Column("industries", "list", "Industries known.", "retail; banking", aliases=("industry",)),
        Column("level", "text", "Level in the pay benchmarks.", "csm", aliases=("Job Level",)),
        Column(
            "tenure_years", "number", "Years with the company.", "2.5", "years",
            low=0, high=60, aliases=("Tenure",),
        ),
        Column("fte", "number", "Part of a full-time job.", "1.0", "full-time jobs", low=0, high=2, above_low=True),
        Column(
            "hours", "number", "Hours that can be delivered in a full year; empty means calendar hours less overhead.",
            "1250", "hours a year", low=0, high=MAX_HOURS_OF_A_PERSON, above_low=True,
        ),
        Column(
            "status", "choice", "`leaving` on `end`, `joining` on `start`, `open` = a position that may be filled.",
            "active", allowed=("active", "leaving", "joining", "open"),
        ),
        Column("start", "date", "First day of one who joins.", "2027-02-01", aliases=("Start Date",)),
        Column("end", "date", "Last day of one who leaves.", "2027-01-31", aliases=("End Date",)),
        Column("ramp_months", "number", "Months until one who joins gives full hours.", "3", "months", low=0, high=60),
        Column(
            "max_accounts", "integer", "Most accounts that this CSM may have.", "40", "accounts",
            low=0, high=1_000_000,
        ),
        Column(
            "max_arr", "number", "Most ARR that this CSM may have.", "4000000", "money a year",
            low=0, high=MAX_MONEY,
        ),
        _CURRENCY,
    ),
)  # fmt: skip

PAIRS = Table(
    "pairs", Pair, ("account_id", "csm_id"), required=False,
    description="What is known of one account with one CSM; an empty cell falls back to the general rule.",
    columns=(
        Column("account_id", "id", "Account.", "A-001", required=True, references="accounts"),
        Column("csm_id", "id", "CSM.", "C-01", required=True, references="csms"),
        Column("eligible", "flag", "No forbids the pair; yes allows it whatever the eligibility rules say.", "false"),
        Column("fit", "share", "How well they fit, instead of the fit formula.", "0.8", "share", low=0, high=1),
        Column(
            "hours", "number", "Service hours of this account with this CSM.", "16", "hours a year", low=0,
            high=MAX_HOURS_OF_AN_ACCOUNT,
        ),
        Column(
            "renewal_probability", "share", "Prediction for this pair: chance of renewal.", "0.92", "share",
            low=0, high=1,
        ),
        Column(
            "contraction", "share", "Prediction for this pair: share of ARR lost on renewal.", "0.02", "share",
            low=0, high=1,
        ),
        Column(
            "expansion", "share", "Prediction for this pair: chance of an expansion in a quarter.", "0.06", "share",
            low=0, high=1,
        ),
        Column(
            "value", "number", "Predicted year-end ARR, used as it is.", "51000", "money a year",
            low=0, high=MAX_MONEY,
        ),
    ),
)  # fmt: skip

TABLES: Mapping[TableName, Table] = {"accounts": ACCOUNTS, "csms": CSMS, "pairs": PAIRS}

# Headers that look like a column of ours and mean something else.
FALSE_FRIENDS = {
    "annualrevenue": "This is the customer's own revenue, not the ARR that they pay you",
}
