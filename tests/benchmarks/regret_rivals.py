"""Rivals from the shelf: monotone gradient boosting and ridge regression on pay dollars, asked the same question.

Both see what the fit sees (dollars on each component over the exposure window, ARR, health before the plan, segment)
without its prior, and score the menu at today's books with the same arithmetic of year-end ARR.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from optcomp.learn.history import History
from optcomp.types import FloatArray, IntArray
from tests.benchmarks.regret_case import Choice, Chosen, Truth

KAPPA = 10_000.0
COMPONENTS = 6
Make = Callable[[int], Any]


def boosting(columns: int) -> Any:
    """More pay on anything never hurts: monotone in every dollar column."""
    monotone = [1] * COMPONENTS + [0] * (columns - COMPONENTS)
    return HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, monotonic_cst=monotone, random_state=0)


def ridge(columns: int) -> Any:
    """Logistic regression with the usual penalty."""
    del columns
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))


RIVALS: dict[str, Make] = {"gradient boosting": boosting, "ridge": ridge}


def choose(truth: Truth, history: History, make: Make) -> Chosen:
    """The plans that a rival takes, and what it promises."""
    problem, rows = truth.problem, history.account_quarters
    row_of = {name: k for k, name in enumerate(history.segments)}
    names = [s.name for s in problem.segments]
    paid = {row_of[n]: _dollars(truth, s, history) for s, n in enumerate(names)}
    dollars = np.zeros((len(history.segments), len(history.plans.plans), COMPONENTS))
    for number, table in paid.items():
        dollars[number] = table
    health = np.nan_to_num(history.health_before_plan, nan=70.0)
    facts = np.column_stack([np.log(np.maximum(rows.arr_start, 1.0)), health, rows.segment])

    def learn(index: IntArray, felt: FloatArray, y: FloatArray) -> Any:
        x = np.column_stack([felt, facts[index]])
        return make(x.shape[1]).fit(x, y)

    due = np.flatnonzero(rows.due & (rows.csm >= 0))
    before = dollars[rows.segment[due, None], history.exposure_plans[due]].mean(axis=1)
    renew = learn(due, before, rows.renewed[due])
    there = np.flatnonzero(~rows.churned & (rows.csm >= 0))
    expand = learn(there, dollars[rows.segment[there], history.account_plan[there]], rows.expansion[there] > 0.0)
    grew = rows.expansion > 0.0
    size = float((rows.expansion[grew] / np.maximum(rows.arr_start[grew], 1.0)).clip(0.0, 1.0).mean())
    values = [_values(truth, s, renew, expand, size, row_of[name]) for s, name in enumerate(names)]
    choice: Choice = truth.best(values)
    return Chosen(choice, truth.points(sum(float(v[k] - v[0]) for v, k in zip(values, choice, strict=True))))


def _dollars(truth: Truth, segment: int, history: History) -> FloatArray:
    return _unsaturated(truth.problem.saturating_of(segment, history.plans.plans, KAPPA))


def _unsaturated(features: FloatArray) -> FloatArray:
    return np.asarray(KAPPA * features / (1.0 - features))


def _values(truth: Truth, segment: int, renew: Any, expand: Any, size: float, number: int) -> FloatArray:
    problem = truth.problem
    mine, plans = np.flatnonzero(truth.segment == segment), problem.plans[segment]
    facts = problem.accounts
    menu = _unsaturated(problem.saturating_of(segment, plans, KAPPA))
    health = np.nan_to_num(facts.health[mine], nan=70.0)
    about = np.column_stack([np.log(np.maximum(facts.arr[mine], 1.0)), health, np.full(len(mine), number)])
    due, omega = facts.due[mine], facts.omega[mine, None]
    values = []
    for k in range(len(plans)):
        felt = menu[0] + omega * (menu[k] - menu[0])
        kept = renew.predict_proba(np.column_stack([felt, about]))[:, 1]
        more = expand.predict_proba(np.column_stack([np.tile(menu[k], (len(mine), 1)), about]))[:, 1]
        alive = due * (1.0 + kept) / 2.0 + 1.0 - due
        values.append(float((facts.arr[mine] * (due * kept + 1.0 - due + alive * 4.0 * more * size)).sum()))
    return np.array(values)
