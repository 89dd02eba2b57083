from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError
from stylecli.media.video.clip import Clip, Frame, probe
from stylecli.media.video.reading.reader import read_frames
from tests.support.clips import (
    UNEVEN,
    Made,
    ffmpeg,
    make_interlaced,
    make_transparent,
    make_video,
    pixels,
    ramp,
    veil,
)

# Steps of 255: what 8-bit Y'CbCr at a good CRF and other interpolation of colour may cost a soft picture.
NEARLY_THE_SAME = 2.0
MILLISECOND = Fraction(1, 1000)
# An upright picture differs from each of its seven other turns by far more.
CLEARLY_DIFFERENT = 10.0


def frames(path: Path, **options: object) -> list[Frame]:
    return list(read_frames(probe(path), **options))  # type: ignore[arg-type]


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute difference in steps of 255; sizes must agree."""
    assert first.shape == second.shape
    return float(np.abs(first.astype(float) - second).mean())


def seconds(clip: Clip, frame: Frame) -> Fraction:
    return frame.pts * clip.time_base


def test_frames_come_in_order_with_their_pictures(tmp_path: Path) -> None:
    read = frames(make_video(tmp_path / "in.mp4"))
    assert [difference(frame.pixels, ramp(number)) < NEARLY_THE_SAME for number, frame in enumerate(read)] == [
        True
    ] * 10


def test_uneven_timestamps_are_read_exactly(tmp_path: Path) -> None:
    path = make_video(tmp_path / "in.mkv", UNEVEN, Made(time_base=Fraction(1, 1000)))
    assert [frame.pts for frame in frames(path)] == list(UNEVEN)


def test_a_stream_without_timestamps_runs_at_its_rate(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "10", tmp_path / "bare.h264")
    clip = probe(tmp_path / "bare.h264")
    assert [seconds(clip, frame) for frame in read_frames(clip)] == [Fraction(number, 25) for number in range(10)]


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("mirror", [(), ("-display_hflip",), ("-display_vflip",)])
def test_a_turned_video_is_upright(tmp_path: Path, degrees: int, mirror: tuple[str, ...]) -> None:
    flat = make_video(tmp_path / "flat.mp4", [0])
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", str(degrees), *mirror, "-i", flat, "-c", "copy", path)
    upright = pixels(path)[0]
    assert difference(frames(path)[0].pixels, upright) < NEARLY_THE_SAME
    assert difference(upright, np.flip(upright)) > CLEARLY_DIFFERENT


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("range_code", [1, 2])
def test_colours_are_read_with_the_matrix_and_range_of_the_file(tmp_path: Path, matrix: int, range_code: int) -> None:
    swscale_matrix = {6: 5}.get(matrix, matrix)
    tags = {"colorspace": swscale_matrix, "color_range": range_code, "color_primaries": 1, "color_trc": 1}
    path = make_video(tmp_path / "in.mkv", [0, 1], Made(encoder="libvpx-vp9", settings=tags, pixel_format="yuv444p"))
    assert probe(path).color.full_range == (range_code == 2)
    assert difference(frames(path)[0].pixels, ramp(0)) < NEARLY_THE_SAME


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv444p10le"])
@pytest.mark.parametrize("range_code", [1, 2])
def test_ten_bits_come_as_sixteen_with_their_finer_steps(tmp_path: Path, pixel_format: str, range_code: int) -> None:
    made = Made(encoder="ffv1", pixel_format=pixel_format, settings={"color_range": range_code}, time_base=MILLISECOND)
    path = make_video(tmp_path / "in.mkv", [0, 40], made)
    frame = frames(path)[0]
    assert probe(path).bits == 10
    assert frame.pixels.dtype == np.uint16
    assert difference(frame.pixels / 257, ramp(0)) < NEARLY_THE_SAME
    assert len(np.unique(frame.pixels)) > 256


@pytest.mark.parametrize(
    ("encoder", "pixel_format"), [("libvpx-vp9", "yuva420p"), ("prores_ks", "yuva444p10le"), ("ffv1", "yuva420p")]
)
def test_transparency_is_read(tmp_path: Path, encoder: str, pixel_format: str) -> None:
    path = make_transparent(tmp_path / "in.mkv", encoder=encoder, pixel_format=pixel_format)
    for number, frame in enumerate(frames(path)):
        assert frame.alpha is not None
        assert frame.alpha.dtype == frame.pixels.dtype
        top = np.iinfo(frame.alpha.dtype).max
        assert difference(frame.alpha * (255 / top), veil(number)) < NEARLY_THE_SAME


def test_a_reading_that_skips_goes_on_as_one_from_the_start(tmp_path: Path) -> None:
    clip = probe(make_interlaced(tmp_path / "in.mkv"))
    whole, rest = list(read_frames(clip)), list(read_frames(clip, skip=7))
    assert [frame.pts for frame in rest] == [frame.pts for frame in whole[7:]]
    assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(whole[7:], rest, strict=True))


@pytest.mark.parametrize("name", ["in.mkv", "in.ts"])
def test_what_is_readable_of_a_truncated_file_is_given_when_allowed(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-g", "10", whole)
    cut = whole.with_stem("cut")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    assert 40 < len(frames(cut, allow_truncated=True)) < 75


def test_a_range_holds_the_frames_that_start_in_it(tmp_path: Path) -> None:
    read = frames(make_video(tmp_path / "in.mp4"), span=(Fraction(4, 25), Fraction(8, 25)))
    assert [frame.pts for frame in read] == [4 * 512, 5 * 512, 6 * 512, 7 * 512]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_range_far_behind_a_key_frame_misses_no_frame(tmp_path: Path, suffix: str) -> None:
    long = make_video(tmp_path / "long.mp4", range(0, 512 * 100, 512))
    ffmpeg("-i", long, "-c", "copy", tmp_path / f"in{suffix}")
    read = frames(tmp_path / f"in{suffix}", span=(Fraction(3), Fraction(7, 2)))
    # MPEG-TS starts half a frame late for its decoder, so 12 or 13 frames lie in half a second.
    assert len(read) in (12, 13)
    assert difference(read[0].pixels, ramp(75)) < 2 * 4 + NEARLY_THE_SAME  # at most two frames of 4 steps away


@pytest.mark.parametrize(
    ("name", "options"),
    [("in.mp4", ("-movflags", "+faststart")), ("in.mkv", ()), ("in.mp4", ("-movflags", "frag_keyframe+empty_moov"))],
)
def test_a_truncated_video_is_an_error_and_never_a_shorter_one(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    whole = tmp_path / name
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-g", "10", *options, whole)
    assert len(frames(whole)) == 100
    cut = whole.with_stem("cut")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    with pytest.raises(MediaError, match="cut off"):
        frames(cut)


def test_a_few_frames_missing_at_the_end_are_noticed(tmp_path: Path) -> None:
    whole = tmp_path / "in.mkv"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=4", "-bf", "0", whole)
    cut = whole.with_stem("cut")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 95 // 100])
    remarks: list[str] = []
    assert 80 < len(frames(cut, notice=remarks.append)) < 98
    assert len(remarks) == 1
    assert "earlier than its header says" in remarks[0]
