"""Every bad input and fault that the program must survive is claimed by the docstring of a test ("Row 64: …")."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CLAIM = re.compile(r"\bRows? (\d+(?:-\d+)?(?:(?:, | and )\d+(?:-\d+)?)*)")
# A fuzz test over "Rows 1-60" says nothing of any one of them.
WIDEST = 5
# The report in HTML (57), minimal conflicts (70) and sweeps on a cluster (83) belong to later issues, and so does the
# pay equity report (79, 80).
ROWS = {*range(1, 57), *range(58, 70), *range(71, 79), 81, 82, 84, 85}


def rows_of(docstring: str) -> Iterator[int]:
    """The numbers of the rows that a docstring claims."""
    for claim in CLAIM.findall(docstring):
        for part in re.split(r", | and ", claim):
            first, _, last = part.partition("-")
            rows = range(int(first), int(last or first) + 1)
            if len(rows) <= WIDEST:
                yield from rows


def claimed() -> set[int]:
    """The rows that the tests of this folder claim."""
    functions = (
        node
        for path in sorted(HERE.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )
    return {row for function in functions for row in rows_of(ast.get_docstring(function) or "")}


@pytest.mark.parametrize(
    ("docstring", "rows"),
    [
        ("Row 64: twice.", [64]),
        ("Rows 10-13 and 16, 17: numbers.", [10, 11, 12, 13, 16, 17]),
        ("Rows 1-60: fuzz.", []),
        ("In accounts.csv, row 3.", []),
    ],
)
def test_a_claim_is_read_as_it_is_written(docstring: str, rows: list[int]) -> None:
    """Single rows, lists and short ranges."""
    assert list(rows_of(docstring)) == rows


def test_every_row_is_claimed_by_a_test() -> None:
    """Whoever removes the last test of a row learns it here."""
    assert sorted(ROWS - claimed()) == []
