"""An invented company as an instance folder: settings, accounts, CSMs, and its history where it has one."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from optcomp.cells import cell_text, neutralise, printable, trimmed
from optcomp.errors import OutputError
from optcomp.instance import Account, Csm, Instance, Segment
from optcomp.learn.history import History
from optcomp.types import AnyArray, FloatArray
from optcomp.world.diary_rows import plan_rows

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
# Digits behind the point: cents for money, enough of a ratio that a reader rounds it and not we.
_DIGITS = {"csat": 2, "load": 4, "tenure_years": 2, "activities": 3, "activities_traced": 3}


def write_folder(path: Path, instance: Instance, history: History | None = None) -> list[Path]:
    """Write the files into a folder that is new or empty, readable by its owner only, and list them.

    Raises
    ------
    OutputError
        When there is something already, or the system refuses.
    """
    if path.is_symlink() or (path.exists() and (not path.is_dir() or any(path.iterdir()))):
        raise OutputError(f"{printable(str(path))} is not a new or empty folder. Name another one.")
    files = {"instance.toml": instance_text(instance), **_instance_tables(instance)}
    if history is not None:
        files |= history_tables(history)
    try:
        for folder in (path, *([path / "history"] if history is not None else [])):
            folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
            folder.chmod(PRIVATE_FOLDER)
        return [_written(path / name, text) for name, text in files.items()]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{printable(str(path))} could not be written: {reason}.") from error


def _written(path: Path, text: str) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
    return path


# ---- settings -----------------------------------------------------------------------------------------------------


def instance_text(instance: Instance) -> str:
    """`instance.toml` of an instance without rule overrides."""
    menu, models = instance.menu, instance.models
    lines = [
        "# Invented by `optcomp generate`; no figure here describes a real company.",
        'schema = "optcomp/instance/1"',
        f"name = {_quoted(instance.name)}",
        f"as_of = {instance.as_of}",
        f"plan_year_start = {instance.plan_year_start}",
        f"currency = {_quoted(instance.currency)}",
        "\n[budget]",
        "# Base plus expected variable pay in the plan year.",
        f"pay = {instance.pay_budget:.0f}",
        "\n[models]",
        *(f"{f.name} = {_quoted(getattr(models, f.name))}" for f in fields(models)),
        "\n[menu]",
        "# Today's plan is always on the menu as well.",
        f"base_factors = {list(menu.base_factors)}",
        f"variable_shares = {list(menu.variable_shares)}",
        f"mixes = {json.dumps(menu.mixes)}",
        *(line for segment in instance.segments for line in _segment_lines(segment)),
    ]
    return "\n".join(lines) + "\n"


def _segment_lines(segment: Segment) -> Iterator[str]:
    yield f"\n[segments.{_quoted(segment.name)}]"
    yield f"title = {_quoted(segment.title)}"
    yield f"tier = {_quoted(segment.tier)}"
    yield f"ready_metrics = {json.dumps(segment.ready_metrics)}"
    if segment.max_accounts is not None:
        yield f"max_accounts = {segment.max_accounts}"
    yield f"[segments.{_quoted(segment.name)}.today]"
    yield f"mix = {_quoted(segment.today.mix)}"
    if segment.today.variable_share is not None:
        yield f"variable_share = {segment.today.variable_share}"


def _quoted(text: str) -> str:
    """A TOML basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False)


# ---- tables -------------------------------------------------------------------------------------------------------


def _instance_tables(instance: Instance) -> dict[str, str]:
    return {
        "accounts.csv": _records(Account, instance.accounts),
        "csms.csv": _records(Csm, instance.csms),
    }


def _records(record: type[Account | Csm], rows: Iterable[Account | Csm]) -> str:
    names = [f.name for f in fields(record)]
    return _table(names, ([_text(getattr(row, name)) for name in names] for row in rows))


def _text(value: object) -> str:
    text = cell_text(value, trimmed)
    return neutralise(text) if isinstance(value, str | tuple) else text


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue()


def history_tables(history: History) -> dict[str, str]:
    """The three tables of a history, by file."""
    return {
        "history/account_quarters.csv": _columns(_account_columns(history)),
        "history/csm_quarters.csv": _columns(_csm_columns(history)),
        "history/plans.csv": _table(
            ("segment", "quarter", "csm_id", "mix", "variable_share", "base_factor"), plan_rows(history)
        ),
    }


def _columns(columns: Mapping[str, Sequence[str]]) -> str:
    return _table(tuple(columns), zip(*columns.values(), strict=True))


def _account_columns(history: History) -> dict[str, Sequence[str]]:
    rows, facts = history.account_quarters, history.accounts
    return {
        "account_id": _named(history.account_ids, rows.account),
        "quarter": _named([str(q) for q in history.quarters], rows.quarter),
        "csm_id": _named((*history.csm_ids, ""), rows.csm),
        "segment": _named(history.segments, rows.segment),
        "arr_start": _numbers(rows.arr_start, 2),
        "due": _flags(rows.due),
        "renewed": ["" if not due else "yes" if r else "no" for due, r in zip(rows.due, rows.renewed, strict=True)],
        "contraction": _numbers(rows.contraction, 2),
        "expansion": _numbers(rows.expansion, 2),
        "health": _numbers(rows.health_start, 0),
        "csat": _numbers(rows.csat, 2),
        "late": _numbers(rows.late, 2),
        "industry": _named([a.industry for a in facts], rows.account),
        "language": _named([a.language for a in facts], rows.account),
        "complexity": _named([f"{a.complexity:g}" for a in facts], rows.account),
        "term_months": _named([str(a.term_months) for a in facts], rows.account),
    }


def _csm_columns(history: History) -> dict[str, Sequence[str]]:
    rows, facts = history.csm_quarters, history.csms
    plain = ("base", "variable", "market_ote", "load", "tenure_years", "activities", "activities_traced")
    return {
        "csm_id": _named(history.csm_ids, rows.csm),
        "quarter": _named([str(q) for q in history.quarters], rows.quarter),
        "segment": _named(history.segments, rows.segment),
        "left": _flags(rows.left),
        **{name: _numbers(getattr(rows, name), _DIGITS.get(name, 2)) for name in plain},
        **{f"attainment_{m}": _numbers(values, 4) for m, values in rows.attainment.items()},
        **{f"payout_{m}": _numbers(values, 2) for m, values in rows.payout.items()},
        "level": _named([c.level for c in facts], rows.csm),
        "languages": _named([";".join(c.languages) for c in facts], rows.csm),
        "industries": _named([";".join(c.industries) for c in facts], rows.csm),
    }


def _named(words: Sequence[str], index: AnyArray) -> list[str]:
    return np.array(words, dtype=object)[index].tolist()  # type: ignore[no-any-return]


def _numbers(values: FloatArray, digits: int) -> list[str]:
    return ["" if value != value else trimmed(value, digits) if digits else f"{value:.0f}" for value in values.tolist()]


def _flags(values: AnyArray) -> list[str]:
    return ["yes" if value else "no" for value in values.tolist()]
