"""What `optcomp fit` prints: grades, the smallest effects that could have been seen, and warnings, for 80 columns."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from optcomp.cli.layout import paragraph, table
from optcomp.learn.evidence import Lever
from optcomp.learn.fit import Fit
from optcomp.learn.posterior import is_plan_effect
from optcomp.words import plural

_TASKS = {"retain": "effort on renewals", "expand": "effort on expansion", "playbook": "effort on activities"}
_OTHERS = {
    "outcome.load_renew": "load, on renewals", "outcome.load_expand": "load, on expansion",
    "outcome.fit_renew": "fit, on renewals", "outcome.fit_expand": "fit, on expansion",
    "outcome.hand_renew": "hand-over, on renewals", "outcome.hand_expand": "hand-over, on expansion",
    "outcome.health_renew": "health, on renewals", "outcome.health_expand": "health, on expansion",
    "turnover.pay": "pay, on staying", "turnover.variable": "variable share, on leaving",
    "turnover.tenure": "tenure, on leaving", "turnover.overload": "overload, on leaving",
}  # fmt: skip
_OUTCOMES = {"renew": "renewals", "expand": "expansion", "contract": "contraction"}
HEADER = ("", "prior", "fitted", "sd", "narrowed", "would show", "who decides")


def fit_text(fit: Fit, written: Sequence[Path]) -> str:
    """The report of a fit."""
    blocks = [
        _heading(fit),
        "\n".join(_warnings(fit)),
        _levers("What a plan does (log-odds per log-effort)", fit, "outcome."),
        _levers("What a plan does (log-odds at full effect of a component)", fit, "hill."),
        _levers("What else matters (log-odds)", fit, ""),
        "\n".join(_checks(fit)),
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
    """One table; prefix "" takes everything that is not a plan's effect."""
    chosen = [
        lever
        for lever in fit.levers
        if (is_plan_effect(lever.key) and prefix and lever.key.startswith(prefix))
        or (not prefix and not is_plan_effect(lever.key))
    ]
    return title + "\n" + table(HEADER, [_row(lever) for lever in chosen], left=(0, 6))


def _row(lever: Lever) -> tuple[str, ...]:
    digits = 3 if abs(lever.prior_sd) < 0.05 else 2
    return (
        _label(lever.key),
        f"{lever.prior_mean:.{digits}f}",
        f"{lever.value:.{digits}f}",
        f"{lever.sd:.{digits}f}",
        f"{100.0 * lever.contraction:.0f} %",
        "nothing" if math.isinf(lever.mde) else f"{lever.mde:.{digits}f}",
        lever.grade,
    )


def _label(key: str) -> str:
    if key in _OTHERS:
        return _OTHERS[key]
    _, outcome, part = key.split(".")
    if key.startswith("hill."):
        return f"{part}, on {_OUTCOMES[outcome]}"
    return f"{_TASKS[part].removeprefix('effort on ')} effort, {_OUTCOMES[outcome]}"


def _checks(fit: Fit) -> Iterator[str]:
    for check in fit.checks:
        yield paragraph("Checked", f"{check.name}, {_OUTCOMES[check.outcome]}: {check.sentence}")


def _choices(fit: Fit) -> str:
    """The plan that the light scorer would choose under each prior."""
    first = fit.sensitivity.choices[0]
    rows = []
    for choice in fit.sensitivity.choices:
        differs = [seg for (seg, plan), (_, own) in zip(choice.plans, first.plans, strict=True) if plan != own]
        verdict = "" if choice is first else ("changes " + ", ".join(differs) if differs else "the same plans")
        rows.append((choice.scenario, f"{choice.gain_pp:+.1f} pp", verdict))
    title = "Does the choice hang on the prior? (today's books, no moves; not a recommendation)"
    return title + "\n" + table(("", "NRR", "plans"), rows, left=(0, 2))
