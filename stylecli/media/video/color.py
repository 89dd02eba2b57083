"""How the numbers of a video frame become R'G'B' pixels and back: matrix, range, primaries and transfer.

The code points are those of ITU-T H.273, which libav uses as they are. Videos of up to 8 bits a channel have uint8
pixels, others uint16 over the full range of 0..65535. Alpha is straight, and apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from stylecli.core.errors import MediaError

if TYPE_CHECKING:
    from av import VideoFrame
    from numpy.typing import NDArray

UNSPECIFIED = 2
_BT709_CODE = 1
_BT601 = 6  # the 525-line variant; its matrix is the same as that of the 625-line one
_RGB_MATRIX = 0
_FULL_RANGE = 2
_LIMITED_RANGE = 1
_HD_WIDTH, _HD_HEIGHT = 1280, 720
_GREY = (1 << 30, 1 << 30)  # pixels that share a colour

# libswscale's number of the matrix -> coefficients, by H.273 code point. BT.601 has three code points.
_SWSCALE_MATRICES = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}


@dataclass(frozen=True)
class ColorTags:
    """What the numbers of a video mean, as H.273 code points; never unspecified."""

    matrix: int
    primaries: int
    transfer: int
    full_range: bool

    @property
    def range_code(self) -> int:
        """The range as libav's number."""
        return _FULL_RANGE if self.full_range else _LIMITED_RANGE


BT709 = ColorTags(matrix=_BT709_CODE, primaries=_BT709_CODE, transfer=_BT709_CODE, full_range=False)


def color_tags(frame: VideoFrame) -> ColorTags:
    """What `frame` says of itself; where it is silent, what players assume: BT.709 for HD, BT.601 below.

    A frame that is R'G'B' already gets the tags under which it will be written. Raises MediaError where the matrix is
    not known.
    """
    assumed = _BT709_CODE if frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT else _BT601
    matrix = assumed if frame.colorspace in (UNSPECIFIED, _RGB_MATRIX) else frame.colorspace
    if matrix not in _SWSCALE_MATRICES:
        raise MediaError(f"the video's colour matrix (H.273 number {matrix}) is not known", hint="Convert it first.")
    return ColorTags(
        matrix=matrix,
        primaries=frame.color_primaries if frame.color_primaries not in (0, UNSPECIFIED) else assumed,
        transfer=frame.color_trc if frame.color_trc not in (0, UNSPECIFIED) else assumed,
        full_range=not frame.format.is_rgb
        and (frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj")),
    )


def depth(pixel_format: str) -> int:
    """How many bits a channel has in a format of libav."""
    from av import VideoFormat

    return max((component.bits for component in VideoFormat(pixel_format).components), default=8)


def holds_alpha(pixel_format: str) -> bool:
    """Whether a format of libav has alpha."""
    from av import VideoFormat

    return any(component.is_alpha for component in VideoFormat(pixel_format).components)


def color_steps(pixel_format: str) -> tuple[int, int]:
    """How many pixels, across and down, share a sample of colour in a format of libav; all of them in grey."""
    from av import VideoFormat

    described = VideoFormat(pixel_format)
    if described.is_rgb or described.has_palette:
        return 1, 1
    if sum(not component.is_alpha for component in described.components) == 1:
        return _GREY
    unit = 64  # pixels; a power of two
    return unit // described.chroma_width(unit), unit // described.chroma_height(unit)


def has_finer_color(pixel_format: str, other: str) -> bool:
    """Whether a format of libav has more samples of colour, across or down, than another one."""
    return any(own < step for own, step in zip(color_steps(pixel_format), color_steps(other), strict=True))


class ColorConverter:
    """Converts frames of one kind, one thread at a time; it keeps libswscale's tables between frames."""

    def __init__(self, tags: ColorTags) -> None:
        from av.video.reformatter import Interpolation, VideoReformatter

        self._tags = tags
        self._reformatter = VideoReformatter()
        # Without these four, libswscale takes the nearest chroma sample and is one to two steps too dark.
        self._accuracy = (
            Interpolation.BICUBIC
            | Interpolation.ACCURATE_RND
            | Interpolation.FULL_CHR_H_INT
            | Interpolation.FULL_CHR_H_INP
        )

    def to_pixels(
        self, frame: VideoFrame, width: int, height: int, *, bits: int = 8, has_alpha: bool = False
    ) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """R'G'B' pixels (height, width, 3) of `frame` and its alpha (height, width), whatever its format.

        A frame of another size is scaled.
        """
        matrix = _SWSCALE_MATRICES[self._tags.matrix]
        converted = self._reformatter.reformat(
            frame,
            width,
            height,
            format=_packed(bits, has_alpha=has_alpha),
            src_colorspace=None if frame.format.is_rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=_FULL_RANGE if frame.format.is_rgb else self._tags.range_code,
            dst_color_range=_FULL_RANGE,
            interpolation=self._accuracy,
        )
        pixels = converted.to_ndarray()
        return (pixels[..., :3], pixels[..., 3]) if has_alpha else (pixels, None)

    def to_frame(self, pixels: NDArray[Any], pixel_format: str, alpha: NDArray[Any] | None = None) -> VideoFrame:
        """A frame of `pixel_format` with the matrix and range of the tags.

        Alpha that `pixel_format` has no room for is shown on black.
        """
        import numpy as np
        from av import VideoFrame

        if alpha is not None and not holds_alpha(pixel_format):
            pixels, alpha = on_black(pixels, alpha), None
        bits = 8 * pixels.itemsize
        if alpha is not None:
            pixels = np.concatenate([pixels, alpha[..., None]], axis=-1)
        matrix = _SWSCALE_MATRICES[self._tags.matrix]
        written = self.tags_of(pixel_format)
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(pixels, format=_packed(bits, has_alpha=alpha is not None)),
            format=pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=written.range_code,
            interpolation=self._accuracy,
        )
        frame.colorspace, frame.color_range = written.matrix, written.range_code
        frame.color_primaries, frame.color_trc = written.primaries, written.transfer
        return frame

    def tags_of(self, pixel_format: str) -> ColorTags:
        """The tags of frames in `pixel_format`: R'G'B' has no matrix and the full range."""
        from av import VideoFormat

        is_rgb = VideoFormat(pixel_format).is_rgb
        return replace(self._tags, matrix=_RGB_MATRIX, full_range=True) if is_rgb else self._tags


def on_black(pixels: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    """What is seen of transparent pixels in front of black; same shape and type."""
    import numpy as np

    top = np.iinfo(pixels.dtype).max
    shown: NDArray[Any] = (pixels.astype(np.uint32) * alpha[..., None] + top // 2) // top
    return shown.astype(pixels.dtype)


def _packed(bits: int, *, has_alpha: bool) -> str:
    if bits > 8:
        return "rgba64le" if has_alpha else "rgb48le"
    return "rgba" if has_alpha else "rgb24"
