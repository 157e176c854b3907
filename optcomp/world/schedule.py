"""Which plan applied to whom and when, in an invented history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from optcomp.catalog import load_mix
from optcomp.plan import Plan
from optcomp.types import IntArray

HistoryKind = Literal["one-plan", "switch-all", "staggered", "pilot"]
HISTORY_KINDS: tuple[HistoryKind, ...] = ("one-plan", "switch-all", "staggered", "pilot")

TODAY_MIX, TODAY_SHARE = "individual-bonus", 0.13
# What companies try: (mix, variable share of OTE).
_TRIALS = (
    ("activities-expansion", 0.18),
    ("retention-activities-gate", 0.18),
    ("activities-results", 0.13),
    ("flexible-factors", 0.13),
    ("renewal-expansion-gate", 0.20),
    ("expansion-led", 0.18),
)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Plans, and their index per (segment, quarter) and per (seat, quarter)."""

    plans: tuple[Plan, ...]
    by_segment: IntArray
    by_seat: IntArray


def make_schedule(
    kind: HistoryKind, quarters: int, segment_of_seat: IntArray, segments: int, rng: np.random.Generator
) -> Schedule:
    """A schedule of a kind.

    one-plan : nothing ever changes; switch-all : everyone gets a new plan half-way; staggered : segment after segment
    does; pilot : half-way the seats of each segment are drawn into three arms, today's plan and two others
    """
    first, second = rng.permutation(len(_TRIALS))[:2]
    plans = tuple(history_plan(*spec) for spec in ((TODAY_MIX, TODAY_SHARE), _TRIALS[first], _TRIALS[second]))
    by_segment = np.zeros((segments, quarters), dtype=np.int64)
    if kind == "switch-all":
        by_segment[:, quarters // 2 :] = 1
    elif kind == "staggered":
        for turn, segment in enumerate(rng.permutation(segments)):
            by_segment[segment, quarters * (turn + 1) // (segments + 1) :] = 1
    by_seat = by_segment[segment_of_seat].copy()
    if kind == "pilot":
        by_seat[:, quarters // 2 :] = _arms(segment_of_seat, rng)[:, None]
    return Schedule(plans, by_segment, by_seat)


def history_plan(mix: str, variable_share: float) -> Plan:
    """A shipped mix at everybody's own base."""
    return Plan(f"{mix} {variable_share:.2f}", load_mix(mix, None), 1.0, variable_share)


def _arms(segment_of_seat: IntArray, rng: np.random.Generator) -> IntArray:
    """An arm (0, 1, 2) for every seat, as even as can be within each segment."""
    arms = np.empty(len(segment_of_seat), dtype=np.int64)
    for segment in np.unique(segment_of_seat):
        seats = np.flatnonzero(segment_of_seat == segment)
        arms[rng.permutation(seats)] = (np.arange(len(seats)) + rng.integers(3)) % 3
    return arms
