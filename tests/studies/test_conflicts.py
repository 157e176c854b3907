"""A conflict is a smallest set of rules that clash: planted for every hard rule, and against brute force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import brute_force
import conflict_oracle
import planted
import pytest
import strategies
from builders import account, apart, csm, problem, rules, segment
from hypothesis import HealthCheck, Phase, assume, given, seed, settings

import optcomp
from optcomp.engine import Engine
from optcomp.instance import Account, Csm, Pair, Segment
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.rules import SPECS, Rule
from optcomp.solve import Engines, Settings, solve
from optcomp.studies import conflicts
from optcomp.studies.clash import Clash
from optcomp.studies.clash_hooks import hook_conflict
from optcomp.studies.conflict_words import as_object, conflict_sentences, headline
from optcomp.studies.conflicts import Answer, find_conflict
from optcomp.studies.relaxations import WayOut, ways_out
from optcomp.types import BoolArray

INSTANCES = Path(__file__).parents[2] / "instances"
OTHER_YEAR = date(2029, 6, 1)
DESIGN = tuple(r for r, spec in SPECS.items() if spec.stage == "plan")
# Hard rules that read what a plan costs or asks for, so that a plan that is not allowed can be the only one they allow.
READ_PLANS = {"budget", "exposure", "hours", "renewals_due"}


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


def design_case(rule_id: str) -> Problem:
    """Today's plan costs too much, and a rule on the design of plans forbids the only one that does not."""
    wish = dict(planted.SETTINGS[rule_id])
    base = float(wish.get("bases", 80_000.0))
    factor, share = (0.8, 0.01) if rule_id == "pay_protection" else (1.0, 0.01)
    menu = wish.get("menu", MenuSpec(mixes=("balanced",)))
    numbers = {"min": 0.3} if rule_id == "variable_share" else wish.get("numbers", {})
    where = case(
        two(),
        [csm("C1", base=base, variable=20_000.0)],
        {rule_id: numbers, "budget": {}},
        budget=1.02 * base * factor,  # the variable on the menu is 1 % of pay, and twice that at the most
        segments=wish.get("segments", [segment(mix="cliff")]),
        menu=MenuSpec((factor,), (share,), menu.mixes or ("balanced",)),
    )
    today = [replace(s, today=replace(s.today, mix="cliff")) for s in where.segments]
    return replace(
        where,
        instance=replace(where.instance, segments=tuple(today)),
        mixes={**strategies.ALL_MIXES, "loved": planted.LOVED},
    )


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
    "least ARR": (
        case(two(), TEAM, {"book_arr": {}}, segments=[segment(min_arr=150_000.0)]), {"book_arr"},
    ),
    **{rule_id: (design_case(rule_id), {rule_id, "budget"}) for rule_id in DESIGN},
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_conflict_is_named_and_minimal(name: str, engines: Engines):
    where, expected = PLANTED[name]

    conflict = find_conflict(where, engines.main)

    assert conflict is not None
    assert {g.rule_id for g in conflict.groups} == expected
    assert conflict.is_minimal
    assert conflict_oracle.disagreements(where, conflict) == []


def test_every_rule_of_the_catalogue_is_part_of_a_planted_conflict():
    assert set().union(*(expected for _, expected in PLANTED.values())) == set(SPECS)


@pytest.mark.parametrize("rule_id", DESIGN)
def test_a_rule_on_the_design_of_plans_clashes_only_with_what_reads_plans(rule_id: str, engines: Engines):
    """Today's plan may always stay, so rules on design by themselves forbid nothing that has to be."""
    where = design_case(rule_id)
    assert [p.plan_id for p in where.plans[0]] == ["today"]

    without_budget = replace(where.rules, by_id={**where.rules.by_id, "budget": _off(where, "budget")})

    assert find_conflict(replace(where, rules=without_budget), engines.main) is None


def test_all_rules_on_the_design_of_plans_together_clash_with_nothing(engines: Engines):
    """Each as strict as its numbers can be."""
    strict = {
        r: {"state": "hard", **{n: p.low if n.startswith("max") else p.high for n, p in SPECS[r].parameters.items()}}
        for r in DESIGN
    }
    where = case(two(), TEAM, strict, menu=MenuSpec((1.0,), (0.2,), ("balanced", "active")))

    assert find_conflict(where, engines.main) is None
    assert brute_force.best(where) is not None


def _off(where: Problem, rule_id: str) -> Rule:
    return replace(where.rules[rule_id], state="off")


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
    named = {g.rule_id for g in conflict.groups}
    assert not named & set(DESIGN) or named & READ_PLANS


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


def test_a_question_that_the_clock_stopped_is_said_to_be_unproven(engines: Engines, monkeypatch: pytest.MonkeyPatch):
    """Whether hours fit without the locks is never answered: the locks stay in the set, as not proved to be needed."""
    where, _ = PLANTED["locks"]
    asked = conflicts.fits

    def fits(engine: Engine, clashes: Sequence[Clash], active: Sequence[BoolArray], deadline: float) -> list[Answer]:
        answers = asked(engine, clashes, active, deadline)
        return [
            Answer.UNKNOWN if answer is Answer.FITS and not _has(clash, on, "locks") else answer
            for answer, clash, on in zip(answers, clashes, active, strict=True)
        ]

    monkeypatch.setattr(conflicts, "fits", fits)
    conflict = find_conflict(where, engines.main)

    assert conflict is not None
    assert {g.rule_id for g in conflict.groups} == {"hours", "locks"}
    assert [g.rule_id for g in conflict.unproven] == ["locks"]
    assert "that all of them are needed is not, for time ran out" in headline(conflict)
    assert conflict_sentences(conflict)[1].endswith(
        "Time ran out before it was proved that the others would fit without it."
    )
    assert "Time ran out" not in conflict_sentences(conflict)[0]


def _has(clash: Clash, active: BoolArray, rule_id: str) -> bool:
    return any(on and group.rule_id == rule_id for on, group in zip(active, clash.groups, strict=True))


# ---- constraints of the user's own ----------------------------------------------------------------------------------


def test_a_constraint_of_ones_own_is_named_with_the_rules_that_it_clashes_with(engines: Engines):
    """A1 and A2 are one family; A3 is free, so the second constraint is not needed for the clash, nor are hours."""
    accounts = [account("A1", parent="P"), account("A2", parent="P"), account("A3")]
    where = case(accounts, TEAM, {"families": {}, "hours": {"ceiling": 1.0}})
    hooks = [apart("A1", "A2"), apart("A1", "A3")]
    assert find_conflict(where, engines.main) is None

    found = hook_conflict(where, hooks, engines.main, seconds=60.0)

    assert found is not None
    assert (found.hooks, found.rules, found.unproven) == (("A1 and A2 apart",), ("families",), frozenset())


def test_constraints_of_ones_own_that_fit_are_no_conflict(engines: Engines):
    where = case([account("A1"), account("A2")], TEAM, {"hours": {"ceiling": 1.0}})

    assert hook_conflict(where, [apart("A1", "A2")], engines.main, seconds=60.0) is None


def test_without_time_nothing_is_said_of_constraints_of_ones_own(engines: Engines):
    where = case(two(parent="P"), TEAM, {"families": {}})

    assert hook_conflict(where, [apart("A1", "A2")], engines.main, seconds=0.0) is None
