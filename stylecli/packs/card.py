"""The model card: `card.json` of a style, read, checked and written.

A card may come from a stranger, so every value is checked: types, ranges, plain file names, texts of one printable
line. Unknown keys are ignored.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import PackError
from stylecli.core.files import name_of_place, write_atomically
from stylecli.packs.card_fields import FILE_NAME, CardFields, damaged

FORMAT = 1
CARD_FILE = "card.json"
CARD_BYTES_MAX = 1_000_000  # a card holds a page of text; anything larger is not a card

PRECISIONS = ("fp32", "fp16", "int8")
STATISTICS = ("live", "patches", "frozen")

# A style's name becomes a folder, a menu entry and a part of file names.
STYLE_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


STYLE_WEIGHTS = "weights.safetensors"  # of the network that the card tells of


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

    @property
    def is_own(self) -> bool:
        """Whether this is the network that the card tells of, in any precision, and none that was trained apart."""
        return self.weights in ("", STYLE_WEIGHTS)


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
    detail: float = 0.0  # fine strokes where the photo has detail, likewise; of the style's own network alone
    flow: float = 0.0  # how far strokes are drawn out along the shapes, unless a look says otherwise


def read_card(folder: Path) -> Card:
    """Read and check `folder/card.json`; raises PackError, which names the file and the faulty field."""
    where = f"{name_of_place(folder)}/{CARD_FILE}"
    try:
        with (folder / CARD_FILE).open("rb") as file:
            raw = file.read(CARD_BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise PackError(f"{folder}: not a style, it has no {CARD_FILE}", hint="Name a style or its folder.") from error
    except OSError as error:
        raise PackError(f"{where}: cannot be read ({error.strerror})", hint="Check its permissions.") from error
    if len(raw) > CARD_BYTES_MAX:
        raise damaged(where, f"larger than {CARD_BYTES_MAX // 1_000_000} MB")
    try:
        document = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of nested brackets
        raise damaged(where, "not JSON") from error
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
    fields = CardFields(document, where)
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
        detail=fields.number("detail") if "detail" in fields.values else 0.0,
        flow=fields.number("flow") if "flow" in fields.values else 0.0,
    )
    _check_models(card, where)
    return card


def _model_of(fields: CardFields) -> ModelFile:
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


def _hashes_of(fields: CardFields) -> dict[str, str]:
    for name in fields.values:
        if not FILE_NAME.fullmatch(name) or name == CARD_FILE:
            raise damaged(fields.where, f"files names {name!r}, which is not a plain file name beside {CARD_FILE}")
    return {name: fields.sha256(name) for name in fields.values}


def _check_models(card: Card, where: str) -> None:
    variants = [model.variant for model in card.models]
    if len(set(variants)) < len(variants):
        raise damaged(where, "models holds a variant twice")
    if card.default not in variants:
        raise damaged(where, f"default is {card.default!r}, but models has {', '.join(variants) or 'nothing'}")
    for model in card.models:
        if card.files.get(model.file) != model.sha256:
            raise damaged(where, f"models and files disagree about {model.file}")
    if card.recipe not in card.files:
        raise damaged(where, f"recipe is {card.recipe}, which files does not hold")


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")  # NaN and Infinity are extensions of Python
