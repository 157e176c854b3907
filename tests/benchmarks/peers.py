"""What a user would pick instead, on the same instances, for the same time, judged by the same evaluator.

    python -m tests.benchmarks.peers [--cases mid,large] [--peers greedy,scip] [--seconds 60 | --renew]

Every peer is a process of its own with hard limits on time and memory, one after the other. What a case gave is kept in
build/peers until the case is run again, so that single cases can be measured anew; the page is made from all of them.
With --peers or --seconds nothing is kept, but that --renew puts the rows of these peers in the place of kept ones.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks import peers_page
from tests.benchmarks.peers_log import Log, Ran, run

if TYPE_CHECKING:
    from optcomp.problem import Problem

MEMORY_GIB = 12.0  # of address space for each process: half of the machine, the rest is for its other users
BUILD_SECONDS = 900.0  # in which a joint program has to be built
SECONDS_TO_START = 120.0  # reading and scoring an instance, beside a peer's own limit
GAP_PP, CLOSE_GAP_PP = 0.01, 0.0
KEPT = Path(__file__).parents[2] / "build" / "peers"

# Peer → the form of the joint program that it is given.
PEERS = {
    "optcomp": "",
    "optcomp-close": "",
    "highs": "matrix",
    "joint": "",
    "cpsat": "matrix",
    "scip": "export",
    "greedy": "",
    "pay-first": "",
}
SECONDS = "seconds"  # the file that says how long a peer has
FILES = {"matrix": "program.npz", "export": "program.mps"}


def main() -> None:
    """Measure the cases and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", help="names of cases, with commas between")
    parser.add_argument("--peers", help="names of peers, with commas between")
    parser.add_argument("--seconds", type=float, help="another time limit for every peer")
    parser.add_argument("--renew", action="store_true", help="keep the rows of --peers beside the others' kept ones")
    parser.add_argument("--one", nargs=3, metavar=("CASE", "TASK", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        case, task, folder = arguments.one
        work(case, task, Path(folder))
        return
    from tests.benchmarks.peers_cases import BY_NAME, CASES

    names = arguments.cases.split(",") if arguments.cases else [c.name for c in CASES if c.name != "tiny"]
    peers = arguments.peers.split(",") if arguments.peers else list(PEERS)
    is_trial = bool(arguments.peers or arguments.seconds) and not arguments.renew
    for name in names:
        limit = arguments.seconds or BY_NAME[name].seconds
        found = measure(name, peers, limit) if BY_NAME[name].is_measured else size(name)
        if arguments.renew:
            found = renewed(json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8")), found)
        if not is_trial:
            KEPT.mkdir(parents=True, exist_ok=True)
            (KEPT / f"{name}.json").write_text(json.dumps(found), encoding="utf-8")
    if not is_trial:
        kept = [KEPT / f"{c.name}.json" for c in CASES]
        print(peers_page.write([json.loads(path.read_text(encoding="utf-8")) for path in kept if path.exists()]))


def renewed(kept: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """A kept case with some peers measured anew, each with the commit that it was measured at."""
    rows = {name: {**row, "commit": found["commit"]} for name, row in found["peers"].items()}
    return {**kept, "peers": {**kept["peers"], **rows}}


def work(case_name: str, task: str, folder: Path) -> None:
    """One task in this process: build the joint program, or run a peer."""
    log = Log(folder / f"{task}.jsonl")
    seconds = float((folder / SECONDS).read_text(encoding="utf-8"))
    if task == "cpsat":  # before anything of optcomp: highspy and OR-Tools cannot share a process
        from tests.benchmarks import peers_cpsat

        peers_cpsat.solve(folder / FILES["matrix"], log, seconds=seconds)
        return
    if task == "highs":
        from tests.benchmarks import peers_highs

        peers_highs.solve(folder / FILES["matrix"], log, seconds=seconds)
        return
    from tests.benchmarks.peers_cases import BY_NAME, problem_of

    problem = problem_of(BY_NAME[case_name])
    segments = len(problem.segments)
    if task == "scip":
        from tests.benchmarks import peers_program, peers_scip

        del problem
        files = folder / FILES["export"], folder / peers_program.START
        peers_scip.solve(*files, log, seconds=seconds, segments=segments, memory_gib=MEMORY_GIB)
    elif task == "greedy":
        from tests.benchmarks import peers_greedy

        peers_greedy.solve(problem, log, seconds=seconds)
    elif task in FILES:
        _build(problem, task, folder, log)
    else:
        _own(problem, task, log, seconds)


def _build(problem: Problem, form: str, folder: Path, log: Log) -> None:
    from optcomp.formulation.export import write_program
    from tests.benchmarks.peers_program import write_matrix

    [len(plans) for plans in problem.plans]  # reading and scoring is not a part of building
    log.begin()
    if form == "matrix":
        program = write_matrix(problem, folder / FILES[form])
        log.note(columns=program.num_columns, rows=program.num_rows, entries=len(program.values))
    else:
        write_program(problem, folder / FILES[form])
    log.note(megabytes=(folder / FILES[form]).stat().st_size / 1e6)
    log.ended("built")


def _own(problem: Problem, task: str, log: Log, seconds: float) -> None:
    from tests.benchmarks import peers_own

    if task == "pay-first":
        peers_own.pay_first(problem, log, seconds=seconds, gap_pp=GAP_PP)
    else:
        method = "joint" if task == "joint" else "decomposed"
        gap = CLOSE_GAP_PP if task == "optcomp-close" else GAP_PP
        peers_own.whole(problem, log, method=method, seconds=seconds, gap_pp=gap)


# ---- running and judging ------------------------------------------------------------------------------------------


def measure(name: str, peers: list[str], limit: float) -> dict[str, Any]:
    """Run the peers on a case for so many seconds each; figures of all of them."""
    from tests.benchmarks.peers_cases import BY_NAME, problem_of
    from tests.benchmarks.peers_judge import judge
    from tests.benchmarks.peers_program import Choices

    choices = Choices.of(problem_of(BY_NAME[name]))
    found = _head(name) | _size(choices.problem)
    found |= {"pairs": len(choices.tables.pair_unit), "limit": limit, "peers": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / SECONDS).write_text(str(limit), encoding="utf-8")
        found["programs"] = dict(_programs(name, folder, {PEERS[peer] for peer in peers} - {""}))
        for peer in peers:
            program = found["programs"].get(PEERS[peer])
            if program and not program["is_whole"]:
                found["peers"][peer] = {"refused": f"the program is not built: {program['ending']}"}
            else:
                ran = run_task(name, peer, folder, limit + SECONDS_TO_START)
                found["peers"][peer] = judge(choices, ran, limit)
            print(
                name, peer, {k: v for k, v in found["peers"][peer].items() if k not in ("track", "bounds")}, flush=True
            )
    return found


def _programs(name: str, folder: Path, forms: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The joint program in the forms that are asked for; a second form is not tried where the first cannot be built."""
    is_whole = True
    # The matrix first: it needs less, and leaves the start beside it that goes with the exported file.
    for form in ("matrix", "export") if "export" in forms else sorted(forms):
        if is_whole:
            ran = run_task(name, form, folder, BUILD_SECONDS)
        is_whole = ran.is_whole
        facts = {k: v for k, v in asdict(ran).items() if k not in ("found", "bounds")}
        print(name, form, facts, flush=True)
        yield form, facts


def run_task(name: str, task: str, folder: Path, seconds: float) -> Ran:
    """A task in a process of its own; `seconds` of wall clock, all included."""
    command = [sys.executable, "-m", "tests.benchmarks.peers", "--one", name, task, str(folder)]
    return run(command, folder / f"{task}.jsonl", seconds=seconds, memory_gib=MEMORY_GIB)


def size(name: str) -> dict[str, Any]:
    """How large a joint program would be that nobody builds."""
    from tests.benchmarks.peers_cases import BY_NAME, problem_of

    return _head(name) | _size(problem_of(BY_NAME[name]))


def _size(problem: Problem) -> dict[str, Any]:
    from tests.benchmarks.peers_cases import size_of

    plans = tuple(len(rows) for rows in problem.plans)
    counts = f"{len(problem.csms.ids):,} × {len(problem.accounts.ids):,}"
    return {"counts": counts, "plans": plans, "size": asdict(size_of(problem, plans))}


def _head(name: str) -> dict[str, Any]:
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return {"case": name, "date": datetime.date.today().isoformat(), "commit": commit}


if __name__ == "__main__":
    main()
