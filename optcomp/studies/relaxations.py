"""Ways out of a conflict: for each of its rules the least by which it has to give way when every other rule stays."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from optcomp.engine import Engine, Job, Limits
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.studies.clash import BACKGROUND, Clash, Line, Slack, assemble
from optcomp.studies.clash_rules import build_clash
from optcomp.studies.conflicts import Conflict
from optcomp.types import BoolArray, FloatArray, IntArray

# A way out is good enough within half a unit of the rule: half a move, half a dollar of the budget.
SECONDS_A_WAY = 5.0
# Room for the solver's row tolerance where a number is rounded up.
ROOM = 1e-6


@dataclass(frozen=True, slots=True)
class WayOut:
    """How one rule gives way so that everything fits, other pools with conflicts of their own apart.

    amount : by how much, in the rule's unit; cost : that at the rule's price, USD
    settings : what to lay over instance.toml with ``--set``; empty where tables have to change
    pairs : account and CSM ids of the pairs that break the rule then
    mends_all : everything fits then, other pools with conflicts of their own as well
    """

    rule_id: str
    end: str
    amount: float
    cost: float
    settings: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    mends_all: bool = True


def ways_out(conflict: Conflict, engine: Engine, *, seconds: float = 15.0) -> tuple[WayOut, ...]:
    """The least that each rule of the conflict has to give way, cheapest first; a rule that alone mends nothing, or is
    not answered in time, is left out."""
    deadline = time.monotonic() + seconds
    everything = _whole(conflict.problem, np.array([], dtype=np.int64))
    others = _whole(conflict.problem, conflict.blocked) if len(conflict.blocked) else None
    found = []
    for rule_id, end in dict.fromkeys((g.rule_id, g.end) for g in conflict.groups):
        way = _way(everything, _targets(everything, conflict, rule_id, end), rule_id, end, engine, deadline)
        if way is None and others is not None:
            way = _way(others, _targets(others, conflict, rule_id, end), rule_id, end, engine, deadline)
            way = None if way is None else replace(way, mends_all=False)
        if way is not None:
            found.append(way)
    return tuple(sorted(found, key=lambda w: (not w.mends_all, w.cost, w.rule_id)))


def _whole(problem: Problem, left_out: IntArray) -> Clash:
    everyone = np.setdiff1d(np.arange(len(problem.accounts.ids)), left_out)
    return build_clash(problem, everyone, np.flatnonzero(~problem.csms.is_leaving))


def _targets(clash: Clash, conflict: Conflict, rule_id: str, end: str) -> BoolArray:
    """Groups of the rule that may give way: those of the conflict, and every CSM's hours, for there is one ceiling."""
    scopes = {g.scope for g in conflict.groups if (g.rule_id, g.end) == (rule_id, end)}
    return np.array(
        [(g.rule_id, g.end) == (rule_id, end) and (g.scope in scopes or rule_id == "hours") for g in clash.groups],
        dtype=bool,
    )


def _way(clash: Clash, targets: BoolArray, rule_id: str, end: str, engine: Engine, deadline: float) -> WayOut | None:
    if rule_id == "leavers":
        return None  # nobody can be made to stay
    bent = [line for line in clash.lines if line.group != BACKGROUND and targets[line.group]]
    costs = np.zeros(len(clash.upper))
    costs[clash.barred_column[targets[clash.barred_group]]] = 1.0
    kept = np.flatnonzero(~clash.barred(~targets))
    lines = [line for line in clash.lines if line.group == BACKGROUND or not targets[line.group]]
    slack = Slack()
    lines += _bending(clash, bent, slack)
    program = assemble(clash, lines, kept, slack, costs)
    left = max(deadline - time.monotonic(), 0.0)
    outcome = engine.solve(Job(program, Limits(min(SECONDS_A_WAY, left))))
    if outcome.point is None:
        return None
    point = np.zeros(len(clash.upper))
    point[kept] = outcome.point[: len(kept)]
    missed = _missed(clash, bent, point)
    steps = np.array([line.step or 1.0 for line in bent])
    most = float((missed / steps).max(initial=0.0))
    pairs = _pairs(clash, point, costs)
    amount = len(pairs) + float(costs[len(clash.x_csm) :] @ point[len(clash.x_csm) :]) + float(missed.sum())
    if rule_id == "families":
        amount /= 2.0  # a family with two CSMs misses two rows by one account
    price = clash.problem.rules[rule_id].price
    return WayOut(rule_id, end, amount, price * amount, _settings(clash, targets, rule_id, end, most), pairs)


def _bending(clash: Clash, bent: list[Line], slack: Slack) -> list[Line]:
    """The rows of the rule with something to bend: one number for all where the rule has one, else each row its own."""
    is_shared = bool(bent) and all(line.step > 0.0 for line in bent)
    first = len(clash.upper)
    number_of_group: dict[int, int] = {}
    result = []
    for k, line in enumerate(bent):
        key = 0 if is_shared else line.group if line.low == line.high else -1 - k
        if key not in number_of_group:
            number_of_group[key] = first + len(slack.cost)
            slack.cost.append(1.0)
            slack.upper.append(np.inf)
        column = number_of_group[key]
        size = line.step if is_shared else 1.0
        for low, high, value in ((line.low, np.inf, size), (-np.inf, line.high, -size)):
            if np.isfinite(low) or np.isfinite(high):
                columns, values = np.append(line.columns, column), np.append(line.values, value)
                result.append(Line(BACKGROUND, columns, values, low, high))
    return result


def _pairs(clash: Clash, point: FloatArray, costs: FloatArray) -> tuple[tuple[str, str], ...]:
    used = np.flatnonzero((point[: len(clash.x_csm)] > 0.5) & (costs[: len(clash.x_csm)] > 0.0))
    ids, csms = clash.problem.accounts.ids, clash.problem.csms.ids
    return tuple((ids[clash.x_account[c]], csms[clash.x_csm[c]]) for c in used)


def _missed(clash: Clash, bent: list[Line], point: FloatArray) -> FloatArray:
    """By how much each row is missed at a point, in the rule's unit."""
    left = np.array([float(line.values @ point[line.columns]) for line in bent])
    low, high = np.array([line.low for line in bent]), np.array([line.high for line in bent])
    return np.asarray(np.maximum(np.maximum(low - left, left - high), 0.0))


def _settings(clash: Clash, targets: BoolArray, rule_id: str, end: str, most: float) -> tuple[str, ...]:
    """The number of the rule that everything fits with, rounded up to what a person would write."""
    problem, rule = clash.problem, clash.problem.rules[rule_id]
    scopes = [clash.groups[g].scope for g in np.flatnonzero(targets)]
    if rule_id == "hours":
        return (f"rules.hours.ceiling={_up(rule['ceiling'] + most, 100):g}",)
    if rule_id == "workload_spread":
        return (f"rules.workload_spread.spread={_up(rule['spread'] + most, 100):g}",)
    if rule_id == "moves":
        return (f"rules.moves.max={_up(rule['max'] + most, 1):g}",)
    if rule_id == "budget":
        return (f"budget.pay={_up(problem.instance.pay_budget + most, 1):.0f}",)
    if rule_id == "exposure":
        return (f"rules.exposure.max_ratio={_up(rule['max_ratio'] + most / problem.instance.pay_budget, 1000):g}",)
    if rule_id in ("account_count", "book_arr"):
        return tuple(_limit(problem, scope, rule_id, end, most) for scope in dict.fromkeys(scopes))
    if rule_id in ("locks", "forbidden_pairs", "own_limits") or rule_id.startswith("eligible"):
        return ()
    return (f'rules.{rule_id}.state="soft"',) if "soft" in SPECS[rule_id].states else ()


def _limit(problem: Problem, name: str, rule_id: str, end: str, most: float) -> str:
    segment = next(s for s in problem.segments if s.name == name)
    field = ("max_" if end == "most" else "min_") + ("accounts" if rule_id == "account_count" else "arr")
    limit = float(getattr(segment, field))
    value = _up(limit + most, 1) if end == "most" else -_up(most - limit, 1)
    return f"segments.{name}.{field}={max(value, 0.0):.0f}"


def _up(value: float, parts: int) -> float:
    """Rounded up to whole hundredths, thousandths, or wholes."""
    return math.ceil(value * parts - ROOM * max(1.0, abs(value))) / parts
