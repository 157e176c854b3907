"""TOML text becomes a plain mapping that knows where each key stands; `--set` is laid over it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from optcomp.cells import shown
from optcomp.errors import Finding, InputError

# Ours needs five levels. Python's own limit lies near a thousand, and is met by text that somebody made to meet it.
MAX_DEPTH = 12
MAX_TEXT = 5_000_000

Path = tuple[str, ...]
_BARE_KEY = r"[A-Za-z0-9_-]+"
_KEY = rf"(?:{_BARE_KEY}|\"[^\"]*\"|'[^']*')"
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_PAIR = re.compile(rf"\s*({_DOTTED})\s*=")


@dataclass(frozen=True, slots=True)
class Document:
    """Settings as read: nested tables, and the file and line of each key, where known."""

    file: str
    data: dict[str, object]
    places: dict[Path, tuple[str, int | None]] = field(default_factory=dict)

    def finding(
        self, path: Sequence[str | int], code: str, *, found: str, allowed: str = "", hint: str = ""
    ) -> Finding:
        """An error at a key, placed at the nearest key whose line is known."""
        names = tuple(str(part) for part in path if not isinstance(part, int))
        known = next((names[:n] for n in range(len(names), 0, -1) if names[:n] in self.places), None)
        file, row = self.places[known] if known else (self.file, None)
        return Finding(code, found, allowed, hint, file=file, row=row, column=".".join(names))


def parse_toml(data: bytes, file: str) -> Document:
    """The document in the bytes of a TOML file.

    Raises
    ------
    InputError
        With line and column, when it is not TOML, not UTF-8, or nested deeper than `MAX_DEPTH`.
    """
    if len(data) > MAX_TEXT:
        raise InputError(Finding("file-too-large", f"{len(data):,} bytes", f"At most {MAX_TEXT:,} bytes", file=file))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        found = f"Byte {error.start} is 0x{data[error.start]:02X}, which is not UTF-8"
        raise InputError(Finding("encoding", found, "TOML is UTF-8", "Save it as UTF-8", file=file, row=row)) from None
    return Document(file, _loads(text, file), _places(text, file))


def _loads(text: str, file: str) -> dict[str, object]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(_syntax(str(error), file)) from None
    except RecursionError:
        raise InputError(_too_deep(file)) from None
    except ValueError as error:
        # An integer with more digits than Python converts.
        found = f"A number that cannot be read ({str(error)[:60]})"
        raise InputError(Finding("not-a-number", found, "Numbers of at most 40 digits", file=file)) from None
    if _depth(data) > MAX_DEPTH:
        raise InputError(_too_deep(file))
    return data


def _too_deep(file: str) -> Finding:
    return Finding("nested-too-deep", "Tables or lists nested too deep", f"At most {MAX_DEPTH} levels", file=file)


def _depth(data: object) -> int:
    """How deep the nesting goes, counted without recursion."""
    depth, level = 0, [data]
    while level and depth <= MAX_DEPTH:
        depth += 1
        parts = [list(d.values()) if isinstance(d, dict) else d for d in level if isinstance(d, dict | list)]
        level = [inner for part in parts for inner in part]
    return depth


def _syntax(message: str, file: str) -> Finding:
    place = re.search(r"\(at line (\d+), column (\d+)\)", message)
    found = re.sub(r"\s*\(at .*\)$", "", message)[:120]
    hint = "The key or table is declared twice" if re.search("overwrite|twice|immutable|Duplicate", found) else ""
    row, column = (int(place[1]), place[2]) if place else (None, "")
    return Finding("toml-syntax", found, "TOML 1.0", hint, file=file, row=row, column=column)


def _names(dotted: str) -> Path:
    return tuple(name.strip("\"'") for name in re.findall(_KEY, dotted))


def parse_path(dotted: str) -> Path:
    """The names in a dotted key; empty when it is none."""
    return _names(dotted) if re.fullmatch(rf"\s*{_DOTTED}\s*", dotted) else ()


def _places(text: str, file: str) -> dict[Path, tuple[str, int | None]]:
    """Line of every key that begins a line; keys of inline tables are found at the line of their table."""
    places: dict[Path, tuple[str, int | None]] = {}
    table: Path = ()
    for number, line in enumerate(text.split("\n"), start=1):
        header, pair = _HEADER.match(line), _PAIR.match(line)
        if pair:
            places.setdefault((*table, *_names(pair[1])), (file, number))
        elif header:
            table = _names(header[1])
            places.setdefault(table, (file, number))
    return places


def override(document: Document, settings: Sequence[str]) -> Document:
    """The document with settings such as ``rules.moves.max=40`` laid over it.

    The right-hand side is a TOML literal; a bare word counts as text.

    Raises
    ------
    InputError
        For every setting that is not ``key=value`` or that reaches through something that is not a table.
    """
    data = _copy(document.data)
    places = dict(document.places)
    findings = []
    for setting in settings:
        parsed = _parse_setting(setting)
        if isinstance(parsed, Finding):
            findings.append(parsed)
            continue
        path, value = parsed
        problem = lay_over(data, path, value)
        if problem:
            findings.append(Finding("bad-setting", problem, "A key of a table", file=f"--set {setting[:60]}"))
        places[path] = (f"--set {setting[:60]}", None)
    if findings:
        raise InputError(findings)
    return Document(document.file, data, places)


def _copy(table: Mapping[str, object]) -> dict[str, object]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in table.items()}


def _parse_setting(setting: str) -> tuple[Path, object] | Finding:
    file = f"--set {setting[:60]}"
    match = re.fullmatch(rf"\s*({_DOTTED})\s*=\s*(\S.*?)\s*", setting)
    if match is None or "\n" in setting:
        return Finding("bad-setting", f"{shown(setting)} is not key=value", "For example rules.moves.max=40", file=file)
    try:
        return _names(match[1]), literal(match[2])
    except ValueError:
        hint = "Text goes in quotes: --set 'priority=\"...\"'"
        return Finding("bad-setting", f"{shown(match[2])} is not a value", "A TOML value", hint, file=file)


def literal(text: str) -> object:
    """The value of a TOML literal; a bare word is text.

    Raises
    ------
    ValueError
        When it is neither.
    """
    try:
        data = tomllib.loads(f"value = {text}")
    except RecursionError:
        raise ValueError("nested too deep") from None
    except ValueError:
        if re.fullmatch(r"[^\W\d][\w./-]*", text):
            return text
        raise
    if len(data) != 1 or _depth(data) > MAX_DEPTH:
        raise ValueError("not one value")
    return data["value"]


def lay_over(data: dict[str, object], path: Path, value: object) -> str:
    """Puts the value at the path, making tables on the way; says what is in the way, or nothing."""
    table = data
    for name in path[:-1]:
        inner = table.setdefault(name, {})
        if not isinstance(inner, dict):
            return f"{name} is not a table"
        table = inner
    table[path[-1]] = value
    return ""
