"""Two years of the past of team-of-15 under its one plan: the same CSMs and accounts, and those who are gone.

Written backwards from the facts of today: whoever is a customer now has renewed every time; for each such renewal as
many lost ones are added as a company that renews with this chance has. People who came within the two years had
predecessors, who left. Every draw goes through `Draws`, so the same bytes come out on every machine.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from generate import Draws

from optcomp.dates import add_months

SEED = 15_426
QUARTERS = tuple(add_months(date(2024, 10, 1), 3 * q) for q in range(8))
END = add_months(QUARTERS[-1], 3)
AS_OF = date(2026, 11, 1)
MIX, VARIABLE_PER_BASE, THRESHOLD = "all-or-nothing-90", 0.15, 0.9
# Log-odds of renewal by segment, a point of health, and chance of growth in a quarter: about GRR 89 %, NRR 102 %.
RENEW = {"enterprise": 2.6, "mid-market": 2.2, "growth": 1.7}
PER_POINT, GROW = 0.03, 0.12
# Leavers sat in these seats before the people of today came; the first quarter of whoever came after them.
_CAME = {"M5": date(2025, 7, 1), "G3": date(2025, 7, 1), "G4": date(2026, 1, 1), "G5": date(2026, 4, 1)}
# True skill of each CSM in log-odds of renewal and of growth; the audit should see that it is hardly seen.
_SKILL_SD = 0.3
_HOURS = {"enterprise": 90.0, "mid-market": 32.0, "growth": 20.0}
_AVAILABLE = 1560.0

ACCOUNT_COLUMNS = (
    "account_id", "quarter", "csm_id", "segment", "arr_start", "due", "renewed", "contraction", "expansion", "health",
    "csat", "csm_since", "late", "industry", "language", "complexity", "term_months",
)  # fmt: skip
CSM_COLUMNS = (
    "csm_id", "quarter", "segment", "base", "variable", "load", "left", "tenure_years", "activities",
    "activities_traced", "attainment_LOGO", "payout_LOGO", "level",
)  # fmt: skip
PLAN_COLUMNS = ("segment", "quarter", "csm_id", "mix", "variable_share", "base_factor")
Row = dict[str, str]


@dataclass
class Life:
    """An account over the eight quarters; `begin` and `end` are its first and last quarter."""

    account_id: str
    facts: Row
    begin: int
    end: int
    due: set[int]
    owner: list[str]
    health: list[float]
    arr: list[float] = field(default_factory=list)
    grew: dict[int, float] = field(default_factory=dict)
    shrank: dict[int, float] = field(default_factory=dict)
    churned: bool = False


def write(folder: Path) -> None:
    """Write history/account_quarters.csv, csm_quarters.csv and plans.csv into the folder of the instance."""
    accounts, csms = _read(folder / "accounts.csv"), _read(folder / "csms.csv")
    draws = Draws(SEED)
    skill = {j: (_SKILL_SD * draws.bell(), _SKILL_SD * draws.bell()) for j in _everybody(csms)}
    mood = [0.1 * draws.bell() for _ in QUARTERS]
    lives = [_survivor(draws, account, csms, skill) for account in accounts]
    lives += _lost(draws, lives, skill, mood)
    people = _csm_rows(draws, csms, lives)
    (folder / "history").mkdir(parents=True, exist_ok=True)
    _write(folder / "history" / "account_quarters.csv", ACCOUNT_COLUMNS, _account_rows(draws, lives))
    _write(folder / "history" / "csm_quarters.csv", CSM_COLUMNS, people)
    plans = [(s, str(QUARTERS[0]), "", MIX, "", "") for s in RENEW]
    _write(folder / "history" / "plans.csv", PLAN_COLUMNS, (dict(zip(PLAN_COLUMNS, p, strict=True)) for p in plans))


# ---- who looked after what ------------------------------------------------------------------------------------------


def _before(csm: str) -> str:
    """Id of the predecessor in a seat."""
    return f"{csm}-former"


def _everybody(csms: Sequence[Row]) -> list[str]:
    ids = [c["csm_id"] for c in csms]
    return ids + [_before(j) for j in ids if j in _CAME]


def _in_seat(csm: str, quarter: int) -> str:
    """Who sat in the seat of a CSM of today."""
    return _before(csm) if csm in _CAME and QUARTERS[quarter] < _CAME[csm] else csm


def _survivor(draws: Draws, account: Row, csms: Sequence[Row], skill: dict[str, tuple[float, float]]) -> Life:
    """The past of an account that is still there."""
    begin, term = _began(account), int(account["term_months"])
    renewals = {_quarter_of(add_months(date.fromisoformat(account["renewal_date"]), -k * term)) for k in range(1, 13)}
    due = {q for q in renewals if q is not None and q > begin}
    owner = _owners(draws, account, csms)
    health = _health(draws, float(account["health"] or 70), len(QUARTERS))
    life = Life(account["account_id"], account, begin, len(QUARTERS) - 1, due, owner, health)
    _backwards(draws, life, skill)
    return life


def _began(account: Row) -> int:
    """First quarter of a customer: new ones began with their present term, the others before the history."""
    if account["stage"] == "established":
        return 0
    start = add_months(date.fromisoformat(account["renewal_date"]), -int(account["term_months"]))
    found = _quarter_of(start)
    return len(QUARTERS) - 1 if start >= END else found or 0


def _quarter_of(day: date) -> int | None:
    return next((q for q, first in enumerate(QUARTERS) if first <= day < add_months(first, 3)), None)


def _owners(draws: Draws, account: Row, csms: Sequence[Row]) -> list[str]:
    """Who had the account in each quarter: today's CSM since `csm_since`, a colleague of the segment before."""
    own, since = account["csm"], date.fromisoformat(account["csm_since"])
    peers = [c["csm_id"] for c in csms if c["segment"] == account["segment"] and c["csm_id"] != own]
    came = _CAME.get(own)
    # Whoever came within the two years got the book of the predecessor.
    before = own if came and since < add_months(came, 3) else draws.pick(peers)
    return [_in_seat(own if first >= since else before, q) for q, first in enumerate(QUARTERS)]


def _health(draws: Draws, today: float, count: int) -> list[float]:
    """Scores that end at today's and wander by a few points a quarter."""
    scores = [today]
    for _ in range(count - 1):
        scores.append(min(max(scores[-1] + 4.0 * draws.bell() + 0.1 * (70.0 - scores[-1]), 5.0), 98.0))
    return [float(round(s)) for s in reversed(scores)]


# ---- what happened --------------------------------------------------------------------------------------------------


def _share(log_odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-log_odds))


def _chance(segment: str, health: float, skill: float, mood: float = 0.0) -> float:
    return _share(RENEW[segment] + PER_POINT * (health - 70.0) + skill + mood)


def _backwards(draws: Draws, life: Life, skill: dict[str, tuple[float, float]]) -> None:
    """ARR of each quarter from today's, growth and contraction taken off on the way back."""
    arr, rows = float(life.facts["arr"]), []
    for q in range(life.end, life.begin - 1, -1):
        if life.churned and q == life.end:
            rows.append(arr)
            continue
        odds = GROW * math.exp(skill[life.owner[q]][1] + 0.01 * (life.health[q] - 70.0))
        if draws.chance(odds):
            share = draws.uniform(0.1, 0.4)
            life.grew[q] = round(arr * share / (1.0 + share), -2)
        elif q in life.due and draws.chance(0.12):
            life.shrank[q] = round(arr * draws.uniform(0.1, 0.3), -2)
        arr = arr - life.grew.get(q, 0.0) + life.shrank.get(q, 0.0)
        rows.append(arr)
    life.arr = rows[::-1]


def _lost(
    draws: Draws, lives: Sequence[Life], skill: dict[str, tuple[float, float]], mood: Sequence[float]
) -> list[Life]:
    """Accounts that were not renewed: for each renewal that was, as many failures as come before a success."""
    lost: list[Life] = []
    for life in lives:
        for q in sorted(life.due):
            while not draws.chance(_chance(life.facts["segment"], life.health[q], skill[life.owner[q]][0], mood[q])):
                lost.append(_loss(draws, life, q, number=len(lost) + 1))
                _backwards(draws, lost[-1], skill)
    return lost


def _loss(draws: Draws, like: Life, quarter: int, *, number: int) -> Life:
    """An account like another one of the book that was lost in a quarter; it had been there for a year at least."""
    arr = max(round(float(like.facts["arr"]) * draws.uniform(0.7, 1.3), -2), 5000.0)
    facts = {**like.facts, "arr": f"{arr:g}", "term_months": "12", "parent": ""}
    health = _health(draws, max(like.health[quarter] - draws.uniform(0.0, 12.0), 5.0), quarter + 1)
    due = set(range(quarter % 4, quarter + 1, 4))
    return Life(f"X{number:03d}", facts, 0, quarter, due, like.owner, health, churned=True)


# ---- what was written down ------------------------------------------------------------------------------------------


def _account_rows(draws: Draws, lives: Iterable[Life]) -> Iterable[Row]:
    for life in lives:
        for q in range(life.begin, life.end + 1):
            facts, due, grew = life.facts, q in life.due, life.grew.get(q, 0.0)
            renewed = not (life.churned and q == life.end)
            csat = 0.85 + 0.002 * (life.health[q] - 70.0) + 0.07 * draws.bell()
            is_new = q == 0 and life.owner[0] == facts["csm"]
            yield {
                "account_id": life.account_id, "quarter": str(QUARTERS[q]), "csm_id": life.owner[q],
                "segment": facts["segment"], "arr_start": _n(life.arr[q - life.begin]),
                "due": "yes" if due else "no", "renewed": ("yes" if renewed else "no") if due else "",
                "contraction": _n(life.shrank.get(q, 0.0)), "expansion": _n(grew), "health": _n(life.health[q]),
                "csat": f"{min(max(csat, 0.0), 1.0):.2f}" if draws.chance(0.5) else "",
                "csm_since": facts["csm_since"] if is_new and not life.churned else "",
                "late": _n(grew if grew and draws.chance(2.0 / 13.0) else 0.0),
                "industry": facts["industry"], "language": facts["language"], "complexity": facts["complexity"],
                "term_months": facts["term_months"],
            }  # fmt: skip


def _csm_rows(draws: Draws, csms: Sequence[Row], lives: Sequence[Life]) -> list[Row]:
    """A row for everybody and every quarter on the payroll."""
    book: dict[tuple[str, int], list[Life]] = {}
    for life in lives:
        for q in range(life.begin, life.end + 1):
            book.setdefault((life.owner[q], q), []).append(life)
    rows = []
    for csm in csms:
        for q in range(len(QUARTERS)):
            who = _in_seat(csm["csm_id"], q)
            rows.append(_csm_row(draws, csm, who, q, book.get((who, q), [])))
    return sorted(rows, key=lambda row: (row["csm_id"], row["quarter"]))


def _csm_row(draws: Draws, csm: Row, who: str, q: int, book: Sequence[Life]) -> Row:
    base, is_former = float(csm["base"]), who != csm["csm_id"]
    due = [life for life in book if q in life.due]
    kept = sum(not (life.churned and q == life.end) for life in due)
    reached = kept / len(due) if due else None
    paid = base * VARIABLE_PER_BASE / 4.0 if reached is None or reached >= THRESHOLD else 0.0
    years = (QUARTERS[q] - AS_OF).days / 365.25 + float(csm["tenure_years"])
    traced = 1.0 + 0.12 * draws.bell()
    return {
        "csm_id": who, "quarter": str(QUARTERS[q]), "segment": csm["segment"], "base": _n(base),
        "variable": f"{base * VARIABLE_PER_BASE:.2f}",
        "load": f"{_HOURS[csm['segment']] * len(book) / (_AVAILABLE * float(csm['fte'])):.3f}",
        "left": "yes" if is_former and _in_seat(csm["csm_id"], min(q + 1, len(QUARTERS) - 1)) != who else "no",
        "tenure_years": f"{max(years, 0.0) + (3.0 if is_former else 0.0):.2f}",
        "activities": f"{max(traced + 0.05 * draws.bell(), 0.0):.3f}", "activities_traced": f"{max(traced, 0.0):.3f}",
        "attainment_LOGO": "" if reached is None else f"{reached:.4f}", "payout_LOGO": f"{paid:.2f}",
        "level": csm["level"],
    }  # fmt: skip


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") or "0"


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
