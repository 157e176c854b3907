"""Pilots: formulas against the published table, lots that can be repeated, and a guarantee that costs what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import account, csm, problem, response, segment

from optcomp.cli import run
from optcomp.plan import MenuSpec
from optcomp.studies.pilot.contenders import contenders
from optcomp.studies.pilot.design import cheapest, designs
from optcomp.studies.pilot.guarantee import pay_in_pilot
from optcomp.studies.pilot.power import (
    decision,
    design_effect,
    events_per_arm,
    renewals_per_arm,
    smallest_odds_ratio,
    smallest_rise,
)


def team(people=6):
    """CSMs with books, under base pay only; a plan with incentives is on the menu and helps."""
    staff = [csm(f"C{j}") for j in range(people)]
    accounts = [account(f"A{j}{k}", f"C{j}") for j in range(people) for k in range(8)]
    lively = response(renew=(1.0, 0.0, 1.0), expand=(0.0, 2.0, 1.0))
    menu = MenuSpec((1.0,), (0.2,), ("balanced",))
    return problem(accounts, staff, response_model=lively, segments=[segment(mix="base-only")], menu=menu, budget=1e7)


@pytest.mark.parametrize(
    ("churn", "ratio", "needed"), [(0.08, 0.90, 20_100), (0.12, 0.82, 4_100), (0.18, 0.74, 1_300), (0.12, 0.74, 1_860)]
)
def test_renewals_per_arm_are_those_of_the_table(churn: float, ratio: float, needed: int) -> None:
    """SCIENCE 3.4; its figures are rounded to about a hundredth."""
    assert renewals_per_arm(churn, ratio) == pytest.approx(needed, rel=0.01)


@pytest.mark.parametrize(("rise", "needed"), [(0.10, 1_730), (0.20, 470), (0.35, 174)])
def test_expansions_per_arm_are_those_of_the_table(rise: float, needed: int) -> None:
    """SCIENCE 3.4."""
    assert events_per_arm(rise) == pytest.approx(needed, rel=0.01)


def test_smallest_effects_undo_the_sizes() -> None:
    """What so many show is what needs so many."""
    assert smallest_odds_ratio(0.12, renewals_per_arm(0.12, 0.8)) == pytest.approx(0.8, abs=1e-6)
    assert smallest_rise(events_per_arm(0.3)) == pytest.approx(0.3, abs=1e-9)
    assert smallest_odds_ratio(0.12, 1.0) is None
    assert smallest_rise(0.0) is None


def test_one_renewal_a_csm_needs_no_more_of_them() -> None:
    """Nothing is alike among CSMs who have one each."""
    assert design_effect(1.0, 0.5) == 1.0
    assert design_effect(11.0, 0.1) == pytest.approx(2.0)


def test_a_result_decides_more_often_the_smaller_its_error() -> None:
    """And without error it decides always but for what lies within no distance of 0."""
    coarse, fine = decision(1.0, 1.0, 3.0), decision(1.0, 1.0, 0.3)

    assert fine.settles > coarse.settles
    assert decision(1.0, 1.0, 1e-6).settles == pytest.approx(1.0, abs=1e-5)
    assert coarse.drop_below == -coarse.adopt_from


def test_the_lot_is_the_same_for_a_seed_and_another_for_another() -> None:
    """A lot that nobody can repeat is no lot."""
    one, again, other = (designs(team(12), seed)[-1].arms[0].treated.tolist() for seed in (1, 1, 2))

    assert one == again
    assert one != other


def test_everybody_is_in_one_arm() -> None:
    """With at least two on either side."""
    for design in designs(team(), 0):
        for arm in design.arms:
            assert sorted([*arm.treated, *arm.control]) == sorted(arm.contender.csms)
            assert min(len(arm.treated), len(arm.control)) >= 2


def test_a_segment_of_three_is_not_halved() -> None:
    """Two against one tells nothing about people."""
    assert contenders(team(3)) == []
    assert len(contenders(team(4))) == 1


def test_the_guarantee_pays_at_least_either_plan() -> None:
    """The better of the two for every result is worth no less than either on average, and no more than the cap."""
    where = team()
    paid = pay_in_pilot(where, 0, contenders(where)[0].plan, 0.5, seed=0)

    assert paid.guaranteed >= max(paid.today, paid.new) - 1e-6
    assert paid.guaranteed - paid.today <= paid.most


def test_a_longer_pilot_sees_more() -> None:
    """The error falls with quarters at the same arms."""
    every = [d for d in designs(team(12), 0) if d.num_treated == 6]

    errors = [d.error for d in sorted(every, key=lambda d: d.quarters)]
    assert errors == sorted(errors, reverse=True)
    assert cheapest(tuple(every)) in every


def test_no_promising_plan_no_pilot() -> None:
    """Where pay does nothing there is nothing to try."""
    dull = replace(team(), response=response(renew=(0.0, 0.0, 0.0), expand=(0.0, 0.0, 0.0)))

    assert designs(dull, 0) == ()


def test_the_command_writes_private_files_and_fits_the_terminal(tmp_path, capsys) -> None:
    """Salaries are in them."""
    code = run(["pilot", "instances/team-of-15", "--out", str(tmp_path / "pilot")])

    said = capsys.readouterr().out
    assert code == 0
    assert max(map(len, said.splitlines())) <= 80
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "pilot").iterdir()} == {0o600}
    assert np.char.count((tmp_path / "pilot" / "pilot.csv").read_text(), "new plan") >= 2
