"""A folder or a .zip becomes a flat folder of plain files, or is refused and leaves nothing."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from stylecli.core.errors import PackError
from stylecli.packs import archive as pack_archive
from stylecli.packs import safety as pack_safety
from stylecli.packs.shelves import add_style

SYMLINK_MODE = 0o120777 << 16  # in the upper half of a zip entry's external attributes


@pytest.mark.parametrize("top", ["", "wave/", "wave-main (1)/"])
def test_a_zip_is_added(stranger: Path, shelf: Path, top: str) -> None:
    add_style(_zipped(stranger, top=top), shelf)
    assert _contents(shelf / "wave") == _contents(stranger)


def test_what_file_managers_leave_is_not_added(stranger: Path, shelf: Path) -> None:
    (stranger / ".DS_Store").write_text("")
    archive = _zipped(stranger, top="wave/", further={"__MACOSX/wave/._card.json": b""})
    add_style(archive, shelf)
    add_style(stranger, shelf, replace=True)
    assert {path.name for path in (shelf / "wave").iterdir()} == {"card.json", "fast.onnx", "recipe.toml"}


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "a/../../evil", "C:evil", "C:/evil", "..\\evil", "sub/evil", ".."]
)
@pytest.mark.parametrize("top", ["", "wave/"])
def test_a_zip_that_leads_elsewhere_is_refused(stranger: Path, shelf: Path, name: str, top: str) -> None:
    archive = _zipped(stranger, top=top, further={top + name: b"evil"})
    _assert_refused(archive, shelf, "is not a plain file name")


@pytest.mark.parametrize("top", ["../", "/", "C:/", "..\\", "a/b/"])
def test_a_zip_whose_folder_leads_elsewhere_is_refused(stranger: Path, shelf: Path, top: str) -> None:
    _assert_refused(_zipped(stranger, top=top), shelf, "is not a plain file name")


def test_a_zip_with_a_link_is_refused(stranger: Path, shelf: Path) -> None:
    link = zipfile.ZipInfo("preview.jpg")
    link.external_attr = SYMLINK_MODE
    archive = _zipped(stranger)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(link, "/etc/passwd")
    _assert_refused(archive, shelf, "is a link or a device")


def test_a_zip_bomb_is_refused(stranger: Path, shelf: Path) -> None:
    archive = _zipped(stranger, further={"preview.jpg": bytes(2**20)})
    _assert_refused(archive, shelf, "zip bomb")


def test_a_zip_that_unpacks_to_too_much_is_refused(
    stranger: Path, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = _zipped(stranger, further={"notes.txt": Random(1).randbytes(6000) * 2})
    monkeypatch.setattr(pack_archive, "PACK_BYTES_MAX", 10_000)  # above the archive's size, below its contents'
    _assert_refused(archive, shelf, "larger than")


def test_a_zip_with_too_many_files_is_refused(stranger: Path, shelf: Path) -> None:
    further = {f"note-{index}.txt": b"" for index in range(pack_safety.PACK_FILES_MAX)}
    _assert_refused(_zipped(stranger, further=further), shelf, "a pack has at most 64")


def test_a_zip_with_a_file_twice_is_refused(stranger: Path, shelf: Path) -> None:
    _assert_refused(_zipped(stranger, further={"FAST.onnx": b"other"}), shelf, "a file name occurs twice")


def test_a_zip_with_an_unusual_compression_is_refused(stranger: Path, shelf: Path) -> None:
    _assert_refused(_zipped(stranger, method=zipfile.ZIP_LZMA), shelf, "compressed in an unusual way")


def test_a_truncated_zip_is_refused(stranger: Path, shelf: Path) -> None:
    archive = _zipped(stranger)
    archive.write_bytes(archive.read_bytes()[:-40])
    _assert_refused(archive, shelf, "not a .zip that can be read")


def test_a_damaged_zip_is_refused(stranger: Path, shelf: Path) -> None:
    archive = _zipped(stranger)
    content = bytearray(archive.read_bytes())
    content[len("PK") + 60] ^= 0xFF  # inside the first file's compressed bytes, behind its 30-byte header and name
    archive.write_bytes(content)
    _assert_refused(archive, shelf, "not a .zip that can be read")


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: None], ids=["folder", "file", "missing"])
def test_what_is_no_style_is_refused(tmp_path: Path, shelf: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "thing.zip")
    _assert_refused(tmp_path / "thing.zip", shelf, "not a style|not a .zip|no such file")


def test_a_zip_without_a_card_is_refused(stranger: Path, shelf: Path) -> None:
    (stranger / "card.json").unlink()
    _assert_refused(_zipped(stranger), shelf, "it has no card.json")


def test_a_link_in_a_folder_is_not_followed(stranger: Path, shelf: Path) -> None:
    (stranger / "secret").symlink_to("/etc/passwd")
    _assert_refused(stranger, shelf, "secret is not a plain file")


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def _zipped(
    folder: Path, *, top: str = "", further: dict[str, bytes] | None = None, method: int = zipfile.ZIP_DEFLATED
) -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w", method) as opened:
        for path in sorted(folder.iterdir()):
            opened.writestr(top + path.name, path.read_bytes())
        for name, content in (further or {}).items():
            opened.writestr(name, content)
    return archive


def _assert_refused(source: Path, shelf: Path, fault: str) -> None:
    with pytest.raises(PackError, match=fault):
        add_style(source, shelf)
    assert list(shelf.iterdir()) == []
    assert not list(shelf.parent.rglob("evil*"))
