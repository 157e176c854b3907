"""SCIP on the file that `optcomp export` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyscipopt import SCIP_EVENTTYPE, Eventhdlr, Model

from tests.benchmarks.peers_choice import choice_named
from tests.benchmarks.peers_log import Log

# SCIP watches its own memory below the limit of the process and then stops with what it has.
SHARE_OF_MEMORY = 0.9


def solve(path: Path, start: Path, log: Log, *, seconds: float, segments: int, memory_gib: float) -> None:
    """Solve an exported program (MPS), from a choice on that `peers_program.write_matrix` left beside it."""
    log.begin()
    model = Model()
    model.hideOutput()
    model.readProblem(str(path))
    model.addSol(model.readSolFile(str(start)))
    log.note(loaded=log.seconds)
    # The original variables: presolving replaces some, and a solution knows them all.
    told = _Told(log, segments, [v for v in model.getVars() if v.name[:2] in ("x(", "z(")])
    model.includeEventhdlr(told, "told", "writes every improvement at once")
    model.setParam("limits/time", max(seconds - log.seconds, 1.0))
    model.setParam("limits/memory", SHARE_OF_MEMORY * memory_gib * 1024.0)
    model.optimize()
    told.tell_bound()
    if model.getNSols():
        told.tell_best()
    log.ended(str(model.getStatus()))


class _Told(Eventhdlr):  # type: ignore[misc]
    """Tells of every better choice, and of the bound whenever a node or a relaxation is done."""

    EVENTS = SCIP_EVENTTYPE.BESTSOLFOUND | SCIP_EVENTTYPE.NODESOLVED | SCIP_EVENTTYPE.LPSOLVED

    def __init__(self, log: Log, segments: int, choices: list[Any]) -> None:
        self.log, self.segments, self.choices = log, segments, choices

    def eventinit(self) -> None:
        self.model.catchEvent(self.EVENTS, self)

    def eventexit(self) -> None:
        self.model.dropEvent(self.EVENTS, self)

    def eventexec(self, event: Any) -> None:
        if event.getType() == SCIP_EVENTTYPE.BESTSOLFOUND:
            self.tell_best()
        self.tell_bound()

    def tell_best(self) -> None:
        """The best choice so far."""
        best = self.model.getBestSol()
        values = {v.name: self.model.getSolVal(best, v) for v in self.choices}
        self.log.found(*choice_named(values, self.segments))

    def tell_bound(self) -> None:
        """The bound so far, where there is one."""
        bound = float(self.model.getDualbound())
        if abs(bound) < self.model.infinity():
            self.log.bound(bound)
