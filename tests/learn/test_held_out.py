"""The last quarters are foretold by a fit that has not seen them, and an error beyond luck is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from histories import make

from optcomp.learn.fit import fit
from optcomp.learn.held_out import HeldOut, bins_of, held_out, reliability, until
from optcomp.learn.history import History
from optcomp.learn.panel import Panel
from optcomp.learn.priors import Priors, load_priors
from optcomp.problem import Problem


@pytest.fixture(scope="module")
def priors() -> Priors:
    return load_priors("priors-v0", None)


def panel(problem: Problem, history: History, priors: Priors) -> Panel:
    return Panel(history, replace(problem, response=priors.response), priors)


def worse_late(history: History) -> History:
    """Nine of ten renewals of the last two quarters are lost after all."""
    cells = history.account_quarters
    late = cells.quarter >= len(history.quarters) - 2
    lost = late & (np.arange(len(late)) % 10 > 0)
    return replace(history, account_quarters=replace(cells, renewed=cells.renewed & ~lost))


def of(found: tuple[HeldOut, ...], outcome: str) -> HeldOut:
    return next(one for one in found if one.outcome == outcome)


def test_predictions_do_not_know_what_they_foretell(priors: Priors) -> None:
    """Whatever happens in the last two quarters, what was foretold of them is the same."""
    one, history = make("pilot", csms=6, book=60)
    cells = history.account_quarters
    late = cells.quarter >= len(history.quarters) - 2
    half = np.arange(len(late)) % 2 == 0
    other = replace(history, account_quarters=replace(cells, renewed=np.where(late, cells.due & half, cells.renewed)))

    was, is_now = (of(held_out(panel(one, h, priors)), "renew") for h in (history, other))

    assert [p[0] for p in was.points] == pytest.approx([p[0] for p in is_now.points], abs=1e-12)
    assert was.happened != is_now.happened


def test_a_fit_that_is_right_rarely_warns(priors: Priors) -> None:
    """Outcomes come from the model itself: at 5 % each, more than 3 warnings in 20 happen once in 60 times."""
    found = [one for seed in range(10) for one in held_out(panel(*make("pilot", csms=6, book=60, seed=seed), priors))]

    assert len(found) == 20
    assert sum(one.warns for one in found) <= 3


def test_a_change_in_the_last_quarters_is_said(priors: Priors) -> None:
    """Hardly anybody renews any more: the chances are off, and the fit says so."""
    one, history = make("pilot", csms=6, book=60)

    found = fit(worse_late(history), one, priors, draws=8)

    assert of(found.held_out, "renew").warns
    assert any(sentence.startswith("Chances of renewals are off") for sentence in found.warnings)


def test_an_outcome_that_never_varies_is_not_judged(priors: Priors) -> None:
    """Nobody renews in the last two quarters: there is no slope, and expansions are judged all the same."""
    one, history = make("pilot", csms=6, book=60)
    cells = history.account_quarters
    late = cells.quarter >= len(history.quarters) - 2
    gone = replace(history, account_quarters=replace(cells, renewed=cells.renewed & ~late))

    assert [one.outcome for one in held_out(panel(one, gone, priors))] == ["expand"]


def test_a_history_of_five_quarters_is_too_short_to_hold_any_out(priors: Priors) -> None:
    """Four are left to learn from with six, three with five."""
    one, history = make("pilot", csms=6, book=60)

    assert held_out(panel(one, until(history, 6), priors))
    assert held_out(panel(one, until(history, 5), priors)) == ()


def test_the_error_is_the_mean_distance_of_share_and_chance() -> None:
    """100 rows at 0.2 of which 30 happen, 100 at 0.6 of which 50 do: both are off by 0.1."""
    chance = np.repeat([0.2, 0.6], 100)
    happened = np.concatenate([np.arange(100) < 30, np.arange(100) < 50]).astype(float)

    points = reliability(chance, happened, [np.arange(100), np.arange(100, 200)])

    assert points[:, :2] == pytest.approx(np.array([[0.2, 0.3], [0.6, 0.5]]))
    assert points[:, 2] == pytest.approx([0.04, np.sqrt(0.24 / 100)])


def test_bins_of_equally_many_rows_hold_fifty_at_least() -> None:
    """149 rows make two bins and not three; 10,000 make ten."""
    assert [len(part) for part in bins_of(np.linspace(0.1, 0.9, 149))] == [75, 74]
    assert len(bins_of(np.linspace(0.1, 0.9, 10_000))) == 10
