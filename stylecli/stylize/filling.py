"""Brush strokes in the empty areas of a photo.

A network paints strokes where the photo has edges, and leaves a clear sky empty. So such areas get a faint texture
before the network sees them: sparse noise, smeared along a field of directions (line integral convolution, Cabral and
Leedom 1993). The directions follow the edges of the photo, by the squared complex gradient (Bigün and Granlund 1987).
Far from edges they follow wind and swirls: the contour lines of smooth noise on a slope, as in curl noise (Bridson et
al. 2007). Skin and wood get no texture: on a face, strokes look like wrinkles.

`stylecli/web/page/filling.js` computes the same texture in a browser. So the random numbers are hashes of places, which
both languages compute to the bit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stylecli.media.blurring import blurred
from stylecli.media.enlarging import enlarged
from stylecli.media.pixels import LUMA, Floats, quantize, to_unit
from stylecli.stylize.samples import at_full_size, samples_of

Vectors = NDArray[np.complexfloating[Any, Any]]  # across + i * down

# Lengths are in samples (`stylize.samples`).
AMPLITUDE = 0.035  # standard deviation of the texture, in 0..1
STROKE_LENGTH = 10  # on either side
STROKE_WIDTH = 1.0  # standard deviation
STROKES = 0.02  # noise values for each sample
EDGES = ((1.5, 1.0), (5.0, 0.3), (14.0, 0.15))  # how far edges reach: standard deviations and their weights
WIND = 2e-5  # weight of wind and swirls, against squared gradients of the photo
SWIRLS = 3  # along the short side
SLOPE = 2.4  # of the wind, against the mean slope of the swirls
EMPTY = 0.03  # local contrast, in 0..1, from which an area counts as full
NEAR = 5.0  # standard deviation of the neighbourhood in which contrast counts
WIDE = 12.0  # standard deviation of the neighbourhood that must be empty, too
EVEN = 9.0  # standard deviation of the neighbourhood in which the texture gets the same contrast everywhere
WARMTH = np.array([[0.500, -0.419, -0.081], [0.169, 0.331, -0.500]], np.float32)  # Cr and -Cb of R'G'B', ITU-R BT.601
WARM = 0.04  # Cr and -Cb from which an area may be skin or wood
SEED = 1
CHUNK = 1_000_000  # samples that are smeared at once


def with_strokes(pixels: NDArray[Any], texture: Floats, amount: float) -> NDArray[Any]:
    """Add `amount` times a texture from `stroke_texture` to its picture (H, W, 3); same shape and type."""
    height, width = pixels.shape[:2]
    textured = np.empty_like(pixels)
    for rows, change in at_full_size(texture, height, width):
        light = to_unit(pixels[rows]) + np.float32(amount) * change[..., None]
        textured[rows] = quantize(np.clip(light, 0, 1), pixels.dtype)
    return textured


def stroke_texture(pixels: NDArray[Any]) -> Floats:
    """Return the texture for a picture (H, W, 3) of any type, at the size at which the network works.

    (H / 4, W / 4), rounded up, mostly within -0.1..0.1, 0 where the photo is not empty. Equal pictures have equal
    textures.
    """
    small = samples_of(pixels)
    height, width = small.shape[:2]
    brightness: Floats = small @ LUMA
    emptiness = _contrast_free(brightness) * _coldness(small)
    emptiness *= np.clip(2 * blurred(emptiness, WIDE) - 0.5, 0, 1)  # lone strokes look like scratches
    texture = np.zeros_like(brightness)
    empty = np.flatnonzero(emptiness)
    if len(empty) == 0:
        return texture
    noise, directions = _sparse_noise(height, width), _directions(brightness)
    for start in range(0, len(empty), CHUNK):
        samples = empty[start : start + CHUNK]
        texture.flat[samples] = _smeared(noise, directions, samples)
    share = blurred((emptiness > 0).astype(np.float32), EVEN)
    variance = blurred(texture**2, EVEN) / np.maximum(share, 1e-3)
    even: Floats = texture * (AMPLITUDE * emptiness / np.sqrt(np.maximum(variance, 1e-12)))
    return even


def _contrast_free(brightness: Floats) -> Floats:
    """Return 1 where the photo has no contrast, 0 near any."""
    contrast = np.sqrt(np.maximum(blurred((brightness - blurred(brightness, STROKE_WIDTH)) ** 2, NEAR), 0))
    free: Floats = np.clip(1 - contrast / np.float32(EMPTY), 0, 1)
    return free


def _coldness(small: Floats) -> Floats:
    """Return 1 for grey and cold colours, 0 for those of skin (Chai and Ngan 1999) and wood."""
    warmth = blurred(small, STROKE_WIDTH) @ WARMTH.T
    coldness: Floats = np.clip(1 - warmth.min(-1) / np.float32(WARM), 0, 1)
    return coldness


def _directions(brightness: Floats) -> Vectors:
    """Return unit vectors along the strokes, (H, W); their sign means nothing."""
    squared = _gradient(brightness) ** 2  # of twice the angle: opposite gradients are equal
    edges = sum(weight * blurred(squared, sigma) for sigma, weight in EDGES)
    wind = WIND * blurred(_wind(*brightness.shape) ** 2, EVEN)
    return np.asarray(1j * np.exp(0.5j * np.angle(edges + wind)), np.complex64)  # at right angles to the gradient


def _wind(height: int, width: int) -> Vectors:
    """Return the direction of the gradient of smooth noise on a slope."""
    short = min(height, width)
    knots = [math.ceil(SWIRLS * side / short - 0.5) + 1 for side in (height, width)]
    heights = np.asarray(_hashed(_places(*knots)) / 2**32, np.float32)
    hills = np.empty((height, width), np.float32)
    for rows, values in enlarged(heights[None], height, width):
        hills[rows] = values[0]
    gradient = _gradient(hills)
    gradient = gradient + np.complex64(1j * SLOPE * np.abs(gradient.imag).mean())
    directions: Vectors = gradient / np.maximum(np.abs(gradient), np.float32(1e-9))
    return directions


def _gradient(values: Floats) -> Vectors:
    if min(values.shape) < 2:
        return np.zeros(values.shape, np.complex64)
    down, across = np.gradient(values)
    return np.asarray(across + 1j * down, np.complex64)


def _sparse_noise(height: int, width: int) -> Floats:
    """Return single dabs of paint, bright and dark, less the mean of a wide neighbourhood."""
    chance = _hashed(_places(height, width))
    noise = np.where(chance < STROKES * 2**32, _normal(_hashed(chance)), np.float32(0))
    dabs: Floats = blurred(noise, STROKE_WIDTH) - blurred(noise, 5 * STROKE_WIDTH)
    return dabs


def _places(height: int, width: int) -> NDArray[np.uint32]:
    """Return a number for each place (H, W)."""
    rows, columns = np.arange(height, dtype=np.uint32), np.arange(width, dtype=np.uint32)
    return (rows[:, None] << np.uint32(16)) + columns


def _hashed(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return numbers that look random, 0 to 2^32 - 1: the mixer lowbias32 (Wellons 2018) of equal numbers is equal."""
    mixed = values + np.uint32(SEED)
    mixed ^= mixed >> 16
    mixed *= np.uint32(0x7FEB352D)
    mixed ^= mixed >> 15
    mixed *= np.uint32(0x846CA68B)
    mixed ^= mixed >> 16
    return mixed


def _normal(values: NDArray[np.uint32]) -> Floats:
    """Return nearly normal numbers, of mean 0 and standard deviation 1: sums of the four bytes of random numbers."""
    sums = sum((values >> shift) & 255 for shift in (0, 8, 16, 24))
    return np.asarray((sums - np.float32(510)) / np.float32(21845**0.5), np.float32)


def _smeared(noise: Floats, directions: Vectors, samples: NDArray[np.intp]) -> Floats:
    """Return the weighted sum of `noise` along the strokes through some samples, given by their flat indices."""
    height, width = noise.shape
    values, vectors = noise.ravel(), directions.ravel()
    total = values[samples]
    for sign in (1, -1):
        down, across = (axis.astype(np.float32) for axis in np.divmod(samples, width))
        heading = sign * vectors[samples]
        for step in range(1, STROKE_LENGTH + 1):
            across = np.clip(across + heading.real, 0, width - 1)
            down = np.clip(down + heading.imag, 0, height - 1)
            here = np.rint(down).astype(np.intp) * width + np.rint(across).astype(np.intp)
            ahead = vectors[here]
            heading = np.where((ahead * heading.conj()).real < 0, -ahead, ahead)
            total += np.float32(0.5 + 0.5 * np.cos(np.pi * step / (STROKE_LENGTH + 1))) * values[here]
    return total
