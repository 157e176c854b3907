"""An instance in: a folder or a workbook becomes an `Instance`, or one error that lists everything wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from optcomp.checks import CheckedTable, capped, check_table
from optcomp.config import Settings
from optcomp.config import Tables as TableSettings
from optcomp.config_checks import check_config
from optcomp.crosschecks import Tables, check_together, with_long_ids
from optcomp.errors import Finding, InputError
from optcomp.instance import Account, Csm, Instance, Pair
from optcomp.sources import Source, open_source, reading
from optcomp.tables import ACCOUNTS, CSMS, PAIRS, Table
from optcomp.toml_text import Document, override

Row = TypeVar("Row", Account, Csm, Pair)


def read_instance(path: Path, *, overrides: Sequence[str] = ()) -> tuple[Instance, tuple[Finding, ...]]:
    """The instance in a folder or an .xlsx workbook, and the warnings about it.

    Rows are sorted by id, so the order of rows in a file does not matter.

    overrides : settings laid over instance.toml, such as ``rules.moves.max=40``

    Raises
    ------
    InputError
        With every error that was found in any of the files.
    OutputError
        When a file cannot be opened.
    """
    with reading(path):
        return _read(open_source(path), overrides)


def _read(source: Source, overrides: Sequence[str]) -> tuple[Instance, tuple[Finding, ...]]:
    document = override(source.document(), overrides)
    settings, findings = check_config(document)
    desk = _Desk(source, *_how_to_read(settings, document))
    tables = Tables(*(desk.table(table) for table in (ACCOUNTS, CSMS, PAIRS)))
    findings += desk.findings
    tables, matched = with_long_ids(tables)
    findings += [*matched, *_together(tables, settings, document)]
    kept = capped(findings)
    errors = [finding for finding in kept if finding.severity == "error"]
    if errors or settings is None or tables.accounts is None or tables.csms is None:
        raise InputError(errors)
    return _instance(settings, tables.accounts, tables.csms, tables.pairs), kept


def input_files(path: Path, *, overrides: Sequence[str] = ()) -> list[Path]:
    """Every file that `read_instance` reads from here, in the order of their names; for hashing."""
    with reading(path):
        source = open_source(path)
        tables, _ = _how_to_read(None, override(source.document(), overrides))
        return sorted(source.files(tables.files))


def _how_to_read(settings: Settings | None, document: Document) -> tuple[TableSettings, dict[str, dict[str, str]]]:
    """How tables are written, also when another part of the settings has errors."""
    if settings is not None:
        return settings.tables, settings.columns
    columns = document.data.get("columns")
    declared = {
        name: {c: h for c, h in headers.items() if isinstance(h, str)}
        for name, headers in (columns if isinstance(columns, dict) else {}).items()
        if isinstance(headers, dict)
    }
    try:
        return TableSettings.model_validate(document.data.get("tables", {})), declared
    except ValidationError:
        # check_config has reported what is wrong with it.
        return TableSettings(), declared


class _Desk:
    """Reads table after table and keeps what is found."""

    def __init__(self, source: Source, settings: TableSettings, columns: dict[str, dict[str, str]]) -> None:
        self.source, self.settings, self.columns = source, settings, columns
        self.findings: list[Finding] = []
        self.collect(lambda: self.findings.extend(source.warnings(settings.files)))

    def collect(self, step: Callable[[], object]) -> None:
        """Takes the step; its errors join the findings."""
        try:
            step()
        except InputError as error:
            self.findings += [f for f in error.findings if f not in self.findings]

    def table(self, table: Table) -> CheckedTable | None:
        """The table with its cells checked; None when it is not there or cannot be cut into cells."""
        results: list[CheckedTable] = []
        self.collect(lambda: results.extend(self._checked(table)))
        return results[0] if results else None

    def _checked(self, table: Table) -> list[CheckedTable]:
        raw = self.source.table(table, self.settings.files, self.settings.dialect)
        if raw is None:
            return []
        declared = {c: h for c, h in self.columns.get(table.name, {}).items() if c in table.by_name}
        checked = check_table(table, raw, dialect=self.settings.dialect, declared=declared)
        self.findings += checked.findings
        return [checked]


def _together(tables: Tables, settings: Settings | None, document: Document) -> list[Finding]:
    if settings is not None:
        segments, as_of, currency = list(settings.segments), settings.as_of, settings.currency
        return list(check_together(tables, segments=segments, as_of=as_of, currency=currency))
    declared = document.data.get("segments")
    names = list(declared) if isinstance(declared, dict) else []
    return list(check_together(tables, segments=names, as_of=None, currency=""))


def _instance(settings: Settings, accounts: CheckedTable, csms: CheckedTable, pairs: CheckedTable | None) -> Instance:
    return Instance(
        name=settings.name,
        as_of=settings.as_of,
        plan_year_start=settings.plan_year_start,
        pay_budget=settings.budget.pay,
        segments=tuple(segment.segment(name) for name, segment in settings.segments.items()),
        accounts=tuple(sorted(_records(Account, accounts), key=lambda a: a.account_id)),
        csms=tuple(sorted(_records(Csm, csms), key=lambda c: c.csm_id)),
        pairs=tuple(sorted(_records(Pair, pairs), key=lambda p: (p.account_id, p.csm_id))) if pairs else (),
        menu=settings.menu.spec(),
        models=settings.model_names,
        rule_overrides=settings.rule_overrides,
        target_nrr=settings.goal.nrr,
        currency=settings.currency,
        priority=settings.priority,
    )


def _records(record: Callable[..., Row], checked: CheckedTable) -> list[Row]:
    """A dataclass for each row; empty cells get the field's default."""
    columns: list[list[Any]] = []
    for field in fields(checked.table.record):
        default = checked.table.default(field.name)
        columns.append([default if value is None else value for value in checked.values[field.name]])
    # In the order of the fields, which is the order of the constructor's arguments.
    return [record(*cells) for cells in zip(*columns, strict=True)]
