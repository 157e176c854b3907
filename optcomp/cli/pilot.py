"""`optcomp pilot`: the cheapest experiment that would settle which plan is better."""

from __future__ import annotations

from pathlib import Path

import click

EXIT_NOTHING = 6


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder to write; new, or empty.")
@click.option("--force", is_flag=True, help="Replace the pilot that is in --out.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1), help="Seed of the lot.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--json", "as_json", is_flag=True, help="Print the content of summary.json instead of text.")
def command(instance: Path, out: Path, force: bool, seed: int, overrides: tuple[str, ...], as_json: bool) -> int:
    """Design the cheapest experiment with pay plans that would settle which is better for INSTANCE.

    Which CSMs try which plan for how many quarters, drawn by lot within their segment; what it can see; what follows
    from which result; and the cost of the guarantee that nobody is paid less than today's plan would have paid.
    Writes pilot.md to agree on, pilot.csv, designs.csv and summary.json; whole or not at all, readable by you only.

    \b
    Example:
      optcomp pilot instances/team-of-15 --out pilot

    Exit codes: 0 designed, 3 invalid input, 6 no plan is worth an experiment, 8 files could not be written.
    """
    from optcomp.assemble import load
    from optcomp.cli.pilot_text import nothing_text, pilot_text
    from optcomp.publish import reserved
    from optcomp.studies.pilot.design import cheapest, designs
    from optcomp.studies.pilot.report import FILES, SUMMARY, pilot_files

    problem = load(instance, overrides=overrides).problem
    with reserved(out, frozenset(FILES), force=force) as target:
        every = designs(problem, seed)
        if not every:
            click.echo(nothing_text())
            return EXIT_NOTHING
        best = cheapest(every)
        files = pilot_files(problem, every, best, seed)
        target.publish(files)
        click.echo(files[SUMMARY], nl=False) if as_json else click.echo(pilot_text(problem, best, out))
    return 0
