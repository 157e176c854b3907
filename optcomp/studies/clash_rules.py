"""Rows of every hard rule on books and money, written from the rules' sentences as `judge` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from optcomp.problem import Problem
from optcomp.studies.clash import BACKGROUND, Clash
from optcomp.types import FloatArray, IntArray


def build_clash(problem: Problem, must: IntArray, inside: IntArray) -> Clash:
    """The program with every hard rule; see `Clash` for who must be placed and whose books are held to rules."""
    clash = Clash(problem, must, inside)
    for rule_id, add in _RULES.items():
        if problem.rules[rule_id].is_hard:
            add(clash)
    return clash


def _books(clash: Clash) -> Iterator[int]:
    """CSMs inside who hold a book: not leaving, with hours; an open position only once it is filled."""
    csms = clash.problem.csms
    for j in clash.inside.tolist():
        if csms.hours[j] > 0.0 and not csms.is_leaving[j]:
            yield j


def _hours(clash: Clash) -> None:
    problem = clash.problem
    ceiling = problem.rules["hours"]["ceiling"]
    pairs = problem.pairs(clash.x_account, clash.x_csm)
    for j in clash.inside.tolist():
        available = float(problem.csms.hours[j])
        if available <= 0.0:
            continue
        segment = int(problem.csms.segment[j])
        own = clash.columns_of_csm[j]
        factors = [p.hours_factor for p in clash.plans[segment]]
        room = [-ceiling * available / factor for factor in factors]
        columns = np.concatenate([own, clash.z[segment]])
        group = clash.group("hours", problem.csms.ids[j])
        values = np.concatenate([pairs.hours[own], room])
        clash.add(group, columns, values, -np.inf, 0.0, step=available / max(factors))


def _own_limits(clash: Clash) -> None:
    problem = clash.problem
    for j in clash.inside.tolist():
        own, group = clash.columns_of_csm[j], clash.group("own_limits", problem.csms.ids[j])
        if np.isfinite(problem.csms.max_accounts[j]):
            clash.add(group, own, np.ones(len(own)), -np.inf, problem.csms.max_accounts[j])
        if np.isfinite(problem.csms.max_arr[j]):
            mean = problem.total_arr / max(len(problem.accounts.ids), 1) or 1.0  # the rule counts average accounts
            arr = problem.accounts.arr[clash.x_account[own]] / mean
            clash.add(group, own, arr, -np.inf, problem.csms.max_arr[j] / mean)


def _account_count(clash: Clash) -> None:
    _segment_limits(clash, "account_count", np.ones(len(clash.problem.accounts.ids)), ("min_accounts", "max_accounts"))


def _book_arr(clash: Clash) -> None:
    _segment_limits(clash, "book_arr", clash.problem.accounts.arr, ("min_arr", "max_arr"))


def _segment_limits(clash: Clash, rule_id: str, amounts: FloatArray, fields: tuple[str, str]) -> None:
    problem = clash.problem
    for j in _books(clash):
        segment = problem.segments[problem.csms.segment[j]]
        low, high = (getattr(segment, name) for name in fields)
        own = clash.columns_of_csm[j]
        values = amounts[clash.x_account[own]]
        if high is not None:
            clash.add(clash.group(rule_id, segment.name, "most"), own, values, -np.inf, high, step=1.0)
        if low:
            columns, constant = clash.presence(j)
            group = clash.group(rule_id, segment.name, "least")
            end = np.full(len(columns), -float(low))
            clash.add(group, np.append(own, columns), np.append(values, end), float(low) * constant, np.inf, step=1.0)


def _workload_spread(clash: Clash) -> None:
    problem = clash.problem
    spread, csms = problem.rules["workload_spread"]["spread"], problem.csms
    pairs = problem.pairs(clash.x_account, clash.x_csm)
    for j in _books(clash):
        s = int(csms.segment[j])
        available = csms.hours[csms.is_declared & (csms.segment == s)].sum()
        needed = problem.accounts.hours[problem.accounts.segment == s].sum()
        even = float(needed / available * csms.hours[j]) if available > 0.0 else 0.0
        own, (columns, constant) = clash.columns_of_csm[j], clash.presence(j)
        group = clash.group("workload_spread", problem.segments[s].name)
        for low, high, end in ((0.0, np.inf, 1.0 - spread), (-np.inf, 0.0, 1.0 + spread)):
            values = np.append(pairs.hours[own], np.full(len(columns), -end * even))
            side = end * even * constant
            clash.add(group, np.append(own, columns), values, low + side, high + side, step=even)


def _equal_chance(clash: Clash) -> None:
    problem = clash.problem
    tolerance, facts = problem.rules["equal_chance"]["tolerance"], problem.accounts
    for potential in (problem.neutral.kept, problem.neutral.expanded):
        for j in _books(clash):
            s = int(problem.csms.segment[j])
            members = facts.segment == s
            if not members.any():
                continue
            even = float(potential[members].sum() / facts.arr[members].sum())
            own = clash.columns_of_csm[j]
            rows = clash.x_account[own]
            distance, room = potential[rows] - even * facts.arr[rows], tolerance * even * facts.arr[rows]
            # In average potentials, as the judge's tolerance for a limit of next to nothing is.
            scale = max(even * float(facts.arr[members].mean()), float(potential.mean()), 1.0)
            group = clash.group("equal_chance", problem.segments[s].name)
            for sign in (1.0, -1.0):
                clash.add(group, own, (sign * distance - room) / scale, -np.inf, 0.0)


def _renewals_due(clash: Clash) -> None:
    problem = clash.problem
    share, facts, csms = problem.rules["renewals_due"]["min_share"], problem.accounts, problem.csms
    for j in _books(clash):
        s = int(csms.segment[j])
        quarterly = [float(p.is_quarterly) for p in clash.plans[s]]
        available = csms.hours[csms.is_declared & (csms.segment == s)].sum()
        own, (columns, constant) = clash.columns_of_csm[j], clash.presence(j)
        rows, group = clash.x_account[own], clash.group("renewals_due", problem.segments[s].name)
        for quarter in range(4):
            due = (facts.segment == s) & (facts.quarter == quarter)
            if not due.any() or available <= 0.0 or not any(quarterly):
                continue
            even = share * float(due.sum()) * float(csms.hours[j]) / float(available)
            is_due = (facts.quarter[rows] == quarter).astype(float)
            for values in (is_due, is_due * facts.arr[rows] / facts.arr[due].mean()):
                parts = np.concatenate([values, [-even * q for q in quarterly], np.full(len(columns), -even)])
                at = np.concatenate([own, clash.z[s], np.array(columns, dtype=np.int64)])
                clash.add(group, at, parts, even * constant - even, np.inf)


def _families(clash: Clash) -> None:
    problem = clash.problem
    family = problem.accounts.family
    for f in np.flatnonzero(np.bincount(family) > 1):
        rows = np.flatnonzero(family == f)
        group = clash.group("families", problem.accounts.ids[rows[0]])
        first = {int(clash.x_csm[c]): int(c) for c in clash.columns_of_account[rows[0]]}
        for a in rows[1:]:
            for c in clash.columns_of_account[a]:
                if int(clash.x_csm[c]) in first:
                    clash.add(group, [first[int(clash.x_csm[c])], int(c)], [1.0, -1.0], 0.0, 0.0)


def _moves(clash: Clash) -> None:
    problem = clash.problem
    today, family = problem.accounts.csm, problem.accounts.family
    counted = problem.may_stay[clash.x_account] & (clash.x_csm != today[clash.x_account])
    columns = np.flatnonzero(counted)
    if problem.rules["families"].is_hard:
        moved_family: dict[int, int] = {}
        singles = np.bincount(family)[family[clash.x_account[columns]]] == 1
        for a in np.unique(clash.x_account[columns[~singles]]):
            f = int(family[a])
            if f not in moved_family:
                moved_family[f] = int(clash.continuous(1)[0])
            own = [c for c in clash.columns_of_account[a] if counted[c]]
            clash.add(BACKGROUND, [*own, moved_family[f]], [*np.ones(len(own)), -1.0], -np.inf, 0.0)
        columns = np.concatenate([columns[singles], np.array(sorted(moved_family.values()), dtype=np.int64)])
    limit = problem.rules["moves"]["max"]
    clash.add(clash.group("moves"), columns, np.ones(len(columns)), -np.inf, limit, step=1.0)


def _budget(clash: Clash) -> None:
    cost = [[p.cost for p in plans] for plans in clash.plans]
    maybe = [[p.open_cost for p in plans] for plans in clash.plans]
    _total(clash, "budget", cost, maybe, clash.problem.instance.pay_budget)


def _exposure(clash: Clash) -> None:
    worst = [[p.exposure for p in plans] for plans in clash.plans]
    maybe = [[p.open_exposure for p in plans] for plans in clash.plans]
    ratio = clash.problem.rules["exposure"]["max_ratio"]
    _total(clash, "exposure", worst, maybe, ratio * clash.problem.instance.pay_budget)


def _total(clash: Clash, rule_id: str, always: list[list[float]], maybe: list[list[FloatArray]], limit: float) -> None:
    """Pay of everybody, and of open positions that are filled: w >= o + z - 1 is 1 where both are."""
    problem = clash.problem
    columns, values = [c for z in clash.z for c in z.tolist()], [v for plan in always for v in plan]
    for j, filled in clash.o.items():
        s = int(problem.csms.segment[j])
        position = np.flatnonzero((problem.csms.segment == s) & problem.csms.is_open).tolist().index(j)
        for z, cost in zip(clash.z[s].tolist(), maybe[s], strict=True):
            both = int(clash.continuous(1)[0])
            clash.add(BACKGROUND, [filled, z, both], [1.0, 1.0, -1.0], -np.inf, 1.0)
            columns.append(both)
            values.append(float(cost[position]))
    clash.add(clash.group(rule_id), columns, values, -np.inf, limit, step=1.0)


def _open_positions(clash: Clash) -> None:
    for column in clash.o.values():
        clash.add(clash.group("open_positions"), [column], [1.0], 1.0, np.inf)


_RULES: dict[str, Callable[[Clash], None]] = {
    "hours": _hours,
    "own_limits": _own_limits,
    "account_count": _account_count,
    "book_arr": _book_arr,
    "workload_spread": _workload_spread,
    "equal_chance": _equal_chance,
    "renewals_due": _renewals_due,
    "families": _families,
    "moves": _moves,
    "budget": _budget,
    "exposure": _exposure,
    "open_positions": _open_positions,
}
