"""A peer in a process of its own: what it reports while it runs, and the hard limits on time and memory."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

GIB = 2**30
OUT_OF_MEMORY = ("MemoryError", "std::bad_alloc", "Cannot allocate memory")  # of Python, C++ and the system
LEAST_STEP = 1e-7  # points by which a bound must fall to be written again; solvers tell of it thousands of times


class Log:
    """One JSON line an event, written at once, so that a process that is killed leaves what it had found.

    Seconds count from `begin`. A choice is the pairs of the joint program that are used, and the plan row of every
    segment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lowest = float("inf")
        self.begin()

    def begin(self) -> None:
        """Start the clock."""
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the clock was started."""
        return time.monotonic() - self._began

    def found(self, pairs: Sequence[int], plans: Sequence[int]) -> None:
        """A choice that is better than those before, in the peer's own opinion."""
        self._write(at=self.seconds, pairs=[int(k) for k in pairs], plans=[int(p) for p in plans])

    def bound(self, points: float) -> None:
        """Nothing can be worth more, in the peer's own opinion; points of NRR."""
        if points < self._lowest - LEAST_STEP:
            self._lowest = points
            self._write(at=self.seconds, bound=points)

    def note(self, **facts: Any) -> None:
        """Anything else that the page says."""
        self._write(note=facts)

    def ended(self, words: str) -> None:
        """Why it stopped; the last line of a process that was not killed."""
        self._write(at=self.seconds, ended=words)

    def _write(self, **line: Any) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a process went.

    found : (seconds, pairs, plan rows); bounds : (seconds, points)
    seconds : of the peer's clock when it ended; peak_mib : largest resident set of a single process
    """

    ending: str
    is_whole: bool
    seconds: float
    peak_mib: float
    found: list[tuple[float, list[int], list[int]]] = field(default_factory=list)
    bounds: list[tuple[float, float]] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)


def run(command: Sequence[str], log: Path, *, seconds: float, memory_gib: float) -> Ran:
    """Run a command that writes to `log`, and end it and its children when it takes too long.

    seconds : of wall clock, all included; memory_gib : address space of each process
    """
    limit = int(memory_gib * GIB)
    started = time.monotonic()
    with tempfile.TemporaryFile() as errors:  # a pipe that nobody reads would hold a talkative solver for ever
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            preexec_fn=partial(resource.setrlimit, resource.RLIMIT_AS, (limit, limit)),
        )
        peak_mib, was_late = _wait(process, started + seconds)
        errors.seek(0)
        last_words = errors.read().decode(errors="replace")
    ending = _reason(process.returncode, last_words, was_late, seconds=seconds, memory_gib=memory_gib)
    return read(log, ending, peak_mib, time.monotonic() - started)


def _wait(process: subprocess.Popen[bytes], deadline: float) -> tuple[float, bool]:
    """Peak memory in MiB (children that it waited for included), and whether it had to be killed."""
    was_late = False
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            with suppress(ProcessLookupError):  # a killed solver's own children
                os.killpg(process.pid, signal.SIGKILL)
            return usage.ru_maxrss / 1024.0, was_late
        if time.monotonic() >= deadline and not was_late:
            was_late = True
            os.killpg(process.pid, signal.SIGKILL)
        time.sleep(0.05)


def _reason(code: int, last_words: str, was_late: bool, *, seconds: float, memory_gib: float) -> str:
    """Why a process ended without saying so; empty where it ended well."""
    if was_late:
        return f"not done after {seconds:.0f} s"
    is_memory = any(words in last_words for words in OUT_OF_MEMORY)
    if code and is_memory:
        return f"needs more than {memory_gib:g} GiB"
    if code < 0:
        return f"ended by {signal.Signals(-code).name} at a limit of {memory_gib:g} GiB"
    return last_words.strip().splitlines()[-1] if code and last_words.strip() else ""


def read(log: Path, ending: str, peak_mib: float, wall_seconds: float) -> Ran:
    """What a log holds; `ending` where the process did not say why it ended."""
    lines: list[dict[str, Any]] = []
    for text in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        with suppress(json.JSONDecodeError):  # the line that a kill cut off
            lines.append(json.loads(text))
    last = next((line for line in lines if "ended" in line), None)
    notes: dict[str, Any] = {}
    for line in lines:
        notes |= line.get("note", {})
    return Ran(
        ending=ending or (last["ended"] if last else "ended without a word"),
        is_whole=last is not None and not ending,
        seconds=last["at"] if last else wall_seconds,
        peak_mib=peak_mib,
        found=[(line["at"], line["pairs"], line["plans"]) for line in lines if "pairs" in line],
        bounds=[(line["at"], line["bound"]) for line in lines if "bound" in line],
        notes=notes,
    )
