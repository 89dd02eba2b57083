"""The static site: whole, complete, of the pinned runtime, with networks that paint as the program does."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.inference.engine import Engine
from stylecli.inference.sessions import open_cpu_session
from stylecli.packs.pack import StylePack
from stylecli.web.gallery import write_gallery
from stylecli.web.page_files import PAGE
from stylecli.web.runtime import FILES, runtime_files

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


def test_the_site_holds_all_that_the_page_loads(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    site = tmp_path / "site"
    assert write_gallery(site, [tiny_pack], runtime=runtime) > 0
    names = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert {f"runtime/{name}" for name in FILES} | {f"models/{tiny_pack.name}.onnx"} < names
    for module in site.glob("*.js"):
        loaded = re.findall(r'(?:from|import|Worker)[ (]"(?:\./)?([^"]+)"', module.read_text(encoding="utf-8"))
        assert {name for name in loaded if name != "./engine-server.js"} - {"engine-server.js"} <= names, module
    page = (site / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:href|src)="([^"]+)"', page)) <= names
    assert "'wasm-unsafe-eval'" in page
    assert "'unsafe-inline'" not in page


def test_the_page_asks_for_all_its_modules_at_once() -> None:
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    later = {"engine-server.js", "engine-browser.js", "worker.js"}  # one of the engines, and what it starts itself
    modules = {path.name for path in PAGE.glob("*.js")} - later | {"config.js"}
    assert set(re.findall(r'rel="modulepreload" href="([^"]+)"', page)) == modules


def test_every_text_stands_once_and_is_used() -> None:
    texts = re.findall(r"^  ([a-zA-Z]+):", (PAGE / "text.js").read_text(encoding="utf-8"), re.MULTILINE)
    modules = "".join(path.read_text(encoding="utf-8") for path in PAGE.glob("*.js"))
    assert sorted(texts) == sorted(set(re.findall(r"\bT\.([a-zA-Z]+)", modules)))


def test_the_site_asks_no_other_server(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    write_gallery(tmp_path / "site", [tiny_pack], runtime=runtime)
    for path in (tmp_path / "site").glob("*.*s"):
        addresses = re.findall(r"https?://[^\s\"'`]+", path.read_text(encoding="utf-8"))
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, path


def test_the_page_is_told_the_styles(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    write_gallery(tmp_path / "site", [tiny_pack], runtime=runtime)
    written = (tmp_path / "site" / "config.js").read_text(encoding="utf-8")
    config = json.loads(written.removeprefix("export const config = ").rstrip(";\n"))
    assert config["engine"] == "browser"
    assert [style["name"] for style in config["styles"]] == [tiny_pack.name]


def test_its_networks_paint_as_the_program_does(
    tmp_path: Path, runtime: Path, tiny_pack: StylePack, photo: NDArray[np.uint8]
) -> None:
    write_gallery(tmp_path / "site", [tiny_pack], runtime=runtime)
    session = open_cpu_session(tmp_path / "site" / "models" / f"{tiny_pack.name}.onnx")
    (painted,) = session.run(None, {"image": photo[None]})
    with Engine(tiny_pack, device="cpu") as engine:
        ((_, levels),) = engine.stylized_bytes(photo)
    assert np.array_equal(painted[0], levels)


def test_a_folder_is_kept_unless_told_otherwise(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    site = tmp_path / "site"
    write_gallery(site, [tiny_pack], runtime=runtime)
    with pytest.raises(UsageError, match="exists already"):
        write_gallery(site, [tiny_pack], runtime=runtime)
    write_gallery(site, [tiny_pack], runtime=runtime, overwrite=True)


def test_a_folder_that_is_no_gallery_is_never_replaced(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="no gallery"):
        write_gallery(tmp_path / "mine", [tiny_pack], runtime=runtime, overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").exists()


def test_a_runtime_of_another_version_is_refused(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    (runtime / next(iter(FILES))).write_bytes(b"something else")
    with pytest.raises(UsageError, match="not that of onnxruntime-web"):
        write_gallery(tmp_path / "site", [tiny_pack], runtime=runtime)
    assert not (tmp_path / "site").exists()


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


def test_a_gallery_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no style"):
        write_gallery(tmp_path / "site", [])
