"""A style pack opened: its variants, and models that are the files that the card describes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stylecli.core.errors import PackError
from stylecli.packs.card import ModelFile, read_card
from stylecli.packs.pack import StylePack, open_pack
from tests.support.packs import StyleFactory, flip_a_byte, tiny_model


def test_the_default_variant_is_used_when_none_is_asked_for(make_style: StyleFactory, tmp_path: Path) -> None:
    pack = _with_two_variants(make_style, tmp_path)
    assert pack.model().variant == "fast"
    assert pack.model("large").file == "large.onnx"


def test_an_unknown_variant_names_those_there_are(make_style: StyleFactory, tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"wave: has no variant huge\. It has: fast, large\."):
        _with_two_variants(make_style, tmp_path).model("huge")


def test_a_model_is_read_as_it_was_hashed(tiny_pack: StylePack) -> None:
    assert tiny_pack.model_bytes() == (tiny_pack.folder / "fast.onnx").read_bytes()


def test_a_changed_model_is_refused(make_style: StyleFactory, tmp_path: Path) -> None:
    pack = open_pack(make_style(tmp_path, "wave"))
    flip_a_byte(pack.folder / "fast.onnx")
    with pytest.raises(PackError, match=r"wave/fast\.onnx: not the file that card\.json describes"):
        pack.model_bytes()


def test_a_missing_model_is_refused(make_style: StyleFactory, tmp_path: Path) -> None:
    pack = open_pack(make_style(tmp_path, "wave"))
    (pack.folder / "fast.onnx").unlink()
    with pytest.raises(PackError, match=r"wave/fast\.onnx: cannot be read"):
        pack.model_bytes()


def test_an_oversize_model_is_refused(tiny_pack: StylePack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stylecli.packs.pack.MODEL_BYTES_MAX", 100)
    with pytest.raises(PackError, match="larger than any model may be"):
        tiny_pack.model_bytes()


def _with_two_variants(make_style: StyleFactory, shelf: Path) -> StylePack:
    content = tiny_model().SerializeToString()
    folder = make_style(shelf, "wave", files={"large.onnx": content})
    fast = read_card(folder).models[0]
    large = ModelFile("large", "fp32", "large.onnx", fast.sha256, fast.bytes, "frozen")
    shutil.rmtree(folder)
    return open_pack(make_style(shelf, "wave", files={"large.onnx": content}, models=(fast, large)))
