"""A runtime of short files in place of onnxruntime-web."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from stylecli.web.gallery.runtime import FILES

RUNTIME = {name: f"the bytes of {name}".encode() for name in FILES}


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with a runtime of three short files, whose hashes are the pinned ones."""
    folder = tmp_path / "runtime"
    folder.mkdir()
    for name, content in RUNTIME.items():
        (folder / name).write_bytes(content)
        monkeypatch.setitem(FILES, name, hashlib.sha256(content).hexdigest())
    return folder
