"""Priors to judge learning by: sound (those that the worlds are centred on), wide, and wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from optcomp.catalog import find_model, load_response, numbers
from optcomp.response.parameters import Response

PriorKind = Literal["sound", "wide", "wrong"]
PRIOR_KINDS: tuple[PriorKind, ...] = ("sound", "wide", "wrong")

_PARENT = "priors-v0"
# SCIENCE 4.2: wide means four times the sound sd.
_WIDER = 4.0
_EFFECTS = ("outcome.renew.", "outcome.expand.", "outcome.contract.", "outcome.load_", "outcome.fit_renew",
            "outcome.fit_expand", "outcome.hand_renew", "outcome.hand_expand", "hill.renew.", "hill.expand.",
            "turnover.pay", "turnover.variable", "turnover.overload")  # fmt: skip
# Believes that paying for expansion does everything, renewals included, and that activities do nothing.
_WRONG = {
    "outcome.renew.retain": 0.0,
    "outcome.renew.expand": 0.40,
    "outcome.renew.playbook": -0.10,
    "outcome.expand.expand": 0.90,
    "outcome.expand.playbook": 0.0,
    "hill.renew.GRR": 0.0,
    "hill.renew.EXP": 0.40,
    "hill.renew.CSAT": 0.0,
    "hill.renew.ACT": -0.10,
    "hill.renew.RES": -0.10,
    "hill.renew.TEAM": 0.0,
    "hill.expand.EXP": 0.90,
    "hill.expand.ACT": 0.0,
    "hill.expand.RES": 0.0,
    "hill.expand.TEAM": 0.0,
}


def prior_name(kind: PriorKind) -> str:
    """Name of the response model: the shipped one for `sound`, else that of a file that `write_prior` writes."""
    return _PARENT if kind == "sound" else f"priors-{kind}"


def prior_text(kind: PriorKind) -> str:
    """A response model file (TOML) that extends the shipped priors."""
    head = (
        'schema = "optcomp/response/1"\nkind = "response"\n'
        f'name = "priors-{kind}"\ntitle = "Priors for a benchmark: {kind}"\n'
        f'source = "SCIENCE 4.2"\norigin = "assumed"\nextends = "{_PARENT}"\n\n'
    )
    return head + "".join(_lines(kind))


def _lines(kind: PriorKind) -> list[str]:
    lines = []
    for number in numbers(find_model("response", _PARENT, None)):
        if not number.key.startswith(_EFFECTS) or number.sd is None:
            continue
        sd = number.sd * (_WIDER if kind == "wide" else 1.0)
        value = _WRONG.get(number.key, number.value) if kind == "wrong" else number.value
        if kind != "sound" and (sd, value) != (number.sd, number.value):
            lines.append(f"{number.key} = {{ value = {value!r}, sd = {sd!r} }}\n")
    return lines


def write_prior(kind: PriorKind, folder: Path) -> str:
    """Write the file beside an instance and give the name by which `[models] response` finds it."""
    name = prior_name(kind)
    if kind != "sound":
        (folder / f"{name}.toml").write_text(prior_text(kind), encoding="utf-8", newline="\n")
    return name


def load_prior(kind: PriorKind, folder: Path) -> Response:
    """The response of a kind of prior; the file is written to the folder."""
    return load_response(write_prior(kind, folder), folder)
