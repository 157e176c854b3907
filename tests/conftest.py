"""What many tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from optcomp.engine import Engine
from optcomp.solve import Engines


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Live engines: a worker takes a second to start, and hundreds of small solves share these."""
    with Engine(1) as main, Engine(1) as helper:
        yield Engines(main, helper)
