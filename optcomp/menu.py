"""Plans from a menu: the mixes that it names, and every mix on a grid of weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from optcomp.errors import Finding, InputError
from optcomp.plan import Component, Gate, GridSpec, MenuSpec, Mix, Plan

TODAY = "today"


def named_plans(menu: MenuSpec, mixes: Mapping[str, Mix]) -> list[Plan]:
    """Plans of the mixes that a menu names, in a fixed order; a mix that pays nothing comes once per base level."""
    plans: dict[str, Plan] = {}
    chosen = [mixes[name] for name in menu.mixes]
    for mix, base_factor, share in itertools.product(chosen, menu.base_factors, menu.variable_shares):
        plan = make_plan(mix, base_factor, share if mix.components else 0.0)
        plans.setdefault(plan.plan_id, plan)
    return list(plans.values())


def make_plan(mix: Mix, base_factor: float, variable_share: float) -> Plan:
    """A plan with its id."""
    return Plan(plan_id(mix.name, base_factor, variable_share), mix, base_factor, variable_share)


def plan_id(mix: str, base_factor: float, variable_share: float) -> str:
    """The id of a plan, e.g. ``renewal-expansion-gate b1.05 v0.20``."""
    return f"{mix} b{base_factor:.10g} v{variable_share:.10g}"


def grid_mixes(grid: GridSpec) -> Iterator[Mix]:
    """Every mix of at most `max_components` metrics with weights on the grid."""
    steps = round(1.0 / grid.step)
    if abs(steps * grid.step - 1.0) > 1e-9:
        raise InputError(
            Finding("grid-step", f"The weight grid has a step of {grid.step}", "1 must be a whole number of steps")
        )
    for count in range(1, min(grid.max_components, len(grid.metrics)) + 1):
        for metrics in itertools.combinations(grid.metrics, count):
            for parts in _compositions(steps, count):
                weights = [part / steps for part in parts]
                if all(grid.min_weight - 1e-9 <= w <= grid.max_weight + 1e-9 for w in weights):
                    yield from _with_scopes_and_gates(grid, metrics, weights)


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Ways to write `total` as an ordered sum of `parts` positive integers."""
    for cuts in itertools.combinations(range(1, total), parts - 1):
        edges = (0, *cuts, total)
        yield tuple(b - a for a, b in itertools.pairwise(edges))


def _with_scopes_and_gates(grid: GridSpec, metrics: Sequence[str], weights: Sequence[float]) -> Iterator[Mix]:
    for scope, at_risk in itertools.product(grid.scopes, grid.gates):
        components = tuple(
            Component(metric=m, weight=w, scope=scope, period=grid.period)  # type: ignore[arg-type]
            for m, w in zip(metrics, weights, strict=True)
        )
        name = "-".join(f"{m}{100 * w:.10g}" for m, w in zip(metrics, weights, strict=True))
        name += ("-team" if scope == "team" else "") + (f"-gate{100 * at_risk:.10g}" if at_risk else "")
        yield Mix(name, components, Gate(at_risk) if at_risk else None)
