"""A fit as a response model file: what changed against a shipped file, each number with its evidence beside it."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from optcomp.catalog import find_model, numbers
from optcomp.errors import OutputError
from optcomp.learn.design import SIGNED
from optcomp.learn.evidence import Lever
from optcomp.learn.panel import Panel
from optcomp.learn.sample import Estimate
from optcomp.response.parameters import Skill

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class FitFile:
    """All that goes into the file."""

    name: str
    panel: Panel
    estimates: Sequence[Estimate]
    grades: Mapping[str, Lever]
    skills: Mapping[str, Skill]
    warnings: Sequence[str]
    draws: int
    seed: int


def replace_file(path: Path, content: bytes) -> None:
    """Put the content at the path, whole or not at all, readable by its owner only.

    Raises
    ------
    OutputError
        When that fails; a file that was there is then as it was.
    """
    fresh = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise OutputError(f"{path.name} cannot be written: {error.strerror}. Name another file.") from None


def file_text(file: FitFile) -> str:
    """The file: a head, what the prior changed against the shipped model, and every fitted number."""
    tables: dict[tuple[str, ...], list[str]] = {}
    fitted = {estimate.key for estimate in file.estimates}
    for key, line in [*_inherited(file, fitted), *((e.key, _estimate(file, e)) for e in file.estimates)]:
        *table, last = _parts(key)
        tables.setdefault(tuple(table), []).append(f"{_name(last)} = {line}")
    for csm, skill in sorted(file.skills.items()):
        about = 'unit = "log-odds", remark = "Shrunk to 0 as far as luck may explain it."'
        for part, value in (("renew", skill.renew), ("expand", skill.expand)):
            tables.setdefault(("skill", csm), []).append(f"{part} = {{ value = {_figure(value)}, {about} }}")
    body = [f"[{'.'.join(map(_name, table))}]\n" + "\n".join(lines) for table, lines in sorted(tables.items())]
    return "\n\n".join([_head(file), *body]) + "\n"


def _head(file: FitFile) -> str:
    history = file.panel.history
    rows = len(history.account_quarters.account)
    source = f"optcomp fit: {len(history.quarters)} quarters from {history.quarters[0]}, {rows} account-quarters"
    head = {
        "schema": "optcomp/response/1",
        "kind": "response",
        "name": file.name,
        "title": "Fitted to your own history",
        "source": f"{source}, prior {file.panel.priors.name}",
        "origin": "fitted",
        "extends": file.panel.priors.shipped,
        "remark": " ".join(file.warnings) or "Every check passed.",
    }
    lines = [f"{key} = {_text(value)}" for key, value in head.items()]
    return f"# {file.draws} joint draws (seed {file.seed}) stand beside this file.\n" + "\n".join(lines)


def _inherited(file: FitFile, fitted: set[str]) -> list[tuple[str, str]]:
    """Numbers in which the prior differs from the shipped model that this file extends."""
    shipped = {n.key: n for n in numbers(find_model("response", file.panel.priors.shipped, None))}
    return [
        (key, _inline(value=n.value, sd=n.sd, interval=n.interval, unit=n.unit, source=n.source, origin=n.origin))
        for key, n in file.panel.priors.by_key.items()
        if key not in fitted and not key.startswith("skill.") and (key not in shipped or shipped[key].value != n.value)
    ]


def _estimate(file: FitFile, estimate: Estimate) -> str:
    prior = file.panel.priors.by_key
    unit = (prior.get(estimate.key) or prior[_default(estimate.key)]).unit
    sd = None if math.isnan(estimate.sd) else estimate.sd
    low = max(estimate.low, 0.0) if estimate.key in SIGNED else estimate.low
    lever = file.grades.get(estimate.key)
    remark = _remark(lever) if lever else ""
    return _inline(value=estimate.value, sd=sd, interval=(low, estimate.high), unit=unit, remark=remark)


def _remark(lever: Lever) -> str:
    share = f"{lever.grade}: the history narrowed the prior by {100.0 * lever.contraction:.0f} %"
    return share if math.isinf(lever.mde) else f"{share}; it would have shown an effect of {lever.mde:.2g}"


def _default(key: str) -> str:
    return f"base.default.{key.rpartition('.')[2]}" if key.startswith("base.") else key


def _parts(key: str) -> tuple[str, ...]:
    """Names in a key; the name of a segment may have dots of its own."""
    if key.startswith("base."):
        middle, _, last = key[5:].rpartition(".")
        return ("base", middle, last)
    return tuple(key.split("."))


def _inline(
    *,
    value: float,
    sd: float | None = None,
    interval: tuple[float, float] | None = None,
    unit: str = "",
    source: str = "",
    origin: str = "",
    remark: str = "",
) -> str:
    parts = [f"value = {_figure(value)}"]
    parts += [f"sd = {_figure(sd)}"] if sd is not None else []
    parts += [f"interval = [{_figure(interval[0])}, {_figure(interval[1])}]"] if interval else []
    texts = {"unit": unit, "source": source, "origin": origin, "remark": remark}
    parts += [f"{key} = {_text(text)}" for key, text in texts.items() if text]
    return "{ " + ", ".join(parts) + " }"


def _figure(value: float) -> str:
    """Six significant digits, which is more than any fit knows; what is 0 but for rounding is 0."""
    return repr(float(f"{value:.6g}")) if abs(value) > 1e-9 else "0.0"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _name(part: str) -> str:
    return part if _BARE.fullmatch(part) else _text(part)
