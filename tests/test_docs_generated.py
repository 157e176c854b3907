"""The reference pages are what the code says: whoever changes a table, rule, model or command makes them again."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from optcomp import cli, errors
from optcomp.eligibility import PAIR_RULES
from optcomp.rules import SPECS
from optcomp.setting_texts import TEXTS, setting_texts
from optcomp.tables import TABLES

SCRIPT = Path(__file__).parents[1] / "docs" / "generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_out_of_date():
    """Run `python docs/generate.py` when this fails."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_a_page_that_drifts_is_named_and_exits_with_1(
    generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(generate, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["generate.py"])
    assert generate.main() == 0
    (tmp_path / "rules.md").write_text("old")
    capsys.readouterr()

    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    assert generate.main() == 1
    assert capsys.readouterr().out.startswith("docs/reference/rules.md is out of date")


def test_every_column_is_on_the_page(generate: ModuleType):
    page = generate.page("tables.md")

    assert [c.name for t in TABLES.values() for c in t.columns if f"| `{c.name}` |" not in page] == []


def test_every_key_of_the_settings_has_a_sentence_and_every_sentence_a_key():
    assert [s.key for s in setting_texts() if not s.text] == []
    assert {s.key for s in setting_texts()} == set(TEXTS)


def test_every_rule_on_books_or_money_that_adds_rows_has_its_inequality(generate: ModuleType):
    """Rules on single pairs decide which pairs there are, and rules on plans which plans; neither adds a row."""
    sections = re.split(r"^## ", generate.page("rules.md"), flags=re.MULTILINE)
    with_formula = {s.split("\n")[0] for s in sections if "```{math}" in s}

    assert {r for r, s in SPECS.items() if s.stage != "plan"} - set(PAIR_RULES) <= with_formula


def test_every_command_is_on_the_page(generate: ModuleType):
    page = generate.page("cli.md")

    assert [name for name in cli.COMMANDS if f"## optcomp {name}\n" not in page] == []
    assert "### optcomp models show" in page


def test_every_exit_code_of_an_error_is_explained(generate: ModuleType):
    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}

    assert codes <= set(generate.EXIT_CODES)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_has_help_with_an_example(name: str):
    text = " ".join((cli.load(cli.COMMANDS[name]).help or "").split())

    assert f"Example: optcomp {name} " in text
