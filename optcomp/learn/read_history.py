"""A history in: the tables under `history/` beside an instance (or sheets of its workbook) become a `History`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from optcomp.checks import CheckedTable, capped, check_table
from optcomp.config import Tables as TableSettings
from optcomp.errors import Finding, InputError
from optcomp.instance import Account, Csm, Instance
from optcomp.learn.history import NOBODY, AccountQuarters, CsmQuarters, History
from optcomp.learn.history_checks import history_warnings, quarter_findings, row_findings, survivorship_findings
from optcomp.learn.history_plans import plans_in_force
from optcomp.learn.history_tables import ACCOUNT_QUARTERS, CSM_QUARTERS, PLANS
from optcomp.plan import METRICS
from optcomp.sources import Source, open_source, reading
from optcomp.tables import Table
from optcomp.types import AnyArray, BoolArray, FloatArray, IntArray

DAYS_PER_QUARTER = 365.25 / 4.0


def has_history(path: Path) -> bool:
    """There are tables of a history beside the instance (or sheets of one in its workbook)."""
    if path.is_dir():
        return any((path / "history").glob("account_quarters.*"))
    return path.exists() and "account_quarters" in getattr(getattr(open_source(path), "book", None), "sheets", ())


def read_history(path: Path, instance: Instance) -> tuple[History, tuple[Finding, ...]]:
    """The history beside an instance that was read from the path, and the warnings about it.

    Raises
    ------
    InputError
        With every error that was found in the tables; with `no-churned` or `no-leavers` when only survivors are in
        them.
    OutputError
        When a file cannot be opened.
    """
    with reading(path):
        if not has_history(path):
            raise InputError(_no_history(path))
        tables, findings = _read_tables(open_source(path))
    kept = capped([*findings, *row_findings(tables.accounts, tables.csms), *_segments(tables, instance)])
    _raise_errors(kept)
    beside = path if path.is_dir() else path.parent
    history = _history(tables, instance, beside)
    _raise_errors(survivorship_findings(history))
    return history, (*kept, *history_warnings(history))


def _no_history(path: Path) -> Finding:
    hint = "`optcomp generate DIR --history pilot` writes an example"
    needed = "history/account_quarters.csv, history/csm_quarters.csv and history/plans.csv, or sheets of these names"
    return Finding("no-history", "There is no history beside this instance", needed, hint, file=str(path))


def _raise_errors(findings: Sequence[Finding]) -> None:
    errors = [f for f in findings if f.severity == "error"]
    if errors:
        raise InputError(errors)


@dataclass(frozen=True, slots=True)
class _Tables:
    accounts: CheckedTable
    csms: CheckedTable
    plans: CheckedTable


def _read_tables(source: Source) -> tuple[_Tables, list[Finding]]:
    """The three tables with their cells checked; errors that leave no table at all are raised together."""
    try:
        settings = TableSettings.model_validate(source.document().data.get("tables", {}))
    except ValidationError:
        settings = TableSettings()  # reading the instance says what is wrong with them
    tables: list[CheckedTable] = []
    broken: list[Finding] = []
    for table in (ACCOUNT_QUARTERS, CSM_QUARTERS, PLANS):
        try:
            tables.append(_read_table(source, table, settings))
        except InputError as error:
            broken += error.findings
    if broken:
        raise InputError(broken)
    return _Tables(*tables), [f for table in tables for f in table.findings]


def _read_table(source: Source, table: Table, settings: TableSettings) -> CheckedTable:
    raw = source.table(table, {}, settings.dialect)
    if raw is None:
        raise InputError(Finding("missing-file", f"{table.name} is missing", "", file=table.name))
    return check_table(table, raw, dialect=settings.dialect)


def _segments(tables: _Tables, instance: Instance) -> list[Finding]:
    """Segments that the instance does not declare, and owners who have no row of their own in the quarter."""
    known = {s.name for s in instance.segments}
    findings = []
    for table in (tables.accounts, tables.csms, tables.plans):
        for index, name in enumerate(table.values["segment"]):
            if name is not None and name not in known:
                allowed = f"One of {', '.join(sorted(known))}"
                findings.append(table.finding("unknown-id", index, "segment", found=f"{name!r}", allowed=allowed))
    there = set(zip(tables.csms.values["csm_id"], tables.csms.values["quarter"], strict=True))
    owners = zip(tables.accounts.values["csm_id"], tables.accounts.values["quarter"], strict=True)
    for index, (csm, quarter) in enumerate(owners):
        if csm is not None and quarter is not None and (csm, quarter) not in there:
            found = f"{csm!r} has no row in csm_quarters for {quarter}"
            allowed = "Every owner stands there, those who left too"
            findings.append(tables.accounts.finding("unknown-id", index, "csm_id", found=found, allowed=allowed))
    return findings


# ---- from cells to arrays -----------------------------------------------------------------------------------------


def _history(tables: _Tables, instance: Instance, beside: Path) -> History:
    days = {d for t in (tables.accounts, tables.csms) for d in t.values["quarter"] if isinstance(d, date)}
    quarters = tuple(sorted(days))
    _raise_errors(quarter_findings(quarters))
    accounts, csms = _Keys(tables.accounts, quarters), _Keys(tables.csms, quarters)
    segments = tuple(s.name for s in instance.segments)
    csm_rows = _csm_quarters(csms, segments)
    return History(
        quarters=quarters,
        account_ids=accounts.ids,
        csm_ids=csms.ids,
        segments=segments,
        account_quarters=_account_quarters(accounts, csms.ids, segments),
        csm_quarters=csm_rows,
        plans=plans_in_force(tables.plans, csm_rows, csms.ids, quarters, segments, beside=beside),
        accounts=_account_facts(accounts, {a.account_id: a for a in instance.accounts}),
        csms=_csm_facts(csms, {c.csm_id: c for c in instance.csms}),
    )


class _Keys:
    """A table with its rows sorted by (id, quarter), and columns as arrays."""

    def __init__(self, table: CheckedTable, quarters: Sequence[date]) -> None:
        self.table = table
        names = [str(name) for name in table.values[table.table.key[0]]]
        self.ids = tuple(sorted(set(names)))
        number = {name: k for k, name in enumerate(self.ids)}
        place = {day: k for k, day in enumerate(quarters)}
        self.days = np.array([day.toordinal() for day in quarters], dtype=np.int64)
        index = np.array([number[name] for name in names], dtype=np.int64)
        quarter = np.array([place[day] for day in table.values["quarter"]], dtype=np.int64)  # type: ignore[index]
        self.order = np.lexsort((quarter, index))
        self.index, self.quarter = index[self.order], quarter[self.order]

    def cells(self, name: str) -> AnyArray:
        """Cells as Python objects."""
        cells = np.empty(len(self.order), dtype=object)
        cells[:] = self.table.values[name]
        return np.asarray(cells[self.order])

    def numbers(self, name: str, default: float = np.nan) -> FloatArray:
        """A column of numbers; `default` in empty cells."""
        values = self.table.values[name]
        return np.array([default if v is None else v for v in values], dtype=np.float64)[self.order]

    def flags(self, name: str) -> BoolArray:
        """A column of yes and no; empty is no."""
        return np.array([bool(v) for v in self.table.values[name]], dtype=np.bool_)[self.order]

    def coded(self, name: str, words: Sequence[str]) -> IntArray:
        """Index of each cell among the words, -1 where empty."""
        place = {word: k for k, word in enumerate(words)}
        values = self.table.values[name]
        return np.array([-1 if v is None else place[str(v)] for v in values], dtype=np.int64)[self.order]

    @property
    def is_first(self) -> BoolArray:
        """The first row of each id."""
        return np.append(True, self.index[1:] != self.index[:-1])


def _account_quarters(keys: _Keys, csm_ids: Sequence[str], segments: Sequence[str]) -> AccountQuarters:
    csm, due = keys.coded("csm_id", csm_ids), keys.flags("due")
    return AccountQuarters(
        account=keys.index,
        csm=csm,
        quarter=keys.quarter,
        segment=keys.coded("segment", segments),
        arr_start=keys.numbers("arr_start"),
        due=due,
        renewed=keys.flags("renewed") & due,
        contraction=keys.numbers("contraction", 0.0),
        expansion=keys.numbers("expansion", 0.0),
        health_start=keys.numbers("health"),
        csat=keys.numbers("csat"),
        took_over=_took_over(keys, csm),
        late=keys.numbers("late"),
    )


def _took_over(keys: _Keys, csm: IntArray) -> FloatArray:
    """Quarters since the hand-over to the present CSM, NaN where none is known.

    Within the history a hand-over is a change of CSM; before it, `csm_since` of an account that was there from the
    start says when it was.
    """
    first = keys.is_first
    changed = ~first & (csm != np.roll(csm, 1)) & (csm != NOBODY)
    since = np.array([d.toordinal() if isinstance(d, date) else -1 for d in keys.cells("csm_since")], dtype=np.int64)
    start = keys.days[keys.quarter]
    old = first & (since >= 0) & (keys.quarter == 0) & (csm != NOBODY)
    age = np.where(changed, 0.0, np.where(old, np.round(np.maximum(start - since, 0) / DAYS_PER_QUARTER), np.nan))
    # The row at which the present spell with this CSM began, carried forward.
    begins = first | (csm != np.roll(csm, 1))
    spell = np.maximum.accumulate(np.where(begins, np.arange(len(csm)), 0))
    return np.asarray(age[spell] + keys.quarter - keys.quarter[spell])


def _csm_quarters(keys: _Keys, segments: Sequence[str]) -> CsmQuarters:
    def by_metric(prefix: str) -> dict[str, FloatArray]:
        columns = {metric: keys.numbers(f"{prefix}_{metric}") for metric in METRICS}
        return {metric: values for metric, values in columns.items() if not np.isnan(values).all()}

    return CsmQuarters(
        csm=keys.index,
        quarter=keys.quarter,
        segment=keys.coded("segment", segments),
        base=keys.numbers("base"),
        variable=keys.numbers("variable", 0.0),
        market_ote=keys.numbers("market_ote"),
        load=keys.numbers("load"),
        left=keys.flags("left"),
        tenure_years=keys.numbers("tenure_years"),
        activities=keys.numbers("activities"),
        activities_traced=keys.numbers("activities_traced"),
        attainment=by_metric("attainment"),
        payout=by_metric("payout"),
    )


# ---- who they were ------------------------------------------------------------------------------------------------


def _account_facts(keys: _Keys, today: dict[str, Account]) -> tuple[Account, ...]:
    """What is known of every account: from the instance, and from its last row where it is not there any more."""
    last = np.flatnonzero(np.append(keys.is_first[1:], True))
    columns = {n: keys.cells(n)[last] for n in ("segment", "arr_start", "industry", "language", "complexity")}
    terms = keys.cells("term_months")[last]
    facts = []
    for k, name in enumerate(keys.ids):
        gone = Account(name, str(columns["segment"][k]), float(columns["arr_start"][k]), csm=None)
        stated = {n: columns[n][k] for n in ("industry", "language", "complexity") if columns[n][k] is not None}
        if terms[k] is not None:
            stated["term_months"] = int(terms[k])
        facts.append(replace(today.get(name, gone), **stated))
    return tuple(facts)


def _csm_facts(keys: _Keys, today: dict[str, Csm]) -> tuple[Csm, ...]:
    """The same of every CSM."""
    last = np.flatnonzero(np.append(keys.is_first[1:], True))
    cells = {n: keys.cells(n)[last] for n in ("segment", "base", "level", "languages", "industries")}
    facts = []
    for k, name in enumerate(keys.ids):
        gone = Csm(name, str(cells["segment"][k]), float(cells["base"][k]))
        stated = {n: cells[n][k] for n in ("level", "languages", "industries") if cells[n][k]}
        facts.append(replace(today.get(name, gone), **stated))
    return tuple(facts)
