"""Generated instances from 10 to 500 CSMs with the full menu, and one hard pool: seconds, gap, memory, and growth.

    python -m tests.benchmarks.scale [--rows ten,mid]

Every row is one fresh process. The instances come from a seed and are never stored. With --rows nothing is written.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks import record
from tests.benchmarks.scale_cases import CASES, Case, problem_of
from tests.benchmarks.scale_plot import Point, Power, draw

PATIENCE = 3.0  # times the bar, after which a row ends with what it has: a miss is shown with its size
HEADER = (
    "instance", "CSMs × accounts", "pools", "pairs", "plans left of the menu", "read and score, s", "solve, s",
    "bar, s", "gap, pp", "bar, pp", "bars", "peak MiB",
)  # fmt: skip


def measure(case: Case) -> dict[str, Any]:
    """Generate, score the menu, solve and prove one instance in this process."""
    from optcomp.solve import Settings, solve

    started = time.perf_counter()
    problem = problem_of(case)
    plans = [len(p) for p in problem.plans]
    scored = time.perf_counter() - started
    limit = PATIENCE * case.bar_seconds
    result = solve(problem, Settings(time_limit_seconds=limit, gap_pp=case.gap_pp))
    return {
        "plans": sum(plans),
        "pairs": len(problem.allowed),
        "menu": scored,
        "seconds": result.seconds,
        "gap": None if result.evaluation is None else result.gap_pp,
        "memory": record.peak_memory_mib(),
    }


def main() -> None:
    """Measure every row; keep the page and the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", help="names of rows to try, with commas between")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(CASES[arguments.one])))
        return
    wanted = arguments.rows.split(",") if arguments.rows else [case.name for case in CASES]
    rows, points = [], []
    for k, case in enumerate(CASES):
        if case.name in wanted:
            command = [sys.executable, "-m", "tests.benchmarks.scale", "--one", str(k)]
            measured = json.loads(subprocess.check_output(command, text=True))
            rows.append(_row(case, measured))
            print(*rows[-1], sep=" | ", flush=True)
            if not case.is_hard:
                total = measured["menu"] + measured["seconds"]
                points.append(Point(case.name, case.csms, total, measured["memory"]))
    if len(points) > 1:
        print(_growth(points))
    if not arguments.rows:
        draw(points, record.RESULTS / "scale.svg")
        picture = "![Seconds and peak memory against the number of CSMs, on log scales](scale.svg)"
        parts = [record.table(HEADER, rows), _NOTE, _growth(points), picture]
        print(record.write("scale", "Size and time", "python -m tests.benchmarks.scale", parts))


def _row(case: Case, r: dict[str, Any]) -> list[str]:
    total = r["menu"] + r["seconds"]
    misses = [] if total <= case.bar_seconds else [f"time by {total / case.bar_seconds:.1f}×"]
    if r["gap"] is None:
        misses.append("no solution")
    elif r["gap"] > case.gap_pp + 1e-9:
        misses.append("gap" + (f" by {r['gap'] / case.gap_pp:.1f}×" if r["gap"] < float("inf") else ": no bound"))
    return [
        case.name, f"{case.csms} × {case.accounts:,}", str(case.pools), f"{r['pairs']:,}", f"{r['plans']:,}",
        f"{r['menu']:.1f}", f"{r['seconds']:.1f}", f"{case.bar_seconds:,.0f}",
        "none" if r["gap"] is None else f"{r['gap']:.4f}", f"{case.gap_pp}",
        f"missed: {', '.join(misses)}" if misses else "met", f"{r['memory']:,.0f}",
    ]  # fmt: skip


_NOTE = (
    "The full menu is every mix of at most three of six metrics in steps of 5 %, individual or team, with a CSAT gate "
    "at 0, 15, 20 or 25 %, at three base levels and four variable shares: 356,000 plans a segment, of which the "
    "standard rules allow 102,000. The hard pool has one segment and one plan, which pays renewals by the quarter; "
    "every book has to lie within 10 % of the segment's renewal and expansion potential per ARR dollar, and to have at "
    "least 60 % of an even share of the renewals of every quarter, by number and by ARR. A row is given three times "
    "its bar and then ends with what it has. *Solve* ends with the verified answer and its proof, process starts "
    "included."
)


def _growth(points: list[Point]) -> str:
    counts = [p.csms for p in points]
    seconds = Power.fit(counts, [p.seconds for p in points])
    memory = Power.fit(counts, [p.memory_mib for p in points])
    return (
        f"From {min(counts)} to {max(counts)} CSMs time grows with their number to the power {seconds.exponent:.2f} "
        f"and memory to {memory.exponent:.2f} (least squares on the logarithms of {len(points)} rows; the hard pool is "
        "not among them). Accounts grow faster than CSMs from row to row. Memory begins with Python and its libraries, "
        "about 135 MiB in every process."
    )


if __name__ == "__main__":
    main()
