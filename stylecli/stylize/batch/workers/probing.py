"""What a plan asks of a worker: the sizes of inputs, and how fast a network is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylecli.stylize.batch.workers.requests import look_of, span_of

if TYPE_CHECKING:
    from stylecli.inference.engine import Engine

SPOT = 32  # pixels


def size_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Size and number of frames or pages of an input; most are not decoded for it."""
    source, output = Path(request["input"]), Path(request["output"])
    if request["probes"] == "video":
        from stylecli.media.video.clip import probe

        clip = probe(source)
        frames = clip.frames(span_of(request["range"])) or 0
        return {"width": clip.width, "height": clip.height, "frames": frames}
    import pyvips

    from stylecli.media.images.codec import writable_format
    from stylecli.media.images.files import read_picture

    try:
        image = pyvips.Image.new_from_file(str(source))
    except pyvips.Error:  # damaged, or a format that libvips does not read
        height, width = read_picture(source).pixels.shape[:2]
        return {"width": width, "height": height, "frames": 1}
    is_one = request["page"] or writable_format(output.suffix, str(output)).several is None
    return {"width": image.width, "height": image.height, "frames": 1 if is_one else image.get_n_pages()}


def speed_of(engine: Engine, request: Mapping[str, Any]) -> dict[str, Any]:
    """Seconds that a frame takes of a size, once the network is warm. It is grey with a white spot: there is detail."""
    import numpy as np

    from stylecli.stylize.painting import paint

    height, width = request["height"], request["width"]
    frame, look = np.full((height, width, 3), 128, np.uint8), look_of(request).of_frames()
    frame[height // 2 :, width // 2 :][:SPOT, :SPOT] = 255
    paint(engine, frame[:64, :64], look)
    started = time.monotonic()
    paint(engine, frame, look)
    return {"painting": time.monotonic() - started, "device": engine.device}
