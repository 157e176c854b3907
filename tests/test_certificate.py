"""Certificates prove the bound that they come with, nothing that is false, and a damaged one is found out."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import account, csm, problem, rules, segment
from solved import TINY

from optcomp import cli
from optcomp.assemble import load
from optcomp.certificates import certificate_bytes, proof_of, read_certificate
from optcomp.decompose import verify as verifying
from optcomp.decompose.certificate import Certificate, CertificateError, Part
from optcomp.decompose.count import best_of
from optcomp.decompose.money import Money
from optcomp.decompose.pools import split
from optcomp.decompose.verify import verify
from optcomp.joint_certificate import JointCertificate
from optcomp.problem import Problem
from optcomp.recheck import recheck
from optcomp.solve import Engines, Settings, solve

TEAM = TINY.parent / "team-of-15"


@pytest.fixture(scope="module")
def proved(engines: Engines) -> tuple[Problem, Certificate, float]:
    """A team whose proof needs branch and bound, its certificate, and the value of its solution in points."""
    result = solve(load(TEAM).problem, Settings(gap_pp=0.02), engines=engines)
    assert result.certificate is not None
    return result.problem, result.certificate, 100.0 * result.evaluation.objective


def changed(certificate: Certificate, change: Callable[[Part], Part]) -> Certificate:
    return replace(certificate, parts=tuple(change(part) for part in certificate.parts))


def without_claims(part: Part) -> Part:
    plain = tuple(w for w in part.witnesses if not w.rows)
    return replace(part, claims=(), witnesses=plain)


# ---- what is proved ---------------------------------------------------------------------------------------------


def test_it_proves_the_bound_and_says_what_rests_on_the_solver(proved: tuple[Problem, Certificate, float]) -> None:
    where, certificate, value = proved

    proof = verify(where, certificate)

    assert proof.holds
    assert value - 1e-6 <= proof.bound <= proof.arithmetic
    assert 0.0 < proof.on_claims < 0.1
    assert proof.num_claims > 0


def test_without_the_claims_of_branch_and_bound_arithmetic_is_what_is_left(
    proved: tuple[Problem, Certificate, float],
) -> None:
    where, certificate, _ = proved

    proof = verify(where, changed(certificate, without_claims))

    assert not proof.holds
    assert proof.bound == pytest.approx(verify(where, certificate).arithmetic, abs=1e-9)


def test_a_lower_bound_than_the_parts_prove_does_not_hold(proved: tuple[Problem, Certificate, float]) -> None:
    where, certificate, _ = proved

    assert not verify(where, replace(certificate, bound=certificate.bound - 0.001)).holds


@pytest.mark.parametrize("seed", range(3))
def test_wrong_duals_prove_less_and_never_too_much(proved: tuple[Problem, Certificate, float], seed: int) -> None:
    """Any duals at all give a valid bound; that is why none has to be believed."""
    where, certificate, value = proved
    generator = np.random.default_rng(seed)
    damaged = changed(
        changed(certificate, without_claims),
        lambda part: replace(
            part,
            witnesses=tuple(
                replace(w, duals=w.duals * generator.normal(1.0, 0.3, len(w.duals))) for w in part.witnesses
            ),
        ),
    )

    proof = verify(where, damaged)

    assert not proof.holds
    assert proof.arithmetic >= value


def test_groups_of_plans_come_to_the_same(
    proved: tuple[Problem, Certificate, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As large menus are checked."""
    where, certificate, _ = proved
    one_by_one = verify(where, certificate)
    monkeypatch.setattr(verifying, "MANY", 1)
    monkeypatch.setattr(verifying, "FEW", 0)

    assert verify(where, certificate).bound == pytest.approx(one_by_one.bound, abs=1e-9)


@pytest.mark.parametrize("moves", [{"state": "hard", "max": 1.0}, {"state": "soft", "max": 1.0, "price": 100.0}])
def test_a_limit_on_moves_is_proved_by_a_price_on_them(moves: dict[str, object], engines: Engines) -> None:
    accounts = [account(f"A{k}", "C1", arr=60_000.0 + 7_000.0 * k) for k in range(6)]
    team = problem(accounts, [csm("C1"), csm("C2")], rules=rules(moves=moves))
    result = solve(team, Settings(workers=1), engines=engines)
    assert result.certificate is not None

    proof = verify(team, result.certificate)

    assert proof.holds
    assert result.certificate.move_limit == 1.0
    with pytest.raises(CertificateError, match="another limit on moves"):
        verify(team, replace(result.certificate, move_limit=0.0, move_price=-1.0))
    with pytest.raises(CertificateError, match="another limit on moves"):
        verify(problem(accounts, [csm("C1"), csm("C2")]), result.certificate)


# ---- the joint program ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def jointly(engines: Engines) -> tuple[Problem, JointCertificate, float]:
    """Tight hours, so that the relaxation splits accounts; its certificate, and the value of its solution in points."""
    accounts = [account(f"A{k}", "C1", arr=60_000.0 + 17_000.0 * k, hours=160.0 + 9.0 * k) for k in range(7)]
    team = problem(accounts, [csm("C1"), csm("C2", hours=700.0)], rules=rules(hours={"ceiling": 0.9}))
    result = solve(team, Settings(method="joint", workers=1, gap_pp=1e-4), engines=engines)
    assert isinstance(result.certificate, JointCertificate)
    return team, result.certificate, 100.0 * result.evaluation.objective


def test_the_joint_program_proves_its_relaxation_and_names_what_rests_on_the_solver(
    jointly: tuple[Problem, JointCertificate, float],
) -> None:
    where, certificate, value = jointly

    proof = proof_of(where, certificate)

    assert proof.holds
    assert value - 1e-4 <= proof.bound < proof.arithmetic
    assert proof.on_claims == pytest.approx(proof.arithmetic - certificate.bound)
    assert (proof.num_prices, proof.num_claims) == (1, 1)


@pytest.mark.parametrize("seed", range(3))
def test_wrong_duals_of_the_joint_program_prove_less_and_never_too_much(
    jointly: tuple[Problem, JointCertificate, float], seed: int
) -> None:
    where, certificate, value = jointly
    noise = np.random.default_rng(seed).normal(1.0, 0.3, len(certificate.duals))
    modest = replace(certificate, duals=certificate.duals * noise, relaxed=1e6)

    assert proof_of(where, modest).arithmetic >= value
    with pytest.raises(CertificateError, match="prices prove"):
        proof_of(where, replace(modest, relaxed=certificate.relaxed))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"duals": np.zeros(3)}, "do not belong"),
        ({"relaxed": np.nan}, "prices prove"),
        ({"bound": np.nan}, "not a number"),
        ({"tangents": ((0, 0.0),)}, "at no load"),
        ({"tangents": ((99, 1.0),)}, "at no load"),
    ],
)
def test_a_damaged_joint_certificate_is_refused(
    jointly: tuple[Problem, JointCertificate, float], change: dict[str, object], said: str
) -> None:
    where, certificate, _ = jointly

    with pytest.raises(CertificateError, match=said):
        proof_of(where, replace(certificate, **change))


def test_a_joint_certificate_comes_back_as_it_was(jointly: tuple[Problem, JointCertificate, float]) -> None:
    where, certificate, _ = jointly
    content = certificate_bytes(certificate)

    again = read_certificate(content)

    assert certificate_bytes(again) == content
    assert proof_of(where, again) == proof_of(where, certificate)


def test_a_joint_certificate_of_other_hours_proves_nothing(jointly: tuple[Problem, JointCertificate, float]) -> None:
    """The rows come from the instance: with more hours the same duals prove less than they say."""
    where, certificate, _ = jointly
    wider = replace(where, rules=rules(hours={"ceiling": 1.4}))

    with pytest.raises(CertificateError, match="prices prove"):
        proof_of(wider, certificate)


def test_accounts_that_may_go_to_two_segments_have_a_certificate_too(engines: Engines) -> None:
    """Nothing falls apart into pools there."""
    accounts = [account(f"A{k}", f"{s}1", segment=s, arr=5e4 + 1e4 * k) for k, s in enumerate("STST")]
    people = [csm("S1"), csm("T1", segment="T")]
    team = problem(accounts, people, segments=(segment("S"), segment("T")), rules=rules())

    result = solve(team, Settings(workers=1), engines=engines)

    assert result.why_joint
    assert result.certificate is not None
    assert proof_of(team, result.certificate).holds


def test_a_bound_that_the_joint_program_tightens_keeps_what_prices_on_moves_prove(engines: Engines) -> None:
    """The prices' bound holds with the limit as well; the rest is the word of branch and bound."""
    accounts = [account(f"A{k}", "C1", arr=60_000.0 + 7_000.0 * k) for k in range(6)]
    team = problem(accounts, [csm("C1"), csm("C2")], rules=rules(moves={"max": 1.0}))
    priced = solve(team, Settings(workers=1), engines=engines).certificate
    assert isinstance(priced, Certificate)

    proof = proof_of(team, replace(priced, jointly=priced.bound - 0.5))
    wrong = proof_of(
        team, replace(changed(priced, without_claims), bound=priced.bound - 1.0, jointly=priced.bound - 1.5)
    )

    assert proof.holds
    assert proof.claimed == priced.bound - 0.5
    assert proof.on_claims >= 0.5
    assert not wrong.holds


# ---- the best choice under the money rules ----------------------------------------------------------------------


def test_counting_finds_the_best_choice_within_the_budget() -> None:
    """Three plans in each of two segments: all nine choices by hand."""
    where = load(TEAM).problem
    money = Money(where, split(where))
    plans = [np.arange(3) for _ in where.plans]
    generator = np.random.default_rng(1)
    values = [
        {filled: generator.normal(10.0, 1.0, len(where.plans[pool.segment])) for filled in pool.fillings}
        for pool in money.pools
    ]
    choices = money.choices(values, plans)

    found = best_of(money, choices, np.zeros(len(money.money_rules)), -np.inf)

    best = -np.inf
    own = [np.flatnonzero((choices.segment == s) & (choices.pool < 0)) for s in range(len(plans))]
    for taken in itertools.product(*own):
        rows = list(taken)
        for k, pool in enumerate(money.pools):
            if pool.open_csms:
                plan = choices.plan[rows[pool.segment]]
                fitting = np.flatnonzero((choices.pool == k) & (choices.plan == plan))
                rows.append(int(fitting[choices.worth[fitting].argmax()]))
        spent = choices.money[:, rows].sum(axis=1)
        fits = all(
            not rule.is_hard or total <= limit for (rule, _, limit), total in zip(money.money_rules, spent, strict=True)
        )
        best = max(best, float(choices.worth[rows].sum()) if fits else -np.inf)
    assert found == pytest.approx(best)


def test_too_many_choices_are_not_counted(
    proved: tuple[Problem, Certificate, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prices of money bound them then, which proves a little less."""
    where, certificate, _ = proved
    counted = verify(where, certificate)
    monkeypatch.setattr("optcomp.decompose.count.MOST", 0)

    assert verify(where, certificate).bound >= counted.bound - 1e-9


# ---- as a file ----------------------------------------------------------------------------------------------------


def test_it_comes_back_as_it_was_and_the_same_bytes(proved: tuple[Problem, Certificate, float]) -> None:
    where, certificate, _ = proved
    content = certificate_bytes(certificate)

    again = read_certificate(content)

    assert certificate_bytes(again) == content
    assert verify(where, again) == verify(where, certificate)
    assert not any(name.encode() in content for name in (*where.accounts.ids, *where.csms.ids))


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays: arrays | {"format": np.array([99])},
        lambda arrays: arrays | {"plans": arrays["plans"] + 1},
        lambda arrays: arrays | {"pool": arrays["pool"] + 1000},
        lambda arrays: arrays | {"money": np.append(arrays["money"], 1.0)},
        lambda arrays: arrays | {"money": arrays["money"] * np.nan},
        lambda arrays: arrays | {"witness_duals": arrays["witness_duals"][:-1]},
        lambda arrays: arrays | {"witness": arrays["witness"] + np.array([0, 10**6, 0, 0])},
        lambda arrays: arrays | {"claim_bound": arrays["claim_bound"] * np.nan},
        lambda arrays: arrays | {"claim": arrays["claim"][:-1]},
        lambda arrays: {name: values for name, values in arrays.items() if name != "claim"},
        lambda arrays: arrays | {"bound": np.array([1.0])},
    ],
)
def test_numbers_that_do_not_belong_together_are_refused(
    proved: tuple[Problem, Certificate, float], change: Callable[..., dict[str, object]], tmp_path: Path
) -> None:
    where, certificate, _ = proved
    path = tmp_path / "c.npz"
    path.write_bytes(certificate_bytes(certificate))
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    np.savez(path, **change(arrays))

    with pytest.raises(CertificateError):
        verify(where, read_certificate(path.read_bytes()))


@pytest.mark.parametrize(("csm_row", "load"), [(10**6, 1.0), (0, 0.0), (0, -1.0), (0, np.inf)])
def test_a_tangent_that_touches_no_load_is_refused(
    proved: tuple[Problem, Certificate, float], csm_row: int, load: float
) -> None:
    where, certificate, _ = proved
    own = tuple(
        (((csm_row, load), *part.tangents[0]), ((csm_row, load), *part.tangents[1])) for part in certificate.parts
    )
    parts = [
        replace(
            part,
            tangents=tangents,
            witnesses=tuple(replace(w, tangents=w.tangents + 1, duals=np.append(w.duals, 0.0)) for w in part.witnesses),
        )
        for part, tangents in zip(certificate.parts, own, strict=True)
    ]

    with pytest.raises(CertificateError, match="at no load"):
        verify(where, replace(certificate, parts=tuple(parts)))


def test_an_object_in_it_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "c.npz"
    np.savez(path, format=np.array([{"a": 1}], dtype=object), allow_pickle=True)

    with pytest.raises(CertificateError):
        read_certificate(path.read_bytes())


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive"])
def test_bytes_that_are_no_archive_are_refused(content: bytes) -> None:
    with pytest.raises(CertificateError):
        read_certificate(content)


def test_a_flood_is_not_unpacked(proved: tuple[Problem, Certificate, float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optcomp.certificates.LARGEST", 1000)

    with pytest.raises(CertificateError, match="too large"):
        read_certificate(certificate_bytes(proved[1]))


# ---- in a solution folder -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A solution of tiny, with its certificate."""
    out = tmp_path / "out"
    assert cli.run(["solve", str(TINY), "--out", str(out), "--jobs", "1", "--quiet"]) == 0
    return out


def mend_manifest(folder: Path) -> None:
    """What a careful forger does."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["outputs"]["certificate.npz"] = hashlib.sha256((folder / "certificate.npz").read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_evaluate_proves_the_ceiling_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["evaluate", str(folder)]) == 0
    assert "proved again from" in capsys.readouterr().out
    assert cli.run(["evaluate", str(folder), "--json"]) == 0
    assert '"bound_by_arithmetic": 1.07' in capsys.readouterr().out


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: content[:2000] + bytes(64) + content[2064:],
    ],
)
def test_a_corrupted_certificate_is_found_out(folder: Path, damage: Callable[[bytes], bytes]) -> None:
    """Exit 7, with a manifest that fits."""
    path = folder / "certificate.npz"
    path.write_bytes(damage(path.read_bytes()))
    mend_manifest(folder)

    assert cli.run(["evaluate", str(folder)]) == 7
    assert any("certificate.npz" in reason for reason in recheck(folder).reasons)


def test_a_bound_that_was_lowered_is_not_proved(folder: Path) -> None:
    path = folder / "certificate.npz"
    certificate = read_certificate(path.read_bytes())
    path.write_bytes(certificate_bytes(replace(certificate, bound=certificate.bound - 0.001)))
    mend_manifest(folder)

    assert "proves no more than" in " ".join(recheck(folder).reasons)


def test_the_bound_of_another_solve_is_found_out(folder: Path) -> None:
    path = folder / "certificate.npz"
    certificate = read_certificate(path.read_bytes())
    path.write_bytes(certificate_bytes(replace(certificate, bound=certificate.bound + 1.0)))
    mend_manifest(folder)

    assert "about another bound" in " ".join(recheck(folder).reasons)
