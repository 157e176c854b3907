"""An instance as files: settings, tables and the model files that lie beside it, so that it reads back as it is."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

from optcomp.catalog import model_files, model_paths_used
from optcomp.cells import cell_text
from optcomp.config import SCHEMA
from optcomp.errors import CheckFailed, Finding, InputError
from optcomp.instance import Account, Csm, Instance, Pair
from optcomp.plan import MenuSpec, PlanSpec
from optcomp.sources import SETTINGS_FILE

TABLE_FILES = ("accounts.csv", "csms.csv", "pairs.csv")


def instance_files(
    instance: Instance, beside: Path, sections: Mapping[str, Mapping[str, object]] | None = None
) -> dict[str, bytes]:
    """Name → content of a folder that reads back as this instance, its own model files copied into it.

    Cells are written as they are, as somebody's input: only tables that a person opens are neutralised.

    beside : where the instance's model files lie
    sections : further tables of instance.toml

    Raises
    ------
    InputError
        When two model files beside the instance would get the same name.
    """
    models = _own_models(instance, beside)
    moved = {_relative(path, beside): name for name, path in models.items()}
    flat = _renamed(instance, moved)
    files = {SETTINGS_FILE: _toml(_settings(flat, sections or {}))}
    files |= {
        "accounts.csv": _table(Account, flat.accounts),
        "csms.csv": _table(Csm, flat.csms),
    }
    if flat.pairs:
        files["pairs.csv"] = _table(Pair, flat.pairs)
    return {name: text.encode("utf-8") for name, text in files.items()} | {
        name: path.read_bytes() for name, path in models.items()
    }


def write_private(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder of this process's own, readable by nobody else."""
    for name, content in files.items():
        path = folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)


def check_reads_back(instance: Instance, folder: Path) -> None:
    """Raise where the files in a folder do not read back as the instance.

    Raises
    ------
    CheckFailed
        When they do not; nothing must be published then.
    """
    from optcomp.read import read_instance

    again, _ = read_instance(folder)
    same = replace(again, models=instance.models, menu=instance.menu, segments=instance.segments)
    if same != instance:
        wrong = [f.name for f in fields(Instance) if getattr(same, f.name) != getattr(instance, f.name)]
        raise CheckFailed(
            f"The changed instance does not read back as it is ({', '.join(wrong)}). Nothing was written."
        )


def private_folder() -> tempfile.TemporaryDirectory[str]:
    """A temporary folder that only this user can read."""
    return tempfile.TemporaryDirectory(prefix="optcomp-")


# ---- model files ---------------------------------------------------------------------------------------------------


def _own_models(instance: Instance, beside: Path) -> dict[str, Path]:
    """File name → path of the model files that are not shipped."""
    shipped = model_files().resolve()
    found: dict[str, Path] = {}
    for path in model_paths_used(instance.models, _mixes(instance), beside):
        if path.resolve().is_relative_to(shipped):
            continue
        if found.setdefault(path.name, path) != path:
            text = f"Two model files beside the instance are called {path.name}"
            raise InputError(Finding("model-names", text, "File names that differ", "Rename one of them"))
    return found


def _mixes(instance: Instance) -> list[str]:
    menus = [instance.menu, *(s.menu for s in instance.segments if s.menu)]
    return sorted({*(name for menu in menus for name in menu.mixes), *(s.today.mix for s in instance.segments)})


def _relative(path: Path, beside: Path) -> str:
    return path.resolve().relative_to(beside.resolve()).as_posix()


def _renamed(instance: Instance, moved: Mapping[str, str]) -> Instance:
    """The instance with paths into subfolders replaced by names beside it; plain names are found there anyway."""

    def new(name: str) -> str:
        return moved.get(Path(name).as_posix(), name)

    def menu(spec: MenuSpec) -> MenuSpec:
        return replace(spec, mixes=tuple(new(m) for m in spec.mixes))

    segments = tuple(
        replace(s, today=PlanSpec(new(s.today.mix), s.today.variable_share), menu=menu(s.menu) if s.menu else None)
        for s in instance.segments
    )
    models = replace(
        instance.models, **{f.name: new(getattr(instance.models, f.name)) for f in fields(instance.models)}
    )
    return replace(instance, models=models, segments=segments, menu=menu(instance.menu))


# ---- settings ------------------------------------------------------------------------------------------------------


def _settings(instance: Instance, sections: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    data: dict[str, object] = {
        "schema": SCHEMA,
        "name": instance.name,
        "as_of": instance.as_of,
        "plan_year_start": instance.plan_year_start,
        "currency": instance.currency,
        "priority": instance.priority,
        "budget": {"pay": instance.pay_budget},
        "models": {f.name: getattr(instance.models, f.name) for f in fields(instance.models)},
        "menu": _menu(instance.menu),
        "segments": {s.name: _segment(s) for s in instance.segments},
        "rules": {rule: dict(numbers) for rule, numbers in instance.rule_overrides},
        **sections,
    }
    if instance.target_nrr is not None:
        data["goal"] = {"nrr": instance.target_nrr}
    return data


def _menu(menu: MenuSpec) -> dict[str, object]:
    data = _stated(menu, leave_out=("grid",))
    return data | ({"grid": _stated(menu.grid)} if menu.grid else {})


def _segment(segment: object) -> dict[str, object]:
    data = _stated(segment, leave_out=("name", "today", "menu"))
    today, menu = getattr(segment, "today"), getattr(segment, "menu")  # noqa: B009
    return data | {"today": _stated(today)} | ({"menu": _menu(menu)} if menu else {})


def _stated(record: object, leave_out: Iterable[str] = ()) -> dict[str, object]:
    """The fields of a dataclass that hold something."""
    names = [f.name for f in fields(record) if f.name not in leave_out]  # type: ignore[arg-type]
    return {name: getattr(record, name) for name in names if getattr(record, name) is not None}


def _toml(data: Mapping[str, object]) -> str:
    return "\n".join(_toml_lines(data, ())) + "\n"


def _toml_lines(data: Mapping[str, object], above: tuple[str, ...]) -> Iterator[str]:
    plain = {key: value for key, value in data.items() if not isinstance(value, Mapping)}
    if above and (plain or not data):
        yield f"\n[{'.'.join(_quoted(name) for name in above)}]"
    for key, value in plain.items():
        yield f"{_quoted(key)} = {_value(value)}"
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _toml_lines(value, (*above, key))


def _quoted(text: str) -> str:
    """A TOML basic string, whose escapes are those of JSON; plain where the name allows."""
    return text if text.isidentifier() and text.isascii() else json.dumps(text, ensure_ascii=True)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(part) for part in value)}]"
    return value.isoformat() if isinstance(value, date) else repr(value)


# ---- tables --------------------------------------------------------------------------------------------------------


def _table(record: type[Account | Csm | Pair], rows: Iterable[Account | Csm | Pair]) -> str:
    names = [f.name for f in fields(record)]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([cell_text(getattr(row, name), _exact) for name in names] for row in rows)
    return buffer.getvalue()


def _exact(value: float) -> str:
    return repr(value + 0.0)
