"""Histories drawn from the fitted model itself, with coefficients that the test knows.

Nothing behavioural: whether the form is right is the business of `optcomp.world`; here the numerics are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from builders import MIXES, account, csm, problem

from optcomp.instance import Account, Csm, Segment
from optcomp.learn.history import AccountQuarters, CsmQuarters, History, PlansInForce
from optcomp.learn.maps import features
from optcomp.menu import make_plan
from optcomp.plan import MenuSpec, Plan, PlanSpec
from optcomp.problem import Problem
from optcomp.types import FloatArray, IntArray

SEGMENTS = ("enterprise", "growth")
INDUSTRIES = ("retail", "software", "health")
MENU = ("balanced", "active", "cliff", "base-only")


@dataclass(frozen=True)
class Truth:
    """Log-odds that make the history; the plan effects are those of the effort index."""

    renew: float = 1.9
    expand: float = -2.0
    contract: float = -1.6
    theta_renew: tuple[float, float, float] = (0.4, 0.0, 0.3)
    theta_expand: tuple[float, float, float] = (0.0, 0.5, 0.2)
    load: float = 0.4
    fit: float = 0.4
    hand: float = -0.7
    health: float = 0.02
    csm_sd: float = 0.3
    quarter_sd: float = 0.1
    quit: float = -2.9


def plans_of(one: Problem) -> tuple[Plan, ...]:
    """Today's plan, which both segments share, and three others at 20 %."""
    return (one.today_plan(0), *(make_plan(MIXES[name], 1.0, 0.2) for name in MENU[:3]))


def schedule(kind: str, csms: int, quarters: int, seed: int = 0) -> IntArray:
    """Plan of each CSM and quarter: one, switch-all, staggered (by segment), pilot (three arms in the last half)."""
    plan = np.zeros((csms, quarters), dtype=np.int64)
    half, segment_of = quarters // 2, np.arange(csms) % len(SEGMENTS)
    if kind == "switch-all":
        plan[:, half:] = 1
    elif kind == "staggered":
        plan[segment_of == 0, quarters // 3 :] = 1
        plan[segment_of == 1, 2 * quarters // 3 :] = 2
    elif kind == "pilot":
        arms = np.random.default_rng(seed).permutation(np.arange(csms) % 3)
        plan[:, half:] = arms[:, None]
    return plan


def make(
    kind: str = "pilot",
    *,
    csms: int = 8,
    book: int = 30,
    quarters: int = 8,
    seed: int = 0,
    truth: Truth = Truth(),
) -> tuple[Problem, History]:
    """A problem as it stands after the history, and the history."""
    generator = np.random.default_rng(seed)
    people = [_csm(j, generator) for j in range(csms)]
    total = csms * book
    sold = [_account(n, n % csms, generator) for n in range(total)]
    segments = tuple(Segment(name, PlanSpec("cliff", 0.15)) for name in SEGMENTS)
    menu = MenuSpec((1.0,), (0.2,), MENU)
    one = problem(sold, people, segments=segments, menu=menu)
    plan = schedule(kind, csms, quarters, seed)
    rows, kept = _live(one, sold, plan, truth, generator)
    final = replace(
        one, instance=replace(one.instance, accounts=tuple(a for a, k in zip(sold, kept, strict=True) if k))
    )
    return final, _history(one, sold, people, plan, rows, generator, truth)


def _csm(j: int, generator: np.random.Generator) -> Csm:
    return csm(
        f"C{j:03d}",
        segment=SEGMENTS[j % len(SEGMENTS)],
        base=float(generator.uniform(80e3, 100e3)),
        variable=float(generator.uniform(10e3, 20e3)),
        industries=(INDUSTRIES[j % 3],),
        tenure_years=float(generator.uniform(0.5, 6.0)),
    )


def _account(n: int, owner: int, generator: np.random.Generator) -> Account:
    # The first member of a CSM's book and of a segment: everything else is drawn.
    return account(
        f"A{n:05d}",
        f"C{owner:03d}",
        segment=SEGMENTS[owner % len(SEGMENTS)],
        arr=float(np.exp(generator.normal(11.0, 0.6))),
        industry=INDUSTRIES[int(generator.integers(3))],
        health=float(np.clip(generator.normal(70, 12), 5, 99)),
    )


def _live(
    one: Problem, sold: Sequence[Account], plan: IntArray, truth: Truth, generator: np.random.Generator
) -> tuple[dict[str, FloatArray], FloatArray]:
    """Rows of all quarters by column, and who is still a customer."""
    count, (csms, quarters) = len(sold), plan.shape
    owner = np.array([int(a.csm[1:]) for a in sold])  # type: ignore[index]
    seg, health = owner % len(SEGMENTS), np.array([a.health for a in sold], dtype=float)
    phi = features("effort", one, plans_of(one), 10_000.0)
    luck = generator.normal(0.0, truth.csm_sd, (2, csms))
    season = generator.normal(0.0, truth.quarter_sd, (2, quarters))
    load = np.clip(generator.normal(1.0, 0.15, (csms, quarters)), 0.6, 1.5)
    due_in = generator.integers(0, 4, count)
    arr = np.array([a.arr for a in sold])
    alive, took = np.ones(count, dtype=bool), np.full(count, np.nan)
    columns: dict[str, list[FloatArray]] = {}
    for q in range(quarters):
        moved = generator.random(count) < 0.04
        # A hand-over stays in the segment: two places on.
        owner = np.where(moved, (owner + len(SEGMENTS)) % csms, owner)
        took = np.where(moved, 0.0, took + 1.0)
        exposed = (phi[seg, plan[owner, max(q - 1, 0)]] + phi[seg, plan[owner, max(q - 2, 0)]]) / 2.0
        now = phi[seg, plan[owner, q]]
        own_fit = one.fit(np.arange(count), owner)
        common = -truth.load * np.log(load[owner, q]) + truth.fit * (own_fit - 0.5)
        renew = (
            truth.renew + exposed @ np.array(truth.theta_renew) + common + truth.health * (health - 70)
            + truth.hand * (took < 2) * (1 - 0.4 * own_fit) + luck[0][owner] + season[0, q]
        )  # fmt: skip
        expand = truth.expand + now @ np.array(truth.theta_expand) + common + luck[1][owner] + season[1, q]
        due = (due_in == q % 4) & alive
        renewed = due & (generator.random(count) < 1 / (1 + np.exp(-renew)))
        contracts = renewed & (generator.random(count) < 1 / (1 + np.exp(-truth.contract)))
        lost = arr * np.where(contracts, generator.uniform(0.1, 0.4, count), 0.0)
        stays = alive & ~(due & ~renewed)
        grows = stays & (generator.random(count) < 1 / (1 + np.exp(-expand)))
        added = arr * np.where(grows, np.exp(generator.normal(-1.4, 0.4, count)), 0.0)
        here = {
            "account": np.arange(count), "csm": owner, "quarter": np.full(count, q), "segment": seg, "arr": arr,
            "due": due, "renewed": renewed, "contraction": lost, "expansion": added, "health": health, "took": took,
        }  # fmt: skip
        for name, values in here.items():
            columns.setdefault(name, []).append(values[alive])
        arr, alive = arr - lost + added, stays
    merged = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.lexsort((merged["quarter"], merged["account"]))
    merged = {name: values[order] for name, values in merged.items()}
    merged["load"] = load
    return merged, alive


def _history(
    one: Problem,
    sold: Sequence[Account],
    people: Sequence[Csm],
    plan: IntArray,
    rows: dict[str, FloatArray],
    generator: np.random.Generator,
    truth: Truth,
) -> History:
    count, nan = len(rows["account"]), np.full(len(rows["account"]), np.nan)
    csms, quarters = plan.shape
    who, when = np.divmod(np.arange(csms * quarters), quarters)
    base = np.array([c.base for c in people])[who] * generator.uniform(0.9, 1.1, len(who))
    market = np.full(len(who), 105e3)
    variable = np.array([c.variable for c in people])[who]
    hazard = 1 / (1 + np.exp(-(truth.quit - 2.5 * np.log((base + variable) / market))))
    blank = np.full(len(who), np.nan)
    by_segment = np.array([plan[s] for s in range(len(SEGMENTS))])
    return History(
        quarters=tuple(date(2025 + q // 4, 3 * (q % 4) + 1, 1) for q in range(quarters)),
        account_ids=tuple(a.account_id for a in sold),
        csm_ids=tuple(c.csm_id for c in people),
        segments=SEGMENTS,
        account_quarters=AccountQuarters(
            rows["account"], rows["csm"], rows["quarter"], rows["segment"], rows["arr"], rows["due"], rows["renewed"],
            rows["contraction"], rows["expansion"], rows["health"], nan, rows["took"], np.zeros(count),
        ),
        csm_quarters=CsmQuarters(
            who, when, who % len(SEGMENTS), base, variable, market, rows["load"][who, when],
            generator.random(len(who)) < hazard,
            np.array([c.tenure_years for c in people])[who] + when / 4, blank, blank, {}, {},
        ),
        plans=PlansInForce(plans_of(one), by_segment, plan),
        accounts=tuple(sold),
        csms=tuple(people),
    )  # fmt: skip
