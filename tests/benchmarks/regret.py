"""What believing a fit costs or brings, where the truth is known: decision regret in planted worlds.

    python -m tests.benchmarks.regret --quick           thresholds, under a minute (CI)
    python -m tests.benchmarks.regret                   20 worlds of 15 CSMs, every history and prior
    python -m tests.benchmarks.regret --size M --worlds 8

Plans are chosen at today's books, by enumeration within the budget for the model and the oracle alike, so that regret
is the prediction's. `--whole N` also solves plans and books together in N worlds with `optcomp.solve`. Results of each
case are kept as JSON lines in `--keep` (rivals beside it, for they have no prior), so that a run may be continued.
Rivals need the extra `benchmark`; boosting waits for its threads on a busy machine, so set OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from optcomp.learn.priors import load_priors
from optcomp.plan import Component, Mix, Plan
from optcomp.uncertain import BADLY_PP, LIKELY, WORST_SHARE, honest_gain, worst_mean
from optcomp.world.priors import PRIOR_KINDS, PriorKind, write_prior
from optcomp.world.schedule import HISTORY_KINDS, HistoryKind
from optcomp.world.world import make_world
from tests.benchmarks.regret_case import Believed, Chosen, Truth, best_seen, equal_arr_books
from tests.benchmarks.regret_page import page

DRAWS = 64
QUICK_WORLDS = 4
RIVAL_WORLDS = 6  # boosting takes as long as everything else together
Record = dict[str, Any]
# What 40/40/20 on renewals, expansion and satisfaction is as a plan (002-1), at a usual variable share.
FORTY = Plan(
    "40/40/20", Mix("40/40/20", (Component("GRR", 0.4), Component("EXP", 0.4), Component("CSAT", 0.2))), 1.0, 0.18
)


class Case:
    """One world with one history."""

    def __init__(self, size: str, seed: int, kind: HistoryKind) -> None:
        self.head: Record = {"size": size, "seed": seed, "history": kind}
        past = make_world(size, seed).live(kind)
        self.history, self.truth = past.history(), Truth(past)

    def records(self, priors: list[PriorKind]) -> list[Record]:
        """What the fit makes of it, a record for each prior."""
        truth, kind = self.truth, self.head["history"]
        head = self.head | {
            "oracle": truth.gain(truth.best(truth.values)),
            "oracle_free": truth.gain(truth.best(truth.values, guarded=False)),
        }
        with tempfile.TemporaryDirectory() as folder:
            return [head | _learned(truth, self.history, kind, prior, Path(folder)) for prior in priors]

    def rivals(self) -> Record:
        """What others make of it; they have no prior."""
        learned = self.head["seed"] <= RIVAL_WORLDS
        return self.head | {"rivals": _rivals(self.truth, self.history, learned=learned)}


def _learned(truth: Truth, history: Any, kind: str, prior: PriorKind, folder: Path) -> Record:
    started = time.perf_counter()
    believed = Believed(truth, history, load_priors(write_prior(prior, folder), folder), DRAWS)
    ways = {
        "mean": believed.mean(), "cvar": believed.cautious(),
        "mean_free": believed.mean(guarded=False), "cvar_free": believed.cautious(guarded=False),
    }  # fmt: skip
    inside, rmse, brier = believed.coverage()
    belief = believed.problem.belief
    assert belief is not None
    return {
        "prior": prior,
        "ways": {name: _way(truth, believed, way) for name, way in ways.items()},
        "honest_share": None if np.isnan(belief.honest_share) else belief.honest_share,
        "coverage": inside, "rmse": rmse, "brier": brier, "calibration": believed.calibration(),
        "flag_right": believed.fit.identification.is_one_plan == (kind == "one-plan"),
        "seconds": time.perf_counter() - started,
    }  # fmt: skip


def _way(truth: Truth, believed: Believed, way: Chosen) -> Record:
    gains = believed.gains(way.plans)
    belief = believed.problem.belief
    chance, bad = float((gains > 0.0).mean()), worst_mean(gains, WORST_SHARE)
    is_identified = belief is not None and belief.is_identified
    share = belief.honest_share if belief else float("nan")
    return {
        "true": truth.gain(way.plans), "promised": way.promised, "honest": honest_gain(way.promised, share),
        "chance": chance, "bad": bad, "adopted": bool(is_identified and chance >= LIKELY and bad >= BADLY_PP),
    }  # fmt: skip


def _rivals(truth: Truth, history: Any, *, learned: bool) -> Record:

    today = truth.of([0] * len(truth.problem.segments))
    forty = truth.of_plans({s.name: FORTY for s in truth.problem.segments})
    found: Record = {
        "40/40/20": {"true": truth.points(float((forty - today).sum()))},
        "equal-ARR books": {"true": equal_arr_books(truth)},
        "best plan seen": {"true": truth.points(float((best_seen(truth, history) - today).sum()))},
    }
    if learned:
        from tests.benchmarks.regret_rivals import RIVALS, choose

        for name, make in RIVALS.items():
            chosen = choose(truth, history, make)
            found[name] = {"true": truth.gain(chosen.plans), "promised": chosen.promised}
    return found


def run(size: str, worlds: int, kinds: list[HistoryKind], priors: list[PriorKind], keep: Path | None) -> list[Record]:
    """Every case; those that `keep` and the file of rivals beside it hold already are not run again."""
    records, rivals = _kept(keep), _kept(_rivals_of(keep))
    for seed in range(1, worlds + 1):
        for kind in kinds:
            key = (size, seed, kind)
            have = {r["prior"] for r in records if _key(r) == key}
            wanted = [p for p in priors if p not in have]
            is_compared = keep is None or any(_key(r) == key for r in rivals)
            if not wanted and is_compared:
                continue
            case, started = Case(*key), time.perf_counter()
            fresh = case.records(wanted)
            records += fresh
            _add(keep, fresh)
            if not is_compared:
                rivals.append(case.rivals())
                _add(_rivals_of(keep), rivals[-1:])
            print(size, seed, kind, f"{time.perf_counter() - started:.1f} s", file=sys.stderr, flush=True)
    return records


def _key(record: Record) -> tuple[str, int, str]:
    return record["size"], record["seed"], record["history"]


def _rivals_of(keep: Path | None) -> Path | None:
    return keep.with_suffix(".rivals.jsonl") if keep else None


def _kept(keep: Path | None) -> list[Record]:
    if keep is None or not keep.exists():
        return []
    return [json.loads(line) for line in keep.read_text(encoding="utf-8").splitlines()]


def _add(keep: Path | None, records: list[Record]) -> None:
    if keep is not None:
        with keep.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(r) + "\n" for r in records)


def quick() -> list[str]:
    """What the thresholds of CI say against a small run; nothing when they hold (SCIENCE 4.3)."""
    records = run("S", QUICK_WORLDS, ["one-plan", "pilot"], ["sound"], None)
    ways = [r["ways"]["mean"] for r in records]
    capture = sum(w["true"] for w in ways) / sum(r["oracle"] for r in records)
    worse = sum(w["true"] < 0.0 for w in ways)
    inside = float(np.mean([r["coverage"] for r in records]))
    print(f"capture {capture:.2f}, worse than today {worse} of {len(ways)}, coverage {inside:.2f}")
    failed = [f"captures {capture:.2f} of the oracle's gain, below 0.65"] if capture < 0.65 else []
    failed += [f"{worse} cases are worse than today"] if worse else []
    failed += [] if 0.80 <= inside <= 0.99 else [f"90 % intervals hold the truth in {inside:.2f} of cases"]
    failed += [] if all(r["flag_right"] for r in records) else ["a history of one plan is not flagged, or another is"]
    return failed


def main() -> None:
    """Run, and keep the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--size", default="S", choices=["S", "M", "L"])
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--histories", nargs="+", default=list(HISTORY_KINDS), choices=HISTORY_KINDS)
    parser.add_argument("--priors", nargs="+", default=list(PRIOR_KINDS), choices=PRIOR_KINDS)
    parser.add_argument("--keep", type=Path, default=Path("build/regret.jsonl"))
    parser.add_argument("--whole", type=int, default=0, metavar="N", help="worlds solved with books as well")
    parser.add_argument("--no-page", dest="page", action="store_false", help="only keep the results")
    arguments = parser.parse_args()
    if arguments.quick:
        failed = quick()
        raise SystemExit("; ".join(failed) if failed else 0)
    arguments.keep.parent.mkdir(parents=True, exist_ok=True)
    records = run(arguments.size, arguments.worlds, arguments.histories, arguments.priors, arguments.keep)
    if arguments.whole:
        from tests.benchmarks.regret_whole import run_whole

        run_whole(arguments.size, arguments.whole, arguments.keep.with_suffix(".whole.jsonl"))
    if arguments.page:
        print(page(records, _kept(_rivals_of(arguments.keep)), _kept(arguments.keep.with_suffix(".whole.jsonl"))))


if __name__ == "__main__":
    main()
