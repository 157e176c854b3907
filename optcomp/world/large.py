"""Large instances for benchmarks: facts only, feasible by construction, the same for the same seed."""

from __future__ import annotations

from datetime import date

import numpy as np

from optcomp.instance import Instance
from optcomp.world.facts import MENU, account_nouns, csm_nouns, segment_nouns
from optcomp.world.firm import draw_firm

AS_OF, PLAN_YEAR_START = date(2026, 11, 1), date(2027, 1, 1)
TODAY_MIX = "all-or-nothing-90"
# Room for a dearer plan in about every second segment: 5 % more base is the largest step on the menu.
_BUDGET_FACTOR = 1.03


def large_instance(csms: int, accounts: int, pools: int, seed: int) -> Instance:
    """An invented company with its books of today.

    pools : regions × segments that do not exchange accounts, filled region by region, three segments each

    Raises
    ------
    ValueError
        Unless pools <= csms <= accounts.
    """
    rng = np.random.default_rng([seed, csms, accounts, pools])
    firm = draw_firm(csms, accounts, pools, month=AS_OF.month, rng=rng)
    score = np.clip(np.round(70.0 + 14.0 * rng.normal(size=accounts)), 5, 98)
    health = np.where(rng.random(accounts) < 0.05, np.nan, score)
    pay = float((firm.csms.base + firm.csms.variable).sum())
    return Instance(
        name=f"large-{csms}x{accounts}x{pools}-{seed}",
        as_of=AS_OF,
        plan_year_start=PLAN_YEAR_START,
        pay_budget=float(np.ceil(pay * _BUDGET_FACTOR / 1000.0) * 1000.0),
        segments=segment_nouns(TODAY_MIX, firm),
        accounts=account_nouns(firm, health, AS_OF, rng),
        csms=csm_nouns(firm),
        menu=MENU,
    )
