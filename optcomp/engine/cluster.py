"""Jobs solved by the workers of an existing Dask cluster: their numbers travel, nobody's name does.

The scheduler gives the job of a worker that is lost to another one.
"""

from __future__ import annotations

import uuid
from collections.abc import Hashable
from queue import Empty, Queue

import dask
from distributed import Client, Future

from optcomp.engine import remote
from optcomp.engine.far import FarExecutor, compare_versions
from optcomp.engine.task import Task
from optcomp.errors import OutputError

SECONDS_TO_CONNECT = 10.0
"""A scheduler on the same network answers in far under a second; after this it is taken to be unreachable."""

LARGEST_JOB = "1GB"
"""Dask warns of tasks above 10 MB, for they are often a mistake. A large pool's program is meant to travel."""


class DaskFleet:
    """The workers of a Dask cluster; tickets are futures."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = uuid.uuid4().hex
        self._landed: Queue[Future] = Queue()

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self._client.scheduler_info()["workers"])

    @property
    def is_lost(self) -> bool:
        """The scheduler is gone."""
        return bool(self._client.status != "running")

    def send(self, task: Task) -> Hashable:
        """Hand over a task."""
        key = f"optcomp-{uuid.uuid4().hex}"
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": LARGEST_JOB}):
            future = self._client.submit(remote.attempt, task, self._session, key=key, pure=False)
        future.add_done_callback(self._landed.put)
        ticket: Hashable = future
        return ticket

    def wait(self, seconds: float) -> Hashable | None:
        """The next task that has ended."""
        try:
            ticket: Hashable = self._landed.get(timeout=seconds)
        except Empty:
            return None
        return ticket

    def answer(self, ticket: Future) -> remote.Answer | None:
        """Its answer; None where it took several workers with it, or the scheduler is gone."""
        if ticket.status != "finished":
            return None
        answer: remote.Answer = ticket.result()
        return answer

    def cancel(self, ticket: Future) -> None:
        """Forget a task."""
        ticket.cancel()

    def stop(self) -> None:
        """Tell all workers to come back with what they have."""
        self._client.run(remote.stop, self._session, on_error="ignore")


class DaskExecutor(FarExecutor):
    """Solves jobs on the Dask cluster at `address` ("tcp://host:8786", "tls://…"), one job a worker at a time.

    Raises
    ------
    OutputError
        When the scheduler cannot be reached, has no workers, or a worker runs other versions than this process.
    """

    def __init__(self, address: str, *, grace_seconds: float = 15.0) -> None:
        self._address = address
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False, name="optcomp")
        except (OSError, ValueError) as error:  # refused, timed out; not an address
            raise OutputError(
                f"No Dask scheduler answers at {address}. Check the address (tcp://HOST:8786), that `dask scheduler`"
                " runs there, and that no firewall is between."
            ) from error
        super().__init__(DaskFleet(self._client), grace_seconds=grace_seconds)
        try:
            self._compare_versions()
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> str:
        """Who solves, in words."""
        return f"{self._fleet.size} workers of the cluster at {self._address}"

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        self._client.close()

    def _compare_versions(self) -> None:
        hint = "Install the same versions there: pip install -c requirements.lock 'optcomp[dask]'."
        try:
            by_worker = self._client.run(remote.versions)
        except ModuleNotFoundError as error:
            raise OutputError(f"A worker of the cluster cannot import {error.name}. {hint}") from error
        if not by_worker:
            raise OutputError(f"The cluster at {self._address} has no workers. Start some with `dask worker`.")
        for found in by_worker.values():
            compare_versions(found)
