"""How long a rebalance of mid-market takes, as ratios to one full solve of the same instance.

    python -m tests.benchmarks.rebalance

One leaver and one who joins, today's plans. Every row is measured in this process with the same solver processes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from optcomp.assemble import load
from optcomp.config import Rebalance
from optcomp.engine import Engine
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.study import Rebalanced, Wishes, prepare, rebalance
from optcomp.write_rebalance import rebalance_files
from tests.benchmarks import record

INSTANCE = Path(__file__).parent.parent.parent / "instances" / "mid-market"
CHANGES = (
    Change("leave", csm="NA-M3", date=date(2027, 1, 15)),
    Change(
        "join", csm="NA-M7", segment="mid-market", region="North America", languages=("en",), date=date(2027, 1, 18)
    ),
)
T = TypeVar("T")


def main() -> None:
    """Measure everything and keep the page."""
    settings = Settings()
    with Engine(settings.workers) as main_engine, Engine(1) as helper, TemporaryDirectory() as folder:
        engines = Engines(main_engine, helper)
        solve(load(INSTANCE.parent / "tiny").problem, settings, engines=engines)  # starts the workers

        def run(wishes: Wishes) -> Rebalanced:
            prepared = prepare(load(INSTANCE).problem, CHANGES, Rebalance(), wishes)
            return rebalance(prepared, settings, engines=engines)

        full, _ = timed(lambda: solve(load(INSTANCE).problem, settings, engines=engines))
        single, one = timed(lambda: run(Wishes(has_ladder=False)))
        free_locks, bare = timed(lambda: run(Wishes(has_ladder=False, locks_off=("renewal", "at-risk", "just-moved"))))
        ladder, many = timed(lambda: run(Wishes()))
        files, _ = timed(lambda: rebalance_files(many, Path(folder), beside=INSTANCE, settings=settings))
    rungs = len(many.ladder.rungs)
    rows = [
        ["full solve, plans free", f"{full:.1f}", "1.00", "", "", ""],
        ["rebalance after one leaver", f"{single:.1f}", f"{single / full:.2f}", *_proof(one), "5 s"],
        ["the same without lock rules", f"{free_locks:.1f}", f"{free_locks / full:.2f}", *_proof(bare), ""],
        [f"ladder of {rungs} rungs", f"{ladder:.1f}", f"{ladder / full:.2f}", *_proof(many), "30 s for 10"],
        ["the files of the folder", f"{files:.1f}", f"{files / full:.2f}", "", "", ""],
    ]
    header = ("what", "seconds", "of a full solve", "widest gap, points", "moves: forced + chosen", "bar")
    steps = [
        [
            rung.limit,
            f"{rung.seconds:.1f}",
            f"{rung.seconds / full:.2f}",
            f"{rung.gap_pp:.4f}",
            "" if each is None else f"{each:,.0f}",
            remark,
        ]
        for rung, each, remark in many.ladder.steps()
    ]
    second = ("moves", "seconds", "of a full solve", "gap, points", "USD each", "not less than before, for")
    page = record.write(
        "rebalance",
        "Rebalance",
        "python -m tests.benchmarks.rebalance",
        [record.table(header, rows), "The rungs:", record.table(second, steps)],
    )
    print(page.read_text(encoding="utf-8"))


def timed(step: Callable[[], T]) -> tuple[float, T]:
    """Seconds and what came out."""
    started = time.perf_counter()
    result = step()
    return time.perf_counter() - started, result


def _proof(done: Rebalanced) -> list[str]:
    value = done.result.evaluation
    if value is None:
        return ["nothing found", ""]
    widest = max(rung.gap_pp for rung in done.ladder.rungs)
    return [f"{widest:.4f}", f"{value.moves_forced} + {value.moves - value.moves_forced}"]


if __name__ == "__main__":
    main()
