"""`optcomp check`: every problem of an instance at once, the design review, and what was read."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option(
    "--conflicts/--no-conflicts",
    "with_conflicts",
    default=None,
    help="Ask the solver which hard rules clash, or never.  [default: where today breaks one and it takes seconds]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(instance: Path, settings: tuple[str, ...], with_conflicts: bool | None, as_json: bool) -> int:
    """Read INSTANCE (a folder or an .xlsx workbook) and report every problem at once.

    Errors come first, with file, row, column, what was found, what is allowed and what to do. Without errors come the
    warnings of reading, the design review by requirement, and what was read. Nothing is written.

    Where today's plans and books do not keep every hard rule, the solver is asked whether others can and, where not,
    which smallest set of rules clashes and what would mend it (half a minute at most; large instances only with
    --conflicts).

    \b
    Example:
      optcomp check instances/team-of-15
      optcomp check instances/team-of-15 --set rules.moves.max=40
      optcomp check instances/tiny --set rules.hours.ceiling=0.9

    Exit codes: 0 it can be solved, 3 errors in the input, 4 it is proved that nothing fits.
    """
    from optcomp.check import EXIT_NOTHING_FITS, check
    from optcomp.cli.check_text import check_text
    from optcomp.cli.conflict_text import conflict_of

    checked = check(instance, overrides=settings)
    is_asked = (checked.is_open and checked.is_small) if with_conflicts is None else with_conflicts
    conflict = conflict_of(checked.problem) if is_asked and checked.problem else None
    if as_json:
        summary = checked.summary() | ({"conflict": conflict} if is_asked else {})
        summary |= {"status": "infeasible"} if conflict else {}
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        click.echo(check_text(checked, conflict, is_asked=is_asked))
    return EXIT_NOTHING_FITS if conflict else checked.exit_code
