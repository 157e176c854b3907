"""Salesforce ids in both their forms."""

from __future__ import annotations

import pytest

from optcomp.ids import is_salesforce_id, long_id, same_ids


def test_the_long_form_spells_out_the_case() -> None:
    """Row 27: worked by hand. 001D0 has a capital at place 3 (8 = I), 00000 none (A), IqhSL at 0, 3, 4 (25 = Z)."""
    assert long_id("001D000000IqhSL") == "001D000000IqhSLIAZ"


def test_only_ids_that_occur_in_both_forms_are_matched() -> None:
    """Row 27: same id with 15 and 18 characters."""
    short = "001D000000IqhSL"

    assert same_ids([short, long_id(short)]) == {short: long_id(short)}
    assert same_ids([long_id(short)]) == {}
    assert same_ids([short, short + "AAA"]) == {}


@pytest.mark.parametrize("text", ["abcdefghijklmno", "001", "001D000000IqhS!", "001D000000IqhSLAAA"])
def test_words_are_no_salesforce_ids(text: str) -> None:
    assert not is_salesforce_id(text)
