"""Steadiness learned from stills: of two pictures that differ as two frames of a video do, alike pictures must be made.

A frame and the next differ by motion, light and noise. All three are made here, so that the motion is exact and no
video and no optical flow is needed: after the transform invariance of Eilertsen et al. 2019 (Single-frame
Regularization for Temporally Stable CNNs), ||f(T(x)) - T(f(x))||², and the noise of Zheng et al. 2016 (Stability
Training).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from stylecli.media.pixels import LUMA

SHIFT_MAX = 4.0  # pixels each way: the stride of the networks, so that all places on their grids occur
ZOOM_MAX = 0.01  # the picture grows or shrinks by at most this
LIGHT_MAX = 0.04  # of the brightness at either end of a picture: as a light that moves, or a camera that adapts
NOISE_MAX = 4 / 255  # standard deviation; two levels of 8 bits are hardly visible
BORDER = 8  # pixels that are not compared: what moved in from outside is not known there


@dataclass(frozen=True)
class Motion:
    """Where each picture of a batch takes its pixels from: a place p, from the centre, comes from p / zoom + shift.

    zoom: (N,). shift: (N, 2), pixels to the right and down.
    """

    zoom: Tensor
    shift: Tensor

    def halved(self) -> Motion:
        """The motion that gives this one when it is done twice."""
        zoom = self.zoom.sqrt()
        return Motion(zoom, self.shift / (1 + 1 / zoom)[:, None])

    def inverted(self) -> Motion:
        """The motion back."""
        return Motion(1 / self.zoom, -self.shift * self.zoom[:, None])


@dataclass(frozen=True)
class Change:
    """What makes the next frame of each picture: `light` (N, 3) as in `lit`, `noise` like the pictures."""

    motion: Motion
    light: Tensor
    noise: Tensor


def draw_change(image: Tensor, chance: str) -> Change:
    """A random change for pictures (N, 3, H, W); the same `chance` gives the same."""
    generator = torch.Generator().manual_seed(random.Random(chance).getrandbits(63))

    def even(*shape: int) -> Tensor:
        """Evenly drawn from -1..1."""
        return 2 * torch.rand(shape, generator=generator) - 1

    count = len(image)
    sigma = NOISE_MAX * torch.rand(count, 1, 1, 1, generator=generator)
    noise = sigma * torch.randn(image.shape, generator=generator)
    motion = Motion((1 + ZOOM_MAX * even(count)).to(image.device), (SHIFT_MAX * even(count, 2)).to(image.device))
    return Change(motion, (LIGHT_MAX * even(count, 3)).to(image.device), noise.to(image.device))


def moved(image: Tensor, motion: Motion) -> Tensor:
    """Pictures (N, 3, H, W) moved, bicubically; where pixels would come from outside, the border is repeated."""
    height, width = image.shape[-2:]
    rows = _weights(height, motion.zoom, motion.shift[:, 1])
    columns = _weights(width, motion.zoom, motion.shift[:, 0])
    return torch.einsum("nchw,nyh,nxw->ncyx", image, rows, columns)


def lit(image: Tensor, light: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) times 1 + a + b x + c y, where `light` (N, 3) holds a, b, c, and x, y are -1..1."""
    height, width = image.shape[-2:]
    a, b, c = light[..., None, None, None].unbind(1)  # (N, 1, 1, 1) each
    x = torch.linspace(-1, 1, width, device=image.device)
    y = torch.linspace(-1, 1, height, device=image.device)[:, None]
    return (image * (1 + a + b * x + c * y)).clamp(0, 1)


def luminance(image: Tensor) -> Tensor:
    """The brightness (N, 1, H, W) of pictures (N, 3, H, W): the luma of ITU-R BT.709."""
    return torch.einsum("nchw,c->nhw", image, torch.from_numpy(LUMA).to(image.device))[:, None]


def consistency_loss(stylized: Tensor, stylized_next: Tensor, motion: Motion, change_of_light: Tensor) -> Tensor:
    """How far what was made of two frames differs by more than their motion and light, a scalar >= 0.

    The output-level temporal loss of ReCoNet (Gao et al. 2018), with its luminance constraint: the mean of
    (O_t+1 - warp(O_t) - (Y_t+1 - warp(Y_t)))² over pixels and channels: strokes may follow the light. `change_of_light`
    is (N, 1, H, W), where the next frame is.

    A departure: both are moved half the way and meet in the middle. Moving by parts of a pixel blurs, and were but one
    of the two moved, then blurred pictures would be rewarded.
    """
    half = motion.halved()
    earlier = moved(stylized, half)
    later = moved(stylized_next - change_of_light, half.inverted())
    return (later - earlier)[..., BORDER:-BORDER, BORDER:-BORDER].square().mean()


def consistency(network: nn.Module, image: Tensor, stylized: Tensor, chance: str) -> Tensor:
    """The consistency loss of a network whose `stylized` of `image` (N, 3, H, W) is known already."""
    with torch.autocast(image.device.type, enabled=False):  # products of bfloat16 would move pictures too roughly
        change = draw_change(image, chance)
        after_motion = moved(image, change.motion).clamp(0, 1)
        after_light = lit(after_motion, change.light)
        change_of_light = luminance(after_light) - luminance(after_motion)
        following = (after_light + change.noise).clamp(0, 1)
    stylized_next = network(following.contiguous(memory_format=torch.channels_last))
    with torch.autocast(image.device.type, enabled=False):
        return consistency_loss(stylized.float(), stylized_next.float(), change.motion, change_of_light)


def _weights(size: int, zoom: Tensor, shift: Tensor) -> Tensor:
    """How much each pixel of a row of `size` counts for each of the moved row: (N, size, size).

    The cubic kernel of Keys 1981 with a = -1/2, which moves ramps exactly; that of PyTorch has a = -3/4 and does not.
    """
    pixels = torch.arange(size, device=zoom.device)
    centre = (size - 1) / 2
    places = ((pixels - centre) / zoom[:, None] + centre + shift[:, None]).clamp(0, size - 1)  # (N, size)
    d = (places[..., None] - pixels).abs()
    near, far = (1.5 * d - 2.5) * d**2 + 1, ((2.5 - 0.5 * d) * d - 4) * d + 2
    weights = torch.where(d < 1, near, torch.where(d < 2, far, 0))
    return weights / weights.sum(2, keepdim=True)  # at the border some of its four pixels are missing
