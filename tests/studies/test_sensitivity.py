"""The budget curve and other numbers: proved, monotone, private, and the same every time."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import builders
import numpy as np
import pytest
from builders import account, csm, problem, segment

from optcomp.catalog import load_stress, model_names
from optcomp.cli.sensitivity_text import study_text
from optcomp.errors import InputError
from optcomp.evaluate import current_solution, evaluate
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.response.belief import Belief
from optcomp.response.parameters import Response
from optcomp.solve import Engines, solve
from optcomp.solve import Settings as SolveSettings
from optcomp.stress import Stress
from optcomp.studies.findings import bought, concave_hull, forced_gain, returns, spending
from optcomp.studies.menus import STRATEGIES, strategy_of, wider_menus, with_forced
from optcomp.studies.over import direction, in_worlds, over, span
from optcomp.studies.points import Settings, Study, steps
from optcomp.studies.sensitivity import at_budget, budget_curve
from optcomp.studies.stress import EXPAND, RENEW, mean_chance, stressed, under
from optcomp.studies.tables import curve_csv

GAP = 0.001  # points of NRR; the instances are small
# Points by which two proved-optimal values of the same problem may differ.
AGREEMENT = 2 * GAP + 1e-4
QUICK = Settings(gap_pp=GAP, workers=1)


def small(**more: object) -> Problem:
    """Two segments of two CSMs and four accounts each, with a few plans."""
    accounts = [
        account(f"{s}{k}", f"{s}C{k % 2}", segment=s, arr=80_000.0 + 30_000.0 * k, health=50.0 + 10.0 * k)
        for s in "ST"
        for k in range(4)
    ]
    people = [csm(f"{s}C{k}", segment=s, base=70_000.0 + 10_000.0 * k) for s in "ST" for k in range(2)]
    settings: dict[str, object] = {
        "segments": (segment("S"), segment("T")),
        "menu": MenuSpec((1.0, 1.05), (0.1, 0.2), ("base-only", "balanced", "active")),
        "budget": 340_000.0,
        "rules": builders.rules(hours={"ceiling": 1.2}, eligible_segment={}, budget={}),
    }
    return problem(accounts, people, **(settings | more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def study(engines: Engines) -> Study:
    """The small team from -10 % to +30 %."""
    return budget_curve(small(), steps(-0.1, 0.3, 9, also=(0.15,)), QUICK, engines=engines)


# ---- the budget curve -----------------------------------------------------------------------------------------------


def test_every_step_is_proved_within_the_gap(study: Study):
    gaps = [p.gap_pp for c in study.curves for p in c.solved]

    assert gaps
    assert all(g is not None and g <= GAP for g in gaps)


def test_more_budget_never_hurts_and_no_ceiling_falls(study: Study):
    """To the last digit but those of sums: it is so by construction, not by luck."""
    for curve in study.curves:
        found = [p.objective for p in curve.solved]
        assert (np.diff(np.array(found, dtype=float)) >= -1e-12).all()
        assert (np.diff([p.bound for p in curve.solved]) >= -1e-12).all()


def test_every_step_is_what_solving_it_alone_finds(study: Study, engines: Engines):
    for here in study.best.points[::3]:
        alone = solve(here.problem, SolveSettings(gap_pp=GAP), engines=engines)

        assert (alone.evaluation is None) == (here.evaluation is None)
        if alone.evaluation is not None and here.objective is not None:
            assert 100.0 * here.objective == pytest.approx(100.0 * alone.evaluation.objective, abs=AGREEMENT)


def test_forced_strategies_are_never_better_than_the_whole_menu_with_them(study: Study, engines: Engines):
    """A forced curve is the solve of a problem in which nothing but its plans may be chosen."""
    here = study.curves[1].points[-1]
    only = replace(
        here.problem,
        instance=replace(here.problem.instance, menu=MenuSpec((1.0,), (0.1,), ())),
        forced={
            name: tuple(p for p in plans if strategy_of(p) == "base") for name, plans in here.problem.forced.items()
        },
    )

    alone = solve(only, SolveSettings(gap_pp=GAP), engines=engines)

    assert alone.evaluation is not None
    assert 100.0 * (here.objective or 0.0) == pytest.approx(100.0 * alone.evaluation.objective, abs=AGREEMENT)


def test_every_solution_keeps_within_its_budget(study: Study):
    for curve in study.curves:
        for here in curve.solved:
            assert here.evaluation is not None
            assert here.evaluation.pay_cost <= here.budget * (1.0 + 1e-6)  # conventions 5.2
            assert here.total.total == pytest.approx(here.evaluation.pay_cost, abs=0.01)


def test_a_budget_that_pays_nobody_is_proved_too_small(engines: Engines):
    found = budget_curve(small(), (-0.9, 0.0), QUICK, engines=engines).best.points

    assert found[0].evaluation is None
    assert found[0].bound == -math.inf
    assert found[1].evaluation is not None


def test_open_positions_are_filled_where_the_budget_pays_for_them(engines: Engines):
    people = [csm("C1"), csm("C2", status="open", start=builders.START)]
    accounts = [account(f"A{k}", "C1", hours=250.0) for k in range(4)]
    team = problem(
        accounts,
        people,
        budget=100_000.0,
        rules=builders.rules(budget={}),
        menu=MenuSpec((1.0,), (0.1,), ("balanced",)),
    )

    found = budget_curve(team, (0.0, 1.0), QUICK, is_extended=False, engines=engines)

    assert found.why_alone == ""
    assert [p.total.heads > 0.0 for p in found.best.points] == [False, True]
    alone = solve(found.best.points[1].problem, SolveSettings(gap_pp=GAP), engines=engines)
    assert alone.evaluation is not None
    assert found.best.points[1].objective == pytest.approx(alone.evaluation.objective, abs=AGREEMENT / 100.0)


def test_a_soft_budget_is_bent_at_its_price(engines: Engines):
    soft = small(
        rules=builders.rules(hours={"ceiling": 1.2}, eligible_segment={}, budget={"state": "soft", "price": 0.5})
    )

    found = budget_curve(soft, (0.0, 0.1), QUICK, engines=engines).best.points[0]
    alone = solve(found.problem, SolveSettings(gap_pp=GAP), engines=engines)

    assert alone.evaluation is not None
    assert found.objective == pytest.approx(alone.evaluation.objective, abs=AGREEMENT / 100.0)


def test_coupled_books_are_solved_step_by_step_and_tied(engines: Engines):
    """A rule on worst-case pay reads the budget: nothing can be shared, and the curve is monotone all the same."""
    coupled = small(
        rules=builders.rules(hours={"ceiling": 1.2}, eligible_segment={}, budget={}, exposure={"max_ratio": 1.2})
    )

    found = budget_curve(coupled, (0.0, 0.1, 0.2), QUICK, is_extended=False, engines=engines)

    assert "worst-case pay" in found.why_alone
    values = [p.objective for p in found.best.solved]
    assert len(values) == 3
    assert values == sorted(values, key=lambda v: v or 0.0)
    assert all((p.gap_pp or 0.0) <= 2 * GAP for p in found.best.points)


def test_nothing_that_is_computed_reads_the_budget():
    """`at_budget` shares it all between budgets."""
    base = small()
    names = [name for name, value in vars(Problem).items() if isinstance(value, cached_property)]
    before = {name: getattr(base, name) for name in names}
    other = replace(base, instance=replace(base.instance, pay_budget=1.0))

    assert names
    for name in names:
        np.testing.assert_equal(_plain(getattr(other, name)), _plain(before[name]))
    assert all(vars(at_budget(base, 1.0))[name] is before[name] for name in names)


def _plain(value: object) -> object:
    """Tuples of dataclasses of arrays as nested plain values."""
    if isinstance(value, Problem):
        return None  # whose budget differs
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if hasattr(value, "__dict__"):
        return {name: _plain(inner) for name, inner in vars(value).items()}
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


# ---- menus ----------------------------------------------------------------------------------------------------------


def test_levels_are_added_in_steps_and_none_is_lost():
    menu = wider_menus(small(), 0.12).instance.menu

    assert menu.base_factors == (1.0, 1.05, 1.1, 1.15)
    assert {0.1, 0.2, 0.25, 0.4} <= set(menu.variable_shares)
    assert max(menu.variable_shares) == 0.4


def test_a_forced_plan_adds_its_rise_to_the_pay_of_today_and_to_nothing_else():
    base = with_forced(small(), 400_000.0)
    for name in STRATEGIES:
        rows = [k for k, p in enumerate(base.plans[0]) if strategy_of(p) == name]
        paid = base.pay_cost[0][base.csms.segment == 0].sum(axis=0)
        rises = np.diff(paid[rows])

        assert len(rows) > 5
        assert rises == pytest.approx(np.full(len(rises), rises[0]))  # every rung the same dollars
        assert rises[0] == pytest.approx(0.01 * 150_000.0, rel=0.1)  # 1 % of base; attainment pays a little more


def test_a_forced_plan_is_exempt_from_design_rules_as_today_is():
    strict = builders.rules(max_weight={"max": 0.01}, ownership={}, eligible_segment={})
    base = with_forced(small(rules=strict), 400_000.0)
    solution = replace(
        current_solution(base), plan_by_segment={s.name: "all-into-expansion +5%" for s in base.segments}
    )

    assert evaluate(base, solution).violations == ()
    assert all(not p.mix.components for p in base.plans[0] if not p.is_exempt)  # the rules are on


# ---- what it says ---------------------------------------------------------------------------------------------------


def test_the_hull_is_the_least_concave_curve_above_the_points():
    x, y = np.array([0.0, 1.0, 2.0, 3.0, 4.0]), np.array([0.0, 1.0, 1.2, 3.0, 3.0])

    hull = concave_hull(x, y)

    assert hull.tolist() == [0.0, 1.0, 2.0, 3.0, 3.0]


def test_marginal_returns_fall_and_the_knee_lies_on_the_curve(study: Study):
    found = returns(study.best)

    assert found is not None
    assert (np.diff(found.marginal[1:]) <= 1e-9).all()
    assert found.knee is None or 0 < found.knee < len(found.points) - 1


def test_plus_fifteen_is_among_the_steps_and_its_money_adds_up(study: Study):
    asked = bought(study.best)

    assert asked is not None
    assert asked.pay == pytest.approx(0.15 * 340_000.0)
    assert asked.total.total == pytest.approx(
        asked.point.evaluation.pay_cost - asked.start.evaluation.pay_cost,  # type: ignore[union-attr]
        abs=0.01,
    )
    assert all(forced_gain(study, name) is not None for name in STRATEGIES)


# ---- other numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0%..30%", (0.0, 0.15, 0.3)),
        ("0..30%", (0.0, 0.15, 0.3)),
        ("0..4", (0.0, 2.0, 4.0)),
        ("0..1", (0.0, 0.5, 1.0)),
        ("-5pp..0pp", (-5.0, -2.5, 0.0)),
    ],
)
def test_a_range_says_its_values(text: str, values: Sequence[float]):
    assert span(text).values(3) == pytest.approx(values)


@pytest.mark.parametrize("text", ["", "1", "3..1", "a..b", "1%..2pp", "nan..1", "1..inf"])
def test_what_is_no_range_is_refused(text: str):
    with pytest.raises(ValueError, match=r"range|units|first"):
        span(text)


def test_whole_ends_give_whole_steps():
    assert span("0..10").values(7) == (0.0, 2.0, 3.0, 5.0, 7.0, 8.0, 10.0)


def test_a_stress_in_points_moves_the_mean_chance_by_them():
    base = small()
    everyone = np.arange(len(base.accounts.ids))

    def rate(where: Problem) -> float:
        pairs = where.pairs(everyone, where.accounts.csm)
        weight = pairs.arr * pairs.due
        return float((weight / (1.0 + np.exp(-pairs.renew))).sum() / weight.sum())

    assert rate(stressed(base, RENEW, -5.0, in_points=True)) == pytest.approx(rate(base) - 0.05, abs=1e-6)


def test_more_hours_never_hurt_and_a_harsher_world_does(engines: Engines):
    def read(more: Sequence[str]) -> Problem:
        ceiling = float(more[0].partition("=")[2]) if more else 1.2
        return small(rules=builders.rules(hours={"ceiling": ceiling}, eligible_segment={}, budget={}))

    hours = over(read, "rules.hours.ceiling", span("0.45..1.2"), 3, QUICK, engines=engines)
    churn = over(read, RENEW, span("-5pp..0pp"), 2, QUICK, engines=engines)

    values = [p.objective for p in hours.best.solved]
    assert values == sorted(values, key=lambda v: v or 0.0)
    assert (churn.best.points[0].objective or 0.0) < (churn.best.points[1].objective or 0.0)
    assert [c.name for c in churn.curves] == ["best", "unchanged", "today"]
    best, kept = churn.best.points, churn.curves[1].points
    assert all((k.objective or 0.0) <= p.bound + 1e-9 for k, p in zip(kept, best, strict=True))


# ---- other worlds (000-33) ------------------------------------------------------------------------------------------


def rates(where: Problem) -> tuple[float, float, float]:
    """Mean chance of churn and of expansion weighted by ARR, and of leaving."""
    renew, expand = mean_chance(where, RENEW), mean_chance(where, EXPAND)
    return 1.0 - renew, expand, where.response.turnover.base_quit


@pytest.mark.parametrize("name", model_names("stress"))
def test_a_world_multiplies_the_mean_chances(name: str):
    stress, base = load_stress(name, None), small()

    before, after = rates(base), rates(under(base, stress))

    factors = (stress.churn, stress.expansion, stress.turnover)
    assert after == pytest.approx([b * f for b, f in zip(before, factors, strict=True)], abs=1e-6)


def test_a_world_that_predicts_more_than_everything_is_refused():
    with pytest.raises(InputError, match="between 0 and 1"):
        under(small(), Stress("doom", "Everybody leaves", churn=50.0, expansion=1.0, turnover=1.0))


def test_worlds_stand_beside_the_predicted_one(engines: Engines):
    """More churn alone is worth less, and more expansion alone more, whatever is decided."""
    worlds = [
        Stress("worse", "More churn", churn=1.5, expansion=1.0, turnover=1.0),
        Stress("better", "More expansion", churn=1.0, expansion=1.5, turnover=1.0),
    ]

    found = in_worlds(small(), worlds, QUICK, engines=engines)

    predicted, worse, better = (p.objective or 0.0 for p in found.best.points)
    assert worse < predicted < better
    assert [found.name_of(p.value) for p in found.best.points] == ["as predicted", "worse", "better"]
    assert all((p.gap_pp or 0.0) <= GAP + 1e-9 for p in found.best.points)
    rows = list(csv.DictReader(curve_csv(found).decode().splitlines()))
    assert [r["value"] for r in rows[:3]] == ["as predicted", "worse", "better"]


def test_a_decision_that_breaks_a_rule_elsewhere_says_which(engines: Engines):
    def read(more: Sequence[str]) -> Problem:
        return small(budget=float(more[0].partition("=")[2]) if more else 360_000.0)

    found = over(read, "budget.pay", span("320000..360000"), 2, QUICK, engines=engines)

    assert found.curves[1].points[0].broken == ("budget",)
    assert found.curves[1].points[1].broken == ()


# ---- draws (000-34) -------------------------------------------------------------------------------------------------


def drawn(base: Problem, expand: float) -> Response:
    """A response in which effort on expansion moves its log-odds by that much."""
    return replace(base.response, outcome=replace(base.response.outcome, expand=(0.0, expand, 0.2)))


def believed(effects: Sequence[float]) -> Problem:
    """The small team with draws that differ in what effort on expansion does."""
    base = small()
    return replace(base, belief=Belief(tuple(drawn(base, effect) for effect in effects), is_identified=True))


def test_intervals_are_those_of_scoring_every_point_under_every_draw(engines: Engines):
    effects = (0.1, 0.5, 0.9)
    found = budget_curve(believed(effects), (0.0, 0.15, 0.3), replace(QUICK, strategies=()), engines=engines)

    here = found.best.points[1]
    gains = []
    for effect in effects:
        there = replace(here.problem, response=drawn(here.problem, effect), belief=None)
        today = evaluate(there, current_solution(there))
        gains.append(100.0 * (evaluate(there, here.solution).objective - today.nrr))
    assert found.intervals.num_draws == 3
    assert found.intervals.uplift[here.value].low == pytest.approx(np.quantile(gains, 0.05), abs=1e-9)
    assert found.intervals.uplift[here.value].high == pytest.approx(np.quantile(gains, 0.95), abs=1e-9)


def test_equal_draws_leave_nothing_open(engines: Engines):
    """Then the interval is the figure itself."""
    found = budget_curve(believed((0.5, 0.5)), (0.0, 0.15, 0.3), replace(QUICK, strategies=()), engines=engines)
    figures, asked = returns(found.best), bought(found.best)
    assert figures is not None
    assert asked is not None

    sure = found.intervals
    assert sure.asked is not None
    assert (sure.asked.low, sure.asked.high) == pytest.approx((asked.per_dollar, asked.per_dollar))
    for here, slope in zip(figures.points[1:], figures.marginal[1:], strict=True):
        assert (sure.marginal[here.value].low, sure.marginal[here.value].high) == pytest.approx((slope, slope))
    assert "2 draws" in study_text(found, None, (), {})


def test_without_draws_nothing_is_made_up(study: Study):
    assert study.intervals.num_draws == 0
    assert "No intervals" in study_text(study, None, (), {})


# ---- where the money goes -------------------------------------------------------------------------------------------


def test_extra_pay_by_kind_and_by_segment_are_the_same_dollars(study: Study):
    found = spending(study)

    assert found is not None
    for row in found.rows:
        extra = row.point.evaluation.pay_cost - found.start.evaluation.pay_cost  # type: ignore[union-attr]
        assert sum(row.kinds) == pytest.approx(extra, abs=0.01)
        assert sum(row.places) == pytest.approx(extra, abs=0.01)
    assert any(math.isclose(row.point.value, 0.15) for row in found.rows)


@pytest.mark.parametrize(
    ("key", "way"),
    [
        ("budget.pay", 1),
        ("rules.moves.max", 1),
        ("rules.hours.ceiling", 1),
        ("rules.equal_chance.price", -1),
        ("rules.weight_bounds.min_grr", -1),
        ("goal.nrr", 0),
        (RENEW, 0),
    ],
)
def test_the_direction_of_a_number_is_known(key: str, way: int):
    assert direction(key) == way
