r"""What a bound of the joint program rests on: row duals of its relaxation, and what branch and bound claimed on top.

For any row duals y of the joint program, without believing who found them,

.. math:: U = \sum_i \max_{s \in [l_i, u_i]} y_i s + \sum_j \max_{x_j \in [l_j, u_j]} (c_j - y A_j) x_j

is a bound on all plans and books (`engine.dual_bound`). It is that of the relaxation, in which accounts may be split;
the distance from there to the bound that was printed is the solver's word alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optcomp.decompose.certificate import CertificateError
from optcomp.decompose.verify import TOLERANCE, Proof
from optcomp.engine import Program
from optcomp.engine.dual_bound import dual_bound
from optcomp.formulation.build import Extras, formulate
from optcomp.formulation.compile import compile_model
from optcomp.formulation.scope import whole_scope
from optcomp.hooks import Hook
from optcomp.problem import Problem
from optcomp.types import FloatArray


@dataclass(frozen=True, slots=True)
class JointCertificate:
    """A bound on the joint program in points of NRR, and what it rests on.

    bound : as branch and bound ended; relaxed : what the duals prove
    duals : of every row; tangents : CSM row and load of every tangent of the load curve that was added
    """

    bound: float
    relaxed: float
    duals: FloatArray
    tangents: tuple[tuple[int, float], ...]


def verify_jointly(problem: Problem, certificate: JointCertificate, hooks: Sequence[Hook] = ()) -> Proof:
    """What the certificate proves about a problem; the rows are built anew, and only the duals come from it.

    hooks : the same constraints of one's own as in the solve

    Raises
    ------
    CertificateError
        When it does not belong to the problem, or its duals prove less than it says.
    """
    program = _program(problem, certificate.tangents, hooks)
    if certificate.duals.shape != (program.num_rows,):
        raise CertificateError("Its prices do not belong to the rows of the joint program.")
    proved = dual_bound(program, certificate.duals)
    if not proved <= certificate.relaxed + TOLERANCE:
        raise CertificateError(f"Its prices prove {proved:.6f} % and not {certificate.relaxed:.6f} %.")
    if not np.isfinite(certificate.bound):
        raise CertificateError("Its bound is not a number.")
    is_claimed = certificate.bound < proved
    return Proof(certificate.bound, certificate.bound, max(proved, certificate.bound), 1, int(is_claimed))


def _program(problem: Problem, tangents: Sequence[tuple[int, float]], hooks: Sequence[Hook]) -> Program:
    loads: dict[int, list[float]] = {}
    for csm, load in tangents:
        if not (0 <= csm < len(problem.csms.ids) and 0.0 < load < np.inf):
            raise CertificateError("It has a tangent of the load curve at no load.")
        loads.setdefault(csm, []).append(load)
    frame = formulate(problem, whole_scope(problem), Extras(loads, [hook.add for hook in hooks]))
    return compile_model(frame.model).program
