"""`optcomp rebalance`: new books after people or accounts have changed, with what each further move is worth."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from optcomp.cli.patience import Patience
from optcomp.cli.solve import EXIT_INFEASIBLE, EXIT_NOTHING

if TYPE_CHECKING:
    from optcomp.assemble import Loaded
    from optcomp.publish import Target
    from optcomp.solve import Settings
    from optcomp.studies.rebalance.flags import Flags
    from optcomp.studies.rebalance.study import Prepared, Rebalanced, Wishes


class Options(NamedTuple):
    """What the command line says about input and output."""

    instance: Path
    out: Path
    changes: Path | None
    locks: Path | None
    flags: Flags
    overrides: tuple[str, ...]
    waves: int | None
    as_json: bool
    is_quiet: bool


def _share(context: click.Context, option: click.Parameter, value: str) -> float:
    """A share written as `5%` or `0.05`."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", value)
    share = float(match[1]) / (100.0 if match[2] else 1.0) if match else -1.0
    if not 0.0 <= share < 1.0:
        raise click.BadParameter("must be a share such as 5% or 0.05")
    return share


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--changes", type=click.Path(path_type=Path), help="CSV file: who leaves, joins, is away, what changes.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; new, or empty.")
@click.option("--force", is_flag=True, help="Replace the rebalance that is in --out.")
@click.option("--leaves", multiple=True, metavar="CSM[:DATE]", help="Somebody leaves.  [date: as_of]")
@click.option("--joins", multiple=True, metavar="SEGMENT:N[:DATE]", help="So many people join a segment.")
@click.option(
    "--ramp",
    type=click.FloatRange(0.0, 60.0),
    metavar="MONTHS",
    help="Months until those of --joins give full hours.  [default: 3]",
)
@click.option("--away", "aways", multiple=True, metavar="CSM:FROM..TO", help="Somebody goes on a long leave.")
@click.option("--fte", "ftes", multiple=True, metavar="CSM:FTE[:DATE]", help="Somebody works more or less.")
@click.option(
    "--transfers",
    multiple=True,
    metavar="ID:SEGMENT[/REGION]",
    help="A CSM or an account changes sides; ID:/REGION for the region alone.",
)
@click.option("--new-accounts", multiple=True, metavar="FILE", help="Accounts come, with the columns of accounts.csv.")
@click.option("--lost", multiple=True, metavar="ACCOUNT", help="An account goes.")
@click.option(
    "--open-deal",
    "open_deals",
    multiple=True,
    metavar="ACCOUNT[:UNTIL]",
    help="A deal stays with who has it when the account moves.",
)
@click.option(
    "--locks",
    type=click.Path(path_type=Path),
    help="CSV file of accounts that stay: account_id, reason.",
)
@click.option("--moves", type=click.IntRange(0), help="Rung to take: moves beyond the forced ones.  [default: optimum]")
@click.option("--no-ladder", is_flag=True, help="Solve the rung to take alone.")
@click.option(
    "--plan", type=click.Choice(["today", "free"]), default="today", show_default=True, help="Pay plans stay."
)
@click.option("--waves", type=click.IntRange(1, 52), help="Number of waves.  [default: rebalance.waves, 3]")
@click.option(
    "--slack",
    default="0%",
    show_default=True,
    metavar="SHARE",
    callback=_share,
    help="Hours of everybody to keep free.",
)
@click.option("--freeze", "freezes", multiple=True, metavar="FROM..TO", help="Days on which nobody is handed over.")
@click.option(
    "--lock-off",
    "locks_off",
    multiple=True,
    type=click.Choice(["renewal", "at-risk", "just-moved", "strategic"]),
    help="Switch a lock rule off.",
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option(
    "--time-limit",
    default=600.0,
    show_default=True,
    metavar="S",
    type=click.FloatRange(0.0, 1e6),
    help="Seconds in all.",
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the solver.")
@click.option("--jobs", default=2, show_default=True, type=click.IntRange(1, 1024), help="Solver processes at a time.")
@click.option("--json", "as_json", is_flag=True, help="Print the content of summary.json instead of text.")
@click.option("--quiet", is_flag=True, help="No progress on stderr.")
def command(
    instance: Path,
    changes: Path | None,
    out: Path,
    force: bool,
    leaves: tuple[str, ...],
    joins: tuple[str, ...],
    ramp: float | None,
    aways: tuple[str, ...],
    ftes: tuple[str, ...],
    transfers: tuple[str, ...],
    new_accounts: tuple[str, ...],
    lost: tuple[str, ...],
    open_deals: tuple[str, ...],
    locks: Path | None,
    moves: int | None,
    no_ladder: bool,
    plan: str,
    waves: int | None,
    slack: float,
    freezes: tuple[str, ...],
    locks_off: tuple[str, ...],
    overrides: tuple[str, ...],
    time_limit: float,
    seed: int,
    jobs: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Find new books for INSTANCE after changes, say who moves when, and what each further move is worth.

    Accounts of a leaver must move; accounts near renewal, at risk, just moved or strategic should not and are locked
    ([rebalance] in instance.toml). The ladder solves the best books at 0, 1, 2, 5, 10, ... moves beyond the forced
    ones, each with a proven gap. --out gets moves.csv for a CRM update, ladder.csv, books_before_after.csv, a hand-over
    sheet per CSM, and the changed instance with its solution, which `optcomp evaluate` checks.

    \b
    Example:
      optcomp rebalance instances/team-of-15 --joins growth:1 --out out
      optcomp rebalance instances/team-of-15 --joins growth:1 --out out --force --moves 5

    Exit codes: 0 done, 2 wrong usage, 3 invalid input, 4 proved infeasible, 6 nothing found in time, 7 result failed
    its check, 8 files could not be written, 130 and 143 interrupted.
    """
    from optcomp.assemble import load
    from optcomp.publish import reserved
    from optcomp.solve import Settings
    from optcomp.studies.rebalance.flags import Flags
    from optcomp.studies.rebalance.study import Wishes
    from optcomp.studies.rebalance.waves import parse_freeze
    from optcomp.write_rebalance import own_names

    flags = Flags(leaves, joins, aways, ftes, transfers, new_accounts, lost, open_deals, ramp)
    options = Options(instance, out, changes, locks, flags, overrides, waves, as_json, quiet)
    wishes = Wishes(plan == "free", moves, not no_ladder, slack, tuple(map(parse_freeze, freezes)), locks_off)
    settings = Settings(time_limit_seconds=time_limit, seed=seed, workers=jobs)
    with Patience() as patience:
        loaded = load(instance, overrides=overrides)
        prepared = _prepare(loaded, options, wishes)
        with reserved(out, own_names(out), force=force) as target:
            patience.save()
            done = _search(prepared, settings, options, patience)
            code = _tell(done, loaded, settings, options, target)
        return patience.exit_code or code


def _prepare(loaded: Loaded, options: Options, wishes: Wishes) -> Prepared:
    """The problem after the changes of the file and the flags."""
    from optcomp.studies.rebalance.changes import read_changes
    from optcomp.studies.rebalance.flags import flag_changes
    from optcomp.studies.rebalance.lock_file import read_locks
    from optcomp.studies.rebalance.settings import read_settings
    from optcomp.studies.rebalance.study import prepare

    config, dialect = read_settings(options.instance, options.overrides)
    if options.waves is not None:
        config = config.model_copy(update={"waves": options.waves})
    rows, warnings = read_changes(options.changes, dialect) if options.changes else ((), ())
    rows = (*rows, *flag_changes(loaded.problem.instance, options.flags, rows, dialect))
    named = read_locks(options.locks, dialect) if options.locks else ()
    prepared = prepare(loaded.problem, rows, config, replace(wishes, locks=named))
    return prepared.with_warnings(warnings)


def _search(prepared: Prepared, settings: Settings, options: Options, patience: Patience) -> Rebalanced:
    """Climb the ladder, with progress on stderr; one set of solver processes for all rungs."""
    import sys

    from optcomp.cli.progress import progress
    from optcomp.engine import Engine
    from optcomp.solve import Engines, Progress
    from optcomp.studies.rebalance.study import rebalance

    with (
        progress(is_quiet=options.is_quiet, is_live=sys.stderr.isatty()) as show,
        Engine(settings.workers) as main,
        Engine(1) as helper,
    ):

        def on_progress(step: Progress) -> None:
            patience.hand_over()
            show(step)

        done = rebalance(prepared, settings, engines=Engines(main, helper), on_progress=on_progress)
    patience.note(done.result.signal)
    return done


def _tell(done: Rebalanced, loaded: Loaded, settings: Settings, options: Options, target: Target) -> int:
    """Write and print what was found; the exit code."""
    import json

    from optcomp.cli.rebalance_text import nothing_text, rebalance_text
    from optcomp.summary import summarise
    from optcomp.write import SUMMARY, json_bytes
    from optcomp.write_rebalance import rebalance_files

    doubts = (*loaded.warnings, *done.prepared.warnings)
    if done.result.solution is None:
        summary = summarise(done.result, warnings=doubts)
        click.echo(json_bytes(summary), nl=False) if options.as_json else click.echo(nothing_text(done, summary))
        return EXIT_INFEASIBLE if summary["status"] == "infeasible" else EXIT_NOTHING
    beside = options.instance if options.instance.is_dir() else options.instance.parent
    made = rebalance_files(done, target.path, beside=beside, settings=settings, warnings=loaded.warnings)
    target.publish(made.files)
    if options.as_json:
        click.echo(made.files[SUMMARY], nl=False)
    else:
        click.echo(rebalance_text(done, json.loads(made.files[SUMMARY]), options.out))
    return 0
