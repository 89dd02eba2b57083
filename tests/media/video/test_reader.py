from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.clip import Clip, Frame, probe
from stylecli.media.video.color import BT709, color_tags
from stylecli.media.video.reader import read_frames
from tests.support.clips import (
    SIZE,
    UNEVEN,
    Made,
    ffmpeg,
    make_interlaced,
    make_transparent,
    make_video,
    pixels,
    ramp,
    veil,
    with_sound,
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


def test_a_start_behind_zero_is_read_exactly(tmp_path: Path) -> None:
    path = make_video(tmp_path / "in.mp4", [4800, 7200, 9600], Made(time_base=Fraction(1, 57600)))
    clip = probe(path)
    assert clip.first == Fraction(4800, 57600)
    assert next(seconds(clip, frame) for frame in read_frames(clip)) == clip.first


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


def test_turning_by_a_quarter_swaps_the_sides_and_turns_the_sample_aspect(tmp_path: Path) -> None:
    flat = make_video(tmp_path / "flat.mp4", [0], Made(settings={"sample_aspect_ratio": Fraction(4, 3)}))
    ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", tmp_path / "turned.mp4")
    clip = probe(tmp_path / "turned.mp4")
    assert (clip.width, clip.height) == SIZE[::-1]
    assert clip.sample_aspect == Fraction(3, 4)


@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
@pytest.mark.parametrize("range_code", [1, 2])
def test_colours_are_read_with_the_matrix_and_range_of_the_file(tmp_path: Path, matrix: int, range_code: int) -> None:
    swscale_matrix = {6: 5}.get(matrix, matrix)
    tags = {"colorspace": swscale_matrix, "color_range": range_code, "color_primaries": 1, "color_trc": 1}
    path = make_video(tmp_path / "in.mkv", [0, 1], Made(encoder="libvpx-vp9", settings=tags, pixel_format="yuv444p"))
    assert probe(path).color.full_range == (range_code == 2)
    assert difference(frames(path)[0].pixels, ramp(0)) < NEARLY_THE_SAME


@pytest.mark.parametrize(("size", "matrix"), [((1280, 720), 1), ((720, 1280), 1), ((720, 576), 6)])
def test_untagged_video_is_bt709_if_it_is_hd_and_bt601_below(size: tuple[int, int], matrix: int) -> None:
    from av import VideoFrame

    tags = color_tags(VideoFrame(*size, "yuv420p"))
    assert (tags.matrix, tags.primaries, tags.transfer, tags.full_range) == (matrix, matrix, matrix, False)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_told_from_sdr(tmp_path: Path, transfer: int, name: str) -> None:
    path = make_video(tmp_path / "hdr.mp4", [0], Made(settings={"color_trc": transfer}))
    light = probe(path).light
    assert light is not None
    assert light.transfer == name
    assert probe(path).output_color == BT709
    assert probe(path, hdr="keep").output_color.transfer == transfer
    assert probe(make_video(tmp_path / "sdr.mp4", [0])).light is None


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


def test_an_animation_without_transparency_has_none(tmp_path: Path) -> None:
    ffmpeg("-i", make_video(tmp_path / "in.mp4"), tmp_path / "in.gif")
    assert not probe(tmp_path / "in.gif").has_alpha
    assert frames(tmp_path / "in.gif")[0].alpha is None


def test_another_moving_picture_can_be_chosen(tmp_path: Path) -> None:
    ffmpeg("-i", make_video(tmp_path / "a.mp4"), "-i", make_video(tmp_path / "b.mp4", made=Made(size=(32, 32))),
           "-map", "0", "-map", "1", "-c", "copy", tmp_path / "two.mp4")  # fmt: skip
    clip = probe(tmp_path / "two.mp4", number=1)
    assert (clip.width, clip.height, clip.stream) == (32, 32, 1)
    assert next(read_frames(clip)).pixels.shape == (32, 32, 3)
    with pytest.raises(UsageError, match=r"has no video stream 2.*there are 2"):
        probe(tmp_path / "two.mp4", number=2)


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


def test_cover_art_is_not_taken_for_the_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "in.mp4")
    ffmpeg("-i", video, "-frames:v", "1", tmp_path / "cover.png")
    ffmpeg("-i", tmp_path / "cover.png", "-i", video, "-map", "0", "-map", "1", "-c", "copy",
           "-disposition:v:0", "attached_pic", tmp_path / "covered.mp4")  # fmt: skip
    clip = probe(tmp_path / "covered.mp4")
    assert len(list(read_frames(clip))) == 10
    assert [other.kind for other in clip.others] == ["cover"]


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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"gone\.mp4: no such file"):
        probe(tmp_path / "gone.mp4")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(MediaError, match=r"empty\.mp4: the file is empty"):
        probe(tmp_path / "empty.mp4")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="is not a file"):
        probe(tmp_path)


def test_a_text_named_as_a_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("To be or not to be.\n" * 100)
    with pytest.raises(MediaError, match=r"text\.mp4: cannot be read as a video"):
        probe(tmp_path / "text.mp4")


def test_sound_alone_is_refused_as_such(tmp_path: Path) -> None:
    ffmpeg("-i", with_sound(make_video(tmp_path / "in.mp4"), tmp_path / "both.mp4"), "-vn", tmp_path / "sound.m4a")
    with pytest.raises(MediaError, match=r"sound\.m4a: has no video stream, it holds only sound"):
        probe(tmp_path / "sound.m4a")


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
