"""Examples on the pages run and show what they show; what the pages promise to cover, they cover."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from optcomp.formulation import capacity, choice, fairness, money, moves, outcome
from optcomp.formulation.build import BOOK_RULES, GLOBAL_RULES

CHECKOUT = Path(__file__).resolve().parents[1]
DOCS = CHECKOUT / "docs"


def load_examples() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_examples", DOCS / "examples.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["docs_examples"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


examples = load_examples()


@pytest.mark.parametrize("name", examples.PAGES)
def test_the_examples_on_a_page_show_what_they_print(name: str):
    """`python docs/examples.py --write` mends what only changed in wording."""
    before, after = examples.run_page(name)

    assert examples.without_times(after) == examples.without_times(before)


def test_every_page_with_a_console_is_run():
    with_console = {
        path.relative_to(DOCS).as_posix()
        for path in DOCS.rglob("*.md")
        if re.search(r"^ *```console", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert with_console - set(examples.PAGES) == set()


def test_a_wrong_output_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The runner itself: a page that shows what is not printed differs from what it should be."""
    page = "<!-- python -->\n```python\nprint(1 + 1)\n```\n\n<!-- output -->\n```text\n3\n```\n"
    (tmp_path / "page.md").write_text(page, encoding="utf-8")
    monkeypatch.setattr(examples, "DOCS", tmp_path)

    before, after = examples.run_page("page.md")

    assert before == page
    assert after == page.replace("3\n", "2\n")


def test_a_command_that_fails_unannounced_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "page.md").write_text("```console\n$ optcomp check nowhere\n```\n", encoding="utf-8")
    monkeypatch.setattr(examples, "DOCS", tmp_path)

    with pytest.raises(RuntimeError, match="ended with 3"):
        examples.run_page("page.md")


def test_every_builder_of_the_program_is_on_the_page_of_mathematics():
    """A rule whose inequality is on no page could say anything."""
    page = (DOCS / "explanation" / "mathematics.md").read_text(encoding="utf-8")
    builders: list[Callable[..., None]] = [*BOOK_RULES.values(), *GLOBAL_RULES.values()]
    for module in (capacity, choice, fairness, money, moves, outcome):
        builders += [f for name, f in vars(module).items() if name.startswith("add_") and callable(f)]

    missing = {f"{f.__module__}.{f.__name__}" for f in builders if f"{f.__module__}.{f.__name__}\n" not in page}

    assert missing == set()


def test_every_line_of_the_first_answer_is_explained():
    """The tutorial explains headings of the output by name; a heading that is new has no explanation."""
    page = (DOCS / "tutorial" / "first-plan.md").read_text(encoding="utf-8")
    shown = next(b.body for b in examples.blocks(page) if "optcomp solve instances/team-of-15 --out out\n" in b.body)
    answer = shown.partition("\n\n")[2]
    headings = [block.splitlines()[0] for block in answer.split("\n\n")]
    explained = re.findall(r"^(\S.*)\n: ", page, re.MULTILINE)

    unexplained = [h for h in headings if not any(term.split(" …")[0].split(",")[0] in h for term in explained)]

    assert unexplained == []


CITED = re.compile(
    r"\b(00[0-4]-\d+|U\d{1,2}|(?:DESIGN|SCIENCE|REQUIREMENTS|PEERS|issue) \d+(?:\.\d+)?|ROBUSTNESS|TOOLS|STYLE)\b"
)


def cited_ids() -> set[str]:
    """Every id of a source that code, model files and instances cite."""
    files = [
        path
        for folder, endings in (("optcomp", {".py"}), ("models", {".toml"}), ("instances", {".py", ".toml", ".md"}))
        for path in (CHECKOUT / folder).rglob("*")
        if path.suffix in endings
    ]
    return {found for path in files for found in CITED.findall(path.read_text(encoding="utf-8"))}


def test_every_cited_source_is_explained():
    """`SCIENCE 2.2` is explained by its own row or by that of `SCIENCE 2`."""
    page = (DOCS / "reference" / "sources.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`([^`]+)`", page))

    unexplained = {c for c in cited_ids() if c not in explained and c.rpartition(".")[0] not in explained}

    assert unexplained == set()


def test_every_cited_convention_exists():
    page = (DOCS / "developing" / "conventions.md").read_text(encoding="utf-8")
    declared = set(re.findall(r"^(\d+\.\d+) ", page, re.MULTILINE))
    texts = [path.read_text(encoding="utf-8") for path in (CHECKOUT / "optcomp").rglob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")]
    cited = {number for text in texts for number in re.findall(r"conventions(?:\]\([^)]*\))? (\d+\.\d+)", text)}

    assert cited
    assert cited - declared == set()


def test_the_tour_names_every_folder_and_no_module_that_is_gone():
    page = (DOCS / "developing" / "architecture.md").read_text(encoding="utf-8")
    table = "".join(line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`(?:optcomp/)?([a-z_]+)/?`", table))
    modules = {path.stem for path in (CHECKOUT / "optcomp").glob("*.py")}
    folders = {path.parent.name for path in (CHECKOUT / "optcomp").glob("*/__init__.py")}

    assert folders - named == set()
    assert named - modules - folders == set()
