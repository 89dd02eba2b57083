"""The static site: whole, complete, of the pinned runtime, with networks that paint as the program does."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numpy.typing import NDArray

from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.inference.engine import Engine
from stylecli.inference.sessions import open_cpu_session
from stylecli.media.pixels import LUMA
from stylecli.packs.pack import StylePack
from stylecli.stylize import detailing, filling, samples
from stylecli.web.gallery.runtime import FILES
from stylecli.web.gallery.site import write_gallery
from stylecli.web.page_files import PAGE


def test_the_site_holds_all_that_the_page_loads(tmp_path: Path, runtime: Path, tiny_pack: StylePack) -> None:
    site = tmp_path / "site"
    assert write_gallery(site, [tiny_pack], runtime=runtime) > 0
    names = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert {f"runtime/{name}" for name in FILES} | {f"models/{tiny_pack.name}.onnx", "flow.onnx"} < names
    for module in site.glob("*.js"):
        loaded = re.findall(r'(?:from|import|Worker)[ (]"(?:\./)?([^"]+)"', module.read_text(encoding="utf-8"))
        assert {name for name in loaded if name != "./engine-server.js"} - {"engine-server.js"} <= names, module
    page = (site / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'(?:href|src)="([^"]+)"', page)) <= names
    assert "'wasm-unsafe-eval'" in page
    assert "'unsafe-inline'" not in page


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
    assert {key: config["styles"][0][key] for key in ("name", "fill", "detail", "flow", "reach")} == {
        "name": tiny_pack.name,
        "fill": tiny_pack.card.fill,
        "detail": tiny_pack.card.detail,
        "flow": tiny_pack.card.flow,
        "reach": tiny_pack.model().reach,
    }


@pytest.mark.parametrize(
    ("module", "file"), [(filling, "filling.js"), (detailing, "detailing.js"), (samples, "samples.js")]
)
def test_the_strokes_of_the_page_have_the_constants_of_the_program(module: ModuleType, file: str) -> None:
    constants = re.findall(
        r"^(?:export )?const ([A-Z_]+) = (.+?);", (PAGE / file).read_text(encoding="utf-8"), re.MULTILINE
    )
    own = {name: json.loads(value) for name, value in constants if hasattr(module, name)}
    assert {name for name in vars(module) if name.isupper()} - {"CHUNK", "LUMA"} == set(own) - {"LUMA"}
    for name, value in own.items():
        assert np.asarray(value) == pytest.approx(np.asarray(getattr(module, name))), name


def test_the_luma_of_the_page_is_that_of_the_program() -> None:
    weights = [
        json.loads(value)
        for path in PAGE.glob("*.js")
        for value in re.findall(r"^(?:export )?const LUMA = (.+?);", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert weights
    assert all(np.asarray(weight) == pytest.approx(LUMA) for weight in weights)


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


def test_a_gallery_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no style"):
        write_gallery(tmp_path / "site", [])


def test_a_folder_that_cannot_be_written_is_told_before_the_runtime_is_fetched(
    tmp_path: Path, tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stylecli.web.gallery.site.runtime_files", lambda _: pytest.fail("the work has begun"))
    (tmp_path / "file").touch()
    with pytest.raises(MediaError, match="cannot be written"):
        write_gallery(tmp_path / "file" / "site", [tiny_pack])
