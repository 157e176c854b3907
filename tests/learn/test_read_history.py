"""A history in: what is read, what is refused, what is only said. Both sides of every edge."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet
import pytest
from folders import write_folder

from optcomp.errors import Finding, InputError
from optcomp.learn.history import History
from optcomp.learn.history_checks import refuse_mediators
from optcomp.learn.read_history import has_history, read_history
from optcomp.read import read_instance
from optcomp.world import HISTORY_KINDS, HistoryKind, make_world
from optcomp.world.folder import write_folder as write_world

QUARTERS = ("2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01")
ACCOUNT_HEADER = "account_id,quarter,csm_id,segment,arr_start,due,renewed,contraction,expansion"
CSM_HEADER = "csm_id,quarter,segment,base,variable,left"
PLANS = "segment,quarter,csm_id,mix,variable_share\ngrowth,2025-01-01,,all-or-nothing-90,0.15\n"


def account_rows() -> list[str]:
    """A1 renews in the second quarter and is handed to C2 in the third; A9, not in the instance, churns there."""
    return [
        "A1,2025-01-01,C1,growth,1000,no,,,",
        "A1,2025-04-01,C1,growth,1000,yes,yes,100,",
        "A1,2025-07-01,C2,growth,900,no,,,50",
        "A1,2025-10-01,C2,growth,950,no,,,",
        "A9,2025-01-01,C9,growth,500,no,,,",
        "A9,2025-04-01,C9,growth,500,yes,no,,",
    ]


def csm_rows() -> list[str]:
    """C9, not in the instance, leaves after the second quarter."""
    return [
        *(f"{c},{q},growth,85000,15000,no" for c in ("C1", "C2") for q in QUARTERS),
        "C9,2025-01-01,growth,80000,10000,no",
        "C9,2025-04-01,growth,80000,10000,yes",
    ]


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A folder with a history; each test changes what it is about."""

    def folder(
        accounts: list[str] | None = None, csms: list[str] | None = None, plans: str = PLANS,
        account_header: str = ACCOUNT_HEADER, csm_header: str = CSM_HEADER,
    ) -> Path:  # fmt: skip
        path = write_folder(tmp_path / "company")
        history = path / "history"
        history.mkdir(exist_ok=True)
        rows = account_rows() if accounts is None else accounts
        people = csm_rows() if csms is None else csms
        (history / "account_quarters.csv").write_text("\n".join([account_header, *rows]) + "\n")
        (history / "csm_quarters.csv").write_text("\n".join([csm_header, *people]) + "\n")
        (history / "plans.csv").write_text(plans)
        return path

    return folder


def read(path: Path) -> tuple[History, tuple[Finding, ...]]:
    return read_history(path, read_instance(path)[0])


def errors(path: Path) -> set[str]:
    try:
        read(path)
    except InputError as error:
        return {finding.code for finding in error.findings}
    return set()


def labels(path: Path) -> set[str]:
    return {finding.code for finding in read(path)[1]}


def replaced(rows: list[str], old: str, new: str) -> list[str]:
    """The rows with one of them exchanged."""
    assert old in rows
    return [new if row == old else row for row in rows]


def test_a_year_of_history_is_read_without_a_word(make: Make) -> None:
    history, said = read(make())

    assert said == ()
    assert history.quarters == (date(2025, 1, 1), date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1))
    assert history.months == 12
    assert (history.account_ids, history.csm_ids) == (("A1", "A9"), ("C1", "C2", "C9"))
    assert history.account_quarters.churned.tolist() == [False] * 5 + [True]
    assert history.account_quarters.contraction.tolist() == [0, 100, 0, 0, 0, 0]


def test_who_left_the_company_need_not_stand_in_the_instance(make: Make) -> None:
    history, _ = read(make())

    assert history.accounts[1].account_id == "A9"
    assert history.accounts[1].arr == 500.0
    assert history.csms[2].base == 80_000.0


def test_what_the_instance_knows_of_an_account_is_kept(make: Make) -> None:
    history, _ = read(make())

    assert history.accounts[0].name == "Acme"


def test_what_a_row_says_of_a_gone_account_is_kept(make: Make) -> None:
    rows = [f"{row},retail,24" for row in account_rows()]

    history, _ = read(make(rows, account_header=f"{ACCOUNT_HEADER},industry,term_months"))

    assert (history.accounts[1].industry, history.accounts[1].term_months) == ("retail", 24)


def test_a_change_of_csm_is_a_hand_over_and_ages(make: Make) -> None:
    history, _ = read(make())

    assert history.account_quarters.took_over[:4].tolist()[2:] == [0.0, 1.0]
    assert np.isnan(history.account_quarters.took_over[:2]).all()
    assert history.account_quarters.hand_over.tolist() == [0, 0, 1, 1, 0, 0]


def test_csm_since_tells_of_a_hand_over_before_the_history(make: Make) -> None:
    rows = [f"{row},2024-10-01" if row.startswith("A1,2025-01") else f"{row}," for row in account_rows()]

    history, _ = read(make(rows, account_header=f"{ACCOUNT_HEADER},csm_since"))

    assert history.account_quarters.took_over[:2].tolist() == [1.0, 2.0]


def test_an_account_that_nobody_looks_after_has_no_csm(make: Make) -> None:
    rows = replaced(account_rows(), "A1,2025-01-01,C1,growth,1000,no,,,", "A1,2025-01-01,,growth,1000,no,,,")

    history, _ = read(make(rows))

    assert history.account_quarters.csm[0] == -1
    assert history.account_plan[0] == 0


# ---- survivors only -----------------------------------------------------------------------------------------------


def test_a_history_in_which_nobody_churned_is_refused(make: Make) -> None:
    rows = [row.replace("yes,no", "yes,yes") for row in account_rows()]

    assert errors(make(rows)) == {"no-churned"}


def test_a_history_in_which_nobody_left_is_refused(make: Make) -> None:
    rows = [row.replace(",yes", ",no") for row in csm_rows()]

    assert errors(make(csms=rows)) == {"no-leavers"}


def test_the_message_about_survivors_says_what_to_add(make: Make) -> None:
    rows = [row.replace("yes,no", "yes,yes") for row in account_rows()]

    with pytest.raises(InputError, match="Add the accounts that churned to account_quarters"):
        read(make(rows))


def test_rows_that_stop_without_an_ending_are_pointed_out(make: Make) -> None:
    gone = ["A2,2025-01-01,C1,growth,700,no,,,"]

    assert "account-vanished" in labels(make([*account_rows(), *gone]))
    assert "csm-vanished" in labels(make(csms=[*csm_rows(), "C3,2025-01-01,growth,80000,10000,no"]))


# ---- results of the plan as controls ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["csat", "CSAT", "activities", "health", "late", "attainment_GRR", "payout_EXP"])
def test_a_result_of_the_plan_is_refused_as_a_control(name: str) -> None:
    with pytest.raises(InputError, match="result of the plan"):
        refuse_mediators(["industry", name])


def test_facts_that_the_plan_cannot_change_may_be_controls() -> None:
    refuse_mediators(["industry", "term_months", "complexity"])


@pytest.mark.parametrize(("day", "found"), [("2025-01-01", set()), ("2025-01-02", {"mediator"})])
def test_health_is_never_of_a_day_after_the_quarter_began(make: Make, day: str, found: set[str]) -> None:
    rows = [f"{row},70,{day}" if row.startswith("A1,2025-01") else f"{row},," for row in account_rows()]

    assert errors(make(rows, account_header=f"{ACCOUNT_HEADER},health,health_date")) == found


def test_health_before_the_plan_stays_when_the_plan_changes(make: Make) -> None:
    rows = [f"{row},{60 + k}" for k, row in enumerate(account_rows())]
    plans = PLANS + "growth,2025-07-01,,base-only,0\n"

    history, _ = read(make(rows, plans=plans, account_header=f"{ACCOUNT_HEADER},health"))

    assert history.health_before_plan.tolist() == [60, 60, 62, 62, 64, 64]


# ---- rows that contradict themselves or each other ----------------------------------------------------------------


def test_two_owners_of_an_account_in_one_quarter_are_refused(make: Make) -> None:
    rows = [*account_rows(), "A1,2025-01-01,C2,growth,1000,no,,,"]

    assert errors(make(rows)) == {"overlapping-owners"}


def test_two_rows_of_a_csm_in_one_quarter_are_refused(make: Make) -> None:
    assert errors(make(csms=[*csm_rows(), csm_rows()[0]])) == {"duplicate-row"}


def test_a_renewal_that_was_not_due_is_refused(make: Make) -> None:
    rows = replaced(account_rows(), "A1,2025-10-01,C2,growth,950,no,,,", "A1,2025-10-01,C2,growth,950,no,yes,,")

    assert errors(make(rows)) == {"renewal-without-due"}


def test_a_due_contract_must_say_whether_it_was_renewed(make: Make) -> None:
    rows = replaced(account_rows(), "A1,2025-10-01,C2,growth,950,no,,,", "A1,2025-10-01,C2,growth,950,yes,,,")

    assert errors(make(rows)) == {"missing"}


@pytest.mark.parametrize(("lost", "found"), [(1000, set()), (1001, {"above-range"})])
def test_nobody_loses_more_than_there_was(make: Make, lost: int, found: set[str]) -> None:
    old = "A1,2025-04-01,C1,growth,1000,yes,yes,100,"
    rows = replaced(account_rows(), old, f"A1,2025-04-01,C1,growth,1000,yes,yes,{lost},")

    assert errors(make(rows)) == found


@pytest.mark.parametrize(("arr", "said"), [(908, set()), (920, {"arr-chain"})])
def test_arr_that_does_not_add_up_is_said_beyond_one_per_cent(make: Make, arr: int, said: set[str]) -> None:
    rows = replaced(
        account_rows(), "A1,2025-07-01,C2,growth,900,no,,,50", f"A1,2025-07-01,C2,growth,{arr},no,,,{950 - arr}"
    ) if arr < 950 else account_rows()  # fmt: skip

    assert labels(make(rows)) == said


def test_an_account_that_comes_back_is_pointed_out(make: Make) -> None:
    assert "back-after-churn" in labels(make([*account_rows(), "A9,2025-07-01,C2,growth,500,no,,,"]))


def test_an_owner_without_a_row_of_their_own_is_refused(make: Make) -> None:
    rows = [row for row in csm_rows() if not row.startswith("C2,2025-10")]

    assert errors(make(csms=rows)) == {"unknown-id"}


def test_a_segment_that_is_not_declared_is_refused(make: Make) -> None:
    assert errors(make([*account_rows(), "A2,2025-01-01,C1,grwth,700,no,,,"])) == {"unknown-id"}


def test_quarters_without_a_gap_are_asked_for(make: Make) -> None:
    def without(rows: list[str]) -> list[str]:
        return [row for row in rows if "2025-07-01" not in row]

    assert errors(make(without(account_rows()), without(csm_rows()))) == {"broken-quarters"}


def test_bad_cells_of_all_tables_are_told_together(make: Make) -> None:
    rows = [*account_rows(), "A2,2025-01-01,C1,growth,-5,no,,,"]
    people = [*csm_rows(), "C3,2025-01-01,growth,80000,10000,perhaps"]

    assert errors(make(rows, people)) == {"below-range", "not-yes-or-no"}


# ---- length -------------------------------------------------------------------------------------------------------


def test_less_than_a_year_gets_a_label(make: Make) -> None:
    rows = [row for row in account_rows() if "2025-10" not in row]
    people = [row for row in csm_rows() if "2025-10" not in row]

    assert labels(make(rows, people)) == {"short-history"}


# ---- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_applies_until_the_next_row(make: Make) -> None:
    history, _ = read(make(plans=PLANS + "growth,2025-07-01,,base-only,0\n"))

    assert history.plans.by_segment.tolist() == [[0, 0, 1, 1]]
    assert [p.mix.name for p in history.plans.plans] == ["all-or-nothing-90", "base-only"]
    assert history.plans.by_csm[2].tolist() == [0, 0, -1, -1]


def test_one_csm_may_have_a_plan_of_their_own(make: Make) -> None:
    history, _ = read(make(plans=PLANS + "growth,2025-07-01,C2,team-bonus,0.2\n"))

    assert history.plans.by_csm.tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, -1, -1]]
    assert history.account_plan.tolist() == [0, 0, 1, 1, 0, 0]
    assert history.exposure_plans[3].tolist() == [1, 0]


def test_a_share_that_is_not_stated_is_what_the_csms_are_paid(make: Make) -> None:
    history, _ = read(make(plans="segment,quarter,csm_id,mix\ngrowth,2025-01-01,,team-bonus\n"))

    # Eight quarters at 85,000 + 15,000 and two at 80,000 + 10,000.
    assert history.plans.plans[0].variable_share == pytest.approx(140_000 / 980_000)


@pytest.mark.parametrize(
    ("plans", "code"),
    [
        ("segment,quarter,csm_id,mix\ngrowth,2025-04-01,,team-bonus\n", "no-plan"),
        (PLANS + "growth,2025-02-01,,team-bonus,0.2\n", "not-a-quarter"),
        (PLANS + "growth,2025-04-01,C7,team-bonus,0.2\n", "unknown-id"),
        (PLANS + "growth,2025-01-01,,team-bonus,0.2\n", "duplicate-row"),
        (PLANS + "growth,2025-04-01,,team-bnus,0.2\n", "unknown-model"),
    ],
)
def test_plans_that_cannot_be_followed_are_refused(make: Make, plans: str, code: str) -> None:
    assert errors(make(plans=plans)) == {code}


# ---- where it lies ------------------------------------------------------------------------------------------------


def test_an_instance_without_a_history_says_so(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "company")

    assert not has_history(path)
    assert errors(path) == {"no-history"}


def test_a_missing_table_is_named(make: Make) -> None:
    path = make()
    (path / "history" / "plans.csv").unlink()

    with pytest.raises(InputError, match=r"history/plans\.csv is missing"):
        read(path)


def _rows_of(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    for name in ("account_quarters", "csm_quarters", "plans"):
        with (path / "history" / f"{name}.csv").open(newline="") as file:
            yield name, list(csv.reader(file))


def test_the_sheets_of_a_workbook_are_read_like_the_files(make: Make, tmp_path: Path) -> None:
    path = make()
    book = openpyxl.Workbook()
    book.active.title = "instance"
    settings = [("name", "small"), ("as_of", date(2026, 11, 1)), ("plan_year_start", date(2027, 1, 1)),
                ("budget.pay", 220000), ("segments.growth.today.mix", "all-or-nothing-90"),
                ("schema", "optcomp/instance/1")]  # fmt: skip
    for row in [("key", "value"), *settings]:
        book["instance"].append(row)
    for name in ("accounts", "csms"):
        with (path / f"{name}.csv").open(newline="") as file:
            _fill(book.create_sheet(name), list(csv.reader(file)))
    for name, rows in _rows_of(path):
        _fill(book.create_sheet(name), rows)
    book.save(tmp_path / "company.xlsx")
    (tmp_path / "company.xlsx").chmod(0o600)

    history, _ = read(tmp_path / "company.xlsx")

    assert has_history(tmp_path / "company.xlsx")
    _assert_same(history, read(path)[0])


def _fill(sheet: openpyxl.worksheet.worksheet.Worksheet, rows: list[list[str]]) -> None:
    for row in rows:
        sheet.append([_typed(cell) for cell in row])


def _typed(cell: str) -> object:
    if cell.count("-") == 2 and cell[:4].isdigit():
        return date.fromisoformat(cell)
    try:
        return float(cell)
    except ValueError:
        return cell or None


def test_parquet_is_read_like_csv(make: Make) -> None:
    path = make()
    expected = read(path)[0]
    for name, (header, *rows) in _rows_of(path):
        columns = {h: [_typed(row[k]) for row in rows] for k, h in enumerate(header)}
        pyarrow.parquet.write_table(pa.table(columns), path / "history" / f"{name}.parquet")
        (path / "history" / f"{name}.csv").unlink()

    _assert_same(read(path)[0], expected)


# ---- worlds, out and in again -------------------------------------------------------------------------------------


def _assert_same(one: History, other: History, tolerance: float = 1e-9) -> None:
    assert (one.quarters, one.account_ids, one.csm_ids) == (other.quarters, other.account_ids, other.csm_ids)
    for part in ("account_quarters", "csm_quarters"):
        mine, its = getattr(one, part), getattr(other, part)
        for field in fields(mine):
            a, b = getattr(mine, field.name), getattr(its, field.name)
            pairs = [(a[k], b[k]) for k in b] if isinstance(b, dict) else [(a, b)]
            assert all(np.allclose(x, y, atol=tolerance, equal_nan=True) for x, y in pairs), field.name
    assert [p.mix.name for p in _in_order(one)] == [p.mix.name for p in _in_order(other)]


def _in_order(history: History) -> list:  # type: ignore[type-arg]
    return [history.plans.plans[k] for k in history.account_plan]


@pytest.mark.parametrize("kind", HISTORY_KINDS)
def test_the_history_of_a_world_comes_back_as_it_was_written(tmp_path: Path, kind: HistoryKind) -> None:
    lived = make_world("S", 1).live(kind)
    write_world(tmp_path / "world", lived.instance(), lived.history())

    history, said = read(tmp_path / "world")

    assert said == ()
    # Files hold cents and four digits of a ratio.
    _assert_same(history, lived.history(), tolerance=0.006)


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    lived = make_world("S", 1).live("pilot")
    write_world(tmp_path / "world", lived.instance(), lived.history())
    expected = read(tmp_path / "world")[0]
    rng = np.random.default_rng(0)
    for file in (tmp_path / "world" / "history").glob("*_quarters.csv"):
        header, *rows = file.read_text().splitlines()
        file.write_text("\n".join([header, *(rows[k] for k in rng.permutation(len(rows)))]) + "\n")

    _assert_same(read(tmp_path / "world")[0], expected)


def test_other_names_for_csms_change_nothing_else(tmp_path: Path) -> None:
    lived = make_world("S", 1).live("pilot")
    write_world(tmp_path / "world", lived.instance(), lived.history())
    expected = read(tmp_path / "world")[0]
    for file in (tmp_path / "world").rglob("*.csv"):
        # C001 → X999, C002 → X998 …: the order of the names turns round.
        text = file.read_text()
        for number in range(60, 0, -1):
            text = text.replace(f"C{number:03d}", f"X{1000 - number:03d}")
        file.write_text(text)

    renamed = read(tmp_path / "world")[0]

    turned = len(expected.csm_ids) - 1 - renamed.account_quarters.csm
    assert np.array_equal(turned, expected.account_quarters.csm)
    assert np.array_equal(renamed.account_quarters.took_over, expected.account_quarters.took_over, equal_nan=True)
    assert np.array_equal(renamed.csm_quarters.left.sum(), expected.csm_quarters.left.sum())
    assert [p.plan_id for p in _in_order(renamed)] == [p.plan_id for p in _in_order(expected)]
