"""A folder that appears whole or not at all, private, never through a link, whatever goes wrong on the way."""

import errno
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from optcomp import publish
from optcomp.errors import OutputError
from optcomp.publish import published_file, reserved

NAMES = frozenset({"a.txt", "b.txt"})
OLD = {"a.txt": b"old a", "b.txt": b"old b"}
NEW = {"a.txt": b"new a", "b.txt": b"new b"}


def put(path: Path, files=NEW, *, force: bool = False) -> None:
    with reserved(path, NAMES, force=force) as target:
        target.publish(files)


def content(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in path.iterdir()}


def leftovers(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def test_a_new_folder_holds_the_files_and_nothing_is_left_beside_it(tmp_path: Path):
    put(tmp_path / "out")

    assert content(tmp_path / "out") == NEW
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_modes_are_private_whatever_the_umask(tmp_path: Path, mask: int):
    """Row 81: umask 000 included."""
    with umask(mask):
        put(tmp_path / "out")

    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in (tmp_path / "out").iterdir()} == {0o600}


def test_an_empty_folder_is_filled(tmp_path: Path):
    (tmp_path / "out").mkdir(mode=0o755)

    put(tmp_path / "out")

    assert content(tmp_path / "out") == NEW
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_missing_parents_are_made(tmp_path: Path):
    put(tmp_path / "x" / "y" / "out")

    assert content(tmp_path / "x" / "y" / "out") == NEW


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path):
    """Row 61: output folder not empty."""
    put(tmp_path / "out", OLD)

    with pytest.raises(OutputError, match="is not empty"):
        put(tmp_path / "out")

    assert content(tmp_path / "out") == OLD


def test_force_replaces_a_solution(tmp_path: Path):
    put(tmp_path / "out", {"a.txt": b"old"})

    put(tmp_path / "out", force=True)

    assert content(tmp_path / "out") == NEW
    assert leftovers(tmp_path) == []


def test_force_replaces_where_folders_cannot_be_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    put(tmp_path / "out", OLD)

    put(tmp_path / "out", force=True)

    assert content(tmp_path / "out") == NEW
    assert leftovers(tmp_path) == []


def test_the_old_folder_comes_back_where_the_new_one_cannot_step_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path / "out", OLD)
    rename, count = os.rename, iter(range(9))

    def second_fails(source, target):
        if next(count) == 1:
            raise OSError(errno.EIO, "Input/output error")
        rename(source, target)

    monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    monkeypatch.setattr(os, "rename", second_fails)

    with pytest.raises(OutputError, match="Input/output error"):
        put(tmp_path / "out", force=True)

    assert content(tmp_path / "out") == OLD


def test_force_deletes_nothing_but_solutions(tmp_path: Path):
    """Row 61: `--out ~ --force` must not replace somebody's home."""
    put(tmp_path / "out", OLD)
    (tmp_path / "out" / "thesis.doc").write_text("years of work")

    with pytest.raises(OutputError, match=r"thesis\.doc"):
        put(tmp_path / "out", force=True)

    assert (tmp_path / "out" / "thesis.doc").exists()


@pytest.mark.parametrize("force", [False, True])
def test_a_link_is_never_followed(tmp_path: Path, force: bool):
    """Row 61: output folder is a symlink."""
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "real")

    with pytest.raises(OutputError, match="symbolic link"):
        put(tmp_path / "out", force=force)

    assert content(tmp_path / "real") == {}


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / ".out.lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(OutputError):
        put(tmp_path / "out")

    assert not (tmp_path / "elsewhere").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path):
    (tmp_path / "out").write_text("mine")

    with pytest.raises(OutputError, match="is a file"):
        put(tmp_path / "out", force=True)

    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_place_is_refused_before_any_work(tmp_path: Path):
    """Row 61: read-only."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="Permission denied"), reserved(tmp_path / "out", NAMES):
            pytest.fail("The work began.")
    finally:
        tmp_path.chmod(0o700)


def test_a_place_that_the_system_refuses_is_refused_before_any_work():
    """Row 61: a place of another owner."""
    with pytest.raises(OutputError, match="could not be written"), reserved(Path("/proc/optcomp-out"), NAMES):
        pytest.fail("The work began.")


def full(original: Callable[..., object], fails_at: int) -> Callable[..., object]:
    count = iter(range(10_000))

    def call(*arguments: object, **more: object) -> object:
        if next(count) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments, **more)

    return call


def calls_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How often publishing over an old folder calls a function of `os`."""
    count, original = [0], getattr(os, name)

    def counted(*arguments: object, **more: object) -> object:
        count[0] += 1
        return original(*arguments, **more)

    put(tmp_path / "count", OLD)
    with monkeypatch.context() as patch:
        patch.setattr(os, name, counted)
        put(tmp_path / "count", force=True)
    return count[0]


def refuses(out: Path) -> bool:
    try:
        put(out, force=True)
    except OutputError as error:
        return "No space left on device" in str(error)
    return False


@pytest.mark.parametrize("name", ["open", "fsync", "mkdir", "chmod"])
def test_a_full_disk_at_any_step_leaves_the_old_or_the_new_folder(tmp_path: Path, monkeypatch, name: str):
    """Row 62: disk full at each step; the temporary folder is removed."""
    for step in range(calls_of(name, tmp_path, monkeypatch)):
        out = tmp_path / f"out{step}"
        put(out, OLD)
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full(getattr(os, name), step))
            is_refused = refuses(out)
        # After the one rename only the parent's flush and the removal of the old folder are left.
        assert content(out) in ((OLD, NEW) if is_refused else (NEW,))
        put(out, force=True)
        assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["a.txt", "b.txt"])
def test_a_write_that_fails_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    """Row 62: /dev/full is a disk without room: the write itself fails, as on a quota."""
    put(tmp_path / "out", OLD)
    fdopen = os.fdopen

    def to_full(descriptor: int, mode: str):
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(name):
            os.close(descriptor)
            descriptor = os.open("/dev/full", os.O_WRONLY)
        return fdopen(descriptor, mode)

    monkeypatch.setattr(os, "fdopen", to_full)

    with pytest.raises(OutputError, match="No space left on device"):
        put(tmp_path / "out", force=True)

    assert content(tmp_path / "out") == OLD
    assert leftovers(tmp_path) == []


def test_an_interrupt_while_writing_leaves_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    put(tmp_path / "out", OLD)

    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)

    with pytest.raises(KeyboardInterrupt):
        put(tmp_path / "out", force=True)

    assert content(tmp_path / "out") == OLD
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "/etc/passwd"])
def test_a_file_name_cannot_leave_the_folder(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="not the name of a file"):
        put(tmp_path / "out", {name: b""})

    assert leftovers(tmp_path) == []


def test_two_runs_at_once_do_not_meet(tmp_path: Path):
    """Row 68: the second is refused, and the lock goes with the first."""
    with reserved(tmp_path / "out", NAMES), pytest.raises(OutputError, match="Another run"):
        put(tmp_path / "out")

    put(tmp_path / "out")
    assert content(tmp_path / "out") == NEW


def test_what_a_killed_run_left_behind_is_removed(tmp_path: Path):
    """Row 63: it may hold salaries, and it is nobody's: whoever holds the lock knows that."""
    (tmp_path / ".out.tmp-0123").mkdir()
    (tmp_path / ".out.tmp-0123" / "a.txt").write_text("85,123")
    (tmp_path / ".out.lock").touch()
    (tmp_path / ".other.tmp-0123").mkdir()

    put(tmp_path / "out")

    assert leftovers(tmp_path) == [".other.tmp-0123"]


def test_an_old_folder_that_had_stepped_aside_comes_back(tmp_path: Path):
    """A run was killed between the two renames of a system without exchange."""
    put(tmp_path / "out", OLD)
    (tmp_path / "out").rename(tmp_path / ".out.old-0123")

    with pytest.raises(OutputError, match="is not empty"):
        put(tmp_path / "out")

    assert content(tmp_path / "out") == OLD
    assert leftovers(tmp_path) == []


def test_an_old_folder_whose_successor_is_in_place_goes(tmp_path: Path):
    put(tmp_path / "out", NEW)
    put(tmp_path / ".out.old-0123", OLD)

    put(tmp_path / "out", NEW, force=True)

    assert leftovers(tmp_path) == []


KILLED = """
import sys
from pathlib import Path
from optcomp.publish import reserved
out, names = Path(sys.argv[1]), frozenset({"a.txt", "b.txt"})
print("ready", flush=True)
for i in range(10_000):
    with reserved(out, names, force=True) as target:
        target.publish({"a.txt": b"%d" % i * 5000, "b.txt": b"%d" % i * 5000})
"""


def test_a_kill_at_any_time_leaves_one_whole_folder(tmp_path: Path):
    """Row 63: 200 kills, spread over the first 0.1 s; each time both files are of the same round."""
    out = tmp_path / "out"
    put(out, dict.fromkeys(NAMES, b"old"))  # a kill on a busy machine may come before the first round ends
    for i in range(200):
        with subprocess.Popen([sys.executable, "-c", KILLED, str(out)], stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            time.sleep(0.02 + 0.0037 * (i % 20) + 0.00037 * (i // 20))
            child.kill()
        files = content(out)
        assert files.keys() == NAMES
        assert files["a.txt"] == files["b.txt"]

    put(out, force=True)
    assert leftovers(tmp_path) == []


# ---- one file -------------------------------------------------------------------------------------------------------


def test_a_file_is_private_and_whole(tmp_path: Path):
    """Row 81: single files too."""
    with umask(0), published_file(tmp_path / "x.lp") as path:
        path.write_text("max")

    assert (tmp_path / "x.lp").read_text() == "max"
    assert stat.S_IMODE((tmp_path / "x.lp").stat().st_mode) == 0o600


def test_a_file_that_is_there_is_replaced_by_force_only(tmp_path: Path):
    (tmp_path / "x.lp").write_text("old")

    with pytest.raises(OutputError, match="exists"), published_file(tmp_path / "x.lp"):
        pytest.fail("The work began.")
    with published_file(tmp_path / "x.lp", force=True) as path:
        path.write_text("new")

    assert (tmp_path / "x.lp").read_text() == "new"


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_a_link_or_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path, kind: str):
    target = tmp_path / "x.lp"
    target.symlink_to(tmp_path / "real") if kind == "link" else target.mkdir()

    with pytest.raises(OutputError, match=r"symbolic link|folder"), published_file(target, force=True):
        pytest.fail("The work began.")


def test_a_file_whose_writing_fails_is_not_there(tmp_path: Path):
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OutputError, match="No space left"), published_file(tmp_path / "x.lp") as path:
        fail(path)

    assert list(tmp_path.iterdir()) == []
