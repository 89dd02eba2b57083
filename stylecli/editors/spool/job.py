"""What a client asks of the spool's worker: one JSON object, every key and type checked."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

from stylecli.core.errors import UsageError
from stylecli.editors.layout import Layout
from stylecli.editors.spool.carriers import CARRIERS, Carrier
from stylecli.editors.spool.protocol import IDENTIFIER, PROTOCOLS
from stylecli.stylize.look import AUTO_SHORT_SIDE, BRUSH_RANGE, Brush, Look

FILE = "file"  # the `pixel` of a job whose picture is a file such as PNG, TIFF or EXR
KEYS: dict[str, type | tuple[type, ...]] = {
    "protocol": int,
    "style": str,
    "variant": str,
    "input": str,
    "output": str,
    "width": int,
    "height": int,
    "pixel": str,
    "color": str,
    "alpha": str,
    "strength": (int, float),
    "preserve_color": bool,
    "brush": (str, int, float),
}
NEWER_KEYS: dict[str, type | tuple[type, ...]] = {  # of protocol 2
    "scene": str,
    "cache": str,
    "probe": list,
    "proxy": (int, float),
}
PROBE_MAX = 16  # pixels
Cache = Literal["off", "use", "only"]
Probe = tuple[tuple[int, int, float, float, float, float], ...]  # x, y from the top left corner; R, G, B, A
RESERVED = ("tmp", "job", "run", "answer", "done", "err", "cancel", "progress", "tries", "part")


@dataclass(frozen=True)
class SpoolJob:
    """One picture to be made.

    layout: how the raw pixels lie; None for a picture file. carrier: the kind of file that carries them; None for
    bytes. scene: pictures with the same scene share their statistics. cache: whether an earlier answer is as good, or
    the only one that is wanted. probe: pixels by which both sides check that they see the same picture.
    """

    style: str
    variant: str | None
    input: str
    output: str
    layout: Layout | None
    look: Look
    carrier: Carrier | None = None
    scene: str = ""
    cache: Cache = "off"
    probe: Probe = ()


def parse_job(text: bytes, identifier: str) -> SpoolJob:
    """Read a job; `identifier` is the name of its files up to the dot.

    Raises:
        UsageError: it is no JSON, of another protocol, has unknown keys, wrong values, or a file outside the folder.
    """
    values = _values(text)
    protocol = values.get("protocol")
    if protocol not in PROTOCOLS or isinstance(protocol, bool):
        raise UsageError(
            f"protocol {protocol}: this worker speaks {' and '.join(map(str, PROTOCOLS))}",
            hint="Install the plug-in again, so that it and stylecli are of one version: stylecli plugins install.",
        )
    keys = KEYS if protocol == 1 else {**KEYS, **NEWER_KEYS}
    for key, value in values.items():
        if key not in keys:
            raise UsageError(f"{key}: no such key", hint=f"A job of protocol {protocol} has {', '.join(keys)}.")
        if not isinstance(value, keys[key]) or (isinstance(value, bool) and keys[key] is not bool):
            raise UsageError(f"{key}: {value!r} is of the wrong type", hint="docs/editors.md shows a job.")
    if "style" not in values:
        raise UsageError("style: is missing", hint="docs/editors.md shows a job.")
    carrier = values["pixel"] if protocol != 1 and values.get("pixel") in CARRIERS else None
    layout = None if values.get("pixel") == FILE else _layout({**values, "pixel": "rgba32f"} if carrier else values)
    look = Look(
        strength=values.get("strength", 1.0),
        preserve_color=values.get("preserve_color", False),
        brush=_brush(values.get("brush", "auto")),
    )
    return SpoolJob(
        style=values["style"],
        variant=values.get("variant"),
        input=_own_file(values.get("input", f"{identifier}.in"), identifier),
        output=_own_file(values.get("output", f"{identifier}.out"), identifier),
        layout=layout,
        look=replace(look, brush=_proxy_brush(look.brush, values.get("proxy", 1), layout)),
        carrier=carrier,
        scene=_scene(values.get("scene", "")),
        cache=_cache(values.get("cache", "off")),
        probe=_probe(values.get("probe", [])),
    )


def _values(text: bytes) -> dict[str, Any]:
    try:
        values = json.loads(text)
    except ValueError as error:  # also what is no UTF-8
        raise UsageError(f"the job is no JSON ({error})", hint="Write ID.tmp to its end, then rename it.") from error
    if not isinstance(values, dict):
        raise UsageError("the job is no JSON object", hint="docs/editors.md shows a job.")
    return values


def _layout(values: dict[str, Any]) -> Layout:
    if missing := [key for key in ("width", "height") if key not in values]:
        raise UsageError(f"{missing[0]}: is missing", hint="Raw pixels need width and height.")
    return Layout(**{key: values[key] for key in ("width", "height", "pixel", "color", "alpha") if key in values})


def _own_file(name: str, identifier: str) -> str:
    """A job's files are in the folder and have its identifier: no job touches what is not its own."""
    pattern = rf"{re.escape(identifier)}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9]+)?"
    if not re.fullmatch(pattern, name) or name.rpartition(".")[2] in RESERVED:
        raise UsageError(f"{name}: not a name for a file of this job", hint=f"Use {identifier}.in, {identifier}.png.")
    return name


def _brush(value: str | float) -> Brush:
    if isinstance(value, str) and value not in ("auto", "native"):
        raise UsageError(f"brush {value!r}: no such brush", hint="Give auto, native or a number.")
    return cast("Brush", value)


def _proxy_brush(brush: Brush, proxy: float, layout: Layout | None) -> Brush:
    """The stroke size for a picture of `proxy` times the size of its original, so that both look alike."""
    if not 0 < proxy <= 1 or (proxy < 1 and layout is None):
        raise UsageError(f"proxy {proxy:g}: out of range", hint="Give raw pixels and a share above 0, at most 1.")
    if proxy == 1 or layout is None:
        return brush
    if brush == "auto":
        size = max(1.0, min(layout.width, layout.height) / proxy / AUTO_SHORT_SIDE)
    else:
        size = 1.0 if brush == "native" else brush
    low, high = BRUSH_RANGE
    return min(high, max(low, proxy * size))


def _scene(value: str) -> str:
    if value and not IDENTIFIER.fullmatch(value):
        raise UsageError(f"scene {value!r}: no name for a scene", hint="Give 1 to 64 letters, digits, - and _.")
    return value


def _cache(value: str) -> Cache:
    if value not in get_args(Cache):
        raise UsageError(f"cache {value!r}: no such choice", hint=f"Give {', '.join(get_args(Cache))}.")
    return cast("Cache", value)


def _probe(values: list[Any]) -> Probe:
    """Pixels as [x, y, R, G, B, A]."""
    is_right = all(
        isinstance(pixel, list)
        and len(pixel) == 6
        and all(isinstance(number, int | float) and not isinstance(number, bool) for number in pixel)
        and all(isinstance(place, int) and place >= 0 for place in pixel[:2])
        for pixel in values
    )
    if not is_right or len(values) > PROBE_MAX:
        raise UsageError("probe: no list of pixels", hint=f"Give at most {PROBE_MAX} lists of x, y, R, G, B, A.")
    return tuple(cast("Probe", (tuple(pixel) for pixel in values)))
