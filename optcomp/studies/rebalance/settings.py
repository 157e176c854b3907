"""The table [rebalance] of instance.toml, and how the tables of the instance are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from optcomp.config import Rebalance
from optcomp.config_checks import check_config
from optcomp.errors import InputError
from optcomp.sources import open_source, reading
from optcomp.tabular.raw import Dialect
from optcomp.toml_text import override


def read_settings(path: Path, overrides: Sequence[str] = ()) -> tuple[Rebalance, Dialect]:
    """The settings of a rebalance, and the dialect in which a table of changes is expected.

    Raises
    ------
    InputError
        With every error in instance.toml.
    """
    with reading(path):
        settings, findings = check_config(override(open_source(path).document(), overrides))
    if settings is None:
        raise InputError(findings)
    return settings.rebalance, settings.tables.dialect
