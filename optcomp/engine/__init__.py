"""The one door to HiGHS: arrays in; incumbent, bound and duals out; solved in supervised child processes."""

from optcomp.engine.executor import Executor
from optcomp.engine.job import Ending, Job, Limits, Outcome, Progress
from optcomp.engine.program import Program
from optcomp.engine.supervisor import Engine, Interruption, interruptible

__all__ = [
    "Ending",
    "Engine",
    "Executor",
    "Interruption",
    "Job",
    "Limits",
    "Outcome",
    "Program",
    "Progress",
    "interruptible",
]
