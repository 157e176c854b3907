"""A folder becomes an instance, or one error that lists everything; what only shows between rows and tables."""

from __future__ import annotations

import os
import random
from datetime import date
from pathlib import Path

import pytest
from folders import ACCOUNTS, CSMS, TOML, errors_of, warnings_of, write_folder

from optcomp.crosschecks import years_later
from optcomp.errors import InputError, OutputError
from optcomp.ids import long_id
from optcomp.read import input_files, read_instance

HEAD = "account_id,segment,arr,csm,renewal_date,parent,locked,csm_since,health,currency\n"
PEOPLE = "csm_id,segment,base,status,start,end\n"
TWO_SEGMENTS = TOML + '[segments.enterprise.today]\nmix = "all-or-nothing-90"\n'


def found(path: Path) -> list[tuple[str, str, int | None, str]]:
    return [(f.code, f.file, f.row, f.column) for f in errors_of(path)]


def in_accounts(tmp_path: Path, rows: str, *, toml: str = TOML, csms: str = CSMS) -> list[tuple[str, int | None, str]]:
    """Code, row and column of the errors in accounts.csv."""
    folder = write_folder(tmp_path, toml=toml, csms=csms, accounts=HEAD + rows)
    return [(f.code, f.row, f.column) for f in errors_of(folder) if f.file == "accounts.csv"]


def test_a_folder_becomes_an_instance(tmp_path: Path) -> None:
    instance, warnings = read_instance(write_folder(tmp_path))

    assert warnings == ()
    assert (instance.name, instance.as_of, instance.pay_budget) == ("small", date(2026, 11, 1), 220_000)
    assert [(a.account_id, a.arr, a.renewal_date, a.csm) for a in instance.accounts] == [
        ("A1", 1000.0, date(2027, 3, 31), "C1"),
        ("A2", 2000.5, None, "C2"),
    ]
    assert [(c.csm_id, c.base, c.variable) for c in instance.csms] == [("C1", 85_000, 15_000), ("C2", 90_000, 10_000)]
    assert instance.accounts[0].complexity == 3.0


def test_pairs_are_read_and_empty_cells_fall_back(tmp_path: Path) -> None:
    instance, _ = read_instance(write_folder(tmp_path, pairs="account_id,csm_id,eligible,fit\nA1,C2,no,\nA1,C1,,0.8\n"))

    assert [(p.csm_id, p.eligible, p.fit) for p in instance.pairs] == [("C1", None, 0.8), ("C2", False, None)]


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    """Row 59: sorted deterministically, whatever the script of the ids."""
    rows = [f"{name},growth,1,,,,,,,\n" for name in ("Ä", "z", "株", "A", "é", "e\u0301x", "10", "9")]
    first = read_instance(write_folder(tmp_path, accounts=HEAD + "".join(rows)))[0]

    random.Random(3).shuffle(rows)

    assert read_instance(write_folder(tmp_path, accounts=HEAD + "".join(rows)))[0] == first


# --- files -------------------------------------------------------------------------------------------------------


def test_a_path_that_does_not_exist_says_what_is_needed(tmp_path: Path) -> None:
    """Row 1: instance folder missing."""
    finding = errors_of(tmp_path / "nowhere")[0]

    assert finding.code == "no-such-path"
    assert "instance.toml, accounts.csv and csms.csv" in finding.allowed


def test_a_file_instead_of_a_folder_is_refused(tmp_path: Path) -> None:
    """Row 1: instance folder is a file."""
    folder = write_folder(tmp_path)

    assert found(folder / "accounts.csv")[0][0] == "wrong-file-type"
    assert found(folder / "instance.toml")[0][0] == "not-a-folder"


def test_an_empty_folder_says_what_is_needed(tmp_path: Path) -> None:
    """Row 1: instance folder empty."""
    finding = errors_of(write_folder(tmp_path, toml=None, accounts=None, csms=None))[0]

    assert finding.code == "missing-file"
    assert "optcomp init" in finding.hint


def test_every_missing_table_is_named(tmp_path: Path) -> None:
    """Row 2: accounts.csv missing."""
    folder = write_folder(tmp_path, accounts=None, csms=None)

    assert found(folder) == [
        ("missing-file", "accounts.csv", None, ""),
        ("missing-file", "csms.csv", None, ""),
    ]
    assert all("optcomp init" in f.hint for f in errors_of(folder))


def test_a_table_under_a_name_like_ours_is_pointed_at(tmp_path: Path) -> None:
    """Row 2: Accounts.CSV is not accounts.csv everywhere."""
    folder = write_folder(tmp_path)
    (folder / "accounts.csv").rename(folder / "acounts.csv")

    assert errors_of(folder)[0].hint == "Did you mean 'acounts.csv'?"


@pytest.mark.parametrize(("content", "code"), [("", "empty-file"), ("account_id,segment,arr\n", "no-rows")])
def test_a_table_without_rows_is_refused(tmp_path: Path, content: str, code: str) -> None:
    """Rows 3 and 4: 0-byte CSV, header only."""
    assert found(write_folder(tmp_path, accounts=content))[0][:2] == (code, "accounts.csv")


def test_a_pairs_table_may_be_empty(tmp_path: Path) -> None:
    """Row 4: header only is allowed for optional tables."""
    assert found(write_folder(tmp_path, pairs="account_id,csm_id\n")) == []


def test_problems_of_all_files_are_reported_at_once(tmp_path: Path) -> None:
    folder = write_folder(
        tmp_path, toml=TOML.replace("220000", "-1"), accounts=ACCOUNTS + "A3,x\n", csms=CSMS.replace("85000", "$1")
    )

    assert {(code, file) for code, file, _, _ in found(folder)} == {
        ("out-of-range", "instance.toml"),
        ("row-too-short", "accounts.csv"),
        ("currency-sign", "csms.csv"),
    }


def test_the_dialect_is_used_even_when_other_settings_are_wrong(tmp_path: Path) -> None:
    """Row 10: no false findings after a true one."""
    toml = TOML.replace("220000", "-1") + '[tables]\ndecimal = ","\n[columns.accounts]\narr = "Umsatz"\n'
    accounts = "account_id;segment;Umsatz\nA1;growth;1000,5\n"

    assert [code for code, *_ in found(write_folder(tmp_path, toml=toml, accounts=accounts))] == ["out-of-range"]


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../x.csv", "a/../../x.csv", "C:\\x.csv", "..\\x.csv", "\\\\host\\x.csv"]
)
def test_table_paths_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    """Row 60: absolute path or .. in TOML."""
    folder = write_folder(tmp_path / "inside", toml=TOML + f"[tables]\naccounts = '{name}'\n")
    (tmp_path / "x.csv").write_text(ACCOUNTS)

    assert "outside-folder" in [code for code, *_ in found(folder)]


@pytest.mark.parametrize("file", ["accounts.csv", "instance.toml"])
def test_links_that_lead_out_are_refused(tmp_path: Path, file: str) -> None:
    """Row 60: symlink out."""
    folder = write_folder(tmp_path / "inside")
    (folder / file).rename(tmp_path / file)
    (folder / file).symlink_to(tmp_path / file)

    assert ("outside-folder", file) in [(code, name) for code, name, *_ in found(folder)]


def test_tables_may_lie_deeper_inside(tmp_path: Path) -> None:
    """Row 60: only the way out is barred."""
    folder = write_folder(tmp_path, accounts=None, toml=TOML + '[tables]\naccounts = "crm/export.csv"\n')
    (folder / "crm").mkdir()
    (folder / "crm" / "export.csv").write_text(ACCOUNTS)

    assert len(read_instance(folder)[0].accounts) == 2
    assert [p.name for p in input_files(folder)] == ["export.csv", "csms.csv", "instance.toml"]


@pytest.mark.parametrize(("name", "code"), [("none.csv", "missing-file"), ("accounts.json", "wrong-file-type")])
def test_named_tables_must_be_there(tmp_path: Path, name: str, code: str) -> None:
    """Row 2."""
    folder = write_folder(tmp_path, toml=TOML + f'[tables]\naccounts = "{name}"\n')

    assert [c for c, *_ in found(folder)] == [code]


def test_two_files_for_one_table_are_refused(tmp_path: Path) -> None:
    """Row 2: no guess which of them counts."""
    folder = write_folder(tmp_path)
    (folder / "accounts.parquet").write_bytes(b"")

    assert [c for c, *_ in found(folder)] == ["two-files"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, accounts=None)
    os.mkfifo(folder / "accounts.csv")

    assert [c for c, *_ in found(folder)] == ["not-a-file"]


def test_a_file_that_may_not_be_read_is_no_input_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 61: permission is exit 8."""
    folder = write_folder(tmp_path)

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(OutputError, match=r"instance\.toml: cannot be read \(Permission denied\)"):
        read_instance(folder)


@pytest.mark.skipif(os.name != "posix", reason="other permissions there")
@pytest.mark.parametrize(("folder_mode", "file_mode", "codes"), [
    (0o755, 0o644, ["world-readable"]),
    (0o755, 0o640, []),
    (0o750, 0o644, []),
])  # fmt: skip
def test_salaries_that_all_can_read_are_a_warning(
    tmp_path: Path, folder_mode: int, file_mode: int, codes: list[str]
) -> None:
    """Duties of a tool that holds salaries."""
    folder = write_folder(tmp_path)
    folder.chmod(folder_mode)
    (folder / "csms.csv").chmod(file_mode)

    assert [f.code for f in warnings_of(folder)] == codes


# --- ids across tables -------------------------------------------------------------------------------------------


def test_an_unknown_csm_is_placed_with_the_nearest_names(tmp_path: Path) -> None:
    """Row 30: id in accounts.csm that is not in csms."""
    folder = write_folder(tmp_path, accounts=ACCOUNTS.replace(",C2", ",c2x"))

    assert found(folder) == [("unknown-id", "accounts.csv", 3, "csm")]
    assert errors_of(folder)[0].hint == "Nearest: 'C2'"


def test_an_unknown_segment_is_placed_with_the_nearest_name(tmp_path: Path) -> None:
    """Row 31: account segment unknown."""
    folder = write_folder(tmp_path, accounts=ACCOUNTS.replace("A2,Bolt,growth", "A2,Bolt,Growht"))

    assert found(folder) == [("unknown-id", "accounts.csv", 3, "segment")]
    assert errors_of(folder)[0].hint == "Nearest: 'growth'"


def test_pairs_name_accounts_and_csms_that_exist(tmp_path: Path) -> None:
    """Row 30: foreign keys of pairs."""
    folder = write_folder(tmp_path, pairs="account_id,csm_id\nA9,C1\nA1,C9\n")

    assert found(folder) == [
        ("unknown-id", "pairs.csv", 2, "account_id"),
        ("unknown-id", "pairs.csv", 3, "csm_id"),
    ]


def test_a_broken_table_causes_no_findings_in_others(tmp_path: Path) -> None:
    """Row 30: ids are not compared with a table that could not be read."""
    assert [f for _, f, *_ in found(write_folder(tmp_path, csms="csm_id,segment\nC1\n"))] == ["csms.csv"]


def test_an_id_of_15_characters_is_the_same_as_its_18(tmp_path: Path) -> None:
    """Row 27: matched as one, with a warning."""
    short = "005D0000001abCD"
    folder = write_folder(
        tmp_path, accounts=ACCOUNTS.replace(",C1", f",{short}"), csms=CSMS.replace("C1", long_id(short))
    )

    instance, warnings = read_instance(folder)

    assert instance.accounts[0].csm == long_id(short)
    assert [(f.code, f.file, f.column) for f in warnings] == [("short-salesforce-id", "accounts.csv", "csm")]


def test_one_account_in_both_forms_is_a_duplicate(tmp_path: Path) -> None:
    """Row 27: two rows of one account."""
    short = "001D0000001abCD"
    rows = f"{short},growth,1,,,,,,,\n{long_id(short)},growth,1,,,,,,,\n"

    assert in_accounts(tmp_path, rows) == [("duplicate-id", 3, "account_id")]


def test_amounts_in_two_currencies_are_refused(tmp_path: Path) -> None:
    """Row 47: two currencies without rates."""
    assert in_accounts(tmp_path, "A,growth,1,,,,,,,USD\nB,growth,1,,,,,,,EUR\n") == [("two-currencies", 3, "currency")]


# --- families, locks, status, dates ------------------------------------------------------------------------------


def test_a_family_lies_in_one_segment(tmp_path: Path) -> None:
    """DESIGN 3: mixed segments are input errors."""
    rows = "A,growth,1,,,P,,,,\nB,enterprise,1,,,P,,,,\n"

    assert in_accounts(tmp_path, rows, toml=TWO_SEGMENTS) == [("mixed-family", 3, "segment")]


def test_the_parent_belongs_to_its_family(tmp_path: Path) -> None:
    """DESIGN 3: the parent may be an account itself."""
    rows = "P,growth,1,,,,,,,\nB,enterprise,1,,,P,,,,\n"

    assert in_accounts(tmp_path, rows, toml=TWO_SEGMENTS) == [("mixed-family", 3, "segment")]


def test_a_parent_need_not_be_an_account(tmp_path: Path) -> None:
    assert in_accounts(tmp_path, "A,growth,1,,,HOLDING,,,,\n") == []


def test_locks_of_a_family_must_not_clash(tmp_path: Path) -> None:
    """DESIGN 3: clashing locks are input errors."""
    rows = "A,growth,1,C1,,P,yes,,,\nB,growth,1,C2,,P,yes,,,\n"

    assert in_accounts(tmp_path, rows) == [("clashing-locks", 3, "locked")]
    assert in_accounts(tmp_path, rows.replace("B,growth,1,C2,,P,yes", "B,growth,1,C2,,P,no")) == []


@pytest.mark.parametrize(("rows", "code"), [
    ("A,growth,1,,,A,,,,\n", "own-parent"),
    ("A,growth,1,,,B,,,,\nB,growth,1,,,C,,,,\n", "nested-family"),
])  # fmt: skip
def test_families_have_one_level(tmp_path: Path, rows: str, code: str) -> None:
    assert code in [c for c, _, _ in in_accounts(tmp_path, rows)]


def test_an_open_position_owns_nothing(tmp_path: Path) -> None:
    """Issue 2: an open position may be filled; nobody sits there yet."""
    assert in_accounts(tmp_path, "A,growth,1,C1,,,,,,\n", csms=PEOPLE + "C1,growth,1,open,,\n") == [
        ("open-position-owns", 2, "csm")
    ]


def test_a_lock_needs_a_csm_who_stays(tmp_path: Path) -> None:
    """U13-U15: locked without a CSM, or with one who leaves."""
    leaver = PEOPLE + "C1,growth,1,leaving,,2027-03-01\n"

    assert in_accounts(tmp_path, "A,growth,1,,,,yes,,,\n") == [("locked-without-csm", 2, "locked")]
    assert in_accounts(tmp_path, "A,growth,1,C1,,,yes,,,\n", csms=leaver) == [("locked-to-leaver", 2, "locked")]


@pytest.mark.parametrize(("row", "place"), [
    ("C1,growth,1,leaving,,\n", ("leaving-without-end", "csms.csv", 2, "end")),
    ("C1,growth,1,joining,,\n", ("joining-without-start", "csms.csv", 2, "start")),
    ("C1,growth,1,leaving,2027-05-01,2027-03-01\n", ("end-before-start", "csms.csv", 2, "end")),
])  # fmt: skip
def test_status_and_dates_fit_together(tmp_path: Path, row: str, place: tuple[str, str, int, str]) -> None:
    """Row 45: end before start; who leaves has an end, who joins a start."""
    assert found(write_folder(tmp_path, accounts=HEAD + "A,growth,1,C1,,,,,,\n", csms=PEOPLE + row)) == [place]


def test_a_csm_since_the_future_is_refused(tmp_path: Path) -> None:
    """Row 45: hire date in the future."""
    assert in_accounts(tmp_path, "A,growth,1,C1,,,,2026-11-02,,\n") == [("future-date", 2, "csm_since")]
    assert in_accounts(tmp_path, "A,growth,1,C1,,,,2026-11-01,,\n") == []


@pytest.mark.parametrize(("day", "codes"), [
    ("2026-10-31", ["odd-renewal-date"]),
    ("2026-11-01", []),
    ("2036-11-01", []),
    ("2036-11-02", ["odd-renewal-date"]),
])  # fmt: skip
def test_renewals_in_the_past_or_far_ahead_are_warnings(tmp_path: Path, day: str, codes: list[str]) -> None:
    """Row 45: stale and far dates."""
    assert [f.code for f in warnings_of(write_folder(tmp_path, accounts=HEAD + f"A,growth,1,C1,{day},,,,,\n"))] == codes


def test_ten_years_after_a_leap_day_is_the_last_of_february() -> None:
    """Row 46: right arithmetic."""
    assert years_later(date(2028, 2, 29), 10) == date(2038, 2, 28)
    assert years_later(date(2028, 2, 29), 4) == date(2032, 2, 29)


def test_health_scores_from_zero_to_one_are_a_warning(tmp_path: Path) -> None:
    """Row 21: the other way round."""
    rows = "".join(f"A{i},growth,1,,,,,,0.{i},\n" for i in range(10))

    assert [f.code for f in warnings_of(write_folder(tmp_path, accounts=HEAD + rows))] == ["looks-like-share"]


@pytest.mark.parametrize(("largest", "codes"), [("1000000", []), ("1000001", ["wide-range"])])
def test_arr_over_a_million_times_another_is_a_warning(tmp_path: Path, largest: str, codes: list[str]) -> None:
    """Row 74: both sides of the edge; such facts are solved all the same."""
    accounts = f"account_id,segment,arr\nA,growth,1\nB,growth,{largest}\n"

    assert [f.code for f in warnings_of(write_folder(tmp_path, accounts=accounts))] == codes


def test_regions_that_differ_only_in_case_are_a_warning(tmp_path: Path) -> None:
    """Row 26: "emea" and "EMEA" would not match."""
    accounts = "account_id,segment,arr,region\nA,growth,1,emea\n"
    folder = write_folder(tmp_path, accounts=accounts, csms="csm_id,segment,base,region\nC,growth,1,EMEA\n")

    assert [(f.code, f.file, f.row, f.column) for f in warnings_of(folder)] == [
        ("two-spellings", "accounts.csv", 2, "region")
    ]


def test_an_input_error_lists_no_salary_that_is_right(tmp_path: Path) -> None:
    """Duties: messages show the value that is wrong and nothing beside it."""
    folder = write_folder(tmp_path, csms=CSMS.replace("15000", "abc"))

    with pytest.raises(InputError) as caught:
        read_instance(folder)

    assert "85000" not in str(caught.value)
    assert "abc" in str(caught.value)
