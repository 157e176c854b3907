"""The programs of the core: pairs under hours, and books of which every CSM gets one."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from optcomp.engine import Program
from optcomp.types import FloatArray, IntArray
from tests.benchmarks.gap_core.task import Assignment


def of_pairs(task: Assignment, csm: IntArray, account: IntArray) -> Program:
    """Accounts in these pairs to one CSM each, within the hours of the CSMs; a column a pair.

    Rows are the accounts in the order of their numbers, then the CSMs.
    """
    _, row = np.unique(account, return_inverse=True)
    csms, csm_row = np.unique(csm, return_inverse=True)
    count, columns = int(row.max(initial=-1)) + 1, np.arange(len(csm))
    entries = csr_matrix(
        (
            np.concatenate([np.ones(len(csm)), task.load[csm, account]]),
            (np.concatenate([row, count + csm_row]), np.concatenate([columns, columns])),
        ),
        shape=(count + len(csms), len(csm)),
    )
    ones = np.ones(count)
    return _program(
        -task.cost[csm, account],
        entries,
        np.append(ones, np.full(len(csms), -np.inf)),
        np.append(ones, task.capacity[csms]),
    )


def _program(value: FloatArray, entries: csr_matrix, low: FloatArray, high: FloatArray) -> Program:
    size = len(value)
    return Program(
        objective=value,
        offset=0.0,
        lower=np.zeros(size),
        upper=np.ones(size),
        integer=np.ones(size, dtype=np.bool_),
        row_lower=low,
        row_upper=high,
        starts=entries.indptr,
        columns=entries.indices,
        values=entries.data,
    )


def owners_of_pairs(point: FloatArray, csm: IntArray, account: IntArray, owner: IntArray) -> IntArray:
    """`owner` with the pairs that a point uses put in."""
    used = point > 0.5
    result = owner.copy()
    result[account[used]] = csm[used]
    return result
