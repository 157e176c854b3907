"""What is recommended, what is too good to be true, and whether the target is within reach."""

from dataclasses import replace
from datetime import date

import pytest
from builders import account, csm, problem, response, rules
from solved import result_of, small_problem, with_plan

from optcomp.advice import alarms, jointness, parts, recommend, times_above
from optcomp.evaluate import current_solution, evaluate
from optcomp.frames import View
from optcomp.goal import goal
from optcomp.solution import Solution

BALANCED = "balanced b1 v0.2"


def with_target(where, target):
    return replace(where, instance=replace(where.instance, target_nrr=target))


def fitted(where):
    return replace(where, response=replace(where.response, origin="fitted"))


# ---- recommend ------------------------------------------------------------------------------------------------------


def test_todays_plans_and_books_are_kept():
    where = small_problem()

    advice = recommend(result_of(where, current_solution(where)), 0.0)

    assert advice.verdict == "keep"
    assert "more time" not in advice.why


@pytest.mark.parametrize(
    ("gap_pp", "said"), [(3.0, "up to 3.00 points more are not ruled out"), (None, "nothing is proved")]
)
def test_keeping_for_want_of_time_says_so(gap_pp, said):
    where = small_problem()

    assert said in recommend(result_of(where, current_solution(where)), gap_pp).why


def test_a_new_plan_that_only_priors_speak_for_is_piloted():
    where = small_problem()

    advice = recommend(result_of(where, with_plan(where, BALANCED)), 0.0)

    assert advice.verdict == "pilot"
    assert "the prior decides" in advice.why


def test_a_new_plan_whose_response_was_fitted_is_adopted():
    where = fitted(small_problem())

    assert recommend(result_of(where, with_plan(where, BALANCED)), 0.0).verdict == "adopt"


def better_books(rules_on=None):
    """Fit decides for both accounts, and neither feels the hand-over: they renew late in the year."""
    late = {"renewal_date": date(2027, 11, 1)}
    return problem(
        [account("A1", industry="x", **late), account("A2", "C2", industry="y", **late)],
        [csm("C1", industries=("y",)), csm("C2", industries=("x",))],
        rules=rules_on,
    )


SWAPPED = {"A1": "C2", "A2": "C1"}


def test_better_books_under_todays_plans_are_adopted():
    where = better_books()

    advice = recommend(result_of(where, Solution({"S": "today"}, SWAPPED)), 0.0)

    assert advice.verdict == "adopt"
    assert "2 moves" in advice.why


def test_a_pilot_of_the_plan_lets_good_books_go_ahead():
    where = better_books()

    advice = recommend(result_of(where, Solution({"S": BALANCED}, SWAPPED)), 0.0)

    assert advice.verdict == "pilot"
    assert "need not wait" in advice.why


@pytest.mark.parametrize("plan", ["today", BALANCED])
def test_a_gain_with_the_prices_of_bent_rules_taken_off_says_so(plan):
    """The gain in NRR stands above it without them: two numbers for the same books need two names."""
    priced = better_books(rules(moves={"state": "soft", "price": 1.0}))

    net = recommend(result_of(priced, Solution({"S": plan}, SWAPPED)), 0.0)
    gross = recommend(result_of(better_books(), Solution({"S": plan}, SWAPPED)), 0.0)

    assert " net of the prices of bent rules" in net.why
    assert "bent rules" not in gross.why


def test_books_that_need_the_new_plan_wait_for_it():
    """Moves that lose under today's plans are no reason to start."""
    where = small_problem(response_model=response(expand=(0.0, 5.0, 5.0)))

    advice = recommend(result_of(where, Solution({"S": BALANCED}, {"A1": "C1", "A2": "C1", "A3": "C1"})), 0.0)

    assert advice.verdict == "pilot"
    assert "The 1 move belongs to the new plan and can wait" in advice.why


def test_nothing_is_kept_where_somebody_has_to_move():
    where = small_problem((csm("C1", status="leaving", end=date(2027, 1, 1)), csm("C2")))
    moved = Solution({"S": "today"}, {"A1": "C2", "A2": "C2", "A3": "C2"})

    advice = recommend(result_of(where, moved), 0.0)

    assert advice.verdict == "adopt"
    assert "2 of them forced" in advice.why


def test_nothing_is_kept_that_breaks_a_hard_rule():
    """Today's pay is above the budget; that today is hardly worse does not help."""
    where = problem([account("A1")], [csm("C1")], budget=80_000.0, rules=rules(budget={}))

    assert recommend(result_of(where, current_solution(where)), 0.0).verdict == "adopt"


# ---- plausibility ---------------------------------------------------------------------------------------------------


def test_the_parts_of_a_change_of_plan_alone_are_the_plan():
    where = small_problem()

    gain = parts(View(result_of(where, with_plan(where, BALANCED))))

    assert gain.plans == pytest.approx(gain.both, abs=1e-9)
    assert gain.books == pytest.approx(0.0, abs=1e-9)


def test_the_parts_of_a_change_of_books_alone_are_the_books():
    gain = parts(View(result_of(better_books(), Solution({"S": "today"}, SWAPPED))))

    assert gain.plans == pytest.approx(0.0, abs=1e-9)
    assert gain.books == pytest.approx(gain.both, abs=1e-9)


def test_plausible_gains_raise_no_alarm():
    where = small_problem()

    assert alarms(View(result_of(where, current_solution(where)))) == ()


def test_plans_that_promise_more_than_anybody_has_seen_raise_an_alarm():
    where = small_problem(response_model=response(expand=(0.0, 5.0, 5.0)))

    said = " ".join(alarms(View(result_of(where, with_plan(where, BALANCED)))))

    assert "The plans alone promise" in said
    assert "outside published experience" in said


@pytest.mark.parametrize(("value", "said"), [(10.4, "10.4"), (10.6, "11"), (15.8, "16")])
def test_what_lies_above_a_limit_never_reads_as_the_limit(value, said):
    assert times_above(value, 10.0) == said


def test_books_that_promise_more_than_anybody_has_seen_raise_an_alarm():
    where = replace(better_books(), response=response(fit_renew=5.0, fit_expand=5.0))

    said = alarms(View(result_of(where, Solution({"S": "today"}, SWAPPED))))

    assert any(sentence.startswith("The books alone promise") for sentence in said)


# ---- deciding jointly -----------------------------------------------------------------------------------------------


def test_deciding_jointly_is_measured_against_the_better_of_the_two():
    where = small_problem()
    best = result_of(where).evaluation
    worse = evaluate(where, current_solution(where))

    value = jointness(best, best, worse)

    assert value.points == 0.0
    assert value.books_first == worse.objective


def test_the_value_of_deciding_jointly_is_unknown_where_neither_way_found_anything():
    best = result_of(small_problem()).evaluation

    assert jointness(best, None, None) == (None, None, None, None)


# ---- goal -----------------------------------------------------------------------------------------------------------


def view_at(target, solution=None):
    where = with_target(small_problem(), target)
    return View(result_of(where, solution or current_solution(where)))


def test_no_target_no_answer():
    assert goal(view_at(None), 1.0) is None


def test_a_target_that_the_solution_meets_exactly_is_reached():
    nrr = view_at(1.0).evaluation.nrr

    answer = goal(view_at(nrr), nrr)

    assert answer.is_reached is True
    assert answer.expansion_needed is None


def test_a_target_above_the_proved_ceiling_is_out_of_reach():
    view = view_at(1.05)

    answer = goal(view, view.evaluation.nrr)

    assert answer.is_reached is False
    assert answer.sentences[0].endswith("proved.")


def test_a_target_below_the_ceiling_is_open():
    answer = goal(view_at(1.05), 1.2)

    assert answer.is_reached is None
    assert "not ruled out" in answer.sentences[0]


def test_a_target_without_a_bound_is_open():
    answer = goal(view_at(1.05), None)

    assert answer.is_reached is None
    assert "nothing is proved" in answer.sentences[0]


def test_the_expansion_that_it_takes_reaches_the_target():
    """Checked against the definition: with these odds of expansion `evaluate` gives the target."""
    where = with_target(small_problem((csm("C1", hours=200.0), csm("C2", hours=100.0))), 1.05)
    view = View(result_of(where, current_solution(where)))

    answer = goal(view, 1.0)

    assert answer.expansion_now < answer.expansion_needed
    # At a load of 1 NRR is linear in expansion; what is left comes from weighting by ARR and not by bookings.
    added = view.evaluation.expanded / view.evaluation.arr * (answer.expansion_factor - 1.0)
    assert view.evaluation.nrr + added == pytest.approx(1.05, abs=1e-3)


def test_own_predictions_of_expansion_rise_too():
    """Else an instance that predicts every account itself could never reach anything."""
    where = with_target(problem([account("A1", expansion=0.05)], [csm("C1")]), 1.05)
    view = View(result_of(where, current_solution(where)))

    answer = goal(view, 1.0)

    assert answer.expansion_now == pytest.approx(0.05)
    assert answer.expansion_needed > 0.05


def test_a_target_beyond_certain_expansion_says_so():
    answer = goal(view_at(9.0), 1.0)

    assert answer.expansion_needed is None
    assert "Not even an expansion" in answer.sentences[1]


@pytest.mark.parametrize(("target", "verdict"), [(1.05, "would suffice alone"), (1.9, "would not suffice alone")])
def test_perfect_renewals_either_suffice_or_not(target, verdict):
    answer = goal(view_at(target), 1.0)

    assert verdict in answer.sentences[2]
    assert answer.nrr_if_all_renew > 1.0


def test_perfect_renewals_keep_all_arr():
    """Without expansion, and with the user's own bad predictions overruled, NRR is 1."""
    where = with_target(
        problem(
            [account("A1", renewal_probability=0.5, contraction=0.2, expansion=0.0)],
            [csm("C1", hours=100.0)],  # a load of 1 costs nothing
        ),
        1.5,
    )

    answer = goal(View(result_of(where, current_solution(where))), 1.0)

    assert answer.nrr_if_all_renew == pytest.approx(1.0, abs=1e-6)


def test_a_gain_above_ten_points_is_beyond_published_experience():
    view = view_at(1.0)
    today = view.current.nrr

    assert any("beyond published" in s for s in goal(view_at(today + 0.11), 1.0).sentences)
    assert not any("beyond published" in s for s in goal(view_at(today + 0.09), 0.9).sentences)
