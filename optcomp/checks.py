"""One table checked column by column: every problem of the file at once, each with its row and column."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from optcomp.cells import shown
from optcomp.errors import Finding, Severity
from optcomp.headers import did_you_mean, match_headers
from optcomp.ids import is_salesforce_id
from optcomp.tables import Column, Table
from optcomp.tabular import values as cell
from optcomp.tabular.dates import day_or_month_first
from optcomp.tabular.raw import Dialect, RawTable

# More of one kind in one column would bury the rest; the number left out is said.
MAX_FINDINGS_OF_A_KIND = 20
# Dates outside are placeholders of other systems (1900-01-01, 9999-12-31), not days in a plan.
FIRST_DAY, LAST_DAY = date(1950, 1, 1), date(2100, 1, 1)

ALLOWED = {
    "number": "A number",
    "integer": "A whole number",
    "share": "A share from 0 to 1, or written with a percent sign as 12 %",
    "date": "A date written as 2027-03-31",
    "flag": "true or false",
    "id": "An id",
    "text": "Text",
    "list": "Texts separated by ';'",
    "choice": "One of the words allowed",
}


@dataclass(frozen=True, slots=True)
class CheckedTable:
    """A table whose cells have become values; None stands where a cell is empty or was refused.

    rows : the row of each record, as the user's editor counts it
    present : the columns that the file has
    """

    table: Table
    file: str
    rows: tuple[int, ...]
    values: Mapping[str, list[object]]
    present: frozenset[str]
    findings: tuple[Finding, ...]

    def finding(self, code: str, index: int, column: str, *, found: str, allowed: str = "", hint: str = "") -> Finding:
        """An error in a cell."""
        return Finding(code, found, allowed, hint, file=self.file, row=self.rows[index], column=column)


def check_table(
    table: Table, raw: RawTable, *, dialect: Dialect, declared: Mapping[str, str] | None = None
) -> CheckedTable:
    """Every column read and judged; findings are errors and warnings, not yet capped."""
    positions, findings = match_headers(table, raw, declared)
    findings = [*raw.warnings, *findings]
    values: dict[str, list[object]] = {}
    for column in table.columns:
        if column.name in positions:
            cells = raw.columns[positions[column.name]]
            values[column.name], problems = _check_column(column, cells, raw, dialect=dialect)
            findings += problems
        else:
            values[column.name] = [None] * len(raw.rows)
    if not raw.rows and table.required:
        findings.append(Finding("no-rows", "No rows below the header", "At least one row", file=raw.file))
    return CheckedTable(table, raw.file, raw.rows, values, frozenset(positions), tuple(findings))


def _reader(column: Column, dialect: Dialect) -> cell.Reader:
    number = cell.number_reader(dialect, percent=column.kind == "share")
    readers: dict[str, cell.Reader] = {
        "id": cell.read_id,
        "text": cell.read_text,
        "list": cell.read_list,
        "choice": cell.read_text,
        "flag": cell.read_flag,
        "date": cell.date_reader(dialect),
        "number": number,
        "share": number,
        "integer": cell.read_integer(number),
    }
    return readers[column.kind]


def _check_column(
    column: Column, cells: Sequence[object], raw: RawTable, *, dialect: Dialect
) -> tuple[list[object], list[Finding]]:
    """The values of a column, None where there is none, and the findings of its cells."""
    column_check = _ColumnCheck(column, raw, dialect)
    values = [column_check.value(index, content) for index, content in enumerate(cells)]
    return values, [*column_check.findings, *column_check.of_the_whole(cells)]


class _ColumnCheck:
    """Reads the cells of one column; equal cells are read once."""

    def __init__(self, column: Column, raw: RawTable, dialect: Dialect) -> None:
        self.column, self.raw = column, raw
        self.read = _reader(column, dialect)
        self.is_text = column.kind in ("id", "text", "list")
        self.findings: list[Finding] = []
        self.seen: dict[str, object] = {}
        self.text_numbers: list[int] = []

    def value(self, index: int, content: object) -> object:
        """The value of a cell, or None with a finding."""
        if isinstance(content, str):
            if content not in self.seen:
                self.seen[content] = self.answer(content)
            answer = self.seen[content]
        else:
            answer = self.answer(content)
        if isinstance(answer, cell.Fault | cell.Note):
            self.findings.append(self.finding(index, content, answer))
            return answer.value if isinstance(answer, cell.Note) else None
        if self.raw.is_typed and isinstance(content, str) and isinstance(answer, float | int | date):
            self.text_numbers.append(index)
        return answer

    def answer(self, content: object) -> object:
        """The value, a note about it, or why it is refused."""
        if cell.is_missing(content, is_text=self.is_text):
            return cell.Fault("missing", "") if self.column.required else None
        answer = self.read(content)
        value = answer.value if isinstance(answer, cell.Note) else answer
        return _out_of_range(self.column, value) or self._resolved(answer)

    def _resolved(self, answer: object) -> object:
        if self.column.kind != "choice" or not isinstance(answer, str):
            return answer
        if answer.casefold() in self.column.allowed:
            return answer.casefold()
        return cell.Fault("not-allowed", "is not allowed", did_you_mean(answer, self.column.allowed))

    def finding(self, index: int, content: object, answer: cell.Fault | cell.Note) -> Finding:
        """What is said of a cell."""
        column = self.column
        allowed = ALLOWED[column.kind] + (
            f", {column.range_text}" if column.range_text and column.kind != "share" else ""
        )
        if column.allowed:
            allowed = ", ".join(column.allowed)
        found = f"{shown(content)} {answer.says}"
        if answer.code == "missing":
            found = "The cell is empty" if content in (None, "") else f"{shown(content)} counts as missing"
        severity: Severity = "error"
        if isinstance(answer, cell.Note):
            severity, allowed = "warning", ""
        row = self.raw.rows[index]
        file, name = self.raw.file, column.name
        return Finding(answer.code, found, allowed, answer.hint, file=file, row=row, column=name, severity=severity)

    def of_the_whole(self, cells: Sequence[object]) -> list[Finding]:
        """What only the whole column shows: two date orders, numbers kept as text."""
        findings = []
        if self.column.kind == "date" and any(f.code == "undeclared-date" for f in self.findings):
            findings += self._mixed_dates(cells)
        if self.text_numbers:
            count, first = len(self.text_numbers), self.raw.rows[self.text_numbers[0]]
            found = f"{count} {self.column.kind}s are kept as text"
            findings.append(
                Finding(
                    "number-as-text",
                    found,
                    "",
                    file=self.raw.file,
                    row=first,
                    column=self.column.name,
                    severity="warning",
                )
            )
        return findings

    def _mixed_dates(self, cells: Sequence[object]) -> list[Finding]:
        orders = {day_or_month_first(c): i for i, c in enumerate(cells) if isinstance(c, str)}
        if not {"day", "month"} <= orders.keys():
            return []
        day, month = orders["day"], orders["month"]
        found = (
            f"{shown(cells[day])} in row {self.raw.rows[day]} has the day first, "
            f"{shown(cells[month])} in row {self.raw.rows[month]} the month"
        )
        row = self.raw.rows[min(day, month)]
        return [Finding("mixed-dates", found, "One order", file=self.raw.file, row=row, column=self.column.name)]


def _out_of_range(column: Column, value: object) -> cell.Fault | None:
    if isinstance(value, date):
        return (
            None
            if FIRST_DAY <= value < LAST_DAY
            else cell.Fault(
                "placeholder-date", "is not a day that a plan can use", "Leave the cell empty where there is no date"
            )
        )
    if column.low is None or column.high is None or not isinstance(value, int | float):
        return None
    if column.kind == "share" and 1 < value <= 100:
        return cell.Fault("looks-like-percent", "looks like a per cent", f"Write {value / 100:g}, or {value:g} %")
    if value < column.low or (column.above_low and value == column.low):
        return cell.Fault("below-range", f"is {'not above' if column.above_low else 'below'} {column.low:g}")
    return cell.Fault("above-range", f"is above {column.high:g}") if value > column.high else None


def check_keys(checked: CheckedTable) -> list[Finding]:
    """Ids that stand twice, and ids that differ only in case or in how their letters are encoded."""
    key = checked.table.key
    ids = list(zip(*(checked.values[name] for name in key), strict=True))
    rows_by_id: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, key_values in enumerate(ids):
        if None not in key_values:
            rows_by_id[key_values].append(index)
    findings = [_duplicate(checked, k, indices) for k, indices in rows_by_id.items() if len(indices) > 1]
    return findings + (_near_twins(checked, rows_by_id) if len(key) == 1 else [])


def _duplicate(checked: CheckedTable, key: tuple[object, ...], indices: list[int]) -> Finding:
    rows = ", ".join(str(checked.rows[i]) for i in indices[:10]) + (", …" if len(indices) > 10 else "")
    found = f"{' with '.join(shown(k) for k in key)} stands in rows {rows}"
    return checked.finding("duplicate-id", indices[1], checked.table.key[0], found=found, allowed="Each id once")


def _near_twins(checked: CheckedTable, rows_by_id: Mapping[tuple[object, ...], list[int]]) -> list[Finding]:
    groups: dict[str, list[str]] = defaultdict(list)
    for (name,) in rows_by_id:
        groups[unicodedata.normalize("NFKC", str(name)).casefold()].append(str(name))
    findings = []
    for names in groups.values():
        if len(names) > 1 and not all(is_salesforce_id(name) for name in names):
            places = " and ".join(f"{shown(n)} (row {checked.rows[rows_by_id[(n,)][0]]})" for n in names[:4])
            index = rows_by_id[(names[1],)][0]
            found = f"{places} differ only in case or encoding"
            column = checked.table.key[0]
            hint = "If they are two, give one another id; if one, write it alike"
            findings.append(
                checked.finding("near-twin-ids", index, column, found=found, allowed="Ids that differ", hint=hint)
            )
    return findings


def capped(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """At most `MAX_FINDINGS_OF_A_KIND` of each kind in each column of a file, and how many more there are."""
    kept: list[Finding] = []
    last: dict[tuple[str, str, str], Finding] = {}
    counts: Counter[tuple[str, str, str]] = Counter()
    for finding in findings:
        kind = (finding.file, finding.code, finding.column)
        counts[kind] += 1
        if counts[kind] <= MAX_FINDINGS_OF_A_KIND:
            kept.append(finding)
            last[kind] = finding
    for kind, count in counts.items():
        if count > MAX_FINDINGS_OF_A_KIND:
            more = f"{count - MAX_FINDINGS_OF_A_KIND:,} more like this, {count:,} in all"
            kept.append(replace(last[kind], found=more, allowed="", hint="", row=None))
    return tuple(kept)
