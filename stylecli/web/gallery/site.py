"""The page as a static site: its files, the networks and the runtime that runs them in the visitor's browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stylecli.core.errors import PackError, UsageError
from stylecli.core.files import atomic_folder, blamed_on, check_writable
from stylecli.core.progress import Progress, Step, ignore
from stylecli.core.version import __version__
from stylecli.inference.uint8_model import pixel_model
from stylecli.packs.card import ModelFile
from stylecli.packs.pack import StylePack
from stylecli.web.gallery.blending import related_styles, weight_spans
from stylecli.web.gallery.flowing import flow_network
from stylecli.web.gallery.runtime import LICENCE, runtime_files
from stylecli.web.gallery.statistics import measuring_model
from stylecli.web.page_files import CONFIG_FILE, MAIN_FILE, page_files

SERVER_FILES = ("engine-server.js",)
# A static host sends no policy of ours, so the page brings its own. WebAssembly needs its own word.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self' blob:; media-src blob:; base-uri 'none'; form-action 'none'"
)
NOTICES = f"""stylecli {__version__}: MIT
{LICENCE}
Source Sans Pro: SIL Open Font License 1.1, Copyright 2010-2018 Adobe
The styles: as their cards say, listed in {CONFIG_FILE}
"""


def write_gallery(
    output: Path,
    packs: Sequence[StylePack],
    *,
    runtime: Path | None = None,
    overwrite: bool = False,
    progress: Progress = ignore,
) -> int:
    """Write the site into the folder `output`; returns its size in bytes. It appears whole or not at all.

    runtime: a folder with the files of onnxruntime-web; None: the cache, filled by npm.
    overwrite: replace a gallery that is there.

    Raises:
        UsageError: `output` is there already, and not to be replaced or no gallery; `runtime` is not the right one.
        PackError: there is no style, or one has no network that a browser can run.
        MediaError: the site cannot be written, or the runtime not be fetched.
    """
    if not packs:
        raise PackError("the gallery: no style was found", hint="Add one with `stylecli styles add`.")
    _check_target(output, overwrite=overwrite)
    progress(Step(0, len(packs) + 1, "parts", "the runtime"))
    files = {f"runtime/{name}": content for name, content in runtime_files(runtime).items()}
    files["flow.onnx"] = flow_network()
    models, written = {}, {}
    for number, pack in enumerate(packs, start=1):
        progress(Step(number, len(packs) + 1, "parts", pack.name))
        models[pack.name] = pack.model_bytes(model_for_browsers(pack).variant)
        written[pack.name] = measuring_model(pixel_model(models[pack.name]))
        files[f"models/{pack.name}.onnx"] = written[pack.name]
        if pack.preview.is_file():
            files[f"previews/{pack.name}.jpg"] = pack.preview.read_bytes()
    related = related_styles(models, written)
    styles = [{**_entry(pack), **_blending(related[pack.name], written[pack.name])} for pack in packs]
    facts = {"engine": "browser", "password": False, "version": __version__}
    config = {**facts, "styles": styles}
    files |= {name: content for name, content in page_files(config).items() if name not in SERVER_FILES}
    files[MAIN_FILE] = _with_policy(files[MAIN_FILE])
    files["NOTICES.txt"] = NOTICES.encode()
    with blamed_on(output), atomic_folder(output, replaces=overwrite) as draft:
        for name, content in files.items():
            path = draft / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    progress(Step(len(packs) + 1, len(packs) + 1, "parts"))
    return sum(map(len, files.values()))


def model_for_browsers(pack: StylePack) -> ModelFile:
    """The network of floats that is the default, or else the smallest: 8-bit integers are slower in WebAssembly.

    Raises:
        PackError: the style has none.
    """
    floats = [model for model in pack.card.models if model.precision == "fp32"]
    if not floats:
        raise PackError(f"{pack.name}: it has no network of floats", hint="Leave this style out.")
    return min(floats, key=lambda model: (model.variant != pack.card.default, model.bytes))


def _entry(pack: StylePack) -> Mapping[str, Any]:
    """What the page shows of a style, and the terms of its network."""
    card = pack.card
    shown = {"name": card.name, "title": card.title, "artist": card.artist, "year": card.year, "licence": card.licence}
    strokes = {"fill": card.fill, "detail": card.detail, "flow": card.flow, "reach": model_for_browsers(pack).reach}
    return {**shown, **strokes, "variants": [], "default": "", "has_preview": pack.preview.is_file()}


def _blending(related: Sequence[str], model: bytes) -> Mapping[str, Any]:
    """What a browser must know to blend a style by its weights."""
    return {"related": related, "weights": weight_spans(model)} if related else {}


def _with_policy(page: bytes) -> bytes:
    policy = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'.encode()
    head, title, rest = page.partition(b"<title>")
    return head + policy + title + rest


def _check_target(output: Path, *, overwrite: bool) -> None:
    check_writable(output.parent)
    if not output.exists():
        return
    if not overwrite:
        raise UsageError(f"{output}: exists already", hint="Use `overwrite=True` to replace it.")
    if not (output / CONFIG_FILE).is_file() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output}: is no gallery and stays as it is", hint="Give another folder as `output`.")
