"""Where the colours of an EXR file stand: its parts, layers and views, and which of them are painted."""

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
class Place:
    """Colours in a file: a part, and what the names of their channels begin with.

    names: by which a user may ask for it: its layer, its part, its view. view: such as "left"; empty: there is one.
    """

    part: Any
    prefix: str
    names: tuple[str, ...]
    view: str = ""

    def channel(self, key: str) -> Any:
        """The channel of a colour, such as "R"."""
        return self.part.channels[self.prefix + key]

    @property
    def alpha(self) -> Floats | None:
        """The layer's own alpha, or that of the part."""
        for name in (self.prefix + ALPHA, ALPHA):
            if name in self.part.channels:
                alpha: Floats = self.part.channels[name].pixels.astype(np.float32)
                return alpha
        return None


def places_to_paint(file: Any, name: str, layer: str) -> tuple[list[Place], list[str]]:
    """The colours that are painted, and the names of pictures of their own that are not.

    layer: of that name, or the part or the view of that name. Empty: the main one, in all of its views. The main one is
    named as `MAIN` says, or has no name, or is the first. `name` is for messages.

    Raises:
        MediaError: there is none.
    """
    places = list(_places_in(file))
    if layer:
        wanted = [place for place in places if layer in place.names]
        if wanted:
            return wanted[:1], []
        known = sorted({one for place in places for one in place.names})
        if known:
            raise MediaError(
                f"{name}: it has no layer {layer} with R, G and B", hint=f"Its layers: {', '.join(known)}."
            )
    if not places:
        found = ", ".join(key for part in file.parts for key in part.channels) or "none"
        raise MediaError(f"{name}: it has no channels R, G and B, but {found}", hint="Give the file of the colours.")
    first = min(places, key=lambda place: (not _is_main(place), bool(place.prefix)))
    views = [place for place in places if first.view and place.view and _is_same_layer(place, first)]
    painted = [first, *(place for place in views if place is not first)]
    others = [place.names[0] for place in places if not place.prefix and place not in painted and place.names]
    return painted, others


def _places_in(file: Any) -> Iterator[Place]:
    """All colours of a file."""
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
                yield Place(part, prefix, names, own_view)


def _view_of(layer: str, views: list[str]) -> str:
    """The view of channels in a part with several: the last word of their layer, or the first view without a layer."""
    last = layer.rpartition(".")[2]
    return last if last in views else "" if layer else views[0]


def _is_main(place: Place) -> bool:
    words = [word for name in place.names for word in name.lower().split(".")]
    return any(word in MAIN for word in words)


def _is_same_layer(one: Place, other: Place) -> bool:
    """Whether two places are views of the same thing: their names differ in the view alone."""
    return _without_view(one) == _without_view(other)


def _without_view(place: Place) -> tuple[str, ...]:
    words = [place.prefix, str(place.part.header.get("name", ""))]
    return tuple(word.replace(place.view, "").strip(". _-") for word in words)
