"""`optcomp models`: the model files that come with optcomp."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

# The kinds of `catalog`, written out: importing it here would make `--help` slow.
KINDS = ("benchmarks", "compensation", "response", "rules", "service", "stress")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")


@click.group()
def command() -> None:
    """List and show the model files that come with optcomp: what is assumed or allowed, with its source.

    \b
    Example:
      optcomp models list compensation
      optcomp models show response priors-v0
      optcomp models contradictions
    """


@command.command("list")
@click.argument("kind", required=False, type=click.Choice(KINDS))
@_JSON
def list_models(kind: str | None, as_json: bool) -> None:
    """The shipped models, or those of one KIND, with their titles.

    \b
    Example:
      optcomp models list rules
    """
    from optcomp.cli.layout import table
    from optcomp.model_texts import describe_all

    models = list(describe_all(kind or ""))
    if as_json:
        rows = [{"kind": m.kind, "name": m.name, "title": m.title} for m in models]
        click.echo(json.dumps({"schema": "optcomp/models/1", "models": rows}, indent=2, ensure_ascii=False))
    else:
        click.echo(table(["kind", "name", "title"], [[m.kind, m.name, m.title] for m in models], left=(0, 1, 2)))


@command.command("show")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@_JSON
def show_model(kind: str, name: str, as_json: bool) -> None:
    """One model: title, source, purpose, and every number with unit, interval, source and origin.

    \b
    Example:
      optcomp models show compensation renewal-expansion-gate
    """
    from optcomp.cli.models_text import model_text
    from optcomp.model_texts import describe

    model = describe(kind, name)
    if as_json:
        click.echo(json.dumps({"schema": "optcomp/model/1", **asdict(model)}, indent=2, ensure_ascii=False))
    else:
        click.echo(model_text(model))


@command.command("contradictions")
@_JSON
def contradictions(as_json: bool) -> None:
    """Where the source texts contradict each other or themselves, and what optcomp does about it.

    \b
    Example:
      optcomp models contradictions
    """
    from optcomp.cli.models_text import contradictions_text
    from optcomp.disagreements import all_contradictions

    found = all_contradictions()
    if as_json:
        rows = [asdict(contradiction) for contradiction in found]
        click.echo(json.dumps({"schema": "optcomp/contradictions/1", "contradictions": rows}, indent=2))
    else:
        click.echo(contradictions_text(found))
