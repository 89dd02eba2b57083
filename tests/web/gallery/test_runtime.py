"""The runtime of the static site: found, of the pinned version, fetched by npm."""

from __future__ import annotations

from pathlib import Path

import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.web.gallery.runtime import runtime_files
from tests.web.gallery.conftest import RUNTIME


def test_the_folder_of_the_package_is_found(runtime: Path) -> None:
    package = runtime.parent / "package"
    package.mkdir()
    runtime.rename(package / "dist")
    assert runtime_files(package) == RUNTIME
    assert runtime_files(runtime.parent) == RUNTIME


def test_without_npm_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="`runtime`"):
        runtime_files()


def test_npm_that_fails_is_told_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no such host' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MediaError, match="no such host"):
        runtime_files()
    assert not (tmp_path / "cache").exists()
