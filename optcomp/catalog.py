"""Model files by name: found beside the instance or in the package, read, checked, and turned into nouns.

Kinds of model files: response, compensation, service, rules, benchmarks, stress. A model is named by a name
(``priors-v0``) or by a path inside the instance's folder; a name is looked up beside the instance first, then in the
package.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from optcomp.benchmarks import Benchmarks
from optcomp.errors import Finding, InputError, OutputError
from optcomp.instance import ModelNames
from optcomp.model_files import Key, ModelFile, Number, did_you_mean, merged, read_model_file
from optcomp.model_schemas import BenchmarksFile, MixFile, Part, ServiceFile, StressFile
from optcomp.plan import Mix
from optcomp.response.parameters import Origin, Response
from optcomp.response_schema import ResponseFile
from optcomp.rule_packs import Overrides, Saying, override, pack_rules, pack_sayings
from optcomp.rules import SPECS, Rules
from optcomp.service import ServiceModel
from optcomp.stress import Stress

KINDS = ("benchmarks", "compensation", "response", "rules", "service", "stress")

#: Units that a file may leave out because its kind fixes them, by the last part of the key.
_UNITS = {
    "weight": "share of variable", "at_risk": "share of variable", "target": "share of the top score",
    "threshold": "attainment", "accelerator": "multiple of the target rate", "cap": "multiple of target pay",
    "hours": "hours", "times_per_year": "times a year",
    "calendar_hours": "hours a year", "overhead": "share of calendar hours",
    "base_low": "USD a year", "base_high": "USD a year", "ote_low": "USD a year", "ote_high": "USD a year",
    "churn": "multiple of the mean chance", "expansion": "multiple of the mean chance",
    "turnover": "multiple of the mean chance",
    "at_least": "share of variable", "at_most": "share of variable", "max_components": "components",
}  # fmt: skip

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
#: Longest name or path; file systems refuse names above 255 bytes with an error of their own.
_MAX_NAME = 200


class _Schema(Protocol):
    def problems(self) -> list[tuple[Key, str, str]]: ...


def model_files() -> Path:
    """The folder of the shipped model files: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    for folder in (package / "_models", package.parent / "models"):
        if folder.is_dir():
            return folder
    raise OutputError("The model files of optcomp are missing from this installation. Install the package again.")


def find_model(kind: str, name: str, beside: Path | None) -> Path:
    """The file of a model: a path inside the folder `beside`, or a name looked up there and then in the package.

    Raises
    ------
    InputError
        When there is none, with the nearest names, or when the path leads out of the instance's folder.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a kind of model; kinds are {', '.join(KINDS)}")
    for candidate in _candidates(kind, name, beside):
        if candidate.is_file():
            return candidate
    if name.endswith(".toml"):
        files = [path.name for path in beside.glob("*.toml")] if beside else []
        hint = did_you_mean(name, [file for file in files if file != "instance.toml"])
        raise _wrong_name(kind, name, f"there is no file {name!r}", "A model file, seen from the instance", hint)
    hint = did_you_mean(name, model_names(kind, beside))
    folder = f"{name}.toml or models/{kind}/{name}.toml beside the instance, or a shipped name"
    raise _wrong_name(kind, name, f"there is no {kind} model {name!r}", folder, hint)


def model_names(kind: str, beside: Path | None = None) -> list[str]:
    """Names of the models of a kind, shipped and beside the instance, sorted."""
    folders = [model_files() / kind, *([beside / "models" / kind] if beside else [])]
    return sorted({path.stem for folder in folders for path in folder.glob("*.toml")})


def _candidates(kind: str, name: str, beside: Path | None) -> list[Path]:
    is_path = "/" in name or "\\" in name or name.endswith(".toml")
    if (not is_path and not _PLAIN_NAME.fullmatch(name)) or not name.isprintable() or len(name) > _MAX_NAME:
        allowed = "Letters, digits, dots, hyphens and underscores, or a path to a .toml file"
        raise _wrong_name(kind, name, f"{name[:40]!r} is not a name of a model", allowed)
    shipped = [] if is_path else [model_files() / kind / f"{name}.toml"]
    if beside is None:
        return [Path(name)] if is_path else shipped
    own = [beside / name] if is_path else [beside / f"{name}.toml", beside / "models" / kind / f"{name}.toml"]
    for path in own:
        if not path.resolve().is_relative_to(beside.resolve()):
            allowed = "A file inside the folder of the instance, so that the folder is the whole input"
            found = f"{name!r} leads out of the instance's folder"
            raise _wrong_name(kind, name, found, allowed, "Copy the file there")
    return own + shipped


def _wrong_name(kind: str, name: str, found: str, allowed: str, hint: str = "") -> InputError:
    return InputError(Finding("unknown-model", found, allowed, hint, column=f"models.{kind}"))


def load_response(name: str, beside: Path | None) -> Response:
    """The response model of that name, with everything that it extends."""
    file = _read_chain(find_model("response", name, beside), beside, "response")[-1]
    schema = _validated(file, ResponseFile)
    return schema.build(str(file.head["name"]), cast(Origin, file.head["origin"]))


def load_service(name: str, beside: Path | None) -> ServiceModel:
    """The service model of that name."""
    file = _read(find_model("service", name, beside), "service")
    return _validated(file, ServiceFile).build(str(file.head["name"]))


def load_benchmarks(name: str, beside: Path | None) -> Benchmarks:
    """The pay benchmarks of that name."""
    file = _read(find_model("benchmarks", name, beside), "benchmarks")
    return _validated(file, BenchmarksFile).build(str(file.head["name"]))


def load_mix(name: str, beside: Path | None) -> Mix:
    """The compensation model of that name."""
    file = _read(find_model("compensation", name, beside), "compensation")
    return _validated(file, MixFile).build(str(file.head["name"]), str(file.head["title"]))


def load_stress(name: str, beside: Path | None) -> Stress:
    """The stress model of that name."""
    file = _read(find_model("stress", name, beside), "stress")
    return _validated(file, StressFile).build(str(file.head["name"]), str(file.head["title"]))


def load_rules(name: str, beside: Path | None, overrides: Overrides = ()) -> Rules:
    """The rule pack of that name, with the instance's own numbers on top (rule id → parameter → value)."""
    file = _read(find_model("rules", name, beside), "rules")
    rules = pack_rules(file)
    pack_sayings(file)
    findings = list(file.findings)

    def flag(key: Key, found: str, allowed: str, hint: str = "") -> None:
        findings.append(Finding("rule-override", found, allowed, hint, file="instance.toml", column=".".join(key)))

    rules = override(rules, overrides, flag)
    if findings:
        raise InputError(findings)
    return rules


def load_sayings(name: str, beside: Path | None = None) -> tuple[Saying, ...]:
    """What the source of a rule pack says about the weights of a plan; empty where the pack has no source text."""
    file = _read(find_model("rules", name, beside), "rules")
    sayings = pack_sayings(file)
    _raise_if_wrong(file)
    return sayings


def numbers(path: Path) -> list[Number]:
    """Every number of a model file, what it extends included, in the order of the file."""
    chain = _read_chain(path, path.parent)
    file = chain[-1]
    _raise_if_wrong(file)
    return list(file.numbers.values())


def model_paths_used(models: ModelNames, mixes: Iterable[str], beside: Path | None) -> tuple[Path, ...]:
    """Every model file that an instance reads, in a fixed order: for the hashes of the manifest."""
    names = [("service", models.service), ("rules", models.rules), ("benchmarks", models.benchmarks)]
    names += [("compensation", mix) for mix in sorted(set(mixes))]
    paths = [file.path for file in _read_chain(find_model("response", models.response, beside), beside)]
    return tuple(dict.fromkeys([*paths, *(find_model(kind, name, beside) for kind, name in names)]))


def _read_chain(path: Path, beside: Path | None, kind: str = "") -> list[ModelFile]:
    """The file and those that it extends, the farthest first; each is merged with those before it."""
    files = [_read(path, kind)]
    while "extends" in files[-1].head:
        file = files[-1]
        parent = find_model(str(file.head["kind"]), str(file.head["extends"]), beside)
        if parent.resolve() == file.path.resolve():
            # A file beside the instance with the name of a shipped one extends the shipped one, not itself.
            parent = find_model(str(file.head["kind"]), str(file.head["extends"]), None)
        if any(parent.resolve() == seen.path.resolve() for seen in files):
            found = f"extends {file.head['extends']!r}, which extends it in turn"
            file.flag(("extends",), found, "A chain without a circle")
            _raise_if_wrong(file)
        files.append(_read(parent, kind))
    chain = [files[-1]]
    for file in reversed(files[:-1]):
        chain.append(merged(chain[-1], file))
    return chain


def _read(path: Path, wanted: str = "") -> ModelFile:
    """The model file, of the wanted kind if one is wanted."""
    file = read_model_file(path, _label(path))
    kind = str(file.head.get("kind"))
    if kind not in ((wanted,) if wanted else KINDS):
        allowed = f"A {wanted} model" if wanted else f"One of {', '.join(KINDS)}"
        file.flag(("kind",), f"kind is {kind!r}", allowed, "" if wanted else did_you_mean(kind, KINDS))
        raise InputError(file.findings)
    if "extends" in file.head and kind != "response":
        file.flag(("extends",), f"a {kind} model extends another", "Only response models may")
        _raise_if_wrong(file)
    for key, number in file.numbers.items():
        file.numbers[key] = replace(number, unit=number.unit or _unit(kind, key))
    return file


def _label(path: Path) -> str:
    """How messages name a file: never with the folders of the user's machine."""
    root = model_files()
    return f"models/{path.relative_to(root).as_posix()}" if path.is_relative_to(root) else path.name


def _unit(kind: str, key: Key) -> str:
    if kind == "rules" and key[0] == "rules" and len(key) == 3 and key[1] in SPECS:
        spec = SPECS[key[1]]
        return f"USD per {spec.unit}" if key[2] == "price" else getattr(spec.parameters.get(key[2]), "unit", "")
    return "" if kind == "response" else _UNITS.get(key[-1], "")


_P = TypeVar("_P", bound=Part)


def _validated(file: ModelFile, schema: type[_P]) -> _P:
    """The file's values in its schema.

    Raises
    ------
    InputError
        With everything that is wrong with the file.
    """
    try:
        parsed = schema.model_validate(file.values)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            key = tuple(str(part) for part in problem["loc"] if part != "[key]")
            if not any(key[: len(wrong)] == wrong for wrong in file.flagged):
                found, allowed, hint = _in_words(problem, schema)
                file.flag(key, found, allowed, hint)
        raise InputError(file.findings) from None
    for key, found, allowed in cast(_Schema, parsed).problems():
        file.flag(key, found, allowed)
    _raise_if_wrong(file)
    return parsed


def _in_words(problem: ErrorDetails, schema: type[Part]) -> tuple[str, str, str]:
    """What was found, what is allowed, a hint."""
    name, given = str(problem["loc"][-1]), problem["input"]
    expected = str(problem.get("ctx", {}).get("expected", ""))
    if problem["type"] == "extra_forbidden":
        return f"unknown key {name!r}", "Only keys of this kind of model", did_you_mean(name, _field_names(schema))
    if problem["type"] == "missing":
        return f"{name} is missing", "Every model of this kind states it", ""
    shown = f"{given:g}" if isinstance(given, float) else repr(given)[:60]
    hint = did_you_mean(str(given), re.findall(r"'([^']+)'", expected)) if expected and isinstance(given, str) else ""
    return f"{name} is {shown}", problem["msg"], hint


def _field_names(schema: type[BaseModel]) -> list[str]:
    """Names of the fields of a schema and of every table in it."""
    tables = schema.model_json_schema().get("$defs", {}).values()
    return [*schema.model_fields, *(name for table in tables for name in table.get("properties", {}))]


def _raise_if_wrong(file: ModelFile) -> None:
    for key, number in file.numbers.items():
        if not number.unit and key not in file.flagged:
            file.flag(key, "the number has no unit", "Each number, or a table around it, states its unit")
    if file.findings:
        raise InputError(file.findings)
