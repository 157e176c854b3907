"""`optcomp fit`: learn a response from history, and say what it does not know."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.toml",
    help="Response model file to write; the draws stand beside it.",
)
@click.option(
    "--history",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder that holds the history, if not INSTANCE itself.",
)
@click.option("--prior", metavar="NAME", help="Response model to start from, if not the one that INSTANCE names.")
@click.option(
    "--draws", default=128, show_default=True, metavar="N", type=click.IntRange(8, 100_000), help="Posterior draws."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the draws.")
@click.option(
    "--plots",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write SVG plots (extra: report).",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
def command(
    instance: Path,
    out: Path,
    history: Path | None,
    prior: str | None,
    draws: int,
    seed: int,
    plots: Path | None,
    as_json: bool,
) -> int:
    """Learn from the history of INSTANCE how outcomes react to pay, load, fit and hand-over.

    Writes a response model file that `solve` reads and joint draws beside it (FILE.draws.npz), readable by you only.
    Every number says whether the history or the prior decides it. A history of one pay plan cannot say what another
    plan would do, and is flagged as such.

    \b
    Example:
      optcomp fit instances/team-of-15 --out fitted.toml

    Exit codes: 0 fitted, 3 errors in the input, 8 files could not be read or written.
    """
    import json
    import os

    # Before numpy is imported: matrices of 30 columns gain nothing from more threads, which wait on a busy machine.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from optcomp.assemble import load
    from optcomp.cli.fit_text import fit_text
    from optcomp.learn.fit import fit
    from optcomp.learn.fit_summary import summarise_fit
    from optcomp.learn.priors import load_priors
    from optcomp.learn.read_history import read_history

    problem = load(instance).problem
    lived, findings = read_history(history or instance, problem.instance)
    for finding in findings:
        click.echo(f"{finding.severity}: {finding}", err=True)
    beside = instance if instance.is_dir() else instance.parent
    found = fit(lived, problem, load_priors(prior or problem.instance.models.response, beside), seed=seed, draws=draws)
    written = [*found.write(out)]
    if plots is not None:
        from optcomp.learn.plots import write_plots

        written += write_plots(found, plots)
    text = json.dumps(summarise_fit(found), indent=2, ensure_ascii=False) if as_json else fit_text(found, written)
    click.echo(text)
    return 0
