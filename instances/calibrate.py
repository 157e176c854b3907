"""Calibrate the response beside an instance: ``python instances/calibrate.py instances/team-of-15``.

Bisects two numbers, the log-odds shift of renewal to a GRR of 0.890 and then that of expansion to an NRR of 1.020, at
today's plans and books (where somebody leaves: as if nobody did). Everything else stays as in priors-v0.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from optcomp.assemble import load
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.problem import Problem

GRR, NRR = 0.890, 1.020
_LOW, _HIGH = -4.0, 4.0  # log-odds: from a rate of 50 % to one of 2 % or 98 %
_DIGITS = 4  # of a shift: 0.0001 log-odds move GRR and NRR by less than 0.00002

RESPONSE = """\
# Written by instances/calibrate.py: two numbers, bisected at today's plans and books; the rest is priors-v0.
schema = "optcomp/response/1"
kind = "response"
name = "{name}"
title = "Priors, calibrated to GRR {grr:.3f} and NRR {nrr:.3f} today"
source = "SCIENCE 2.1 row 33"
origin = "assumed"
extends = "priors-v0"

[outcome]
shift_renew = {{ value = {renew:.4f}, unit = "log-odds", origin = "assumed", source = "bisected to GRR {grr:.3f}" }}
shift_expand = {{ value = {expand:.4f}, unit = "log-odds", origin = "assumed", source = "bisected to NRR {nrr:.3f}" }}
"""


def calibrate(folder: Path) -> Evaluation:
    """Write `response.toml` into the folder of an instance; returns the evaluation of today under it."""
    _write(folder, 0.0, 0.0)
    problem = load(folder).problem
    if problem.has_leavers_with_books:
        problem = problem.as_if_nobody_leaves()
    renew = _bisect(lambda shift: _today(problem, shift, 0.0).grr, GRR)
    expand = _bisect(lambda shift: _today(problem, renew, shift).nrr, NRR)
    _write(folder, renew, expand)
    return _today(problem, renew, expand)


def _write(folder: Path, renew: float, expand: float) -> None:
    text = RESPONSE.format(name=f"calibrated-{folder.name}", grr=GRR, nrr=NRR, renew=renew, expand=expand)
    (folder / "response.toml").write_text(text, encoding="utf-8", newline="\n")


def _today(problem: Problem, renew: float, expand: float) -> Evaluation:
    """Today's plans and books with these shifts."""
    response = problem.response
    outcome = replace(response.outcome, shift_renew=renew, shift_expand=expand)
    shifted = replace(problem, response=replace(response, outcome=outcome))
    return evaluate(shifted, current_solution(shifted))


def _bisect(rate: Callable[[float], float], goal: float) -> float:
    """The shift, to four digits, at which a rising rate meets its goal."""
    low, high = _LOW, _HIGH
    while high - low > 10.0 ** -(_DIGITS + 2):
        middle = (low + high) / 2.0
        low, high = (middle, high) if rate(middle) < goal else (low, middle)
    return round((low + high) / 2.0, _DIGITS)


def main() -> None:
    """Parse the command line and calibrate."""
    parser = argparse.ArgumentParser(description="Calibrate the response model beside an instance.")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folder of an instance")
    for folder in parser.parse_args().folders:
        today = calibrate(folder)
        print(f"{folder}: GRR {today.grr:.4f}, NRR {today.nrr:.4f}")


if __name__ == "__main__":
    main()
