"""How long explanations and conflicts take on the shipped instances, as ratios to one full solve.

    python -m tests.benchmarks.explain [--accounts 20]

Everything runs in one process, one after the other, so that the ratios can be trusted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import record

INSTANCES = Path(__file__).parent.parent.parent / "instances"
NAMES = ("tiny", "team-of-15", "mid-market")
# A limit on moves couples all books, so that every question is about all of them at once.
LIMITED = ('rules.moves.state="hard"', "rules.moves.max=100")
CASES: tuple[tuple[str, tuple[str, ...]], ...] = (*((name, ()) for name in NAMES), ("mid-market", LIMITED))
CONFLICTS = {
    "tiny": ("rules.hours.ceiling=0.9", "segments.all.max_arr=550000"),
    "team-of-15": ("rules.hours.ceiling=0.6", "budget.pay=1000000"),
    "mid-market": ("rules.hours.ceiling=0.8", "budget.pay=2500000", "segments.mid-market.min_accounts=45"),
}


def timed(ask: Callable[[], object]) -> tuple[float, object]:
    """Seconds that a question takes, and its answer."""
    began = time.perf_counter()
    answer = ask()
    return time.perf_counter() - began, answer


def explanations(name: str, settings: tuple[str, ...], count: int) -> list[list[object]]:
    """Rows on one instance under some settings: a full solve, accounts, books, plans."""
    from optcomp.assemble import read
    from optcomp.engine import Engine
    from optcomp.solve import Engines, solve
    from optcomp.studies.explain import Explainer
    from optcomp.studies.explain_csm import explain_csm
    from optcomp.studies.explain_plan import PlanExplainer
    from optcomp.studies.resolve import Resolver

    problem = read(INSTANCES / name, overrides=settings)
    title = f"{name}, at most 100 moves" if settings else name
    with Engine(2) as main, Engine(1) as helper:
        engines = Engines(main, helper)
        whole, result = timed(lambda: solve(problem, engines=engines))
        explainer = Explainer(problem, result.solution, Resolver(problem, result.solution, main))
        plans = PlanExplainer(explainer, result.objective_bound * problem.total_arr, engines)
        step = max(1, len(problem.accounts.ids) // count)
        questions = {
            "--account": [lambda a=a: explainer.account(a) for a in problem.accounts.ids[::step][:count]],
            "--csm": [lambda c=c: explain_csm(explainer, c) for c in problem.csms.ids[: max(2, count // 4)]],
            "--plan": [lambda s=s: plans.explain(s.name) for s in problem.segments],
        }
        return [[title, kind, *_row([timed(ask)[0] for ask in asked], whole)] for kind, asked in questions.items()]


def _row(seconds: list[float], whole: float) -> list[object]:
    middle, most = statistics.median(seconds), max(seconds)
    return [
        len(seconds),
        f"{middle:.2f}",
        f"{most:.2f}",
        f"{whole:.1f}",
        f"{middle / whole:.3f}",
        f"{most / whole:.3f}",
    ]


def conflicts(name: str) -> list[list[object]]:
    """Rows on the planted conflicts of one instance."""
    from optcomp.assemble import read
    from optcomp.engine import Engine
    from optcomp.studies.conflicts import find_conflict
    from optcomp.studies.relaxations import ways_out

    rows: list[list[object]] = []
    with Engine(2) as engine:
        for setting in CONFLICTS[name]:
            problem = read(INSTANCES / name, overrides=[setting])
            seconds, conflict = timed(lambda p=problem: find_conflict(p, engine))
            more, ways = timed(lambda c=conflict: ways_out(c, engine))
            rules = ", ".join(dict.fromkeys(g.rule_id for g in conflict.groups))
            proved = "yes" if conflict.is_minimal else "no"
            counts = [rules, len(conflict.groups), proved, conflict.tests]
            rows.append([name, setting, *counts, f"{seconds:.1f}", len(ways), f"{more:.1f}"])
    return rows


def main() -> None:
    """Measure everything and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=20)
    count = parser.parse_args().accounts
    asked = [row for name, settings in CASES for row in explanations(name, settings, count)]
    clashes = [row for name in NAMES for row in conflicts(name)]
    header = (
        "instance",
        "question",
        "asked",
        "median, s",
        "longest, s",
        "full solve, s",
        "median / solve",
        "longest / solve",
    )
    clash = (
        "instance",
        "setting",
        "rules that clash",
        "groups",
        "proved minimal",
        "questions",
        "s",
        "ways out",
        "s more",
    )
    notes = (
        "*Full solve* is `solve` on the same instance with the same live solver processes. Accounts and books solve "
        "one pool again, and all books where moves are limited; a plan solves everything again, twice, and once more "
        "for the price of a move where there is a limit."
    )
    parts = [record.table(header, asked), notes, "## When nothing fits", record.table(clash, clashes)]
    print(record.write("explain", "Explanations and conflicts", "python -m tests.benchmarks.explain", parts))


if __name__ == "__main__":
    main()
