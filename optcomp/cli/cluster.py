"""`--cluster`: solve on somebody else's machines, once the user has said that they may see the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from optcomp.cells import printable

if TYPE_CHECKING:
    from optcomp.engine import Executor
    from optcomp.solve import Engines

RAY = "ray://"
WHY_CONSENT = (
    "--cluster sends numbers derived from salaries, hours and ARR to other machines (no names, no ids). Dask has no"
    " password by default, nor had Ray until lately: whoever reaches the cluster can read them and run code. Add"
    " --i-trust-cluster if that is your cluster and your decision."
)


def check_consent(address: str | None, *, is_trusted: bool) -> None:
    """Raise click.UsageError where a cluster is named and nobody has agreed to what that means."""
    if address is not None and not is_trusted:
        raise click.UsageError(WHY_CONSENT)


@contextmanager
def engines_of(address: str | None) -> Iterator[Engines | None]:
    """Engines whose pools are solved at `address`, None for those of this machine.

    Raises
    ------
    click.UsageError
        When Dask or Ray is not installed.
    OutputError
        When the cluster cannot be used.
    """
    if address is None:
        yield None
        return
    from optcomp.engine import Engine
    from optcomp.solve import Engines

    with _executor(address) as main, Engine(1) as helper:
        click.echo(f"Solving on {printable(main.info)}.", err=True)
        yield Engines(main, helper)


def _executor(address: str) -> Executor:
    """The executor for the kind of cluster that an address names."""
    is_ray = address.startswith(RAY)
    try:
        return _ray(address) if is_ray else _dask(address)
    except ModuleNotFoundError as error:
        name, extra = ("Ray", "ray") if is_ray else ("Dask", "dask")
        raise click.UsageError(f"--cluster needs {name}: pip install 'optcomp[{extra}]'.") from error


def _ray(address: str) -> Executor:
    from optcomp.engine.ray_cluster import RayExecutor

    return RayExecutor(address)


def _dask(address: str) -> Executor:
    from optcomp.engine.cluster import DaskExecutor

    return DaskExecutor(address)
