"""The assignment core of the benchmarks: right on what can be enumerated, and never a bound beyond what is reached."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optcomp.solve import Engines
from optcomp.types import FloatArray
from tests.benchmarks.gap_cases import Case, cases, read, score
from tests.benchmarks.gap_core import exchange, knapsack, leaf, parts, search
from tests.benchmarks.gap_core.books import Item, books_within, cheapest, join
from tests.benchmarks.gap_core.bounding import Bounding, Part
from tests.benchmarks.gap_core.columns import Pricing, near_best
from tests.benchmarks.gap_core.exchange import Exchange, landscape
from tests.benchmarks.gap_core.knapsack import Climb, UnitPrices, climb, grid, reduced_costs, value_of
from tests.benchmarks.gap_core.leaf import Leaf, Verdict
from tests.benchmarks.gap_core.parts import Asked, Question, dive, prove
from tests.benchmarks.gap_core.search import Core, Effort, solve
from tests.benchmarks.gap_core.task import Assignment

LATER = 60.0  # seconds; far beyond what tiny tasks take


def task_of(costs: FloatArray, hours: FloatArray, capacity: FloatArray) -> Assignment:
    """A task from tables of shape (csms, accounts); a pair of infinite cost is not allowed."""
    csm, account = np.nonzero(np.isfinite(costs))
    return Assignment(account, csm, -costs[csm, account], hours[csm, account], capacity, costs.shape[1])


def least_cost(costs: FloatArray, hours: FloatArray, capacity: FloatArray) -> float:
    """The cost of the best assignment by trying every one, with nothing of the core; infinite when there is none."""
    m, n = costs.shape
    best = np.inf
    for owner in itertools.product(range(m), repeat=n):
        load = [sum(hours[j, a] for a in range(n) if owner[a] == j) for j in range(m)]
        if all(have <= most for have, most in zip(load, capacity, strict=True)):
            best = min(best, sum(costs[owner[a], a] for a in range(n)))
    return float(best)


def tight(seed: int, *, csms: int = 3, accounts: int = 7, whole: bool = True) -> tuple[FloatArray, ...]:
    """Tables like those of class D: long accounts are cheap, and hours are short. One pair in ten is not allowed."""
    random = np.random.default_rng(seed)
    hours = random.integers(1, 20, (csms, accounts)).astype(float)
    costs = 30.0 - hours + random.integers(-4, 5, (csms, accounts))
    if not whole:
        hours, costs = hours + random.random(hours.shape), costs + random.random(costs.shape)
    costs[random.random(costs.shape) < 0.1] = np.inf
    return costs, hours, np.full(csms, 0.8 * hours.sum() / csms / csms).round(0 if whole else 3)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_the_core_finds_and_proves_what_trying_every_assignment_finds(engines: Engines, seed: int, whole: bool) -> None:
    """Three CSMs, seven accounts: 2,187 assignments. Tolerance: sums of seven numbers in another order."""
    tables = tight(seed, whole=whole)
    best = least_cost(*tables)

    answer = solve(task_of(*tables), engines.main, Effort(time.monotonic() + LATER, rounds=2, processes=1))

    assert -answer.value == pytest.approx(best, rel=1e-9)
    assert -answer.bound == pytest.approx(best, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), whole=st.booleans(), scale=st.floats(0.0, 2.0))
def test_a_bound_by_prices_never_lies_above_the_best_assignment(seed: int, whole: bool, scale: float) -> None:
    """Whatever the prices: they are drawn at random, then climbed from."""
    tables = tight(seed, accounts=6, whole=whole)
    task, best = task_of(*tables), least_cost(*tables)
    price = scale * np.random.default_rng(seed).uniform(0.0, 30.0, task.num_accounts)

    drawn, _ = value_of(task.cost, grid(task), price)
    target = best if np.isfinite(best) else 500.0
    climbed = climb(task.cost, grid(task), price, Climb(target, 30))

    assert drawn <= best + 1e-6
    assert climbed.least_cost <= best + 1e-6


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_bound_with_a_pair_in_use_never_lies_above_the_best_assignment_that_uses_it(seed: int) -> None:
    """So a pair whose bound lies above what is at hand can be left out."""
    costs, hours, capacity = tight(seed, accounts=5)
    task = task_of(costs, hours, capacity)
    price = np.random.default_rng(seed).uniform(0.0, 30.0, task.num_accounts)
    bound, _ = value_of(task.cost, grid(task), price)

    rise = reduced_costs(task.cost, grid(task), UnitPrices(price, bound))

    for j, a in itertools.product(range(3), range(5)):
        only = costs.copy()
        only[:, a] = np.inf
        only[j, a] = costs[j, a]
        assert bound + rise[j, a] <= least_cost(only, hours, capacity) + 1e-6


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), most=st.integers(1, 20))
def test_the_cheapest_books_are_those_among_all_that_fit(seed: int, most: int) -> None:
    """Seven accounts: 128 books, sorted by hand; costs are whole, so that equal ones compare equal."""
    random = np.random.default_rng(seed)
    load, cost = random.integers(1, 9, 7), random.integers(-9, 5, 7).astype(float)
    picks = [np.array(p, dtype=bool) for p in itertools.product([False, True], repeat=7)]
    fitting = sorted(float(cost[p].sum()) for p in picks if load[p].sum() <= 15)

    books = cheapest(Item(np.arange(7), cost, load, load.astype(float)), 15, 15.0, limit=np.inf, most=most)

    assert books.cost.tolist() == fitting[:most]


def test_joined_books_hold_every_account_once_at_least_cost() -> None:
    """Two CSMs, four accounts: every split is tried by hand."""
    random = np.random.default_rng(1)
    cost, load = random.integers(1, 9, (2, 4)).astype(float), random.integers(1, 5, (2, 4))
    items = [Item(np.arange(4), cost[j], load[j], load[j].astype(float)) for j in range(2)]
    books = [cheapest(item, 8, 8.0, limit=np.inf, most=99) for item in items]
    tables = (cost, load.astype(float), np.full(2, 8.0))

    rows = join(books, 0b1111, limit=np.inf, random=random)

    assert join(books, 0b1111, limit=least_cost(*tables) - 1.0, random=random) is None
    assert rows is not None
    members = [int(book.members[row]) for book, row in zip(books, rows, strict=True)]
    assert members[0] & members[1] == 0
    assert members[0] | members[1] == 0b1111
    assert sum(book.cost[row] for book, row in zip(books, rows, strict=True)) == least_cost(*tables)


def search_on(engines: Engines, seed: int) -> tuple[Assignment, Core]:
    """A task of 5 CSMs and 20 accounts with its first assignment and prices."""
    task = task_of(*tight(seed, csms=5, accounts=20))
    core = Core(task, engines.main, Effort(time.monotonic() + LATER, rounds=0))
    core.run()
    return task, core


@pytest.mark.parametrize(("bits", "books"), [(62, 600), (5, 600), (62, 20)])
def test_local_search_never_breaks_a_capacity_and_never_loses_value(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, bits: int, books: int
) -> None:
    """After every try; also where few accounts may change hands, and where few books are kept."""
    task, core = search_on(engines, 2)
    assert core.owner is not None
    monkeypatch.setattr(exchange, "BITS", bits)
    monkeypatch.setattr(exchange, "MOST_BOOKS", books)
    tried = Exchange(landscape(task, core.prices.price, core.rise), core.owner.copy(), np.random.default_rng(2))
    value = task.worth(tried.owner)

    for _ in range(40):
        tried.run(most_tries=1, deadline=time.monotonic() + LATER)
        assert task.worth(tried.owner) >= value - 1e-9
        value = task.worth(tried.owner)


@pytest.mark.parametrize("seed", range(12))
def test_the_core_holds_the_best_assignment_when_a_worse_one_is_at_hand(engines: Engines, seed: int) -> None:
    """The one that is next to the best in cost is put in the place of the first one."""
    costs, hours, capacity = tight(seed, accounts=6)
    tables = costs, hours, capacity + 6.0  # so that more than one assignment fits
    task = task_of(*tables)
    core = Core(task, engines.main, Effort(time.monotonic() + LATER))
    core._relax()
    owners = [np.array(o) for o in itertools.product(range(3), repeat=6)]
    worse = [o for o in owners if -np.inf < task.worth(o) < -least_cost(*tables)]
    core._take(max(worse, key=task.worth))
    core._tighten()

    core._close(10_000)

    assert core.cost == least_cost(*tables)
    assert core.least_cost == core.cost


def test_hours_on_a_coarse_grid_are_rounded_so_that_what_fits_still_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two accounts of 5.5 hours fill 11 hours, which are cut into 3 steps: 1.5 steps each count as 1."""
    monkeypatch.setattr(knapsack, "MOST_CELLS", 3)
    task = task_of(np.full((1, 2), -10.0), np.full((1, 2), 5.5), np.array([11.0]))

    bound, left_over = value_of(task.cost, grid(task), np.zeros(2))

    assert bound == -20.0
    assert left_over.tolist() == [0.0, 0.0]


def test_the_same_seed_gives_the_same_assignment(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Account for account after one round that no clock cuts and that proves nothing."""
    monkeypatch.setattr(search, "OPEN_PAIRS", -1_000)
    monkeypatch.setattr(search, "TRIES", 6)
    task = task_of(*tight(4, csms=8, accounts=64))

    first, second = (
        solve(task, engines.main, Effort(time.monotonic() + LATER, rounds=1, seed=7, processes=1)) for _ in range(2)
    )

    assert first.owner is not None
    assert second.owner is not None
    assert first.owner.tolist() == second.owner.tolist()
    assert first.bound == second.bound
    assert not first.is_optimal


def test_a_task_that_nobody_can_carry_has_no_assignment_and_no_bound(engines: Engines) -> None:
    """Two accounts of 6 hours do not fit one CSM of 10."""
    task = task_of(np.ones((1, 2)), np.full((1, 2), 6.0), np.array([10.0]))

    answer = solve(task, engines.main, Effort(time.monotonic() + LATER))

    assert answer.owner is None
    assert answer.bound == -np.inf


def roomy(seed: int, *, whole: bool = True) -> tuple[Assignment, float]:
    """A task of 3 CSMs and 6 accounts that has an assignment, and the least cost of one."""
    costs, hours, capacity = tight(seed, accounts=6, whole=whole)
    tables = costs, hours, capacity + 8.0
    best = least_cost(*tables)
    return task_of(*tables), best


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), whole=st.booleans())
def test_prices_by_books_give_a_bound_that_never_lies_above_the_best_assignment(seed: int, whole: bool) -> None:
    """From prices drawn at random; they are never worse than those."""
    task, best = roomy(seed, whole=whole)
    price = np.random.default_rng(seed).uniform(0.0, 30.0, task.num_accounts)
    start = UnitPrices(price, value_of(task.cost, grid(task), price)[0])

    found = Bounding(task, price, time.monotonic() + LATER).converge(start, close=1e-3, most_rounds=30)

    assert start.least_cost <= found.least_cost <= best + 1e-6
    assert found.least_cost <= value_of(task.cost, grid(task), found.price)[0] + 1e-6


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), beyond=st.integers(-2, 3))
def test_a_part_is_refused_only_without_an_assignment_of_the_cost_and_keeps_every_pair_of_one(
    seed: int, beyond: int
) -> None:
    """One pair in four is taken out at random; every assignment of what is left is tried."""
    task, best = roomy(seed)
    if not np.isfinite(best):
        return
    random = np.random.default_rng(seed)
    keep = np.isfinite(task.cost) & (random.random(task.cost.shape) < 0.75)
    most_cost = best + beyond
    bounding = Bounding(task, random.uniform(0.0, 30.0, task.num_accounts), time.monotonic() + LATER)

    state = bounding.bound(Part(keep, random.uniform(0.0, 30.0, task.num_accounts)), most_cost)

    for owner in itertools.product(range(3), repeat=6):
        o = np.array(owner)
        if keep[o, np.arange(6)].all() and -task.worth(o) <= most_cost:
            assert state is not None
            assert state.least_cost <= -task.worth(o) + 1e-6
            assert state.part.keep[o, np.arange(6)].all()


@pytest.mark.parametrize("listed", [6_000, 12, 0])
@pytest.mark.parametrize("seed", range(8))
def test_a_cost_is_refused_exactly_when_no_assignment_reaches_it(
    monkeypatch: pytest.MonkeyPatch, seed: int, listed: int
) -> None:
    """Asked for the least cost and for one less; with all parts listed, with small ones, and with none."""
    monkeypatch.setattr(parts, "LISTED", listed)
    task, best = roomy(seed)
    price = np.random.default_rng(seed).uniform(0.0, 30.0, task.num_accounts)
    whole = (Asked(Part(np.isfinite(task.cost), price), 1.0),)
    limit = time.monotonic() + LATER

    found = prove((Question(task, best, limit), whole, 10_000))
    none = prove((Question(task, best - 1.0, limit), whole, 10_000))

    if listed == 0:  # the last assignment of a part stays open: nothing but a list of books finds or refuses it
        assert found.owner is None
        assert found.rest
    else:
        assert found.owner is not None
        assert -task.worth(found.owner) == best
    assert none.owner is None
    assert not none.rest
    assert none.refused == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_a_dive_finds_only_assignments_of_the_cost_asked_for(seed: int) -> None:
    """With two more than the least cost there is one; with one less there is none."""
    task, best = roomy(seed)
    part, limit = Part(np.isfinite(task.cost), np.full(task.num_accounts, 20.0)), time.monotonic() + LATER

    owner = dive((Question(task, best + 2.0, limit), part, seed))

    assert dive((Question(task, best - 1.0, limit), part, seed)) is None
    assert owner is not None
    assert -task.worth(owner) <= best + 2.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), beyond=st.integers(-2, 2))
def test_listed_books_are_searched_to_the_end(seed: int, beyond: int) -> None:
    """All books of three CSMs: the search finds an assignment of the cost exactly when there is one."""
    task, best = roomy(seed)
    if not np.isfinite(best):
        return
    price = np.full(task.num_accounts, 20.0)
    books, _ = near_best(task, task.cost, grid(task), price, Pricing(1e4, 10_000))

    verdict, owner = Leaf(task, books, price, best + beyond).search(leaf.Effort(10_000, time.monotonic() + LATER))

    assert (verdict is Verdict.FOUND) == (beyond >= 0)
    assert (verdict is Verdict.NONE) == (beyond < 0)
    assert owner is None or -task.worth(owner) <= best + beyond


def test_books_by_item_are_those_by_bits_for_more_items_than_there_are_bits() -> None:
    """Seventy items of one hour, room for two: the cheapest three books."""
    items = Item(np.arange(70), -np.arange(70.0), np.ones(70, dtype=np.int64), np.ones(70))

    found = books_within(items, 2, 2.0, limit=np.inf, most=3)

    assert found.cost.tolist() == [-137.0, -136.0, -135.0]
    assert [np.flatnonzero(row).tolist() for row in found.used[:2]] == [[68, 69], [67, 69]]


@pytest.mark.parametrize("seed", range(3))
def test_the_core_asks_for_the_cost_of_the_best_assignment_where_the_solver_is_left_out(
    engines: Engines, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Asking alone proves what trying every assignment finds."""
    monkeypatch.setattr(search, "OPEN_PAIRS", -1_000)
    tables = tight(seed, whole=True)

    answer = solve(task_of(*tables), engines.main, Effort(time.monotonic() + LATER, rounds=20, processes=1))

    assert -answer.value == pytest.approx(least_cost(*tables), rel=1e-9)
    assert answer.bound == answer.value


def instance(name: str) -> Case:
    """A published instance, or the test is skipped with a message."""
    found = [case for case in cases() if case.name == name]
    if not found:
        pytest.skip("the public instances are not beside the checkout")
    return found[0]


def test_an_answer_of_a_published_instance_is_judged_and_a_bound_beyond_it_refused(engines: Engines) -> None:
    """gap1-0: 5 CSMs, 15 accounts, optimum 261. A bound of 262 would be wrong."""
    case = instance("gap1-0")
    task = task_of(*read(case))

    answer = solve(task, engines.main, Effort(time.monotonic() + LATER, processes=1))

    assert answer.owner is not None
    given_back = {"owner": answer.owner.tolist(), "bound": -answer.bound, "seconds": 1.0}
    assert score(case, given_back).cost == 261.0
    assert score(case, given_back).is_proved
    with pytest.raises(AssertionError, match="lies above 261"):
        score(case, {**given_back, "bound": 262.0})
    with pytest.raises(AssertionError, match="more than there is"):
        score(case, {**given_back, "owner": [0] * 15})
