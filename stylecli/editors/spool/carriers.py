"""Picture files that carry raw samples, for hosts that write files faster than bytes: OpenEXR and PNG.

The numbers in the file are the host's own, as in a job of raw pixels: no profile, no premultiplication is read into
them. What comes back is a file of the same kind, size and sample type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from stylecli.core.errors import MediaError
from stylecli.editors.spool.exr import pixels_of_exr, read_exr, write_exr

Carrier = Literal["exr", "png"]
CARRIERS: tuple[Carrier, ...] = get_args(Carrier)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Samples = NDArray[Any]  # (H, W, 4)
Encode = Callable[[Samples], bytes | memoryview]  # samples as a file like the one that was read


def read_samples(data: bytes, carrier: Carrier, name: str) -> tuple[Samples, Encode]:
    """The samples (H, W, 4) of a file, and a function that makes a file of others. A missing alpha is 1.

    Raises:
        MediaError: it is damaged, or has no R, G and B.
    """
    try:
        if carrier == "png":
            return _read_png(data)
        frame = read_exr(data)
    except Exception as error:  # both libraries raise many kinds
        reason = str(error).strip().splitlines()[-1:] or ["it is empty"]
        hint = "The host wrote it wrong; raw samples work in every host."
        raise MediaError(f"{name}: it cannot be read as {carrier} ({reason[0]})", hint=hint) from error
    return frame.samples, lambda samples: write_exr(samples, frame)


def pixels_of(data: bytes, carrier: Carrier) -> tuple[bytes | memoryview, ...]:
    """The parts of a file that say what its pixels are; equal parts are equal pixels."""
    return pixels_of_exr(data) if carrier == "exr" else tuple(_critical_chunks(data))


def _critical_chunks(data: bytes) -> Iterator[bytes | memoryview]:
    """The chunks of a PNG file whose names begin with a capital letter; all of what is none."""
    if not data.startswith(PNG_SIGNATURE):
        yield data
        return
    place = len(PNG_SIGNATURE)
    while place < len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 5].isupper():
            yield memoryview(data)[place:end]
        place = end


def _read_png(data: bytes) -> tuple[Samples, Encode]:
    import pyvips  # a native library that only files of this kind need

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
