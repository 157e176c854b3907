"""Moves and families."""

from __future__ import annotations

import numpy as np

from optcomp.formulation.frame import Frame, Term
from optcomp.formulation.scope import has_priced_moves


def add_moves(frame: Frame) -> None:
    r"""At most so many accounts change their CSM, forced changes apart.

    .. math:: \sum_{uj} m_{uj} x_{uj} \le M

    m_uj  moves that giving unit u to CSM j would count (a family that stays together counts once)

    Where moves have a price and none is free, the price is part of the worth of pairs and no row is needed.
    """
    if has_priced_moves(frame.problem):
        return
    rule, moves = frame.problem.rules["moves"], frame.tables.moves
    terms = [(float(moves[k]), frame.model.x[int(k)]) for k in np.flatnonzero(moves)]
    frame.limit(rule, terms, rule["max"], scale=max(rule["max"], 1.0))


def add_families(frame: Frame) -> None:
    r"""Accounts of one parent have one CSM; where that is soft, every further CSM has a price.

    .. math:: w_{fj} \ge x_{aj} \quad \forall a \in f, \qquad \sum_j w_{fj} \le 1 + \text{slack}_f

    Where it is hard, a family is one unit and nothing needs to be added.
    """
    rule = frame.problem.rules["families"]
    if rule.is_hard:
        return
    family = frame.problem.accounts.family[frame.scope.accounts]
    keys: list[tuple[int, int]] = []
    shared = [f for f in np.unique(family) if (family == f).sum() > 1]
    pairs: dict[tuple[int, int], list[int]] = {}
    for f in shared:
        for unit in np.unique(frame.tables.account_unit[family == f]):
            for k in frame.pairs_of_unit[unit]:
                key = (int(f), int(frame.tables.pair_csm[k]))
                pairs.setdefault(key, []).append(int(k))
    keys = sorted(pairs)
    frame.model.family_csm = frame.variables(keys)
    for key in keys:
        for k in pairs[key]:
            frame.row([(1.0, frame.model.x[k]), (-1.0, frame.model.family_csm[key])], None, 0.0)
    for f in shared:
        terms: list[Term] = [(1.0, frame.model.family_csm[key]) for key in keys if key[0] == f]
        frame.limit(rule, terms, 1.0, scale=1.0)
