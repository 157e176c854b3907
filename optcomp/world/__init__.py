"""Invented companies: large instances for benchmarks, and worlds with planted truth and a history.

Everything is drawn from a seed; the same seed gives the same company. No figure here describes a real one.
"""

from optcomp.world.large import large_instance

__all__ = ["large_instance"]
