"""What a whole budget curve costs against one solve, in one run on live engines.

    python -m tests.benchmarks.budget_curve

One solve is `solve` at +15 % on the same (extended) menu and to the same gap; the curve is the best mix at 50 budgets
from +0 % to +30 %; with the forced strategies it is four such curves. The median of three rounds, taken in turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

from optcomp.assemble import read
from optcomp.engine import Engine
from optcomp.problem import Problem
from optcomp.solve import Engines, solve
from optcomp.solve import Settings as SolveSettings
from optcomp.studies.menus import wider_menus
from optcomp.studies.points import Settings, Study, steps
from optcomp.studies.sensitivity import at_budget, budget_curve
from tests.benchmarks import record

INSTANCES = Path(__file__).parent.parent.parent / "instances"
NAMES = ("team-of-15", "mid-market")
GAP = 0.02  # points of NRR, issue 4 section 3
RISES = steps(0.0, 0.30, 50)
ROUNDS = 3
ALONE = Settings(gap_pp=GAP, strategies=())


def measure(name: str, engines: Engines) -> list[object]:
    """A row of the table."""
    problem = read(INSTANCES / name)
    one, best, four = [], [], []
    study: Study | None = None
    for _ in range(ROUNDS):
        one.append(_seconds(lambda: solve(_asked(problem), SolveSettings(gap_pp=GAP), engines=engines)))
        best.append(_seconds(lambda: budget_curve(problem, RISES, ALONE, engines=engines)))
        started = time.perf_counter()
        study = budget_curve(problem, RISES, Settings(gap_pp=GAP), engines=engines)
        four.append(time.perf_counter() - started)
    assert study is not None
    gaps = [max(p.gap_pp if p.gap_pp is not None else float("inf") for p in c.points) for c in study.curves]
    a, b, c = (statistics.median(x) for x in (one, best, four))
    plans = ", ".join(str(sum(not p.is_forced for p in plans)) for plans in study.best.points[0].problem.plans)
    return [name, plans, f"{a:.2f}", f"{b:.2f}", f"{b / a:.2f}", f"{c:.2f}", f"{c / a:.2f}",
            f"{gaps[0]:.4f}", f"{max(gaps[1:]):.4f}"]  # fmt: skip


def _asked(problem: Problem) -> Problem:
    """The problem of one solve, with nothing computed yet."""
    return at_budget(wider_menus(problem, 0.30), 1.15 * problem.instance.pay_budget)


def _seconds(run: object) -> float:
    started = time.perf_counter()
    run()  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> int:
    """Measure and write the page."""
    header = ("instance", "plans by segment", "one solve, s", "50 budgets, s", "ratio", "with forced, s", "ratio",
              "largest gap, pp", "largest gap of forced, pp")  # fmt: skip
    with Engine(2) as main_engine, Engine(1) as helper:
        engines = Engines(main_engine, helper)
        solve(read(INSTANCES / "tiny"), engines=engines)  # the workers are up
        rows = [measure(name, engines) for name in NAMES]
    parts = [
        "One `solve` (+15 % budget, extended menu) against the best mix at 50 budgets from +0 % to +30 %, every one "
        f"proved to within {GAP} points of NRR and judged by `evaluate`; then with the three forced strategies at the "
        f"same budgets, 200 points in all. Medians of {ROUNDS} rounds in turns on live engines. Target: 50 budgets in "
        "at most 1.5 solves.",
        record.table(header, rows),
    ]
    path = record.write("budget-curve", "The budget curve", "python -m tests.benchmarks.budget_curve", parts)
    sys.stdout.write(path.read_text(encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
