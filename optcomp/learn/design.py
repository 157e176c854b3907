"""Rows, columns and priors of one outcome, put together into a design matrix with names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.learn.newton import Rows
from optcomp.types import BoolArray, FloatArray, IntArray

#: Coefficients whose sign theory fixes; draws with the other sign are drawn again.
SIGNED = frozenset(
    {"outcome.renew.retain", "outcome.expand.expand", "hill.renew.GRR", "hill.expand.EXP",
     "outcome.load_renew", "outcome.load_expand", "turnover.pay"}
)  # fmt: skip


@dataclass(frozen=True)
class Design:
    """Rows of one outcome with a name for every coefficient.

    Names are keys of the response model file where there is one, else ``level.<outcome>.<segment>``,
    ``quarter.<n>`` or ``nuisance.<column>``. index : the rows of the history that are used
    """

    outcome: str
    names: tuple[str, ...]
    rows: Rows
    index: IntArray

    @property
    def signed(self) -> tuple[int, ...]:
        """Columns whose sign is fixed."""
        return tuple(k for k, name in enumerate(self.names) if name in SIGNED)


@dataclass(frozen=True)
class Column:
    """One coefficient: its name, its values in all rows, and its prior."""

    name: str
    values: FloatArray
    mean: float
    sd: float


def design_of(
    outcome: str,
    columns: Sequence[Column],
    y: FloatArray | BoolArray,
    index: IntArray,
    group: IntArray | None = None,
    groups: int = 0,
) -> Design:
    """The design of an outcome; without groups there are no random effects."""
    rows = Rows(
        x=np.column_stack([c.values for c in columns]),
        y=np.asarray(y, dtype=np.float64),
        group=np.zeros(len(index), dtype=np.int64) if group is None else group,
        groups=groups,
        mean=np.array([c.mean for c in columns]),
        sd=np.array([c.sd for c in columns]),
        kind="gaussian" if outcome == "size" else "logit",
    )
    return Design(outcome, tuple(c.name for c in columns), rows, index)
