"""The inside of a worker process: HiGHS in a thread, the main thread listening for an interrupt or the parent's end.

Only this module imports highspy, and only a worker imports this module (`remote` in a worker of a cluster): the parent
can live beside libraries that clash with HiGHS (ortools brings its own), and cannot be taken down by it.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import highspy
import numpy as np

from optcomp.engine.task import Report, Task
from optcomp.types import FloatArray

SECONDS_BETWEEN_BOUNDS = 0.1
"""A bound is sent at most this often; ten times as often would keep the parent busy reading."""

SMALLEST_COEFFICIENT = 1e-12
"""HiGHS drops matrix entries below its default 1e-9 without an error; this is the least it accepts."""


def listen(connection: Connection) -> None:
    """Main loop of a worker: solve what arrives; end when the parent does.

    A terminal's Ctrl-C reaches the whole process group; only the parent decides what it means. Both signals were held
    back while the process started (see `worker`).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    threading.excepthook = lambda _: os._exit(70)  # the parent takes a dead worker for a failed attempt
    connection.send(("ready", highs_version()))
    stop = threading.Event()
    solving: threading.Thread | None = None
    while True:
        try:
            message = connection.recv()
        except (EOFError, OSError):
            if solving is not None and solving.is_alive():
                os._exit(0)  # an ordinary exit would wait for HiGHS, for a parent that is gone
            return
        if isinstance(message, Task):
            stop = threading.Event()
            attempt = Solve(message, lambda kind, content: connection.send((kind, content)), stop.is_set)
            solving = threading.Thread(target=attempt.run, daemon=True)
            solving.start()
        else:
            stop.set()


class Solve:
    """One attempt: builds the HiGHS object, streams what it finds, reports at the end.

    send : called with "point", "bound" and, at the end, "done", each with its content; is_stopped : asked now and then
    """

    def __init__(self, task: Task, send: Callable[[str, object], None], is_stopped: Callable[[], bool]) -> None:
        self._task = task
        self._send = send
        self._is_stopped = is_stopped
        self._deadline = time.monotonic() + task.time_limit_seconds
        self._last_bound = np.inf
        self._last_sent = -np.inf

    def run(self) -> None:
        """Solve the task, from the first word to the last."""
        highs = _new_highs()
        if not (_set_options(highs, self._task) and _pass_program(highs, self._task)):
            self._send("done", Report("refused", None, np.inf, None, 0))
            return
        _pass_start(highs, self._task.start)
        highs.cbMipImprovingSolution.subscribe(self._on_point)
        for callback in (highs.cbMipInterrupt, highs.cbSimplexInterrupt, highs.cbIpmInterrupt):
            callback.subscribe(self._on_pause)
        highs.setOptionValue("time_limit", max(0.0, self._deadline - time.monotonic()))
        highs.run()
        self._send("done", self._report(highs))

    def _on_point(self, event: Any) -> None:
        self._send("point", np.array(event.data_out.mip_solution, dtype=np.float64))

    def _on_pause(self, event: Any) -> None:
        now = time.monotonic()
        if self._is_stopped() or now > self._deadline:
            event.interrupt()
        if self._task.relax or now - self._last_sent < SECONDS_BETWEEN_BOUNDS:
            return
        bound = -float(event.data_out.mip_dual_bound)
        if np.isfinite(bound) and bound < self._last_bound:
            self._last_bound, self._last_sent = bound, now
            self._send("bound", bound)

    def _report(self, highs: Any) -> Report:
        info, solution = highs.getInfo(), highs.getSolution()
        status = highs.getModelStatus().name
        if status in ("kInterrupt", "kHighsInterrupt"):
            status = "kInterrupt" if self._is_stopped() else "kTimeLimit"
        point = np.array(solution.col_value) if info.primal_solution_status == 2 and solution.value_valid else None
        duals = -np.array(solution.row_dual) if solution.dual_valid else None
        bound = -float(info.mip_dual_bound) if info.valid else np.inf
        return Report(status, point, bound, duals, int(info.mip_node_count))


def highs_version() -> str:
    """Version of HiGHS itself, whatever the package says."""
    return str(_new_highs().version())


def _new_highs() -> Any:
    return highspy.Highs()  # type: ignore[no-untyped-call]


def _set_options(highs: Any, task: Task) -> bool:
    """Whether HiGHS accepted every option.

    threads is the same for every solve of a process (HiGHS ends with an error when it changes), and mip_rel_gap is 0 so
    that the absolute gap decides alone.
    """
    options: dict[str, object] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": task.seed,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": task.gap_absolute,
        "small_matrix_value": SMALLEST_COEFFICIENT,
    }
    if task.max_nodes is not None:
        options["mip_max_nodes"] = task.max_nodes
    if task.interior:
        options |= {"solver": "ipm", "run_crossover": "off"}
    if task.plain:
        options |= {"presolve": "off", "random_seed": (task.seed + 1) % 2**31}
    return all(highs.setOptionValue(name, value) == highspy.HighsStatus.kOk for name, value in options.items())


def _pass_program(highs: Any, task: Task) -> bool:
    """Hand the program over as a minimisation without offset, so that no sign or offset convention is relied upon."""
    program = task.program
    whole = np.zeros(program.num_columns, dtype=np.int32) if task.relax else program.integer.astype(np.int32)
    status = highs.passModel(
        program.num_columns, program.num_rows, len(program.values),
        int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0,
        -program.objective, program.lower, program.upper, program.row_lower, program.row_upper,
        program.starts, program.columns, program.values, whole,
    )  # fmt: skip
    return bool(status != highspy.HighsStatus.kError)


def _pass_start(highs: Any, start: FloatArray | None) -> None:
    """Offer the known part of a start; HiGHS completes or ignores it."""
    if start is None:
        return
    known = np.flatnonzero(np.isfinite(start)).astype(np.int32)
    if len(known):
        highs.setSolution(len(known), known, start[known])
