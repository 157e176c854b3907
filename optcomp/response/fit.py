"""How well a CSM fits an account: industry, language, and level against complexity, in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from optcomp.instance import Account, Csm
from optcomp.response.parameters import FitFormula
from optcomp.types import FloatArray, IntArray

COMPLEXITY_RANGE = (1.0, 5.0)  # Account.complexity


def fit_matrix(accounts: Sequence[Account], csms: Sequence[Csm], formula: FitFormula) -> FloatArray:
    """Fit of every account (rows) with every CSM (columns)."""
    account, csm = np.indices((len(accounts), len(csms))).reshape(2, -1)
    return FitOfPairs(accounts, csms, formula)(account, csm).reshape(len(accounts), len(csms))


class FitOfPairs:
    """Fit of any pairs of account and CSM, from tables of a row per account and a row per CSM.

    A match is 1 where the CSM has the account's industry or language, 0 where not, `neutral` where either side is
    blank. A level that is below the account's complexity loses the difference; a level above it loses nothing.
    """

    def __init__(self, accounts: Sequence[Account], csms: Sequence[Csm], formula: FitFormula) -> None:
        low, high = COMPLEXITY_RANGE
        self._formula = formula
        self._complexity = (np.array([a.complexity for a in accounts], dtype=float) - low) / (high - low)
        self._rank = np.array([formula.level_rank.get(c.level, formula.neutral) for c in csms], dtype=float)
        self._industry = _Match([a.industry for a in accounts], [c.industries for c in csms], formula.neutral)
        self._language = _Match([a.language for a in accounts], [c.languages for c in csms], formula.neutral)

    def __call__(self, account: IntArray, csm: IntArray) -> FloatArray:
        """Fit of pairs by account and CSM row, shape (pairs,)."""
        formula = self._formula
        return np.asarray(
            formula.industry * self._industry(account, csm)
            + formula.language * self._language(account, csm)
            + formula.level * (1.0 - np.maximum(self._complexity[account] - self._rank[csm], 0.0))
        )


class _Match:
    """Whether a CSM knows what an account has: a number for each thing, and a table of CSMs × things."""

    def __init__(self, has: Sequence[str], knows: Sequence[Sequence[str]], neutral: float) -> None:
        things = {name: k for k, name in enumerate(sorted({*has}))}
        self._thing = np.array([things[name] for name in has], dtype=np.int64)
        self._score = np.zeros((len(knows), len(things)))
        for row, names in zip(self._score, knows, strict=True):
            row[[things[name] for name in names if name in things]] = 1.0
            if not names:
                row[:] = neutral
        if "" in things:
            self._score[:, things[""]] = neutral

    def __call__(self, account: IntArray, csm: IntArray) -> FloatArray:
        """1, 0 or neutral, shape (pairs,)."""
        return np.asarray(self._score[csm, self._thing[account]])
