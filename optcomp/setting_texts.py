"""The keys of instance.toml in words: what each is, what is allowed, its default; for the template and the reference.

Shapes, ranges and defaults come from `config`; only the sentences are here, and a test holds the two lists together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optcomp.config import READY_METRICS, Settings
from optcomp.rules import SPECS

#: What a key is. `<segment>` stands for the name of a segment, `<rule>` for the id of a rule.
TEXTS: Mapping[str, str] = {
    "schema": "Version of this format; leave it.",
    "name": "Name of this planning problem.",
    "as_of": "Day on which the tables were true.",
    "plan_year_start": "First day of the year that is planned.",
    "currency": "The one currency of every amount.",
    "priority": "What the plan is for, in a few words.",
    "budget.pay": "Base plus expected variable pay of the plan year, at most.",
    "goal.nrr": "Goal for net revenue retention as a ratio (1.15 is 115 %); reported, not imposed.",
    "models.response": "How customers react: a response model; see `optcomp models list response`.",
    "models.service": "Hours of service an account needs where the accounts do not say: a service model.",
    "models.rules": "The rule pack; single rules are changed under [rules]; see `optcomp models list rules`.",
    "models.benchmarks": "Market pay by level; see `optcomp models list benchmarks`.",
    "tables.encoding": "Encoding of CSV files.",
    "tables.delimiter": "What separates cells; empty finds out.",
    "tables.decimal": "Decimal sign in numbers.",
    "tables.thousands": "Sign that groups digits; empty means that numbers are not grouped.",
    "tables.date_format": "How dates are written, made of DD, MM and YYYY.",
    "tables.accounts": "File of the accounts, if not accounts.csv or accounts.parquet.",
    "tables.csms": "File of the CSMs, if not csms.csv or csms.parquet.",
    "tables.pairs": "File of the pairs, if not pairs.csv or pairs.parquet.",
    "columns.<table>.<column>": "Header in your file of a column of ours.",
    "menu.base_factors": "Base pay of a plan as a multiple of everybody's own base.",
    "menu.variable_shares": "Variable at target as a share of OTE, which is base and variable together.",
    "menu.mixes": "What plans pay for; see `optcomp models list compensation`. Today's plan is always on the menu too.",
    "menu.grid.metrics": "Metrics whose weights are varied.",
    "menu.grid.step": "Step of the weights; 1 must be a whole number of steps.",
    "menu.grid.max_components": "Most metrics of one mix.",
    "menu.grid.min_weight": "Least weight of a metric that is paid.",
    "menu.grid.max_weight": "Largest weight of a metric.",
    "menu.grid.gates": "Shares of the variable at risk through the CSAT gate; 0 is no gate.",
    "menu.grid.scopes": "Whose results are paid.",
    "menu.grid.period": "How often results are paid.",
    "segments.<segment>.today.mix": "The plan in force: a compensation model.",
    "segments.<segment>.today.variable_share": "Its variable as a share of OTE; from the CSMs' pay if left out.",
    "segments.<segment>.tier": "Tier of the service model.",
    "segments.<segment>.title": "Name that people read.",
    "segments.<segment>.menu": "A menu of its own, with the keys of [menu]; else the common one.",
    "segments.<segment>.owns_renewals": "The team closes renewals itself.",
    "segments.<segment>.owns_expansion": "The team closes expansion itself.",
    "segments.<segment>.ready_metrics": "Metrics that the team is trained for and can measure.",
    "segments.<segment>.min_accounts": "Fewest accounts of one CSM.",
    "segments.<segment>.max_accounts": "Most accounts of one CSM.",
    "segments.<segment>.min_arr": "Least ARR of one CSM.",
    "segments.<segment>.max_arr": "Most ARR of one CSM.",
    "rules.<rule>.state": "hard (must hold), soft (may be bent at a price) or off.",
    "rules.<rule>.price": "Price of bending a soft rule, in money a year per unit of the rule.",
    "rules.<rule>.<number>": "A number of the rule; see the reference of rules.",
    "rebalance.lock_renewal_days": "Accounts with a renewal due within so many days of as_of stay; 0: none (U15, U16).",
    "rebalance.lock_health_below": "Accounts with a lower health stay; 0: none (U15; the figure is assumed).",
    "rebalance.lock_moved_days": "Accounts that changed CSM within so many days before as_of stay; 0: none (U15).",
    "rebalance.lock_arr_above": "Strategic accounts, those with more ARR, stay; 0: none (U15).",
    "rebalance.waves": "Number of waves in which accounts change hands, green ones first (U16, U40).",
    "rebalance.wave_days": "Days from one wave to the next (assumed).",
    "rebalance.notice_days": "Days from as_of to the first wave (assumed).",
    "rebalance.quiet_days": "First days of the plan year on which nobody is handed over (U40; the figure is assumed).",
    "rebalance.green_from": "Health from which an account is green; red is below lock_health_below (assumed).",
    "rebalance.deal_days": "Days for which a former owner keeps an open deal (U31).",
}  # fmt: skip

# Tables whose keys the user chooses: what the reference puts in their place.
_CHOSEN = {
    "columns": ("columns.<table>.<column>",),
    "rules": ("rules.<rule>.state", "rules.<rule>.price", "rules.<rule>.<number>"),
}
# How the schema calls a limit, and how we do.
_LIMITS = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}


@dataclass(frozen=True, slots=True)
class SettingText:
    """One key in words."""

    key: str
    text: str
    kind: str
    allowed: str
    default: str


def text_of(key: str) -> str:
    """What a key is, for a key as it stands in a file."""
    parts = key.split(".")
    if parts[0] == "segments":
        parts[1] = "<segment>"
    if parts[0] == "rules":
        number = SPECS[parts[1]].parameters.get(parts[2])
        if number is not None:
            return f"{number.meaning[0].upper()}{number.meaning[1:]}, in {number.unit}."
        parts[1] = "<rule>"
    return TEXTS[".".join(parts)]


def setting_texts() -> tuple[SettingText, ...]:
    """Every key, in the order of the settings."""
    schema = Settings.model_json_schema()
    return tuple(_rows(schema, schema, ""))


def _rows(part: Mapping[str, Any], schema: Mapping[str, Any], above: str) -> Iterator[SettingText]:
    for name, stated in part["properties"].items():
        prop, key = _resolved(stated, schema), f"{above}{name}"
        inner = _resolved(prop.get("additionalProperties") or {}, schema)
        if key in _CHOSEN:
            yield from (SettingText(k, TEXTS[k], "", "", "") for k in _CHOSEN[key])
        elif "properties" in prop and key != "segments.<segment>.menu":
            yield from _rows(prop, schema, f"{key}.")
        elif "properties" in inner:
            yield from _rows(inner, schema, f"{key}.<{name.removesuffix('s')}>.")
        else:
            is_required = name in part.get("required", []) and "default" not in prop
            default = "required" if is_required else _default(key, prop.get("default"))
            yield SettingText(key, TEXTS[key], _kind(prop), _allowed(prop), default)


def _resolved(prop: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The property with its reference followed and "or nothing" taken away."""
    if not isinstance(prop, dict):
        return {}
    options = [option for option in prop.get("anyOf", []) if option.get("type") != "null"]
    merged = {**prop, **(options[0] if options else {})}
    if "$ref" in merged:
        merged |= schema["$defs"][merged["$ref"].rpartition("/")[2]]
    return merged


def _kind(prop: Mapping[str, Any]) -> str:
    if prop.get("format") == "date":
        return "date"
    if prop.get("type") == "array":
        return f"list of {_kind(prop['items'])}s"
    names = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    return names.get(prop.get("type", ""), "table")


def _allowed(prop: Mapping[str, Any]) -> str:
    if "const" in prop:
        return json.dumps(prop["const"])
    if "enum" in prop:
        return ", ".join(json.dumps(value) for value in prop["enum"])
    if prop.get("type") == "array":
        return _allowed(prop["items"])
    if prop.get("pattern") == "^[A-Z]{3}$":
        return "three capital letters"
    return ", ".join(f"{word} {_figure(prop[limit])}" for limit, word in _LIMITS.items() if limit in prop)


def _figure(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}".replace("e+", "e")


def _default(key: str, value: object) -> str:
    if value is None and key.endswith("ready_metrics"):
        return json.dumps(list(READY_METRICS))
    return "none" if value is None else json.dumps(value)
