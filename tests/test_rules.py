"""Each rule alone: hard and soft, along every path, and absent."""

from __future__ import annotations

import brute_force
import pytest
from agreement import disagreements, methods
from planted import SETTINGS, busy, heavy, planted

from optcomp.design import _JUDGES
from optcomp.eligibility import PAIR_RULES
from optcomp.formulation.build import BOOK_RULES, GLOBAL_RULES
from optcomp.judge import _BOOK_CHECKS
from optcomp.rules import SPECS
from optcomp.solve import Engines

STATES = [(name, state) for name, spec in SPECS.items() for state in spec.states if state != "off"]


def test_every_rule_has_a_builder_a_check_and_a_planted_problem() -> None:
    """A rule in the catalogue that nothing enforces, or nothing checks, would be a promise not kept."""
    of_plans = {*_JUDGES, "variable_share", "pay_protection", "pay_bands"}

    assert of_plans == {name for name, spec in SPECS.items() if spec.stage == "plan"}
    assert {*BOOK_RULES, *GLOBAL_RULES, *PAIR_RULES, *of_plans} == set(SPECS)
    assert {*_BOOK_CHECKS, *PAIR_RULES, *of_plans, "budget", "exposure"} == set(SPECS)
    assert set(SETTINGS) == set(SPECS)


@pytest.mark.parametrize(("rule_id", "state"), STATES)
def test_a_rule_alone_agrees_with_brute_force(rule_id: str, state: str, engines: Engines) -> None:
    """Evaluator, pools and joint program give one answer."""
    assert not disagreements(planted(rule_id, state), engines)


@pytest.mark.parametrize("rule_id", [name for name, spec in SPECS.items() if "off" in spec.states])
def test_without_a_rule_the_answer_changes(rule_id: str) -> None:
    """Else the planted problem would prove nothing about the rule."""
    without = brute_force.best(planted(rule_id, "off"))
    hard, soft = (brute_force.best(planted(rule_id, state)) for state in ("hard", "soft"))

    assert without is not None
    assert hard is not None
    assert soft is not None
    assert hard[1].objective < without[1].objective - 1e-6
    assert hard[1].objective <= soft[1].objective <= without[1].objective


@pytest.mark.parametrize("rule_id", [name for name, spec in SPECS.items() if "soft" in spec.states])
def test_a_cheap_soft_rule_is_bent_and_priced(rule_id: str) -> None:
    """The price is paid for exactly the amount by which it is bent."""
    top = brute_force.best(planted(rule_id, "soft"))

    assert top is not None
    bends = [b for b in top[1].bends if b.rule_id == rule_id]
    assert bends
    price = planted(rule_id, "soft").rules[rule_id].price
    assert sum(b.cost for b in bends) == pytest.approx(price * sum(b.amount for b in bends), rel=1e-12)
    assert not any(b.is_violation for b in bends)


@pytest.mark.parametrize("tiny", [heavy(), busy()], ids=["heavy", "busy"])
def test_the_load_decides(tiny: object, engines: Engines) -> None:
    """Too many hours, from accounts or from paid activities, cost what the curve says."""
    assert methods(tiny) == ["decomposed", "joint"]
    assert not disagreements(tiny, engines)
