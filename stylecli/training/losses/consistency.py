"""The consistency loss: two frames that differ only by motion, light and noise must give consistent pictures.

The second frame is made from the first, so the motion is known exactly, and no video or optical flow is needed. After
the transform invariance ||f(T(x)) - T(f(x))||² of Eilertsen et al. 2019 (Single-frame Regularization for Temporally
Stable CNNs) and the noise of Zheng et al. 2016 (Stability Training).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylecli.training.losses.luma import luma
from stylecli.training.losses.sampling import seeded_generator

SHIFT_MAX = 4.0  # pixels in each direction: the stride of the networks, so that all positions on their grids occur
ZOOM_MAX = 0.01  # largest change of the picture's size
LIGHT_MAX = 0.04  # largest change of brightness at each end: a light that moves, a camera that adapts
NOISE_MAX = 4 / 255  # largest standard deviation; two levels of 8 bits are hardly visible
BORDER = 8  # pixels at the border that are not compared: their content moved in from outside


@dataclass(frozen=True)
class Motion:
    """Zoom and shift of each picture of a batch: the pixel at p from the centre is taken from p / zoom + shift.

    zoom: (N,), 1 for none. shift: (N, 2), pixels to the right and down.
    """

    zoom: Tensor
    shift: Tensor

    def halved(self) -> Motion:
        """Return the motion that, applied twice, gives this one."""
        zoom = self.zoom.sqrt()
        return Motion(zoom, self.shift / (1 + 1 / zoom)[:, None])

    def inverted(self) -> Motion:
        """Return the inverse motion."""
        return Motion(1 / self.zoom, -self.shift * self.zoom[:, None])


@dataclass(frozen=True)
class Change:
    """The change from a frame to the next: motion, `light` (N, 3) as in `lit`, `noise` in the shape of the pictures."""

    motion: Motion
    light: Tensor
    noise: Tensor


def draw_change(image: Tensor, seed: str) -> Change:
    """Draw a random change for pictures (N, 3, H, W), determined by the seed."""
    generator = seeded_generator(seed)

    def even(*shape: int) -> Tensor:
        """Draw uniformly from -1..1."""
        return 2 * torch.rand(shape, generator=generator) - 1

    count = len(image)
    sigma = NOISE_MAX * torch.rand(count, 1, 1, 1, generator=generator)
    noise = sigma * torch.randn(image.shape, generator=generator)
    motion = Motion((1 + ZOOM_MAX * even(count)).to(image.device), (SHIFT_MAX * even(count, 2)).to(image.device))
    return Change(motion, (LIGHT_MAX * even(count, 3)).to(image.device), noise.to(image.device))


def moved(image: Tensor, motion: Motion) -> Tensor:
    """Move pictures (N, 3, H, W) by bicubic interpolation; pixels from outside repeat the border."""
    height, width = image.shape[-2:]
    rows = _weights(height, motion.zoom, motion.shift[:, 1])
    columns = _weights(width, motion.zoom, motion.shift[:, 0])
    return torch.einsum("nchw,nyh,nxw->ncyx", image, rows, columns)


def lit(image: Tensor, light: Tensor) -> Tensor:
    """Multiply pictures (N, 3, H, W) by 1 + a + b x + c y, with a, b, c in `light` (N, 3) and x, y in -1..1."""
    height, width = image.shape[-2:]
    a, b, c = light[..., None, None, None].unbind(1)  # (N, 1, 1, 1) each
    x = torch.linspace(-1, 1, width, device=image.device)
    y = torch.linspace(-1, 1, height, device=image.device)[:, None]
    return (image * (1 + a + b * x + c * y)).clamp(0, 1)


def consistency_loss(stylized: Tensor, stylized_next: Tensor, motion: Motion, change_of_light: Tensor) -> Tensor:
    """Compare the stylized pictures of two frames, except for their motion and change of light; a scalar >= 0.

    mean (O_t+1 - warp(O_t) - (Y_t+1 - warp(Y_t)))² over pixels and channels: the output-level temporal loss of ReCoNet
    (Gao et al. 2018) with its luminance constraint, so that strokes may follow the light. O are the stylized pictures
    (N, 3, H, W), Y the luma of the frames.

    A departure: both pictures are moved by half the motion. Moving by a part of a pixel blurs; if only one picture
    were moved, the loss would reward blurred pictures.

    Args:
        stylized: O_t.
        stylized_next: O_t+1.
        motion: from a frame to the next, which `warp` follows.
        change_of_light: Y_t+1 - warp(Y_t), (N, 1, H, W), at the position of the next frame.
    """
    half = motion.halved()
    earlier = moved(stylized, half)
    later = moved(stylized_next - change_of_light, half.inverted())
    return (later - earlier)[..., BORDER:-BORDER, BORDER:-BORDER].square().mean()


def consistency(network: nn.Module, image: Tensor, stylized: Tensor, seed: str) -> Tensor:
    """Compute the consistency loss of a network f on pictures x; a scalar >= 0.

    The next frame is y = clip(lit(moved(x)) + noise) with a random `Change`; f(x) and f(y) are compared by
    `consistency_loss`.

    Args:
        network: the style network f.
        image: x, (N, 3, H, W), RGB in 0..1.
        stylized: f(x).
        seed: determines the change.
    """
    with torch.autocast(image.device.type, enabled=False):  # bfloat16 is too coarse for moving pictures
        change = draw_change(image, seed)
        after_motion = moved(image, change.motion).clamp(0, 1)
        after_light = lit(after_motion, change.light)
        change_of_light = luma(after_light) - luma(after_motion)
        following = (after_light + change.noise).clamp(0, 1)
    stylized_next = network(following.contiguous(memory_format=torch.channels_last))
    with torch.autocast(image.device.type, enabled=False):
        return consistency_loss(stylized.float(), stylized_next.float(), change.motion, change_of_light)


def _weights(size: int, zoom: Tensor, shift: Tensor) -> Tensor:
    """Return the interpolation weights (N, size, size) of the pixels of a row for each pixel of the moved row.

    The cubic kernel of Keys 1981 with a = -1/2, which moves ramps exactly; PyTorch's has a = -3/4 and does not.
    """
    pixels = torch.arange(size, device=zoom.device)
    centre = (size - 1) / 2
    places = ((pixels - centre) / zoom[:, None] + centre + shift[:, None]).clamp(0, size - 1)  # (N, size)
    d = (places[..., None] - pixels).abs()
    near, far = (1.5 * d - 2.5) * d**2 + 1, ((2.5 - 0.5 * d) * d - 4) * d + 2
    weights = torch.where(d < 1, near, torch.where(d < 2, far, 0))
    return weights / weights.sum(2, keepdim=True)  # at the border some of the four pixels are missing
