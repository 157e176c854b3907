"""`--cluster`: solve on somebody else's machines, once the user has said that they may see the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from optcomp.cells import printable

if TYPE_CHECKING:
    from optcomp.solve import Engines

WHY_CONSENT = (
    "--cluster sends numbers derived from salaries, hours and ARR to other machines (no names, no ids). Dask has no"
    " password by default: whoever reaches the scheduler can read them and run code. Add --i-trust-cluster if that is"
    " your cluster and your decision."
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
        When Dask is not installed.
    OutputError
        When the cluster cannot be used.
    """
    if address is None:
        yield None
        return
    try:
        from optcomp.engine.cluster import DaskExecutor
    except ModuleNotFoundError as error:
        raise click.UsageError("--cluster needs Dask: pip install 'optcomp[dask]'.") from error
    from optcomp.engine import Engine
    from optcomp.solve import Engines

    with DaskExecutor(address) as main, Engine(1) as helper:
        click.echo(f"Solving on {printable(main.info)}.", err=True)
        yield Engines(main, helper)
