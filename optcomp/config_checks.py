"""`instance.toml` judged: every key that is unknown, missing, of the wrong type or out of range, with its line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from optcomp.cells import shown
from optcomp.config import Menu, SegmentSettings, Settings
from optcomp.errors import Finding
from optcomp.headers import did_you_mean
from optcomp.rules import SPECS, RuleSpec
from optcomp.tables import TABLES
from optcomp.toml_text import Document

# How pydantic calls an error → our code.
_CODES = {
    "extra_forbidden": "unknown-key",
    "missing": "missing-key",
    "finite_number": "not-finite",
    "literal_error": "not-allowed",
    "value_error": "not-allowed",
    "string_pattern_mismatch": "not-allowed",
}
_RANGE_ERRORS = ("greater_than", "less_than", "too_short", "too_long")
# A price above this would drown everything else; the objective is counted in ARR.
_MAX_PRICE = 1e9
Path = tuple[str | int, ...]


def check_config(document: Document) -> tuple[Settings | None, list[Finding]]:
    """The settings, or None when their shape is wrong; and every finding."""
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        found = [*(_translated(document, detail) for detail in details), *_after_shape(document)]
        return None, sorted(found, key=lambda finding: finding.row or 0)
    findings = [*_check_rules(document, settings.rules), *_check_columns(document, settings.columns)]
    findings += [*_check_limits(document, settings), *_check_dates(document, settings)]
    return settings, findings


def _after_shape(document: Document) -> list[Finding]:
    """Rules are judged even when something else has the wrong shape, so that all is said at once."""
    rules = document.data.get("rules")
    if not isinstance(rules, dict):
        return []
    return list(_check_rules(document, {k: v for k, v in rules.items() if isinstance(v, dict)}))


def _translated(document: Document, detail: ErrorDetails) -> Finding:
    path: Path = tuple(part for part in detail["loc"] if part != "[key]")
    kind, value = detail["type"], detail["input"]
    code = _CODES.get(kind, "out-of-range" if kind.startswith(_RANGE_ERRORS) or "too_" in kind else "wrong-type")
    name = shown(str(path[-1])) if path else "instance.toml"
    if code == "unknown-key":
        known = _keys_at(path[:-1])
        hint = did_you_mean(str(path[-1]), known)
        return document.finding(path, code, found=f"The key {name} is not known", allowed=_one_of(known), hint=hint)
    if code == "missing-key":
        return document.finding(path, code, found=f"The key {name} is missing", allowed=_allowed(detail))
    hint = _hint(kind, value)
    if kind == "literal_error" and isinstance(value, str):
        hint = did_you_mean(value, detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", "))
    return document.finding(path, code, found=f"{_kind(value)} found", allowed=_allowed(detail), hint=hint)


def _one_of(names: Sequence[str]) -> str:
    return f"One of {', '.join(names)}" if names else ""


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "A table was"
    return "A list was" if isinstance(value, list) else f"{shown(value)} was"


def _allowed(detail: ErrorDetails) -> str:
    message = detail["msg"].removeprefix("Value error, ")
    if message == "Field required":
        return "It is required"
    message = re.sub("^(Input|String|List|Dictionary) should", "It must", message)
    return message.replace("a valid dictionary", "a table").replace("valid ", "")


def _hint(kind: str, value: object) -> str:
    if kind.startswith("date") and isinstance(value, str):
        return "Dates stand without quotes: 2027-01-01"
    if kind.startswith(("float", "int")) and isinstance(value, str):
        return "Numbers stand without quotes"
    if kind.startswith("less_than") and isinstance(value, int | float) and 1 < value <= 100:
        return f"If per cent is meant, write {value / 100:g}"
    return ""


def _keys_at(path: Path) -> list[str]:
    """The keys that may stand in a table of instance.toml."""
    model: type[BaseModel] = Settings
    for part in path:
        field = next((f for n, f in model.model_fields.items() if part in (n, f.alias)), None)
        inner = _model_in(field.annotation) if field else None
        model = inner or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, get_args(annotation)) if m), None)


def _check_rules(document: Document, rules: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for rule_id, numbers in rules.items():
        if rule_id not in SPECS:
            found, hint = f"The rule {shown(rule_id)} is not known", did_you_mean(rule_id, SPECS)
            yield document.finding(
                ("rules", rule_id), "unknown-rule", found=found, allowed=_one_of(list(SPECS)), hint=hint
            )
            continue
        for name, value in numbers.items():
            problem = _rule_problem(SPECS[rule_id], name, value)
            if problem:
                code, found, allowed, hint = problem
                yield document.finding(("rules", rule_id, name), code, found=found, allowed=allowed, hint=hint)
        yield from _crossed(document, ("rules", rule_id), numbers)


def _rule_problem(spec: RuleSpec, name: str, value: object) -> tuple[str, str, str, str] | None:
    if name == "state":
        states = ", ".join(spec.states)
        return None if value in spec.states else ("not-allowed", f"{_kind(value)} found", f"One of {states}", "")
    if name != "price" and name not in spec.parameters:
        names = ["state", "price", *spec.parameters]
        found = f"The rule {spec.rule_id} has no {shown(name)}"
        return "unknown-parameter", found, _one_of(names), did_you_mean(name, names)
    low, high = (0.0, _MAX_PRICE) if name == "price" else (spec.parameters[name].low, spec.parameters[name].high)
    unit = f"USD per {spec.unit}" if name == "price" else spec.parameters[name].unit
    allowed = f"A number from {low:g} to {high:g} ({unit})"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "wrong-type", f"{_kind(value)} found", allowed, ""
    if not math.isfinite(value):
        return "not-finite", f"{_kind(value)} found", allowed, ""
    if low <= value <= high:
        return None
    hint = f"If per cent is meant, write {value / 100:g}" if high == 1.0 and 1 < value <= 100 else ""
    return "out-of-range", f"{_kind(value)} found", allowed, hint


def _crossed(document: Document, path: Path, numbers: Mapping[str, Any]) -> Iterator[Finding]:
    """Each least that lies above its largest."""
    for low_name, low in numbers.items():
        high_name = low_name.replace("min", "max", 1)
        high = numbers.get(high_name)
        if not low_name.startswith("min") or not isinstance(low, int | float) or not isinstance(high, int | float):
            continue
        if low > high:
            found = f"{low_name} = {low:g} is above {high_name} = {high:g}"
            yield document.finding((*path, low_name), "min-above-max", found=found, allowed="Least at most largest")


def _check_columns(document: Document, columns: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    for name, headers in columns.items():
        table = next((t for t in TABLES.values() if t.name == name), None)
        if table is None:
            hint = did_you_mean(name, TABLES)
            found = f"There is no table {shown(name)}"
            yield document.finding(
                ("columns", name), "unknown-key", found=found, allowed=_one_of(list(TABLES)), hint=hint
            )
            continue
        for column in headers:
            if column not in table.by_name:
                found, known = f"{name} has no column {shown(column)}", list(table.by_name)
                hint = did_you_mean(column, known)
                path = ("columns", name, column)
                yield document.finding(path, "unknown-key", found=found, allowed=_one_of(known), hint=hint)


def _check_limits(document: Document, settings: Settings) -> Iterator[Finding]:
    if settings.tables.decimal == settings.tables.thousands:
        found = f"decimal and thousands are both {settings.tables.decimal!r}"
        yield document.finding(("tables", "thousands"), "not-allowed", found=found, allowed="Two characters")
    yield from _check_menu(document, ("menu",), settings.menu)
    for name, segment in settings.segments.items():
        path = ("segments", name)
        limits = SegmentSettings.model_dump(segment, include={"min_accounts", "max_accounts", "min_arr", "max_arr"})
        yield from _crossed(document, path, limits)
        if segment.menu:
            yield from _check_menu(document, (*path, "menu"), segment.menu)


def _check_menu(document: Document, path: Path, menu: Menu) -> Iterator[Finding]:
    grid = menu.grid
    if grid is None:
        return
    path = (*path, "grid")
    yield from _crossed(document, path, {"min_weight": grid.min_weight, "max_weight": grid.max_weight})
    # Weights sum to 1, so a step that does not divide 1 gives a grid without any mix.
    if abs(1.0 / grid.step - round(1.0 / grid.step)) > 1e-9:
        found = f"step = {grid.step:g} does not divide 1"
        yield document.finding((*path, "step"), "bad-step", found=found, allowed="1, 0.5, 0.25, 0.2, 0.1, 0.05, …")
    if len(set(grid.metrics)) < len(grid.metrics):
        yield document.finding(
            (*path, "metrics"), "repeated", found="A metric stands twice", allowed="Each metric once"
        )


def _check_dates(document: Document, settings: Settings) -> Iterator[Finding]:
    for key, day in (("as_of", settings.as_of), ("plan_year_start", settings.plan_year_start)):
        if not date(1990, 1, 1) <= day < date(2100, 1, 1):
            yield document.finding(
                (key,), "placeholder-date", found=f"{day} was found", allowed="A date from 1990 to 2099"
            )
    if settings.plan_year_start < settings.as_of:
        found = f"plan_year_start {settings.plan_year_start} lies before as_of {settings.as_of}"
        hint = "Take the facts as of a day before the plan year begins"
        finding = document.finding(("plan_year_start",), "plan-year-begun", found=found, hint=hint)
        yield replace(finding, severity="warning")
