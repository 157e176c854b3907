"""A Dask cluster gives the answers of this machine, costs time only when a worker dies, and is never used unasked.

The clusters are local processes that listen on the loopback alone.
"""

from __future__ import annotations

import os
import signal
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
from optcomp.errors import OutputError, SolverError

distributed = pytest.importorskip("distributed", reason="Dask is not installed")
from optcomp.engine import cluster as clusters  # noqa: E402
from optcomp.engine import far, remote  # noqa: E402
from optcomp.engine.cluster import DaskExecutor  # noqa: E402

pytestmark = pytest.mark.skipif(os.name != "posix", reason="workers are killed by signals")

UNCLOSED = assignment(10, 100)
"""Not closed in a minute."""
JOBS = [
    *(Job(assignment(3, 12, seed), Limits(max_nodes=60)) for seed in range(3)),
    Job(assignment(4, 30), relax=True),
    Job(knapsack(offset=3.0)),
    Job(program([1.0], [([1.0], 2.0, 3.0)], upper=1.0)),  # infeasible
]
SLOW = [Job(assignment(5, 40, seed), Limits(max_nodes=10)) for seed in range(2)]
"""About a second each: long enough to be killed half-way."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[distributed.LocalCluster]:
    """Two worker processes; two threads in each, so that jobs have to take turns in one process."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=60
    ) as cluster:
        yield cluster


def same(one: Outcome, other: Outcome) -> bool:
    """All that does not depend on the clock."""
    numbers = (one.ending, one.value, one.bound, one.nodes) == (other.ending, other.value, other.bound, other.nodes)
    return numbers and np.array_equal(one.point, other.point) and np.array_equal(one.row_duals, other.row_duals)


@pytest.fixture(scope="module")
def local() -> list[Outcome]:
    """What this machine answers."""
    with Engine(2) as engine:
        return engine.solve_many([*JOBS, *SLOW])


def test_answers_are_those_of_this_machine_in_the_order_of_the_jobs(
    cluster: distributed.LocalCluster, local: list[Outcome]
) -> None:
    told: list[float] = []
    with DaskExecutor(cluster.scheduler_address) as executor:
        far = executor.solve_many(JOBS, on_progress=lambda progress: told.append(progress.bound))

        assert executor.info.startswith("2 workers of the cluster at tcp://127.0.0.1:")
    assert [same(*pair) for pair in zip(far, local[: len(JOBS)], strict=True)] == [True] * len(JOBS)
    assert len(told) == len(JOBS)


def test_a_worker_that_is_killed_costs_time_only(cluster: distributed.LocalCluster, local: list[Outcome]) -> None:
    """It is killed while it solves; its job goes to another worker, and nobody can tell from the answers."""
    victims: list[int] = []

    def kill(executor: DaskExecutor) -> None:
        busy = None
        while busy is None:  # the test has a time limit of its own
            busy = next((worker for worker, jobs in executor._client.processing().items() if jobs), None)
        victims.extend(executor._client.run(os.getpid, workers=[busy]).values())
        os.kill(victims[0], signal.SIGKILL)

    with DaskExecutor(cluster.scheduler_address) as executor:
        killer = threading.Thread(target=kill, args=[executor], daemon=True)
        killer.start()
        far = executor.solve_many(SLOW)
        killer.join()

    assert victims
    assert [same(*pair) for pair in zip(far, local[len(JOBS) :], strict=True)] == [True] * len(SLOW)


def test_an_interrupt_keeps_the_best_point_and_the_bound(cluster: distributed.LocalCluster) -> None:
    with DaskExecutor(cluster.scheduler_address) as executor:
        threading.Timer(1.0, executor.interrupt).start()
        began = time.monotonic()
        first, second = executor.solve_many([Job(UNCLOSED), Job(UNCLOSED)])
        later = executor.solve(Job(knapsack()))

    assert time.monotonic() - began < 10.0
    assert (first.ending, second.ending, later.ending) == (Ending.INTERRUPTED,) * 3
    assert first.value is not None
    assert first.value <= first.bound < 0


def test_the_clock_of_the_whole_holds_over_there(cluster: distributed.LocalCluster) -> None:
    with DaskExecutor(cluster.scheduler_address) as executor:
        outcome = executor.solve(Job(UNCLOSED), deadline=time.monotonic() + 1.0)

    assert outcome.ending is Ending.TIME_LIMIT
    assert outcome.value is not None


def test_a_scheduler_that_is_lost_leaves_what_is_known() -> None:
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=60
    ) as cluster:
        executor = DaskExecutor(cluster.scheduler_address, grace_seconds=1.0)
        threading.Timer(1.0, cluster.close).start()
        outcomes = executor.solve_many([Job(UNCLOSED), Job(UNCLOSED)], deadline=time.monotonic() + 10.0)
        executor.close()

    assert [outcome.ending for outcome in outcomes] == [Ending.CRASHED, Ending.CRASHED]


def test_a_worker_of_other_versions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = remote.own_versions()

    with pytest.raises(OutputError, match=r"highspy 1\.0 \(here"):
        far.compare_versions(ours | {"highspy": "1.0", "HiGHS": "1.0"})
    with pytest.raises(SolverError, match="wrong answers"):
        far.compare_versions(ours | {"HiGHS": "1.14.0"})


def test_an_address_where_nobody_answers_is_an_error_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(clusters, "SECONDS_TO_CONNECT", 0.5)
    out = tmp_path / "out"

    code = cli.run(["solve", str(TINY), "--out", str(out), "--cluster", "tcp://127.0.0.1:9", "--i-trust-cluster"])

    assert code == 8
    assert "Check the address" in capsys.readouterr().err
    assert not out.exists()


def test_without_consent_nothing_is_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.run(["solve", str(TINY), "--out", str(tmp_path / "out"), "--cluster", "tcp://127.0.0.1:9"])

    assert code == 2
    assert "numbers derived from salaries" in capsys.readouterr().err


def test_a_solve_on_a_cluster_writes_the_same_files(
    cluster: distributed.LocalCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """But for the seconds in the summary, and what the manifest says of the summary."""
    there = ("--cluster", cluster.scheduler_address, "--i-trust-cluster")
    for out, more in (("here", ()), ("there", there)):
        assert cli.run(["solve", str(TINY), "--out", str(tmp_path / out), "--quiet", *more]) == 0

    assert "2 workers of the cluster" in capsys.readouterr().err
    for here in (tmp_path / "here").iterdir():
        if here.suffix != ".json":
            assert here.read_bytes() == (tmp_path / "there" / here.name).read_bytes()
