"""One cell becomes one value: numbers, shares, dates, flags, ids, lists. What is doubtful is refused, not guessed."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from optcomp.cells import code_points, is_unprintable
from optcomp.tabular.dates import read_date
from optcomp.tabular.raw import Dialect

# Written for "there is none"; they mean that only where text cannot stand, because Namibia's code is NA.
MISSING_WORDS = frozenset({"", "-", "–", "—", "nan", "null", "none", "n/a", "na", "#n/a", "nil"})
_TRUE, _FALSE = frozenset({"true", "yes", "y", "1"}), frozenset({"false", "no", "n", "0"})
# Seventeen digits carry all that a float holds; anything much longer is not a number that somebody meant.
_MAX_NUMBER = 40
# Excel keeps fifteen digits of a number, so a longer id that was typed as a number has already lost some.
_MAX_EXACT = 10**15


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be read: a stable code, what is wrong with it, what to do."""

    code: str
    says: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A value that was read, with something that the user should know."""

    value: object
    code: str
    says: str
    hint: str = ""


Reader = Callable[[object], object]


def is_missing(cell: object, *, is_text: bool) -> bool:
    """Nothing stands in the cell; in columns of numbers, dates and yes or no, ``NULL`` and its kin say the same."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return True
    if not isinstance(cell, str):
        return False
    text = cell.strip()
    return not text if is_text else text.casefold() in MISSING_WORDS


def number_reader(dialect: Dialect, *, percent: bool = False) -> Reader:
    """Reads numbers written with the dialect's decimal mark and grouping; ``12 %`` too where `percent`."""
    decimal, group = re.escape(dialect.decimal), re.escape(dialect.thousands)
    whole = rf"(?:[0-9]{{1,3}}(?:{group}[0-9]{{3}})+|[0-9]+)" if group else "[0-9]+"
    pattern = re.compile(rf"[+-]?(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]{{1,4}})?")

    def plain(text: str) -> float | Fault:
        if len(text) > _MAX_NUMBER or not pattern.fullmatch(text):
            return _not_a_number(text, dialect)
        if dialect.thousands:
            text = text.replace(dialect.thousands, "")
        number = float(text.replace(dialect.decimal, "."))
        return number if math.isfinite(number) else Fault("not-finite", "is too large to be a number")

    def read(cell: object) -> object:
        if not isinstance(cell, str):
            return _typed_number(cell)
        text = cell.strip()
        if percent and text.endswith("%"):
            number = plain(text[:-1].strip())
            return number if isinstance(number, Fault) else number / 100.0
        return plain(text)

    return read


def _typed_number(cell: object) -> float | Fault:
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        return Fault("not-a-number", f"is {_kind_of(cell)}, not a number")
    try:
        number = float(cell)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else Fault("not-finite", "is not finite")


def _kind_of(cell: object) -> str:
    if isinstance(cell, bool):
        return "yes or no"
    return "a date" if isinstance(cell, date) else f"a {type(cell).__name__}"


_CURRENCY = r"[$€£¥₹]|\b[A-Z]{3}\b"


def _not_a_number(text: str, dialect: Dialect) -> Fault:
    """What kind of not-a-number it is; the hints name the way out."""
    other = "," if dialect.decimal == "." else "."
    if len(text) > _MAX_NUMBER:
        return Fault("number-too-long", f"has {len(text)} characters", f"Numbers have at most {_MAX_NUMBER}")
    if text.casefold().lstrip("+-") in ("inf", "infinity", "∞"):
        return Fault("not-finite", "is not finite")
    if text.startswith(("−", "–")):
        return Fault("not-a-number", "has a typographic minus", "Write the plain one: -")
    if text.startswith("#"):
        return Fault("error-cell", "is an error of the spreadsheet", "Mend the formula and save again")
    if text.endswith("%"):
        return Fault("percent-sign", "has a percent sign", "Write a plain number; only shares may be written as 12 %")
    if text.startswith("(") and text.endswith(")"):
        return Fault("accounting-negative", "is in brackets, the accountants' minus", "Write -500, not (500)")
    if re.search(_CURRENCY, text):
        hint = "Write the number alone; the currency stands in instance.toml"
        return Fault("currency-sign", "carries a currency", hint)
    if re.fullmatch(rf"[+-]?[0-9]+{re.escape(other)}[0-9]{{1,2}}|[+-]?[0-9]{{4,}}{re.escape(other)}[0-9]+", text):
        hint = f'If {other!r} is the decimal mark, declare decimal = "{other}" under [tables] in instance.toml'
        return Fault("decimal-mark", f"uses {other!r} in a number", hint)
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:[ ,.'’\u00a0\u202f_][0-9]{3})+(?:[.,][0-9]*)?", text):
        mark = re.sub(r"[+\-0-9]", "", text)[0]
        hint = f'If {mark!r} groups thousands, declare thousands = "{mark}" under [tables] in instance.toml'
        return Fault("thousands", f"has {mark!r} between digits", hint)
    return Fault("not-a-number", "is not a number")


def read_integer(reader: Reader) -> Reader:
    """Reads whole numbers; ``12.0`` counts as 12."""

    def read(cell: object) -> object:
        number = reader(cell)
        if isinstance(number, float):
            return int(number) if number.is_integer() else Fault("not-whole", "is not a whole number")
        return number

    return read


def read_flag(cell: object) -> object:
    """Yes or no."""
    if isinstance(cell, bool):
        return cell
    word = f"{cell:g}" if isinstance(cell, int | float) else str(cell).strip().casefold()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return Fault("not-yes-or-no", "is neither yes nor no", "Write true or false (yes, no, y, n, 1, 0 are read too)")


def date_reader(dialect: Dialect) -> Reader:
    """Reads dates in the dialect's format, ISO dates always; a time of day is dropped with a note."""

    def read(cell: object) -> object:
        if isinstance(cell, datetime):
            return _without_time(cell)
        if isinstance(cell, date):
            return cell
        if not isinstance(cell, str):
            hint = "Format the cell as a date, or write 2027-03-31"
            return Fault("not-a-date", f"is {_kind_of(cell)}, not a date", hint)
        answer = read_date(cell.strip(), dialect.date_format)
        if isinstance(answer, datetime):
            return _without_time(answer)
        return answer if isinstance(answer, date) else Fault(*answer)

    return read


def _without_time(moment: datetime) -> object:
    day = moment.date()
    if moment.tzinfo is None and not (moment.hour or moment.minute or moment.second or moment.microsecond):
        return day
    zone = "" if moment.tzinfo is None else " and its time zone"
    return Note(day, "time-dropped", f"has a time of day{zone}; the date is used as it is written")


def read_text(cell: object) -> object:
    """Text without blanks around it; control characters and invisible ones inside are taken out with a note."""
    if not isinstance(cell, str):
        return _text_of(cell)
    text = cell.strip()
    if text.isprintable() and text.isascii():
        return text
    # Bidi overrides stay, as right-to-left names need their marks; they are neutralised where text is shown.
    clean = "".join(" " if c in _BLANKS else c for c in text if c in _BLANKS or not _is_stripped(c))
    if clean == text:
        return text
    return Note(clean, "odd-characters", f"holds {code_points(text)}, taken out or made a blank")


# Line ends and blanks that are not the plain one: they would keep "EMEA North" from being "EMEA North".
_BLANKS = "\t\r\n\u00a0\u2007\u202f"
_INVISIBLE = "\u00ad\u200b\u2060\ufeff"


def _is_stripped(char: str) -> bool:
    return char in _INVISIBLE or unicodedata.category(char) in ("Cc", "Cs")


def read_id(cell: object) -> object:
    """An id: text as it is written, so ``00123`` and ``123E45`` stay; blanks around it are trimmed with a note."""
    if not isinstance(cell, str):
        return _id_of(cell)
    text = cell.strip()
    if not (text.isascii() and text.isprintable()) and any(is_unprintable(c) for c in text):
        return Fault("invisible-characters", f"holds {code_points(text)}", "Type the id again; ids match exactly")
    return text if text == cell else Note(text, "blanks-trimmed", "has blanks around it, trimmed")


def _id_of(cell: object) -> object:
    if isinstance(cell, bool | date) or not isinstance(cell, int | float | Decimal):
        return Fault("not-an-id", f"is {_kind_of(cell)}", "Format the column as text")
    if cell != int(cell) or (isinstance(cell, float) and abs(cell) >= _MAX_EXACT):
        return Fault(
            "not-an-id", "is a number that cannot be an id", "Format the column as text and enter the ids again"
        )
    if isinstance(cell, int):
        return str(cell)
    return Note(str(int(cell)), "id-is-number", "is a number; leading zeros, if it had any, are lost")


def _text_of(cell: object) -> object:
    if isinstance(cell, bool | date) or not isinstance(cell, int | float | Decimal):
        return str(cell)
    return str(int(cell)) if cell == int(cell) else str(cell)


def read_list(cell: object) -> object:
    """Texts separated by ``;``, each once, in the order written."""
    text = read_text(cell)
    value = text.value if isinstance(text, Note) else text
    parts = tuple(dict.fromkeys(p for p in (part.strip() for part in str(value).split(";")) if p))
    if any("," in part for part in parts):
        return Note(parts, "list-comma", "has a comma inside one entry", "Entries are separated by ';'")
    return parts
