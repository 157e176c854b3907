"""How long a rebalance and its ladder take, as ratios to one full solve of the same instance with plans free.

    python -m tests.benchmarks.rebalance [--skip-large]

Today's plans stay, the rules that lock accounts are on. mid-market has one leaver and one who joins, the generated
instance of 200 CSMs five leavers. Each instance is one fresh process, its rows are measured in it with the same solver
processes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from optcomp.assemble import assemble, load
from optcomp.config import Rebalance
from optcomp.engine import Engine
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.ladder import with_rule
from optcomp.studies.rebalance.study import Prepared, Rebalanced, Wishes, prepare, rebalance
from optcomp.world import large_instance
from optcomp.write_rebalance import rebalance_files
from tests.benchmarks import record

INSTANCE = Path(__file__).parent.parent.parent / "instances" / "mid-market"
ONE_LEAVER = (
    Change("leave", csm="NA-M3", date=date(2027, 1, 15)),
    Change(
        "join", csm="NA-M7", segment="mid-market", region="North America", languages=("en",), date=date(2027, 1, 18)
    ),
)
# CSMs, accounts, pools, seed and leavers of the generated instance.
LARGE = (200, 10_000, 12, 1, 5)
SETTINGS = Settings(time_limit_seconds=3600.0)
T = TypeVar("T")


class Stopwatch:
    """Rows of the first table, and the rungs of every ladder, in the order in which they were measured."""

    def __init__(self, name: str, engines: Engines) -> None:
        self.name, self.engines = name, engines
        self.rows: list[list[str]] = []
        self.rungs: list[list[str]] = []
        self.full = 1.0

    def solve_in_full(self, problem: Problem) -> None:
        """The solve that all ratios refer to."""
        self.full, result = timed(lambda: solve(problem, SETTINGS, engines=self.engines))
        self._row("full solve, plans free", self.full, f"{result.gap_pp:.4f}", "", "")

    def rebalance(self, what: str, prepared: Prepared, bar: str) -> Rebalanced:
        """One rebalance, or a ladder where the wishes have one."""
        seconds, done = timed(lambda: rebalance(prepared, SETTINGS, engines=self.engines))
        value = done.result.evaluation
        moves = "nothing found" if value is None else f"{value.moves_forced} + {value.moves - value.moves_forced}"
        widest = max(rung.gap_pp for rung in done.ladder.rungs)
        self._row(what.format(rungs=len(done.ladder.rungs)), seconds, f"{widest:.4f}", moves, bar)
        if prepared.wishes.has_ladder:
            self._ladder(what.partition(" of")[0] if "free" not in what else "moves without a price", done)
        return done

    def _ladder(self, what: str, done: Rebalanced) -> None:
        for rung, each, remark in done.ladder.steps():
            self.rungs.append(
                [
                    f"{self.name}, {what}",
                    str(rung.limit),
                    f"{rung.seconds:.1f}",
                    f"{rung.seconds / self.full:.2f}",
                    f"{rung.gap_pp:.4f}",
                    "" if each is None else f"{each:,.0f}",
                    remark,
                ]
            )

    def time(self, what: str, step: Callable[[], object]) -> None:
        """Anything else."""
        seconds, _ = timed(step)
        self._row(what, seconds, "", "", "")

    def _row(self, what: str, seconds: float, *rest: str) -> None:
        self.rows.append([self.name, what, f"{seconds:.1f}", f"{seconds / self.full:.2f}", *rest])


def timed(step: Callable[[], T]) -> tuple[float, T]:
    """Seconds and what came out."""
    started = time.perf_counter()
    result = step()
    return time.perf_counter() - started, result


def measure_mid_market(watch: Stopwatch) -> None:
    """One leaver and one who joins."""

    def prepared(wishes: Wishes, *, has_price: bool = True) -> Prepared:
        problem = load(INSTANCE).problem
        problem = problem if has_price else with_rule(problem, "moves", state="off")
        return prepare(problem, ONE_LEAVER, Rebalance(), wishes)

    watch.solve_in_full(load(INSTANCE).problem)
    watch.rebalance("rebalance after one leaver", prepared(Wishes(has_ladder=False)), "5 s")
    no_locks = Wishes(has_ladder=False, locks_off=("renewal", "at-risk", "just-moved"))
    watch.rebalance("the same without lock rules", prepared(no_locks), "")
    done = watch.rebalance("ladder of {rungs} rungs", prepared(Wishes()), "30 s for 10")
    watch.rebalance("ladder of {rungs} rungs, moves free", prepared(Wishes(), has_price=False), "30 s for 10")
    with TemporaryDirectory() as folder:
        watch.time(
            "the files of the folder",
            lambda: rebalance_files(done, Path(folder), beside=INSTANCE, settings=SETTINGS),
        )


def measure_large(watch: Stopwatch) -> None:
    """Five leavers, in as many pools."""
    csms, accounts, pools, seed, leavers = LARGE
    instance = large_instance(csms, accounts, pools, seed)
    ids = [c.csm_id for c in instance.csms]
    gone = [Change("leave", csm=ids[i * csms // leavers], date=date(2027, 1, 15)) for i in range(leavers)]
    problem = assemble(instance)
    watch.solve_in_full(problem)
    alone, whole = (prepare(problem, gone, Rebalance(), Wishes(has_ladder=ladder)) for ladder in (False, True))
    watch.rebalance("rebalance after five leavers", alone, "120 s")
    watch.rebalance("ladder of {rungs} rungs, moves free", whole, "")


MEASURES = {"mid-market": measure_mid_market, "200 × 10,000": measure_large}


def measure(name: str) -> dict[str, object]:
    """All rows of one instance, in this process."""
    with Engine(SETTINGS.workers) as main_engine, Engine(1) as helper:
        watch = Stopwatch(name, Engines(main_engine, helper))
        solve(load(INSTANCE.parent / "tiny").problem, SETTINGS, engines=watch.engines)  # starts the workers
        MEASURES[name](watch)
    return {"rows": watch.rows, "rungs": watch.rungs, "memory": record.peak_memory_mib()}


def main() -> None:
    """Measure everything and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-large", action="store_true", help="mid-market alone")
    parser.add_argument("--one", choices=[*MEASURES])
    arguments = parser.parse_args()
    if arguments.one is not None:
        print(json.dumps(measure(arguments.one)))
        return
    rows: list[list[str]] = []
    rungs: list[list[str]] = []
    memory = []
    for name in [*MEASURES][: 1 if arguments.skip_large else None]:
        command = [sys.executable, "-m", "tests.benchmarks.rebalance", "--one", name]
        found = json.loads(subprocess.check_output(command, text=True))
        rows += found["rows"]
        rungs += found["rungs"]
        memory.append(f"{name} {found['memory']:,.0f} MiB")
    first = ("instance", "what", "seconds", "of a full solve", "widest gap, points", "moves: forced + chosen", "bar")
    second = ("ladder", "moves", "seconds", "of a full solve", "gap, points", "USD each", "not less than before, for")
    note = f"Peak memory of one process: {', '.join(memory)}. The bar for every gap is 0.01 points."
    parts = [record.table(first, rows), note, "The rungs:", record.table(second, rungs)]
    page = record.write("rebalance", "Rebalance", "python -m tests.benchmarks.rebalance", parts)
    print(page.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
