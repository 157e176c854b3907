"""Certificates of every path: as the content of a file, and what they prove."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence

import numpy as np

from optcomp.decompose.certificate import Certificate, CertificateError, Part
from optcomp.decompose.knowledge import Claim, Witness
from optcomp.decompose.verify import Proof, verify
from optcomp.hooks import Hook
from optcomp.joint_certificate import JointCertificate, verify_jointly
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray

FORMAT = 2
# Largest content that is unpacked, bytes: some hundred times that of 50,000 accounts.
LARGEST = 1 << 28

AnyCertificate = Certificate | JointCertificate
Arrays = dict[str, FloatArray | IntArray]


def proof_of(problem: Problem, certificate: AnyCertificate, hooks: Sequence[Hook] = ()) -> Proof:
    """What a certificate proves about a problem; `hooks` are the constraints of one's own that it was solved with.

    Raises
    ------
    CertificateError
        When it does not belong to the problem.
    """
    if isinstance(certificate, JointCertificate):
        return verify_jointly(problem, certificate, hooks)
    return verify(problem, certificate)


# ---- to a file ----------------------------------------------------------------------------------------------------


def certificate_bytes(certificate: AnyCertificate) -> bytes:
    """The content of a certificate.npz; equal certificates give equal bytes."""
    arrays = _joint_arrays(certificate) if isinstance(certificate, JointCertificate) else _arrays_of(certificate)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def _joint_arrays(certificate: JointCertificate) -> Arrays:
    return {
        "format": np.array([FORMAT]),
        "bound": np.array([certificate.bound, certificate.relaxed]),
        "duals": certificate.duals,
        "tangent": _integers([csm for csm, _ in certificate.tangents]),
        "tangent_load": np.array([load for _, load in certificate.tangents], dtype=np.float64),
    }


def _arrays_of(certificate: Certificate) -> Arrays:
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
    return {
        "format": np.array([FORMAT]),
        "bound": np.array([certificate.bound, certificate.move_price, certificate.move_limit, certificate.jointly]),
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
        "claim_price": np.array([c.move_price for _, c in claims], dtype=np.float64),
    }


def _integers(values: Sequence[object]) -> IntArray:
    return np.array(values, dtype=np.int64)


# ---- from a file --------------------------------------------------------------------------------------------------


def read_certificate(content: bytes) -> AnyCertificate:
    """The certificate in a file's content.

    Raises
    ------
    CertificateError
        When it holds none; whether it proves anything is another question (`verify`).
    """
    try:
        arrays = _arrays_in(content)
        if arrays["format"].tolist() != [FORMAT]:
            raise CertificateError("It is of another version.")
        return _jointly_parsed(arrays) if "duals" in arrays else _parsed(arrays)
    except CertificateError:
        raise
    except (KeyError, IndexError, ValueError, OverflowError) as error:
        raise CertificateError("It is not a certificate of this version of optcomp.") from error


def _arrays_in(content: bytes) -> Arrays:
    """The arrays of an npz file, none of them an object."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST:
                raise CertificateError("It is too large.")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CertificateError("It is not a whole npz file.") from error


def _jointly_parsed(arrays: Arrays) -> JointCertificate:
    bound, relaxed = arrays["bound"].astype(np.float64).tolist()
    tangents = zip(arrays["tangent"].astype(np.int64).tolist(), arrays["tangent_load"].tolist(), strict=True)
    return JointCertificate(bound, relaxed, arrays["duals"].astype(np.float64), tuple(tangents))


def _parsed(arrays: Arrays) -> Certificate:
    witness = arrays["witness"].astype(np.int64)
    duals = np.split(arrays["witness_duals"].astype(np.float64), np.cumsum(witness[:, 3]))
    witnesses = [
        Witness(plan, duals[n], tangents, tuple(_where(arrays["witness_rows"], n)))
        for n, (_, plan, tangents, _) in enumerate(witness.tolist())
    ]
    bounds, prices = (arrays[name].astype(np.float64).tolist() for name in ("claim_bound", "claim_price"))
    claim = arrays["claim"].astype(np.int64).tolist()
    claims = [
        Claim(plan, bound, bool(is_row), price)
        for (_, plan, is_row), bound, price in zip(claim, bounds, prices, strict=True)
    ]
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
    bound, price, limit, jointly = arrays["bound"].astype(np.float64).tolist()
    return Certificate(
        bound=bound,
        money=arrays["money"].astype(np.float64),
        move_price=price,
        move_limit=limit,
        plans=tuple(arrays["plans"].astype(np.int64).tolist()),
        parts=parts,
        jointly=jointly,
    )


def _where(pairs: FloatArray | IntArray, first: int) -> list[int]:
    """Second numbers of the rows whose first number is this."""
    rows = pairs.astype(np.int64)
    return [int(second) for second in rows[rows[:, 0] == first, 1]]


def _tangents(arrays: Arrays, part: int, kind: int) -> tuple[tuple[int, float], ...]:
    rows = arrays["tangent"].astype(np.int64)
    own = (rows[:, 0] == part) & (rows[:, 1] == kind)
    return tuple(zip(rows[own, 2].tolist(), arrays["tangent_load"][own].tolist(), strict=True))
