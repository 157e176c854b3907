"""Run the examples on documentation pages, and write their output into the pages.

    python docs/examples.py            compare every page
    python docs/examples.py --write    run everything, slow examples included, and write the output

What is run, in the order of the page, in a folder of its own that holds a private copy of `instances/`:

* a ``console`` block: each line that begins with ``$ `` is a command, what follows is its stdout. `optcomp` commands
  run in this process. A command must succeed unless ``$ echo $?`` follows it; then stderr is shown too.
* a block after ``<!-- file: PATH -->`` is written to that file.
* a block after ``<!-- python -->`` is executed; one after ``<!-- output -->`` is what the Python before it printed.
* a block after ``<!-- slow -->`` is run by ``--write`` alone; one after ``<!-- not run -->`` never.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).resolve().parent
CHECKOUT = DOCS.parent
# Pages that have examples. A page that is not listed here must have no console block (tests/test_docs_run.py).
PAGES = (
    "../README.md",
    "tutorial/first-plan.md",
    "how-to/bring-your-data.md",
    "how-to/audit-the-current-plan.md",
    "how-to/learn-from-history.md",
    "how-to/act-under-uncertainty.md",
    "how-to/set-rules.md",
    "how-to/from-python.md",
    "how-to/own-constraints.md",
    "how-to/when-nothing-fits.md",
    "how-to/check-a-solution.md",
    "how-to/explain-a-decision.md",
    "how-to/a-csm-has-left.md",
    "how-to/budget-increase.md",
    "how-to/export-to-another-solver.md",
    "explanation/contradictions-in-the-texts.md",
    "explanation/response-model.md",
)
_BLOCK = re.compile(
    r"^(?:<!-- (?P<mark>[^\n]*?) -->\n)?```(?P<language>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_PIPED = re.compile(r"(?P<command>optcomp [^|]*) \| (?P<end>head|tail) -(?P<count>\d+)")
# Seconds differ from run to run.
_TIMES = re.compile(r"\b\d+(?:\.\d+)? (?:s|seconds)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: the comment before it, its language, its text, and where the text stands on the page."""

    mark: str
    language: str
    body: str
    span: tuple[int, int]


@dataclass
class Page:
    """Runs the blocks of a page one after the other."""

    folder: Path
    names: dict[str, object] = field(default_factory=dict)
    printed: str = ""
    code: int = 0

    def run(self, block: Block) -> str:
        """The block's text as it should be."""
        if block.mark.startswith("file: "):
            path = self.folder / block.mark.removeprefix("file: ")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.write_text(block.body, encoding="utf-8")
            path.chmod(0o600)
        elif block.mark == "python":
            self.printed = self._execute(block.body)
        elif block.mark == "output":
            return self.printed
        elif block.language == "console":
            return "".join(self._console(block.body))
        return block.body

    def _execute(self, text: str) -> str:
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.chdir(self.folder):
            exec(compile(text, "<page>", "exec"), self.names)
        return output.getvalue()

    def _console(self, body: str) -> Iterator[str]:
        commands = [line.removeprefix("$ ") for line in body.splitlines() if line.startswith("$ ")]
        for command, following in zip(commands, [*commands[1:], ""], strict=True):
            yield f"$ {command}\n"
            if command == "echo $?":
                yield f"{self.code}\n"
                continue
            output, errors = self._command(command)
            may_fail = following == "echo $?"
            if self.code and not may_fail:
                raise RuntimeError(f"`{command}` ended with {self.code}:\n{output}{errors}")
            text = output + errors if self.code else output
            yield text if text.endswith("\n") or not text else text + "\n"

    def _command(self, command: str) -> tuple[str, str]:
        piped = _PIPED.fullmatch(command)
        words = shlex.split(piped["command"] if piped else command)
        if words[0] != "optcomp" or {"|", ">", "&&"} & set(words):
            # A shell finds `optcomp` beside the Python that runs this.
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            self.code = done.returncode
            return done.stdout, done.stderr
        from optcomp.cli import run

        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors), contextlib.chdir(self.folder):
            self.code = run(words[1:])
        shown = output.getvalue()
        if piped:
            lines, count = shown.splitlines(keepends=True), int(piped["count"])
            shown = "".join(lines[:count] if piped["end"] == "head" else lines[-count:])
        return shown, errors.getvalue()


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page."""
    return [Block(m["mark"] or "", m["language"], m["body"], m.span("body")) for m in _BLOCK.finditer(text)]


def run_page(name: str, *, slow: bool = False) -> tuple[str, str]:
    """A page as it is and as running its examples makes it."""
    text = (DOCS / name).read_text(encoding="utf-8")
    result, end = [], 0
    with tempfile.TemporaryDirectory() as folder:
        page = Page(Path(folder))
        copy_instances(page.folder / "instances")
        for block in blocks(text):
            if block.mark == "not run" or (block.mark == "slow" and not slow):
                continue
            result += [text[end : block.span[0]], page.run(block)]
            end = block.span[1]
    return text, "".join([*result, text[end:]])


def copy_instances(target: Path) -> None:
    """The shipped instances, readable by nobody else: `check` warns of salaries that others can read."""
    root = CHECKOUT / "instances"
    for file in sorted([*root.glob("*/*"), *root.glob("*/history/*")]):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            copied = target / file.relative_to(root)
            copied.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copyfile(file, copied)
            copied.chmod(0o600)


def without_times(text: str) -> str:
    """The text with every number of seconds blanked out."""
    return _TIMES.sub("# s", text)


def main() -> int:
    """0 when every page is as its examples make it."""
    parser = argparse.ArgumentParser(description="Run the examples on documentation pages.")
    parser.add_argument("--write", action="store_true", help="write the output into the pages, slow ones included")
    parser.add_argument("pages", nargs="*", default=PAGES)
    arguments = parser.parse_args()
    stale = []
    for name in arguments.pages:
        before, after = run_page(name, slow=arguments.write)
        if without_times(before) != without_times(after):
            stale.append(name)
            if arguments.write:
                (DOCS / name).write_text(after, encoding="utf-8")
    sys.stderr.write("".join(f"{'written' if arguments.write else 'stale'}: {name}\n" for name in stale))
    return int(bool(stale) and not arguments.write)


if __name__ == "__main__":
    raise SystemExit(main())
