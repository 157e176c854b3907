"""Ctrl-C and SIGTERM around a solve: at once while nothing is there to lose, patient while a solution is saved."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import Self

_HEEDED = (signal.SIGINT, signal.SIGTERM)


class Patience:
    """Handlers for the two signals, for the time of a `with` block in the main thread.

    Until `save` is called a signal ends the process at once. After it the first one is only noted (`received`), so that
    what was found gets written, and the second one ends the process. `solve` has handlers of its own while it runs.
    """

    def __init__(self) -> None:
        self.received = 0
        self._is_patient = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in _HEEDED}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # type: ignore[arg-type]

    def save(self) -> None:
        """From now on there may be something to lose."""
        self._is_patient = True

    def hand_over(self) -> None:
        """Pass a noted signal to the handlers that are there now (those of `solve`), once."""
        if self.received and self._is_patient:
            number, self.received = self.received, 0
            os.kill(os.getpid(), number)

    def note(self, number: int) -> None:
        """A signal that somebody else has received; 0 for none."""
        self.received = self.received or number

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, or 0 where there was none."""
        return 128 + self.received if self.received else 0

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_patient and not self.received:
            self.received = number
        elif number == signal.SIGINT:
            raise KeyboardInterrupt
        else:
            raise SystemExit(128 + number)
