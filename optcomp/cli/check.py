"""`optcomp check`: every problem of an instance at once, the design review, and what was read."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(instance: Path, settings: tuple[str, ...], as_json: bool) -> int:
    """Read INSTANCE (a folder or an .xlsx workbook) and report every problem at once.

    Errors come first, with file, row, column, what was found, what is allowed and what to do. Without errors come the
    warnings of reading, the design review by requirement, and what was read. Nothing is written and nothing is solved.

    \b
    Example:
      optcomp check instances/team-of-15
      optcomp check instances/team-of-15 --set rules.moves.max=40

    Exit codes: 0 it can be solved, 3 errors in the input, 4 simple sums prove that nothing fits.
    """
    from optcomp.check import check
    from optcomp.cli.check_text import check_text

    checked = check(instance, overrides=settings)
    click.echo(json.dumps(checked.summary(), indent=2, ensure_ascii=False) if as_json else check_text(checked))
    return checked.exit_code
