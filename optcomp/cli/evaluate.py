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
@click.option(
    "--assignment",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Table (.csv, .xlsx) with account_id and to: score DIR with these lines changed, against DIR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(
    solution: Path, instance: Path | None, hooks: tuple[Path, ...], assignment: Path | None, as_json: bool
) -> int:
    """Re-check the solution in DIR from its files and the instance; no solver is used.

    Inputs and files must be those of the manifest, rows complete, plans on the menu, hard rules kept, and every number
    the one that the facts give: within 1e-9 for ratios, a cent for money, the last digit for tables.

    With --assignment the decision in DIR is scored with the lines of that file beside it as it is, term by term and
    rule by rule: an assignment.csv edited by hand, saved as a workbook or not, or only the lines that you would change.
    In a table of accounts, such as the sheet accounts of an instance, the column csm says who is to have whom.

    \b
    Example:
      optcomp evaluate out
      optcomp evaluate out --assignment out/assignment.csv

    Exit codes: 0 it holds, 3 it cannot be read or its instance cannot, 7 it does not hold.
    """
    import json

    from optcomp.cli.evaluate_text import as_object, evaluate_text
    from optcomp.recheck import recheck

    if assignment is not None:
        return _score(solution, instance, hooks, assignment, as_json)
    outcome = recheck(solution, instance=instance, hooks=hooks)
    text = json.dumps(as_object(outcome), indent=2, ensure_ascii=False) if as_json else evaluate_text(outcome, solution)
    click.echo(text)
    return 0 if outcome.holds else EXIT_FAILED


def _score(solution: Path, instance: Path | None, hooks: tuple[Path, ...], assignment: Path, as_json: bool) -> int:
    """Print the edited decision beside the one in the folder."""
    import json

    from optcomp.cli.diff_text import diff_text
    from optcomp.comparison import Side, compare, edited
    from optcomp.evaluate import evaluate
    from optcomp.hooks import hook_violations
    from optcomp.reopen import reopen

    opened = reopen(solution, instance=instance, hooks=hooks)
    problem = opened.problem
    first = Side(problem, opened.solution, opened.evaluation, opened.bound)
    changed = edited(first, assignment)
    own = tuple(hook_violations(opened.hooks, problem, changed))
    found = compare(first, Side(problem, changed, evaluate(problem, changed), opened.bound), own)
    text = diff_text(found, ("solved", "edited"), problem.instance.currency)
    click.echo(json.dumps(found.summary(), indent=2, ensure_ascii=False) if as_json else text)
    return EXIT_FAILED if found.is_broken else 0
