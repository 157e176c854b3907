"""A conflict is a smallest set of rules that clash: planted for every hard rule, and against brute force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import brute_force
import conflict_oracle
import pytest
import strategies
from builders import account, csm, problem, rules, segment
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

import optcomp
from optcomp.instance import Account, Csm, Pair, Segment
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solve import Engines, Settings, solve
from optcomp.studies.conflict_words import as_object, conflict_sentences, headline
from optcomp.studies.conflicts import find_conflict
from optcomp.studies.relaxations import WayOut, ways_out

INSTANCES = Path(__file__).parents[2] / "instances"
OTHER_YEAR = date(2029, 6, 1)


def case(
    accounts: Sequence[Account],
    csms: Sequence[Csm],
    hard: Mapping[str, Mapping[str, object]],
    *,
    segments: Sequence[Segment] = (),
    **more: object,
) -> Problem:
    return problem(accounts, csms, rules=rules(**hard), segments=segments, **more)  # type: ignore[arg-type]


def two(**more: object) -> list[Account]:
    return [account("A1", "C1", **more), account("A2", "C1", **more)]


TEAM = [csm("C1"), csm("C2")]
SMALL = [csm("C1", hours=100.0), csm("C2", hours=100.0)]

# A conflict in which each rule takes part, and the rules that must be in it.
PLANTED: dict[str, tuple[Problem, set[str]]] = {
    "hours": (case([account(f"A{i}") for i in range(3)], SMALL, {"hours": {"ceiling": 1.0}}), {"hours"}),
    "locks": (case(two(locked=True), SMALL, {"hours": {"ceiling": 1.0}, "locks": {}}), {"hours", "locks"}),
    "account_count": (
        case(two(), [csm("C1")], {"account_count": {}}, segments=[segment(max_accounts=1)]),
        {"account_count"},
    ),
    "least accounts": (
        case([account("A1")], TEAM, {"account_count": {}}, segments=[segment(min_accounts=1)]),
        {"account_count"},
    ),
    "book_arr": (case(two(), TEAM, {"book_arr": {}}, segments=[segment(max_arr=90_000.0)]), {"book_arr"}),
    "own_limits": (case(two(), [csm("C1", max_accounts=1)], {"own_limits": {}}), {"own_limits"}),
    "workload_spread": (case([account("A1")], TEAM, {"workload_spread": {"spread": 0.1}}), {"workload_spread"}),
    "equal_chance": (
        case(
            [account("A1", renewal_probability=0.1), account("A2", renewal_probability=0.9)],
            TEAM,
            {"equal_chance": {"tolerance": 0.01}, "account_count": {}},
            segments=[segment(min_accounts=1)],
        ),
        {"equal_chance", "account_count"},
    ),
    "renewals_due": (
        case(
            [account("A1"), account("A2", renewal_date=OTHER_YEAR)],
            TEAM,
            {"renewals_due": {"min_share": 1.0}},
            segments=[segment(mix="quarterly")],
            menu=MenuSpec((1.0,), (0.2,), ("quarterly",)),
        ),
        {"renewals_due"},
    ),
    "eligible_segment": (
        case(
            [account("A1", segment="T")], [csm("C1"), csm("L", segment="T", status="leaving", end=date(2027, 3, 1))],
            {"eligible_segment": {}}, segments=[segment(), segment("T")],
        ),
        {"eligible_segment", "leavers"},
    ),
    "eligible_region": (case(two(region="EU"), [csm("C1", region="US")], {"eligible_region": {}}), {"eligible_region"}),
    "eligible_language": (
        case(two(language="de"), [csm("C1", languages=("fr",))], {"eligible_language": {}}),
        {"eligible_language"},
    ),
    "eligible_skill": (
        case(two(industry="bank"), [csm("C1", industries=("retail",))], {"eligible_skill": {}}),
        {"eligible_skill"},
    ),
    "forbidden_pairs": (
        case([account("A1")], [csm("C1")], {"forbidden_pairs": {}}, pairs=[Pair("A1", "C1", eligible=False)]),
        {"forbidden_pairs"},
    ),
    "families": (
        case(two(parent="P"), SMALL, {"hours": {"ceiling": 1.0}, "families": {}}),
        {"hours", "families"},
    ),
    "leavers": (case([account("A1")], [csm("C1", status="leaving", end=date(2027, 3, 1))], {}), {"leavers"}),
    "moves": (case(two(), SMALL, {"hours": {"ceiling": 1.0}, "moves": {"max": 0}}), {"hours", "moves"}),
    "budget": (case(two(), TEAM, {"budget": {}}, budget=100_000.0), {"budget"}),
    "exposure": (case(two(), TEAM, {"exposure": {"max_ratio": 1.0}}, budget=100_000.0), {"exposure"}),
    "open_positions": (
        case(two(), [csm("C1"), csm("O", status="open")], {"open_positions": {}, "budget": {}}, budget=120_000.0),
        {"open_positions", "budget"},
    ),
    "pay_protection": (
        case(two(), [csm("C1", variable=0.0)], {"pay_protection": {}, "budget": {}}, budget=79_000.0,
             segments=[segment(mix="base-only")], menu=MenuSpec((0.8,), (0.1,), ("base-only",))),
        {"pay_protection", "budget"},
    ),
    "variable_share": (
        case(two(), [csm("C1")], {"variable_share": {"min": 0.3}, "budget": {}}, budget=81_000.0,
             menu=MenuSpec((1.0,), (0.1,), ("base-only",))),
        {"variable_share", "budget"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_conflict_is_named_and_minimal(name: str, engines: Engines):
    where, expected = PLANTED[name]

    conflict = find_conflict(where, engines.main)

    assert conflict is not None
    assert {g.rule_id for g in conflict.groups} == expected
    assert conflict.is_minimal
    assert conflict_oracle.disagreements(where, conflict) == []


def test_every_hard_rule_that_can_clash_is_planted():
    """A rule on the design of plans acts by taking cheap plans off the menu, each in the same way as the two here."""
    design = {r for r, spec in SPECS.items() if spec.stage == "plan"}

    assert set(SPECS) - design <= set(PLANTED)


@seed(20271101)
@settings(
    max_examples=40, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(strategies.problems())
def test_conflicts_are_what_brute_force_says(engines: Engines, where: Problem):
    conflict = find_conflict(where, engines.main)

    assert (conflict is None) == (brute_force.best(where) is not None)
    assume(conflict is not None)
    assert conflict.is_minimal
    assert conflict_oracle.disagreements(where, conflict) == []


# ---- ways out -----------------------------------------------------------------------------------------------------


def mended(where: Problem, way: WayOut) -> Problem:
    """The problem with what the way out asks for."""
    if way.rule_id == "locks":
        free = {a for a, _ in way.pairs}
        accounts = tuple(replace(a, locked=a.locked and a.account_id not in free) for a in where.instance.accounts)
        return replace(where, instance=replace(where.instance, accounts=accounts))
    if way.pairs and way.rule_id == "forbidden_pairs":
        pairs = tuple(p for p in where.instance.pairs if (p.account_id, p.csm_id) not in way.pairs)
        return replace(where, instance=replace(where.instance, pairs=pairs))
    if way.pairs:
        pairs = tuple(Pair(a, c, eligible=True) for a, c in way.pairs)
        return replace(where, instance=replace(where.instance, pairs=where.instance.pairs + pairs))
    for key, value in (setting.split("=") for setting in way.settings):
        where = _set(where, key.split("."), value)
    return where


def _set(where: Problem, key: list[str], value: str) -> Problem:
    if key[0] == "budget":
        return replace(where, instance=replace(where.instance, pay_budget=float(value)))
    if key[0] == "segments":
        segments = tuple(replace(s, **{key[2]: int(float(value))}) if s.name == key[1] else s for s in where.segments)
        return replace(where, instance=replace(where.instance, segments=segments))
    rule = where.rules[key[1]]
    changed = (
        replace(rule, state="soft")
        if key[2] == "state"
        else replace(rule, numbers={**rule.numbers, key[2]: float(value)})
    )
    return replace(where, rules=replace(where.rules, by_id={**where.rules.by_id, key[1]: changed}))


@pytest.mark.parametrize("name", PLANTED)
def test_every_way_out_mends_the_problem(name: str, engines: Engines):
    where, _ = PLANTED[name]
    conflict = find_conflict(where, engines.main)
    assert conflict is not None

    ways = ways_out(conflict, engines.main)

    assert ways or name in ("leavers",)
    for way in ways:
        if way.rule_id != "own_limits":
            result = solve(mended(where, way), Settings(workers=1), engines=engines)
            assert result.evaluation is not None, way


def test_the_ways_out_say_what_to_do_and_come_cheapest_first(engines: Engines):
    where, _ = PLANTED["locks"]
    conflict = find_conflict(where, engines.main)
    assert conflict is not None

    said = as_object(conflict, ways_out(conflict, engines.main))

    # 100 hours above C1's 100 at 150 USD an hour, or one account unlocked at 50,000.
    assert [w["sentence"] for w in said["ways_out"]] == [
        "raise the ceiling on hours: --set rules.hours.ceiling=2",
        "unlock 1 account: A1 (to C2)",
    ] or said["ways_out"][1]["sentence"] == "unlock 1 account: A2 (to C2)"
    assert [w["cost"] for w in said["ways_out"]] == [15_000.0, 50_000.0]
    assert conflict_sentences(conflict)[1] == "locks: 2 locked accounts of C1 stay, which need 200 hours."
    assert "drop any one of them and the others fit (proved)" in headline(conflict)


def test_a_problem_that_fits_has_no_conflict(engines: Engines):
    assert find_conflict(optcomp.read(INSTANCES / "tiny"), engines.main) is None


def test_questions_that_are_not_answered_prove_nothing(engines: Engines):
    where, _ = PLANTED["locks"]

    assert find_conflict(where, engines.main, seconds=0.0) is None
