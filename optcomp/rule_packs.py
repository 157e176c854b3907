"""Rule packs: what a pack sets, on top of the catalogue of rules, and what an instance overrides on top of the pack.

A pack file has ``[rules.<rule_id>]`` tables (state, price and the rule's own numbers), a list `off` of rules that its
source does not state, ``[[says]]`` rows (what the source says about weights, word for word in numbers) and ``[facts]``
(numbers of the source that are no rule). The last two are read by `contradictions` and by the docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from optcomp.model_files import Key, ModelFile, did_you_mean
from optcomp.plan import METRICS
from optcomp.rules import SPECS, Rule, Rules, default_rule

Overrides = Iterable[tuple[str, Iterable[tuple[str, object]]]]

_TABLES = ("rules", "off", "says", "facts")
_SAYS_LIMITS = ("at_least", "at_most", "max_components")
_SAYS_KEYS = ("what", "metrics", *_SAYS_LIMITS)


class Flag(Protocol):
    """Records one thing wrong at a key: what was found, what is allowed, a hint."""

    def __call__(self, key: Key, found: str, allowed: str, hint: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Saying:
    """What a text says about the weights of a plan: those of `metrics` together are `at_least` and `at_most` these.

    `max_components` limits the number of paid metrics instead. Weights are shares of the variable, 0 to 1.
    """

    pack: str
    what: str
    source: str
    metrics: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None
    max_components: float | None = None


def pack_rules(file: ModelFile) -> Rules:
    """The catalogue's rules as the pack sets them; problems are flagged on the file."""
    for unknown in sorted(set(file.values) - set(_TABLES)):
        file.flag((unknown,), f"a rule pack has no {unknown!r}", "", did_you_mean(unknown, _TABLES))
    by_id = {rule_id: default_rule(rule_id) for rule_id in SPECS}
    off = file.values.get("off", [])
    for rule_id in off if isinstance(off, list) else [off]:
        set_rule(by_id, str(rule_id), {"state": "off"}, ("off",), file.flag)
    tables = file.values.get("rules", {})
    if not isinstance(tables, dict):
        file.flag(("rules",), "rules is not a table", "Tables [rules.<rule id>]")
        tables = {}
    for rule_id, settings in tables.items():
        key = ("rules", rule_id)
        set_rule(by_id, rule_id, settings, key, file.flag, file.flagged)
        about = file.about.get(key, {})
        if rule_id in by_id:
            if not about.get("source"):
                file.flag(key, "the rule has no source", "Each rule says where it comes from: an id or a short reason")
            by_id[rule_id] = replace(by_id[rule_id], source=about.get("source", by_id[rule_id].source))
    return Rules(str(file.head.get("name", file.path.stem)), by_id)


def override(rules: Rules, overrides: Overrides, flag: Flag) -> Rules:
    """The rules with single numbers set anew by an instance."""
    by_id = dict(rules.by_id)
    for rule_id, pairs in overrides:
        before = by_id.get(rule_id)
        set_rule(by_id, rule_id, dict(pairs), ("rules", rule_id), flag)
        if before is not None and by_id[rule_id] != before:
            by_id[rule_id] = replace(by_id[rule_id], source=f"{before.source}; set by the instance")
    return Rules(rules.pack, by_id)


def set_rule(
    by_id: dict[str, Rule], rule_id: str, settings: object, key: Key, flag: Flag, known_wrong: Iterable[Key] = ()
) -> None:
    """Change one rule in `by_id` as `settings` say, or flag why not."""
    if rule_id not in by_id:
        flag(key, f"there is no rule {rule_id!r}", "A rule of the catalogue", did_you_mean(rule_id, list(SPECS)))
        return
    if not isinstance(settings, Mapping):
        flag(key, f"{rule_id} is {settings!r}", "A table: state, price, and the rule's own numbers")
        return
    rule = by_id[rule_id]
    numbers = dict(rule.numbers)
    for name, value in settings.items():
        at = key if key[-1] == "off" else (*key, name)
        if name == "state":
            rule = _with_state(rule, value, at, flag)
        elif name == "price" or name in rule.spec.parameters:
            if at in known_wrong:
                continue
            figure = _checked(rule, name, value, at, flag)
            if figure is not None and name == "price":
                rule = replace(rule, price=figure)
            elif figure is not None:
                numbers[name] = figure
        else:
            known = ["state", "price", *rule.spec.parameters]
            flag(at, f"the rule {rule_id} has no {name!r}", "", did_you_mean(name, known))
    for low, high in _ends(numbers):
        if numbers[low] > numbers[high]:
            flag((*key, low), f"{low} {numbers[low]:g} is above {high} {numbers[high]:g}", f"{low} <= {high}")
    by_id[rule_id] = replace(rule, numbers=numbers)


def _with_state(rule: Rule, value: object, key: Key, flag: Flag) -> Rule:
    if value in rule.spec.states:
        return replace(rule, state=value)
    allowed = " or ".join(repr(state) for state in rule.spec.states)
    flag(key, f"the state of {rule.rule_id} is {value!r}", allowed, did_you_mean(str(value), rule.spec.states))
    return rule


def _checked(rule: Rule, name: str, value: object, key: Key, flag: Flag) -> float | None:
    low, high, unit = 0.0, 1e12, f"USD per {rule.spec.unit}"
    if name != "price":
        parameter = rule.spec.parameters[name]
        low, high, unit = parameter.low, parameter.high, parameter.unit
    if isinstance(value, bool) or not isinstance(value, int | float):
        flag(key, f"{name} of {rule.rule_id} is {value!r}", f"A number, {unit}")
        return None
    if not low <= value <= high:  # False for nan as well.
        hint = "Shares are written 0.15, not 15" if unit.startswith("share") and 1 < value <= 100 else ""
        found = "is out of range" if abs(value) >= 1e300 else f"is {value:g}"
        flag(key, f"{name} of {rule.rule_id} {found}", f"{low:g} to {high:g}, {unit}", hint)
        return None
    return float(value)


def _ends(numbers: Mapping[str, float]) -> list[tuple[str, str]]:
    pairs = [(name, "max" + name[3:]) for name in numbers if name.startswith("min")]
    return [(low, high) for low, high in pairs if high in numbers]


def pack_sayings(file: ModelFile) -> tuple[Saying, ...]:
    """What the pack's source says about weights; problems are flagged on the file."""
    rows = file.values.get("says", [])
    if not isinstance(rows, list):
        file.flag(("says",), "says is not a list of tables", "Rows [[says]]")
        rows = []
    return tuple(_saying(file, row, ("says", str(i))) for i, row in enumerate(rows))


def _saying(file: ModelFile, row: object, key: Key) -> Saying:
    if not isinstance(row, dict):
        file.flag(key, f"{row!r} is not a table", "Rows [[says]]")
        row = {}
    for unknown in sorted(set(row) - set(_SAYS_KEYS)):
        file.flag((*key, unknown), f"a saying has no {unknown!r}", "", did_you_mean(unknown, _SAYS_KEYS))
    given = row.get("metrics", [])
    metrics = tuple(str(m) for m in given) if isinstance(given, list) else (str(given),)
    for metric in metrics:
        if metric not in METRICS:
            hint = did_you_mean(metric, list(METRICS))
            file.flag((*key, "metrics"), f"there is no metric {metric!r}", "A metric", hint)
    limits: dict[str, float | None] = dict.fromkeys(_SAYS_LIMITS)
    for name in (n for n in _SAYS_LIMITS if n in row):
        limits[name] = row[name] if isinstance(row[name], float) else None
        if limits[name] is None and (*key, name) not in file.flagged:
            file.flag((*key, name), f"{name} is {row[name]!r}", "A number")
    if not any(name in row for name in _SAYS_LIMITS):
        file.flag(key, "the saying limits nothing", "at_least, at_most or max_components")
    source = file.about.get(key, {}).get("source", str(file.head.get("source", "")))
    return Saying(str(file.head.get("name", "")), str(row.get("what", "")), source, metrics, **limits)
