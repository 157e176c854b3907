"""The shipped instances that a script generates: same seed, same bytes, and the facts that their texts ask for."""

import csv
import subprocess
import sys
from collections import Counter
from dataclasses import fields, replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from optcomp.assemble import load
from optcomp.dates import due_quarter
from optcomp.evaluate import current_solution, evaluate
from optcomp.instance import Account, Csm, Pair
from optcomp.problem import Problem

ROOT = Path(__file__).resolve().parents[1] / "instances"
GENERATED = ("team-of-15", "mid-market")
PLAN_YEAR_START = date(2027, 1, 1)


def rows(name: str, table: str) -> list[dict[str, str]]:
    with (ROOT / name / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@cache
def problem_of(name: str) -> Problem:
    return load(ROOT / name).problem


def quarter(account: dict[str, str]) -> int | None:
    return due_quarter(date.fromisoformat(account["renewal_date"]), int(account["term_months"]), PLAN_YEAR_START)


def test_the_same_seed_writes_the_shipped_files_byte_for_byte(tmp_path: Path) -> None:
    """Best known values are of these very files; whoever changes the script must measure again."""
    command = [sys.executable, "-B", str(ROOT / "make_instances.py"), "--out", str(tmp_path)]

    subprocess.run(command, check=True, timeout=60)

    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert {path.parts[0] for path in written} == set(GENERATED)
    assert [str(path) for path in written if (tmp_path / path).read_bytes() != (ROOT / path).read_bytes()] == []


@pytest.mark.parametrize(
    ("name", "table", "record"),
    [
        ("team-of-15", "accounts", Account),
        ("team-of-15", "csms", Csm),
        ("mid-market", "accounts", Account),
        ("mid-market", "csms", Csm),
        ("mid-market", "pairs", Pair),
    ],
)
def test_columns_are_the_fields_of_the_records(name: str, table: str, record: type) -> None:
    """A field that is added later must reach the shipped files too."""
    assert set(rows(name, table)[0]) == {f.name for f in fields(record)}


@pytest.mark.parametrize("name", GENERATED)
def test_families_have_one_csm_one_segment_and_one_language(name: str) -> None:
    """Mixed segments in a family are an input error, and today's books keep families together (U17)."""
    families: dict[str, list[dict[str, str]]] = {}
    for account in rows(name, "accounts"):
        if account["parent"]:
            families.setdefault(account["parent"], []).append(account)

    assert families
    for members in families.values():
        assert 2 <= len(members) <= 5
        assert len({(a["csm"], a["segment"], a["region"], a["language"]) for a in members}) == 1


@pytest.mark.parametrize("name", GENERATED)
def test_every_lock_states_a_reason(name: str) -> None:
    """A lock without a reason cannot be argued with."""
    locked = [a for a in rows(name, "accounts") if a["locked"] == "yes"]

    assert locked
    assert all(a["lock_reason"] and a["csm"] for a in locked)


def test_team_of_15_is_the_example_of_the_text() -> None:
    """000-38: 15 people, $85,000 on average, 15 % of base as variable, $1.466M in all."""
    csms = rows("team-of-15", "csms")
    base = [float(c["base"]) for c in csms]
    variable = [float(c["variable"]) for c in csms]

    assert len(csms) == 15
    assert sum(base) / 15 == 85_000
    assert variable == [pytest.approx(0.15 * b, abs=0.005) for b in base]
    assert sum(base) + sum(variable) == 1_466_250
    assert "pay = 1466250\n" in (ROOT / "team-of-15" / "instance.toml").read_text(encoding="utf-8")


def test_team_of_15_has_the_books_of_the_text() -> None:
    """000-39: about 10, 25 and 50 accounts a CSM, with ARR in the segment's range."""
    accounts = rows("team-of-15", "accounts")
    ranges = {"enterprise": (200_000, 1_100_000), "mid-market": (50_000, 200_000), "growth": (10_000, 50_000)}

    assert Counter(a["segment"] for a in accounts) == {"enterprise": 50, "mid-market": 125, "growth": 250}
    assert all(ranges[a["segment"]][0] <= float(a["arr"]) <= ranges[a["segment"]][1] for a in accounts)


def test_mid_market_has_the_size_that_was_asked_for() -> None:
    """Issue 2: about 40 CSMs, 1,500 accounts, four regions, two leavers, one open position."""
    csms = rows("mid-market", "csms")

    assert len(rows("mid-market", "accounts")) == 1_500
    assert Counter(c["status"] for c in csms) == {"active": 37, "leaving": 2, "joining": 1, "open": 1}
    assert len({c["region"] for c in csms}) == 4
    assert len({(c["region"], c["segment"]) for c in csms}) == 12


def test_leavers_of_mid_market_go_before_the_plan_year_and_own_accounts() -> None:
    """Accounts that must move are the point of having leavers."""
    owned = Counter(a["csm"] for a in rows("mid-market", "accounts"))
    leavers = [c for c in rows("mid-market", "csms") if c["status"] == "leaving"]

    assert all(date.fromisoformat(c["end"]) < PLAN_YEAR_START for c in leavers)
    assert sum(owned[c["csm_id"]] for c in leavers) == 104


def test_renewals_of_mid_market_fall_unevenly_over_the_quarters() -> None:
    """Uneven renewals are what makes quarterly pay hard (003-6)."""
    due = Counter(quarter(a) for a in rows("mid-market", "accounts"))
    by_quarter = [due[q] for q in range(4)]

    assert max(by_quarter) > 1.5 * min(by_quarter)


@pytest.mark.parametrize("name", GENERATED)
def test_today_is_calibrated_to_the_published_medians(name: str) -> None:
    """GRR 0.890 and NRR 1.020 within 0.0005 (SCIENCE 2.1 row 33); with leavers, as if nobody left."""
    problem = problem_of(name)
    if problem.has_leavers_with_books:
        problem = problem.as_if_nobody_leaves()

    today = evaluate(problem, current_solution(problem))

    assert today.grr == pytest.approx(0.890, abs=0.0005)
    assert today.nrr == pytest.approx(1.020, abs=0.0005)


def test_today_of_team_of_15_can_be_kept() -> None:
    """Keeping what one has is always a candidate, so it must break no hard rule here."""
    problem = problem_of("team-of-15")

    assert evaluate(problem, current_solution(problem)).violations == ()


def test_mid_market_works_without_the_open_position() -> None:
    """The open position is a choice: the leavers' accounts, dealt to whoever has most time, break no hard rule."""
    problem = problem_of("mid-market")
    dealt = replace(current_solution(problem), csm_by_account=deal_leavers_accounts(problem))

    outcome = evaluate(problem, dealt)

    assert outcome.violations == ()
    assert outcome.moves == outcome.moves_forced == 104


def deal_leavers_accounts(problem: Problem) -> dict[str, str]:
    """Today's books, each family of a leaver with the least loaded CSM who may have all of it."""
    accounts, csms = problem.accounts, problem.csms
    owner = accounts.csm.copy()
    hours = np.bincount(owner, accounts.hours, len(csms.ids))
    for family in dict.fromkeys(accounts.family[csms.is_leaving[owner]]):
        members = np.flatnonzero(accounts.family == family)
        able = np.flatnonzero(problem.allowed.for_all(members) & ~csms.is_open)
        taker = able[np.argmin(hours[able] / csms.hours[able])]
        owner[members] = taker
        hours[taker] += accounts.hours[members].sum()
    return {account: csms.ids[j] for account, j in zip(accounts.ids, owner, strict=True)}


def test_no_pool_of_mid_market_needs_more_than_95_percent_of_the_hours_of_those_who_stay() -> None:
    """So that hours bind in single books, but never make the whole impossible."""
    problem = problem_of("mid-market")
    needed: Counter[tuple[str, str]] = Counter()
    available: Counter[tuple[str, str]] = Counter()

    for account, hours in zip(problem.account_list, problem.accounts.hours, strict=True):
        needed[account.segment, account.region] += hours
    for csm, hours in zip(problem.csm_list, problem.csms.hours, strict=True):
        available[csm.segment, csm.region] += 0.0 if csm.status == "open" else hours

    assert len(needed) == 12
    assert all(needed[pool] <= 0.95 * available[pool] for pool in needed)
