"""What a fit says, as plain values for --json and for the text on the terminal."""

from __future__ import annotations

import math
from dataclasses import asdict

from optcomp.learn.fit import Fit


def summarise_fit(fit: Fit) -> dict[str, object]:
    """The fit as one JSON object; a smallest effect that nothing could have shown is null."""
    history, cells = fit.panel.history, fit.panel.history.account_quarters
    return {
        "schema": "optcomp/fit/1",
        "prior": fit.panel.priors.name,
        "seed": fit.seed,
        "draws": len(fit.draws),
        "history": {
            "quarters": len(history.quarters),
            "first_quarter": history.quarters[0].isoformat(),
            "account_quarters": len(cells.account),
            "renewals_due": int(cells.due.sum()),
            "lost": int(cells.churned.sum()),
            "expansions": int((cells.expansion > 0.0).sum()),
            "csm_quarters": len(history.csm_quarters.csm),
            "leavers": int(history.csm_quarters.left.sum()),
            "plans": len(set(history.account_plan.tolist())),
        },
        "identification": {
            "renewal_directions": fit.identification.renew,
            "expansion_directions": fit.identification.expand,
            "one_plan": fit.identification.is_one_plan,
            "changed_at_once": fit.identification.changed_at_once,
        },
        "warnings": list(fit.warnings),
        "levers": [_finite(asdict(lever)) for lever in fit.levers],
        "checks": [_finite(asdict(check)) for check in fit.checks],
        "held_out": [asdict(one) for one in fit.held_out],
        "sensitivity": [
            {"scenario": c.scenario, "plans": dict(c.plans), "gain_pp": c.gain_pp} for c in fit.sensitivity.choices
        ],
        "spread_of_csms": {
            "renew": fit.posterior.renew["effort"].mode.spread,
            "expand": fit.posterior.expand["effort"].mode.spread,
        },
        "estimates": [_finite(asdict(estimate)) for estimate in fit.estimates],
    }


def _finite(row: dict[str, object]) -> dict[str, object]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in row.items()}
