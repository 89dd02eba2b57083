"""The colour layers of an EXR file: in which parts, layers and views R, G and B are, and which of them are painted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from stylecli.core.errors import MediaError
from stylecli.media.pixels import Floats

COLORS = ("R", "G", "B")
ALPHA = "A"
# How renderers call what a viewer is to see, in lower case; the other layers are its ingredients.
MAIN = ("beauty", "combined", "composite", "rgba", "rgb", "main")


@dataclass(frozen=True)
class ColorLayer:
    """The channels R, G and B of a file that belong together: their part, and the prefix of their names.

    names: by which a user may ask for it: its layer, its part, its view. view: such as "left"; empty: there is one.
    """

    part: Any
    prefix: str
    names: tuple[str, ...]
    view: str = ""

    def channel(self, key: str) -> Any:
        """Return the channel of a colour, such as "R"."""
        return self.part.channels[self.prefix + key]

    @property
    def alpha(self) -> Floats | None:
        """The layer's own alpha, or that of the part."""
        for name in (self.prefix + ALPHA, ALPHA):
            if name in self.part.channels:
                alpha: Floats = self.part.channels[name].pixels.astype(np.float32)
                return alpha
        return None


def layers_to_paint(file: Any, name: str, layer: str) -> tuple[list[ColorLayer], list[str]]:
    """Return the layers that are painted, and the names of other pictures in the file, which are not.

    layer: of that name, or the part or the view of that name. Empty: the main one, in all of its views. The main one is
    named as `MAIN` says, or has no name, or is the first. `name` is for messages.

    Raises:
        MediaError: there is none.
    """
    layers = list(_layers_in(file))
    if layer:
        wanted = [one for one in layers if layer in one.names]
        if wanted:
            return wanted[:1], []
        known = sorted({own for one in layers for own in one.names})
        if known:
            raise MediaError(
                f"{name}: it has no layer {layer} with R, G and B", hint=f"Its layers: {', '.join(known)}."
            )
    if not layers:
        found = ", ".join(key for part in file.parts for key in part.channels) or "none"
        raise MediaError(f"{name}: it has no channels R, G and B, but {found}", hint="Give the file of the colours.")
    first = min(layers, key=lambda one: (not _is_main(one), bool(one.prefix)))
    views = [one for one in layers if first.view and one.view and _is_same_layer(one, first)]
    painted = [first, *(one for one in views if one is not first)]
    others = [one.names[0] for one in layers if not one.prefix and one not in painted and one.names]
    return painted, others


def _layers_in(file: Any) -> Iterator[ColorLayer]:
    """Yield all colour layers of a file."""
    is_multipart = len(file.parts) > 1
    for part in file.parts:
        views = [str(view) for view in part.header.get("multiView", ())]
        name, view = str(part.header.get("name", "")) if is_multipart else "", str(part.header.get("view", ""))
        for key in part.channels:
            prefix = key.removesuffix(COLORS[0])
            is_layer = key.endswith(COLORS[0]) and (not prefix or prefix.endswith("."))
            if is_layer and all(prefix + color in part.channels for color in COLORS):
                layer = prefix.removesuffix(".")
                own_view = view or (_view_of(layer, views) if views else "")
                names = tuple(dict.fromkeys(filter(None, (layer, name, own_view) if not layer else (layer, own_view))))
                yield ColorLayer(part, prefix, names, own_view)


def _view_of(layer: str, views: list[str]) -> str:
    """Return the view of channels in a part with several: the last word of their layer; without one, the first view."""
    last = layer.rpartition(".")[2]
    return last if last in views else "" if layer else views[0]


def _is_main(layer: ColorLayer) -> bool:
    words = [word for name in layer.names for word in name.lower().split(".")]
    return any(word in MAIN for word in words)


def _is_same_layer(one: ColorLayer, other: ColorLayer) -> bool:
    """Whether two layers are views of the same thing: their names differ in the view alone."""
    return _without_view(one) == _without_view(other)


def _without_view(layer: ColorLayer) -> tuple[str, ...]:
    words = [layer.prefix, str(layer.part.header.get("name", ""))]
    return tuple(word.replace(layer.view, "").strip(". _-") for word in words)
