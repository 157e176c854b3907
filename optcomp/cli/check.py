"""`optcomp check`: every problem of an instance at once, the design review, and what was read."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--conflicts", "with_conflicts", is_flag=True, help="Ask the solver which hard rules clash, if any do.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(instance: Path, settings: tuple[str, ...], with_conflicts: bool, as_json: bool) -> int:
    """Read INSTANCE (a folder or an .xlsx workbook) and report every problem at once.

    Errors come first, with file, row, column, what was found, what is allowed and what to do. Without errors come the
    warnings of reading, the design review by requirement, and what was read. Nothing is written, and nothing is solved
    unless --conflicts asks whether every hard rule can hold and, where not, which of them clash (half a minute).

    \b
    Example:
      optcomp check instances/team-of-15
      optcomp check instances/team-of-15 --set rules.moves.max=40
      optcomp check instances/tiny --set rules.hours.ceiling=0.9 --conflicts

    Exit codes: 0 it can be solved, 3 errors in the input, 4 it is proved that nothing fits.
    """
    from optcomp.check import EXIT_NOTHING_FITS, check
    from optcomp.cli.check_text import check_text
    from optcomp.cli.conflict_text import conflict_of

    checked = check(instance, overrides=settings)
    conflict = conflict_of(checked.problem) if with_conflicts and checked.problem else None
    if as_json:
        summary = checked.summary() | ({"conflict": conflict} if with_conflicts else {})
        summary |= {"status": "infeasible"} if conflict else {}
        click.echo(json.dumps(summary, indent=2, ensure_ascii=False))
    else:
        click.echo(check_text(checked, conflict))
    return EXIT_NOTHING_FITS if conflict else checked.exit_code
