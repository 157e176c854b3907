"""The engine when things go wrong: workers that die or hang, users who press Ctrl-C, parents that vanish.

A worker is made to hang by SIGSTOP and to crash by SIGKILL, from outside, in the middle of a solve.
"""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from programs import assignment, knapsack

from optcomp.engine import Ending, Engine, Job, Limits, Progress, interruptible
from optcomp.engine.task import Task
from optcomp.engine.worker import Worker

pytestmark = pytest.mark.skipif(os.name != "posix", reason="faults are injected by signals")

HARD = assignment(10, 100)
"""Not closed in a minute."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    """One worker, and a second of patience with it."""
    with Engine(workers=1, grace_seconds=1.0) as engine:
        yield engine


def once_at_an_incumbent(action: Callable[[], None]) -> Callable[[Progress], None]:
    """Something to do when the first point arrives, once."""
    done: list[float] = []

    def watch(progress: Progress) -> None:
        if progress.incumbent is not None and np.isfinite(progress.bound) and progress.bound < 0 and not done:
            done.append(progress.incumbent)
            action()

    return watch


def send_to_workers(engine: Engine, number: signal.Signals) -> None:
    for process_id in engine.process_ids:
        os.kill(process_id, number)


def test_a_worker_that_is_killed_leaves_its_incumbent_and_its_job_is_tried_again(engine: Engine) -> None:
    """Row 66: as the kernel does when memory runs out. The second worker ends at the time limit as if all were well."""
    steps: list[Progress] = []
    victims: list[int] = []
    kill = once_at_an_incumbent(lambda: (victims.extend(engine.process_ids), send_to_workers(engine, signal.SIGKILL)))

    outcome = engine.solve(Job(HARD, Limits(6.0)), on_progress=lambda step: (steps.append(step), kill(step)))

    assert victims
    assert not set(victims) & set(engine.process_ids)
    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.value >= max(step.incumbent for step in steps if step.incumbent is not None)
    assert outcome.bound <= min(step.bound for step in steps)


def test_a_worker_that_hangs_is_killed_after_its_time(engine: Engine) -> None:
    """Row 66: no time is left for a second attempt; the incumbent and the bound so far are the answer."""
    steps: list[Progress] = []
    stop = once_at_an_incumbent(lambda: send_to_workers(engine, signal.SIGSTOP))

    outcome = engine.solve(Job(HARD, Limits(3.0)), on_progress=lambda step: (steps.append(step), stop(step)))

    assert outcome.ending is Ending.CRASHED
    assert outcome.value == steps[-1].incumbent
    assert outcome.bound == steps[-1].bound
    assert engine.process_ids == []


def test_a_worker_that_does_not_even_read_is_replaced(engine: Engine) -> None:
    """A large program does not fit into the pipe, so sending it would wait for ever."""
    large = assignment(10, 2000)
    engine.solve(Job(knapsack()))
    send_to_workers(engine, signal.SIGSTOP)

    outcome = engine.solve(Job(large, Limits(30.0, gap_absolute=1e6)))

    assert outcome.ending is Ending.OPTIMAL


def test_a_worker_that_died_while_idle_is_replaced(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two solves nobody looks at it. It is no failure of the next job, which keeps its options."""
    engine.solve(Job(knapsack()))
    [victim] = engine.process_ids
    os.kill(victim, signal.SIGKILL)
    os.waitid(os.P_PID, victim, os.WEXITED | os.WNOWAIT)
    attempts: list[bool] = []
    send = Worker.send

    def spy(worker: Worker, task, *, patience_seconds: float) -> None:
        attempts.append(task.plain)
        send(worker, task, patience_seconds=patience_seconds)

    monkeypatch.setattr(Worker, "send", spy)

    assert engine.solve(Job(knapsack())).value == 7
    assert attempts == [False]


def test_a_job_is_tried_twice_and_not_a_third_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 66: what crashes twice would crash for ever; the start is still a solution."""
    attempts: list[bool] = []

    def refuse(worker: Worker, task, *, patience_seconds: float) -> None:
        attempts.append(task.plain)
        raise BrokenPipeError

    monkeypatch.setattr(Worker, "send", refuse)

    outcome = engine.solve(Job(knapsack(), start=np.array([1.0, 0, 0])))

    assert attempts == [False, True]
    assert (outcome.ending, outcome.value, outcome.bound) == (Ending.CRASHED, 5, 12)


def test_an_interrupt_keeps_the_incumbent_and_the_bound(engine: Engine) -> None:
    """Also for jobs that wait, which come back at once without a point, or with their start."""
    stop = once_at_an_incumbent(engine.interrupt)
    jobs = [Job(HARD, Limits(1e9)), Job(knapsack()), Job(knapsack(), start=np.array([1.0, 0, 0]))]

    first, second, third = engine.solve_many(jobs, on_progress=stop)

    assert [outcome.ending for outcome in (first, second, third)] == [Ending.INTERRUPTED] * 3
    assert first.value < first.bound < 0
    assert second.value is None
    assert third.value == 5
    assert engine.solve(Job(knapsack())).ending is Ending.INTERRUPTED


def test_a_relaxation_can_be_interrupted_by_the_clock(engine: Engine) -> None:
    """The simplex method listens as the tree search does; whatever duals it leaves, the bound holds."""
    outcome = engine.solve(Job(assignment(40, 2000), Limits(0.3), relax=True))

    assert outcome.ending in (Ending.TIME_LIMIT, Ending.OPTIMAL)
    assert outcome.bound <= 0


def test_a_worker_heeds_an_interrupt_and_lives_on() -> None:
    """It comes back with HiGHS's last words, nodes included, well before it would be killed."""
    with Engine(workers=1, grace_seconds=60.0) as engine:
        workers: list[int] = []
        stop = once_at_an_incumbent(lambda: (workers.extend(engine.process_ids), engine.interrupt()))

        outcome = engine.solve(Job(HARD, Limits(1e9)), on_progress=stop)

        assert outcome.ending is Ending.INTERRUPTED
        assert engine.process_ids == workers != []


def test_an_interrupt_from_another_thread_is_heard(engine: Engine) -> None:
    """For programs that solve in the background."""
    running = threading.Event()
    helper = threading.Thread(target=lambda: (running.wait(60), engine.interrupt()))
    helper.start()

    outcome = engine.solve(Job(HARD, Limits(1e9)), on_progress=lambda _: running.set())

    helper.join()
    assert outcome.ending is Ending.INTERRUPTED


def test_a_worker_that_does_not_heed_an_interrupt_is_killed(engine: Engine) -> None:
    """Presolve does not listen. The user gets what there is, and it does not count as a crash."""
    stop = once_at_an_incumbent(lambda: (send_to_workers(engine, signal.SIGSTOP), engine.interrupt()))

    outcome = engine.solve(Job(HARD, Limits(1e9)), on_progress=stop)

    assert outcome.ending is Ending.INTERRUPTED
    assert outcome.value is not None
    assert engine.process_ids == []


def test_workers_ignore_the_signals_of_the_terminal(engine: Engine) -> None:
    """Ctrl-C reaches all processes of a group; only the parent decides what it means."""

    def disturb() -> None:
        send_to_workers(engine, signal.SIGINT)
        send_to_workers(engine, signal.SIGTERM)

    before = []
    watch = once_at_an_incumbent(lambda: (before.extend(engine.process_ids), disturb()))

    outcome = engine.solve(Job(HARD, Limits(3.0)), on_progress=watch)

    assert outcome.ending is Ending.TIME_LIMIT
    assert engine.process_ids == before != []


def test_an_exception_of_the_callers_leaves_a_usable_engine(engine: Engine) -> None:
    """The worker in mid-solve is given up; its late words would belong to nobody."""

    def fail(_: Progress) -> None:
        raise LookupError("caller's own")

    with pytest.raises(LookupError):
        engine.solve(Job(HARD, Limits(1e9)), on_progress=fail)

    assert engine.process_ids == []
    assert engine.solve(Job(knapsack())).value == 7


def test_one_engine_solves_for_one_caller_at_a_time(engine: Engine) -> None:
    """Two would read each other's answers."""
    refused: list[RuntimeError] = []

    def solve_again(_: Progress) -> None:
        try:
            engine.solve(Job(knapsack()))
        except RuntimeError as error:
            refused.append(error)
            engine.interrupt()

    engine.solve(Job(HARD, Limits(1e9)), on_progress=solve_again)

    assert refused


def test_nothing_is_forked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a solve, a forked child of HiGHS hangs for ever; the parent does not even load it."""

    def refuse() -> int:
        raise AssertionError("fork")

    monkeypatch.setattr(os, "fork", refuse)

    assert engine.solve(Job(knapsack())).value == 7


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_for_an_answer_and_the_second_ends(engine: Engine, number: signal.Signals) -> None:
    """Row 64: 130 and 143 are what shells expect."""
    before = signal.getsignal(number)

    with interruptible(engine) as interruption:
        assert (interruption.received, interruption.exit_code) == (None, 0)
        outcome = engine.solve(
            Job(HARD, Limits(1e9)), on_progress=once_at_an_incumbent(lambda: os.kill(os.getpid(), number))
        )
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else SystemExit):
            os.kill(os.getpid(), number)

    assert outcome.ending is Ending.INTERRUPTED
    assert outcome.value is not None
    assert (interruption.received, interruption.exit_code) == (number, 128 + number)
    assert signal.getsignal(number) == before


def test_handlers_are_left_alone_outside_the_main_thread(engine: Engine) -> None:
    """Python would refuse."""
    seen: list[int] = []

    def use() -> None:
        with interruptible(engine) as interruption:
            seen.append(interruption.exit_code)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()

    assert seen == [0]


SCRIPT_HEAD = """
    import os, sys
    from programs import assignment, knapsack
    from optcomp.engine import Engine, Job, Limits, interruptible
"""


def script(tmp_path: Path, body: str) -> subprocess.Popen[str]:
    """A user's script in a process group of its own, as a terminal would start it."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(SCRIPT_HEAD) + textwrap.dedent(body))
    root = Path(__file__).resolve().parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root.parent)])}
    return subprocess.Popen(
        [sys.executable, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def is_gone(process_id: int) -> bool:
    """Whether a process has ended; one that nobody collects is a zombie and has ended, too."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    """Else they would compute for the time limit, for nobody."""
    body = """
    if __name__ == "__main__":
        engine = Engine(workers=1)
        hard = Job(assignment(10, 100), Limits(1e9))
        engine.solve(hard, on_progress=lambda _: print(*engine.process_ids, flush=True))
    """
    with script(tmp_path, body) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
        parent.communicate()

    patience = time.monotonic() + 30
    while not is_gone(child) and time.monotonic() < patience:
        threading.Event().wait(0.05)

    assert is_gone(child)


class _Orphaned:
    """The pipe of a worker whose parent hands over one task and is gone."""

    def __init__(self, *messages: object) -> None:
        self._messages = list(messages)

    def send(self, message: object) -> None:
        """Nobody reads."""

    def recv(self) -> object:
        if not self._messages:
            raise EOFError
        return self._messages.pop(0)


@pytest.mark.parametrize("tasks", [0, 1])
def test_an_orphan_in_the_middle_of_a_solve_ends_at_once(monkeypatch: pytest.MonkeyPatch, tasks: int) -> None:
    """An ordinary exit tears Python down under HiGHS, which now and then ends in an abort on the user's terminal."""
    child = importlib.import_module("optcomp.engine.child")  # by name: collecting tests must not load HiGHS
    let_go, exits = threading.Event(), []
    monkeypatch.setattr(child.signal, "signal", lambda *_: None)
    monkeypatch.setattr(child.signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(child.Solve, "run", lambda _: let_go.wait(60))
    monkeypatch.setattr(child.os, "_exit", exits.append)
    task = Task(assignment(2, 4), False, None, 60.0, 0.0, None, 0, False)

    child.listen(_Orphaned(*[task] * tasks))
    let_go.set()

    assert exits == [0] * tasks


def test_ctrl_c_in_a_terminal_gives_the_best_answer_and_130(tmp_path: Path) -> None:
    """Row 64: the signal goes to the whole process group, and nothing but the answer is printed."""
    body = """
    if __name__ == "__main__":
        with Engine(workers=1) as engine, interruptible(engine) as interruption:
            def watch(step):
                if step.incumbent is not None:
                    print("incumbent", flush=True)
            outcome = engine.solve(Job(assignment(10, 100), Limits(1e9)), on_progress=watch)
        print(outcome.ending.value, outcome.value is not None)
        sys.exit(interruption.exit_code)
    """
    with script(tmp_path, body) as process:
        assert process.stdout.readline() == "incumbent\n"
        os.killpg(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)

    assert output.splitlines()[-1] == "interrupted True"
    assert errors == ""
    assert process.returncode == 130


def test_an_engine_that_is_never_closed_does_not_keep_the_program_from_ending(tmp_path: Path) -> None:
    """multiprocessing joins its children at exit."""
    body = """
    if __name__ == "__main__":
        engine = Engine(workers=1)
        print(engine.solve(Job(knapsack())).value)
    """
    with script(tmp_path, body) as process:
        output, errors = process.communicate(timeout=60)

    assert (output, errors, process.returncode) == ("7.0\n", "", 0)


def test_a_script_without_a_main_guard_is_told_what_to_do(tmp_path: Path) -> None:
    """A spawned process runs the script again from the top."""
    with script(tmp_path, "print(Engine(workers=1).solve(Job(knapsack())).value)") as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 1
    assert "if __name__ == '__main__'" in errors.splitlines()[-1]


def test_highs_is_told_what_the_engine_promises(tmp_path: Path) -> None:
    """One thread always, or HiGHS fails when the number changes; no relative gap; other options the second time."""
    body = """
    from optcomp.engine.child import _new_highs, _set_options
    from optcomp.engine.run import Run
    for is_second in (False, True):
        highs = _new_highs()
        assert _set_options(highs, Run(Job(knapsack(), Limits(seed=4))).task(is_second=is_second))
        names = ("threads", "parallel", "mip_rel_gap", "mip_abs_gap", "presolve", "random_seed", "output_flag")
        print(*(highs.getOptionValue(name)[1] for name in names))
    """
    with script(tmp_path, body) as process:
        output, _ = process.communicate(timeout=60)

    assert output == "1 off 0.0 0.0 choose 4 False\n1 off 0.0 0.0 off 5 False\n"


def test_the_parent_never_loads_highs(tmp_path: Path) -> None:
    """A crash in it would be ours, and ortools could not be loaded beside it."""
    body = """
    if __name__ == "__main__":
        with Engine(workers=1) as engine:
            engine.solve(Job(knapsack()))
        print("highspy" in sys.modules)
    """
    with script(tmp_path, body) as process:
        output, _ = process.communicate(timeout=60)

    assert output == "False\n"
