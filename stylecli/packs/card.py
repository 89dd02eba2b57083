"""The model card: `card.json` of a style, read, checked and written.

A card may come from a stranger, so every value is checked: types, ranges, plain file names, texts of one printable
line. Unknown keys are ignored.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import PackError
from stylecli.core.files import write_atomically

FORMAT = 1
CARD_FILE = "card.json"
CARD_BYTES_MAX = 1_000_000  # a card holds a page of text; anything larger is not a card

PRECISIONS = ("fp32", "fp16", "int8")
STATISTICS = ("live", "patches", "frozen")

# A style's name becomes a folder, a menu entry and a part of file names. A pack is flat: files have names, no paths.
STYLE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelFile:
    """One variant of a style: an ONNX file, its size, precision and statistics."""

    variant: str
    precision: str  # one of PRECISIONS
    file: str
    sha256: str
    bytes: int
    statistics: str  # one of STATISTICS: measured by each run, from patches beforehand, or constant
    network: str = ""  # this and the next two: empty or 0 if they are those of the card
    parameters: int = 0
    weights: str = ""  # the file of the weights before export, for training
    reach: int = 0  # how far, in pixels, a pixel can affect others, statistics aside; 0: unknown, so never tiled


@dataclass(frozen=True)
class Card:
    """What a style is, where it comes from, and what was measured."""

    name: str
    title: str
    artist: str
    year: int
    licence: str  # of the style's files
    source: str  # of the painting, with its terms
    photos: str  # the training photos, with their terms
    models: tuple[ModelFile, ...]
    default: str  # the variant to use if none is given
    network: str
    parameters: int
    recipe: str  # the file with the training recipe
    loss_network: str
    loss_network_sha256: str
    training_device: str
    training_seconds: float
    measured: Mapping[str, Any]  # numbers by topic, such as "quality", "steadiness" and "speed", with their conditions
    files: Mapping[str, str]  # sha256 of every file in the pack except card.json
    fill: float = 0.0  # strokes in empty areas of pictures, unless a look says otherwise (`stylize.look.Look`)


def read_card(folder: Path) -> Card:
    """Read and check `folder/card.json`; raises PackError, which names the file and the faulty field."""
    where = f"{folder.resolve().name}/{CARD_FILE}"
    try:
        with (folder / CARD_FILE).open("rb") as file:
            raw = file.read(CARD_BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PackError(f"{folder}: not a style, it has no {CARD_FILE}", hint="Name a style or its folder.") from error
    except OSError as error:
        raise PackError(f"{where}: cannot be read ({error.strerror})", hint="Check its permissions.") from error
    if len(raw) > CARD_BYTES_MAX:
        raise _damaged(where, f"larger than {CARD_BYTES_MAX // 1_000_000} MB")
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise _damaged(where, "not JSON") from error
    return _card_of(document, where)


def write_card(card: Card, folder: Path) -> None:
    """Write `folder/card.json` atomically.

    Raises:
        PackError: `read_card` would refuse the card.
        OSError: the file cannot be written.
    """
    text = json.dumps({"format": FORMAT, **asdict(card)}, indent=2, ensure_ascii=False, allow_nan=False)
    _card_of(json.loads(text), f"{card.name}/{CARD_FILE}")
    write_atomically(folder / CARD_FILE, f"{text}\n".encode())


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal, as in the card."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _card_of(document: object, where: str) -> Card:
    fields = _Fields(document, where)
    if (found := fields.whole("format")) > FORMAT:
        raise PackError(f"{where}: format {found}, this stylecli reads {FORMAT}", hint="Upgrade stylecli.")
    card = Card(
        name=fields.matching("name", STYLE_NAME, "a name of small letters, digits and single hyphens"),
        title=fields.text("title"),
        artist=fields.text("artist"),
        year=fields.whole("year"),
        licence=fields.text("licence"),
        source=fields.text("source"),
        photos=fields.text("photos"),
        models=tuple(_model_of(entry) for entry in fields.objects("models")),
        default=fields.text("default"),
        network=fields.text("network"),
        parameters=fields.whole("parameters"),
        recipe=fields.file("recipe"),
        loss_network=fields.text("loss_network"),
        loss_network_sha256=fields.sha256("loss_network_sha256"),
        training_device=fields.text("training_device"),
        training_seconds=fields.number("training_seconds"),
        measured=fields.mapping("measured"),
        files=_hashes_of(fields.child("files")),
        fill=fields.number("fill") if "fill" in fields.values else 0.0,
    )
    _check_models(card, where)
    return card


def _model_of(fields: _Fields) -> ModelFile:
    return ModelFile(
        variant=fields.matching("variant", STYLE_NAME, "a name of small letters, digits and single hyphens"),
        precision=fields.choice("precision", PRECISIONS),
        file=fields.file("file"),
        sha256=fields.sha256("sha256"),
        bytes=fields.whole("bytes"),
        statistics=fields.choice("statistics", STATISTICS),
        network=fields.text("network") if fields.values.get("network") else "",
        parameters=fields.whole("parameters") if "parameters" in fields.values else 0,
        weights=fields.file("weights") if fields.values.get("weights") else "",
        reach=fields.whole("reach") if "reach" in fields.values else 0,
    )


def _hashes_of(fields: _Fields) -> dict[str, str]:
    for name in fields.values:
        if not FILE_NAME.fullmatch(name) or name == CARD_FILE:
            raise _damaged(fields.where, f"files names {name!r}, which is not a plain file name beside {CARD_FILE}")
    return {name: fields.sha256(name) for name in fields.values}


def _check_models(card: Card, where: str) -> None:
    variants = [model.variant for model in card.models]
    if len(set(variants)) < len(variants):
        raise _damaged(where, "models holds a variant twice")
    if card.default not in variants:
        raise _damaged(where, f"default is {card.default!r}, but models has {', '.join(variants) or 'nothing'}")
    for model in card.models:
        if card.files.get(model.file) != model.sha256:
            raise _damaged(where, f"models and files disagree about {model.file}")
    if card.recipe not in card.files:
        raise _damaged(where, f"recipe is {card.recipe}, which files does not hold")


class _Fields:
    """Typed access to one JSON object: each method checks the field that it returns."""

    def __init__(self, document: object, where: str, inside: str = "") -> None:
        self.where = where
        self.inside = inside  # path of the object inside the card, such as "models[0]."
        if not isinstance(document, dict):
            raise _damaged(where, f"{inside.rstrip('.') or 'the card'} is not an object")
        self.values: dict[str, Any] = document

    def text(self, field: str) -> str:
        value = self._taken(field)
        # Texts are printed on terminals and in menus, so no escape sequences and no line breaks.
        if not isinstance(value, str) or not value or not value.isprintable():
            raise self._wrong(field, "one line of text")
        return value

    def matching(self, field: str, pattern: re.Pattern[str], what: str) -> str:
        value = self.text(field)
        if not pattern.fullmatch(value):
            raise self._wrong(field, what)
        return value

    def choice(self, field: str, choices: tuple[str, ...]) -> str:
        value = self.text(field)
        if value not in choices:
            raise self._wrong(field, f"one of {', '.join(choices)}")
        return value

    def file(self, field: str) -> str:
        return self.matching(field, FILE_NAME, "a plain file name")

    def sha256(self, field: str) -> str:
        return self.matching(field, SHA256, "a sha256 of 64 small hexadecimal digits")

    def whole(self, field: str) -> int:
        value = self._taken(field)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(field, "a whole number")
        return value

    def number(self, field: str) -> float:
        value = self._taken(field)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
            raise self._wrong(field, "a number from 0 up")
        return float(value)

    def mapping(self, field: str) -> dict[str, Any]:
        values = self.child(field).values
        if not all(key.isprintable() for key in values):
            raise self._wrong(field, "an object with plain keys")
        return values

    def child(self, field: str) -> _Fields:
        return _Fields(self._taken(field), self.where, f"{self.inside}{field}.")

    def objects(self, field: str) -> list[_Fields]:
        value = self._taken(field)
        if not isinstance(value, list):
            raise self._wrong(field, "a list")
        return [_Fields(entry, self.where, f"{self.inside}{field}[{index}].") for index, entry in enumerate(value)]

    def _taken(self, field: str) -> object:
        try:
            return self.values[field]
        except KeyError:
            raise _damaged(self.where, f"{self.inside}{field} is missing") from None

    def _wrong(self, field: str, wanted: str) -> PackError:
        found = json.dumps(self.values[field])
        short = found if len(found) <= 60 else f"{found[:57]}..."
        return _damaged(self.where, f"{self.inside}{field} is {short}, not {wanted}")


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")  # NaN and Infinity are extensions of Python


def _damaged(where: str, fault: str) -> PackError:
    return PackError(f"{where}: {fault}", hint="Get the style again from where it came.")
