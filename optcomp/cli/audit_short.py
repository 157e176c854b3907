"""The first lines of `optcomp audit`: what to take away, each said in full further down."""

from __future__ import annotations

from collections.abc import Iterator

from optcomp.cli.layout import paragraph
from optcomp.learn.audit.audit import Audit
from optcomp.learn.audit.book import FAIR_R2
from optcomp.learn.audit.equal_effort import FAIR_SPREAD
from optcomp.plan import METRICS
from optcomp.words import million, plural


def in_short(found: Audit) -> str:
    """One line for each part of the audit that has something to say."""
    parts = (_pays(found), _luck(found), _book(found), _best(found), _patterns(found))
    texts = [text for part in parts for text in part]
    return "\n".join(["In short", *(paragraph("-", text, indent=2, hang=2) for text in texts)])


def _pays(found: Audit) -> Iterator[str]:
    by_label: dict[str, list[str]] = {}
    for c in found.components:
        by_label.setdefault(c.label, []).append(METRICS[c.metric].title)
    for label, names in by_label.items():
        joined = ", ".join(names)
        if label == "pays for results":
            yield f"{joined}: high attainment goes with better results in the next quarter."
        elif label in ("no signal", "too little data"):
            yield f"{joined}: whether it pays for results cannot be told ({label})."
        else:
            yield f"{joined} {label}: nothing shows that it pays for results."


def _luck(found: Audit) -> Iterator[str]:
    luck = [c for c in found.cliffs if c.is_luck]
    if luck:
        stake = million(sum(c.at_stake for c in luck), found.problem.instance.currency)
        yield (
            f"{stake} a year hangs on {plural(len(luck), 'step')} of {len(found.cliffs)} where chance decides more "
            "than skill."
        )
    low = [s for s in found.spread if s.below_half >= 0.25]  # one year in four
    if low:
        names = ", ".join(f"{100 * s.below_half:.0f} % in {s.segment}" for s in low)
        yield f"Years paid below half of target: {names}."


def _book(found: Audit) -> Iterator[str]:
    fair, equal = found.fairness, found.equal_effort
    if fair.total.before > FAIR_R2 or equal.book > FAIR_SPREAD:
        yield "Pay follows the book that people were dealt by more than is fair."
    if fair.inherited and fair.inherited.high < 0.0:
        yield "People who took over accounts in bad health were paid less."


def _best(found: Audit) -> Iterator[str]:
    q = found.quartiles
    if q.low > 0.0:
        yield "Better people are the better paid."
    elif q.correlation == q.correlation:
        yield "That better people are better paid cannot be shown."


def _patterns(found: Audit) -> Iterator[str]:
    seen = [s.name for s in found.screens if s.state == "worth a look"]
    blind = sum(s.state == "cannot be run" for s in found.screens)
    rest = f" ({plural(blind, 'screen')} of {len(found.screens)} could not be run)" if blind else ""
    yield (f"Worth a look: {', '.join(seen)}{rest}." if seen else f"No pattern of gaming was seen{rest}.")
