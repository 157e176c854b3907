"""A folder of files that appears whole or not at all, private to its owner, and never through a symbolic link.

The files are written to a new folder beside the target, flushed to disk, and the folder is renamed once. Whatever ends
the process on the way leaves the old folder (or none) as it was.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path

from optcomp.cells import printable
from optcomp.errors import OutputError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600
# Not on every system: Windows has no symbolic links to follow here.
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_RENAME_EXCHANGE = 2  # linux/fs.h
_AT_FDCWD = -100  # fcntl.h


class Target:
    """A folder to be published, checked and locked; made by `reserved`."""

    def __init__(self, path: Path, own_names: AbstractSet[str], *, force: bool) -> None:
        self.path, self._own_names, self._force = path, own_names, force

    def check(self) -> None:
        """Raise where publishing would overwrite, follow a link, or be refused by the system."""
        shown = printable(str(self.path))
        if self.path.is_symlink():
            raise OutputError(f"{shown} is a symbolic link. Name a folder that is none.")
        if not os.path.lexists(self.path):
            return
        if not self.path.is_dir():
            raise OutputError(f"{shown} is a file. Name a folder, or one that does not exist yet.")
        there = sorted(os.listdir(self.path))
        if there and not self._force:
            raise OutputError(
                f"{shown} is not empty. Name another folder, or give --force to replace the solution in it."
            )
        foreign = [name for name in there if name not in self._own_names]
        if foreign:
            named = ", ".join(printable(name) for name in foreign[:3]) + (" and more" if len(foreign) > 3 else "")
            raise OutputError(
                f"{shown} holds files that are none of a solution ({named}); optcomp does not delete them."
            )

    def publish(self, files: Mapping[str, bytes]) -> None:
        """Write the files as the folder's whole content.

        Raises
        ------
        OutputError
            When something of it fails; the folder is then as it was.
        """
        self.check()
        with _as_output_error(self.path):
            fresh = _beside(self.path, f"tmp-{secrets.token_hex(4)}")
            try:
                _write_folder(fresh, files)
                _put_in_place(fresh, self.path)
                _flush(self.path.parent)
            finally:
                # What is left here is the unfinished folder, or the one that was replaced.
                shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def reserved(path: Path, own_names: AbstractSet[str], *, force: bool = False) -> Iterator[Target]:
    """The target, locked against other runs until the end, with what a killed run left behind removed.

    own_names : files that `force` may replace; a folder that holds anything else is refused

    Raises
    ------
    OutputError
        When the folder cannot be published, said before any work is done.
    """
    path = Path(os.path.abspath(path))
    target = Target(path, own_names, force=force)
    with _as_output_error(path):
        path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        lock = _lock(path)
    try:
        with _as_output_error(path):
            _tidy(path)
            target.check()
            _try_to_write(path)
        yield target
    finally:
        _unlock(path, lock)


@contextmanager
def published_file(path: Path, *, force: bool = False) -> Iterator[Path]:
    """A path to write to; its content becomes the file at `path`, whole and private, when the block ends well.

    Raises
    ------
    OutputError
        When there is a file that `force` does not let go, a link or a folder, or when writing fails.
    """
    path = Path(os.path.abspath(path))
    shown = printable(str(path))
    if path.is_symlink() or path.is_dir():
        raise OutputError(f"{shown} is a {'symbolic link' if path.is_symlink() else 'folder'}. Name a file.")
    if path.exists() and not force:
        raise OutputError(f"{shown} exists. Name another file, or give --force to replace it.")
    with _as_output_error(path):
        folder = _beside(path, f"tmp-{secrets.token_hex(4)}")
        os.mkdir(folder, PRIVATE_FOLDER)
        try:
            os.chmod(folder, PRIVATE_FOLDER)
            fresh = folder / path.name
            yield fresh
            os.chmod(fresh, PRIVATE_FILE)
            _flush(fresh)
            os.replace(fresh, path)
            _flush(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _tidy(path: Path) -> None:
    """Undo what a killed run left: an old folder that had stepped aside comes back, unfinished ones go."""
    for aside in sorted(path.parent.glob(f".{_escaped(path.name)}.old-*")):
        if os.path.lexists(path):
            shutil.rmtree(aside, ignore_errors=True)
        else:
            os.rename(aside, path)
    for unfinished in path.parent.glob(f".{_escaped(path.name)}.tmp-*"):
        shutil.rmtree(unfinished, ignore_errors=True)


# ---- one folder ---------------------------------------------------------------------------------------------------


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    os.mkdir(folder, PRIVATE_FOLDER)
    os.chmod(folder, PRIVATE_FOLDER)  # a umask may have taken away more
    for name, content in files.items():
        if name in ("", ".", "..") or Path(name).name != name:
            raise ValueError(f"{name!r} is not the name of a file in a folder.")
        _write_file(folder / name, content)
    _flush(folder)


def _write_file(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        os.chmod(path, PRIVATE_FILE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(fresh: Path, path: Path) -> None:
    """Rename `fresh` to `path` in one step; a folder that was there has the name `fresh` afterwards."""
    if not os.path.lexists(path):
        os.rename(fresh, path)
    elif not _exchange(fresh, path):
        # No exchange on this system: the old folder steps aside first and comes back if the new one cannot step in.
        aside = _beside(path, f"old-{secrets.token_hex(4)}")
        os.rename(path, aside)
        try:
            os.rename(fresh, path)
        except BaseException:
            os.rename(aside, path)
            raise
        os.rename(aside, fresh)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    return bool(renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def _flush(path: Path) -> None:
    """Make what was written to a file, or renamed in a folder, survive a power cut."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _try_to_write(path: Path) -> None:
    """Fail now rather than after a long solve where the folder beside cannot be written."""
    probe = _beside(path, f"tmp-{secrets.token_hex(4)}")
    os.mkdir(probe, PRIVATE_FOLDER)
    os.rmdir(probe)
    if path.is_dir() and stat.S_IMODE(path.stat().st_mode) & 0o200 == 0:
        raise PermissionError(13, os.strerror(13))


# ---- lock -----------------------------------------------------------------------------------------------------------


def _lock(path: Path) -> int:
    """Hold the lock file beside the folder; the system lets go of it when the process ends, however it ends."""
    while True:
        name = _beside(path, "lock")
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | _NO_FOLLOW, PRIVATE_FILE)
        if not _try_lock(descriptor):
            os.close(descriptor)
            raise OutputError(f"Another run is writing {printable(str(path))}. Wait for it, or name another folder.")
        if _is_same_file(name, descriptor):
            return descriptor
        os.close(descriptor)  # the holder before us has just removed it: again with a new one


def _try_lock(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    import fcntl  # not on Windows

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_same_file(name: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(name, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _unlock(path: Path, descriptor: int) -> None:
    try:
        os.unlink(_beside(path, "lock"))
    except FileNotFoundError:
        pass
    finally:
        os.close(descriptor)


# ---- names and words ----------------------------------------------------------------------------------------------


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f".{path.name}.{suffix}")


def _escaped(name: str) -> str:
    """A name that `glob` takes letter by letter."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    """What the system refuses becomes an `OutputError` in words."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(f"{printable(str(path))} could not be written: {reason}. Nothing was changed.") from error
