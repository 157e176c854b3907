"""Books after changes: rungs against brute force, changes both sides, locks with reasons, waves, the same bytes."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from builders import account, problem, rules, segment
from builders import csm as plain_csm
from companies import GAP, HARD, NO_LOCKS, QUICK, after, best_by_moves, company
from solved import TINY

from optcomp import cli
from optcomp.config import Rebalance
from optcomp.errors import InputError
from optcomp.handover_sheets import sheet_name
from optcomp.instance import Csm, Instance
from optcomp.instance_files import check_reads_back, instance_files, write_private
from optcomp.reload import parse_csv
from optcomp.solve import Engines
from optcomp.studies.rebalance.apply import apply
from optcomp.studies.rebalance.changes import Change, read_changes
from optcomp.studies.rebalance.flags import Flags, flag_changes, parse_join, parse_leave
from optcomp.studies.rebalance.hours import monthly_hours
from optcomp.studies.rebalance.ladder import Ladder, Rung, climb, limits_below
from optcomp.studies.rebalance.locks import find_locks, lock_reasons
from optcomp.studies.rebalance.protection import pay_protection
from optcomp.studies.rebalance.rows import book_rows, hour_rows, ladder_rows, move_rows
from optcomp.studies.rebalance.study import Rebalanced, Wishes, rebalance
from optcomp.studies.rebalance.waves import Freeze, next_open, parse_freeze, schedule, wave_dates


def instance(**more: object) -> Instance:
    return replace(company(1).instance, **more)  # type: ignore[arg-type]


def csm_of(where: Instance, name: str) -> Csm:
    return next(c for c in where.csms if c.csm_id == name)


# ---- the ladder ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_every_rung_is_what_trying_everything_finds(seed: int, engines: Engines):
    leaver = Change("leave", csm="C1", date=date(2027, 3, 31))
    prepared = after(company(seed, count=4), leaver, Change("join", csm="C4", segment="S", date=date(2027, 2, 1)))

    ladder = climb(prepared.problem, QUICK, engines=engines).ladder

    best = best_by_moves(prepared.problem)
    for rung in ladder.rungs:
        top = max(value for moves, value in best.items() if moves <= rung.limit)
        assert rung.value == pytest.approx(top, abs=2 * GAP / 100)
        assert rung.bound >= top - 1e-9
        assert rung.gap_pp <= 0.01


@pytest.mark.parametrize("seed", range(3))
def test_a_price_on_moves_shortens_the_ladder_and_leaves_its_rungs_alone(seed: int, engines: Engines):
    """A rung is worth the same with and without a price; the price only says where moves stop paying."""
    plain = after(company(seed))
    priced = after(company(seed, moves={"state": "soft", "price": 3000.0, "max": 0}))

    free, dear = (climb(p.problem, QUICK, engines=engines).ladder for p in (plain, priced))

    assert dear.optimum <= free.optimum
    values = {r.limit: r.value for r in free.rungs}
    shared = [r for r in dear.rungs if r.limit in values]
    assert [r.value for r in shared] == pytest.approx([values[r.limit] for r in shared], abs=2 * GAP / 100)


def test_a_rung_without_books_is_named(engines: Engines):
    """C1 has 110 hours at the ceiling and 120 hours of accounts: something must move that nothing forces."""
    people = (plain_csm("C1", hours=100.0), plain_csm("C2", hours=400.0))
    accounts = [account(f"A{i}", "C1", hours=60.0) for i in (1, 2)]
    where = problem(accounts, people, rules=rules(**HARD))

    ladder = climb(after(where).problem, QUICK, engines=engines).ladder

    row = next(iter(ladder_rows(ladder)))
    assert (row["moves_allowed"], row["mark"], row["net_arr"]) == (0, "nothing fits", None)
    assert row["remark"]


def test_the_user_takes_a_rung(engines: Engines):
    prepared = after(company(2), wishes=Wishes(moves=1, locks_off=NO_LOCKS))

    done = rebalance(prepared, QUICK, engines=engines)

    assert done.result.evaluation is not None
    assert done.result.evaluation.moves_counted <= 1
    assert 1 in [rung.limit for rung in done.ladder.rungs]


def test_limits_are_1_2_5_and_stop_below_the_top():
    assert limits_below(25) == [0, 1, 2, 5, 10, 20]
    assert limits_below(20) == [0, 1, 2, 5, 10]
    assert limits_below(0) == []


def ladder_of(*points: tuple[int, float], gap: float = 0.0) -> Ladder:
    rungs = tuple(Rung(limit, None, value, value + gap) for limit, value in points)
    return Ladder(rungs, total_arr=100.0, optimum=points[-1][0], price=0.0)


def test_a_move_that_brings_more_than_the_one_before_is_explained():
    """0.01, then 0.03: alone the first brings little, both together much; with wide bounds that is not proved."""
    proved = [remark for _, _, remark in ladder_of((0, 1.0), (1, 1.01), (2, 1.04)).steps()]
    open_ = [remark for _, _, remark in ladder_of((0, 1.0), (1, 1.01), (2, 1.04), gap=0.05).steps()]

    assert proved[:2] == ["", ""]
    assert proved[2].startswith("proved")
    assert open_[2].startswith("not proved")


def test_the_knee_lies_farthest_above_the_straight_line():
    assert ladder_of((0, 1.0), (1, 1.02), (5, 1.05), (10, 1.051)).knee == 5
    assert ladder_of((0, 1.0), (1, 1.02)).knee is None


# ---- changes ---------------------------------------------------------------------------------------------------------


def test_nothing_of_the_old_instance_is_touched():
    before = instance()
    copy = replace(before)

    apply(before, [Change("leave", csm="C1"), Change("lost-account", account="A0")])

    assert before == copy


def test_a_leaver_goes_on_the_day_and_locks_on_them_fall_with_a_warning():
    locked = instance(accounts=tuple(replace(a, csm="C1", locked=a.account_id == "A0") for a in instance().accounts))

    applied = apply(locked, [Change("leave", csm="C1", date=date(2027, 3, 31))])

    assert (csm_of(applied.instance, "C1").status, csm_of(applied.instance, "C1").end) == ("leaving", date(2027, 3, 31))
    assert not any(a.locked for a in applied.instance.accounts)
    assert [f.code for f in applied.warnings] == ["lock-dropped"]


def test_a_joiner_ramps_and_is_paid_like_the_segment():
    applied = apply(instance(), [Change("join", csm="N", segment="S", date=date(2027, 2, 1), ramp_months=2.0)])

    joiner = csm_of(applied.instance, "N")
    assert (joiner.status, joiner.start, joiner.ramp_months) == ("joining", date(2027, 2, 1), 2.0)
    assert (joiner.base, joiner.variable) == (80_000.0, 12_000.0)


def test_who_joins_under_the_id_of_an_open_position_fills_it():
    people = (*company(1).instance.csms, plain_csm("O", status="open"))

    applied = apply(instance(csms=people), [Change("join", csm="O", date=date(2027, 2, 1))])

    assert csm_of(applied.instance, "O").status == "joining"


def test_hours_of_a_long_leave_are_missing_and_those_of_the_day_after_are_not():
    """181 of 365 days from January to June."""
    away = Change("long-leave", csm="C1", date=date(2026, 12, 1), until=date(2027, 6, 30))

    applied = apply(instance(), [away])

    assert csm_of(applied.instance, "C1").hours == pytest.approx(280.0 * (365 - 181) / 365)
    assert csm_of(applied.instance, "C1").base == 80_000.0


def test_a_leave_that_ends_before_the_plan_year_takes_nothing():
    away = Change("long-leave", csm="C1", date=date(2026, 11, 1), until=date(2026, 12, 31))

    assert csm_of(apply(instance(), [away]).instance, "C1").hours == 280.0


def test_half_time_halves_hours_and_pay_from_the_day():
    """From 1 July: 184 of 365 days at half time."""
    applied = apply(instance(), [Change("fte", csm="C1", fte=0.5, date=date(2027, 7, 1))])

    share = (181 + 184 * 0.5) / 365
    assert csm_of(applied.instance, "C1").hours == pytest.approx(280.0 * share)
    assert csm_of(applied.instance, "C1").base == pytest.approx(80_000.0 * share)


def test_a_transferred_csm_and_a_transferred_account_change_sides():
    two = instance(segments=(segment("S"), segment("T")))

    applied = apply(two, [Change("transfer", csm="C1", segment="T"), Change("transfer", account="A3", region="West")])

    assert csm_of(applied.instance, "C1").segment == "T"
    assert next(a for a in applied.instance.accounts if a.account_id == "A3").region == "West"


def test_accounts_come_and_go():
    new = Change("new-accounts", file="new.csv", accounts=(account("B1", None),))

    applied = apply(instance(), [new, Change("lost-account", account="A3")])

    assert [a.account_id for a in applied.instance.accounts] == ["A0", "A1", "A2", "A4", "B1"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Change("leave", csm="nobody"), "unknown-id"),
        (Change("leave"), "unknown-id"),
        (Change("join", csm="C1", segment="S"), "duplicate-id"),
        (Change("join", csm="N", segment="nowhere"), "unknown-id"),
        (Change("join", segment="S"), "missing"),
        (Change("long-leave", csm="C1"), "missing"),
        (Change("long-leave", csm="C1", date=date(2026, 12, 1), until=date(2028, 2, 1)), "away-all-year"),
        (Change("fte", csm="C1"), "missing"),
        (Change("transfer", csm="C1", account="A1", segment="S"), "missing"),
        (Change("transfer", csm="C1"), "missing"),
        (Change("lost-account", account="nothing"), "unknown-id"),
        (Change("open-deal", account="nothing"), "unknown-id"),
        (Change("new-accounts", file="f", accounts=(account("A1", None),)), "duplicate-id"),
        (Change("new-accounts", file="f", accounts=(account("B", None, segment="X"),)), "unknown-id"),
        (Change("new-accounts", file="f", accounts=(account("B", "X"),)), "unknown-id"),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: Change, code: str):
    with pytest.raises(InputError) as caught:
        apply(instance(), [change])

    assert [f.code for f in caught.value.findings] == [code]


def test_a_transfer_that_tears_a_family_apart_is_refused():
    two = instance(segments=(segment("S"), segment("T")))

    with pytest.raises(InputError, match="family of 'P'"):
        apply(two, [Change("transfer", account="A0", segment="T")])


def test_hours_by_month_add_up_to_the_hours_of_the_year():
    changes = (
        Change("leave", csm="C1", date=date(2027, 3, 31)),
        Change("join", csm="N", segment="S", date=date(2027, 2, 1), ramp_months=3.0),
        Change("long-leave", csm="C2", date=date(2027, 5, 1), until=date(2027, 6, 30)),
        Change("fte", csm="C3", fte=0.5, date=date(2027, 7, 1)),
    )
    prepared = after(company(1), *changes)

    hours = monthly_hours(prepared.problem, changes, prepared.before)

    assert hours.sum(axis=1) == pytest.approx(prepared.problem.csms.hours)
    by_csm = dict(zip(prepared.problem.csms.ids, hours, strict=True))
    assert by_csm["C1"][3:].max() == 0.0
    assert by_csm["C2"][4:6].max() == 0.0
    assert by_csm["C3"][7] == pytest.approx(by_csm["C3"][0] / 2)
    assert by_csm["N"][0] == 0.0
    assert 0.0 < by_csm["N"][1] < by_csm["N"][2] < by_csm["N"][4]


# ---- the table and the flags -----------------------------------------------------------------------------------------


def written(folder: Path, text: str, name: str = "changes.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_changes_is_read(tmp_path: Path):
    written(tmp_path, "account_id,segment,arr\nB1,S,1000\n", "new.csv")
    path = written(
        tmp_path,
        "change,csm,date,file,languages\nleave,C1,2027-03-31,,\nnew-accounts,,,new.csv,\njoin,N,,,en; de\n",
    )

    changes, warnings = read_changes(path)

    assert [c.change for c in changes] == ["leave", "new-accounts", "join"]
    assert changes[0].date == date(2027, 3, 31)
    assert [a.account_id for a in changes[1].accounts] == ["B1"]
    assert changes[2].languages == ("en", "de")
    assert warnings == ()


def test_every_error_of_the_table_is_told_at_once(tmp_path: Path):
    path = written(
        tmp_path, "change,csm,date,fte,file\nleaves,C1,,,\nfte,C1,,7,\nnew-accounts,,,,../x.csv\nleave,C1,soon,,\n"
    )

    with pytest.raises(InputError) as caught:
        read_changes(path)

    found = {(f.row, f.column) for f in caught.value.findings}
    assert found == {(2, "change"), (3, "fte"), (4, "file"), (5, "date")}


def test_flags_say_the_same_as_rows():
    where = instance(csms=tuple(replace(c, region="West", languages=("en",)) for c in instance().csms))

    changes = flag_changes(where, Flags(leaves=("C1:2027-03-31",), joins=("S:2:2027-02-01",)))

    assert parse_leave("C1:2027-03-31") == changes[0]
    assert [(c.csm, c.region, c.date) for c in changes[1:]] == [
        ("JOIN-1", "West", date(2027, 2, 1)),
        ("JOIN-2", None, date(2027, 2, 1)),
    ]
    for text in ("S", "S:0", "S:x", ":2"):
        with pytest.raises(InputError):
            parse_join(text)


# ---- locks -----------------------------------------------------------------------------------------------------------

AS_OF = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("facts", "just_not", "word"),
    [
        ({"renewal_date": AS_OF + timedelta(60)}, {"renewal_date": AS_OF + timedelta(61)}, "renewal"),
        ({"health": 39.0}, {"health": 40.0}, "at risk"),
        ({"csm_since": AS_OF - timedelta(90)}, {"csm_since": AS_OF - timedelta(91)}, "just moved"),
        ({"arr": 1_000_001.0}, {"arr": 1_000_000.0}, "strategic"),
    ],
)
def test_both_sides_of_every_lock(facts: dict[str, object], just_not: dict[str, object], word: str):
    where, config = instance(), Rebalance(lock_arr_above=1_000_000.0)

    reasons = lock_reasons(account("A", **facts), where, config)  # type: ignore[arg-type]

    assert [r.startswith(word) for r in reasons] == [True]
    assert lock_reasons(account("A", **just_not), where, config) == ()  # type: ignore[arg-type]
    assert lock_reasons(account("A", **facts), where, config, NO_LOCKS) == ()  # type: ignore[arg-type]


def test_an_old_renewal_date_means_the_next_one():
    old = account("A", renewal_date=date(2025, 11, 20))

    assert lock_reasons(old, instance(), Rebalance()) == ("renewal on 2026-11-20, within 60 days",)


def test_a_locked_account_says_why_and_a_leavers_account_is_never_locked():
    where = company(1)
    at_risk = tuple(replace(a, health=10.0, parent=None, csm=f"C{1 + i % 2}") for i, a in enumerate(where.account_list))
    where = replace(where, instance=replace(where.instance, accounts=at_risk))

    prepared = after(where, Change("leave", csm="C1"), wishes=Wishes())

    kept = {a.account_id: a.lock_reason for a in prepared.problem.account_list if a.locked}
    assert kept == dict.fromkeys(["A1", "A3"], "at risk: health 10 is below 40")
    assert {k.obstacle for k in prepared.locks if not k.is_kept} == {"its CSM leaves"}


def test_a_family_that_must_come_together_is_not_locked():
    where = company(1)
    split = tuple(replace(a, health=10.0, csm=f"C{1 + i}") if i < 2 else a for i, a in enumerate(where.account_list))
    where = replace(where, instance=replace(where.instance, accounts=split))

    locks = {k.account_id: k for k in find_locks(where, Rebalance())}

    assert locks["A0"].obstacle.startswith("its family")
    assert not locks["A1"].is_kept


def test_slack_lowers_the_ceiling():
    assert after(company(1), wishes=Wishes(slack=0.05)).problem.rules["hours"]["ceiling"] == pytest.approx(1.05)


def test_the_plan_stays_unless_it_is_free():
    assert [len(p) for p in after(company(1)).problem.plans] == [1]
    assert [len(p) for p in after(company(1), wishes=Wishes(is_plan_free=True)).problem.plans] == [2]


# ---- waves -----------------------------------------------------------------------------------------------------------


def staged(config: Rebalance, freezes: tuple[Freeze, ...] = (), *changes: Change) -> dict[str, tuple[int, date]]:
    """Everything of C1 goes to C2, by wave and day."""
    people = (plain_csm("C1"), plain_csm("C2"))
    healths = (90.0, 80.0, 50.0, 30.0)
    accounts = tuple(account(f"A{i}", "C1", health=h) for i, h in enumerate(healths))
    where = apply(problem(accounts, people).instance, changes).instance
    receivers = {a.account_id: "N" if changes and changes[-1].change == "join" else "C2" for a in accounts}
    families = {a.account_id: i for i, a in enumerate(accounts)}
    return {h.account_id: (h.wave, h.effective) for h in schedule(where, receivers, config, freezes, families)}


def test_green_accounts_go_first():
    """As of Sunday 1 November 2026: a week's notice, then the Monday, then every other one."""
    waves = staged(Rebalance(waves=2))

    assert {name: wave for name, (wave, _) in waves.items()} == {"A0": 1, "A1": 1, "A2": 2, "A3": 2}
    assert {day for _, day in waves.values()} == {date(2026, 11, 9), date(2026, 11, 23)}


def test_a_wave_waits_for_the_end_of_a_freeze():
    freeze = parse_freeze("2026-11-05..2026-11-15")

    assert wave_dates(instance(), Rebalance(waves=1), [freeze]) == (date(2026, 11, 16),)
    assert next_open(date(2026, 11, 4), [freeze]) == date(2026, 11, 4)
    assert next_open(date(2026, 11, 5), [freeze]) == date(2026, 11, 16)


def test_the_first_weeks_of_the_year_are_quiet():
    prepared = after(company(1))

    assert next_open(date(2026, 12, 31), prepared.freezes) == date(2026, 12, 31)
    assert next_open(date(2027, 1, 1), prepared.freezes) == date(2027, 1, 29)


def test_a_leavers_accounts_go_before_they_are_gone():
    waves = staged(Rebalance(waves=3), (), Change("leave", csm="C1", date=date(2026, 11, 30)))

    assert max(day for _, day in waves.values()) <= date(2026, 12, 1)
    assert {wave for wave, _ in waves.values()} == {1, 2}


def test_a_leaver_who_is_gone_cannot_wait_for_the_first_wave():
    waves = staged(Rebalance(), (), Change("leave", csm="C1", date=date(2026, 10, 1)))

    assert set(waves.values()) == {(0, AS_OF)}


def test_nobody_is_handed_to_one_who_has_not_started():
    waves = staged(Rebalance(waves=1), (), Change("join", csm="N", segment="S", date=date(2027, 3, 1)))

    assert set(waves.values()) == {(2, date(2027, 3, 1))}


def test_a_freeze_is_two_dates_in_order():
    for text in ("2027-01-01", "2027-02-01..2027-01-01", "a..b"):
        with pytest.raises(InputError):
            parse_freeze(text)


# ---- what comes out --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def done(engines: Engines) -> Rebalanced:
    changes = (
        Change("leave", csm="C1", date=date(2027, 3, 31)),
        Change("join", csm="C4", segment="S", date=date(2027, 2, 1)),
        Change("new-accounts", file="new.csv", accounts=(account("B1", None, hours=20.0),)),
        *(Change("open-deal", account=f"A{i}") for i in range(5)),
    )
    return rebalance(after(company(3), *changes), QUICK, engines=engines)


def test_moves_say_who_must_and_who_may(done: Rebalanced):
    rows = {str(r["account_id"]): r for r in move_rows(done)}
    leavers = {a.account_id for a in done.view.problem.account_list if a.csm == "C1"}

    assert {name for name, r in rows.items() if r["kind"] == "must move"} == leavers
    assert rows["B1"]["kind"] == "new"
    assert all(r["deal_stays_with"] == "" for r in rows.values() if r["kind"] == "must move")
    assert all(r["deal_stays_with"] == r["from"] for r in rows.values() if r["kind"] == "chosen")


def test_both_books_of_a_move_add_up(done: Rebalanced):
    books = done.view.evaluation.books
    for row in book_rows(done):
        j = done.view.problem.csm_index[str(row["to"])]
        assert row["to_accounts_after"] == books.accounts[j]
        assert row["to_load_after"] == pytest.approx(books.load[j])


def test_hours_needed_by_month_are_those_of_whoever_has_the_account(done: Rebalanced):
    """Every account is somebody's in every month, but a new one before its first day and a leaver's after the last."""
    total = sum(float(str(r["hours_needed"])) for r in hour_rows(done))

    assert total == pytest.approx(float(done.view.evaluation.books.hours.sum()), rel=0.05)


def test_pay_is_protected_by_what_leaves_in_mid_year(engines: Engines):
    """C1 gives one of two equal accounts away on 2 July (183 of 365 days left): half the book for half the year."""
    people = (plain_csm("C1"), plain_csm("C2"))
    where = problem([account("A1", "C1"), account("A2", "C1"), account("A3", "C2")], people, rules=rules(**HARD))
    view = rebalance(after(where, wishes=Wishes(moves=0, has_ladder=False)), QUICK, engines=engines).view
    config = Rebalance(waves=1, notice_days=(date(2027, 7, 2) - AS_OF).days)

    moved = schedule(where.instance, {"A1": "C2"}, config, (), {"A1": 0})
    early = schedule(where.instance, {"A1": "C2"}, Rebalance(waves=1), (), {"A1": 0})

    assert moved[0].effective == date(2027, 7, 2)
    assert pay_protection(view, moved) == pytest.approx([12_000.0 * 0.5 * 183 / 365, 0.0])
    assert pay_protection(view, early).max() == 0.0


def test_sheets_have_safe_names_that_differ():
    names = [sheet_name(n) for n in ("C1", "c1", "../x", "a/b", "a:b", "", "x" * 300)]

    assert len({n.casefold() for n in names}) == len(names)
    assert all("/" not in n and len(n) < 100 for n in names)


def test_a_changed_instance_reads_back_as_it_is(tmp_path: Path):
    from optcomp.assemble import load

    loaded = load(TINY).problem
    changed = apply(loaded.instance, [Change("join", csm="N", segment="all"), Change("lost-account", account="B")])

    write_private(tmp_path, instance_files(changed.instance, TINY))

    check_reads_back(changed.instance, tmp_path)
    assert load(tmp_path).problem.instance.accounts == changed.instance.accounts


TIMED = {"manifest.json", "summary.json"}


def rebalanced(out: Path, *more: str) -> int:
    words = [
        "rebalance",
        str(TINY),
        "--leaves",
        "C1:2027-06-30",
        "--joins",
        "all:1:2027-01-04",
        "--jobs",
        "1",
        "--quiet",
    ]
    words += ["--set", "budget.pay=300000", "--set", "rules.hours.ceiling=2.5", "--out", str(out)]
    return cli.run([*words, *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rebalance") / "out"
    assert rebalanced(out) == 0
    return out


def test_the_folder_is_private_and_holds(folder: Path, capsys: pytest.CaptureFixture[str]):
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}

    code = cli.run(["evaluate", str(folder)])

    assert (code, capsys.readouterr().err) == (0, "")
    assert modes == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_moves_and_rollback_are_ready_for_a_crm(folder: Path):
    moves, back = (parse_csv((folder / name).read_bytes()) or [] for name in ("moves.csv", "rollback.csv"))

    assert [*moves[0]][:6] == ["account_id", "from", "to", "effective_date", "wave", "reason"]
    assert [(m["account_id"], m["to"], m["from"]) for m in moves] == [
        (b["account_id"], b["from"], b["to"]) for b in back
    ]


def test_a_rerun_gives_the_same_bytes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert rebalanced(tmp_path / "again") == 0
    assert max(len(line) for line in capsys.readouterr().out.splitlines() if "again" not in line) <= 80

    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    differ = {n for n in names if (folder / n).read_bytes() != (tmp_path / "again" / n).read_bytes()}
    assert differ <= TIMED


def test_json_is_the_summary_and_force_replaces_a_rebalance_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "out"
    assert rebalanced(out, "--moves", "0", "--no-ladder", "--json") == 0
    printed = capsys.readouterr().out

    assert json.loads(printed) == json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert rebalanced(out, "--moves", "0", "--no-ladder") == 8
    assert rebalanced(out, "--moves", "0", "--no-ladder", "--force") == 0
    (out / "mine.txt").write_text("mine", encoding="utf-8")
    assert rebalanced(out, "--force") == 8


def test_what_cannot_fit_is_told_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    code = cli.run(["rebalance", str(TINY), "--leaves", "C1", "--out", str(tmp_path / "out"), "--quiet", "--jobs", "1"])

    assert code == 4
    assert "hours" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
