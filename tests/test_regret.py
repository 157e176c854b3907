"""Decisions in worlds whose truth is known keep the thresholds of SCIENCE 4.3; the full table is in the docs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def test_a_fit_leads_to_good_decisions_in_planted_worlds() -> None:
    """Capture of the oracle's gain, no world worse than today, coverage, and the flag of a one-plan history."""
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}

    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.regret", "--quick"],
        cwd=CHECKOUT, env=alone, capture_output=True, text=True, check=False, timeout=110,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
