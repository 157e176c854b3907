"""What a proved bound rests on, as numbers that can be written down and checked again without a solver.

Of every pool with every set of positions filled: the row duals of its relaxations, which bound all plans by arithmetic;
and what branch and bound claimed beyond them. Of the master: the prices of money. No names, no ids, no worth of pairs.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.knowledge import Claim, Knowledge, Witness
from optcomp.decompose.search import Search
from optcomp.types import FloatArray, IntArray

FORMAT = 1
# Largest content that is unpacked, bytes: some hundred times that of 50,000 accounts.
LARGEST = 1 << 28


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
    """

    bound: float
    money: FloatArray
    move_price: float
    move_limit: float
    plans: tuple[int, ...]
    parts: tuple[Part, ...]


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


# ---- as a file ----------------------------------------------------------------------------------------------------


def certificate_bytes(certificate: Certificate) -> bytes:
    """The content of a certificate.npz; equal certificates give equal bytes."""
    parts = certificate.parts
    tangents = [
        (i, kind, csm, load)
        for i, part in enumerate(parts)
        for kind, own in enumerate(part.tangents)
        for csm, load in own
    ]
    witnesses = [(i, w) for i, part in enumerate(parts) for w in part.witnesses]
    claims = [(i, c) for i, part in enumerate(parts) for c in part.claims]
    filled = [(i, j) for i, part in enumerate(parts) for j in sorted(part.filled)]
    rows = [(n, row) for n, (_, w) in enumerate(witnesses) for row in w.rows]
    arrays: dict[str, FloatArray | IntArray] = {
        "format": np.array([FORMAT]),
        "bound": np.array([certificate.bound, certificate.move_price, certificate.move_limit]),
        "money": certificate.money,
        "plans": _integers(certificate.plans),
        "pool": _integers([part.pool for part in parts]),
        "filled": _integers(filled).reshape(-1, 2),
        "tangent": _integers([t[:3] for t in tangents]).reshape(-1, 3),
        "tangent_load": np.array([t[3] for t in tangents], dtype=np.float64),
        "witness": _integers([(i, w.plan, w.tangents, len(w.duals)) for i, w in witnesses]).reshape(-1, 4),
        "witness_duals": np.concatenate([np.zeros(0), *(w.duals for _, w in witnesses)]),
        "witness_rows": _integers(rows).reshape(-1, 2),
        "claim": _integers([(i, c.plan, c.is_row) for i, c in claims]).reshape(-1, 3),
        "claim_bound": np.array([c.bound for _, c in claims], dtype=np.float64),
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _integers(values: Sequence[object]) -> IntArray:
    return np.array(values, dtype=np.int64)


def read_certificate(content: bytes) -> Certificate:
    """The certificate in a file's content.

    Raises
    ------
    CertificateError
        When it holds none; whether it proves anything is another question (`verify`).
    """
    try:
        return _parsed(_arrays(content))
    except CertificateError:
        raise
    except (KeyError, IndexError, ValueError, OverflowError) as error:
        raise CertificateError("It is not a certificate of this version of optcomp.") from error


def _arrays(content: bytes) -> dict[str, FloatArray]:
    """The arrays of an npz file, none of them an object."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise CertificateError("It is too large.")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CertificateError("It is not a whole npz file.") from error


def _parsed(arrays: dict[str, FloatArray]) -> Certificate:
    if arrays["format"].tolist() != [FORMAT]:
        raise CertificateError("It is of another version.")
    witness = arrays["witness"].astype(np.int64)
    duals = np.split(arrays["witness_duals"].astype(np.float64), np.cumsum(witness[:, 3]))
    witnesses = [
        Witness(plan, duals[n], tangents, tuple(_where(arrays["witness_rows"], n)))
        for n, (_, plan, tangents, _) in enumerate(witness.tolist())
    ]
    bounds = arrays["claim_bound"].astype(np.float64).tolist()
    claim = arrays["claim"].astype(np.int64).tolist()
    claims = [Claim(plan, bound, bool(is_row)) for (_, plan, is_row), bound in zip(claim, bounds, strict=True)]
    parts = tuple(
        Part(
            pool,
            frozenset(_where(arrays["filled"], i)),
            (_tangents(arrays, i, 0), _tangents(arrays, i, 1)),
            tuple(w for owner, w in zip(witness[:, 0].tolist(), witnesses, strict=True) if owner == i),
            tuple(c for (owner, *_), c in zip(claim, claims, strict=True) if owner == i),
        )
        for i, pool in enumerate(arrays["pool"].astype(np.int64).tolist())
    )
    bound, price, limit = arrays["bound"].astype(np.float64).tolist()
    return Certificate(
        bound=bound,
        money=arrays["money"].astype(np.float64),
        move_price=price,
        move_limit=limit,
        plans=tuple(arrays["plans"].astype(np.int64).tolist()),
        parts=parts,
    )


def _where(pairs: FloatArray, first: int) -> list[int]:
    """Second numbers of the rows whose first number is this."""
    rows = pairs.astype(np.int64)
    return [int(second) for second in rows[rows[:, 0] == first, 1]]


def _tangents(arrays: dict[str, FloatArray], part: int, kind: int) -> tuple[tuple[int, float], ...]:
    rows = arrays["tangent"].astype(np.int64)
    own = (rows[:, 0] == part) & (rows[:, 1] == kind)
    return tuple(zip(rows[own, 2].tolist(), arrays["tangent_load"][own].tolist(), strict=True))
