"""Jobs solved on an existing Ray cluster: their numbers travel, nobody's name does.

One actor for each CPU of the cluster, which holds a worker process and solves one task at a time; a second thread in it
listens for the word to stop. Ray starts an actor that died anew, elsewhere if it must, and gives it its task again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Hashable
from typing import Any

import ray
from ray.exceptions import RayError

from optcomp.engine import remote
from optcomp.engine.far import FarExecutor, compare_versions
from optcomp.engine.task import Task
from optcomp.errors import OutputError

SECONDS_TO_START = 60.0
"""An actor starts in a second or two; a cluster whose CPUs are all taken never starts one."""

MOST_TRIES = 2
"""Times that Ray gives a task again to an actor that died under it; what takes three workers with it is to blame."""


class _Solver:
    """What an actor does."""

    def attempt(self, task: Task, session: str) -> remote.Answer:
        """One attempt at a task."""
        return remote.attempt(task, session)

    def stop(self, session: str) -> None:
        """Make the running attempt come back with what it has."""
        remote.stop(session)

    def versions(self) -> dict[str, str]:
        """Versions over there."""
        return remote.versions()

    def process_id(self) -> int:
        """Which process it lives in, for a monitor."""
        return os.getpid()


class RayFleet:
    """Actors on a Ray cluster; tickets are object references."""

    def __init__(self, size: int) -> None:
        self._session = uuid.uuid4().hex
        kind = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=MOST_TRIES, max_concurrency=2)(_Solver)
        self.actors: list[Any] = [kind.remote() for _ in range(size)]
        self._busy: dict[Hashable, Any] = {}

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.actors)

    @property
    def is_busy(self) -> bool:
        """Some task is under way."""
        return bool(self._busy)

    @property
    def is_lost(self) -> bool:
        """The cluster is gone."""
        return not ray.is_initialized()

    def send(self, task: Task) -> Hashable:
        """Hand over a task to an actor that has none."""
        busy = set(self._busy.values())
        actor = next((a for a in self.actors if a not in busy), self.actors[0])
        ticket: Hashable = actor.attempt.remote(task, self._session)
        self._busy[ticket] = actor
        return ticket

    def wait(self, seconds: float) -> Hashable | None:
        """The next task that has ended."""
        try:
            ended, _ = ray.wait(list(self._busy), num_returns=1, timeout=seconds)
        except (RayError, ConnectionError):  # the cluster is gone, and every task with it
            ended = list(self._busy)
        return next(iter(ended), None)

    def answer(self, ticket: Hashable) -> remote.Answer | None:
        """Its answer; None where the actor died under it again and again."""
        self._busy.pop(ticket, None)
        try:
            answer: remote.Answer = ray.get(ticket)
        except (RayError, ConnectionError):
            return None
        return answer

    def cancel(self, ticket: Hashable) -> None:
        """Forget a task: the actor that hangs in it is replaced by a new process."""
        actor = self._busy.pop(ticket, None)
        if actor is not None:
            ray.kill(actor, no_restart=False)

    def stop(self) -> None:
        """Tell all actors to come back with what they have."""
        for actor in self.actors:
            actor.stop.remote(self._session)

    def close(self) -> None:
        """End the actors; the cluster goes on."""
        for actor in self.actors:
            ray.kill(actor)


class RayExecutor(FarExecutor):
    """Solves jobs on the Ray cluster at `address` ("ray://host:10001"), one job a CPU at a time.

    Raises
    ------
    OutputError
        When the cluster cannot be reached, has no CPU to give, or runs other versions than this process.
    """

    def __init__(self, address: str, *, grace_seconds: float = 15.0) -> None:
        self._address = address
        try:
            ray.init(address, log_to_driver=False, configure_logging=False)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise OutputError(
                f"No Ray cluster answers at {address}. Check the address (ray://HOST:10001), that `ray start --head"
                " --ray-client-server-port 10001` runs there, and that no firewall is between."
            ) from error
        try:
            fleet = RayFleet(max(int(ray.cluster_resources().get("CPU", 0.0)), 1))
            super().__init__(fleet, grace_seconds=grace_seconds)
            self._compare_versions(fleet)
        except BaseException:
            ray.shutdown()
            raise

    @property
    def info(self) -> str:
        """Who solves, in words."""
        return f"{self._fleet.size} workers of the cluster at {self._address}"

    def close(self) -> None:
        """Leave the cluster; it goes on."""
        ray.shutdown()

    def _compare_versions(self, fleet: RayFleet) -> None:
        asked = [actor.versions.remote() for actor in fleet.actors]
        try:
            answers = ray.get(asked, timeout=SECONDS_TO_START)
        except RayError as error:
            raise OutputError(
                f"The workers of the cluster at {self._address} do not start. They need free CPUs and the same"
                " versions: pip install -c requirements.lock 'optcomp[ray]'."
            ) from error
        for found in answers:
            compare_versions(found)
