"""An audit in one JSON object: the team and its plan, without a single person in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from optcomp.learn.audit.audit import NOT_A_VERDICT, Audit
from optcomp.learn.audit.book import FAIR_R2
from optcomp.learn.audit.components import Judged
from optcomp.learn.audit.equal_effort import FAIR_SPREAD
from optcomp.learn.audit.expected import OUTCOMES
from optcomp.learn.audit.inference import FALSE_DISCOVERY_RATE, Slope
from optcomp.learn.audit.screen_power import MEASURED
from optcomp.types import FloatArray


def summarise_audit(found: Audit) -> dict[str, Any]:
    """What `--json` prints and `summary.json` holds."""
    history, q = found.history, found.quartiles
    return {
        "schema": "optcomp/audit/1",
        "note": NOT_A_VERDICT,
        "warnings": list(found.warnings),
        "seed": found.seed,
        "controls": list(found.controls),
        "history": {
            "first_quarter": str(history.quarters[0]), "quarters": len(history.quarters), "csms": len(history.csm_ids),
            "accounts": len(history.account_ids), "renewals_due": int(history.account_quarters.due.sum()),
        },
        "false_discovery_rate": FALSE_DISCOVERY_RATE,
        "components": [_component(c) for c in found.components],
        "reliability": {k: _spread(found, k) for k in OUTCOMES},
        "cliffs": [
            {
                "segment": c.segment, "metric": c.metric, "kind": c.kind, "threshold": c.threshold,
                "renewals_due": _n(c.due), "chance_average": _n(c.average),
                "chance_good": _n(c.good), "chance_weak": _n(c.weak), "seen": _n(c.seen), "chance_year": _n(c.year),
                "at_stake_a_year": _n(c.at_stake), "full_pay_to_weak": _n(c.to_weak), "luck": c.is_luck,
            }
            for c in found.cliffs
        ],
        "pay": [{k: _n(v) if isinstance(v, float) else v for k, v in asdict(s).items()} for s in found.spread],
        "next_year": [{k: _n(v) if isinstance(v, float) else v for k, v in asdict(a).items()} for a in found.ahead],
        "book": {**_dollars(found), **_fairness(found)},
        "quartiles": {
            "score": _list(q.score), "payout_over_target": _list(q.pay), "in_best_paid_quarter": _list(q.best_paid),
            "rank_correlation": _n(q.correlation), "low": _n(q.low), "high": _n(q.high),
        },
        "screens": [
            {
                "screen": s.name, "result": s.state, "seen": s.seen, "people": len(s.people),
                "power": MEASURED[s.name].power, "false_alarms": MEASURED[s.name].false_alarms,
            }
            for s in found.screens
        ],
        "design": [{"requirement": f.requirement, "code": f.code} for f in found.design],
    }  # fmt: skip


def _component(c: Judged) -> dict[str, Any]:
    return {
        "metric": c.metric, "label": c.label, "csms": c.csms, "quarters": c.periods, "paid_a_year": _n(c.paid),
        "effects": {k: {**_slope(e.slope), "found": e.found} for k, e in c.effects.items()},
        "arr_per_sd": [_n(v) for v in c.value] if c.value else None,
        "luck": {"share": _n(c.luck.share), "low": _n(c.luck.low), "high": _n(c.luck.high)} if c.luck else None,
        "controllable": _n(c.luck.controllable) if c.luck else None,
        "book": {
            **_slope(c.book.slope if c.book else None), "found": c.book_found,
            "share": _n(c.book.share) if c.book else None,
        },
        "alignment": _n(c.alignment) if c.alignment is not None else None,
    }  # fmt: skip


def _slope(slope: Slope | None) -> dict[str, float | None]:
    if slope is None:
        return {"value": None, "low": None, "high": None}
    return {"value": _n(slope.value), "low": _n(slope.low), "high": _n(slope.high)}


def _spread(found: Audit, outcome: str) -> dict[str, Any]:
    """How far people differ, and how much of what is seen of it is real."""
    shrunk, luck = found.scores.shrunk[outcome], found.scores.luck[outcome]
    return {
        "spread_of_people": _n(shrunk.spread), "luck_of_a_person": _n(float(np.median(luck)) if len(luck) else np.nan),
        "reliability": _list(np.quantile(shrunk.reliability, [0.0, 0.5, 1.0])) if len(luck) else [],
    }  # fmt: skip


def _dollars(found: Audit) -> dict[str, Any]:
    usd = found.book_pay.usd
    return {"overpaid": _n(float(usd[usd > 0].sum())), "underpaid": _n(float(-usd[usd < 0].sum()))}


def _fairness(found: Audit) -> dict[str, Any]:
    """What the book predicts, as paid and with fair targets."""
    fair, equal = found.fairness, found.equal_effort
    return {
        "r2_before": _n(fair.total.before), "r2_after": _n(fair.total.after), "r2_fair": FAIR_R2,
        "csm_years": fair.total.years,
        "r2_by_metric": {k: {"before": _n(e.before), "after": _n(e.after)} for k, e in fair.by_metric.items()},
        "inherited_risk": _slope(fair.inherited), "inherited_risk_after": _slope(fair.inherited_after),
        "equal_effort": {
            "book": _n(equal.book), "book_after": _n(equal.book_after), "luck": _n(equal.luck), "csms": equal.people,
            "fair": FAIR_SPREAD,
        },
    }  # fmt: skip


def _list(values: FloatArray) -> list[float | None]:
    return [_n(float(v)) for v in values]


def _n(value: float) -> float | None:
    """Six significant digits; null for what is not known."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
