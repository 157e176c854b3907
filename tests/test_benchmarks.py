"""One command runs every benchmark that has a page, and no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.benchmarks.__main__ import NAMES

ROOT = Path(__file__).parents[1]


def test_the_command_knows_every_benchmark_that_makes_a_page() -> None:
    pages = (ROOT / "docs" / "benchmarks").glob("*.md")
    made_by = {re.findall(r"python -m tests\.benchmarks\.(\w+)", page.read_text(encoding="utf-8"))[0] for page in pages}

    assert set(NAMES) == made_by
    assert all((ROOT / "tests" / "benchmarks" / f"{name}.py").exists() for name in NAMES)


def test_a_name_that_is_no_benchmark_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "shiped"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "no benchmark shiped; there are shipped, scale" in done.stderr
