"""A clip opened: its size, rotation, colours and streams, and what is no video is refused."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path

import av
import PIL.Image
import pytest
from av.video.stream import VideoStream

from stylecli.core.errors import MediaError, UsageError
from stylecli.media.video.clip import Frame, probe
from stylecli.media.video.color import BT709
from stylecli.media.video.reading.reader import read_frames
from tests.support.clips import (
    SIZE,
    Made,
    ffmpeg,
    make_video,
    ramp,
    with_sound,
)


def frames(path: Path) -> list[Frame]:
    return list(read_frames(probe(path)))


def test_a_start_behind_zero_is_read_exactly(tmp_path: Path) -> None:
    path = make_video(tmp_path / "in.mp4", [4800, 7200, 9600], Made(time_base=Fraction(1, 57600)))
    clip = probe(path)
    assert clip.first == Fraction(4800, 57600)
    assert next(read_frames(clip)).pts * clip.time_base == clip.first


def test_turning_by_a_quarter_swaps_the_sides_and_turns_the_sample_aspect(tmp_path: Path) -> None:
    flat = make_video(tmp_path / "flat.mp4", [0], Made(settings={"sample_aspect_ratio": Fraction(4, 3)}))
    ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", tmp_path / "turned.mp4")
    clip = probe(tmp_path / "turned.mp4")
    assert (clip.width, clip.height) == SIZE[::-1]
    assert clip.sample_aspect == Fraction(3, 4)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_hdr_is_told_from_sdr(tmp_path: Path, transfer: int, name: str) -> None:
    path = make_video(tmp_path / "hdr.mp4", [0], Made(settings={"color_trc": transfer}))
    light = probe(path).light
    assert light is not None
    assert light.transfer == name
    assert probe(path).output_color == BT709
    assert probe(path, hdr="keep").output_color.transfer == transfer
    assert probe(make_video(tmp_path / "sdr.mp4", [0])).light is None


def test_another_moving_picture_can_be_chosen(tmp_path: Path) -> None:
    ffmpeg("-i", make_video(tmp_path / "a.mp4"), "-i", make_video(tmp_path / "b.mp4", made=Made(size=(32, 32))),
           "-map", "0", "-map", "1", "-c", "copy", tmp_path / "two.mp4")  # fmt: skip
    clip = probe(tmp_path / "two.mp4", number=1)
    assert (clip.width, clip.height, clip.stream) == (32, 32, 1)
    assert next(read_frames(clip)).pixels.shape == (32, 32, 3)
    with pytest.raises(UsageError, match=r"has no video stream 2.*there are 2"):
        probe(tmp_path / "two.mp4", number=2)


def test_cover_art_is_not_taken_for_the_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "in.mp4")
    ffmpeg("-i", video, "-frames:v", "1", tmp_path / "cover.png")
    ffmpeg("-i", tmp_path / "cover.png", "-i", video, "-map", "0", "-map", "1", "-c", "copy",
           "-disposition:v:0", "attached_pic", tmp_path / "covered.mp4")  # fmt: skip
    clip = probe(tmp_path / "covered.mp4")
    assert len(list(read_frames(clip))) == 10
    assert [other.kind for other in clip.others] == ["cover"]


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


def test_an_animation_without_transparency_has_none(tmp_path: Path) -> None:
    ffmpeg("-i", make_video(tmp_path / "in.mp4"), tmp_path / "in.gif")
    assert not probe(tmp_path / "in.gif").has_alpha
    assert frames(tmp_path / "in.gif")[0].alpha is None


@pytest.mark.parametrize(("degrees", "is_rounded"), [(90, False), (45, True), (10, True)])
def test_an_angle_that_is_no_right_one_is_noticed(tmp_path: Path, degrees: int, is_rounded: bool) -> None:
    ffmpeg("-display_rotation", str(degrees), "-i", make_video(tmp_path / "in.mp4"), "-c", "copy", tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").turn.is_rounded is is_rounded


PICTURES = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "avif": "AVIF"}


@pytest.mark.parametrize("suffix", PICTURES)
def test_a_still_picture_is_refused_as_what_it_is(tmp_path: Path, suffix: str) -> None:
    still = tmp_path / f"still.{suffix}"
    PIL.Image.fromarray(ramp(0)).save(still, PICTURES[suffix])
    with pytest.raises(MediaError, match=r"it is a picture, not a video.*`stylecli image`"):
        probe(still)


@pytest.mark.parametrize("suffix", ["gif", "png"])
def test_an_animation_is_a_video(tmp_path: Path, suffix: str) -> None:
    animation = tmp_path / f"animation.{suffix}"
    images = [PIL.Image.fromarray(ramp(number)) for number in range(3)]
    images[0].save(animation, PICTURES[suffix], save_all=True, append_images=images[1:], duration=100)
    assert len(frames(animation)) == 3


def test_side_data_of_an_unknown_kind_is_no_hindrance(tmp_path: Path) -> None:
    """Frames of a camera's Motion JPEG carry Exif, a kind that PyAV 18 has no name for."""
    path = tmp_path / "camera.avi"
    block = PIL.Image.Exif()
    block[0x010F] = "Acme"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuvj420p"
        for number in range(3):
            data = io.BytesIO()
            PIL.Image.fromarray(ramp(number)).save(data, "JPEG", exif=block.tobytes())
            packet = av.Packet(data.getvalue())
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            container.mux(packet)
    assert len(frames(path)) == 3
