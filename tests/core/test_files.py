from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from stylecli.core import files
from stylecli.core.errors import MediaError, PackError
from stylecli.core.files import (
    atomic_file,
    atomic_folder,
    blamed_on,
    bundled_folder,
    check_room,
    check_writable,
    same_place,
    swap_folders,
    try_lock,
    write_atomically,
)
from tests.support.limits import files_no_larger_than

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def half_written(path: Path, data: bytes) -> int:
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
    raise FULL


# ---- files


def test_a_file_appears_with_all_of_its_bytes(tmp_path: Path) -> None:
    write_atomically(tmp_path / "card.json", b"whole")
    assert (tmp_path / "card.json").read_bytes() == b"whole"
    assert names(tmp_path) == ["card.json"]


def test_the_final_name_never_holds_a_part(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    with atomic_file(target) as draft:
        draft.write_bytes(b"half")
        assert not target.exists()
        assert (draft.parent, draft.suffix) == (tmp_path, ".png")
        assert draft.name.startswith(".")
        draft.write_bytes(b"all of it")
    assert target.read_bytes() == b"all of it"


def test_on_a_full_disk_the_old_file_stays_and_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    monkeypatch.setattr(Path, "write_bytes", half_written)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(target, b"new and longer")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["picture.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_of_the_system_is_an_os_error(tmp_path: Path) -> None:
    def write() -> None:
        with atomic_file(tmp_path / "picture.png") as draft:
            draft.symlink_to("/dev/full")
            draft.write_bytes(b"anything")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert names(tmp_path) == []


def test_a_file_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.touch()
    with pytest.raises(MediaError, match=r"\(it is a file, not a folder\)"), blamed_on(path):
        path.mkdir(exist_ok=True)


def test_a_file_in_place_of_an_outer_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "photo.jpg"
    file.touch()
    reason = re.escape(f"({file} is a file, not a folder)")
    with pytest.raises(MediaError, match=reason), blamed_on(file / "run" / "samples"):
        (file / "run" / "samples").mkdir(parents=True)


def test_a_link_to_nothing_in_place_of_a_folder_is_named(tmp_path: Path) -> None:
    link = tmp_path / "run"
    link.symlink_to(tmp_path / "gone")
    with pytest.raises(MediaError, match=r"\(it is a link that leads nowhere\)"), blamed_on(link):
        link.mkdir(exist_ok=True)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, SystemExit, ValueError])
def test_an_interrupted_write_leaves_nothing(tmp_path: Path, fault: type[BaseException]) -> None:
    target = tmp_path / "picture.png"

    def write() -> None:
        with atomic_file(target) as draft:
            draft.write_bytes(b"half")
            raise fault

    with pytest.raises(fault):
        write()
    assert names(tmp_path) == []


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    program = (
        "import os, signal, sys; from pathlib import Path; from stylecli.core.files import atomic_file\n"
        "with atomic_file(Path(sys.argv[1])) as draft:\n"
        "    draft.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL if os.name == 'posix' else 15)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(target)], check=False).returncode != 0
    assert target.read_bytes() == b"old"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_a_new_file_gets_the_permissions_that_are_asked_for(tmp_path: Path) -> None:
    write_atomically(tmp_path / "config", b"secret", mode=0o600)
    assert (tmp_path / "config").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="a folder cannot be opened there")
def test_a_durable_file_and_then_its_folder_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[Path] = []
    flush = files.flush_to_disk
    monkeypatch.setattr(files, "flush_to_disk", lambda path: (flushed.append(path), flush(path)))
    write_atomically(tmp_path / "state", b"weights", is_durable=True)
    assert [path.parent for path in flushed[:1]] == [tmp_path]  # the draft, before its rename
    assert flushed[1:] == [tmp_path]
    assert (tmp_path / "state").read_bytes() == b"weights"


# ---- folders


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "style") as draft:
        (draft / "card.json").write_text("{}")
        assert not (tmp_path / "style").exists()
    assert names(tmp_path) == ["style"]
    assert names(tmp_path / "style") == ["card.json"]


def test_a_folder_that_fails_is_gone(tmp_path: Path) -> None:
    def fill() -> None:
        with atomic_folder(tmp_path / "style") as draft:
            (draft / "card.json").write_text("{}")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill()
    assert names(tmp_path) == []


def test_a_folder_replaces_another_with_all_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "old").touch()
    with atomic_folder(tmp_path / "style", replaces=True) as draft:
        (draft / "new").touch()
    assert names(tmp_path) == ["style"]
    assert names(tmp_path / "style") == ["new"]


def test_a_replacement_that_fails_keeps_the_old_folder(tmp_path: Path) -> None:
    (tmp_path / "style").mkdir()
    (tmp_path / "style" / "old").touch()
    with pytest.raises(ValueError, match="no"), atomic_folder(tmp_path / "style", replaces=True):
        raise ValueError("no")
    assert names(tmp_path) == ["style"]
    assert names(tmp_path / "style") == ["old"]


@pytest.mark.parametrize("fault", [FULL, KeyboardInterrupt()])
def test_a_swap_that_fails_halfway_is_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException
) -> None:
    incoming, folder = tmp_path / "incoming", tmp_path / "style"
    for path in (incoming, folder):
        path.mkdir()
        (path / f"of {path.name}").touch()
    rename: Callable[[Path, Path], Path] = Path.rename

    def failing(path: Path, target: Path) -> Path:
        if path == incoming:
            raise fault
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(type(fault)):
        swap_folders(incoming, folder)
    assert names(folder) == ["of style"]
    assert names(tmp_path) == ["incoming", "style"]


# ---- faults


def test_a_fault_names_the_path_that_the_user_gave(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    with pytest.raises(MediaError) as caught, blamed_on(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(tmp_path / ".draft"))
    assert str(caught.value).startswith(f"{path}: cannot be written (No space left on device). ")
    assert isinstance(caught.value.__cause__, OSError)


def test_a_fault_has_the_kind_and_the_hint_of_its_caller(tmp_path: Path) -> None:
    blamed = blamed_on(tmp_path, hint="Try again.", error=PackError, also=(ValueError,))
    with pytest.raises(PackError, match=r"cannot be written \(odd\)\. Try again\.$"), blamed:
        raise ValueError("odd")


def test_other_faults_pass(tmp_path: Path) -> None:
    with pytest.raises(KeyError), blamed_on(tmp_path):
        raise KeyError


# ---- locks and package data


def test_paths_that_lead_to_one_place_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "new")
    (tmp_path / "ring").symlink_to("ring")  # leads nowhere, which is no fault of the comparison
    assert same_place(tmp_path / "link", tmp_path / "." / "new")
    assert not same_place(tmp_path / "link", tmp_path / "ring")


def test_a_lock_is_held_by_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import sys; from pathlib import Path; from stylecli.core.files import try_lock\n"
        "with Path(sys.argv[1]).open('ab') as file: sys.exit(0 if try_lock(file) else 3)\n"
    )

    def other() -> int:
        return subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode

    with path.open("ab") as file:
        assert try_lock(file)
        assert other() == 3
    assert other() == 0


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    program = (
        "import os, sys; from pathlib import Path; from stylecli.core.files import try_lock\n"
        "file = Path(sys.argv[1]).open('ab'); assert try_lock(file); os._exit(7)\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 7
    with path.open("ab") as file:
        assert try_lock(file)


def test_the_bundled_styles_are_found() -> None:
    assert (bundled_folder("styles") / "great-wave" / "card.json").is_file()


def test_too_little_room_is_told_before_the_work(tmp_path: Path) -> None:
    check_room(tmp_path / "small.jpg", needed=1)
    with pytest.raises(MediaError, match=r"large\.jpg: about [\d.]+ GB more are needed on its disk, .* are free"):
        check_room(tmp_path / "large.jpg", needed=1e18)
    with pytest.raises(MediaError, match=r"large\.jpg: cannot be written \(there is no folder .*nowhere\)\. Create it"):
        check_room(tmp_path / "nowhere" / "large.jpg", needed=1)


def test_little_room_is_told_in_kilobytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=9_000))
    with pytest.raises(MediaError, match="about 200 kB more are needed on its disk, 9 kB are free"):
        check_room(tmp_path / "small.jpg", needed=200_000)


def test_a_folder_that_can_be_written_passes_the_check_and_stays_as_it_is(tmp_path: Path) -> None:
    check_writable(tmp_path)
    check_writable(tmp_path / "made" / "later")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
@pytest.mark.parametrize("name", ["", "file", "file/below", "link"])
def test_a_folder_that_cannot_be_written_is_told_before_the_work(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    limit = nullcontext() if name else files_no_larger_than(0)
    with pytest.raises(MediaError, match=f"^{tmp_path / name}: cannot be written"), limit:
        check_writable(tmp_path / name)
