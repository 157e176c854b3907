"""The library's verbs are functions, whatever has been imported."""

import importlib
import subprocess
import sys

import optcomp


def test_a_verb_stays_a_function_after_its_module_is_imported():
    """Python sets an imported submodule as an attribute of its package, and modules have the verbs' names."""
    for name in ("assemble", "evaluate", "frames", "read", "solve"):
        importlib.import_module(f"optcomp.{name}")

    assert [name for name in optcomp.__all__ if not callable(getattr(optcomp, name))] == []


def test_the_verbs_can_be_imported_by_name():
    from optcomp import evaluate, solve

    assert callable(evaluate)
    assert callable(solve)


def test_importing_the_package_imports_nothing_heavy():
    script = "import sys, optcomp; print(*sorted({'numpy', 'pandas', 'pyomo', 'highspy'} & sys.modules.keys()))"

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == ""
    assert done.returncode == 0
