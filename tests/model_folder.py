"""Model files of a test's own, and the words with which they are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from optcomp.errors import InputError

HEAD = 'schema = "optcomp/{kind}/1"\nkind = "{kind}"\nname = "own"\ntitle = "Own"\nsource = "us"\norigin = "assumed"\n'
MIX = '[[components]]\nmetric = "GRR"\nweight = {grr}\n[[components]]\nmetric = "EXP"\nweight = {exp}\n'


def own(folder: Path, kind: str, body: str, name: str = "own") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(HEAD.format(kind=kind) + body, encoding="utf-8")
    return folder


def refused(load: Callable[..., object], *arguments: object) -> str:
    with pytest.raises(InputError) as caught:
        load(*arguments)
    return str(caught.value)
