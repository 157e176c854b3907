"""`optcomp generate`: an invented company with a history, or a large instance for a benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from optcomp.instance import Instance
    from optcomp.learn.history import History

KINDS = ("none", "one-plan", "switch-all", "staggered", "pilot")


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--size",
    type=click.Choice(["S", "M", "L"]),
    default="S",
    show_default=True,
    help="15 CSMs with 849 accounts, 40 with 2,209, or 200 with 10,000.",
)
@click.option("--csms", type=click.IntRange(1, 5000), help="Another size: number of CSMs.")
@click.option("--accounts", type=click.IntRange(1, 1_000_000), help="Number of accounts, with --csms.")
@click.option("--pools", type=click.IntRange(1, 5000), help="Regions x segments, with --csms.  [default: 3]")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another company.")
@click.option("--history", type=click.Choice(KINDS), help="Plans tried.  [default: one-plan; none with --csms]")
@click.option("--quarters", default=8, show_default=True, type=click.IntRange(1, 24), help="Length of the history.")
def command(
    directory: Path,
    size: str,
    csms: int | None,
    accounts: int | None,
    pools: int | None,
    seed: int,
    history: str | None,
    quarters: int,
) -> None:
    """Write an invented company into DIR: an instance and its history.

    The same options write the same files, byte for byte. The company behaves by rules of its own, with parameters
    drawn from the seed, so that what `fit` and `audit` say of it can be judged. DIR must not exist, or be empty.

    \b
    Example:
      optcomp generate demo --size S --seed 1 --history pilot
      optcomp generate large --csms 100 --accounts 8000 --pools 12

    Exit codes: 0 written, 2 wrong usage, 3 nobody left or churned in so short a history, 8 DIR cannot be written.
    """
    from optcomp.world.folder import write_folder

    numbers = _numbers(csms, accounts, pools)
    kind = history or ("none" if numbers else "one-plan")
    instance, past = _company(size, numbers, seed, kind, quarters)
    files = write_folder(directory, instance, past)
    click.echo("\n".join(["Written:", *(f"  {file}" for file in files)]))


def _numbers(csms: int | None, accounts: int | None, pools: int | None) -> tuple[int, int, int] | None:
    if csms is None and accounts is None and pools is None:
        return None
    if csms is None or accounts is None:
        raise click.UsageError("--csms and --accounts go together; --pools needs both.")
    chosen = (csms, accounts, min(3, csms) if pools is None else pools)
    if not chosen[2] <= csms <= accounts:
        raise click.UsageError("--pools must not be above --csms, nor --csms above --accounts.")
    return chosen


def _company(
    size: str, numbers: tuple[int, int, int] | None, seed: int, kind: str, quarters: int
) -> tuple[Instance, History | None]:
    from optcomp.errors import InputError
    from optcomp.learn.history_checks import survivorship_findings
    from optcomp.world import HISTORY_KINDS, large_instance, make_world, make_world_of

    if numbers and kind == "none":
        return large_instance(*numbers, seed), None
    world = make_world_of(*numbers, seed) if numbers else make_world(size, seed)
    lived = world.live(next((k for k in HISTORY_KINDS if k == kind), "one-plan"), quarters)
    if kind == "none":
        return lived.instance(), None
    past = lived.history()
    if findings := survivorship_findings(past):
        raise InputError(findings)
    return lived.instance(), past
