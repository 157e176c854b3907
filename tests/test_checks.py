"""Columns of a table: what each kind of cell may hold, how headers are matched, how findings are placed and counted."""

from __future__ import annotations

from dataclasses import fields
from datetime import date

import pytest

from optcomp.checks import MAX_FINDINGS_OF_A_KIND, CheckedTable, capped, check_keys, check_table
from optcomp.errors import Finding
from optcomp.tables import TABLES, Table, TableName
from optcomp.tabular.raw import Dialect
from optcomp.tabular.text import read_csv
from optcomp.tabular.values import number_reader, read_list

DECIMAL_COMMA = Dialect(decimal=",")


def check(text: str, *, table: TableName = "accounts", dialect: Dialect = Dialect()) -> CheckedTable:  # noqa: B008
    raw = read_csv(text.encode(), f"{table}.csv", TABLES[table].by_name, dialect=dialect)
    return check_table(TABLES[table], raw, dialect=dialect)


def cell(column: str, text: str, *, table: TableName = "accounts", dialect: Dialect = Dialect()) -> CheckedTable:  # noqa: B008
    """A table of one row that is right but for one cell."""
    row = {
        "accounts": {"account_id": "A1", "segment": "s", "arr": "1"},
        "csms": {"csm_id": "C", "segment": "s", "base": "1"},
    }
    cells = row.get(table, {"account_id": "A", "csm_id": "C"}) | {column: f'"{text}"'}
    return check(";".join(cells) + "\n" + ";".join(cells.values()) + "\n", table=table, dialect=dialect)


def codes(checked: CheckedTable) -> list[str]:
    return [finding.code for finding in checked.findings]


def value(checked: CheckedTable, column: str) -> object:
    assert checked.findings == ()
    return checked.values[column][0]


# --- the description ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_the_columns_are_the_fields_of_the_dataclass(table: Table) -> None:
    """A column that is no field would be read for nothing; a field without a column could not be given."""
    assert {f.name for f in fields(table.record)} == set(table.by_name) - {"currency"}


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_required_columns_are_the_fields_without_a_default(table: Table) -> None:
    assert [c.name for c in table.columns if c.required] == [
        f.name for f in fields(table.record) if f.default is f.default_factory
    ]


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_every_example_is_valid(table: Table) -> None:
    """`init` templates are made of them."""
    header = "|".join(c.name for c in table.columns)
    row = "|".join(c.example for c in table.columns)

    assert codes(check(f"{header}\n{row}\n", table=table.name)) == []


def test_no_alias_means_two_columns() -> None:
    for table in TABLES.values():
        names = [alias.casefold() for c in table.columns for alias in (c.name, *c.aliases)]
        assert len(names) == len(set(names))


# --- numbers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "number"), [("1", 1.0), (" 1.5 ", 1.5), ("+2", 2.0), (".5", 0.5), ("1e3", 1000.0)])
def test_plain_numbers_are_read(text: str, number: float) -> None:
    assert value(cell("arr", text), "arr") == number


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1234,50", "decimal-mark"),
        ("12,5", "decimal-mark"),
        ("1,234.50", "thousands"),
        ("1,234", "thousands"),
        ("1 234", "thousands"),
        ("1\u00a0234", "thousands"),
        ("1'234", "thousands"),
        ("1_234", "thousands"),
        ("$1,200", "currency-sign"),
        ("1200 USD", "currency-sign"),
        ("€5", "currency-sign"),
        ("12 %", "percent-sign"),
        ("(500)", "accounting-negative"),
        ("−5", "not-a-number"),
        ("#REF!", "error-cell"),
        ("abc", "not-a-number"),
        ("0x10", "not-a-number"),
        ("٣", "not-a-number"),
        ("inf", "not-finite"),
        ("-Infinity", "not-finite"),
        ("1e400", "not-finite"),
        ("1e308", "above-range"),
        ("-5", "below-range"),
        ("0", "below-range"),
        ("9" * 5000, "number-too-long"),
        ("1e99999", "not-a-number"),
    ],
)
def test_doubtful_numbers_are_refused(text: str, code: str) -> None:
    """Rows 10-13 and 16-20: decimal comma, thousands, currency, brackets, infinity, overflow, long, negative, zero."""
    checked = cell("arr", text)

    assert codes(checked) == [code]
    assert checked.findings[0].place == "accounts.csv, row 2, column arr"
    assert checked.values["arr"] == [None]


def test_the_hint_names_the_setting_that_would_accept_it() -> None:
    """Rows 10-11: accepted only if declared."""
    assert 'decimal = ","' in cell("arr", "1234,50").findings[0].hint
    assert 'thousands = "\'"' in cell("arr", "1'234").findings[0].hint


@pytest.mark.parametrize(
    ("dialect", "text", "number"),
    [
        (DECIMAL_COMMA, "1234,50", 1234.5),
        (Dialect(thousands=","), "1,234.50", 1234.5),
        (Dialect(thousands="'"), "1'234'567", 1_234_567.0),
        (Dialect(decimal=",", thousands="."), "1.234,5", 1234.5),
        (Dialect(thousands=","), "1234.5", 1234.5),
    ],
)
def test_declared_marks_are_read(dialect: Dialect, text: str, number: float) -> None:
    """Rows 10-11: accepted when declared."""
    assert value(cell("arr", text, dialect=dialect), "arr") == number


@pytest.mark.parametrize("text", ["1.234", "1,23,4", "12,34.5"])
def test_declared_marks_in_the_wrong_place_are_refused(text: str) -> None:
    """Row 11: groups have three digits."""
    dialect = DECIMAL_COMMA if text == "1.234" else Dialect(thousands=",")

    assert codes(cell("arr", text, dialect=dialect)) in (["thousands"], ["not-a-number"], ["decimal-mark"])


@pytest.mark.parametrize("text", ["", " ", "NaN", "nan", "NULL", "null", "N/A", "#N/A", "None", "-", "—"])
def test_a_required_number_that_is_missing_is_said(text: str) -> None:
    """Row 14: NaN, NULL, N/A, a dash or a blank in a required number."""
    assert codes(cell("arr", text)) == ["missing"]


@pytest.mark.parametrize("text", ["", "NULL", "n/a", "-"])
def test_an_optional_number_that_is_missing_is_none(text: str) -> None:
    """Row 14: the default is taken later."""
    assert value(cell("health", text), "health") is None


@pytest.mark.parametrize("text", ["NA", "None", "Null", "nan", "-"])
def test_words_for_nothing_are_names_where_text_stands(text: str) -> None:
    """Row 15: country "NA", CSM named "None"."""
    assert value(cell("region", text), "region") == text


@pytest.mark.parametrize(
    ("column", "table"), [("hours", "csms"), ("base", "csms"), ("fte", "csms"), ("arr", "accounts")]
)
def test_zero_is_refused_where_something_is_divided_by_it(column: str, table: TableName) -> None:
    """Row 20: 0 salary, 0 hours, 0 ARR."""
    assert codes(cell(column, "0", table=table)) == ["below-range"]


def test_a_target_of_zero_is_base_pay_only() -> None:
    """Row 20: 0 variable is a plan without variable pay."""
    assert value(cell("variable", "0", table="csms"), "variable") == 0.0


@pytest.mark.parametrize("column", ["renewal_probability", "contraction", "expansion"])
def test_shares_may_be_per_cent_only_with_the_sign(column: str) -> None:
    """Rows 12 and 21: 12 % is read, 12 looks like per cent, 110 is no share."""
    assert value(cell(column, "12 %"), column) == pytest.approx(0.12, abs=1e-15)
    assert codes(cell(column, "12")) == ["looks-like-percent"]
    assert codes(cell(column, "110")) == ["above-range"]
    assert codes(cell(column, "110%")) == ["looks-like-percent"]
    assert codes(cell(column, "-0.1")) == ["below-range"]


def test_whole_numbers_only_where_things_are_counted() -> None:
    assert value(cell("term_months", "12.0"), "term_months") == 12
    assert codes(cell("term_months", "12.5")) == ["not-whole"]


def test_a_percent_reader_keeps_the_dialect() -> None:
    """Rows 10 and 12 together."""
    assert number_reader(DECIMAL_COMMA, percent=True)("12,5 %") == 0.125


# --- ids and text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["00123", "123", "123E45", "1e400", "NA", "null"])
def test_ids_are_text_as_written(text: str) -> None:
    """Rows 15, 28 and 29: 00123, 123E45, NA."""
    assert value(cell("account_id", text), "account_id") == text


def test_ids_with_and_without_zeros_stay_two() -> None:
    """Row 28: 00123 and 123 kept distinct."""
    checked = check("account_id,segment,arr\n00123,s,1\n123,s,1\n")

    assert (codes(checked), check_keys(checked)) == ([], [])


def test_blanks_around_an_id_are_trimmed_and_said() -> None:
    """Row 26: "A1 " and "A1" are one id."""
    checked = check("account_id,segment,arr\nA1 ,s,1\n\u00a0A2,s,1\nA1,s,1\n")

    assert [(f.code, f.row, f.severity) for f in checked.findings] == [
        ("blanks-trimmed", 2, "warning"),
        ("blanks-trimmed", 3, "warning"),
    ]
    assert [(f.code, f.found) for f in check_keys(checked)] == [("duplicate-id", "'A1' stands in rows 2, 4")]


@pytest.mark.parametrize("twin", ["a1", "Ａ1"])
def test_ids_that_differ_only_in_case_or_form_are_refused(twin: str) -> None:
    """Row 26: ids differing by case (a spreadsheet takes them for one)."""
    findings = check_keys(check(f"account_id,segment,arr\nA1,s,1\n{twin},s,1\n"))

    assert [(f.code, f.row) for f in findings] == [("near-twin-ids", 3)]
    assert "row 2" in findings[0].found


def test_salesforce_ids_of_15_characters_may_differ_only_in_case() -> None:
    """Row 26: they are case-sensitive."""
    assert check_keys(check("account_id,segment,arr\n0015000000abcDE,s,1\n0015000000ABCDE,s,1\n")) == []


def test_invisible_characters_in_an_id_are_named() -> None:
    """Rows 34 and 38: zero-width space, control characters."""
    finding = cell("account_id", "A\u200b1").findings[0]

    assert (finding.code, finding.row) == ("invisible-characters", 2)
    assert "U+200B ZERO WIDTH SPACE" in finding.found
    assert codes(cell("account_id", "A\x1b1")) == ["invisible-characters"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [("Ac\x07me", "Acme"), ("A\x1b[31mB", "A[31mB"), ("EMEA\u00a0North", "EMEA North"), ("a\nb", "a b")],
)
def test_control_characters_in_names_are_taken_out_and_said(text: str, clean: str) -> None:
    """Row 38: stripped with a warning."""
    checked = cell("name", text)

    assert [(f.code, f.severity) for f in checked.findings] == [("odd-characters", "warning")]
    assert checked.values["name"] == [clean]


@pytest.mark.parametrize("text", ["x" * 300, "مرحبا", "👩‍💻 team", "e\u0301", "<script>", "[red]", "=1+1", "a\u202eb"])
def test_names_of_every_kind_are_kept(text: str) -> None:
    """Rows 56-59: long, right-to-left, emoji, combining, markup, formulas; made safe where they are shown."""
    assert value(cell("name", text), "name") == text


def test_messages_never_carry_what_could_steer_a_terminal() -> None:
    """Row 58: ANSI escapes and bidi overrides in a refused value."""
    text = str(cell("arr", "\x1b[31m\u202e9").findings[0])

    assert text.isprintable()


def test_messages_show_at_most_40_characters_of_a_value() -> None:
    """Duties of a tool that holds salaries."""
    finding = cell("arr", "x" * 39 + "SECRET").findings[0]

    assert "SECRET" not in str(finding)


def test_lists_are_separated_by_semicolons() -> None:
    assert read_list(" en; de;;en ") == ("en", "de")
    assert codes(check('csm_id,segment,base,languages\nC,s,1,"en, de"\n', table="csms")) == ["list-comma"]


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("No", False), ("Y", True), ("0", False), ("", None)])
def test_flags_are_read(text: str, flag: bool | None) -> None:
    assert value(cell("locked", text), "locked") is flag


def test_what_is_neither_yes_nor_no_is_refused() -> None:
    assert codes(cell("locked", "maybe")) == ["not-yes-or-no"]


def test_a_status_is_one_of_four() -> None:
    assert value(cell("status", "Leaving", table="csms"), "status") == "leaving"
    finding = cell("status", "leeving", table="csms").findings[0]
    assert (finding.code, finding.hint) == ("not-allowed", "Did you mean 'leaving'?")


# --- dates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2028-02-29", "2027-3-1"])
def test_iso_dates_are_read(text: str) -> None:
    """Row 46: leap days."""
    assert isinstance(value(cell("renewal_date", text), "renewal_date"), date)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2027-02-29", "no-such-date"),
        ("2026-13-01", "no-such-date"),
        ("31/02/2026", "undeclared-date"),
        ("32/02/2026", "no-such-date"),
        ("01/02/2026", "ambiguous-date"),
        ("13/02/2026", "undeclared-date"),
        ("13/02/26", "not-a-date"),
        ("45658", "date-serial"),
        ("March 2027", "not-a-date"),
        ("9999-12-31", "placeholder-date"),
        ("1900-01-01", "placeholder-date"),
        ("0000-00-00", "no-such-date"),
    ],
)
def test_doubtful_dates_are_refused(text: str, code: str) -> None:
    """Rows 41, 42, 44, 45: no such day, two readings, a bare serial, placeholders."""
    assert codes(cell("renewal_date", text)) == [code]


def test_a_declared_format_is_read_and_others_are_refused() -> None:
    """Rows 41 and 42: accepted when declared, ISO always."""
    dialect = Dialect(date_format="DD/MM/YYYY")

    assert value(cell("renewal_date", "01/02/2027", dialect=dialect), "renewal_date") == date(2027, 2, 1)
    assert value(cell("renewal_date", "2027-02-01", dialect=dialect), "renewal_date") == date(2027, 2, 1)
    assert codes(cell("renewal_date", "31/02/2026", dialect=dialect)) == ["no-such-date"]
    assert codes(cell("renewal_date", "02/13/2026", dialect=dialect)) == ["no-such-date"]
    assert codes(cell("renewal_date", "01.02.2027", dialect=dialect)) == ["not-a-date"]


def test_two_orders_in_one_column_are_shown_together() -> None:
    """Row 43: 13/02 and 02/13 in one column."""
    checked = check("account_id,segment,arr,renewal_date\nA,s,1,13/02/2027\nB,s,1,02/13/2027\n")
    mixed = next(f for f in checked.findings if f.code == "mixed-dates")

    assert "row 2" in mixed.found
    assert "row 3" in mixed.found


@pytest.mark.parametrize("text", ["2027-03-31T14:30:00", "2027-03-31 00:00:00+02:00", "2027-03-31T23:59:59Z"])
def test_a_time_of_day_is_dropped_and_said(text: str) -> None:
    """Row 44: date with time, time zone."""
    checked = cell("renewal_date", text)

    assert [(f.code, f.severity) for f in checked.findings] == [("time-dropped", "warning")]
    assert checked.values["renewal_date"] == [date(2027, 3, 31)]


# --- headers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["arr", "ARR"])
def test_a_duplicate_header_is_refused(header: str) -> None:
    """Row 32: pandas would call it arr.1."""
    assert codes(check(f"account_id,segment,arr,{header}\nA,s,1,2\n")) == ["duplicate-header"]


def test_a_missing_column_is_named() -> None:
    """Row 33: missing column."""
    checked = check("account_id,segment\nA,s\n")

    assert [(f.code, f.column) for f in checked.findings] == [("missing-column", "arr")]


def test_a_misspelt_column_is_refused_with_the_right_name() -> None:
    """Row 33: did you mean."""
    checked = check("account_id,segmnt,arr,renewl_date\nA,s,1,2027-01-01\n")

    assert [(f.code, f.column) for f in checked.findings] == [
        ("misspelt-header", "segment"),
        ("misspelt-header", "renewal_date"),
    ]
    assert "Did you mean renewal_date?" in checked.findings[1].hint


def test_an_extra_column_is_a_warning() -> None:
    """Row 33: extra column."""
    checked = check("account_id,segment,arr,remarks,AnnualRevenue\nA,s,1,x,9\n")

    assert [(f.code, f.severity) for f in checked.findings] == [("extra-column", "warning")] * 2
    assert "customer's own revenue" in checked.findings[1].hint


@pytest.mark.parametrize(
    ("header", "point"),
    [("аrr", "U+0430"), ("arr\u200b", "U+200B"), ("account\u00a0name", "U+00A0"), ("ａrr", "U+FF41")],
)
def test_a_look_alike_header_is_refused_with_its_code_points(header: str, point: str) -> None:
    """Row 34: Cyrillic look-alike, zero-width space, NBSP."""
    checked = check(f"account_id,segment,arr2,{header}\nA,s,1,1\n")
    finding = next(f for f in checked.findings if f.code == "look-alike-header")

    assert point in finding.found
    assert finding.row == 1


def test_a_column_with_cells_but_no_header_is_refused() -> None:
    """Row 35: a stray value beside the table."""
    assert codes(check("account_id,segment,arr,\nA,s,1,x\n")) == ["nameless-column"]
    assert codes(check("account_id,segment,arr,\nA,s,1,\n")) == []


def test_headers_of_a_crm_export_are_understood_and_said() -> None:
    """Issue 2: Salesforce, HubSpot and Gainsight headers."""
    checked = check("Account ID,Account Name,Segment__c,ARR__c,OwnerId,RenewalDate\nA,Acme,s,1,C,2027-01-01\n")

    assert {f.code for f in checked.findings} == {"alias-used"}
    assert checked.present == {"account_id", "name", "segment", "arr", "csm", "renewal_date"}


def test_two_headers_for_one_column_are_refused() -> None:
    """Row 32: no guess which of them counts."""
    assert "ambiguous-header" in codes(check("account_id,segment,ARR__c,hs_arr\nA,s,1,2\n"))


def test_declared_headers_go_before_names() -> None:
    """Issue 2: column aliases."""
    raw = read_csv(b"account_id,segment,arr,Betrag\nA,s,1,2\n", "accounts.csv", [], dialect=Dialect())

    checked = check_table(TABLES["accounts"], raw, dialect=Dialect(), declared={"arr": "Betrag"})
    absent = check_table(TABLES["accounts"], raw, dialect=Dialect(), declared={"arr": "Betrg"})

    assert checked.values["arr"] == [2.0]
    assert [(f.code, f.hint) for f in absent.findings if f.severity == "error"] == [
        ("unknown-header", "Did you mean 'Betrag'?")
    ]


# --- keys and counts ---------------------------------------------------------------------------------------------


def test_a_duplicate_id_lists_both_rows() -> None:
    """Row 25: duplicate account id."""
    findings = check_keys(check("account_id,segment,arr\nA,s,1\nB,s,1\nA,s,1\n"))

    assert [(f.code, f.found) for f in findings] == [("duplicate-id", "'A' stands in rows 2, 4")]


def test_a_pair_is_one_account_with_one_csm() -> None:
    """Row 25: the key of pairs is both ids."""
    findings = check_keys(check("account_id,csm_id\nA,C\nA,D\nA,C\n", table="pairs"))

    assert [f.found for f in findings] == ["'A' with 'C' stands in rows 2, 4"]


def test_no_rows_are_refused_only_where_rows_are_needed() -> None:
    """Row 4: header only (allowed for optional tables)."""
    assert codes(check("account_id,segment,arr\n")) == ["no-rows"]
    assert codes(check("account_id,csm_id\n", table="pairs")) == []


def test_more_than_twenty_of_a_kind_are_counted() -> None:
    """Duties: all problems at once, and a message that can still be read."""
    findings = [Finding("x", "f", "a", file="t.csv", row=i, column="arr") for i in range(30)]

    kept = capped([*findings, Finding("y", "f", "a")])

    assert len(kept) == MAX_FINDINGS_OF_A_KIND + 2
    assert kept[-1].found == "10 more like this, 30 in all"
    assert len(capped(findings[:MAX_FINDINGS_OF_A_KIND])) == MAX_FINDINGS_OF_A_KIND


def test_every_problem_of_a_file_is_reported_at_once() -> None:
    checked = check("account_id,segment,arr,renewal_date,locked\n,s,x,01/02/2027,maybe\nA,s,-1,,\n")

    assert sorted((f.row, f.column) for f in checked.findings) == [
        (2, "account_id"),
        (2, "arr"),
        (2, "locked"),
        (2, "renewal_date"),
        (3, "arr"),
    ]
