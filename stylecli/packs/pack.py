"""A style pack: one folder, opened and checked."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylecli.core.errors import MediaError, PackError, UsageError
from stylecli.packs.card import CARD_FILE, Card, ModelFile, read_card, write_card
from stylecli.packs.safety import MODEL_BYTES_MAX

PREVIEW_FILE = "preview.jpg"


@dataclass(frozen=True)
class StylePack:
    """A style: its folder, its card, and the variant to use. `model_bytes` checks a network when it reads it."""

    folder: Path
    card: Card
    variant: str | None = None  # None: the card's default

    @property
    def name(self) -> str:
        """The style's name, as in `-s great-wave`."""
        return self.card.name

    @property
    def preview(self) -> Path:
        """The file of a small example picture; not every pack has one."""
        return self.folder / PREVIEW_FILE

    @property
    def is_stored(self) -> bool:
        """Whether `folder` holds this style's own files. A blend has none."""
        return True

    def model(self, variant: str | None = None) -> ModelFile:
        """Return the entry of a variant, by default the pack's own; raises PackError if there is no such variant."""
        wanted = variant or self.variant or self.card.default
        for model in self.card.models:
            if model.variant == wanted:
                return model
        offered = ", ".join(model.variant for model in self.card.models)
        raise PackError(f"{self.name}: has no variant {wanted}", hint=f"It has: {offered}.")

    def model_bytes(self, variant: str | None = None) -> bytes:
        """Read a variant's ONNX file and check the sha256 of these bytes; raises PackError."""
        model = self.model(variant)
        where = f"{self.name}/{model.file}"
        hint = f"Get the style again; `stylecli styles check {self.name}` tells more."
        try:
            with (self.folder / model.file).open("rb") as file:
                content = file.read(MODEL_BYTES_MAX + 1)
        except OSError as error:
            raise PackError(f"{where}: cannot be read ({error.strerror})", hint=hint) from error
        if len(content) > MODEL_BYTES_MAX:
            raise PackError(f"{where}: larger than any model may be", hint=hint)
        if hashlib.sha256(content).hexdigest() != model.sha256:
            raise PackError(f"{where}: not the file that {CARD_FILE} describes (its sha256 differs)", hint=hint)
        return content


def open_pack(folder: Path) -> StylePack:
    """Open the style pack in a folder; raises PackError."""
    return StylePack(folder, read_card(folder))


def refuse_blends(packs: Sequence[StylePack]) -> None:
    """Raise UsageError if one of the packs is a blend, which has no files of its own."""
    for pack in packs:
        if not pack.is_stored:
            raise UsageError(f"{pack.name}: a blend has no files of its own", hint="Name one of its styles.")


def topic_of(pack: StylePack, topic: str) -> str:
    """Return the topic under which the card keeps numbers of the pack's variant, such as "quality of int8"."""
    return f"{topic} of {pack.variant}" if pack.variant else topic


def record_measurement(pack: StylePack, topic: str, numbers: Mapping[str, Any]) -> None:
    """Write measured numbers into a style's card under a topic; other topics stay.

    Raises:
        UsageError: the pack is a blend, which has no card of its own.
        MediaError: the card cannot be written.
    """
    refuse_blends([pack])
    card = read_card(pack.folder)  # again: another topic may have been written since the pack was opened
    try:
        write_card(dataclasses.replace(card, measured={**card.measured, topic: dict(numbers)}), pack.folder)
    except OSError as error:
        raise MediaError(f"{pack.folder}: {error.strerror}", hint="Only styles that you may write to.") from error
