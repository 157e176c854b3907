"""The command line: one lazy click group, and the one place where an error becomes a message and an exit code.

A command lives in `optcomp/cli/<name>.py` and is imported only when it is asked for, so that `optcomp --help` needs
neither pandas nor numpy nor a solver. A new command is one line in `COMMANDS`.
"""

from __future__ import annotations

import difflib
import importlib
import os
import select
import sys
from dataclasses import dataclass
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from optcomp.errors import InputError, OptcompError

EXIT_INTERNAL = 1
# 128 + the number of the signal, as shells report it.
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 141


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is (``module:attribute``) and the one line that the list of commands shows for it."""

    target: str
    short_help: str


COMMANDS: dict[str, LazyCommand] = {
    "init": LazyCommand("optcomp.cli.init:command", "Write a commented instance that solves as it stands."),
    "check": LazyCommand("optcomp.cli.check:command", "Read an instance and report every problem at once."),
    "solve": LazyCommand("optcomp.cli.solve:command", "Choose pay plans and books together, with a proven bound."),
    "rebalance": LazyCommand("optcomp.cli.rebalance:command", "New books after people leave, join or change."),
    "evaluate": LazyCommand("optcomp.cli.evaluate:command", "Re-check a written solution from its files alone."),
    "fit": LazyCommand("optcomp.cli.fit:command", "Learn from history, and say what it cannot tell."),
    "explain": LazyCommand("optcomp.cli.explain:command", "Say why an account, a book or a plan is as it is."),
    "diff": LazyCommand("optcomp.cli.diff:command", "Compare two written solutions."),
    "audit": LazyCommand("optcomp.cli.audit:command", "Say whether today's pay follows results, luck or the book."),
    "pilot": LazyCommand("optcomp.cli.pilot:command", "Design the cheapest experiment that would settle it."),
    "export": LazyCommand("optcomp.cli.export:command", "Write the mixed-integer program as an LP or MPS file."),
    "models": LazyCommand("optcomp.cli.models:command", "List and show the model files that come with optcomp."),
    "sensitivity": LazyCommand("optcomp.cli.sensitivity:command", "What more pay budget buys, and where to put it."),
    "generate": LazyCommand("optcomp.cli.generate:command", "Write an invented company, with a history to learn from."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS:
            return load(COMMANDS[cmd_name])
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if not near:
                raise
            raise click.UsageError(f"{error.message} (Did you mean {near[0]!r}?)", ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, lazy.short_help) for name, lazy in COMMANDS.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def load(lazy: LazyCommand) -> click.Command:
    """The command that `lazy` names, imported now.

    Raises
    ------
    TypeError
        When the target is not a click command.
    """
    module_name, _, attribute = lazy.target.partition(":")
    command = vars(importlib.import_module(module_name)).get(attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{lazy.target} is not a click command.")
    return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="optcomp", message="%(prog)s %(version)s")
def cli() -> None:
    """Choose pay plans and books of accounts for a customer success team together.

    \b
    Example:
      optcomp solve instances/team-of-15 --out out

    Exit codes: 0 done, 1 internal error, 2 wrong usage, 3 invalid input, 4 proved infeasible, 5 asked gap not met,
    6 limit reached without a solution, 7 result failed its check, 8 files could not be read or written,
    130 interrupted.
    """


def main() -> NoReturn:
    """Run the command line and end the process with the exit code that the outcome calls for."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit code of one command line; messages about what went wrong go to stderr."""
    try:
        code = _outcome(arguments)
        sys.stdout.flush()
    except BrokenPipeError as error:
        return _close_quietly() if _is_reader_gone() else _print_crash(error)
    return code


def _outcome(arguments: list[str]) -> int:
    try:
        return _invoke(arguments)
    except OptcompError as error:
        _print_error(error)
        return error.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception as error:  # The one place that may: everything else has been mapped, so this is a bug.
        return _print_crash(error)


def _invoke(arguments: list[str]) -> int:
    """Parse and run; click's own errors become their message and code here, the rest goes up to `run`.

    Not `cli.main`: that turns a broken pipe into exit code 1 and forgets whose pipe it was.
    """
    instruction = os.environ.get("_OPTCOMP_COMPLETE")
    if instruction:
        return shell_complete(cli, {}, "optcomp", "_OPTCOMP_COMPLETE", instruction)
    try:
        with cli.make_context("optcomp", list(arguments)) as context:
            returned = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return returned if isinstance(returned, int) else 0


def _print_error(error: OptcompError) -> None:
    if isinstance(error, InputError):
        for finding in error.findings:
            _say(f"{finding.severity}:", str(finding))
    else:
        _say("error:", str(error))


def _say(severity: str, text: str) -> None:
    """A message a line, for whoever searches a log; wrapped where a person reads it on a terminal."""
    if sys.stderr.isatty():
        from optcomp.cli.layout import paragraph

        click.echo(paragraph(severity, text, hang=len(severity) + 1), err=True)
    else:
        click.echo(f"{severity} {text}", err=True)


def _is_reader_gone() -> bool:
    """Nobody reads our stdout or stderr any more (``optcomp … | head``).

    A broken pipe can also be one to a child process; that is an error, and must not pass in silence.
    """
    if not hasattr(select, "poll"):  # Not on Windows, where a pipe breaks with another error anyway.
        return False
    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        poll.register(stream.fileno(), 0)  # Errors are reported even when no event is asked for.
    return any(mask & select.POLLERR for _, mask in poll.poll(0))


def _close_quietly() -> int:
    """Point both streams at the null device, else the interpreter complains when it flushes them at exit."""
    sink = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(sink, stream.fileno())
    return EXIT_READER_GONE


def _print_crash(error: Exception) -> int:
    from optcomp.cli.crash import write_crash_report

    click.echo(f"error: optcomp failed in a way it does not know ({type(error).__name__}). This is a bug.", err=True)
    try:
        path = write_crash_report(error)
    except OSError:
        click.echo("error: no crash report could be written.", err=True)
    else:
        click.echo(f"error: please report it with {path} (no data of yours is in it).", err=True)
    return EXIT_INTERNAL
