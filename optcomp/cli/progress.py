"""Progress of a solve on stderr: one live line on a terminal, else a plain line now and then."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import click

from optcomp.solve import OnProgress, Progress
from optcomp.words import is_telling, percent

# A plain line at least this often, so that a log shows that the solve is alive; seconds.
HEARTBEAT = 30.0
# A change of a number below this is no news, in ratios of NRR (0.001 points).
NEWS = 1e-5


@contextmanager
def progress(*, is_quiet: bool, is_live: bool) -> Iterator[OnProgress]:
    """A function that shows where a solve stands, until the end of the block."""
    if is_quiet:
        yield lambda progress: None
    elif is_live:
        with _live() as show:
            yield show
    else:
        with Lines() as lines:
            yield lines.show


def line(progress: Progress) -> str:
    """Where a solve stands, in one line without names."""
    parts = [progress.phase]
    if progress.objective is not None:
        parts.append(f"best {percent(progress.objective, 3)}")
    if progress.bound is not None and progress.gap_pp is not None and is_telling(progress.gap_pp):
        parts.append(f"ceiling {percent(progress.bound, 3)}")
        parts.append(f"gap {progress.gap_pp:.3f} pp")
    return ", ".join(parts)


@contextmanager
def _live() -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting")
        yield lambda progress: bar.update(task, description=line(progress))


class Lines:
    """A plain line for every improvement, and one every `HEARTBEAT` seconds."""

    def __init__(self) -> None:
        self._last: Progress | None = None
        self._told: Progress | None = None
        self._started = time.monotonic()
        self._is_over = threading.Event()
        self._beat = threading.Thread(target=self._repeat, daemon=True)

    def __enter__(self) -> Self:
        self._beat.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._beat.join()

    def show(self, progress: Progress) -> None:
        """Tell it where it is news."""
        self._last = progress
        if self._is_news(progress):
            self._tell(progress)

    def _is_news(self, progress: Progress) -> bool:
        told = self._told
        if told is None or told.phase != progress.phase:
            return True
        return _differs(told.objective, progress.objective) or _differs(told.bound, progress.bound)

    def _repeat(self) -> None:
        while not self._is_over.wait(HEARTBEAT):
            if self._last is not None:
                self._tell(self._last)

    def _tell(self, progress: Progress) -> None:
        self._told = progress
        click.echo(f"{time.monotonic() - self._started:6.1f} s  {line(progress)}", err=True)


def _differs(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) > NEWS
