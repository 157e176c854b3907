"""Solving one problem in every way there is, and saying where the answers differ."""

from __future__ import annotations

import math

import brute_force

from optcomp.certificates import certificate_bytes, proof_of, read_certificate
from optcomp.decompose.pools import why_joint
from optcomp.evaluate import evaluate
from optcomp.problem import Problem
from optcomp.solve import Engines, Result, Settings, Status, solve

GAP = 1e-4  # points of NRR; about what the tolerances of HiGHS are worth, so that every path can close it
# Points of NRR by which two right answers may differ: the gap, and what HiGHS's row tolerance of 1e-6 is worth at most
# in these problems (a soft limit missed by 1e-6 of itself at five times its usual price).
TOLERANCE = GAP + 1e-4


def methods(problem: Problem) -> list[str]:
    """Paths that can solve the problem."""
    return ["joint"] if why_joint(problem) else ["decomposed", "joint"]


def solved(problem: Problem, method: str, engines: Engines) -> Result:
    """The problem solved along one path, as exactly as it goes."""
    return solve(problem, Settings(gap_pp=GAP, method=method, workers=1, time_limit_seconds=20.0), engines=engines)


def disagreements(problem: Problem, engines: Engines) -> list[str]:
    """Sentences on every way in which brute force, both paths and the evaluator differ; empty when all is well."""
    best = brute_force.best(problem)
    return [f"{m}: {text}" for m in methods(problem) for text in _against(best, solved(problem, m, engines), problem)]


def _against_proof(top: float, result: Result) -> list[str]:
    """What is wrong with the certificate, written and read: it must prove the bound, and never less than is true.

    Points; every bound has one.
    """
    if result.certificate is None:
        return ["a bound without a certificate"]
    proof = proof_of(result.problem, read_certificate(certificate_bytes(result.certificate)))
    wrong = [] if proof.holds else [f"the certificate proves {proof.bound:.7f} and not {proof.claimed:.7f}"]
    if proof.arithmetic < top - 1e-6:
        wrong.append(f"the certificate proves {proof.arithmetic:.7f} by arithmetic, below {top:.7f}")
    return wrong


def _against(best: tuple | None, result: Result, problem: Problem) -> list[str]:
    if best is None or result.evaluation is None:
        expected = Status.OPTIMAL if best else Status.INFEASIBLE
        return [] if result.status is expected else [f"{result.status} and brute force says {expected}"]
    wrong = []
    top, found = 100.0 * best[1].objective, 100.0 * result.evaluation.objective
    bound = 100.0 * result.objective_bound
    if not math.isclose(top, found, rel_tol=0.0, abs_tol=TOLERANCE):
        wrong.append(f"worth {found:.7f}, brute force {top:.7f} with {best[0]} instead of {result.solution}")
    if bound < top - 1e-6:
        wrong.append(f"bound {bound:.7f} below {top:.7f}")
    if result.status is not Status.OPTIMAL:
        wrong.append(f"status {result.status} with bound {bound:.7f} and value {found:.7f}")
    wrong += _against_proof(top, result)
    if evaluate(problem, result.solution).violations:
        wrong.append(f"violations {evaluate(problem, result.solution).violations}")
    for name, other in (("pay first", result.pay_first), ("books first", result.books_first)):
        if other is not None and other.objective > result.evaluation.objective + 1e-12:
            wrong.append(f"{name} beats both together by {100.0 * (other.objective - result.evaluation.objective):.7f}")
    return wrong
