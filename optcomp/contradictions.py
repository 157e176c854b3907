"""Where rule packs cannot hold together, and where the texts behind them disagree about figures.

Weights are enumerated on the 5 % grid over all metrics, satisfaction included, whatever the number of components. Each
pack is tested alone and with each other pack; where no point of the grid meets both, a deletion filter finds a smallest
set of statements that clash: without any one of them, the others can hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from optcomp.plan import METRICS
from optcomp.rule_packs import Saying
from optcomp.rules import Rules
from optcomp.types import BoolArray, FloatArray

#: Steps of the grid: 5 % each, the step of the largest menu (DESIGN 1). Every bound in the texts is a multiple of it.
STEPS = 20
#: Room for rounding when a weight is compared with a bound; far below a step.
TOLERANCE = 1e-9

_METRICS = tuple(METRICS)
Sense = Literal["at least", "at most", "each at most", "where paid at least", "components at most"]

#: Which statements are dropped first: the structural and the upper limits, so that the demands of a text remain.
_DROP_ORDER: tuple[Sense, ...] = ("components at most", "each at most", "at most", "where paid at least", "at least")


@dataclass(frozen=True, slots=True)
class Statement:
    """One limit of one pack on the weights of a plan; `limit` is a share of the variable, or a number of components."""

    pack: str
    subject: str
    source: str
    sense: Sense
    limit: float
    metrics: tuple[str, ...] = _METRICS

    def holds(self, weights: FloatArray) -> BoolArray:
        """Which rows of `weights` (shape (plans, metrics), shares) meet the limit."""
        mine = weights[:, [_METRICS.index(m) for m in self.metrics]]
        if self.sense == "at least":
            result = mine.sum(axis=1) >= self.limit - TOLERANCE
        elif self.sense == "at most":
            result = mine.sum(axis=1) <= self.limit + TOLERANCE
        elif self.sense == "each at most":
            result = (mine <= self.limit + TOLERANCE).all(axis=1)
        elif self.sense == "where paid at least":
            result = ((mine == 0) | (mine >= self.limit - TOLERANCE)).all(axis=1)
        else:
            result = (mine > 0).sum(axis=1) <= self.limit
        return np.asarray(result, dtype=bool)

    def __str__(self) -> str:
        if self.sense == "components at most":
            return f"{self.pack} pays at most {self.limit:g} metrics [{self.source}]"
        together = " together" if len(self.metrics) > 1 and self.sense in ("at least", "at most") else ""
        who = " + ".join(self.metrics) if len(self.metrics) < len(_METRICS) else "every metric"
        sense = self.sense.removeprefix("each ")
        return f"{self.pack} gives {who}{together} {sense} {100 * self.limit:g} % of the variable [{self.source}]"


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that cannot hold: between which packs, which statements clash, and in words why.

    requirements : ids of the sentences of the texts, e.g. ``002-1``
    way_out : what would let them hold, where one is known
    """

    packs: tuple[str, ...]
    statements: tuple[Statement, ...]
    sentence: str
    requirements: tuple[str, ...]
    way_out: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} {self.way_out}".strip()


def find_contradictions(packs: Sequence[Rules | Sequence[Saying]]) -> list[Contradiction]:
    """Contradictions within each pack, and between each two packs that can each hold alone.

    A pack is given as loaded rules (what it sets: hard rules only, soft ones can bend) or as its sayings (what its
    source text states, see `catalog.load_sayings`). Ownership and readiness depend on a segment and are left out.
    """
    stated = [s for pack in packs if (s := _statements(pack))]
    weights = weight_grid()
    masks = {statement: statement.holds(weights) for pack in stated for statement in pack}
    alone = [pack for pack in stated if not _hold_together(pack, masks)]
    pairs = [a + b for a, b in combinations([p for p in stated if p not in alone], 2) if a[0].pack != b[0].pack]
    clashing = [*alone, *(pair for pair in pairs if not _hold_together(pair, masks))]
    return [_contradiction(statements, masks) for statements in clashing]


def weight_grid() -> FloatArray:
    """Every split of the variable over the metrics in steps of 5 %, shape (230,230, 7): shares that sum to 1."""
    bars = np.array(list(combinations(range(STEPS + len(_METRICS) - 1), len(_METRICS) - 1)))
    edges = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), STEPS + len(_METRICS) - 1)])
    return np.asarray((np.diff(edges, axis=1) - 1) / STEPS, dtype=float)


def _statements(pack: Rules | Sequence[Saying]) -> tuple[Statement, ...]:
    found = _set_by(pack) if isinstance(pack, Rules) else _said_by(pack)
    return tuple(sorted(found, key=lambda s: _DROP_ORDER.index(s.sense)))


def _said_by(sayings: Iterable[Saying]) -> list[Statement]:
    found: list[Statement] = []
    for s in sayings:
        if s.at_least is not None:
            found.append(Statement(s.pack, s.what, s.source, "at least", s.at_least, s.metrics))
        if s.at_most is not None:
            found.append(Statement(s.pack, s.what, s.source, "at most", s.at_most, s.metrics))
        if s.max_components is not None:
            found.append(Statement(s.pack, s.what, s.source, "components at most", s.max_components))
    return found


def _set_by(rules: Rules) -> list[Statement]:
    found: list[Statement] = []
    hardly_controllable = tuple(name for name, metric in METRICS.items() if metric.retention_or_adoption)

    def add(rule_id: str, sense: Sense, limit: float, metrics: tuple[str, ...] = _METRICS) -> None:
        found.append(Statement(rules.pack, rule_id, rules[rule_id].source, sense, limit, metrics))

    if rules["max_components"].is_hard:
        add("max_components", "components at most", rules["max_components"]["max"])
    if rules["max_weight"].is_hard:
        add("max_weight", "each at most", rules["max_weight"]["max"])
    if rules["uncontrollable_share"].is_hard:
        add("uncontrollable_share", "at most", rules["uncontrollable_share"]["max"], hardly_controllable)
    if rules["csat_as_gate"].is_hard:
        add("csat_as_gate", "at most", 0.0, ("CSAT",))
    if rules["weight_bounds"].is_hard:
        for name, limit in rules["weight_bounds"].numbers.items():
            end, metric = name.split("_")
            if limit > 0 or end == "max":
                add("weight_bounds", "where paid at least" if end == "min" else "at most", limit, (metric.upper(),))
    return [s for s in found if not (s.sense in ("at most", "each at most") and s.limit >= 1)]


def _hold_together(statements: Iterable[Statement], masks: dict[Statement, BoolArray]) -> bool:
    return bool(np.logical_and.reduce([masks[s] for s in statements]).any())


def _contradiction(statements: Sequence[Statement], masks: dict[Statement, BoolArray]) -> Contradiction:
    ordered = sorted(statements, key=lambda s: _DROP_ORDER.index(s.sense))
    clash = list(ordered)
    for statement in ordered:
        rest = [s for s in clash if s is not statement]
        if rest and not _hold_together(rest, masks):
            clash = rest
    packs = tuple(dict.fromkeys(s.pack for s in statements))
    requirements = tuple(dict.fromkeys(r.strip() for s in clash for r in s.source.split(",")))
    without_csat = [s for s in statements if "CSAT" not in s.metrics or s.metrics == _METRICS]
    is_about_csat = any(s.metrics == ("CSAT",) for s in clash) and _hold_together(without_csat, masks)
    way_out = "With CSAT as a gate, which has no weight, the others can hold together." if is_about_csat else ""
    return Contradiction(packs, tuple(clash), _sentence(packs, clash), requirements, way_out)


def _sentence(packs: tuple[str, ...], clash: Sequence[Statement]) -> str:
    who = " and ".join(packs) + (" cannot hold together" if len(packs) > 1 else " contradicts itself")
    metrics = [m for s in clash for m in s.metrics]
    if all(s.sense == "at least" for s in clash) and len(metrics) == len(set(metrics)):
        why = f"together they ask for {100 * sum(s.limit for s in clash):g} % of 100 %"
    elif all(s.sense == "at most" for s in clash) and set(metrics) == set(_METRICS):
        why = f"together they allow {100 * sum(s.limit for s in clash):g} % of 100 %"
    else:
        why = "no split of the variable in steps of 5 % meets them all"
    return f"{who}: {'; '.join(str(s) for s in clash)}: {why}."
