"""Text that is safe where it is shown: in a spreadsheet cell, on a terminal, in an error message."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

# What a spreadsheet may run as a formula (OWASP ASVS 1.2.10), with the full-width forms that Excel folds to them.
_FORMULA_STARTS = tuple("=+-@\t\r\n\0＝＋－＠")
# Longest value that a message shows; the rest may hold something private (ROBUSTNESS.md, duties).
MAX_SHOWN = 40


def neutralise(text: str) -> str:
    """The text with a leading ``'`` where a spreadsheet could run it as a formula.

    A text that already starts with ``'`` before such a character gets one more, so that `restore` always returns it.
    """
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA_STARTS) else text


def restore(text: str) -> str:
    """What was given to `neutralise`; only for files that say they were neutralised."""
    is_neutralised = text.startswith("'") and text.lstrip("'").startswith(_FORMULA_STARTS)
    return text[1:] if is_neutralised else text


def cell_text(value: object, number: Callable[[float], str]) -> str:
    """A fact as the text of an instance's cell: none is empty, flags are words, lists go by ``;``.

    number : how a float is written
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ";".join(value)
    return number(value) if isinstance(value, float) else str(value)


def trimmed(value: float, digits: int = 6) -> str:
    """A number with at most so many digits behind the point, without zeros at its end."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def is_unprintable(char: str) -> bool:
    """Control characters (ANSI escapes begin with one), bidi overrides, zero-width characters, lone surrogates.

    Zero-width joiners (U+200C, U+200D) count too, although emoji and some scripts need them; `printable` keeps those.
    """
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """The text for a terminal: anything that could steer it is shown as ``<U+001B>``; letters and emoji stay."""
    return "".join(f"<{code_point(c)}>" if is_unprintable(c) and c not in "\u200c\u200d" else c for c in text)


def shown(value: object) -> str:
    """The value in quotes for a message, cut to `MAX_SHOWN` characters and safe to print."""
    if not isinstance(value, str):
        return str(value)[:MAX_SHOWN]
    short = value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 1] + "…"
    return f"'{printable(short)}'"


def code_point(char: str) -> str:
    """For example ``U+200B``."""
    return f"U+{ord(char):04X}"


def code_points(text: str) -> str:
    """The characters outside plain ASCII, named: ``U+0430 CYRILLIC SMALL LETTER A``."""
    odd = dict.fromkeys(c for c in text if not re.fullmatch(r"[ -~]", c))
    return ", ".join(f"{code_point(c)} {unicodedata.name(c, 'unnamed')}" for c in odd)
