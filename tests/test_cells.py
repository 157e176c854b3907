"""Text that is safe where it is shown."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optcomp.cells import neutralise, printable, restore


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1", "@SUM(A1)", "\t=1", "-2", "＝1", "\r", "\0", "\n"])
def test_formulas_are_neutralised_and_come_back(text: str) -> None:
    """Row 56: account names that a spreadsheet could run."""
    assert neutralise(text) == "'" + text
    assert restore(neutralise(text)) == text


@given(st.text(alphabet="'=+-@\t\r\n＝ab", max_size=6))
@example("'=1")
@example("''")
def test_every_text_comes_back(text: str) -> None:
    """Row 56: read-back equal, whatever the text."""
    safe = neutralise(text)

    assert restore(safe) == text
    assert not safe.startswith(tuple("=+-@\t\r\n＝"))


@pytest.mark.parametrize("text", ["\x1b[31mred", "a\u202eb", "\x07", "\u2066", "\x9b31m", "a\u200bb", "\ud800"])
def test_what_steers_a_terminal_is_made_visible(text: str) -> None:
    """Row 58: ANSI escapes, bidi overrides, control characters."""
    assert printable(text).isprintable()
    assert "<U+" in printable(text)


@pytest.mark.parametrize("text", ["Müller & Söhne", "株式会社", "👩‍💻 team", "مرحبا", "[red]", "e\u0301"])
def test_letters_of_every_script_stay(text: str) -> None:
    """Rows 58-59: RTL, emoji and combining names."""
    assert printable(text) == text
