"""`optcomp sensitivity`: what changes when the budget, or another number, changes."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from optcomp.publish import Target
    from optcomp.studies.over import Span
    from optcomp.studies.points import Settings, Study

EXIT_NOTHING = 6
BUDGET_STEPS, OTHER_STEPS = 31, 7


class Wanted(NamedTuple):
    """What to vary; `key` is empty for the budget. `worlds` are names of stress models."""

    instance: Path
    overrides: tuple[str, ...]
    key: str
    span: Span
    num_steps: int
    is_extended: bool
    worlds: tuple[str, ...] = ()


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--budget", metavar="LOW..HIGH", help="Rise of the pay budget in per cent.  [default: 0%..30%]")
@click.option("--over", metavar="KEY=LOW..HIGH",
              help="Vary another number, e.g. rules.hours.ceiling=1..1.3, or the world: stress[=NAME,…].")  # fmt: skip
@click.option("--steps", type=click.IntRange(2, 1000), help="How many values.  [default: 31; 7 with --over]")
@click.option("--menu", type=click.Choice(["extended", "as-is"]), default="extended", show_default=True,
              help="Add base and variable levels in steps of 0.05, or keep the menu.")  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Folder to write; new, or empty.")
@click.option("--force", is_flag=True, help="Replace the study that is in --out.")
@click.option("--time-limit", default=600.0, show_default=True, metavar="S", type=click.FloatRange(0.0, 1e9),
              help="Seconds for the whole study.")  # fmt: skip
@click.option("--gap", default=0.01, show_default=True, metavar="PP", type=click.FloatRange(0.0, 1e9),
              help="Prove every step to within this many points of NRR.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the solver.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 1024), help="Solver processes at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print the content of summary.json instead of text.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    instance: Path,
    budget: str | None,
    over: str | None,
    steps: int | None,
    menu: str,
    out: Path | None,
    force: bool,
    time_limit: float,
    gap: float,
    seed: int,
    overrides: tuple[str, ...],
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """What more pay budget buys for INSTANCE, and where it should go; or what another number changes.

    The best plans and books for every budget, each with a proven ceiling, beside three forced strategies: all extra
    money into base pay, into expansion pay, into a team bonus. With --over every value is solved by itself: numbers of
    rules (rules.hours.ceiling, rules.moves.max, rules.equal_chance.price), goal.nrr, budget.pay, or a harsher world:
    response.shift_renew and response.shift_expand in log-odds or points (-5pp..0pp), response.base_quit. --over stress
    puts other growth stages, customers and markets beside the predicted one (`optcomp models list stress`).

    --out writes curve.csv, money.csv, summary.json, chart.png and chart.svg; whole or not at all, readable by you only.

    \b
    Example:
      optcomp sensitivity instances/team-of-15 --budget 0%..30% --out study
      optcomp sensitivity instances/team-of-15 --over response.shift_renew=-5pp..0pp
      optcomp sensitivity instances/team-of-15 --over stress=market-down,market-up

    Exit codes: 0 done, 2 wrong usage, 3 invalid input, 6 no step has a solution, 8 files could not be written, 130 and
    143 interrupted.
    """
    from optcomp.publish import reserved
    from optcomp.studies.points import Settings
    from optcomp.studies.tables import FILES

    wanted = _wanted(instance, overrides, budget, over, steps, menu)

    def tell(text: str) -> None:
        if not quiet:
            click.echo(text, err=True)

    settings = Settings(time_limit, gap, seed, jobs, tell)
    if out is None:
        return _tell(_study(wanted, settings), None, out, as_json)
    with reserved(out, frozenset(FILES), force=force) as target:
        return _tell(_study(wanted, settings), target, out, as_json)


def _wanted(
    instance: Path, overrides: tuple[str, ...], budget: str | None, over: str | None, steps: int | None, menu: str
) -> Wanted:
    from optcomp.studies.over import STRESS, Span, span

    if budget is not None and over is not None:
        raise click.UsageError("--budget and --over exclude each other; budget.pay can be varied with --over too.")
    name, _, worlds = (over or "").partition("=")
    if name.strip() == STRESS:
        chosen = tuple(world.strip() for world in worlds.split(",") if world.strip())
        return Wanted(instance, overrides, STRESS, Span(0.0, 0.0), 0, is_extended=False, worlds=chosen)
    key, _, text = (over or "").rpartition("=")
    if over is not None and not key:
        raise click.BadParameter(f"{over[:40]!r} is not KEY=LOW..HIGH", param_hint="--over")
    try:
        found = span(text if over is not None else budget or "0%..30%")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--over" if over else "--budget") from None
    if not key and (found.unit != "%" or found.low <= -1.0):
        raise click.BadParameter("must be in per cent, and above -100 %, e.g. 0%..30%", param_hint="--budget")
    count = steps or (OTHER_STEPS if key else BUDGET_STEPS)
    return Wanted(instance, overrides, key.strip(), found, count, menu == "extended")


def _study(wanted: Wanted, settings: Settings) -> tuple[Study, tuple[str, ...]]:
    """The study, and warnings about the input."""
    from optcomp.assemble import load, read
    from optcomp.catalog import load_stress, model_names
    from optcomp.studies.findings import ASKED
    from optcomp.studies.over import STRESS, in_worlds, over
    from optcomp.studies.points import steps
    from optcomp.studies.sensitivity import budget_curve

    loaded = load(wanted.instance, overrides=wanted.overrides)
    warnings = tuple(str(w) for w in loaded.warnings)
    if not wanted.key:
        rises = steps(wanted.span.low, wanted.span.high, wanted.num_steps, also=(0.0, ASKED))
        return budget_curve(loaded.problem, rises, settings, is_extended=wanted.is_extended), warnings

    if wanted.key == STRESS:
        beside = wanted.instance if wanted.instance.is_dir() else wanted.instance.parent
        worlds = [load_stress(name, beside) for name in wanted.worlds or model_names(STRESS, beside)]
        return in_worlds(loaded.problem, worlds, settings), warnings

    def read_with(more: tuple[str, ...]) -> object:
        return read(wanted.instance, overrides=(*wanted.overrides, *more)) if more else loaded.problem

    return over(read_with, wanted.key, wanted.span, wanted.num_steps, settings), warnings  # type: ignore[arg-type]


def _tell(found: tuple[Study, tuple[str, ...]], target: Target | None, out: Path | None, as_json: bool) -> int:
    """Write and print; the exit code."""
    from optcomp.cli.sensitivity_text import study_text
    from optcomp.goal import goals
    from optcomp.studies.chart import charts
    from optcomp.studies.tables import CURVE, FILES, MONEY, SUMMARY, curve_csv, facts, money_csv
    from optcomp.write import json_bytes

    study, warnings = found
    reached = goals(study)
    told = {"goals": {f"{value:.12g}": asdict(goal) for value, goal in reached.items()}} if reached else {}
    summary = json_bytes({**facts(study, warnings=warnings, files=FILES if target else ()), **told})
    is_written = target is not None and bool(study.best.solved)
    if target is not None and is_written:
        tables = {CURVE: curve_csv(study), MONEY: money_csv(study), SUMMARY: summary}
        target.publish({**tables, **charts(study)})
    if as_json:
        click.echo(summary, nl=False)
    else:
        click.echo(study_text(study, out if is_written else None, FILES, reached))
        sys.stdout.flush()
    if study.signal:
        return 128 + study.signal
    return 0 if study.best.solved else EXIT_NOTHING
