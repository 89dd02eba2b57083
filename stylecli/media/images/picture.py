"""Pictures in memory: the pixels that are painted, and what goes along with them from the file they came from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from stylecli.media.images.metadata.kept import NOTHING, Metadata
from stylecli.media.images.metadata.tiff_private import names_of, without_place
from stylecli.media.pixels import quantize, to_unit
from stylecli.media.resizing import resize

if TYPE_CHECKING:
    from stylecli.media.images.codecs.exr import ExrContents
    from stylecli.media.images.formats import Format
    from stylecli.media.images.metadata.png import Chunk

Weight = float | NDArray[np.float32]  # 0 to 1; one number, or one for each pixel (H, W)


@dataclass(frozen=True)
class Contents:
    """What a picture's file holds, in the file's own terms.

    samples: (H, W, channels), upright, alpha last if there is one; None once the picture has got other pixels.
    interpretation: libvips's name of their colour space. bits: 8 or 16 a sample.
    """

    samples: NDArray[Any] | None
    interpretation: str
    bits: int
    profile: bytes | None
    metadata: Metadata
    original: NDArray[Any] | None = None  # the samples, once the picture has got other pixels in a part of it
    weight: Weight = 1.0  # of those other pixels
    color: tuple[Chunk, ...] = ()  # chunks of a PNG that tell the profile's space; another PNG tells it so again


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture: sRGB-encoded RGB, upright, and its transparency.

    pixels: (H, W, 3) uint8, uint16 or float32 in 0..1. alpha: (H, W) of any of these types, None for opaque.
    A picture from a file also carries the file's metadata, profile and own samples: written with its pixels not
    replaced, it has the identical samples.
    lost: what the file holds besides, and the picture does not: further frames, a gain map.
    """

    pixels: NDArray[Any]
    alpha: NDArray[Any] | None = None
    contents: Contents | ExrContents | None = field(default=None, repr=False)
    lost: tuple[str, ...] = ()

    def with_pixels(self, pixels: NDArray[Any], *, weight: Weight = 1.0) -> Picture:
        """Return the picture with other pixels of the same shape and type; all else stays.

        weight: how much of `pixels` is new, 0 to 1, a number or (H, W). Where it is 0, the file's own samples are
        written again; in between, what lies outside of sRGB stays by its share.
        """
        if (pixels.shape, pixels.dtype) != (self.pixels.shape, self.pixels.dtype):
            raise ValueError(f"{pixels.dtype} {pixels.shape} for {self.pixels.dtype} {self.pixels.shape}")
        contents = self.contents and replace(self.contents, samples=None, weight=weight)
        if isinstance(self.contents, Contents) and isinstance(contents, Contents) and np.any(np.less(weight, 1)):
            contents = replace(contents, original=self.contents.samples)
        return replace(self, pixels=pixels, contents=contents)


@dataclass(frozen=True)
class Animation:
    """How the frames of an animation are shown. delays: milliseconds, one a frame. loops: 0 is for ever."""

    delays: tuple[int, ...]
    loops: int = 0


@dataclass(frozen=True, eq=False)
class SourceFile:
    """The file that pictures were read from: its bytes, its format, and the pictures as they were read."""

    data: bytes
    format: Format
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Pages:
    """The pictures of one file, at least one: frames of an animation, pages of a document, or views of one moment.

    animation: None for pages, and where only one frame was read. lost: what the file holds besides, and no picture of
    it does. total: how many pictures the file has. kind: what they are. source: None where not all of it was read.
    """

    pictures: tuple[Picture, ...]
    animation: Animation | None = None
    lost: tuple[str, ...] = ()
    total: int = 1
    kind: Literal["frames", "pages", "views"] = "pages"
    source: SourceFile | None = field(default=None, repr=False)

    def unchanged_file(self, format_: Format) -> bytes | None:
        """Return the bytes of the file itself, if it has this format and all of its pictures are as they were read."""
        source = self.source
        if source is None or source.format is not format_ or len(source.pictures) != len(self.pictures):
            return None
        is_same = all(new is old for new, old in zip(self.pictures, source.pictures, strict=True))
        return source.data if is_same else None


def picture_from_pixels(pixels: NDArray[Any], alpha: NDArray[Any] | None = None) -> Picture:
    """Make a picture that comes from no file; shapes and types as in `Picture`. Float is written with 16 bits."""
    return Picture(pixels, alpha)


def contents_of_pixels(pixels: NDArray[Any]) -> Contents:
    """Return the contents that the file of such a picture would have."""
    return Contents(None, "srgb", 8 if pixels.dtype == np.uint8 else 16, profile=None, metadata=NOTHING)


def with_pixels_of_any_size(picture: Picture, pixels: NDArray[Any]) -> Picture:
    """Return the picture with other pixels (H, W, 3); at another size only transparency is kept, resized."""
    if pixels.shape == picture.pixels.shape:
        return picture.with_pixels(pixels)
    return picture_from_pixels(pixels, _alpha_at(picture, *pixels.shape[:2]))


def resized(picture: Picture, height: int, width: int) -> Picture:
    """Resize the picture, with its metadata and profile. Of an EXR only pixels and alpha are kept."""
    if picture.pixels.shape[:2] == (height, width):
        return picture
    pixels = quantize(resize(picture.pixels, height, width), picture.pixels.dtype)
    lost = picture.lost
    contents = picture.contents if isinstance(picture.contents, Contents) else None
    if contents:
        placed = contents.metadata.private
        private = without_place(placed)
        contents = replace(contents, samples=None, metadata=replace(contents.metadata, private=private))
        lost += names_of(placed.keys() - private.keys())
    elif picture.contents is not None:
        lost += ("light above 1, further channels and attributes of the EXR",)
    return Picture(pixels, _alpha_at(picture, height, width), contents, lost)


def _alpha_at(picture: Picture, height: int, width: int) -> NDArray[Any] | None:
    if picture.alpha is None:
        return None
    alpha = resize(to_unit(picture.alpha)[..., None], height, width)[..., 0]
    return quantize(alpha, picture.alpha.dtype)
