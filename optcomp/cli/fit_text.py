"""What `optcomp fit` prints: grades, the smallest effects that could have been seen, and warnings, for 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from optcomp.cli.layout import paragraph, table
from optcomp.learn.evidence import Lever
from optcomp.learn.fit import Fit
from optcomp.learn.posterior import is_plan_effect
from optcomp.words import POINTS, percent, plural

_TASKS = {"retain": "renewal effort", "expand": "expansion effort", "playbook": "activity effort"}
_PARTS = {"load": "load", "fit": "fit", "hand": "hand-over", "health": "health"}
_TURNOVER = {"pay": "pay below market", "variable": "variable share", "tenure": "tenure", "overload": "overload"}
_OUTCOMES = {"renew": "renewals", "expand": "expansion", "contract": "contraction", "quit": "leaving"}
HEADER = ("", "prior", "fitted", "sd", "data", "MDE", "who decides")
LEGEND = (
    "data: how far the history narrowed the prior. MDE: smallest effect that the history alone would show in four of "
    "five cases; - where it would take 20 prior sd or more."
)
HELD_OUT = (
    "off by: points between chance and share, on average over bins of chance (calibration error). luck: what it stays "
    "below in 19 of 20 cases if the fit is right. slope: 1 is right, below 1 chances are too extreme. Foretelling well "
    "says nothing about what another plan would do."
)
SHOWN_MDE = 20.0  # prior sd; beyond it the figure only says that the history says nothing


def fit_text(fit: Fit, written: Sequence[Path]) -> str:
    """The report of a fit."""
    blocks = [
        _heading(fit),
        "\n".join(_warnings(fit)),
        _levers("What a plan does (log-odds per log-effort)", fit, "outcome."),
        _levers("What a plan does (log-odds at full effect of a component)", fit, "hill."),
        _levers("What else matters (log-odds)", fit, ""),
        paragraph("", LEGEND, indent=2, hang=0),
        "\n".join(_checks(fit)),
        _held_out(fit),
        _choices(fit),
        "\n".join(paragraph("wrote", str(path)) for path in written),
    ]
    return "\n\n".join(block for block in blocks if block)


def _heading(fit: Fit) -> str:
    history = fit.panel.history
    cells, people = history.account_quarters, history.csm_quarters
    facts = (
        f"{plural(len(history.quarters), 'quarter')} from {history.quarters[0]}: "
        f"{int(cells.due.sum()):,} renewals due, {int(cells.churned.sum()):,} lost, "
        f"{int((cells.expansion > 0.0).sum()):,} expansions, {int(people.left.sum()):,} of "
        f"{len(history.csm_ids):,} CSMs left. {len(fit.draws)} draws, half under each map of the plan, "
        f"seed {fit.seed}, prior {fit.panel.priors.name}."
    )
    return paragraph("History", facts)


def _warnings(fit: Fit) -> Iterator[str]:
    for sentence in fit.warnings:
        yield paragraph("Warning", sentence)


def _levers(title: str, fit: Fit, prefix: str) -> str:
    """One table, outcome by outcome; prefix "" takes everything that is not a plan's effect."""
    rows: list[tuple[str, ...]] = []
    for outcome, name in _OUTCOMES.items():
        chosen = [v for v in fit.levers if _outcome(v.key) == outcome and _belongs(v, prefix)]
        rows += [(f"on {name}",)] * bool(chosen) + [_row(lever) for lever in chosen]
    return title + "\n" + table(HEADER, rows, left=(0, 6))


def _belongs(lever: Lever, prefix: str) -> bool:
    return is_plan_effect(lever.key) == bool(prefix) and lever.key.startswith(prefix)


def _outcome(key: str) -> str:
    first, rest = key.split(".", 1)
    if first == "turnover":
        return "quit"
    return rest.split(".")[0] if "." in rest else rest.split("_")[-1]


def _row(lever: Lever) -> tuple[str, ...]:
    digits = 3 if lever.prior_sd < 0.05 else 2
    return (
        f"  {_label(lever.key)}",
        f"{lever.prior_mean:.{digits}f}",
        f"{round(lever.value, digits) + 0.0:.{digits}f}",
        f"{lever.sd:.{digits}f}",
        f"{100.0 * lever.contraction:.0f} %",
        "-" if lever.mde > SHOWN_MDE * lever.prior_sd else f"{lever.mde:.{digits}f}",
        lever.grade,
    )


def _label(key: str) -> str:
    first, *_, last = key.split(".")
    if first == "hill":
        return last
    if first == "turnover":
        return _TURNOVER[last]
    return _TASKS[last] if last in _TASKS else _PARTS[last.split("_")[0]]


def _checks(fit: Fit) -> Iterator[str]:
    for check in fit.checks:
        if not check.warns:
            yield paragraph("Checked", check.sentence)


def _held_out(fit: Fit) -> str:
    """How well the last quarters were foretold."""
    if not fit.held_out:
        return ""
    rows = [
        (
            f"  {'renewals' if one.outcome == 'renew' else 'expansions'}",
            f"{one.rows:,}",
            percent(one.happened, 1),
            percent(one.predicted, 1),
            f"{POINTS * one.error:.1f}",
            f"{POINTS * one.luck:.1f}",
            f"{one.slope:.2f} ± {one.slope_sd:.2f}",
        )
        for one in fit.held_out
    ]
    title = f"Foretold: the last {fit.held_out[0].quarters} quarters, by a fit that has not seen them"
    header = ("", "rows", "happened", "foretold", "off by", "luck", "slope")
    return "\n".join([title, table(header, rows, left=(0,)), paragraph("", HELD_OUT, indent=2, hang=0)])


def _choices(fit: Fit) -> str:
    """The plan that the light scorer would choose under each prior."""
    first = fit.sensitivity.choices[0]
    rows = []
    for choice in fit.sensitivity.choices:
        own = dict(first.plans)
        differs = [pair for pair in choice.plans if choice is first or pair[1] != own[pair[0]]]
        verdict = "; ".join(f"{segment}: {plan}" for segment, plan in differs) or "the same plans"
        rows.append((choice.scenario, f"{choice.gain_pp:+.1f} pp", verdict))
    title = "Does the choice hang on the prior? (today's books; not a recommendation)"
    return title + "\n" + table(("", "NRR", "plans, where they change"), rows, left=(0, 2))
