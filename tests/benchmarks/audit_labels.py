"""How often `optcomp audit` gives a pay component the label that it should: companies whose truth is known.

    python -m tests.benchmarks.audit_labels [--worlds 20]

One component of each company is made to pay for true skill, for luck, for the book, or for a habit without results.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from tests.benchmarks import record

COMMAND = "python -m tests.benchmarks.audit_labels"
SIZES = {"S": "15 CSMs", "M": "40 CSMs"}
LABELS = ("pays for results", "pays for luck", "pays for the book", "no signal", "too little data")
WORDS = {
    "results": "true skill of the person, with noise",
    "luck": "a draw, new in every quarter",
    "book": "what the book as dealt leads to expect, with noise",
    "habit": "a constant of the person that has nothing to do with results",
}
NOTES = """\
Each cell is a share of {worlds} invented companies with eight quarters of history under one plan. Half the variable
hangs on the planted component. The label that is right stands in bold. Skill is worth about four points of ARR a year
for one standard deviation; with 15 CSMs two years seldom show that, and the audit then says *no signal*. Better people
hold healthier books in these companies, so pay for the book goes with skill a little as well: part of its *pays for
results* is no mistake."""


def measure(size: str, worlds: int) -> dict[str, Counter[str]]:
    """Labels by what was planted."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from audit_plants import KINDS, planted

    from optcomp.assemble import assemble
    from optcomp.learn.audit.audit import audit
    from optcomp.world.world import make_world

    found: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    for seed in range(worlds):
        past = make_world(size, seed).live("one-plan")
        problem = assemble(past.instance())
        for kind in KINDS:
            found[kind][audit(planted(past, kind, seed), problem).components[0].label] += 1
    return found


def main() -> None:
    """Measure and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", type=int, default=20)
    worlds = parser.parse_args().worlds
    right = dict(zip(WORDS, ("pays for results", "pays for luck", "pays for the book", "no signal"), strict=True))
    parts = [NOTES.format(worlds=worlds)]
    for size, people in SIZES.items():
        found = measure(size, worlds)
        rows = [
            [WORDS[kind], *(_share(found[kind][label] / worlds, label == right[kind]) for label in LABELS)]
            for kind in WORDS
        ]
        parts += [f"## {people}", record.table(["what the component pays for", *LABELS], rows)]
    print(record.write("audit-labels", "Labels of pay components", COMMAND, parts))


def _share(share: float, is_right: bool) -> str:
    return f"**{100 * share:.0f} %**" if is_right else f"{100 * share:.0f} %"


if __name__ == "__main__":
    main()
