"""`optcomp export`: write the mixed-integer program as an LP or MPS file."""

from __future__ import annotations

from pathlib import Path

import click

_ENDINGS = (".lp", ".mps")


@click.command()
@click.argument("instance", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write, ending in .lp or .mps.")
@click.option("--force", is_flag=True, help="Replace the file.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Lay a setting over instance.toml.")
@click.option("--hook", "hooks", multiple=True, type=click.Path(path_type=Path), help="Constraints of your own.")
def command(instance: Path, out: Path, force: bool, overrides: tuple[str, ...], hooks: tuple[Path, ...]) -> None:
    """Write the joint program of INSTANCE for another solver.

    x(k) is 1 where pair k of account and CSM is used, z(s_p) where segment s is paid by plan p, y(k_p) both, o(j) where
    open position j is filled; rho and cost are load and its price. Names and ids are not in it, pay and ARR can be
    worked out from its numbers. Maximise; the objective is in percentage points of NRR.

    \b
    Example:
      optcomp export instances/tiny --out tiny.lp
    """
    if out.suffix.lower() not in _ENDINGS:
        raise click.BadParameter("The file must end in .lp or .mps.", param_hint="--out")
    from optcomp.assemble import load
    from optcomp.formulation.export import write_program
    from optcomp.hooks import load_hook
    from optcomp.publish import published_file

    own_hooks = tuple(load_hook(path) for path in hooks)
    problem = load(instance, overrides=overrides).problem
    with published_file(out, force=force) as fresh:
        num_variables, num_rows = write_program(problem, fresh, hooks=own_hooks)
    click.echo(f"{num_variables:,} variables and {num_rows:,} rows written to {click.format_filename(out)}")
