"""Builders that let a test show only what matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from optcomp.benchmarks import Benchmarks, PayBand
from optcomp.formulation.frame import Frame
from optcomp.hooks import Hook
from optcomp.instance import Account, Csm, Instance, Pair, Segment
from optcomp.plan import Component, Curve, Gate, MenuSpec, Mix, PlanSpec
from optcomp.problem import Problem
from optcomp.response.parameters import (
    Attainment,
    BaseRates,
    Effort,
    FitFormula,
    Outcome,
    Response,
    Turnover,
)
from optcomp.rules import Rules, default_rules
from optcomp.service import Activity, ServiceModel
from optcomp.solution import Solution

START = date(2027, 1, 1)

MIXES: dict[str, Mix] = {
    mix.name: mix
    for mix in (
        Mix("base-only", ()),
        Mix("cliff", (Component("LOGO", 1.0, curve=Curve("all-or-nothing", 0.9, absolute=True)),)),
        Mix("balanced", (Component("GRR", 0.5), Component("EXP", 0.5)), Gate(0.2)),
        Mix("active", (Component("ACT", 0.5), Component("EXP", 0.5))),
        Mix("quarterly", (Component("GRR", 0.5, period="quarter"), Component("TEAM", 0.5))),
    )
}


def response(**outcome: object) -> Response:
    """The priors of SCIENCE 2.2 with plain numbers; keyword arguments replace fields of `Outcome`."""
    plain = Outcome(
        renew=(0.4, 0.0, 0.3),
        expand=(0.0, 0.5, 0.2),
        contract=(0.0, 0.0, -0.2),
        load_renew=0.4,
        load_expand=0.4,
        fit_renew=0.4,
        fit_expand=0.3,
        fit_reference=0.5,
        hand_renew=-0.7,
        hand_expand=-0.15,
        hand_fit_relief=0.4,
        health_renew=0.02,
        health_expand=0.01,
        health_reference=70.0,
    )
    return Response(
        name="test",
        origin="prior",
        base={"default": BaseRates(0.88, 0.05, 0.2, 0.03, 0.25)},
        effort=Effort(
            base=(1.1, 0.55, 0.55),
            pull=0.6,
            elasticity=0.25,
            reference=3.5,
            team_dilution=0.7,
            all_or_nothing=0.67,
            loading={
                "GRR": (1.0, 0.0, 0.0),
                "EXP": (0.0, 1.0, 0.0),
                "CSAT": (0.3, 0.0, 0.4),
                "ACT": (0.0, 0.0, 1.0),
                "RES": (0.3, 0.1, 0.6),
                "TEAM": (0.6, 0.4, 0.0),
                "LOGO": (1.0, 0.0, 0.0),
            },
            activity_hours=0.1,
        ),
        outcome=replace(plain, **outcome),  # type: ignore[arg-type]
        fit=FitFormula(0.4, 0.3, 0.3, 0.5, {"associate": 0.0, "csm": 0.5, "senior": 1.0}),
        turnover=Turnover(0.2, 2.5, 0.5, 0.2, 0.0, 0.8, 0.5),
        attainment=Attainment(
            {"GRR": 0.08, "EXP": 0.35, "ACT": 0.15, "RES": 0.25, "TEAM": 0.06}, 0.85, 0.08, 0.05, 0.2
        ),
    )


SERVICE = ServiceModel("test", {"default": (Activity("care", 10.0, 4.0),)}, 1950.0, 0.2, ("onboarding",))
BENCHMARKS = Benchmarks(
    "test",
    {"associate": PayBand(55e3, 75e3, 70e3, 90e3), "csm": PayBand(75e3, 95e3, 90e3, 120e3)},
    {},
)


def account(
    name: str, csm: str | None = "C1", *, arr: float = 100_000.0, segment: str = "S", **more: object
) -> Account:
    """An account of 100 hours and 100,000 USD."""
    facts: dict[str, object] = {"hours": 100.0, "renewal_date": date(2027, 5, 1), "health": 70.0, **more}
    return Account(account_id=name, csm=csm, arr=arr, segment=segment, **facts)  # type: ignore[arg-type]


def csm(name: str, *, segment: str = "S", base: float = 80_000.0, variable: float = 12_000.0, **more: object) -> Csm:
    """A CSM who has 1,000 hours."""
    facts: dict[str, object] = {"hours": 1000.0, **more}
    return Csm(csm_id=name, segment=segment, base=base, variable=variable, **facts)  # type: ignore[arg-type]


def segment(name: str = "S", *, mix: str = "cliff", **more: object) -> Segment:
    """A segment paid by a cliff today."""
    return Segment(name, PlanSpec(mix), **more)  # type: ignore[arg-type]


def rules(**changes: Mapping[str, object]) -> Rules:
    """Every rule off but those that always matter, then changes such as ``hours={"state": "hard", "ceiling": 1.0}``."""
    quiet = {
        name: replace(rule, state="off" if "off" in rule.spec.states else "hard")
        for name, rule in default_rules().by_id.items()
    }
    for name, change in changes.items():
        settings = dict(change)
        state = settings.pop("state", "hard")
        price = float(settings.pop("price", quiet[name].price))  # type: ignore[arg-type]
        numbers = {**quiet[name].numbers, **{k: float(v) for k, v in settings.items()}}  # type: ignore[arg-type]
        quiet[name] = replace(quiet[name], state=state, price=price, numbers=numbers)  # type: ignore[arg-type]
    return Rules("test", quiet)


def problem(
    accounts: Sequence[Account],
    csms: Sequence[Csm],
    *,
    segments: Sequence[Segment] = (),
    pairs: Sequence[Pair] = (),
    menu: MenuSpec | None = None,
    budget: float = 1e9,
    rules: Rules | None = None,
    response_model: Response | None = None,
) -> Problem:
    """A problem from its parts; one segment S, today's plan and `balanced` on the menu unless said otherwise."""
    instance = Instance(
        name="test",
        as_of=date(2026, 11, 1),
        plan_year_start=START,
        pay_budget=budget,
        segments=tuple(segments) or (segment(),),
        accounts=tuple(accounts),
        csms=tuple(csms),
        pairs=tuple(pairs),
        menu=menu or MenuSpec((1.0,), (0.2,), ("balanced",)),
    )
    return Problem(
        instance,
        mixes=MIXES,
        response=response_model or response(),
        service=SERVICE,
        benchmarks=BENCHMARKS,
        rules=rules or rules_of_a_quiet_world(),
    )


def rules_of_a_quiet_world() -> Rules:
    """Nothing is forbidden but what cannot be: leavers keep nothing."""
    return rules()


def apart(one: str, other: str) -> Hook:
    """A constraint of the user's own: two accounts do not share a CSM."""

    def add(frame: Frame) -> None:
        for name in frame.problem.csms.ids:
            both = frame.pair_variables(one, name) + frame.pair_variables(other, name)
            frame.row([(1.0, variable) for variable in both], None, 1.0)

    def check(where: Problem, solution: Solution) -> list[str]:
        return ["they share"] if solution.csm_by_account[one] == solution.csm_by_account[other] else []

    return Hook(f"{one} and {other} apart", add, check)
