"""A Ray cluster gives the answers of this machine, and costs time only when a worker dies.

Ray is not among what tests need (240 MB). To run these: `pip install -e '.[test,ray]'`, then
`python -m pytest tests/test_ray_cluster.py`. The cluster is local, and guarded by a token that is made for the run.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from programs import assignment, knapsack, program
from solved import TINY

from optcomp import cli
from optcomp.engine import Ending, Engine, Job, Limits, Outcome
from optcomp.errors import OutputError

# Ray reads both when it is imported; head, workers and this process must have the same.
os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
ray = pytest.importorskip("ray", reason="Ray is not installed")
from optcomp.engine.ray_cluster import RayExecutor, RayFleet  # noqa: E402

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="workers are killed by signals"),
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]

JOBS = [
    *(Job(assignment(3, 12, seed), Limits(max_nodes=60)) for seed in range(3)),
    Job(assignment(4, 30), relax=True),
    Job(knapsack(offset=3.0)),
    Job(program([1.0], [([1.0], 2.0, 3.0)], upper=1.0)),  # infeasible
]
SLOW = [Job(assignment(5, 40, seed), Limits(max_nodes=10)) for seed in range(2)]
UNCLOSED = assignment(10, 100)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A head node with two CPUs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = [
        str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--num-cpus=2", "--port=0",
        "--node-ip-address=127.0.0.1", f"--ray-client-server-port={port}", "--include-dashboard=false",
        "--disable-usage-stats", "--object-store-memory=100000000",
    ]  # fmt: skip
    with subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as head:
        try:
            _wait_for(port, head)
            yield f"ray://127.0.0.1:{port}"
        finally:
            head.terminate()
            head.wait(timeout=60)


def _wait_for(port: int, head: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and head.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail("the Ray head did not start")


@pytest.fixture
def executor(address: str) -> Iterator[RayExecutor]:
    with RayExecutor(address) as executor:
        yield executor


@pytest.fixture(scope="module")
def local() -> list[Outcome]:
    """What this machine answers."""
    with Engine(2) as engine:
        return engine.solve_many([*JOBS, *SLOW])


def same(one: Outcome, other: Outcome) -> bool:
    """All that does not depend on the clock."""
    numbers = (one.ending, one.value, one.bound, one.nodes) == (other.ending, other.value, other.bound, other.nodes)
    return numbers and np.array_equal(one.point, other.point) and np.array_equal(one.row_duals, other.row_duals)


def test_answers_are_those_of_this_machine_in_the_order_of_the_jobs(
    executor: RayExecutor, local: list[Outcome]
) -> None:
    far = executor.solve_many(JOBS)

    assert executor.info.startswith("2 workers of the cluster at ray://")
    assert [same(*pair) for pair in zip(far, local[: len(JOBS)], strict=True)] == [True] * len(JOBS)


def test_a_worker_that_is_killed_costs_time_only(executor: RayExecutor, local: list[Outcome]) -> None:
    """Ray starts it anew and gives it its job again."""
    fleet = executor._fleet
    assert isinstance(fleet, RayFleet)
    victim = ray.get(fleet.actors[0].process_id.remote())

    def kill() -> None:
        while not fleet.is_busy:
            time.sleep(0.01)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    far = executor.solve_many(SLOW)
    killer.join()

    assert ray.get(fleet.actors[0].process_id.remote()) != victim
    assert [same(*pair) for pair in zip(far, local[len(JOBS) :], strict=True)] == [True] * len(SLOW)


def test_an_interrupt_keeps_the_best_point_and_the_bound(executor: RayExecutor) -> None:
    threading.Timer(1.5, executor.interrupt).start()
    first, second = executor.solve_many([Job(UNCLOSED), Job(UNCLOSED)])

    assert (first.ending, second.ending) == (Ending.INTERRUPTED,) * 2
    assert first.value is not None
    assert first.value <= first.bound < 0


def test_the_clock_of_the_whole_holds_over_there(executor: RayExecutor) -> None:
    outcome = executor.solve(Job(UNCLOSED), deadline=time.monotonic() + 1.5)

    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.value is not None


def test_an_address_where_nobody_answers_is_an_error_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutputError, match="Check the address"):
        RayExecutor("ray://127.0.0.1:9")


def test_a_solve_on_a_cluster_writes_the_same_files(address: str, tmp_path: Path) -> None:
    """But for the seconds in the summary, and what the manifest says of the summary."""
    for out, more in (("here", ()), ("there", ("--cluster", address, "--i-trust-cluster"))):
        assert cli.run(["solve", str(TINY), "--out", str(tmp_path / out), "--quiet", *more]) == 0

    for here in (tmp_path / "here").iterdir():
        if here.suffix != ".json":
            assert here.read_bytes() == (tmp_path / "there" / here.name).read_bytes()
