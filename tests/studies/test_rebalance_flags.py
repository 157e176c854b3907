"""Changes as flags, locks by a file, and months in which somebody has to cover."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from builders import account, problem, rules, segment
from builders import csm as plain_csm
from companies import HARD, NO_LOCKS, QUICK, after, company

from optcomp import cli
from optcomp.cli.rebalance_text import rebalance_text
from optcomp.errors import InputError
from optcomp.handover_sheets import sheets
from optcomp.problem import Problem
from optcomp.reload import parse_csv
from optcomp.solve import Engines
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.flags import (
    Flags,
    flag_changes,
    parse_away,
    parse_fte,
    parse_leave,
    parse_new_accounts,
    parse_open_deal,
    parse_transfer,
)
from optcomp.studies.rebalance.lock_file import BY_FILE, NamedLock, read_locks
from optcomp.studies.rebalance.rows import lock_rows
from optcomp.studies.rebalance.short_months import short_months
from optcomp.studies.rebalance.study import Rebalanced, Wishes, rebalance
from optcomp.write_rebalance import facts

INSTANCES = Path(__file__).parents[2] / "instances"
TEAM = INSTANCES / "team-of-15"
TINY = INSTANCES / "tiny"


def said(change: Change) -> Change:
    """A change without where it stands, to compare what it says."""
    return replace(change, place=("", None), file=None)


# ---- flags -----------------------------------------------------------------------------------------------------------


def test_every_kind_of_change_has_a_flag(tmp_path: Path):
    (tmp_path / "new.csv").write_text("account_id,segment,arr\nB1,S,1000\n", encoding="utf-8")
    flags = Flags(
        leaves=("C1:2027-03-31",),
        joins=("S:1:2027-02-01",),
        ramp_months=2.0,
        aways=("C2:2027-05-01..2027-08-31",),
        ftes=("C3:0.8:2027-03-01",),
        transfers=("C3:/West", "A3:T"),
        new_accounts=(str(tmp_path / "new.csv"),),
        lost=("A4",),
        open_deals=("A2:2027-02-28",),
    )

    rows = flag_changes(company(1).instance, flags)

    joiner = Change("join", csm="JOIN-1", segment="S", date=date(2027, 2, 1), ramp_months=2.0)
    assert [said(row) for row in rows if row.change != "new-accounts"] == [
        Change("leave", csm="C1", date=date(2027, 3, 31)),
        replace(joiner, region="", industries=("retail",)),
        Change("long-leave", csm="C2", date=date(2027, 5, 1), until=date(2027, 8, 31)),
        Change("fte", csm="C3", fte=0.8, date=date(2027, 3, 1)),
        Change("transfer", csm="C3", region="West"),
        Change("transfer", account="A3", segment="T"),
        Change("lost-account", account="A4"),
        Change("open-deal", account="A2", until=date(2027, 2, 28)),
    ]  # fmt: skip
    assert [a.account_id for row in rows for a in row.accounts] == ["B1"]


@pytest.mark.parametrize("text", ["C1", "C1:2027-05-01", "C1:2027-05-01..", ":2027-05-01..2027-08-31"])
def test_a_long_leave_needs_both_days(text: str):
    with pytest.raises(InputError, match="--away"):
        parse_away(text)


@pytest.mark.parametrize("text", ["C1", "C1:0", "C1:2.1", "C1:half", ":0.5", "C1:2027-03-01"])
def test_working_time_is_a_number_above_0_and_at_most_2(text: str):
    assert parse_fte("C1:2").fte == 2.0
    with pytest.raises(InputError, match="--fte"):
        parse_fte(text)


@pytest.mark.parametrize("day", ["2027-13-01", "31.01.2027", "1/31/2027"])
def test_a_day_that_is_none_is_not_taken_for_a_part_of_the_id(day: str):
    with pytest.raises(InputError, match=f"'C1:{day}' was found. A day of the calendar written as 2027-01-31"):
        parse_leave(f"C1:{day}")


def test_a_leaver_who_is_not_there_is_told_who_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.run(["rebalance", str(TINY), "--leaves", "C9", "--out", str(tmp_path / "out"), "--quiet"]) == 3

    assert "'C9' is not known. A CSM of the instance, such as 'C1', 'C2'." in capsys.readouterr().err


def test_a_transfer_is_of_one_who_is_known_and_goes_somewhere():
    where = company(1).instance

    both = parse_transfer("C1:T/West", where)
    assert (both.csm, both.segment, both.region) == ("C1", "T", "West")
    for text in ("C1", "C1:", "C1:/", "nobody:T", ":T"):
        with pytest.raises(InputError, match="--transfers"):
            parse_transfer(text, where)


def test_an_open_deal_may_have_a_day():
    assert said(parse_open_deal("A1")) == Change("open-deal", account="A1")
    assert parse_open_deal("A1:2027-02-28").until == date(2027, 2, 28)


def test_a_file_of_new_accounts_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(InputError, match="is not a file"):
        parse_new_accounts(str(tmp_path / "none.csv"))


def test_a_change_says_what_who_where_and_when():
    words = [
        Change("leave", csm="C1", date=date(2027, 3, 31)).words,
        Change("join", csm="N", segment="S").words,
        Change("long-leave", csm="C2", date=date(2027, 5, 1), until=date(2027, 8, 31)).words,
        Change("fte", csm="C3", fte=0.8, date=date(2027, 3, 1)).words,
        Change("transfer", csm="C3", segment="T", region="West").words,
        Change("lost-account", account="A4").words,
    ]

    assert words == [
        "leave C1 after 2027-03-31",
        "join N in S",
        "long-leave C2 2027-05-01 to 2027-08-31",
        "fte C3 0.8 from 2027-03-01",
        "transfer C3 to T/West",
        "lost-account A4",
    ]


def test_the_command_takes_every_flag(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """From flags to files: who is lost is in no book, who is locked stays with the reason, who joins is there."""
    lost, locked = "A003", "A002"
    (tmp_path / "locks.csv").write_text(f"account_id,reason\n{locked},asked for it\n", encoding="utf-8")
    words = ["--joins", "growth:1:2027-02-01", "--ramp", "1", "--away", "G2:2027-05-01..2027-07-31", "--fte"]
    words += ["M1:0.8:2027-03-01", "--lost", lost, "--open-deal", "A001", "--locks", str(tmp_path / "locks.csv")]
    words += ["--no-ladder", "--out", str(tmp_path / "out"), "--quiet", "--jobs", "1"]

    code = cli.run(["rebalance", str(TEAM), *words])

    printed = capsys.readouterr()
    assert code == 0, printed.err + printed.out
    books = {row["account_id"]: row for row in parse_csv((tmp_path / "out" / "assignment.csv").read_bytes()) or []}
    locks = {row["account_id"]: row for row in parse_csv((tmp_path / "out" / "locks.csv").read_bytes()) or []}
    assert lost not in books
    assert locks[locked]["reason"].startswith("asked for it")
    assert "JOIN-1" in (tmp_path / "out" / "csms.csv").read_text(encoding="utf-8")


# ---- locks by a file -------------------------------------------------------------------------------------------------


def test_a_file_locks_accounts_each_with_its_reason(tmp_path: Path, engines: Engines):
    (tmp_path / "locks.csv").write_text("account_id,reason\nA2,sponsor insists\nA3,\n", encoding="utf-8")
    locks = read_locks(tmp_path / "locks.csv")

    prepared = after(company(1), wishes=Wishes(locks=locks, locks_off=NO_LOCKS))

    kept = {a.account_id: a.lock_reason for a in prepared.problem.account_list if a.locked}
    assert kept == {"A2": "sponsor insists", "A3": BY_FILE}
    rows = {str(r["account_id"]): r for r in lock_rows(rebalance(prepared, QUICK, engines=engines))}
    assert {name: (row["reason"], row["locked"], row["by"]) for name, row in rows.items()} == {
        "A2": ("sponsor insists", True, "name"),
        "A3": (BY_FILE, True, "name"),
    }


def test_locks_on_nothing_are_told_at_once():
    where = problem([account("A1", "C1"), account("A2", None)], [plain_csm("C1")])
    locks = (NamedLock("A1", "x"), NamedLock("A2", "x", ("l.csv", 3)), NamedLock("A9", "x", ("l.csv", 4)))

    with pytest.raises(InputError) as caught:
        after(where, wishes=Wishes(locks=locks))

    assert [(f.row, f.code) for f in caught.value.findings] == [(3, "unknown-id"), (4, "unknown-id")]


def test_an_account_twice_in_the_file_is_refused(tmp_path: Path):
    (tmp_path / "locks.csv").write_text("account_id,reason\nA1,x\nA1,y\n", encoding="utf-8")

    with pytest.raises(InputError):
        read_locks(tmp_path / "locks.csv")


def two_segments() -> Problem:
    """C1 and C2 of segment S, C3 of T; A1 is locked to C1 by name and A2 is not."""
    people = (plain_csm("C1"), plain_csm("C2"), plain_csm("C3", segment="T"))
    accounts = [
        account("A1", "C1", locked=True, lock_reason="x"),
        account("A2", "C1"),
        account("A3", "C2", locked=True),
    ]
    return problem(
        accounts,
        people,
        segments=(segment("S"), segment("T")),
        rules=rules(**HARD, eligible_segment={}),  # type: ignore[arg-type]
    )


def test_a_lock_falls_where_a_transfer_makes_it_impossible():
    """With C1 in another segment nobody could have A1; the lock on A3, whom nothing touches, stays."""
    prepared = after(two_segments(), Change("transfer", csm="C1", segment="T"))

    assert {a.account_id for a in prepared.problem.account_list if a.locked} == {"A3"}
    assert [(f.code, f.severity) for f in prepared.warnings] == [("lock-dropped", "warning")]
    assert "A1" in prepared.warnings[0].found


def test_a_lock_stays_where_a_transfer_leaves_it_possible():
    prepared = after(two_segments(), Change("transfer", csm="C1", region="West"))

    assert {a.account_id for a in prepared.problem.account_list if a.locked} == {"A1", "A3"}
    assert prepared.warnings == ()


# ---- months to cover -------------------------------------------------------------------------------------------------


def one_on_leave(engines: Engines, *, until: date) -> Rebalanced:
    """C1 has one account of 120 hours, 10 a month, and 1,200 hours; from May on C1 is away."""
    people = (plain_csm("C1", hours=1200.0), plain_csm("C2", hours=1200.0))
    accounts = [account("A1", "C1", hours=120.0), account("A2", "C2", hours=120.0)]
    away = Change("long-leave", csm="C1", date=date(2027, 5, 1), until=until)
    prepared = after(problem(accounts, people, rules=rules(**HARD)), away, wishes=Wishes(moves=0, has_ladder=False))
    return rebalance(prepared, QUICK, engines=engines)


def test_months_without_anybody_are_named_with_their_hours(engines: Engines):
    """May to July without C1: three months of 10 hours."""
    done = one_on_leave(engines, until=date(2027, 7, 31))

    found = short_months(done)

    assert [(s.csm_id, s.first, s.last, s.why) for s in found] == [("C1", "2027-05", "2027-07", "away")]
    assert found[0].hours == pytest.approx(30.0)
    summary = {"rebalance": facts(done), "nrr": 1.0, "gap_pp": 0.0, "currency": "USD", "warnings": [], "files": []}
    assert "C1   2027-05 to 2027-07             30  away" in rebalance_text(done, summary, Path("out"))


def test_a_month_with_just_enough_hours_is_not_named(engines: Engines):
    """On 5 of May's 31 days C1 is away: 26 days are more than 10 hours' work."""
    assert short_months(one_on_leave(engines, until=date(2027, 5, 5))) == ()


def test_the_sheet_of_one_who_is_away_says_when_to_cover(engines: Engines):
    people = (plain_csm("C1", hours=1200.0), plain_csm("C2", hours=1200.0), plain_csm("C3", hours=1200.0))
    accounts = [account(f"A{i}", "C1" if i < 2 else "C3", hours=120.0) for i in range(4)]
    changes = (
        Change("leave", csm="C3", date=date(2027, 1, 31)),
        Change("long-leave", csm="C1", date=date(2027, 5, 1), until=date(2027, 7, 31)),
        Change("long-leave", csm="C2", date=date(2027, 5, 1), until=date(2027, 7, 31)),
    )
    done = rebalance(after(problem(accounts, people, rules=rules(**HARD)), *changes), QUICK, engines=engines)

    takers = {str(h.receiver) for h in done.handovers}
    text = "".join(sheets(done).values())
    assert takers <= {"C1", "C2"}
    assert text.count("2027-05 to 2027-07: your book needs") == len(takers)
