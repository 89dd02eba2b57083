"""The colour tags of a video: those that its file names, or the usual ones for its size."""

from __future__ import annotations

import pytest

from stylecli.media.video.color import color_tags


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), 1), ((720, 1280), 1), ((720, 576), 6)])
def test_untagged_video_is_bt709_if_it_is_hd_and_bt601_below(size: tuple[int, int], matrix: int) -> None:
    from av import VideoFrame

    tags = color_tags(VideoFrame(*size, "yuv420p"))
    assert (tags.matrix, tags.primaries, tags.transfer, tags.full_range) == (matrix, matrix, matrix, False)
