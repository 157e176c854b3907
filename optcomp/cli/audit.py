"""`optcomp audit`: does today's pay follow results, luck or the book?"""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder that holds the history, if not INSTANCE itself.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the tables into this folder, readable by you only.",
)
@click.option("--plots", is_flag=True, help="Write SVG plots into it as well (extra: report).")
@click.option("--force", is_flag=True, help="Replace an audit that is in DIR.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the bootstraps.")
@click.option(
    "--control",
    "controls",
    multiple=True,
    metavar="COLUMN",
    help="Take this fact of accounts out of everybody's results as well: complexity, language or region. May be "
    "repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(
    instance: Path, history: Path | None, out: Path | None, plots: bool, force: bool, seed: int,
    controls: tuple[str, ...], as_json: bool,
) -> int:  # fmt: skip
    """Hold the history of INSTANCE against the pay plan that was in force.

    Says of each pay component whether it pays for results, for luck or for the book; where a step of pay is luck; how
    pay is spread; who is over- or underpaid for the book as dealt, in dollars; whether the best are the best paid; and
    which patterns are worth a look. Single CSMs stand in the tables of --out only, by id. Nothing here is a verdict on
    a person.

    \b
    Example:
      optcomp audit instances/team-of-15
      optcomp audit instances/team-of-15 --out audit --plots

    Exit codes: 0 audited, 2 wrong usage, 3 errors in the input, 8 files could not be read or written.
    """
    import json
    import os

    if plots and out is None:
        raise click.UsageError("--plots needs --out: that is where they go.")
    # Before numpy is imported: matrices of 30 columns gain nothing from more threads, which wait on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from optcomp.assemble import load
    from optcomp.cli.audit_text import audit_text
    from optcomp.learn.audit.audit import audit
    from optcomp.learn.audit.plots import audit_plots
    from optcomp.learn.audit.summary import summarise_audit
    from optcomp.learn.audit.tables import write_audit
    from optcomp.learn.read_history import read_history

    problem = load(instance).problem
    lived, findings = read_history(history or instance, problem.instance)
    for finding in findings:
        click.echo(f"{finding.severity}: {finding}", err=True)
    found = audit(lived, problem, seed=seed, controls=controls)
    if out is not None:
        write_audit(found, out, audit_plots(found) if plots else {}, force=force)
    text = json.dumps(summarise_audit(found), indent=2, ensure_ascii=False) if as_json else audit_text(found, out)
    click.echo(text)
    return 0
