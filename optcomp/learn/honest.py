"""How much of a promised gain survives on people who had no say in the choice.

The plan that looks best was chosen because its estimate is high, in part by luck. So the CSMs of each segment are
halved; the plan is chosen on what one half lived through and scored on what the other did, both ways. The halves share
the prior: where the prior decides, both are wrong together, and the share says nothing against it. Source: SCIENCE 6.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optcomp.learn.held_out import cut
from optcomp.learn.history import History
from optcomp.learn.panel import Panel
from optcomp.learn.posterior import fit_posterior
from optcomp.learn.sensitivity import allowed_plans, mixed_values
from optcomp.types import FloatArray

# CSMs of a half below which it says nothing of its own.
FEWEST = 4
# Promised points of NRR below which there is nothing to share.
NOTHING = 0.01


def honest_share(panel: Panel) -> float:
    """Gain on the other half over the gain promised by the half that chose, 0 to 1; NaN where halves are too small."""
    halves = [half(panel.history, side) for side in (0, 1)]
    if min(len(np.unique(h.account_quarters.csm)) for h in halves) < FEWEST:
        return float("nan")
    problem = panel.problem
    values = []
    for part in halves:
        own = Panel(part, problem, panel.priors)
        values.append(mixed_values(problem, own, fit_posterior(own)))
    allowed = [allowed_plans(problem, s) > 0.0 for s in range(len(problem.segments))]
    promised = honest = 0.0
    for chooser, judge in ((values[0], values[1]), (values[1], values[0])):
        for s, may in enumerate(allowed):
            best = int(np.argmax(np.where(may, chooser[s], -np.inf)))
            promised += _gain(chooser[s], best)
            honest += _gain(judge[s], best)
    if promised <= NOTHING / 100.0 * problem.total_arr:
        return float("nan")
    return float(np.clip(honest / promised, 0.0, 1.0))


def _gain(values: FloatArray, plan: int) -> float:
    return float(values[plan] - values[0])


def half(history: History, side: int) -> History:
    """The history of every other CSM (by id, within segments), with accounts while they were in those books."""
    rows = history.csm_quarters
    segment = np.zeros(len(history.csm_ids), dtype=np.int64)
    segment[rows.csm] = rows.segment
    order = np.lexsort((np.arange(len(segment)), segment))
    own = np.zeros(len(segment), dtype=bool)
    own[order[side::2]] = True
    accounts = history.account_quarters
    kept = (accounts.csm >= 0) & own[np.maximum(accounts.csm, 0)]
    return replace(history, account_quarters=cut(accounts, kept), csm_quarters=cut(rows, own[rows.csm]))
