"""Optical flow: reading .flo files and warping a later frame back to an earlier one.

A flow is (H, W, 2) float32: how many pixels each pixel moves right and down until the next frame.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from stylecli.core.errors import MediaError

MAGIC = np.float32(202021.25)  # the first four bytes of a .flo file, which reveal its byte order (Baker et al. 2011)
HEADER_BYTES = 12  # the magic number, the width, the height
UNKNOWN_FLOW = 1e9  # pixels: this much or more means "not known" (Baker et al. 2011)


def read_flow(path: Path) -> NDArray[np.float32]:
    """Read a .flo file as (H, W, 2) float32, NaN where the flow is not known.

    Raises:
        MediaError: the file is missing, truncated or not a flow.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise MediaError(f"{path}: {error.strerror}", hint="Give a folder in the layout of MPI-Sintel.") from error
    if len(data) < HEADER_BYTES or np.frombuffer(data, "<f4", 1)[0] != MAGIC:
        raise MediaError(f"{path}: not a flow file", hint="Flow files (.flo) begin with PIEH.")
    width, height = (int(side) for side in np.frombuffer(data, "<i4", 2, offset=4))
    if min(width, height) < 1 or len(data) != HEADER_BYTES + 8 * width * height:
        raise MediaError(
            f"{path}: {len(data)} bytes, which is not the size of a flow of {width} x {height}", hint="Copy it again."
        )
    flow = np.frombuffer(data, "<f4", offset=HEADER_BYTES).reshape(height, width, 2).astype(np.float32)
    flow[(np.abs(flow) >= UNKNOWN_FLOW).any(2)] = np.nan
    return flow


def stays_inside(flow: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which pixels (H, W) move to a known position inside the next frame."""
    height, width = flow.shape[:2]
    x, y = np.arange(width) + flow[..., 0], np.arange(height)[:, None] + flow[..., 1]
    inside: NDArray[np.bool_] = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)  # False for NaN
    return inside


def warp_back(later: NDArray[np.float32], flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """Warp the next frame (H, W, 3) back along the flow, bilinearly. Pixels that left the frame are arbitrary."""
    height, width = flow.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    places = np.nan_to_num(np.stack([x + flow[..., 0], y + flow[..., 1]], axis=-1))
    return sample(later, places, mode="bilinear")


def sample(picture: NDArray[np.float32], places: NDArray[np.float32], *, mode: str) -> NDArray[np.float32]:
    """Sample a picture (H, W, 3) at positions (h, w, 2), in pixels from the centre of the first pixel.

    Args:
        picture: the picture, (H, W, 3).
        places: x and y of each sample, (h, w, 2). Positions outside take the nearest border pixel.
        mode: "bilinear" or "bicubic".

    Returns:
        (h, w, 3) float32.
    """
    height, width = picture.shape[:2]
    scale = np.array([2 / max(1, width - 1), 2 / max(1, height - 1)], np.float32)
    grid = torch.from_numpy(places * scale - 1)[None]
    source = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
    sampled = F.grid_sample(source, grid, mode=mode, padding_mode="border", align_corners=True)
    return sampled[0].permute(1, 2, 0).contiguous().numpy()
