"""The decision: the plan of each segment, the CSM of each account, the open positions that are filled. Ids only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Solution:
    """What was decided.

    plan_by_segment : segment name → plan id
    csm_by_account : account id → CSM id
    filled : ids of the open positions that are filled
    """

    plan_by_segment: Mapping[str, str]
    csm_by_account: Mapping[str, str]
    filled: frozenset[str] = field(default_factory=frozenset)
