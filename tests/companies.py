"""Small companies whose books are rebalanced, and the best books of each by trying every one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import brute_force
import numpy as np
from builders import account, problem, rules
from builders import csm as plain_csm

from optcomp.config import Rebalance
from optcomp.evaluate import evaluate
from optcomp.instance import Csm
from optcomp.problem import Problem
from optcomp.solve import Settings
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.ladder import at_most
from optcomp.studies.rebalance.study import Prepared, Wishes, prepare

# Points of NRR: two proved-optimal values of one problem may differ by the gap that was asked for.
GAP = 0.001
QUICK = Settings(gap_pp=GAP, workers=1, time_limit_seconds=60.0)
NO_LOCKS = ("renewal", "at-risk", "just-moved", "strategic")
FREE = Wishes(locks_off=NO_LOCKS)
HARD = {"hours": {"state": "hard", "ceiling": 1.1}, "families": {"state": "hard"}, "locks": {"state": "hard"}}


def company(seed: int, *, count: int = 5, csms: Sequence[Csm] = (), **rule_changes: object) -> Problem:
    """Accounts of uneven size, health and hours with three CSMs of 280 hours; two of the accounts are a family."""
    rng = np.random.default_rng(seed)
    accounts = [
        account(
            f"A{i}",
            f"C{1 + int(rng.integers(3))}",
            arr=float(rng.integers(20, 200) * 1000),
            hours=float(rng.integers(30, 110)),
            health=float(rng.integers(30, 100)),
            industry=str(rng.choice(["retail", "banking"])),
            parent="P" if i < 2 else None,
            renewal_date=date(2027, int(rng.integers(1, 13)), 15),
        )
        for i in range(count)
    ]
    accounts[1] = replace(accounts[1], csm=accounts[0].csm)
    people = csms or tuple(
        plain_csm(f"C{j}", hours=280.0, industries=("retail",) if j % 2 else ("banking",)) for j in (1, 2, 3)
    )
    return problem(accounts, people, rules=rules(**{**HARD, **rule_changes}))  # type: ignore[arg-type]


def after(where: Problem, *changes: Change, wishes: Wishes = FREE, **config: object) -> Prepared:
    return prepare(where, changes, Rebalance(**config), wishes)  # type: ignore[arg-type]


def best_by_moves(where: Problem) -> dict[int, float]:
    """Number of counted moves → the best objective of all books with that many, by trying every one."""
    best: dict[int, float] = {}
    where = at_most(where, 1000)
    for solution in brute_force.every_solution(where):
        value = evaluate(where, solution)
        if not value.violations:
            best[value.moves_counted] = max(value.objective, best.get(value.moves_counted, -1.0))
    return best
