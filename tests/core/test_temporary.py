from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from stylecli.core.errors import MediaError
from stylecli.core.temporary import temporary_folder
from tests.support.limits import files_no_larger_than


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_it_is_empty_and_goes_at_the_end(place: Path) -> None:
    with temporary_folder() as folder:
        assert folder.parent == place
        assert list(folder.iterdir()) == []
        (folder / "file").write_bytes(b"something")
    assert list(place.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_a_full_disk_is_named_with_what_to_do(place: Path) -> None:
    fault = rf"^{place}: cannot be written \(.*\)\. Make room there, or name another folder in TMPDIR\.$"
    with pytest.raises(MediaError, match=fault), temporary_folder() as folder, files_no_larger_than(100):
        (folder / "file").write_bytes(bytes(1000))
    assert list(place.iterdir()) == []


def test_no_folder_for_temporary_files_is_a_fault_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    with pytest.raises(MediaError, match=r"No usable temporary directory .*TMPDIR"), temporary_folder():
        pass
