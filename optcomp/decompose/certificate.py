"""What a proved bound rests on, as numbers that can be written down and checked again without a solver.

Of every pool with every set of positions filled: the row duals of its relaxations, which bound all plans by arithmetic;
and what branch and bound claimed beyond them. Of the master: the prices of money. No names, no ids, no worth of pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optcomp.decompose.knowledge import Claim, Knowledge, Witness
from optcomp.decompose.search import Search
from optcomp.types import FloatArray


class CertificateError(ValueError):
    """A certificate that cannot be one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One pool with positions filled.

    pool : its number; filled : rows of the positions; tangents : for each kind of program (renewals paid quarterly or
        not) the CSM row and the load of every tangent, in their order
    """

    pool: int
    filled: frozenset[int]
    tangents: tuple[tuple[tuple[int, float], ...], tuple[tuple[int, float], ...]]
    witnesses: tuple[Witness, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """The bound in points of NRR, and what it rests on.

    money : prices of the money rules, points per share of each limit
    move_price, move_limit : points charged for a move, and the moves that are allowed for it; 0 where moves are not
        limited
    plans : number of plans of every segment; parts : in the order of pools
    jointly : bound in points that branch and bound claimed on top, on the joint program or on pools with so many moves;
        inf where it was not asked
    """

    bound: float
    money: FloatArray
    move_price: float
    move_limit: float
    plans: tuple[int, ...]
    parts: tuple[Part, ...]
    jointly: float = np.inf


def certify(search: Search, bound: float) -> Certificate | None:
    """What the bound of a search rests on, moves charged at its price; None where nothing is proved."""
    values = [{f: k.upper for f, k in pool.items()} for pool in search.known]
    everything = np.concatenate([upper for pool in values for upper in pool.values()])
    if not np.isfinite(bound) or (everything == np.inf).any():
        return None
    choices = search.master.choices(values, search.active)
    money = np.zeros(len(search.master.money_rules))
    return Certificate(
        bound=bound,
        money=money if choices is None else search.master.price(choices, search.active),
        move_price=search.move_price,
        move_limit=0.0,
        plans=tuple(len(rows) for rows in search.problem.plans),
        parts=tuple(_part(k, f, known) for k, pool in enumerate(search.known) for f, known in pool.items()),
    )


def _part(pool: int, filled: frozenset[int], known: Knowledge) -> Part:
    return Part(
        pool, filled, (known.tangents(False), known.tangents(True)), tuple(known.witnesses), tuple(known.claims)
    )
