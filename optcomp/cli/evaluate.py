"""`optcomp evaluate`: re-check a written solution from its files alone."""

from __future__ import annotations

from pathlib import Path

import click

EXIT_FAILED = 7


@click.command()
@click.argument("solution", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--instance", type=click.Path(path_type=Path), help="Where the instance is, if it has moved since.")
@click.option(
    "--hook", "hooks", multiple=True, type=click.Path(path_type=Path), help="A file of constraints of your own."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(solution: Path, instance: Path | None, hooks: tuple[Path, ...], as_json: bool) -> int:
    """Re-check the solution in DIR from its files and the instance; no solver is used.

    Inputs and files must be those of the manifest, rows complete, plans on the menu, hard rules kept, and every number
    the one that the facts give: within 1e-9 for ratios, a cent for money, the last digit for tables.

    \b
    Example:
      optcomp evaluate out

    Exit codes: 0 it holds, 3 it cannot be read or its instance cannot, 7 it does not hold.
    """
    import json

    from optcomp.cli.evaluate_text import as_object, evaluate_text
    from optcomp.recheck import recheck

    outcome = recheck(solution, instance=instance, hooks=hooks)
    text = json.dumps(as_object(outcome), indent=2, ensure_ascii=False) if as_json else evaluate_text(outcome, solution)
    click.echo(text)
    return 0 if outcome.holds else EXIT_FAILED
