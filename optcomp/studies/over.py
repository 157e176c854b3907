"""Any other number varied: every step is a problem of its own, solved by itself."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from optcomp.decompose.search import Target
from optcomp.engine import Engine, interruptible
from optcomp.errors import Finding, InputError
from optcomp.evaluate import Evaluation, current_solution, evaluate
from optcomp.problem import Problem
from optcomp.rules import SPECS
from optcomp.solve import Engines
from optcomp.stress import Stress
from optcomp.studies.alone import solve_alone
from optcomp.studies.intervals import other_intervals
from optcomp.studies.points import BEST, Curve, Point, Settings, Study, point, steps
from optcomp.studies.stress import UNITS, stressed, under

TODAY, UNCHANGED = "today", "unchanged"
TARGET = "goal.nrr"
STRESS, AS_PREDICTED = "stress", "as predicted"
Read = Callable[[Sequence[str]], Problem]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_RANGE = re.compile(rf"(?P<low>{_NUMBER})(?P<one>%|pp)?\.\.(?P<high>{_NUMBER})(?P<two>%|pp)?", re.IGNORECASE)
# Numbers that only widen what is allowed as they rise, or that only narrow it or make it dearer.
_WIDENS = frozenset({"ceiling", "max", "max_ratio", "slack", "spread", "tolerance"})
_NARROWS = frozenset({"price", "min", "min_share"})


@dataclass(frozen=True, slots=True)
class Span:
    """Values from low to high. `unit` is ``%`` (values are shares then), ``pp`` (percentage points) or empty.

    are_whole : both ends were written as whole numbers
    """

    low: float
    high: float
    unit: str = ""
    are_whole: bool = False

    def values(self, count: int) -> tuple[float, ...]:
        """Values at equal distances; whole ones between whole ends, where there are enough of them."""
        values = steps(self.low, self.high, count)
        if self.are_whole and not self.unit and self.high - self.low >= count - 1:
            return tuple(sorted({float(round(v)) for v in values}))
        return values


def span(text: str) -> Span:
    """What ``0%..30%``, ``-5pp..0pp`` or ``0..40`` says.

    Raises
    ------
    ValueError
        When it is no range.
    """
    found = _RANGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]!r} is no range such as 0%..30% or 0..40")
    unit = (found["two"] or found["one"] or "").lower()
    if found["one"] and found["one"].lower() != unit:
        raise ValueError(f"{text[:40]!r} has two units")
    scale = 0.01 if unit == "%" else 1.0
    low, high = float(found["low"]) * scale, float(found["high"]) * scale
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{text[:40]!r} must have finite numbers, the lower one first")
    return Span(low, high, unit, all("." not in found[k] and "e" not in found[k].lower() for k in ("low", "high")))


def over(
    read: Read, key: str, wanted: Span, count: int, settings: Settings | None = None, *, engines: Engines | None = None
) -> Study:
    """The best plans and books for every value of a number.

    read : the problem with settings laid over the instance, such as ``rules.hours.ceiling=1.2``
    key : a numeric key of instance.toml, or one of `stress.UNITS`

    Raises
    ------
    InputError
        When the key changes nothing, or a value is not allowed.
    """
    base = read(())
    varied = [(value, _problem(read, base, key, value, wanted.unit)) for value in wanted.values(count)]
    _refuse_idle(varied[0][1], key)
    plain = Study(key, unit_of(key, wanted.unit), base, _current(base), (), 0.0, "every step is a problem of its own")
    return _solved(plain, varied, settings or Settings(), engines)


def in_worlds(
    base: Problem, worlds: Sequence[Stress], settings: Settings | None = None, *, engines: Engines | None = None
) -> Study:
    """The best plans and books as predicted, and in every one of these worlds.

    Raises
    ------
    InputError
        When a chance of the instance would not lie between 0 and 1 in one of them.
    """
    varied = [(0.0, base), *((1.0 + k, under(base, stress)) for k, stress in enumerate(worlds))]
    names = (AS_PREDICTED, *(stress.name for stress in worlds))
    why = "every world is a problem of its own"
    plain = Study(STRESS, "growth stage, customers or market", base, _current(base), (), 0.0, why, names=names)
    return _solved(plain, varied, settings or Settings(), engines)


def _current(base: Problem) -> Evaluation:
    return evaluate(_staying(base), current_solution(_staying(base)))


def _solved(
    plain: Study, varied: Sequence[tuple[float, Problem]], settings: Settings, engines: Engines | None
) -> Study:
    """The study with its curves."""
    started = time.monotonic()
    with ExitStack() as stack:
        if engines is None:
            engines = Engines(stack.enter_context(Engine(settings.workers)), stack.enter_context(Engine(1)))
        interruption = stack.enter_context(interruptible(engines.main))
        deadline = started + settings.time_limit_seconds
        target = Target(
            gap=settings.gap_pp,
            deadline=deadline,
            seed=settings.seed,
            is_over=lambda: interruption.received is not None or time.monotonic() >= deadline,
        )
        first = solve_alone([(0.0, plain.base)], settings, target, engines, direction=0)[0]
        if plain.key == TARGET:  # a target changes no decision and no proof
            best = tuple(replace(first, value=value, problem=problem) for value, problem in varied)
        else:
            best = solve_alone(varied, settings, target, engines, direction=direction(plain.key))
        signal = interruption.received or 0
    unchanged, today = tuple(_kept(p, first) for p in best), tuple(_today(p) for p in best)
    curves = (Curve(BEST, best), Curve(UNCHANGED, unchanged), Curve(TODAY, today))
    study = replace(plain, curves=curves, seconds=time.monotonic() - started, signal=signal)
    return replace(study, intervals=other_intervals(study))


def direction(key: str) -> int:
    """1 where a higher value never hurts, -1 where it never helps, 0 where neither is known."""
    if key == "budget.pay":
        return 1
    name = key.rpartition(".")[2]
    if not key.startswith("rules."):
        return 0
    return 1 if name in _WIDENS or name.startswith("max_") else -1 if name in _NARROWS or name.startswith("min_") else 0


def unit_of(key: str, unit: str) -> str:
    """What the values are counted in."""
    if unit == "pp":
        return "percentage points"
    if key in UNITS:
        return UNITS[key]
    parts = key.split(".")
    if len(parts) == 3 and parts[0] == "rules" and parts[1] in SPECS:
        spec = SPECS[parts[1]]
        return f"USD per {spec.unit}" if parts[2] == "price" else getattr(spec.parameters.get(parts[2]), "unit", "")
    return "USD in the plan year" if key == "budget.pay" else ""


def _problem(read: Read, base: Problem, key: str, value: float, unit: str) -> Problem:
    if key in UNITS:
        return stressed(base, key, value, in_points=unit == "pp")
    if unit == "pp":
        raise InputError(Finding("over", f"{key} is not a chance", "pp only with the keys response.*", file="--over"))
    return read((f"{key}={_literal(value)}",))


def _literal(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _refuse_idle(problem: Problem, key: str) -> None:
    """A number of a rule that is off, or the price of one that is not soft, changes nothing."""
    parts = key.split(".")
    if len(parts) != 3 or parts[0] != "rules" or parts[1] not in SPECS:
        return
    rule = problem.rules[parts[1]]
    wanted = "soft" if parts[2] == "price" else "hard"
    if not rule.is_on or (parts[2] == "price" and not rule.is_soft):
        found = f"the rule {parts[1]} is {rule.state}, so that {key} changes nothing"
        hint = f"Add --set rules.{parts[1]}.state={wanted}"
        raise InputError(Finding("over", found, "A number that something reads", hint, file=f"--over {key}"))


def _staying(problem: Problem) -> Problem:
    return problem.as_if_nobody_leaves() if problem.has_leavers_with_books else problem


def _today(here: Point) -> Point:
    """Today's plans and books there, leavers as if they stayed; nothing is proved about them."""
    staying = _staying(here.problem)
    found = evaluate(staying, current_solution(staying))
    return point(here.value, staying, math.inf, current_solution(staying), found)


def _kept(here: Point, first: Point) -> Point:
    """What was best for the number as it is, kept where it still holds."""
    if first.solution is None or not all(p in here.problem.plans[s] for s, p in enumerate(first.plans)):
        return Point(here.value, here.problem, math.inf)
    found = evaluate(here.problem, first.solution)
    if found.violations:
        broken = tuple(sorted({bend.rule_id for bend in found.violations}))
        return Point(here.value, here.problem, math.inf, broken=broken)
    return point(here.value, here.problem, math.inf, first.solution, found)
