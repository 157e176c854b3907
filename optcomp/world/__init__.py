"""Invented companies: large instances for benchmarks, and worlds with planted truth and a history.

Everything is drawn from a seed; the same seed gives the same company. No figure here describes a real one.
"""

from optcomp.world.exact import TrueValue
from optcomp.world.large import large_instance
from optcomp.world.schedule import HISTORY_KINDS, HistoryKind, Schedule, history_plan
from optcomp.world.world import SIZES, Past, World, make_world, make_world_of

__all__ = [
    "HISTORY_KINDS",
    "SIZES",
    "HistoryKind",
    "Past",
    "Schedule",
    "TrueValue",
    "World",
    "history_plan",
    "large_instance",
    "make_world",
    "make_world_of",
]
