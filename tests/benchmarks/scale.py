"""Generated instances from 15 to 500 CSMs with the full menu: seconds, gap and memory, and how they grow.

    python -m tests.benchmarks.scale [--largest 500]

Every row is one fresh process. The instances come from a seed and are never stored.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import replace

from tests.benchmarks import record

# name, CSMs, accounts, pools, gap asked for in points, seconds that the project aims for
SIZES = (
    ("team-of-15", 15, 425, 3, 0.01, 60),
    ("mid", 60, 2_500, 12, 0.01, 60),
    ("large", 200, 10_000, 12, 0.01, 300),
    ("extra large", 500, 50_000, 30, 0.02, 1_200),
)
SEED = 1


def measure(name: str, csms: int, accounts: int, pools: int, gap: float) -> dict[str, object]:
    """Generate, score the full menu, solve and prove one instance in this process."""
    from pathlib import Path

    from optcomp.assemble import assemble, read
    from optcomp.plan import GridSpec, MenuSpec
    from optcomp.solve import Settings, solve
    from optcomp.world import large_instance

    grid = GridSpec(
        ("GRR", "EXP", "ACT", "RES", "TEAM", "LOGO"),
        step=0.05,
        min_weight=0.05,
        gates=(0.0, 0.15, 0.2, 0.25),
        scopes=("individual", "team"),
    )
    menu = MenuSpec((1.0, 1.05, 1.1), (0.08, 0.13, 0.18, 0.23), (), grid)
    started = time.perf_counter()
    if name == "team-of-15":
        problem = read(Path(__file__).parents[2] / "instances" / name)
        problem = replace(problem, instance=replace(problem.instance, menu=menu))
    else:
        problem = assemble(replace(large_instance(csms, accounts, pools, SEED), menu=menu))
    plans = [len(p) for p in problem.plans]
    scored = time.perf_counter() - started
    result = solve(problem, Settings(time_limit_seconds=3600.0, gap_pp=gap))
    return {
        "plans": sum(plans),
        "pairs": int(problem.allowed.sum()),
        "menu": scored,
        "seconds": result.seconds,
        "gap": result.gap_pp,
        "memory": record.peak_memory_mib(),
    }


def main() -> None:
    """Measure every size and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=int, default=500, help="most CSMs of an instance")
    parser.add_argument("--one", type=int)
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(*SIZES[arguments.one][:5])))
        return
    rows, points = [], []
    for k, (name, csms, accounts, pools, gap, aim) in enumerate(SIZES):
        if csms > arguments.largest:
            continue
        command = [sys.executable, "-m", "tests.benchmarks.scale", "--one", str(k)]
        r = json.loads(subprocess.check_output(command, text=True))
        total = r["menu"] + r["seconds"]
        points.append((csms, total, r["memory"]))
        rows.append(
            [name, f"{csms} × {accounts:,}", pools, f"{r['pairs']:,}", f"{r['plans']:,}", f"{r['menu']:.1f}",
             f"{r['seconds']:.1f}", f"{aim}", f"{r['gap']:.4f}", f"{gap}", f"{r['memory']:,.0f}"]
        )  # fmt: skip
        print(*rows[-1], flush=True)
    header = (
        "instance",
        "CSMs × accounts",
        "pools",
        "pairs",
        "plans left of the grid",
        "read and score, s",
        "solve, s",
    )
    header += ("bar, s", "gap, pp", "bar, pp", "peak MiB")
    note = (
        "The full menu is every mix of at most three of six metrics in steps of 5 %, individual or team, with a CSAT "
        "gate at 0, 15, 20 or 25 %, at three base levels and four variable shares: 356,000 plans a segment, of which "
        f"the standard rules allow 102,000. {_growth(points)}"
    )
    command = "python -m tests.benchmarks.scale"
    print(record.write("scale", "Size and time", command, [record.table(header, rows), note]))


def _growth(points: list[tuple[int, float, float]]) -> str:
    if len(points) < 2:
        return ""
    (n0, t0, m0), (n1, t1, m1) = points[0], points[-1]
    times, memory = (math.log(b / a) / math.log(n1 / n0) for a, b in ((t0, t1), (m0, m1)))
    return f"From {n0} to {n1} CSMs time grows with their number to the power {times:.2f}, memory to {memory:.2f}."


if __name__ == "__main__":
    main()
