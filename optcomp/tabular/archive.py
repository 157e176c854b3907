"""What a workbook's zip archive is allowed to be, checked before anything else opens it."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass

from optcomp.tabular.raw import refuse

# A 1.3 MB bomb inflates to 305 MB and takes 1.7 GB in the reader (measured); Apache POI's limits are 100-fold as well.
MAX_PART_BYTES = 200_000_000
MAX_TOTAL_BYTES = 500_000_000
MAX_RATIO = 100
# Small parts may shrink more than that: a sheet of one repeated row does.
RATIO_FROM_BYTES = 100 * 1024
MAX_PARTS = 1_000
_CHUNK = 1 << 16
_ALLOWED = "A plain .xlsx workbook"


@dataclass(frozen=True, slots=True)
class Archive:
    """The parts of a workbook that passed."""

    data: bytes
    file: str

    def part(self, name: str) -> bytes:
        """One part, or nothing where there is none."""
        with zipfile.ZipFile(io.BytesIO(self.data)) as parts:
            return parts.read(name) if name in parts.namelist() else b""


def open_archive(data: bytes, file: str) -> Archive:
    """The archive, inflated once to nowhere to see how large it really is.

    Raises
    ------
    InputError
        For a bomb, a broken archive, macros, links to other files, document types in the XML, or names that lead out.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _check_names(parts.infolist(), file)
            left = MAX_TOTAL_BYTES
            for part in parts.infolist():
                left -= _check_part(parts, part, min(left, MAX_PART_BYTES), file)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        found = f"The archive is broken ({str(error)[:80]})"
        raise refuse("broken-archive", found, _ALLOWED, "Save it again", file=file) from None
    return Archive(data, file)


def _check_names(parts: list[zipfile.ZipInfo], file: str) -> None:
    names = [part.filename for part in parts]
    if any(part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for part in parts):
        raise zipfile.BadZipFile("unusual compression")
    if len(names) > MAX_PARTS:
        raise refuse("too-many-parts", f"{len(names):,} parts", f"At most {MAX_PARTS:,}", file=file)
    for name in names:
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            raise refuse("outside-archive", "A part whose name leads out of the archive", _ALLOWED, file=file)
    if any("vbaproject" in name.casefold() for name in names):
        raise refuse("macros", "A workbook with macros (.xlsm)", _ALLOWED, "Save it as .xlsx", file=file)
    if any("externallinks/" in name.casefold() for name in names):
        hint = "Replace links to other files by their values"
        raise refuse("external-link", "A workbook that links to other files", _ALLOWED, hint, file=file)
    if "mimetype" in names:
        raise refuse("wrong-file-type", "An OpenDocument file", _ALLOWED, "Save it as .xlsx", file=file)
    if "xl/workbook.xml" not in names:
        raise refuse("wrong-file-type", "A zip archive that is no workbook", _ALLOWED, file=file)


def _check_part(parts: zipfile.ZipFile, part: zipfile.ZipInfo, most: int, file: str) -> int:
    """Bytes of the part when inflated."""
    size, tail = 0, b""
    is_xml = part.filename.casefold().endswith((".xml", ".rels", ".vml"))
    with parts.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            ratio = size / max(part.compress_size, 1)
            if size > most or (size > RATIO_FROM_BYTES and ratio > MAX_RATIO):
                found = f"A part of {part.compress_size:,} bytes that inflates to more than {size:,}"
                raise refuse("zip-bomb", found, f"At most {MAX_RATIO} times and {MAX_PART_BYTES:,} bytes", file=file)
            if is_xml:
                _check_xml(tail + chunk, size == len(chunk), file)
                tail = chunk[-16:]
    return size


def _check_xml(text: bytes, is_start: bool, file: str) -> None:
    """No document type: entities are how XML expands without end and reads other files."""
    if (
        (is_start and text.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")))
        or b"<!DOCTYPE" in text
        or b"<!ENTITY" in text
    ):
        raise refuse(
            "xml-entities", "XML with a document type or in an odd encoding", _ALLOWED, "Save it again", file=file
        )
