"""Which header of a file is which column of ours: exact names, CRM aliases, near misses, look-alikes."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping

from optcomp.cells import code_points, is_unprintable, shown
from optcomp.errors import Finding
from optcomp.tables import FALSE_FRIENDS, Column, Table
from optcomp.tabular.raw import RawTable

# Letters of other scripts that look like Latin ones, as far as they occur in the words of our headers.
_LOOK_ALIKES = str.maketrans("аеорсухіѕјԁһցոսӏαορνιτκ", "aeopcyxisjdhgnulaopvitk")
# Nearer than this is a misspelling, farther a column of the user's own ("regions" is 0.92 near "region").
_MISSPELT = 0.82


def plain(header: str) -> str:
    """The header without case, blanks, underscores and other marks."""
    return re.sub(r"[\W_]+", "", header.casefold())


def nearest(word: str, choices: Iterable[str], *, cutoff: float = 0.6) -> list[str]:
    """Up to three of the choices that look most like the word, nearest first."""
    by_fold: dict[str, str] = {}
    for choice in sorted(choices):
        by_fold.setdefault(choice.casefold(), choice)
    return [by_fold[near] for near in difflib.get_close_matches(word.casefold(), by_fold, n=3, cutoff=cutoff)]


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A hint that names the nearest choices, or nothing."""
    near = nearest(word, choices)
    return f"Did you mean {' or '.join(shown(n) for n in near)}?" if near else ""


def match_headers(
    table: Table, raw: RawTable, declared: Mapping[str, str] | None = None
) -> tuple[dict[str, int], list[Finding]]:
    """Position in the file of each column that was found, and what is wrong with the headers.

    declared : our column → header in the file, from ``[columns.…]`` in instance.toml; goes before everything else
    """
    place = _Place(raw)
    headers = [header.strip(" \t\r\n") for header in raw.headers]
    findings = _repeated(headers, place)
    positions, problems = _declared(table, headers, declared or {}, place)
    findings += problems
    positions |= _by_name(table, headers, positions)
    by_alias, notes = _by_alias(table, headers, positions, place)
    positions |= by_alias
    unused = [i for i, h in enumerate(headers) if h and i not in positions.values() and h not in headers[:i]]
    strange = [_unused_header(table, headers[i], positions, place) for i in unused]
    findings += [*notes, *strange, *_absent(table, positions, strange, place)]
    findings += [_nameless(raw, i, place) for i, header in enumerate(headers) if not header and _has_cells(raw, i)]
    return positions, findings


class _Place:
    """Makes findings about one file's header row."""

    def __init__(self, raw: RawTable) -> None:
        self.file, self.row = raw.file, raw.header_row

    def error(self, code: str, found: str, allowed: str, hint: str = "", column: str = "") -> Finding:
        return Finding(code, found, allowed, hint, file=self.file, row=self.row, column=column)

    def warning(self, code: str, found: str, allowed: str, hint: str = "", column: str = "") -> Finding:
        return Finding(code, found, allowed, hint, file=self.file, row=self.row, column=column, severity="warning")


def _repeated(headers: list[str], place: _Place) -> list[Finding]:
    repeated = dict.fromkeys(h for i, h in enumerate(headers) if h and h in headers[:i])
    return [
        place.error("duplicate-header", f"The header {shown(h)} occurs {headers.count(h)} times", "Each header once")
        for h in repeated
    ]


def _declared(
    table: Table, headers: list[str], declared: Mapping[str, str], place: _Place
) -> tuple[dict[str, int], list[Finding]]:
    positions = {column: headers.index(header) for column, header in declared.items() if header in headers}
    findings = [
        place.error(
            "unknown-header",
            f"[columns.{table.name}] says that {column} stands under {shown(header)}, which is not in the file",
            f"One of its headers: {', '.join(shown(h) for h in headers[:12])}",
            did_you_mean(header, headers),
            column,
        )
        for column, header in declared.items()
        if header not in headers
    ]
    return positions, findings


def _by_name(table: Table, headers: list[str], taken: Mapping[str, int]) -> dict[str, int]:
    """Headers that are our names, written exactly or but for case, blanks and underscores."""
    free = [(i, h) for i, h in enumerate(headers) if i not in taken.values() and h.isascii()]
    found: dict[str, int] = {}
    for column in table.columns:
        if column.name not in taken:
            exact = [i for i, h in free if h == column.name]
            loose = [i for i, h in free if plain(h) == plain(column.name)]
            if exact or loose:
                found[column.name] = (exact or loose)[0]
    return found


def _by_alias(
    table: Table, headers: list[str], taken: Mapping[str, int], place: _Place
) -> tuple[dict[str, int], list[Finding]]:
    """Headers of CRM exports; two that mean one column are refused, one is used and said."""
    found: dict[str, int] = {}
    findings: list[Finding] = []
    for column in table.columns:
        aliases = {plain(alias) for alias in column.aliases}
        used = {*taken.values(), *found.values()}
        hits = [i for i, h in enumerate(headers) if h.isascii() and plain(h) in aliases and i not in used]
        if column.name in taken or not hits:
            continue
        names = " and ".join(shown(headers[i]) for i in hits)
        if len(hits) > 1:
            hint = f"Say which under [columns.{table.name}] in instance.toml"
            findings.append(
                place.error("ambiguous-header", f"{names} both mean {column.name}", "One", hint, column.name)
            )
        else:
            findings.append(place.warning("alias-used", f"{names} is read as {column.name}", "", "", column.name))
        found[column.name] = hits[0]
    return found, findings


def _unused_header(table: Table, header: str, positions: Mapping[str, int], place: _Place) -> Finding:
    allowed = f"Columns of {table.name}: {', '.join(c.name for c in table.columns)}"
    if not header.isascii() or any(is_unprintable(c) for c in header):
        meant = _column_of(table, _unmasked(header))
        if meant:
            found = f"The header {shown(header)} looks like {meant.name} but holds {code_points(header)}"
            return place.error("look-alike-header", found, "Plain letters", f"Type {meant.name} again", meant.name)
    again = next((name for name in positions if plain(name) == plain(header)), "")
    if again:
        found = f"The header {shown(header)} is {again} once more"
        return place.error("duplicate-header", found, "Each column once", "Leave one out or rename it", again)
    if plain(header) in FALSE_FRIENDS:
        found = f"The column {shown(header)} is not used"
        return place.warning("extra-column", found, "", FALSE_FRIENDS[plain(header)], header)
    absent = [c.name for c in table.columns if c.name not in positions]
    near = nearest(header, absent, cutoff=_MISSPELT)
    if near:
        hint = f"Did you mean {near[0]}? If it is a column of your own, give it another name"
        return place.error("misspelt-header", f"The header {shown(header)} is not known", allowed, hint, near[0])
    return place.warning("extra-column", f"The column {shown(header)} is not used", allowed, "", shown(header))


def _unmasked(header: str) -> str:
    """The header as it looks: compatibility forms and look-alikes made Latin, invisible characters gone."""
    visible = "".join(c for c in header if not is_unprintable(c))
    return unicodedata.normalize("NFKC", visible).casefold().translate(_LOOK_ALIKES)


def _column_of(table: Table, header: str) -> Column | None:
    word = plain(header)
    return next((c for c in table.columns if word in {plain(name) for name in (c.name, *c.aliases)}), None)


def _absent(table: Table, positions: Mapping[str, int], strange: list[Finding], place: _Place) -> list[Finding]:
    """Required columns that are not there, unless a misspelling already says so."""
    explained = {finding.column for finding in strange if finding.severity == "error"}
    missing = [c for c in table.columns if c.required and c.name not in positions and c.name not in explained]
    return [
        place.error(
            "missing-column",
            f"The column {column.name} is missing ({column.description.rstrip('.')})",
            f"{table.name} must have {', '.join(c.name for c in table.columns if c.required)}",
            f"If it has another header, name it under [columns.{table.name}] in instance.toml",
            column.name,
        )
        for column in missing
    ]


def _has_cells(raw: RawTable, index: int) -> bool:
    return any(cell not in (None, "") for cell in raw.columns[index])


def _nameless(raw: RawTable, index: int, place: _Place) -> Finding:
    return place.error("nameless-column", f"Column {index + 1} has cells but no header", "A header for each column")
