"""How long the shipped instances take to build and to prove, by pools and by the joint program.

    python -m tests.benchmarks.shipped [--joint-seconds 60]

Every row is one fresh process; both methods of an instance run one after the other, so their ratio can be trusted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks import record

INSTANCES = Path(__file__).parent.parent.parent / "instances"
NAMES = ("tiny", "team-of-15", "mid-market")


def measure(name: str, method: str, seconds: float) -> dict[str, object]:
    """Load, build and solve one instance in this process."""
    from optcomp.assemble import read
    from optcomp.decompose.pools import split
    from optcomp.decompose.structure import build_structure
    from optcomp.formulation.build import formulate
    from optcomp.formulation.compile import compile_model
    from optcomp.formulation.scope import whole_scope
    from optcomp.solve import Settings, solve

    problem = read(INSTANCES / name)
    started = time.perf_counter()
    if method == "joint":
        programs = [compile_model(formulate(problem, whole_scope(problem)).model).program]
    else:
        pools = split(problem)
        programs = [build_structure(problem, pool, pool.fillings[0], 0).program for pool in pools]
    built = time.perf_counter() - started
    result = solve(problem, Settings(time_limit_seconds=seconds, method=method))
    largest = max(programs, key=lambda p: p.num_columns)
    return {
        "build": built,
        "solve": result.seconds,
        "programs": len(programs),
        "columns": largest.num_columns,
        "rows": largest.num_rows,
        "nonzeros": len(largest.values),
        "memory": record.peak_memory_mib(),
        "nrr": result.evaluation.nrr if result.evaluation else None,
        "objective": result.evaluation.objective if result.evaluation else None,
        "today": result.current.nrr,
        "bound": result.objective_bound,
        "gap": result.gap_pp,
        "plans": sum(len(p) for p in problem.plans),
    }


def main() -> None:
    """Measure everything and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joint-seconds", type=float, default=60.0)
    parser.add_argument("--one", nargs=3, metavar=("NAME", "METHOD", "SECONDS"))
    arguments = parser.parse_args()
    if arguments.one:
        name, method, seconds = arguments.one
        print(json.dumps(measure(name, method, float(seconds))))
        return
    rows = []
    for name in NAMES:
        for method, seconds in (("decomposed", 600.0), ("joint", arguments.joint_seconds)):
            command = [sys.executable, "-m", "tests.benchmarks.shipped", "--one", name, method, str(seconds)]
            rows.append(_row(name, method, json.loads(subprocess.check_output(command, text=True))))
            print(*rows[-1])
    header = ("instance", "method", "NRR today", "NRR", "net of bent rules", "proven ceiling", "gap, pp")
    header += ("build, s", "solve, s")
    header += ("plans", "programs", "largest: columns × rows (nonzeros)", "peak MiB")
    notes = (
        "*Build* writes the programs: of pools in arrays, once each; the joint one in Pyomo, compiled; *solve* is "
        "everything from "
        "the problem to the verified answer, process start included; *peak* is the largest single process. The "
        "ceiling is net of the prices of bent soft rules, as is the column before it. The joint program was stopped "
        f"after {arguments.joint_seconds:.0f} s."
    )
    command = "python -m tests.benchmarks.shipped"
    print(record.write("shipped", "The shipped instances", command, [record.table(header, rows), notes]))


def _row(name: str, method: str, r: dict[str, float]) -> list[object]:
    nrr = "none" if r["nrr"] is None else f"{100 * r['nrr']:.3f} %"
    net = "none" if r["objective"] is None else f"{100 * r['objective']:.4f} %"
    return [
        name, method, f"{100 * r['today']:.3f} %", nrr, net, f"{100 * r['bound']:.4f} %", f"{r['gap']:.4f}",
        f"{r['build']:.2f}", f"{r['solve']:.1f}", r["plans"], r["programs"],
        f"{r['columns']:,} × {r['rows']:,} ({r['nonzeros']:,})", f"{r['memory']:.0f}",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
