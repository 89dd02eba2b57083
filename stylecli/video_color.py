"""How the numbers of a video frame become R'G'B' pixels and back: matrix, range, primaries and transfer.

The code points are those of ITU-T H.273, which libav uses as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from stylecli.errors import MediaError

if TYPE_CHECKING:
    import numpy as np
    from av import VideoFrame
    from numpy.typing import NDArray

UNSPECIFIED = 2
_BT709 = 1
_BT601 = 6  # the 525-line variant; its matrix is the same as that of the 625-line one
_RGB_MATRIX = 0
_FULL_RANGE = 2
_LIMITED_RANGE = 1
_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_HD_WIDTH, _HD_HEIGHT = 1280, 720

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


def color_tags(frame: VideoFrame) -> ColorTags:
    """What `frame` says of itself; where it is silent, what players assume: BT.709 for HD, BT.601 below.

    A frame that is R'G'B' already gets the tags under which it will be written. Raises MediaError for HDR.
    """
    if frame.color_trc in _HDR_TRANSFERS:
        raise MediaError(
            f"the video is HDR ({_HDR_TRANSFERS[frame.color_trc]})",
            hint="Tone-map it to SDR first: its colours would come out wrong.",
        )
    assumed = _BT709 if frame.width >= _HD_WIDTH or frame.height >= _HD_HEIGHT else _BT601
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

    def to_pixels(self, frame: VideoFrame, width: int, height: int) -> NDArray[np.uint8]:
        """R'G'B' pixels (height, width, 3) of `frame`, whatever its format; it is scaled if it has another size."""
        matrix = _SWSCALE_MATRICES[self._tags.matrix]
        converted = self._reformatter.reformat(
            frame,
            width,
            height,
            format="rgb24",
            src_colorspace=None if frame.format.is_rgb else matrix,
            dst_colorspace=matrix,
            src_color_range=_FULL_RANGE if frame.format.is_rgb else self._tags.range_code,
            dst_color_range=_FULL_RANGE,
            interpolation=self._accuracy,
        )
        return cast("NDArray[np.uint8]", converted.to_ndarray())

    def to_frame(self, pixels: NDArray[np.uint8], pixel_format: str) -> VideoFrame:
        """A frame of `pixel_format` with the matrix and range of the tags."""
        from av import VideoFrame

        matrix = _SWSCALE_MATRICES[self._tags.matrix]
        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(pixels, format="rgb24"),
            format=pixel_format,
            src_colorspace=matrix,
            dst_colorspace=matrix,
            src_color_range=_FULL_RANGE,
            dst_color_range=self._tags.range_code,
            interpolation=self._accuracy,
        )
        frame.colorspace = self._tags.matrix
        frame.color_range = self._tags.range_code
        frame.color_primaries = self._tags.primaries
        frame.color_trc = self._tags.transfer
        return frame
