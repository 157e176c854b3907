"""Plans and books together, by `optcomp.solve` over draws, and what they really bring."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

from optcomp.assemble import assemble
from optcomp.learn.draws import belief_of
from optcomp.learn.fit import fit
from optcomp.learn.priors import load_priors
from optcomp.solve import Settings, solve
from optcomp.uncertain import uncertainty
from optcomp.world.priors import PriorKind, write_prior
from optcomp.world.schedule import HistoryKind
from optcomp.world.world import make_world

CASES: tuple[tuple[HistoryKind, PriorKind], ...] = (("one-plan", "sound"), ("pilot", "sound"), ("one-plan", "wrong"))
RISKS: tuple[Literal["mean", "cvar"], ...] = ("mean", "cvar")


def run_whole(size: str, worlds: int, keep: Path) -> None:
    """A record for each world, history, prior and risk; those that are kept are not run again."""
    lines = keep.read_text(encoding="utf-8").splitlines() if keep.exists() else []
    done = {tuple(json.loads(line)[k] for k in ("size", "seed", "history", "prior", "risk")) for line in lines}
    for seed in range(1, worlds + 1):
        for kind, prior in CASES:
            for risk in RISKS:
                if (size, seed, kind, prior, risk) not in done:
                    record = _solved(size, seed, kind, prior, risk)
                    with keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(record) + "\n")
                    print(record, file=sys.stderr, flush=True)


def _solved(
    size: str, seed: int, kind: HistoryKind, prior: PriorKind, risk: Literal["mean", "cvar"]
) -> dict[str, object]:
    past, started = make_world(size, seed).live(kind), time.perf_counter()
    problem = assemble(past.instance())
    with tempfile.TemporaryDirectory() as folder:
        found = fit(past.history(), problem, load_priors(write_prior(prior, Path(folder)), Path(folder)), draws=64)
    problem = replace(problem, belief=belief_of(found.told, problem.response))
    result = solve(problem, Settings(time_limit_seconds=120.0, risk=risk, workers=1))
    assert result.solution is not None
    known = uncertainty(result.problem, result.solution)
    assert known is not None
    plans = {
        s.name: next(p for p in problem.plans[i] if p.plan_id == result.solution.plan_by_segment[s.name])
        for i, s in enumerate(problem.segments)
    }
    today = {s.name: problem.plans[i][0] for i, s in enumerate(problem.segments)}
    kept = {a: problem.csms.ids[j] for a, j in zip(problem.accounts.ids, problem.accounts.csm, strict=True)}
    before = past.true_nrr(today, kept).nrr
    true = 100.0 * (past.true_nrr(plans, result.solution.csm_by_account).nrr - before)
    return {
        "size": size, "seed": seed, "history": kind, "prior": prior, "risk": risk, "true": true,
        "true_plans": 100.0 * (past.true_nrr(plans, kept).nrr - before), "promised": known.uplift,
        "honest": known.honest, "gap": result.gap_pp if result.caution is None else result.caution.gap_pp,
        "moves": result.evaluation.moves if result.evaluation else 0,
        "inside": known.uplift_low <= true <= known.uplift_high, "seconds": time.perf_counter() - started,
    }  # fmt: skip
