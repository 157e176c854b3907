"""From a path to a problem: the instance's facts joined with the model files that it names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from optcomp.catalog import (
    find_model,
    load_benchmarks,
    load_mix,
    load_response,
    load_rules,
    load_service,
    model_paths_used,
)
from optcomp.errors import Finding, InputError
from optcomp.instance import Instance
from optcomp.learn.draws import belief_of, draws_path, load_draws
from optcomp.problem import Problem
from optcomp.read import input_files, read_instance

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A problem, what is doubtful about its input, and the files that it was read from."""

    problem: Problem
    warnings: tuple[Finding, ...]
    files: tuple[Path, ...]


def load(path: Path, *, overrides: Sequence[str] = ()) -> Loaded:
    """Read an instance folder or workbook and the model files that it names.

    overrides : settings such as ``rules.moves.max=40``

    Raises
    ------
    InputError
        With everything that is wrong in the instance, or in the model files.
    """
    instance, warnings = read_instance(path, overrides=overrides)
    beside = path if path.is_dir() else path.parent
    problem = assemble(instance, beside)
    used = model_paths_used(instance.models, _mix_names(instance), beside)
    drawn = draws_of(problem, beside)
    if drawn is not None:
        problem = replace(problem, belief=belief_of(load_draws(drawn), problem.response))
    return Loaded(problem, warnings, (*input_files(path), *used, *([drawn] if drawn else [])))


def draws_of(problem: Problem, beside: Path) -> Path | None:
    """The draws beside the response file of a problem; None where the response was not fitted or they are not there."""
    if problem.response.origin != "fitted":
        return None
    path = draws_path(find_model("response", problem.instance.models.response, beside))
    return path if path.is_file() else None


def assemble(instance: Instance, beside: Path | None = None) -> Problem:
    """Join an instance with its model files, looked up beside it first."""
    models = instance.models
    findings: list[Finding] = []

    def attempt(load_one: Callable[[], Part]) -> Part | None:
        """Go on after an error, so that all model files' errors are told at once."""
        try:
            return load_one()
        except InputError as error:
            findings.extend(error.findings)
            return None

    response = attempt(lambda: load_response(models.response, beside))
    service = attempt(lambda: load_service(models.service, beside))
    benchmarks = attempt(lambda: load_benchmarks(models.benchmarks, beside))
    rules = attempt(lambda: load_rules(models.rules, beside, instance.rule_overrides))
    mixes = {name: attempt(partial(load_mix, name, beside)) for name in _mix_names(instance)}
    if findings or not (response and service and benchmarks and rules):
        raise InputError(findings)
    problem = Problem(
        instance,
        mixes={name: mix for name, mix in mixes.items() if mix},
        response=response,
        service=service,
        benchmarks=benchmarks,
        rules=rules,
    )
    findings = list(_unknown_tiers(problem))
    if findings:
        raise InputError(findings)
    return problem


def _mix_names(instance: Instance) -> list[str]:
    menus = [instance.menu, *(s.menu for s in instance.segments if s.menu)]
    return sorted({*(name for menu in menus for name in menu.mixes), *(s.today.mix for s in instance.segments)})


def _unknown_tiers(problem: Problem) -> list[Finding]:
    tiers = problem.service.tiers
    return [
        Finding(
            "unknown-tier",
            f"Segment {s.name} has tier {s.tier!r}, which the service model {problem.service.name} does not have",
            f"One of {', '.join(sorted(tiers))}",
            file="instance.toml",
        )
        for s in problem.segments
        if s.tier not in tiers
    ]


def read(path: str | Path, *, overrides: Sequence[str] = ()) -> Problem:
    """The problem in an instance folder or workbook; see `load` for its warnings and files."""
    return load(Path(path), overrides=overrides).problem
