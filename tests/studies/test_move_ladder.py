"""The move ladder: every rung against brute force and the joint program, and what rungs learn from one another."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from builders import account, problem, response, rules
from builders import csm as plain_csm
from companies import GAP, HARD, QUICK, after, best_by_moves, company

from optcomp.assemble import assemble
from optcomp.cli.rebalance_text import nothing_text, rebalance_text
from optcomp.config import Rebalance
from optcomp.decompose import knowledge
from optcomp.decompose.memory import plans_key
from optcomp.decompose.search import plans_of_all
from optcomp.decompose.share import share_out
from optcomp.decompose.verify import verify
from optcomp.evaluate import evaluate
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings, Status, solve
from optcomp.studies.rebalance import ladder as ladder_module
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.ladder import Ladder, at_most, climb
from optcomp.studies.rebalance.rows import ladder_rows
from optcomp.studies.rebalance.study import Prepared, Wishes, prepare, rebalance
from optcomp.world import large_instance
from optcomp.write_rebalance import facts, tables


def assert_every_rung_is_the_best_there_is(where: Problem, ladder: Ladder) -> None:
    """Brute force over all books, plans and positions; a rung is infeasible exactly where it finds nothing."""
    best = best_by_moves(where)
    for rung in ladder.rungs:
        within = [value for moves, value in best.items() if moves <= rung.limit]
        assert rung.is_infeasible == (not within)
        assert (rung.value is None) == (not within)
        if within:
            assert rung.value == pytest.approx(max(within), abs=2 * GAP / 100)
            assert rung.bound >= max(within) - 1e-9
            assert rung.gap_pp <= 0.01


# ---- brute force -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_rungs_without_books_are_named_and_no_others(seed: int, engines: Engines):
    """C1 has room for one or two of its four accounts of 60 hours: two or three must go, forced by no rule."""
    rng = np.random.default_rng(seed)
    people = (plain_csm("C1", hours=100.0 + 60.0 * (seed % 2)), plain_csm("C2", hours=300.0), plain_csm("C3"))
    accounts = [account(f"A{i}", "C1", hours=60.0, arr=float(rng.integers(20, 200) * 1000)) for i in range(4)]
    where = after(problem(accounts, people, rules=rules(**HARD))).problem

    ladder = climb(where, QUICK, engines=engines).ladder

    assert_every_rung_is_the_best_there_is(where, ladder)
    assert [rung.limit for rung in ladder.rungs if rung.is_infeasible] == ([0, 1] if seed % 2 else [0, 1, 2])
    least = 2 if seed % 2 else 3
    said = {rung.reasons for rung in ladder.rungs if rung.is_infeasible}
    assert said == {(f"at least {least} moves beyond the forced ones are needed",)}
    assert least in [rung.limit for rung in ladder.rungs]


def three_must_go() -> Problem:
    """C1 has room for one of its four accounts."""
    people = (plain_csm("C1", hours=100.0), plain_csm("C2", hours=300.0), plain_csm("C3"))
    return after(problem([account(f"A{i}", "C1", hours=60.0) for i in range(4)], people, rules=rules(**HARD))).problem


@pytest.mark.parametrize("moves", [0, 1, 2])
def test_a_rung_without_books_is_not_taken_from_another(moves: int, engines: Engines):
    """Whatever rung proved it: whoever allows two moves does not get three."""
    climbed = climb(three_must_go(), QUICK, moves=moves, engines=engines)

    assert climbed.ladder.optimum == 3
    assert climbed.chosen.status is Status.INFEASIBLE
    assert climbed.chosen.problem.rules["moves"]["max"] == moves


def test_a_climb_that_ends_before_the_rung_asked_for_gives_no_books_with_more_moves(engines: Engines):
    climbed = climb(three_must_go(), QUICK, moves=2, engines=engines, is_over=lambda result: True)

    assert [rung.limit for rung in climbed.ladder.rungs] == [3]
    assert climbed.chosen.status is Status.NO_SOLUTION
    assert climbed.chosen.solution is None


def test_an_interrupted_rung_does_not_take_the_place_of_the_one_asked_for(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
):
    """The ladder goes down; the signal is kept, and so are the books of the optimum."""

    def stopped(where, *rest, **more):  # type: ignore[no-untyped-def]
        return replace(solve(where, *rest, **more), signal=2 if where.rules["moves"].is_hard else 0)

    monkeypatch.setattr(ladder_module, "solve", stopped)

    climbed = climb(three_must_go(), QUICK, engines=engines)

    assert len(climbed.ladder.rungs) == 2
    assert climbed.chosen.signal == 2
    assert climbed.chosen.evaluation is not None
    assert climbed.chosen.evaluation.moves_counted == climbed.ladder.optimum


def test_no_gap_at_all_may_be_asked_for(engines: Engines):
    where = three_must_go()

    rungs = climb(where, replace(QUICK, gap_pp=0.0), engines=engines).ladder.rungs

    assert rungs[-1].value == pytest.approx(max(best_by_moves(where).values()), abs=1e-9)
    assert rungs[-1].gap_pp <= 1e-6


def test_the_fewest_moves_are_those_under_any_plans(engines: Engines):
    """What today's plans alone need is no bound on what others do."""
    where = three_must_go()
    run = ladder_module._Run(where, QUICK, engines, None, math.inf)
    run.memory.fewest = {plans_key([np.array([0])], money=False): 7, plans_key(plans_of_all(where), money=True): 3}

    assert run.fewest == 3


@pytest.mark.parametrize("seed", range(4))
def test_rungs_are_the_best_there_is_with_an_open_position(seed: int, engines: Engines):
    """Every set of filled positions is shared out by itself; filling costs pay that the budget has just once."""
    team = [plain_csm(f"C{j}", hours=150.0) for j in (1, 2, 3)]
    team += [plain_csm(f"O{j}", hours=280.0, status="open", start=date(2027, 1, 1)) for j in (1, 2)]
    where = after(company(seed, count=3, csms=team, budget={})).problem
    where = replace(where, instance=replace(where.instance, pay_budget=390_000.0))

    ladder = climb(where, QUICK, engines=engines).ladder

    assert_every_rung_is_the_best_there_is(where, ladder)


@pytest.mark.parametrize("seed", range(4))
def test_rungs_are_the_best_there_is_when_plans_are_free(seed: int, engines: Engines):
    free = Wishes(is_plan_free=True, locks_off=("renewal", "at-risk", "just-moved"))
    prepared = after(company(seed, count=4), Change("leave", csm="C1", date=date(2027, 3, 31)), wishes=free)
    assert max(map(len, prepared.problem.plans)) > 1

    ladder = climb(prepared.problem, QUICK, engines=engines).ladder

    assert_every_rung_is_the_best_there_is(prepared.problem, ladder)


# ---- the joint program -----------------------------------------------------------------------------------------------


def large_after_one_leaver(csms: int, accounts: int, pools: int, seed: int) -> Prepared:
    where = large_instance(csms, accounts, pools, seed)
    leaver = Change("leave", csm=sorted(c.csm_id for c in where.csms)[1], date=date(2027, 1, 15))
    return prepare(assemble(where), [leaver], Rebalance(), Wishes())


# CSMs, accounts, pools, seed. Of the last no books keep the hours with no move, or one.
MIDDLE = ((9, 120, 1, 4), (10, 150, 2, 2), (12, 200, 2, 5))


@pytest.fixture(scope="module")
def middle_ladders(engines: Engines) -> dict[tuple[int, ...], tuple[Problem, Ladder]]:
    problems = {size: large_after_one_leaver(*size).problem for size in MIDDLE}
    return {size: (p, climb(p, Settings(workers=1), engines=engines).ladder) for size, p in problems.items()}


@pytest.mark.parametrize("size", MIDDLE)
def test_every_rung_of_a_middle_size_is_proved(
    size: tuple[int, ...], middle_ladders: dict[tuple[int, ...], tuple[Problem, Ladder]]
):
    ladder = middle_ladders[size][1]

    assert len(ladder.rungs) >= 6
    assert all(rung.is_infeasible or rung.gap_pp <= 0.01 for rung in ladder.rungs)
    assert not_explained(ladder) == []


@pytest.mark.parametrize("size", MIDDLE)
@pytest.mark.parametrize("limits", [(0, 1), (2, 5), (10,), (20,)])
def test_every_rung_is_what_the_joint_program_finds(
    size: tuple[int, ...],
    limits: tuple[int, ...],
    middle_ladders: dict[tuple[int, ...], tuple[Problem, Ladder]],
    engines: Engines,
):
    """Up to the gaps that both prove."""
    where, ladder = middle_ladders[size]
    for rung in (r for r in ladder.rungs if r.limit in limits):
        joint = solve(at_most(where, rung.limit), Settings(method="joint", workers=1), engines=engines)
        assert rung.is_infeasible == (joint.status is Status.INFEASIBLE)
        if joint.evaluation is None:
            continue
        assert rung.value is not None
        assert joint.gap_pp <= 0.01
        # Each bound holds for the other's books.
        assert rung.bound >= joint.evaluation.objective - 1e-9
        assert joint.objective_bound >= rung.value - 1e-9


# ---- what rungs learn from one another -------------------------------------------------------------------------------


def test_a_ladder_builds_every_program_once(engines: Engines, monkeypatch: pytest.MonkeyPatch):
    """Two pools, one kind of plan: two programs for all rungs and all prices."""
    built: Counter[tuple[int, ...]] = Counter()
    build = knowledge.build_structure

    def counting(where, pool, *rest):  # type: ignore[no-untyped-def]
        built[tuple(pool.csms.tolist())] += 1
        return build(where, pool, *rest)

    monkeypatch.setattr(knowledge, "build_structure", counting)
    climbed = climb(large_after_one_leaver(10, 150, 2, 2).problem, Settings(workers=1), engines=engines)

    assert len(climbed.ladder.rungs) >= 6
    assert len(built) == 2
    assert set(built.values()) == {1}


def test_a_rung_is_the_same_alone_and_on_the_ladder(engines: Engines):
    where = large_after_one_leaver(10, 150, 2, 2).problem
    ladder = climb(where, Settings(workers=1), engines=engines).ladder

    for rung in ladder.rungs[:-1]:
        alone = climb(where, Settings(workers=1), moves=rung.limit, has_ladder=False, engines=engines).ladder.rungs[0]
        assert rung.bound >= alone.value - 1e-9
        assert alone.bound >= rung.value - 1e-9


def test_the_proof_of_a_rung_can_be_checked_although_it_rests_on_others(engines: Engines):
    """Rows that another price on moves proved are part of it, each told with its price."""
    where = large_after_one_leaver(9, 120, 1, 4).problem

    chosen = climb(where, Settings(workers=1, gap_pp=0.001), moves=10, engines=engines).chosen

    certificate = chosen.certificate
    assert certificate is not None
    proof = verify(chosen.problem, certificate)
    assert proof.holds
    assert proof.claimed == pytest.approx(100.0 * chosen.objective_bound, abs=1e-6)
    prices = {claim.move_price for part in certificate.parts for claim in part.claims}
    assert len(prices) > 1
    # Rows that were learnt are the solver's word: a relaxation without them keeps most of the proof arithmetic.
    assert proof.on_claims < 0.1


def test_another_rule_on_moves_keeps_what_is_worked_out_and_changes_the_rule(engines: Engines):
    where = after(company(1), Change("leave", csm="C1", date=date(2027, 3, 31))).problem
    staying = where.as_if_nobody_leaves()
    assert (len(where.allowed) > 0, len(staying.allowed) > 0) == (True, True)

    other = at_most(where, 3)

    assert other.allowed is where.allowed
    assert other.as_if_nobody_leaves().allowed is staying.allowed
    fresh = replace(other)  # nothing is worked out yet
    solution = solve(other, QUICK, engines=engines).solution
    assert solution is not None
    assert evaluate(other, solution).objective == evaluate(fresh, solution).objective
    for each in (other, other.as_if_nobody_leaves()):
        assert (each.rules["moves"].state, each.rules["moves"]["max"]) == ("hard", 3.0)
        assert dict(dict(each.instance.rule_overrides)["moves"])["max"] == 3.0


# ---- sharing moves out -----------------------------------------------------------------------------------------------


def test_moves_are_shared_out_best():
    """Against every way of sharing them out; what cannot be is minus infinity, and a line may be short."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        lines = [np.sort(rng.integers(0, 6, size=int(rng.integers(1, 6))).astype(float)) for _ in range(3)]
        for line in lines:
            line[: int(rng.integers(len(line) + 1))] = -np.inf if rng.random() < 0.3 else line[0]
        most = int(rng.integers(8))

        shared = share_out(lines, most)

        for moves in range(most + 1):
            ways = [w for w in itertools.product(*(range(len(line)) for line in lines)) if sum(w) <= moves]
            best = max(sum(line[m] for line, m in zip(lines, way, strict=True)) for way in ways)
            assert shared.total[moves] == best
            if best > -np.inf:
                given = shared.of(moves)
                assert sum(given) <= moves
                assert sum(line[m] for line, m in zip(lines, given, strict=True)) == best


# ---- what is said of it ----------------------------------------------------------------------------------------------


def two_who_can_only_swap() -> Problem:
    """Both CSMs are full, each account fits the other one: one move breaks the hours, two bring much."""
    people = (
        plain_csm("C1", hours=100.0, industries=("retail",)),
        plain_csm("C2", hours=100.0, industries=("banking",)),
    )
    accounts = [
        account("A1", "C1", hours=100.0, arr=200_000.0, industry="banking"),
        account("A2", "C2", hours=100.0, arr=200_000.0, industry="retail"),
    ]
    no_cost = response(hand_renew=0.0, hand_expand=0.0)
    return problem(accounts, people, rules=rules(**HARD), response_model=no_cost)


def test_moves_that_pay_only_together_are_told_where_a_person_reads(engines: Engines):
    done = rebalance(after(two_who_can_only_swap()), QUICK, engines=engines)

    ladder = list(ladder_rows(done.ladder))
    assert [row["moves_allowed"] for row in ladder] == [0, 1, 2]
    assert ladder[1]["net_arr_per_further_move"] == pytest.approx(0.0, abs=1e-6)
    assert str(ladder[2]["remark"]).startswith("proved: these moves pay only together")
    assert b"proved: these moves pay only together" in tables(done)["ladder.csv"]
    summary = {"rebalance": facts(done), "nrr": 1.0, "gap_pp": 0.0, "currency": "USD", "warnings": [], "files": []}
    assert "2 moves: proved: these moves pay only" in rebalance_text(done, summary, Path("out"))


def not_explained(ladder: Ladder) -> Sequence[int]:
    """Rungs whose moves bring more than those before, and of which nothing is said."""
    last, found = None, []
    for rung, each, remark in ladder.steps():
        if each is not None and last is not None and each > last and not remark:
            found.append(rung.limit)
        last = last if each is None else each
    return found


@pytest.mark.parametrize("seed", range(6))
def test_each_further_move_brings_no_more_than_the_one_before_or_it_is_said_why(seed: int, engines: Engines):
    leaver = Change("leave", csm="C1", date=date(2027, 3, 31))
    ladder = climb(after(company(seed), leaver).problem, QUICK, engines=engines).ladder

    assert not_explained(ladder) == []


def test_a_rung_that_was_asked_for_and_has_no_books_says_how_many_moves_are_needed(engines: Engines):
    people = (plain_csm("C1", hours=100.0), plain_csm("C2", hours=400.0))
    where = problem([account(f"A{i}", "C1", hours=60.0) for i in range(3)], people, rules=rules(**HARD))

    done = rebalance(after(where, wishes=Wishes(moves=1, has_ladder=False)), QUICK, engines=engines)

    text = nothing_text(done, {"status": "infeasible", "reasons": []})
    assert "at least 2 moves beyond the forced ones are needed" in text
