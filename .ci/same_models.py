"""The installed package carries every model file of the checkout, byte for byte, and is not the checkout itself."""

import sys
from pathlib import Path

import optcomp


def contents_by_name(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    source = Path(sys.argv[1])
    package = Path(optcomp.__file__).parent
    if package.is_relative_to(source.parent):
        sys.exit(f"optcomp was imported from the checkout ({package}), not from the wheel.")
    expected, shipped = contents_by_name(source), contents_by_name(package / "_models")
    if expected != shipped:
        differing = sorted(name for name in expected.keys() | shipped.keys() if expected.get(name) != shipped.get(name))
        sys.exit(f"The wheel does not carry the model files as they are: {', '.join(differing)}.")
    print(f"wheel: {len(shipped)} model files")


main()
