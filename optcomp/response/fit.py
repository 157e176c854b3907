"""How well a CSM fits an account: industry, language, and level against complexity, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optcomp.instance import Account, Csm
from optcomp.response.parameters import FitFormula
from optcomp.types import FloatArray

COMPLEXITY_RANGE = (1.0, 5.0)  # Account.complexity


def fit_matrix(accounts: Sequence[Account], csms: Sequence[Csm], formula: FitFormula) -> FloatArray:
    """Fit of every account (rows) with every CSM (columns), one vector operation per CSM.

    A match is 1 where the CSM has the account's industry or language, 0 where not, `neutral` where either side is
    blank. A level that is below the account's complexity loses the difference; a level above it loses nothing.
    """
    low, high = COMPLEXITY_RANGE
    complexity = (np.array([a.complexity for a in accounts], dtype=float) - low) / (high - low)
    fit = np.empty((len(accounts), len(csms)))
    industries = np.array([a.industry for a in accounts], dtype=object)
    languages = np.array([a.language for a in accounts], dtype=object)
    for column, csm in enumerate(csms):
        rank = formula.level_rank.get(csm.level, formula.neutral)
        fit[:, column] = (
            formula.industry * _match(industries, csm.industries, formula.neutral)
            + formula.language * _match(languages, csm.languages, formula.neutral)
            + formula.level * (1.0 - np.maximum(complexity - rank, 0.0))
        )
    return fit


def _match(values: np.ndarray, known: tuple[str, ...], neutral: float) -> FloatArray:
    if not known:
        return np.full(len(values), neutral)
    return np.where(values == "", neutral, np.isin(values.astype(str), known).astype(float))
