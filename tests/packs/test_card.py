"""A card says what a style is; a wrong one is refused with the file, the field and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stylecli.core.errors import PackError
from stylecli.packs.card import CARD_BYTES_MAX, CARD_FILE, read_card, write_card
from tests.support.packs import StyleFactory

Document = dict[str, Any]


@pytest.fixture
def wave(make_style: StyleFactory, tmp_path: Path) -> Path:
    return make_style(tmp_path, "wave")


def test_a_card_reads_back_as_written(wave: Path) -> None:
    card = replace(
        read_card(wave), title="神奈川沖浪裏", year=1831, training_seconds=1800.5, measured={"content": {"kodak": 0.84}}
    )
    card = replace(card, fill=0.7, detail=1.0)
    write_card(card, wave)
    assert read_card(wave) == card


def test_a_card_without_strokes_in_it_asks_for_none(wave: Path) -> None:
    document = json.loads((wave / CARD_FILE).read_text())
    for name in ("fill", "detail"):
        del document[name]
    (wave / CARD_FILE).write_text(json.dumps(document))
    assert (read_card(wave).fill, read_card(wave).detail) == (0, 0)


def test_writing_replaces_the_card_and_leaves_nothing_else(wave: Path) -> None:
    before = set(wave.iterdir())
    write_card(read_card(wave), wave)
    assert set(wave.iterdir()) == before


def test_a_card_that_could_not_be_read_back_is_not_written(wave: Path) -> None:
    card = read_card(wave)
    with pytest.raises(PackError, match="default is 'large'"):
        write_card(replace(card, default="large"), wave)
    assert read_card(wave) == card


def test_a_newer_format_asks_for_an_upgrade(wave: Path) -> None:
    _edit(wave, lambda card: card.update(format=2))
    with pytest.raises(PackError) as caught:
        read_card(wave)
    assert str(caught.value) == "wave/card.json: format 2, this stylecli reads 1. Upgrade stylecli."


def test_unknown_keys_are_ignored(wave: Path) -> None:
    card = read_card(wave)
    _edit(wave, lambda document: document.update(mood="calm"))
    assert read_card(wave) == card


@pytest.mark.parametrize("field", ["format", "name", "year", "models", "default", "measured", "files"])
def test_a_missing_field_is_named(wave: Path, field: str) -> None:
    _edit(wave, lambda card: card.pop(field))
    with pytest.raises(PackError, match=f"^wave/card.json: {field} is missing"):
        read_card(wave)


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("format", "1", 'format is "1", not a whole number'),
        ("format", True, "format is true, not a whole number"),
        ("name", "../wave", 'name is "../wave", not a name of small letters'),
        ("name", "Great Wave", 'name is "Great Wave", not a name of small letters'),
        ("title", 7, "title is 7, not one line of text"),
        ("title", "", 'title is "", not one line of text'),
        ("title", "\x1b[2J", r'title is "\\u001b\[2J", not one line of text'),
        ("year", 1831.5, "year is 1831.5, not a whole number"),
        ("year", True, "year is true, not a whole number"),
        ("parameters", -1, "parameters is -1, not a whole number"),
        ("training_seconds", "long", 'training_seconds is "long", not a number'),
        ("training_seconds", True, "training_seconds is true, not a number"),
        ("loss_network_sha256", "abc", 'loss_network_sha256 is "abc", not a sha256'),
        ("recipe", "/etc/passwd", 'recipe is "/etc/passwd", not a plain file name'),
        ("recipe", "other.toml", "recipe is other.toml, which files does not hold"),
        ("default", "large", "default is 'large', but models has fast"),
        ("models", {}, "models is {}, not a list"),
        ("models", [], "default is 'fast', but models has nothing"),
        ("models", ["fast"], r"models\[0\] is not an object"),
        ("measured", [], "measured is not an object"),
        ("files", None, "files is not an object"),
        ("files", {"../fast.onnx": "0" * 64}, "files names '../fast.onnx', which is not a plain file name"),
        ("files", {"card.json": "0" * 64}, "files names 'card.json'"),
        ("files", {"fast.onnx": 5}, "files.fast.onnx is 5"),
        ("files", {"fast.onnx": "0" * 64}, "models and files disagree about fast.onnx"),
    ],
)
def test_a_wrong_field_is_named(wave: Path, field: str, value: object, fault: str) -> None:
    _edit(wave, lambda card: card.update({field: value}))
    with pytest.raises(PackError, match=f"^wave/card.json: {fault}"):
        read_card(wave)


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("variant", None, "variant is null, not one line of text"),
        ("precision", "fp64", 'precision is "fp64", not one of fp32, fp16, int8'),
        ("statistics", "guessed", 'statistics is "guessed", not one of live, patches, frozen'),
        ("file", "models/fast.onnx", 'file is "models/fast.onnx", not a plain file name'),
        ("bytes", 1.5, "bytes is 1.5, not a whole number"),
        ("bytes", False, "bytes is false, not a whole number"),
        ("reach", -1, "reach is -1, not a whole number"),
    ],
)
def test_a_wrong_field_of_a_model_is_named(wave: Path, field: str, value: object, fault: str) -> None:
    _edit(wave, lambda card: card["models"][0].update({field: value}))
    with pytest.raises(PackError, match=rf"^wave/card.json: models\[0\]\.{fault}"):
        read_card(wave)


def test_two_models_of_one_variant_are_refused(wave: Path) -> None:
    _edit(wave, lambda card: card["models"].append(card["models"][0]))
    with pytest.raises(PackError, match="models holds a variant twice"):
        read_card(wave)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"format": NaN}', "not JSON"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b"[]", "the card is not an object"),
        (b"null", "the card is not an object"),
        (b" " * (CARD_BYTES_MAX + 1), "larger than 1 MB"),
    ],
    ids=["empty", "bytes", "nested", "nan", "digits", "list", "null", "huge"],
)
def test_what_is_no_card_is_refused(wave: Path, content: bytes, fault: str) -> None:
    (wave / CARD_FILE).write_bytes(content)
    with pytest.raises(PackError, match=f"^wave/card.json: {fault}"):
        read_card(wave)


def test_a_folder_without_a_card_is_not_a_style(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"not a style, it has no card\.json"):
        read_card(tmp_path)


def test_an_unreadable_card_is_refused(wave: Path) -> None:
    (wave / CARD_FILE).unlink()
    (wave / CARD_FILE).mkdir()
    with pytest.raises(PackError, match=r"wave/card\.json: cannot be read"):
        read_card(wave)


def _edit(folder: Path, change: Callable[[Document], object]) -> None:
    document = json.loads((folder / CARD_FILE).read_text(encoding="utf-8"))
    change(document)
    (folder / CARD_FILE).write_text(json.dumps(document), encoding="utf-8")
