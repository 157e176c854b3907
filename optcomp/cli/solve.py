"""`optcomp solve`: choose pay plans and books together and write them as a folder."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import click

from optcomp.cli.cluster import check_consent, engines_of
from optcomp.cli.patience import Patience

if TYPE_CHECKING:
    from optcomp.assemble import Loaded
    from optcomp.partial import Partial
    from optcomp.publish import Target
    from optcomp.solve import Engines, Result, Settings

EXIT_INFEASIBLE = 4
EXIT_GAP = 5
EXIT_NOTHING = 6


class Options(NamedTuple):
    """What the command line says about input and output; how to solve is in `Settings`."""

    instance: Path
    out: Path
    overrides: tuple[str, ...]
    hooks: tuple[Path, ...]
    require_gap: bool
    as_json: bool
    is_quiet: bool
    prices_guardrails: bool | None = None


class Means(NamedTuple):
    """What a solve works with: the engines (None: its own), and the place that keeps the best so far."""

    engines: Engines | None
    partial: Partial


def _finite(context: click.Context, option: click.Parameter, value: float) -> float:
    """The value; click's ranges let NaN through, for it is neither below nor above anything."""
    if not math.isfinite(value):
        raise click.BadParameter("must be a number")
    return value


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; new, or empty.")
@click.option("--force", is_flag=True, help="Replace the solution that is in --out.")
@click.option(
    "--time-limit",
    default=600.0,
    show_default=True,
    metavar="S",
    type=click.FloatRange(0.0),
    callback=_finite,
    help="Seconds to search.",
)
@click.option(
    "--gap",
    default=0.01,
    show_default=True,
    metavar="PP",
    type=click.FloatRange(0.0),
    callback=_finite,
    help="Stop within this many points of NRR of the proven ceiling.",
)
@click.option("--require-gap", is_flag=True, help="Exit with 5 where that gap is not reached.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the solver.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 1024), help="Solver processes at a time.")
@click.option(
    "--cluster", metavar="ADDRESS", help="Solve on a Dask (tcp://HOST:8786) or Ray (ray://HOST:10001) cluster."
)
@click.option("--i-trust-cluster", is_flag=True, help="Agree that numbers derived from salaries leave this machine.")
@click.option(
    "--method",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "joint", "decomposed"]),
    help="One joint program, or pools of books put together; auto takes pools where nothing couples them.",
)
@click.option(
    "--hook", "hooks", multiple=True, type=click.Path(path_type=Path), help="Python file with constraints of your own."
)
@click.option(
    "--keep",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table (.csv, .xlsx) with account_id and to, and keep and reason: lines that stay as they are.",
)
@click.option(
    "--draws",
    metavar="N",
    type=click.IntRange(0, 100_000),
    help="Draws beside a fitted response to average over; 0: its middle.  [default: 64, on a menu without a grid]",
)
@click.option(
    "--risk",
    default="likely",
    show_default=True,
    type=click.Choice(["likely", "mean", "cvar"]),
    help="Value the mean over draws (mean), or blend it half and half with the worst fifth (cvar); likely: cvar where "
    "the best on average, or its plans alone, are better than today in fewer than 80 % of cases.",
)
@click.option(
    "--price-guardrails/--no-price-guardrails",
    default=None,
    help="Solve again without max_weight and moves: what they cost.  [default: up to 2,500 accounts on a menu without "
    "a grid]",
)
@click.option("--resume", is_flag=True, help="Begin with what a solve into --out had found when it was killed.")
@click.option("--json", "as_json", is_flag=True, help="Print the content of summary.json instead of text.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    instance: Path,
    out: Path,
    force: bool,
    time_limit: float,
    gap: float,
    require_gap: bool,
    seed: int,
    overrides: tuple[str, ...],
    jobs: int,
    cluster: str | None,
    i_trust_cluster: bool,
    method: str,
    hooks: tuple[Path, ...],
    keep: Path | None,
    draws: int | None,
    risk: Literal["likely", "mean", "cvar"],
    price_guardrails: bool | None,
    resume: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Choose a pay plan per segment and the CSM of every account of INSTANCE together, with a proven ceiling.

    Writes a folder (--out): plan.md to hand out, plan.csv, assignment.csv, books.csv, summary.json and manifest.json;
    whole or not at all, readable by you only. It holds salaries, so there is no default place for it. Ctrl-C, SIGTERM
    and the time limit save the best solution found so far; a second Ctrl-C stops at once. While it solves, the best so
    far is kept beside the folder (.OUT.partial), and after a kill --resume begins with it.

    \b
    Example:
      optcomp solve instances/team-of-15 --out out
      optcomp solve instances/team-of-15 --out out --force --set rules.moves.max=40
      optcomp solve instances/tiny --out out2 --keep out/assignment.csv

    Exit codes: 0 solved, 3 invalid input, 4 proved infeasible, 5 asked gap not met (with --require-gap), 6 nothing
    found in time, 7 result failed its check, 8 files could not be written, 130 and 143 interrupted.
    """
    from optcomp.hooks import load_hook
    from optcomp.keep import load_with_kept
    from optcomp.publish import reserved
    from optcomp.solve import Settings
    from optcomp.write import OWN_NAMES

    check_consent(cluster, is_trusted=i_trust_cluster)
    options = Options(instance, out, overrides, hooks, require_gap, as_json, quiet, price_guardrails)
    with Patience() as patience:
        loaded = load_with_kept(instance, overrides, keep)
        settings = Settings(time_limit, gap, seed, jobs, method, tuple(load_hook(path) for path in hooks), draws, risk)
        with reserved(out, OWN_NAMES, force=force) as target, engines_of(cluster) as engines:
            partial = _partial(loaded, settings, options, target, resume=resume)
            patience.save()
            result = _search(loaded, settings, options, patience, Means(engines, partial))
            code = _tell(result, loaded, settings, options, target)
            partial.remove()
        return patience.exit_code or code


def _partial(loaded: Loaded, settings: Settings, options: Options, target: Target, *, resume: bool) -> Partial:
    """Where the best solution is kept while solving, with what is there already where it is asked for."""
    from optcomp.manifest import Origin
    from optcomp.partial import Partial, digest_of_inputs

    origin = Origin(options.instance, loaded.files, options.overrides, options.hooks)
    digest = digest_of_inputs(origin, loaded.problem, (settings.draws, settings.risk))
    partial = Partial(target.path, digest)
    if resume and not partial.read(loaded.problem):
        click.echo("Nothing to resume: no solve into this folder was killed. Starting anew.", err=True)
    elif not resume and partial.path.exists():
        click.echo("A solve into this folder was killed; --resume would begin with what it had found.", err=True)
    return partial


def _search(loaded: Loaded, settings: Settings, options: Options, patience: Patience, means: Means) -> Result:
    """Solve, with progress on stderr."""
    import sys

    from optcomp.cli.progress import progress
    from optcomp.solve import Progress, solve
    from optcomp.studies.guardrails import is_quick, price_guardrails

    with progress(is_quiet=options.is_quiet, is_live=sys.stderr.isatty()) as show:

        def on_progress(step: Progress) -> None:
            patience.hand_over()
            means.partial.flush()
            show(step)

        result = solve(loaded.problem, settings, on_progress, engines=means.engines, keeper=means.partial)
        asked = options.prices_guardrails
        if is_quick(loaded.problem) if asked is None else asked:
            prices = price_guardrails(result, settings, engines=means.engines)
            result = replace(result, guardrails=prices)
    if means.partial.trouble:
        click.echo(f"warning: the best solution could not be saved while solving. {means.partial.trouble}", err=True)
    patience.note(result.signal)
    return result


def _tell(result: Result, loaded: Loaded, settings: Settings, options: Options, target: Target) -> int:
    """Write and print what was found; the exit code."""
    import json

    from optcomp.cli.conflict_text import conflict_of
    from optcomp.cli.solve_text import nothing_text, solve_text
    from optcomp.manifest import Origin
    from optcomp.reload import check_files
    from optcomp.summary import summarise
    from optcomp.write import SUMMARY, json_bytes, solution_files

    if result.solution is None:
        summary = summarise(result, warnings=loaded.warnings)
        if summary["status"] == "infeasible":
            summary["conflict"] = conflict_of(result.problem, settings.hooks)
        click.echo(json_bytes(summary), nl=False) if options.as_json else click.echo(nothing_text(summary))
        return EXIT_INFEASIBLE if summary["status"] == "infeasible" else EXIT_NOTHING
    origin = Origin(options.instance, loaded.files, options.overrides, options.hooks)
    files = solution_files(result, target.path, origin=origin, settings=settings, warnings=loaded.warnings)
    check_files(files, result)
    target.publish(files)
    if options.as_json:
        click.echo(files[SUMMARY], nl=False)
    else:
        click.echo(solve_text(result, json.loads(files[SUMMARY]), options.out))
    gap = result.gap_pp if result.caution is None else result.caution.gap_pp
    return EXIT_GAP if options.require_gap and gap > settings.gap_pp else 0
