"""What is believed about the response after a history: joint draws, each a response of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from optcomp.response.parameters import Response


@dataclass(frozen=True)
class Belief:
    """Equally likely responses, those of one feature map after those of the other.

    is_identified : the history says something about what a change of plan does
    honest_share : share of a promised gain that survives on people who had no say in the choice (two-fold by CSM);
        NaN where the history was too small to be halved
    """

    responses: tuple[Response, ...]
    is_identified: bool = False
    honest_share: float = float("nan")

    def some(self, count: int) -> Belief:
        """So many of the responses (all, where there are no more), evenly from both maps."""
        have = len(self.responses)
        if count >= have:
            return self
        rows = np.floor((np.arange(count) + 0.5) * have / count).astype(int)
        return replace(self, responses=tuple(self.responses[k] for k in rows))

    def changed(self, change: Callable[[Response], Response]) -> Belief:
        """The same belief with a change made to every response."""
        return replace(self, responses=tuple(map(change, self.responses)))
