"""`optcomp init`: a template of an instance."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--workbook", is_flag=True, help="Write one .xlsx workbook into DIR instead of CSV files.")
def command(directory: Path, workbook: bool) -> None:
    """Write a commented template into DIR: settings, accounts, CSMs, and what every column means.

    It solves as it stands: four CSMs and twenty accounts of companies that do not exist. Replace the rows by your own.
    DIR must not exist, or be empty; what is written can be read by you only.

    \b
    Example:
      optcomp init my-team
      optcomp init my-team --workbook

    Exit codes: 0 written, 8 DIR is not empty or cannot be written.
    """
    from optcomp.templates import write_template_folder, write_template_workbook

    write = write_template_workbook if workbook else write_template_folder
    files = write(directory)
    target = files[0] if workbook else directory
    click.echo("\n".join(["Written:", *(f"  {file}" for file in files)]))
    click.echo(f"\nNext: optcomp check {target}\n      optcomp solve {target} --out out")
