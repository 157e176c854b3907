"""Where a benchmark was run, and how its table is kept."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

PACKAGES = ("optcomp", "highspy", "pyomo", "numpy", "pandas", "scipy")
RESULTS = Path(__file__).parent.parent.parent / "docs" / "benchmarks"


def machine(more: Sequence[str] = ()) -> str:
    """One paragraph: processor, cores, memory, system, Python, packages (and `more` of them), commit, date."""
    cpu = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor() or "unknown processor",
    )
    memory = next(
        (int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0.0
    )
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in (*PACKAGES, *more))
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return (
        f"Measured on {datetime.date.today().isoformat()} at commit {commit.strip() or 'unknown'}: {cpu}, "
        f"{_cores()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; {versions}. The machine is shared: trust ratios in a run, not seconds."
    )


def peak_memory_mib() -> float:
    """Largest resident set of this process and of any child that has ended, MiB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) / 1024.0


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def write(name: str, title: str, command: str, parts: Sequence[str], *, more: Sequence[str] = ()) -> Path:
    """Keep a result page in docs/benchmarks; `more` packages than the usual had a part in it."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.md"
    body = "\n\n".join([f"# {title}", f"Made by `{command}`.", machine(more), *parts])
    path.write_text(body.rstrip() + "\n", encoding="utf-8")
    return path


def _cores() -> str:
    """Cores that the run may use, and of how many where that is not all."""
    there = os.cpu_count()
    used = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return str(there) if used == there else f"{used} of {there}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
