"""The assignment core on the public generalised assignment benchmarks, beside HiGHS and CP-SAT.

    python -m tests.benchmarks.gap [--classes d,e] [--methods core] [--seconds 30] [--again]

Every row is one fresh process on two cores, one after the other. Answers are kept in build/gap, so that classes can be
measured one at a time; the page is made from all of them. An answer is judged anew whenever the page is made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import gap_page
from tests.benchmarks.gap_cases import CLASSES, FOLDER, Case, cases, read, score

KEPT = Path(__file__).parents[2] / "build" / "gap"
NAMES = ("core", "highs", "cpsat")
SECONDS_TO_LEAVE = 120.0  # beside the limit: starting, building the program, coming back


def main() -> None:
    """Measure what is not measured yet and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", default=",".join(CLASSES), help="with commas between")
    parser.add_argument("--methods", default=",".join(NAMES), help="with commas between")
    parser.add_argument("--seconds", type=float, default=30.0, help="limit for every method and instance")
    parser.add_argument("--again", action="store_true", help="measure again what was measured before")
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "NAME"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not cases():
        print(f"{FOLDER} is absent: nothing is measured.")
        return
    if arguments.one:
        one(*arguments.one, arguments.seconds)
        return
    for case in cases():
        for method in arguments.methods.split(","):
            path = kept(method, case, arguments.seconds)
            if case.kind in arguments.classes.split(",") and (arguments.again or not path.exists()):
                answer = ask(method, case, arguments.seconds)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(answer), encoding="utf-8")
                print(method, case.name, score(case, answer), flush=True)
    limits = {float(folder.name.removesuffix("s")) for folder in KEPT.glob("*s")} - {arguments.seconds}
    other = {seconds: collect(seconds) for seconds in sorted(limits)}
    print(gap_page.write(arguments.seconds, collect(arguments.seconds), other, on_one_core(arguments.seconds)))


def one(method: str, name: str, seconds: float) -> None:
    """What a process of its own does: one method on one instance, its answer on standard output."""
    from tests.benchmarks.gap_methods import measure

    case = next(c for c in cases() if c.name == name)
    print(json.dumps(measure(method, *read(case), seconds)))


def ask(method: str, case: Case, seconds: float) -> dict[str, Any]:
    """The answer of a method in a process of its own; an empty one when it fails or never ends."""
    command = [sys.executable, "-m", "tests.benchmarks.gap", "--one", method, case.name, "--seconds", str(seconds)]
    limit = seconds + SECONDS_TO_LEAVE
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=limit)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"{method} failed on {case.name}: {error}", file=sys.stderr)
        return {"owner": None, "bound": -1e30, "seconds": limit}
    return dict(json.loads(done.stdout.splitlines()[-1]))


def kept(method: str, case: Case, seconds: float) -> Path:
    """Where an answer is kept."""
    return KEPT / f"{seconds:g}s" / f"{case.name}-{method}.json"


def on_one_core(seconds: float) -> set[tuple[str, str]]:
    """Classes and methods that had to share the machine and got one core of it."""
    found = {(case.kind, method, kept(method, case, seconds)) for case in cases() for method in NAMES}
    return {
        (kind, method)
        for kind, method, path in found
        if path.exists() and json.loads(path.read_text(encoding="utf-8")).get("cores") == 1
    }


def collect(seconds: float) -> gap_page.Scores:
    """All kept answers, judged, by instance and method."""
    found: gap_page.Scores = {}
    for case in cases():
        for method in NAMES:
            path = kept(method, case, seconds)
            if path.exists():
                answer = json.loads(path.read_text(encoding="utf-8"))
                found.setdefault(case, {})[method] = score(case, answer)
    return found


if __name__ == "__main__":
    main()
