"""`optcomp diff`: what differs between two written solutions."""

from __future__ import annotations

from pathlib import Path

import click

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.command()
@click.argument("first", metavar="DIR1", type=_FOLDER)
@click.argument("second", metavar="DIR2", type=_FOLDER)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(first: Path, second: Path, as_json: bool) -> None:
    """Compare the solutions in DIR1 and DIR2: worth term by term, plans, accounts, books and rules.

    Each is scored on its own instance, and it is said where the two stand on different facts. Whether the files hold
    what they say is the business of `optcomp evaluate`.

    \b
    Example:
      optcomp diff out out2

    Exit codes: 0 compared, 3 one cannot be read, 7 one holds no decision of its instance.
    """
    import json

    from optcomp.cells import printable
    from optcomp.cli.diff_text import diff_text
    from optcomp.comparison import Side, compare
    from optcomp.reopen import reopen

    one, other = reopen(first), reopen(second)
    sides = [Side(r.problem, r.solution, r.evaluation, r.bound) for r in (one, other)]
    found = compare(sides[0], sides[1])
    names = (printable(first.name)[:16], printable(second.name)[:16])
    currency = other.problem.instance.currency
    click.echo(
        json.dumps(found.summary(), indent=2, ensure_ascii=False) if as_json else diff_text(found, names, currency)
    )
