"""HiGHS by itself on the joint program, as somebody would call it who has the matrix."""

from __future__ import annotations

from pathlib import Path

import highspy
import numpy as np

from tests.benchmarks.peers_choice import choice_at
from tests.benchmarks.peers_log import Log


def solve(path: Path, log: Log, *, seconds: float) -> None:
    """Solve a program that `peers_program.write_matrix` wrote, from today's choice on."""
    log.begin()
    matrix = dict(np.load(path))
    highs = _loaded(matrix)
    log.note(loaded=log.seconds)
    highs.setOptionValue("time_limit", max(seconds - log.seconds, 1.0))
    highs.cbMipImprovingSolution.subscribe(
        lambda event: log.found(*choice_at(matrix, np.array(event.data_out.mip_solution)))
    )
    highs.cbMipLogging.subscribe(lambda event: log.bound(float(event.data_out.mip_dual_bound)))
    highs.run()
    info = highs.getInfo()
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        log.found(*choice_at(matrix, np.array(highs.getSolution().col_value)))
    log.bound(float(info.mip_dual_bound))
    log.ended(highs.modelStatusToString(highs.getModelStatus()).lower())


def _loaded(matrix: dict[str, np.ndarray]) -> highspy.Highs:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrix["objective"]), len(matrix["row_lower"])
    lp.col_cost_, lp.offset_, lp.sense_ = matrix["objective"], float(matrix["offset"]), highspy.ObjSense.kMaximize
    lp.col_lower_, lp.col_upper_ = matrix["lower"], matrix["upper"]
    lp.row_lower_, lp.row_upper_ = matrix["row_lower"], matrix["row_upper"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix["starts"], matrix["columns"]
    lp.a_matrix_.value_ = matrix["values"]
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[int(whole)] for whole in matrix["integer"]]
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    highs.passModel(lp)
    known = np.flatnonzero(~np.isnan(matrix["start"])).astype(np.int32)
    highs.setSolution(len(known), known, matrix["start"][known])
    return highs
