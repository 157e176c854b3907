"""Model files as they stand on disk: TOML in, plain values and described numbers out.

A number is a bare figure or an inline table ``{ value, sd, interval, level, unit, source, origin, remark }``. What a
number does not say itself it inherits from the tables around it, and in the end from the head of the file. `catalog`
turns the plain values into the nouns of the program.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from optcomp.errors import Finding, InputError

Key = tuple[str, ...]

#: Largest model file, bytes. The largest shipped one has 12 kB; a million bytes is a file of another kind.
MAX_BYTES = 1_000_000
#: Largest figure: above any yearly budget in any currency, and far from where sums of floats lose cents.
MAX_FIGURE = 1e15
#: Half-width of a 90 % interval of a normal distribution, in standard deviations.
NORMAL_90 = 1.6448536269514722

_NUMBER_KEYS = ("value", "sd", "interval", "level", "unit", "source", "origin", "remark")
_INHERITED = ("unit", "source", "origin", "remark")
_HEAD_KEYS = (
    "schema",
    "kind",
    "name",
    "title",
    "source",
    "origin",
    "remark",
    "purpose",
    "risks",
    "requirements",
    "extends",
)
_ORIGINS = ("prior", "fitted", "assumed")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a model file.

    key : dotted place in the file, e.g. ``outcome.renew.retain``
    interval : `level` interval (90 % unless said), from `sd` where the file gives no other; None where neither is given
    origin : prior, fitted or assumed
    """

    key: str
    value: float
    unit: str
    interval: tuple[float, float] | None
    source: str
    origin: str
    sd: float | None = None
    level: float = 0.90
    remark: str = ""


@dataclass(slots=True)
class ModelFile:
    """One model file, read: its head, its values without their descriptions, its numbers, and what is wrong with it.

    about : unit, source, origin and remark of each table that states them
    flagged : keys at which something is wrong already, so that a schema need not say it again
    """

    path: Path
    label: str
    head: dict[str, object]
    values: dict[str, object]
    numbers: dict[Key, Number] = field(default_factory=dict)
    lines: dict[Key, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    flagged: set[Key] = field(default_factory=set)
    about: dict[Key, dict[str, str]] = field(default_factory=dict)

    def line(self, key: Key) -> int | None:
        """Line of a key, or of the nearest table around it."""
        while key:
            if key in self.lines:
                return self.lines[key]
            key = key[:-1]
        return None

    def flag(self, key: Key, found: str, allowed: str, hint: str = "") -> None:
        """Record one thing wrong at a key."""
        self.flagged.add(key)
        place = {"file": self.label, "row": self.line(key), "column": ".".join(key)}
        self.findings.append(Finding("model-file", found, allowed, hint, **place))  # type: ignore[arg-type]


def did_you_mean(word: str, known: Iterator[str] | list[str] | tuple[str, ...]) -> str:
    """A hint that names the nearest known words, or all of them where they are few."""
    words = sorted(set(known))
    near = get_close_matches(word, words, n=3, cutoff=0.6)
    if near:
        return "Perhaps " + " or ".join(repr(n) for n in near) + " is meant"
    return "Known: " + ", ".join(words) if 0 < len(words) <= 12 else ""


def read_model_file(path: Path, label: str) -> ModelFile:
    """The model file at `path`; `label` is how messages call it.

    Raises
    ------
    InputError
        When the file is not readable TOML. Everything else that is wrong is collected in `findings`.
    """
    text = _text(path, label)
    try:
        raw = tomllib.loads(text)
        file = ModelFile(path, label, {}, {}, lines=_line_index(text))
        file.head = {k: v for k, v in raw.items() if k in _HEAD_KEYS}
        body = {k: v for k, v in raw.items() if k not in _HEAD_KEYS}
        inherited: dict[str, str] = {k: str(raw[k]) for k in ("source", "origin") if k in raw}
        file.values = {k: _plain(file, v, (k,), inherited) for k, v in body.items()}
    except RecursionError:
        raise _unreadable(
            label, None, "the tables are nested too deeply", "A model file has at most four levels"
        ) from None
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"\(at line (\d+)", str(error))
        raise _unreadable(label, int(at.group(1)) if at else None, f"not valid TOML: {error}", "TOML 1.0") from None
    except ValueError as error:  # int() refuses thousands of digits.
        raise _unreadable(label, None, f"a figure cannot be read: {error}", "Figures of at most 15 digits") from None
    _check_head(file)
    return file


def _text(path: Path, label: str) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(label, None, f"cannot be read: {error.strerror}", "A readable file") from None
    if len(data) > MAX_BYTES:
        raise _unreadable(label, None, f"the file has {len(data):,} bytes", f"At most {MAX_BYTES:,} bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise _unreadable(label, row, f"byte {error.start} is not UTF-8", "UTF-8", "Save the file as UTF-8") from None


def _unreadable(label: str, row: int | None, found: str, allowed: str, hint: str = "") -> InputError:
    return InputError(Finding("model-file", found, allowed, hint, file=label, row=row))


def _plain(file: ModelFile, node: object, key: Key, inherited: Mapping[str, str]) -> object:
    """The node with every number as a float, or None where it is wrong; its numbers are recorded on the way."""
    if isinstance(node, bool):
        return node
    if isinstance(node, int | float):
        return _number(file, {"value": node}, key, inherited)
    if isinstance(node, list):
        return [_plain(file, item, (*key, str(i)), inherited) for i, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    if "value" in node and not isinstance(node["value"], dict):
        return _number(file, node, key, inherited)
    own = _descriptions(file, node, key)
    inner = {**inherited, **own}
    return {k: _plain(file, v, (*key, k), inner) for k, v in node.items() if k not in own}


def _descriptions(file: ModelFile, node: Mapping[str, object], key: Key) -> dict[str, str]:
    own = {k: v for k in _INHERITED if isinstance(v := node.get(k), str)}
    if own.get("origin", "prior") not in _ORIGINS:
        file.flag((*key, "origin"), f"origin is {own['origin']!r}", f"One of {', '.join(_ORIGINS)}")
    file.about[key] = own
    return own


def _number(file: ModelFile, node: Mapping[str, object], key: Key, inherited: Mapping[str, str]) -> float | None:
    for unknown in sorted(set(node) - set(_NUMBER_KEYS)):
        file.flag((*key, unknown), f"a number has no {unknown!r}", "", did_you_mean(unknown, _NUMBER_KEYS))
    about = {**inherited, **_descriptions(file, node, key)}
    value = _figure(file, node["value"], key)
    sd = _figure(file, node["sd"], (*key, "sd")) if "sd" in node else None
    level = _figure(file, node["level"], (*key, "level")) if "level" in node else 0.90
    if sd is not None and sd < 0:
        file.flag((*key, "sd"), f"sd is {sd:g}", "0 or more")
    if level is not None and not 0 < level < 1:
        file.flag((*key, "level"), f"level is {level:g}", "Above 0 and below 1, e.g. 0.90")
    interval = _interval(file, node.get("interval"), key, value, sd)
    if value is None:
        return None
    unit, source, origin, remark = (about.get(k, "") for k in _INHERITED)
    file.numbers[key] = Number(".".join(key), value, unit, interval, source, origin, sd, level or 0.90, remark)
    return value


def _figure(file: ModelFile, value: object, key: Key) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        file.flag(key, f"{value!r} is not a number", "A number, without quotes or a percent sign")
        return None
    if isinstance(value, float) and not math.isfinite(value):
        file.flag(key, f"{value} is not finite", "A finite number")
        return None
    if abs(value) > MAX_FIGURE:
        file.flag(key, "the number is out of range", f"At most {MAX_FIGURE:.0e} in size")
        return None
    return float(value)


def _interval(
    file: ModelFile, given: object, key: Key, value: float | None, sd: float | None
) -> tuple[float, float] | None:
    if given is None:
        return None if sd is None or value is None else (value - NORMAL_90 * sd, value + NORMAL_90 * sd)
    if not isinstance(given, list) or len(given) != 2:
        file.flag((*key, "interval"), f"interval is {given!r}", "Two numbers, low and high, e.g. [0.1, 0.4]")
        return None
    low, high = (_figure(file, end, (*key, "interval")) for end in given)
    if low is None or high is None or value is None:
        return None
    if not low <= value <= high:
        file.flag(
            (*key, "interval"),
            f"the value {value:g} is outside its interval [{low:g}, {high:g}]",
            "low <= value <= high",
        )
    return low, high


def _check_head(file: ModelFile) -> None:
    kind = file.head.get("kind")
    for name in ("schema", "kind", "name", "title", "source", "origin"):
        if not isinstance(file.head.get(name), str) or not file.head[name]:
            file.flag((name,), f"{name} is missing or not a text", f"Every model file states its {name}")
    if kind and file.head.get("schema") not in (None, f"optcomp/{kind}/1"):
        file.flag(
            ("schema",),
            f"schema is {file.head['schema']!r}",
            f"'optcomp/{kind}/1'",
            "Another version of optcomp may have written it",
        )
    if file.head.get("origin", "prior") not in _ORIGINS:
        file.flag(("origin",), f"origin is {file.head['origin']!r}", f"One of {', '.join(_ORIGINS)}")


def merged(parent: ModelFile, child: ModelFile) -> ModelFile:
    """`child` on top of `parent`: tables are merged deeply, numbers keep the unit that the parent gave them."""
    numbers = dict(parent.numbers)
    for key, number in child.numbers.items():
        inherited = parent.numbers[key].unit if key in parent.numbers else ""
        numbers[key] = replace(number, unit=number.unit or inherited)
    return ModelFile(
        child.path, child.label, {**parent.head, **child.head}, _deep_merge(parent.values, child.values), numbers,
        child.lines, [*parent.findings, *child.findings], child.flagged | parent.flagged,
        {**parent.about, **child.about},
    )  # fmt: skip


def _deep_merge(base: Mapping[str, object], over: Mapping[str, object]) -> dict[str, object]:
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = _deep_merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


_KEY_PART = r"""(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)"""
_TABLE_LINE = re.compile(rf"^\s*(\[\[?)\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*\]\]?\s*(?:#.*)?$")
_KEY_LINE = re.compile(rf"^\s*({_KEY_PART}(?:\s*\.\s*{_KEY_PART})*)\s*=")


def _line_index(text: str) -> dict[Key, int]:
    """Line of each table and of each key that starts a line; good enough to point a reader to the place."""
    index: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    prefix: Key = ()
    in_string = False
    for number, line in enumerate(text.splitlines(), start=1):
        was_in_string = in_string
        if (line.count('"""') + line.count("'''")) % 2:
            in_string = not in_string
        if was_in_string:
            continue
        if table := _TABLE_LINE.match(line):
            prefix = _parts(table.group(2))
            if table.group(1) == "[[":
                counts[prefix] = counts.get(prefix, -1) + 1
                prefix = (*prefix, str(counts[prefix]))
            index.setdefault(prefix, number)
        elif key := _KEY_LINE.match(line):
            index.setdefault((*prefix, *_parts(key.group(1))), number)
    return index


def _parts(dotted: str) -> Key:
    return tuple(part.strip("\"'") for part in re.findall(_KEY_PART, dotted))
