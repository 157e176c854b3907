"""Writes the reference pages from the code, so that they cannot drift from it.

python docs/generate.py            writes docs/reference/*.md
python docs/generate.py --check    exits with 1 where a page is not what the code says
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import click

from optcomp.catalog import KINDS, load_rules
from optcomp.cli import COMMANDS, cli, load
from optcomp.descriptions import title
from optcomp.disagreements import all_contradictions
from optcomp.formulation import build, capacity, choice, fairness, money, moves, outcome
from optcomp.learn.history_tables import HISTORY_TABLES
from optcomp.model_texts import ModelText, describe_all, figure, interval
from optcomp.rules import SPECS, RuleSpec
from optcomp.setting_texts import setting_texts
from optcomp.sources import SETTINGS_FILE
from optcomp.studies.rebalance.changes import CHANGES
from optcomp.studies.rebalance.lock_file import LOCKS_TABLE
from optcomp.tables import TABLES
from optcomp.templates import columns_markdown

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by docs/generate.py from the code. Change the code, then run that. -->"
# The width in which --help is shown on the page, whatever terminal the page is made on.
HELP_WIDTH = 80

EXIT_CODES: Mapping[int, tuple[str, str]] = {
    0: ("Done: solved within the asked gap, or nothing wrong was found.", ""),
    1: (
        "Internal error: a bug, or a solver that contradicted its proof.",
        "Report it with the crash report named on stderr; it holds no data of yours.",
    ),
    2: ("Wrong usage: an unknown command or option, or a missing argument.", "See `--help`."),
    3: (
        "Invalid input: every problem is listed with file, row and column.",
        "Mend them; `optcomp check` lists them all.",
    ),
    4: (
        "Proved infeasible: no plans and books meet every hard rule.",
        "Read the sums that cannot work out; set a rule to soft or change a limit.",
    ),
    5: (
        "A verified solution, but not within the asked gap (`--require-gap` only).",
        "Give more time, or accept the gap.",
    ),
    6: (
        "A limit was reached without any solution.",
        "Give more time; `optcomp check` shows whether simple sums speak against one.",
    ),
    7: (
        "A result failed its independent check; nothing was published.",
        "From `solve` a bug: report it. From `evaluate`: the files do not belong together.",
    ),
    8: (
        "Files could not be read or written: permission, space, or something is there already.",
        "See the message.",
    ),
    130: ("Interrupted by Ctrl-C; `solve` has saved the best verified solution.", ""),
    141: ("The reader of the output went away (`optcomp … | head`).", ""),
    143: ("Ended by SIGTERM; `solve` has saved the best verified solution.", ""),
}


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; bars and angle brackets in cells are kept from meaning something."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"

    return "\n".join([line(header), "|" + "---|" * len(header), *map(line, rows)])


# ---- tables and settings ---------------------------------------------------------------------------------------------


def tables_page() -> Iterator[str]:
    """Every table and column."""
    yield "# Tables"
    yield (
        "The tables of an instance are CSV or Parquet files in a folder, or sheets of one `.xlsx` workbook. Columns "
        "may stand in any order, and columns that are not listed are left alone. Headers of common CRM exports are "
        "understood. Money is a year's amount in the instance's currency."
    )
    for table in (*TABLES.values(), *HISTORY_TABLES.values(), CHANGES, LOCKS_TABLE):
        yield f"## {table.name}"
        if table.name in HISTORY_TABLES:
            yield "Part of a history, optional as a whole: see [what each table is](../how-to/bring-your-data.md)."
        yield title(table)
        yield "\n".join(columns_markdown(table))
        aliases = [(f"`{c.name}`", ", ".join(f"`{a}`" for a in c.aliases)) for c in table.columns if c.aliases]
        if aliases:
            yield "Headers that are understood as well:"
            yield markdown_table(["column", "headers"], aliases)


def settings_page() -> Iterator[str]:
    """Every key of instance.toml."""
    yield f"# {SETTINGS_FILE}"
    yield (
        "The settings of an instance; in a workbook, the sheet `instance` with a key and a value in each row. "
        "`--set KEY=VALUE` lays a setting over the file: `--set rules.moves.max=40`."
    )
    rows = [(f"`{_chosen(s.key)}`", s.text, s.kind, s.allowed, s.default) for s in setting_texts()]
    yield markdown_table(["key", "what it is", "kind", "allowed", "default"], rows)
    yield (
        "`‹segment›` is the name of a segment, `‹rule›` the id of a [rule](rules.md), `‹number›` a number of it, and "
        "`‹table›` the name of a [table](tables.md)."
    )


def _chosen(key: str) -> str:
    """The key with what the user chooses in brackets that Markdown leaves alone."""
    return key.replace("<", "‹").replace(">", "›")


# ---- rules -----------------------------------------------------------------------------------------------------------


def rules_page() -> Iterator[str]:
    """Every rule of the catalogue, with its inequality."""
    yield "# Rules"
    yield (
        "A rule is *hard* (must hold), *soft* (may be bent at a price per unit) or *off*. The column `standard` shows "
        "the pack that is used where an instance names no other; `[rules.ID]` in `instance.toml` changes single ones."
    )
    standard = load_rules("standard", None)
    rows = [(f"[`{r}`](#{r})", s.stage, standard[r].state, s.source) for r, s in SPECS.items()]
    yield markdown_table(["rule", "judges", "standard", "source"], rows)
    builders: Mapping[str, Callable[..., None]] = {**build.BOOK_RULES, **build.GLOBAL_RULES}
    for rule_id, spec in SPECS.items():
        yield f"## {rule_id}"
        yield spec.sentence
        yield _rule_facts(spec, standard[rule_id].state)
        if spec.parameters:
            cells = [(f"`{n}`", p.meaning, p.unit, figure(standard[rule_id][n]), f"{figure(p.low)} to {figure(p.high)}")
                     for n, p in spec.parameters.items()]  # fmt: skip
            yield markdown_table(["number", "what it is", "unit", "standard", "allowed"], cells)
        if rule_id in builders:
            yield from _formula(builders[rule_id])
    yield "## Rows that every program has"
    for module in (choice, money, moves, outcome, capacity, fairness):
        for builder in _other_builders(module, builders):
            yield from _formula(builder, with_sentence=True)


def _rule_facts(spec: RuleSpec, state: str) -> str:
    where = {
        "plan": "Judges one plan of one segment: which plans are on the menu, or what they cost. Today's is exempt.",
        "books": "Judges who looks after what.",
        "money": "Judges the whole.",
    }
    price = f"Price when soft: {figure(spec.price)} per unit." if "soft" in spec.states else "Cannot be soft or off."
    facts = [where[spec.stage], f"Standard: {state}.", f"Unit: {spec.unit}.", price]
    return " ".join([*facts, f"Source: {spec.source}."])


def _formula(builder: Callable[..., None], *, with_sentence: bool = False) -> Iterator[str]:
    """The inequality in a builder's docstring, and what its symbols mean."""
    sentence, _, rest = (inspect.getdoc(builder) or "").partition(".. math::")
    if not rest:
        return
    if with_sentence:
        yield " ".join(sentence.split())
    block, _, symbols = rest.strip("\n").partition("\n\n")
    yield "```{math}\n" + "\n".join(line.strip() for line in block.strip().splitlines()) + "\n```"
    if symbols.strip():
        yield _symbols(inspect.cleandoc(symbols))


def _symbols(text: str) -> str:
    """Lines such as ``h_uj  hours the unit needs`` as a list, other lines as they are; formulas as MyST writes them."""
    lines = []
    for line in re.sub(r":math:`([^`]*)`", r"$\1$", text).replace("``", "`").splitlines():
        symbol = re.fullmatch(r"(\S+)  +(\S.*)", line)
        lines.append(f"- `{symbol[1]}`: {re.sub('  +', ' · ', symbol[2])}" if symbol else line)
    return "\n".join(lines)


def _other_builders(module: ModuleType, known: Mapping[str, Callable[..., None]]) -> list[Callable[..., None]]:
    """Functions that add rows whatever the rules are, in the order of the file."""
    mine = [f for name, f in vars(module).items() if name.startswith("add_") and f.__module__ == module.__name__]
    return [f for f in mine if f not in known.values()]


# ---- models ----------------------------------------------------------------------------------------------------------


def models_page() -> Iterator[str]:
    """Every shipped model with its numbers."""
    yield "# Model files"
    yield (
        "What is assumed or allowed, each number with unit, interval, source and origin (`prior`: published evidence, "
        "`assumed`: a judgement, `fitted`: from data). `optcomp models show KIND NAME` prints the same. Ids such as "
        "000-38 are sentences of five published texts on customer success compensation."
    )
    for kind in KINDS:
        yield f"## {kind}"
        for model in describe_all(kind):
            yield from _model(model)
    yield "## Where the texts contradict each other"
    for found in all_contradictions():
        yield f"- {found.sentence} {found.way_out}".strip()


def _model(model: ModelText) -> Iterator[str]:
    yield f"### {model.kind}: {model.name}"
    yield f"{model.title}. Source: {model.source}; origin: {model.origin}."
    yield from (text for text in (model.purpose, model.remark) if text)
    if model.risks:
        yield "\n".join(["Risks:", "", *(f"- {risk}" for risk in model.risks)])
    if model.states:
        yield markdown_table(["state", "rules"], model.states)
    if model.numbers:
        rows = [
            (f"`{n.key}`", figure(n.value), n.unit, interval(n), n.origin, n.source, n.remark) for n in model.numbers
        ]
        yield markdown_table(["number", "value", "unit", "90 % interval", "origin", "source", "remark"], rows)


# ---- command line ----------------------------------------------------------------------------------------------------


def cli_page() -> Iterator[str]:
    """The help of every command."""
    yield "# Command line"
    yield "What `--help` prints. Exit codes are [explained on a page of their own](exit-codes.md)."
    top = click.Context(cli, info_name="optcomp", terminal_width=HELP_WIDTH, **cli.context_settings)
    yield from _help(top, "##")
    for name, lazy in COMMANDS.items():
        yield from _help(_below(top, load(lazy), name), "##")


def _help(context: click.Context, heading: str) -> Iterator[str]:
    yield f"{heading} {context.command_path}"
    yield "```text\n" + context.command.get_help(context) + "\n```"
    if isinstance(context.command, click.Group) and context.parent is not None:
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None:
                yield from _help(_below(context, command, name), "###")


def _below(parent: click.Context, command: click.Command, name: str) -> click.Context:
    return click.Context(command, parent=parent, info_name=name, terminal_width=HELP_WIDTH)


def exit_codes_page() -> Iterator[str]:
    """Every exit code."""
    yield "# Exit codes"
    yield markdown_table(["code", "what it means", "what to do"], [(str(c), *texts) for c, texts in EXIT_CODES.items()])


PAGES: Mapping[str, Callable[[], Iterator[str]]] = {
    "tables.md": tables_page,
    "instance-toml.md": settings_page,
    "rules.md": rules_page,
    "models.md": models_page,
    "cli.md": cli_page,
    "exit-codes.md": exit_codes_page,
}


def page(name: str) -> str:
    """The text of a page."""
    return "\n\n".join([NOTE, *PAGES[name]()]) + "\n"


def main() -> int:
    """Write the pages, or say which are not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is out of date")
    is_check = parser.parse_args().check
    stale = [n for n in PAGES if not (FOLDER / n).exists() or (FOLDER / n).read_text(encoding="utf-8") != page(n)]
    for name in stale:
        print(f"docs/reference/{name} is out of date; run: python docs/generate.py" if is_check else f"wrote {name}")
        if not is_check:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / name).write_text(page(name), encoding="utf-8")
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
