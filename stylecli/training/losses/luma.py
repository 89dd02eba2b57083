"""The luma of pictures as tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from stylecli.media.pixels import LUMA


def luma(image: Tensor) -> Tensor:
    """Return the luma Y = 0.2126 R + 0.7152 G + 0.0722 B (ITU-R BT.709), (N, 1, H, W), of pictures (N, 3, H, W)."""
    return torch.einsum("nchw,c->nhw", image, torch.from_numpy(LUMA).to(image.device))[:, None]
