"""The master with open positions: what it picks is worth what it says."""

from __future__ import annotations

import builders
import numpy as np
from builders import account, csm, problem

from optcomp.decompose.master import Master
from optcomp.decompose.pools import split
from optcomp.plan import MenuSpec
from optcomp.solve import Engines


def test_a_filling_under_a_plan_that_another_pool_rules_out_counts_for_nothing(engines: Engines):
    """Two pools of one segment; only the first has books under the second plan."""
    accounts = [account("A1", "C1", region="north"), account("A2", "C2", region="south")]
    people = [
        csm("C1", region="north"),
        csm("C2", region="south"),
        csm("C3", region="north", status="open", start=builders.START),
    ]
    team = problem(
        accounts, people, menu=MenuSpec((1.0,), (0.2,), ("balanced",)), rules=builders.rules(eligible_region={})
    )
    pools = split(team)
    first = next(k for k, pool in enumerate(pools) if pool.open_csms)
    values = [{f: np.array([1.0, -np.inf]) for f in pool.fillings} for pool in pools]
    values[first] = {f: np.array([1.0, 50.0]) for f in pools[first].fillings}

    pick = Master(team, pools, engines.helper).pick(values, [np.array([0, 1])])

    assert pick is not None
    assert pick.plan == (0,)
    assert pick.value == 2.0
