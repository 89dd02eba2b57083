"""Picture files that carry raw samples, for hosts that write files faster than bytes: OpenEXR and PNG.

The numbers in the file are the host's own, as in a job of raw pixels: no profile, no premultiplication is read into
them. What comes back is a file of the same kind, size and sample type.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError

Carrier = Literal["exr", "png"]
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
CHANNELS = ("R", "G", "B", "A")

Samples = NDArray[Any]  # (H, W, 4)
Encode = Callable[[Samples], bytes]  # samples like those that were read, as a file like the one that was read


def read_samples(data: bytes, carrier: Carrier, name: str) -> tuple[Samples, Encode]:
    """The samples (H, W, 4) of a file, and a function that makes a file of others. A missing alpha is 1.

    Raises:
        MediaError: it is damaged, or has no R, G and B.
    """
    try:
        return _read_exr(data) if carrier == "exr" else _read_png(data)
    except Exception as error:  # both libraries raise many kinds
        reason = str(error).strip().splitlines()[-1:] or ["it is empty"]
        hint = "The host wrote it wrong; raw samples work in every host."
        raise MediaError(f"{name}: it cannot be read as {carrier} ({reason[0]})", hint=hint) from error


def _read_exr(data: bytes) -> tuple[Samples, Encode]:
    import io

    OpenEXR = _openexr()  # noqa: N806  # the module's own name
    file = OpenEXR.File(io.BytesIO(data), separate_channels=True)
    channels = file.parts[0].channels
    colors = [channels[key].pixels for key in CHANNELS[:3]]
    has_alpha = CHANNELS[3] in channels
    planes = [*colors, channels[CHANNELS[3]].pixels if has_alpha else np.ones_like(colors[0])]

    def encode(samples: Samples) -> bytes:
        for place, key in enumerate(CHANNELS[: 4 if has_alpha else 3]):
            channels[key].pixels = np.ascontiguousarray(samples[..., place].astype(channels[key].pixels.dtype))
        file.parts[0].header["compression"] = OpenEXR.NO_COMPRESSION  # it is read once, at once
        target = io.BytesIO()
        file.write(target)
        return target.getvalue()

    return np.stack(planes, axis=-1), encode


@lru_cache(maxsize=1)
def _openexr() -> Any:
    """The library, told to use all cores: a 720p frame of half floats takes it 25 ms on one."""
    import OpenEXR

    if hasattr(OpenEXR, "set_global_thread_count"):  # since OpenEXR 3.5
        OpenEXR.set_global_thread_count(os.cpu_count() or 1)
    return OpenEXR


def _read_png(data: bytes) -> tuple[Samples, Encode]:
    import pyvips

    image = pyvips.Image.new_from_buffer(data, "", fail_on="error")
    samples = image.numpy()
    if samples.ndim != 3 or samples.shape[2] not in (3, 4):
        raise ValueError(f"it has {1 if samples.ndim == 2 else samples.shape[2]} channels")
    bands = samples.shape[2]
    if bands == 3:
        opaque = np.full((*samples.shape[:2], 1), np.iinfo(samples.dtype).max, samples.dtype)
        samples = np.concatenate([samples, opaque], axis=-1)

    def encode(painted: Samples) -> bytes:
        kind = "rgb16" if painted.dtype.itemsize == 2 else "srgb"
        plain = np.ascontiguousarray(painted[..., :bands])
        encoded: bytes = pyvips.Image.new_from_array(plain, interpretation=kind).write_to_buffer(
            ".png", compression=1, strip=True
        )
        return encoded

    return np.ascontiguousarray(samples), encode
