"""The pay function: curves, expectations against simulation, and the exact chance of a share of logos."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import integrate, stats

from optcomp.payout import (
    chance_of_share,
    curve_value,
    expected_curve,
    expected_payout,
    gate_miss_probability,
    largest_payout,
    payout,
)
from optcomp.plan import Component, Curve, Gate, Mix, Plan

CURVES = [
    Curve(),
    Curve(threshold=0.8),
    Curve(accelerator=2.0, cap=3.0),
    Curve(threshold=0.5, accelerator=1.5, cap=1.0),
    Curve(cap=float("inf")),
    Curve("all-or-nothing", 0.9),
]


@pytest.mark.parametrize("curve", CURVES)
def test_a_curve_starts_at_nothing_rises_and_stops_at_its_cap(curve: Curve) -> None:
    """More attainment is never paid less."""
    values = [curve_value(curve, x) for x in np.linspace(0.0, 5.0, 501)]

    assert values[0] == 0.0
    assert all(b >= a for a, b in itertools.pairwise(values))
    assert curve_value(curve, 1.0) == 1.0
    assert values[-1] <= (1.0 if curve.kind == "all-or-nothing" else curve.cap)


def test_a_threshold_is_met_exactly_and_missed_just_below() -> None:
    """0.8 pays 0.8; a hair less pays nothing."""
    curve = Curve(threshold=0.8)

    assert curve_value(curve, 0.8) == 0.8
    assert curve_value(curve, np.nextafter(0.8, 0.0)) == 0.0


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("sd", [0.02, 0.2])
def test_the_expected_curve_is_the_integral_of_the_curve(curve: Curve, sd: float) -> None:
    """1e-7: the tolerance of the numeric integral, in pieces between the kinks; 0.2 keeps attainment above 0."""
    kinks = [k for k in (curve.threshold, 1.0, 1.0 + (curve.cap - 1.0) / curve.accelerator) if np.isfinite(k)]
    edges = sorted(
        {max(1.0 - 5.0 * sd, 0.0), 1.0 + 9.0 * sd, *(k for k in kinks if 1.0 - 5.0 * sd < k < 1.0 + 9.0 * sd)}
    )

    numeric = sum(
        integrate.quad(lambda x: curve_value(curve, x) * stats.norm.pdf(x, 1.0, sd), a, b)[0]
        for a, b in itertools.pairwise(edges)
    )

    assert expected_curve(curve, 1.0, sd) == pytest.approx(numeric, abs=3e-6 if sd == 0.2 else 1e-6)


def test_without_spread_the_expectation_is_the_value() -> None:
    """An sd of 0 is no special case for the caller."""
    assert expected_curve(Curve(threshold=0.8), 0.9, 0.0) == 0.9
    assert expected_curve(Curve(threshold=0.8), 0.7, 0.0) == 0.0


def test_the_expected_payout_is_the_mean_of_many_payouts() -> None:
    """400,000 draws; 4 standard errors of the mean."""
    plan = Plan(
        "p", Mix("m", (Component("GRR", 0.4, curve=Curve(threshold=0.9)), Component("EXP", 0.6)), Gate(0.3)), 1, 0.2
    )
    generator = np.random.default_rng(0)
    draws = 400_000
    grr, exp, csat = (generator.normal(m, s, draws) for m, s in ((1.0, 0.1), (1.0, 0.3), (0.85, 0.08)))
    paid = [payout(plan, {"GRR": g, "EXP": e}, c) for g, e, c in zip(grr[:40_000], exp, csat, strict=False)]
    parts = {c.metric: expected_curve(c.curve, 1.0, s) for c, s in zip(plan.mix.components, (0.1, 0.3), strict=True)}

    expected = expected_payout(plan, parts, gate_miss_probability(plan.mix.gate, 0.85, 0.08))

    assert expected == pytest.approx(np.mean(paid), abs=4.0 * np.std(paid) / np.sqrt(len(paid)))


@pytest.mark.parametrize(
    ("accounts", "chance", "full"), [(10, 0.90, 0.74), (25, 0.90, 0.54), (50, 0.90, 0.62), (10, 0.92, 0.81)]
)
def test_the_ninety_percent_logo_rule_is_mostly_luck(accounts: int, chance: float, full: float) -> None:
    """REQUIREMENTS section 3: 74, 54 and 62 % for equal skill, by book size alone."""
    exact = chance_of_share(np.full(accounts, chance), 0.9)

    assert exact == pytest.approx(full, abs=0.005)
    assert exact == pytest.approx(stats.binom.sf(np.ceil(0.9 * accounts - 1e-9) - 1, accounts, chance), abs=1e-12)


def test_unequal_chances_are_convolved_exactly() -> None:
    """At least 2 of three with 0.5, 0.8 and 0.9: 0.36 + 0.04 + 0.09 + 0.36 = 0.85."""
    assert chance_of_share(np.array([0.5, 0.8, 0.9]), 0.5) == pytest.approx(0.85, abs=1e-12)
    assert chance_of_share(np.array([]), 0.9) == 1.0


def test_the_worst_case_is_every_component_at_its_cap() -> None:
    """0.5 × 2 + 0.5 × 1 (a cliff pays its target at most)."""
    parts = (Component("EXP", 0.5), Component("LOGO", 0.5, curve=Curve("all-or-nothing", 0.9)))

    assert largest_payout(Plan("p", Mix("m", parts), 1.0, 0.2)) == 1.5
