"""Model files in words: head and numbers, for `optcomp models` and the reference page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from optcomp.catalog import KINDS, find_model, load_rules, model_names, numbers
from optcomp.model_files import Number, read_model_file
from optcomp.rules import SPECS


@dataclass(frozen=True, slots=True)
class ModelText:
    """One model file: where it comes from, what it is for, every number in it, the states of a rule pack."""

    kind: str
    name: str
    title: str
    source: str
    origin: str
    purpose: str
    remark: str
    extends: str
    risks: tuple[str, ...]
    requirements: tuple[str, ...]
    numbers: tuple[Number, ...]
    states: tuple[tuple[str, str], ...] = ()


def describe(kind: str, name: str) -> ModelText:
    """The shipped model of that name.

    Raises
    ------
    InputError
        When there is none, with the nearest names.
    """
    path = find_model(kind, name, None)
    file = read_model_file(path, f"models/{kind}/{path.name}")
    head = file.head

    def text(key: str) -> str:
        return str(head.get(key, ""))

    def texts(key: str) -> tuple[str, ...]:
        value = head.get(key, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else (str(value),)

    return ModelText(
        kind=kind,
        name=text("name"),
        title=text("title"),
        source=text("source"),
        origin=text("origin"),
        purpose=text("purpose"),
        remark=text("remark"),
        extends=text("extends"),
        risks=texts("risks"),
        requirements=texts("requirements"),
        numbers=tuple(replace(n, key=_readable(n.key, file.values)) for n in numbers(path)),
        states=_states(name) if kind == "rules" else (),
    )


def _states(pack: str) -> tuple[tuple[str, str], ...]:
    """Which rules a pack makes hard, soft, or leaves off."""
    rules = load_rules(pack, None)
    return tuple((s, ", ".join(r for r in SPECS if rules[r].state == s)) for s in ("hard", "soft", "off"))


def _readable(key: str, values: object) -> str:
    """The key with rows of a list named by their metric or name: ``components.GRR.weight``, else counted from 1."""
    parts = []
    for part in key.split("."):
        if isinstance(values, list):
            values = values[int(part)]
            own = values if isinstance(values, dict) else {}
            part = str(own.get("metric", own.get("name", int(part) + 1)))
        else:
            values = values.get(part) if isinstance(values, dict) else None
        parts.append(part)
    return ".".join(parts)


def by_place(numbers: tuple[Number, ...]) -> list[tuple[str, list[Number]]]:
    """Numbers that stand together and share origin and source: a heading, and the numbers."""
    groups: list[tuple[str, list[Number]]] = []
    for number in numbers:
        place = number.key.rpartition(".")[0]
        heading = f"{place} ({number.origin}; {number.source})" if place else f"({number.origin}; {number.source})"
        if not groups or groups[-1][0] != heading:
            groups.append((heading, []))
        groups[-1][1].append(number)
    return groups


def describe_all(kind: str = "") -> Iterator[ModelText]:
    """Every shipped model, or those of a kind, by kind and name."""
    for each in [kind] if kind else KINDS:
        yield from (describe(each, name) for name in model_names(each))


def figure(value: float) -> str:
    """A figure with no more digits than it has: ``0.88``, ``95,000``."""
    return f"{value:,.0f}" if abs(value) >= 1000 and value == int(value) else f"{value:.6g}"


def interval(number: Number) -> str:
    """The interval in words, with its level where it is not 90 %; empty where none is known."""
    if number.interval is None:
        return ""
    # Ends that come from a standard deviation have more digits than anybody knows.
    low, high = (figure(float(f"{end:.3g}")) for end in number.interval)
    level = "" if number.level == 0.90 else f" ({100 * number.level:g} %)"
    return f"{low} to {high}{level}"
