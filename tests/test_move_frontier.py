"""Parts of the frontier of moves by themselves: what is learnt at another price, what a pool's answer proves."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pytest
from builders import account, problem, rules
from builders import csm as plain_csm

from optcomp.assemble import assemble
from optcomp.config import Rebalance
from optcomp.decompose.certificate import Certificate, Part
from optcomp.decompose.memory import Memory
from optcomp.decompose.pool_moves import Ask, PoolMoves
from optcomp.decompose.search import Search, plans_of_all
from optcomp.decompose.share import Book, PoolWorth
from optcomp.decompose.tighten import Target
from optcomp.decompose.verify import verify
from optcomp.engine import Ending, Job, Outcome
from optcomp.plan import MenuSpec
from optcomp.problem import Problem
from optcomp.solve import Engines, Settings
from optcomp.studies.rebalance.changes import Change
from optcomp.studies.rebalance.ladder import climb
from optcomp.studies.rebalance.study import Wishes, prepare
from optcomp.world import large_instance

PRICE = 0.25  # points a move


def team() -> Problem:
    """Six accounts of C1, half of which C2 would serve better."""
    accounts = [account(f"A{i}", "C1", arr=50_000.0 * (i + 1), industry="x" if i % 2 else "y") for i in range(6)]
    people = [plain_csm("C1", industries=("y",)), plain_csm("C2", industries=("x",), level="senior")]
    return problem(accounts, people, menu=MenuSpec(), rules=rules(hours={"ceiling": 1.0}))


def search_at(price: float, engines: Engines, where: Problem | None = None) -> Search:
    target = Target(1e-5, time.monotonic() + 600.0, 0, lambda: False)
    return Search(where or team(), engines.main, engines.helper, target, lambda search, found: None, move_price=price)


def only(search: Search):  # type: ignore[no-untyped-def]
    """The knowledge of the only pool."""
    return search.known[0][frozenset()]


def test_books_learnt_at_another_price_are_worth_what_they_are_at_this_one(engines: Engines):
    free, dear = search_at(0.0, engines), search_at(PRICE, engines)
    free.run(plans_of_all(free.problem))
    theirs, mine = only(free), only(dear)
    moves = theirs.moves_of(theirs.books[theirs.book[0]], 0)

    mine.learn_books(theirs)

    assert moves > 0
    assert mine.lower[0] == pytest.approx(theirs.lower[0] - PRICE * moves, abs=1e-9)
    assert (mine.books[mine.book[0]] == theirs.books[theirs.book[0]]).all()


def test_what_was_learnt_at_a_third_price_is_not_passed_on_as_ones_own(engines: Engines):
    """Else the same rows would come again with every price."""
    first, second, third = (search_at(price, engines) for price in (0.0, PRICE, 2.0 * PRICE))
    structure = only(first).structure(0)
    only(first).take_bound(0, structure.program_at(0), 1e6)

    only(second).learn_rows(only(first))
    only(third).learn_rows(only(second))

    assert [claim.move_price for claim in only(second).claims] == [0.0]
    assert only(third).claims == []


# ---- what a pool answers ---------------------------------------------------------------------------------------------


@dataclass
class Answers:
    """An engine that gives one answer to everything and keeps what it was asked."""

    outcome: Outcome
    asked: list[Job]

    def solve_many(self, jobs: Sequence[Job], **rest: object) -> list[Outcome]:
        self.asked += jobs
        return [self.outcome] * len(jobs)


def asked_for_two_moves(engines: Engines, outcome: Outcome, *, known: float = -np.inf) -> PoolWorth:
    """What is known of the pool after it was asked for its best books with two moves."""
    free = search_at(0.0, engines)
    worth = PoolWorth(6)
    worth.take_price(0.0, 1000.0)
    if np.isfinite(known):
        worth.take_book(Book(np.zeros(6, dtype=np.int64), known, 0))
    engine = Answers(outcome, [])
    pools = PoolMoves(Memory(), engine, free.target, free, lambda *name: worth)  # type: ignore[arg-type]
    pools.ask([Ask(0, frozenset(), 0, 2)], is_polish=False)
    return worth


def ended(ending: Ending, bound: float) -> Outcome:
    return Outcome(ending, None, None, bound, None, 0.0, 0)


def test_a_pool_that_ran_out_of_nodes_proves_its_bound_and_no_more(engines: Engines):
    worth = asked_for_two_moves(engines, ended(Ending.NODE_LIMIT, 70.0), known=5.0)

    assert worth.upper.tolist() == [70.0, 70.0, 70.0, 1000.0, 1000.0, 1000.0, 1000.0]
    assert worth.spent == set()


def test_where_pairs_of_worse_books_were_left_out_nothing_better_is_proved_and_not_nothing(engines: Engines):
    """Infeasible without those pairs: the known books are the best."""
    worth = asked_for_two_moves(engines, ended(Ending.INFEASIBLE, -np.inf), known=5.0)

    assert worth.upper.tolist() == [5.0, 5.0, 5.0, 1000.0, 1000.0, 1000.0, 1000.0]


def test_a_pool_without_books_at_so_few_moves_is_impossible_there(engines: Engines):
    worth = asked_for_two_moves(engines, ended(Ending.INFEASIBLE, -np.inf))

    assert worth.upper.tolist() == [-np.inf] * 3 + [1000.0] * 4


@pytest.mark.parametrize(("hours", "fewest"), [(600.0, 0), (599.0, 1), (300.0, 3), (299.0, 4)])
def test_the_fewest_moves_are_those_that_hours_force(hours: float, fewest: int, engines: Engines):
    """Six accounts of 100 hours: 600 hours hold all of them, 599 only five."""
    where = team()
    people = tuple(replace(c, hours=hours if c.csm_id == "C1" else 1000.0) for c in where.csm_list)
    free = search_at(0.0, engines, replace(where, instance=replace(where.instance, csms=people)))
    worth = PoolWorth(6)
    pools = PoolMoves(Memory(), engines.main, free.target, free, lambda *name: worth)

    counts = pools.fewest([(0, frozenset(), 0)])

    assert list(counts.values()) == [fewest]
    assert np.isinf(worth.upper).all()
    assert (worth.upper == -np.inf).sum() == fewest


# ---- certificates ----------------------------------------------------------------------------------------------------


def test_a_row_from_another_price_counts_at_that_price(engines: Engines):
    """Told with another price than its own it would prove something else."""
    where = large_instance(9, 120, 1, 4)
    leaver = Change("leave", csm=sorted(c.csm_id for c in where.csms)[1], date=date(2027, 1, 15))
    prepared = prepare(assemble(where), [leaver], Rebalance(), Wishes())
    chosen = climb(prepared.problem, Settings(workers=1, gap_pp=0.001), moves=10, engines=engines).chosen
    certificate = chosen.certificate
    assert isinstance(certificate, Certificate)

    def on_learnt_rows_alone(part: Part, more: float) -> Part:
        """Only rows that other prices proved, and relaxations that made use of no others."""
        learnt = [c for c in part.claims if c.is_row and c.move_price != certificate.move_price]
        kept = tuple(replace(c, move_price=c.move_price + more) for c in learnt)
        witnesses = tuple(w for w in part.witnesses if w.rows and max(w.rows) < len(kept))
        return replace(part, claims=kept, witnesses=witnesses)

    def proved(more: float) -> float:
        parts = tuple(on_learnt_rows_alone(part, more) for part in certificate.parts)
        low = certificate.bound - 1.0  # so that what is proved shows
        return verify(chosen.problem, replace(certificate, parts=parts, bound=low, jointly=np.inf)).bound

    assert any(on_learnt_rows_alone(part, 0.0).witnesses for part in certificate.parts)
    assert proved(0.0) >= 100.0 * chosen.evaluation.objective - 1e-6
    assert abs(proved(0.0) - proved(0.01)) > 1e-6
