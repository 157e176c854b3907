"""What a peer's choices are worth: by `evaluate`, from the facts, whoever made them."""

from __future__ import annotations

from typing import Any

from optcomp.evaluate import evaluate
from optcomp.formulation.scope import POINTS
from tests.benchmarks.peers_log import Ran
from tests.benchmarks.peers_program import Choices

LATE = 1.0  # seconds after the limit in which a solver that has stopped may still tell the bound that it stopped with


def judge(choices: Choices, ran: Ran, limit: float) -> dict[str, Any]:
    """Figures of a run, with what came after the time limit left out.

    track : (seconds, points net of prices) of every choice that keeps all hard rules and is better than those before
    bounds : (seconds, points) of every bound told in time; bound : the lowest, None where there is none
    broken : choices that break a hard rule, with the rules
    """
    track: list[tuple[float, float]] = []
    nrr, broken, rules = None, 0, set[str]()
    for at, pairs, plans in ran.found:
        if at > limit:
            continue
        result = evaluate(choices.problem, choices.solution(pairs, plans))
        if result.violations:
            broken += 1
            rules |= {bend.rule_id for bend in result.violations}
        elif not track or POINTS * result.objective > track[-1][1]:
            track.append((at, POINTS * result.objective))
            nrr = POINTS * result.nrr
    bounds = [(at, bound) for at, bound in ran.bounds if at <= limit + LATE]
    return {
        "ending": ran.ending,
        "is_whole": ran.is_whole,
        "seconds": min(ran.seconds, limit),
        "peak_mib": ran.peak_mib,
        "loaded": ran.notes.get("loaded"),
        "track": track,
        "value": track[-1][1] if track else None,
        "nrr": nrr,
        "bound": min((bound for _, bound in bounds), default=None),
        "bounds": bounds,
        "broken": broken,
        "rules": sorted(rules),
    }
