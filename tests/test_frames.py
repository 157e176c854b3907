"""The tables say what `evaluate` says, in the user's words."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from builders import account, csm, problem, rules, segment
from solved import result_of, small_problem, with_plan

from optcomp.evaluate import current_solution
from optcomp.frames import frames
from optcomp.solution import Solution

BALANCED = "balanced b1 v0.2"


def test_predicted_arr_of_all_accounts_is_nrr_times_arr():
    """The load of a book is shared out by hours, so nothing is left over."""
    result = result_of(small_problem())

    assignment = frames(result).assignment

    # Sums of a few floats of 1e5.
    assert assignment["predicted_arr"].sum() == pytest.approx(result.evaluation.nrr * assignment["arr"].sum(), abs=1e-6)


def test_books_add_up_to_the_evaluation():
    result = result_of(small_problem())

    books = frames(result).books

    assert books["accounts"].sum() == 3
    assert books["pay"].sum() == pytest.approx(result.evaluation.pay_cost, abs=1e-6)
    assert (books["predicted_nrr"] * books["arr"]).sum() == pytest.approx(result.evaluation.arr_end, abs=1e-6)


def test_an_account_that_stays_under_the_same_plan_gains_nothing():
    result = result_of(small_problem(), current_solution(small_problem()))

    assignment = frames(result).assignment

    assert not assignment["moved"].any()
    assert assignment["gain"].abs().max() == pytest.approx(0.0, abs=1e-9)
    assert set(assignment["reason"]) == {"stays"}


def test_a_row_per_component_with_the_dollars_of_the_mean_base():
    """80,000 base at 20 % of OTE is 20,000 variable, half of it on each metric."""
    where = small_problem()

    plan = frames(result_of(where, with_plan(where, BALANCED))).plan

    assert plan["metric"].tolist() == ["GRR", "EXP"]
    assert plan["target_usd"].tolist() == pytest.approx([10_000.0, 10_000.0])
    assert plan["gate_share"].tolist() == [0.2, 0.2]


def test_a_plan_that_pays_base_only_has_one_row_without_a_metric():
    from optcomp.plan import MenuSpec

    where = small_problem(menu=MenuSpec((1.0,), (0.2,), ("base-only",)))

    plan = frames(result_of(where, with_plan(where, "base-only b1 v0"))).plan

    assert len(plan) == 1
    assert pd.isna(plan.loc[0, "metric"])
    assert plan.loc[0, "target_usd"] == 0.0


def test_kept_arr_of_a_leaver_counts_the_leaver_as_staying():
    """The leaver has no hours after January; that must not make today's CSM look overloaded."""
    leaver = csm("C1", status="leaving", end=date(2027, 1, 1))
    stays = small_problem()
    leaves = small_problem((leaver, csm("C2")))
    moved = Solution({"S": "today"}, {"A1": "C2", "A2": "C2", "A3": "C2"})

    kept = frames(result_of(leaves, moved)).assignment["predicted_arr_if_kept"]

    same = frames(result_of(stays, current_solution(stays))).assignment["predicted_arr"]
    assert kept.tolist() == pytest.approx(same.tolist(), rel=1e-3)  # kappa is of the same baseline


def test_pay_before_of_a_leaver_is_that_of_somebody_who_stays():
    leaver = csm("C1", status="leaving", end=date(2027, 1, 1))
    where = small_problem((leaver, csm("C2")))

    books = frames(result_of(where, Solution({"S": "today"}, {"A1": "C2", "A2": "C2", "A3": "C2"}))).books

    assert books.loc[0, "pay"] == 0.0
    assert np.isnan(books.loc[0, "base"])  # not on the payroll any more
    assert books.loc[0, "pay_before"] > 80_000.0
    assert books.loc[0, "status"] == "leaving"


@pytest.mark.parametrize(("filled", "status"), [(frozenset({"O1"}), "open, filled"), (frozenset(), "open, not filled")])
def test_an_open_position_says_whether_it_is_filled(filled, status):
    where = small_problem((csm("C1"), csm("C2"), csm("O1", status="open")))
    today = current_solution(where)

    books = frames(result_of(where, Solution(today.plan_by_segment, today.csm_by_account, filled))).books

    assert books.loc[2, "status"] == status
    assert np.isnan(books.loc[2, "predicted_nrr"])  # an empty book has none


def test_the_renewal_target_is_of_what_is_up_for_renewal():
    """One account is due, one is not in this year; the target is the chance of the first."""
    where = problem(
        [account("A1", renewal_probability=0.75, contraction=0.0), account("A2", renewal_date=date(2029, 5, 1))],
        [csm("C1")],
    )
    calm = replace(where, response=replace(where.response, turnover=replace(where.response.turnover, base_quit=1e-9)))

    books = frames(result_of(calm, current_solution(calm))).books

    assert books.loc[0, "target_grr"] == pytest.approx(0.75, abs=1e-6)


def reason(where, owner: str) -> str:
    today = current_solution(where)
    moved = Solution(today.plan_by_segment, {**today.csm_by_account, "A1": owner})
    return frames(result_of(where, moved)).assignment.set_index("account_id").loc["A1", "reason"]


def test_a_move_from_a_leaver_says_so():
    where = small_problem((csm("C1", status="leaving", end=date(2027, 3, 1)), csm("C2")))

    assert reason(where, "C2") == "forced: today's CSM leaves"


def test_a_forced_move_names_the_rule():
    where = problem(
        [account("A1", region="EU"), account("A3", "C2")],
        [csm("C1", region="US"), csm("C2")],
        rules=rules(eligible_region={}),
    )

    assert reason(where, "C2") == "forced: accounts stay with CSMs of their own region (eligible_region)"


def test_a_move_to_a_better_fit_says_how_much_better():
    """A renewal late in the year does not feel the hand-over, so fit decides."""
    where = problem(
        [account("A1", renewal_date=date(2027, 11, 1), industry="retail"), account("A3", "C2")],
        [csm("C1", industries=("health",)), csm("C2", industries=("retail",))],
    )

    assert reason(where, "C2").startswith("better fit: 0.")


def test_an_account_that_had_no_csm_says_so():
    where = problem([account("A1", None), account("A3", "C2")], [csm("C1"), csm("C2")])

    assert reason(where, "C2") == "had no CSM"


def test_a_lock_is_given_with_its_reason():
    where = problem(
        [account("A1", locked=True, lock_reason="executive sponsor"), account("A3", "C2")], [csm("C1"), csm("C2")]
    )

    assert reason(where, "C1") == "locked: executive sponsor"


def test_an_account_that_joins_its_family_says_so():
    """An early renewal loses from the hand-over, so the reason is not its own outlook."""
    where = problem([account("A1", parent="P"), account("A3", "C2", parent="P")], [csm("C1"), csm("C2")])

    assert reason(where, "C2") == "joins its family"


def test_names_have_a_column_only_where_there_are_any():
    with_names = frames(result_of(small_problem()))
    without = problem([account("A1")], [csm("C1")])

    assert with_names.assignment["name"].tolist() == ["Acme", "", ""]
    assert "name" not in frames(result_of(without)).assignment
    assert "name" not in frames(result_of(without)).books


def test_a_result_without_a_solution_has_no_tables():
    nothing = replace(result_of(small_problem()), solution=None, evaluation=None)

    with pytest.raises(ValueError, match="no solution"):
        frames(nothing)


def test_an_empty_instance_has_empty_tables():
    where = problem([], [csm("C1")], segments=[segment()])

    tables = frames(result_of(where))

    assert len(tables.assignment) == 0
    assert len(tables.books) == 1
