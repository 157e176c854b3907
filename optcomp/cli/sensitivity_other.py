"""What `optcomp sensitivity --over` prints, and cells that every study has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optcomp.cells import printable
from optcomp.cli.layout import paragraph, table
from optcomp.goal import Goal
from optcomp.studies.findings import at
from optcomp.studies.over import TODAY, UNCHANGED
from optcomp.studies.points import Curve, Point, Study
from optcomp.words import POINTS, percent


def nrr_cell(here: Point) -> str:
    if here.objective is None:
        return "none fits" if here.bound < 0.0 else "none found"
    return percent(here.objective)


def gap_cell(here: Point) -> str:
    return "" if here.gap_pp is None else f"{here.gap_pp:.3f}"


def interval_header(study: Study) -> list[str]:
    """The header of `interval_cell`; none where nothing was drawn."""
    return ["over today"] if study.intervals.uplift else []


def interval_cell(study: Study, here: Point) -> list[str]:
    """The gain over today in the middle 90 % of draws; no cell where nothing was drawn."""
    if not study.intervals.uplift:
        return []
    found = study.intervals.uplift.get(here.value)
    return ["" if found is None else f"{found.low:+.1f} to {found.high:+.1f}"]


def other_text(study: Study, reached: Mapping[float, Goal]) -> Iterator[str]:
    """reached : what is said of every target, by its value; empty where none is varied."""
    curves = {c.name: c for c in study.curves}
    yield f"{printable(study.base.instance.name)}: {study.key}" + (f" ({study.unit})" if study.unit else "")
    yield ""
    if reached:
        yield from _targets(study, curves[TODAY], reached)
        return
    rows = [
        [
            study.name_of(p.value),
            nrr_cell(today),
            _kept(kept),
            nrr_cell(p),
            gap_cell(p),
            "" if p.evaluation is None else str(p.evaluation.moves),
            *interval_cell(study, p),
        ]
        for p, kept, today in zip(study.best.points, curves[UNCHANGED].points, curves[TODAY].points, strict=True)
    ]
    first = "world" if study.names else "value"
    yield table([first, "today", "unchanged", "best", "unproved", "moves", *interval_header(study)], rows)
    yield ""
    yield paragraph(
        "",
        "today: today's plans and books. unchanged: what is best as the instance has it, kept. best: solved for each "
        "row. All net of the prices of bent rules.",
        hang=0,
    )
    yield from _broken(study, curves[UNCHANGED])
    yield from _regret(study, curves[UNCHANGED])


def _targets(study: Study, today: Curve, reached: Mapping[float, Goal]) -> Iterator[str]:
    """Targets against the best there is. They change no decision: nothing is kept unchanged and none is regretted."""
    rows = [
        [
            study.name_of(p.value),
            nrr_cell(now),
            nrr_cell(p),
            gap_cell(p),
            *interval_cell(study, p),
            *_goal_cells(reached.get(p.value)),
        ]
        for p, now in zip(study.best.points, today.points, strict=True)
    ]
    yield table(["value", "today", "best", "unproved", *interval_header(study), "target", "expansion"], rows)
    yield ""
    yield paragraph(
        "",
        "best: the same for every target, net of the prices of bent rules. target: whether the best reaches it; out of "
        "reach is proved. expansion: how much more often accounts would have to expand, with the best plans and books, "
        "to reach it.",
        hang=0,
    )


def _goal_cells(found: Goal | None) -> tuple[str, str]:
    """Whether a target is within reach, and by what factor expansion would have to rise."""
    if found is None:
        return "", ""
    if found.is_reached:
        return "reached", ""
    taken = "never" if found.expansion_factor is None else f"{found.expansion_factor:.2f} x"
    return "not proved" if found.is_reached is None else "out of reach", taken


def _kept(here: Point) -> str:
    return "breaks a rule" if here.objective is None else nrr_cell(here)


def _broken(study: Study, kept: Curve) -> Iterator[str]:
    """Which hard rules what was decided would break, and where."""
    rules = sorted({rule for p in kept.points for rule in p.broken})
    for rule in rules:
        places = ", ".join(study.name_of(p.value) for p in kept.points if rule in p.broken)
        yield paragraph("", f"unchanged breaks {rule} {'in' if study.names else 'at'} {places}.", hang=0)


def _regret(study: Study, kept: Curve) -> Iterator[str]:
    """How much is lost by deciding for the number as it is."""
    best = study.best
    losses = [
        (POINTS * ((p.objective or 0.0) - (at(kept.points, p.value) or p).objective), p.value)  # type: ignore[operator]
        for p in best.solved
        if (k := at(kept.points, p.value)) is not None and k.objective is not None
    ]
    if losses:
        worst, value = max(losses)
        number, world = "for the number as it is and meeting another one", "as predicted and meeting another world"
        text = f"Deciding {world if study.names else number} costs at most {max(worst, 0.0):.2f} points"
        text += ", where it breaks no rule" if any(p.broken for p in kept.points) else ""
        here = f"{text} ({'in' if study.names else 'at'} {study.name_of(value)})."
        yield paragraph("", here if worst > 0.005 else f"{text}: it hardly matters.", hang=0)
