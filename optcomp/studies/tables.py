"""A study as tables and plain values: the content of its files."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from optcomp.cells import neutralise
from optcomp.studies.findings import ASKED, KNEE, MARGINAL, Returns, bought, returns
from optcomp.studies.points import Curve, Interval, Money, Point, Study
from optcomp.studies.sensitivity import BUDGET

SCHEMA = "optcomp/sensitivity/1"
CURVE, MONEY, SUMMARY = "curve.csv", "money.csv", "summary.json"
CHARTS = ("chart.png", "chart.svg")
FILES = (CURVE, MONEY, SUMMARY, *CHARTS)

_CURVE = (
    "strategy", "value", "pay_budget", "objective", "nrr", "ceiling", "gap_pp", "arr_end", "pay_cost", "pay_base",
    "pay_variable", "pay_heads", "moves", "marginal_arr_per_dollar", "uplift_pp_low", "uplift_pp_high",
    "marginal_low", "marginal_high",
)  # fmt: skip
_MONEY = ("strategy", "value", "segment", "plan_id", "base_factor", "variable_share", "base", "variable", "heads")


def curve_csv(study: Study) -> bytes:
    """A row for every step of every curve; ratios, USD a year, percentage points for the gap."""
    return _csv(_CURVE, (row for curve in study.curves for row in _curve_rows(study, curve)))


def _curve_rows(study: Study, curve: Curve) -> Iterator[Sequence[object]]:
    marginal = _marginals(returns(curve) if study.key == BUDGET else None)
    for p in curve.points:
        found, total = p.evaluation, p.total
        ceiling = p.bound if math.isfinite(p.bound) else None
        head = (curve.name, study.names[round(p.value)] if study.names else p.value, round(p.budget, 2))
        if found is None:
            yield (*head, None, None, ceiling, *(None,) * (len(_CURVE) - 6))
            continue
        money = (round(x, 2) for x in (found.arr_end, found.pay_cost, total.base, total.variable, total.heads))
        ends = [*_ends(study.intervals.uplift, p.value), *_ends(study.intervals.marginal, p.value)]
        rest = (found.moves, marginal.get(p.value), *(ends if curve is study.best else (None,) * 4))
        yield (*head, found.objective, found.nrr, ceiling, p.gap_pp, *money, *rest)


def _ends(intervals: Mapping[float, Interval], value: float) -> tuple[float | None, float | None]:
    """Ends of the 90 % interval of a step, None where nothing was drawn."""
    found = intervals.get(value)
    return (None, None) if found is None else (round(found.low, 4), round(found.high, 4))


def _marginals(found: Returns | None) -> dict[float, float | None]:
    if found is None:
        return {}
    rows = zip(found.points, found.marginal.tolist(), strict=True)
    return {p.value: None if math.isnan(m) else round(m, 4) for p, m in rows}


def money_csv(study: Study) -> bytes:
    """A row for every segment at every step of every curve: its plan, and what it is paid, USD a year."""
    rows = (row for curve in study.curves for p in curve.points for row in _money_rows(study, curve.name, p))
    return _csv(_MONEY, rows)


def _money_rows(study: Study, name: str, here: Point) -> Iterator[Sequence[object]]:
    value = study.names[round(here.value)] if study.names else here.value
    for segment, plan, paid in zip(here.problem.segments, here.plans, here.money, strict=False):
        levels = (plan.plan_id, plan.base_factor, round(plan.variable_share, 6))
        yield (name, value, segment.name, *levels, *(round(x, 2) for x in (paid.base, paid.variable, paid.heads)))


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue().encode("utf-8")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value + 0.0:.10g}" if isinstance(value, float) else neutralise(str(value))


# ---- summary ------------------------------------------------------------------------------------------------------


def facts(study: Study, *, warnings: Iterable[str] = (), files: Iterable[str] = ()) -> dict[str, object]:
    """Everything about a study as plain values that JSON can hold; unknown numbers are None."""
    instance = study.base.instance
    return {
        "schema": SCHEMA,
        "instance": instance.name,
        "currency": instance.currency,
        "varied": study.key,
        "unit": study.unit,
        "pay_budget": instance.pay_budget,
        "arr": round(study.base.total_arr, 2),
        "nrr_current": study.current.nrr,
        "objective_current": study.current.objective,
        "menu_is_extended": study.extended,
        "why_alone": study.why_alone,
        "largest_gap_pp": max((p.gap_pp for p in study.best.solved if p.gap_pp is not None), default=None),
        "seconds": round(study.seconds, 3),
        **(_budget_facts(study) if study.key == BUDGET else {}),
        **({"steps": list(study.names)} if study.names else {}),
        "curves": {curve.name: [_point(p) for p in curve.points] for curve in study.curves},
        "intervals": _intervals(study),
        "warnings": list(warnings),
        "files": list(files),
    }


def _intervals(study: Study) -> dict[str, object] | None:
    """The middle 90 % of draws at every step of the best curve; None where nothing was drawn."""
    found = study.intervals
    if not found.num_draws:
        return None
    return {
        "draws": found.num_draws,
        "level": 0.9,
        "uplift_pp": {f"{value:g}": [i.low, i.high] for value, i in found.uplift.items()},
        "marginal_arr_per_dollar": {f"{value:g}": [i.low, i.high] for value, i in found.marginal.items()},
        "asked_arr_per_extra_dollar": None if found.asked is None else [found.asked.low, found.asked.high],
    }


def _budget_facts(study: Study) -> dict[str, object]:
    found, asked = returns(study.best), bought(study.best)
    knee = None if found is None or found.knee is None else found.points[found.knee].value
    pays = None if found is None or found.pays_up_to is None else found.points[found.pays_up_to].value
    return {
        "definitions": {"knee": KNEE, "marginal": MARGINAL},
        "knee": knee,
        "a_dollar_brings_a_dollar_up_to": pays,
        "asked": None
        if asked is None
        else {
            "rise": ASKED,
            "extra_budget": round(asked.pay, 2),
            "extra_arr": round(asked.arr, 2),
            "extra_points": asked.points,
            "unproved_points": asked.doubt_pp,
            "arr_per_extra_dollar": asked.per_dollar,
            "extra_pay": _money(asked.total),
            "extra_pay_by_segment": {
                segment.name: _money(part) for segment, part in zip(study.base.segments, asked.money, strict=True)
            },
        },
    }


def _money(paid: Money) -> dict[str, float]:
    return {"base": round(paid.base, 2), "variable": round(paid.variable, 2), "heads": round(paid.heads, 2)}


def _point(here: Point) -> dict[str, object]:
    found = here.evaluation
    return {
        "value": here.value,
        "pay_budget": round(here.budget, 2),
        "objective": here.objective,
        "nrr": None if found is None else found.nrr,
        "ceiling": here.bound if math.isfinite(here.bound) else None,
        "is_infeasible": here.bound == -math.inf,
        "gap_pp": here.gap_pp,
        "pay_cost": None if found is None else round(found.pay_cost, 2),
        "pay": _money(here.total),
        "plans": {s.name: p.plan_id for s, p in zip(here.problem.segments, here.plans, strict=False)},
        "moves": None if found is None else found.moves,
    }
